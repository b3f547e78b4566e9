//! What ten thousand subscribers of one upstream stream cost one server: memory for each that waits, CPU time for each
//! message that one of them gets, and memory while a tenth of them do not read.
//!
//! `cargo bench -p trunkline-cli --bench streams [-- --readers 10000 --messages 100]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, dials what it measures, and stops where it cannot go on"
)]

#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benchmarks need more of it")]
mod process;
mod push;
mod reader;
#[path = "../common/service.rs"]
mod service;

use process::Process;
use reader::Reader;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use tokio::{task::JoinSet, time::Instant};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match args.get(1).map(String::as_str) {
        Some("push") => push::serve(),
        _ => measure(&args),
    }
}

fn measure(args: &[String]) {
    let option = |name: &str, default: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (readers, messages) = (option("--readers", 10_000), option("--messages", 100));
    // A file for each subscriber, as far as the system lets us.
    let most = getrlimit(Resource::Nofile).maximum;
    let _ = setrlimit(Resource::Nofile, Rlimit { current: most, maximum: most });
    let push = Process::start("push", "1", &[]);
    let feed = json!([{
        "integration_id": "feed", "type": "websocket", "base_url": format!("ws://{}", push.address),
        "buffer": { "when_full": "drop_oldest" },
    }]);
    let server = Process::trunkline_with("0", &feed, &json!({ "connections": readers + 100 }));
    process::pin_self("1");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        // The first one has the server make what it makes once.
        let mut all = vec![Reader::open(&server.address).await];
        let alone = server.resident();
        let began = Instant::now();
        while (all.len() as u64) < readers {
            all.push(Reader::open(&server.address).await);
        }
        let waiting = server.resident();
        println!(
            "{readers} subscribers in {:.1} s, all over one upstream connection",
            began.elapsed().as_secs_f64()
        );
        println!("memory of the server  {:>8.1} MiB with one subscriber", mib(alone));
        println!("                      {:>8.1} MiB with all of them waiting", mib(waiting));
        println!("                      {:>8.0} bytes each", (waiting - alone) as f64 / (readers - 1) as f64);

        let (began, cpu) = (Instant::now(), server.cpu());
        reader::burst(&server.address, messages).await;
        all = read(all, messages).await;
        let (took, cpu) = (began.elapsed().as_secs_f64(), server.cpu() - cpu);
        let delivered = (readers * messages) as f64;
        println!(
            "{messages} messages to each: {:.0} a second, {:.2} CPU µs each",
            delivered / took,
            cpu * 1e6 / delivered
        );
        println!("                      {:>8.1} MiB afterwards", mib(server.resident()));

        // A tenth of them stop reading; what is kept for them is bounded, and the others get all that comes.
        let idle = all.split_off(all.len() - all.len() / 10);
        for _ in 0..10 {
            reader::burst(&server.address, messages).await;
            all = read(all, messages).await;
        }
        println!(
            "                      {:>8.1} MiB after {} more, which {} of them did not read",
            mib(server.resident()),
            messages * 10,
            idle.len()
        );
        drop(idle);
    });
}

/// Has each of them get so many messages.
async fn read(all: Vec<Reader>, messages: u64) -> Vec<Reader> {
    let mut tasks = JoinSet::new();
    for mut reader in all {
        tasks.spawn(async move {
            reader.read(messages).await;
            reader
        });
    }
    tasks.join_all().await
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
