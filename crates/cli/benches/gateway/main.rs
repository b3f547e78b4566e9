//! What a request through `trunkline serve` costs, as it is shipped and with everything on that is on unless
//! configured otherwise, against a bare hyper reverse proxy of thirty lines and against nginx; and what a hit of
//! its cache costs, against a bare hyper server that answers from memory and against nginx's cache: CPU time per
//! request of the gateway's own process, as ratios of rounds in turn.
//!
//! `cargo bench -p trunkline-cli --bench gateway [-- --rounds 15 --seconds 1]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

mod bare;
#[path = "../common/load.rs"]
mod load;
mod nginx;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benchmarks need more of it")]
mod process;
mod upstream;

use nginx::nginx;
use process::Process;
use serde_json::{Value, json};

/// Connections of the load.
const CONNECTIONS: usize = 64;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let word = |at: usize| args.get(at).map(String::as_str).unwrap_or_default();
    match word(1) {
        "upstream" => upstream::serve(),
        "bare" => bare::serve(word(2)),
        _ => compare(&args),
    }
}

/// `bench` with the layers that are on unless configured otherwise, `plain` with as few as there can be, and `cached`
/// that keeps replies.
fn integrations(upstream: &str) -> Value {
    let bench = json!({
        "integration_id": "bench", "type": "rest", "base_url": format!("http://{upstream}"),
        "auth_type": "bearer", "auth_config": { "token": upstream::TOKEN },
    });
    let mut plain = bench.clone();
    plain["integration_id"] = "plain".into();
    plain["retry_config"] = json!({ "max_attempts": 1 });
    plain["rate_limit"] = json!({ "learn": false });
    for layer in ["breaker", "concurrency", "cache_config"] {
        plain[layer] = json!({ "enabled": false });
    }
    let mut cached = bench.clone();
    cached["integration_id"] = "cached".into();
    cached["cache_config"] = json!({ "ttl": "1h" });
    json!([bench, plain, cached])
}

/// A path to the same upstream.
struct Target {
    name: &'static str,
    process: Process,
    request: Vec<u8>,
    /// CPU microseconds per request of each round.
    cost: Vec<f64>,
    rate: Vec<f64>,
}

fn compare(args: &[String]) {
    let option = |name: &str, default: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (rounds, seconds) = (option("--rounds", 15), option("--seconds", 1));
    let upstream = Process::start("upstream", "1", &[]);
    let at = upstream.address.clone();
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").into_bytes();
    let envelope = r#"{"method":"GET","endpoint":"/item"}"#;
    let post = format!(
        "POST /api/v1/integrations/bench/call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{envelope}",
        envelope.len()
    )
    .into_bytes();
    let target =
        |name, process, request| Target { name, process, request, cost: Vec::new(), rate: Vec::new() };
    let mut targets = vec![
        target("bare hyper proxy", Process::start("bare", "0", &[&at]), get("/item")),
        target(
            "trunkline /proxy",
            Process::trunkline("0", &integrations(&at)),
            get("/api/v1/integrations/bench/proxy/item"),
        ),
        target(
            "  few layers",
            Process::trunkline("0", &integrations(&at)),
            get("/api/v1/integrations/plain/proxy/item"),
        ),
        target(
            "  from its cache",
            Process::trunkline("0", &integrations(&at)),
            get("/api/v1/integrations/cached/proxy/item"),
        ),
        target("trunkline /call", Process::trunkline("0", &integrations(&at)), post),
    ];
    let shown = format!("Host: localhost\r\nAuthorization: Bearer {}", upstream::TOKEN);
    let memory = target(
        "bare hyper, memory",
        Process::start("upstream", "0", &[]),
        format!("GET /item HTTP/1.1\r\n{shown}\r\n\r\n").into_bytes(),
    );
    targets.push(memory);
    match nginx("0", &at) {
        Some(first) => {
            targets.push(target("nginx", first, get("/item")));
            let second = nginx("0", &at).expect("it started before");
            targets.push(target("  from its cache", second, get("/kept/item")));
        }
        None => println!("nginx is not installed: left out"),
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    process::pin_self("1");
    println!(
        "{rounds} rounds of {seconds} s in turn, {CONNECTIONS} connections, replies of {} bytes",
        upstream::BODY
    );
    for round in 0..=rounds {
        for target in &mut targets {
            let before = target.process.cpu();
            let done =
                runtime.block_on(load::run(&target.process.address, &target.request, CONNECTIONS, seconds));
            let cpu = target.process.cpu() - before;
            // The first round warms connections up.
            if round > 0 {
                target.cost.push(cpu * 1e6 / done as f64);
                target.rate.push(done as f64 / seconds as f64);
            }
        }
    }
    println!(
        "{:<18} {:>24} {:>10} {:>22}",
        "", "CPU µs/request min/med/max", "requests/s", "ratio to bare (min/med/max)"
    );
    for target in &targets {
        let ((low, median, high), (_, rate, _)) = (spread(&target.cost), spread(&target.rate));
        let (least, ratio, most) = ratio(target, &targets[0]);
        println!(
            "{:<18} {low:>8.1} {median:>7.1} {high:>7.1} {rate:>11.0} {least:>11.2} {ratio:>6.2} {most:>6.2}",
            target.name
        );
    }
    let named = |name: &str| targets.iter().find(|target| target.name.trim() == name);
    let pairs = [("trunkline /proxy", "few layers"), ("from its cache", "bare hyper, memory")];
    for (one, other) in pairs.into_iter().filter_map(|(one, other)| named(one).zip(named(other))) {
        let (least, median, most) = ratio(one, other);
        println!("{} against {}: {least:.2} {median:.2} {most:.2}", one.name.trim(), other.name.trim());
    }
}

/// What one costs against another, round by round.
fn ratio(one: &Target, other: &Target) -> (f64, f64, f64) {
    let ratios: Vec<f64> = one.cost.iter().zip(&other.cost).map(|(one, other)| one / other).collect();
    spread(&ratios)
}

/// Minimum, median and maximum.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}
