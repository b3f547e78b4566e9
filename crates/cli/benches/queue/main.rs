//! What a confirmed message costs whoever sends it, in one run against one broker: through the library, with all layers that
//! are on unless configured otherwise, against the client library that it is built on, by hand, and against Python's. CPU time
//! of the client's own process and messages a second, one at a time and pipelined, as ratios of rounds in turn.
//!
//! `cargo bench -p trunkline-cli --bench queue [-- --rounds 9 --seconds 1]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, dials what it measures, and stops where it cannot go on"
)]

mod bare;
#[path = "../common/client.rs"]
#[allow(dead_code, reason = "the other benchmarks need more of it")]
mod client;
mod library;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benchmarks need more of it")]
mod process;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use client::Client;
use trunkline_testkit::{Kafka, RabbitMq};

/// How many messages are sent before the first confirm is waited for.
const SIZES: [usize; 2] = [1, 1000];
/// Bytes of a message.
const BODY: usize = 256;
/// Where they are sent.
const QUEUE: &str = "bench";

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match (args.get(1).map(String::as_str), args.get(2)) {
        (Some("bare"), Some(url)) => bare::serve(url),
        (Some("library"), Some(url)) => library::serve(url),
        _ => {
            let option = |name: &str, default: u64| {
                let at = args.iter().position(|arg| arg == name);
                at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(default)
            };
            let rounds = Rounds { count: option("--rounds", 9), seconds: option("--seconds", 1) };
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // The broker is on the core of its clients, or each would pay for waking the other one.
            process::pin_self("0");
            if let Some(broker) = runtime.block_on(RabbitMq::start()) {
                let url = broker.url();
                let ways = vec![
                    ("lapin, by hand", Some(Client::this("bare", &url))),
                    ("trunkline, library", Some(Client::this("library", &url))),
                    ("aio-pika", python("aio_pika", &url)),
                ];
                rounds.compare("RabbitMQ", ways);
            }
            process::pin_self("0");
            let broker = runtime.block_on(Kafka::start());
            broker.topic(QUEUE, 1);
            let url = format!("kafka://{}", broker.address());
            let ways = vec![
                ("trunkline, library", Some(Client::this("library", &url))),
                ("aiokafka", python("aiokafka", &url)),
            ];
            rounds.compare("Kafka (Tansu)", ways);
        }
    }
}

/// A client of Python's, where it is installed.
fn python(module: &str, url: &str) -> Option<Client> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../testkit/peers/python/.venv/bin/python");
    let asks = Command::new(&python).args(["-c", &format!("import {module}")]).stderr(Stdio::null()).status();
    if !asks.is_ok_and(|status| status.success()) {
        println!("{module} is not there (scripts/need.sh python): left out");
        return None;
    }
    let script = here.join(format!("benches/queue/{module}_client.py"));
    Some(Client::start(Command::new("taskset").args(["-c", "0"]).arg(python).arg(script).arg(url)))
}

struct Rounds {
    count: u64,
    seconds: u64,
}

impl Rounds {
    /// Prints what each way costs, beside the first one.
    fn compare(&self, broker: &str, ways: Vec<(&str, Option<Client>)>) {
        let mut ways: Vec<_> = ways.into_iter().filter_map(|(name, way)| Some((name, way?))).collect();
        process::pin_self("1");
        println!("\n{broker}: {} rounds of {} s in turn, {BODY} bytes each", self.count, self.seconds);
        for size in SIZES {
            let mut costs = vec![Vec::new(); ways.len()];
            let mut rates = vec![Vec::new(); ways.len()];
            for round in 0..=self.count {
                for (at, (_, client)) in ways.iter_mut().enumerate() {
                    let (cost, rate) = client.rate(size, self.seconds);
                    // The first one warms up.
                    if round > 0 {
                        costs[at].push(cost / size as f64);
                        rates[at].push(rate * size as f64);
                    }
                }
            }
            let head = if size == 1 { "one at a time".to_owned() } else { format!("{size} pipelined") };
            println!(
                "\n{head:<22} {:>27} {:>22} {:>14}",
                "CPU µs/message min/med/max", "ratio min/med/max", "messages/s med"
            );
            for ((name, _), (cost, rate)) in ways.iter().zip(costs.iter().zip(&rates)) {
                let ratios: Vec<_> = cost.iter().zip(&costs[0]).map(|(one, first)| one / first).collect();
                let ((low, median, high), (least, ratio, most)) = (spread(cost), spread(&ratios));
                let rate = spread(rate).1;
                println!(
                    "{name:<22} {low:>9.1} {median:>8.1} {high:>8.1} {least:>7.2} {ratio:>7.2} {most:>6.2} {rate:>14.0}"
                );
            }
        }
    }
}

/// Minimum, median and maximum.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}
