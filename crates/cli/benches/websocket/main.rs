//! What a round trip over a WebSocket costs the client, in one run against one service: through the library, with all
//! layers that are on unless configured otherwise, against the client library that it is built on, by hand. CPU time per
//! round trip of the client's own process, as ratios of rounds in turn.
//!
//! `cargo bench -p trunkline-cli --bench websocket [-- --rounds 15 --seconds 1]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark prints, dials what it measures, and stops where it cannot go on"
)]

mod bare;
#[path = "../common/client.rs"]
mod client;
mod echo;
mod library;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benchmarks need more of it")]
mod process;
#[path = "../common/service.rs"]
mod service;

use client::Client;
use process::Process;

/// How many wait for an answer at the same time.
const CALLERS: [usize; 2] = [1, 64];

/// Where the service is; clients are on core 0. Elsewhere, as services are, a client that has nothing else to do sleeps until
/// the answer comes, and pays for falling asleep and for waking up. Beside it nobody sleeps, and all that counts is its own work.
const PLACES: [(&str, &str); 2] = [("1", "elsewhere"), ("0", "beside it")];

/// What is sent; the service sends it back.
fn message(id: u64) -> String {
    format!(r#"{{"id":{id},"op":"quote","symbol":"ACME","fields":["bid","ask","last"],"depth":10}}"#)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match (args.get(1).map(String::as_str), args.get(2)) {
        (Some("echo"), _) => echo::serve(),
        (Some("bare"), Some(address)) => bare::serve(address),
        (Some("library"), Some(address)) => library::serve(address),
        _ => compare(&args),
    }
}

fn compare(args: &[String]) {
    let option = |name: &str, default: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (rounds, seconds) = (option("--rounds", 15), option("--seconds", 1));
    process::pin_self("1");
    println!("{rounds} rounds of {seconds} s in turn");
    for (core, place) in PLACES {
        let echo = Process::start("echo", core, &[]);
        let mut ways = [
            ("yawc, by hand", Client::this("bare", &echo.address)),
            ("trunkline, library", Client::this("library", &echo.address)),
        ];
        for callers in CALLERS {
            let mut costs = [const { Vec::new() }; 2];
            for round in 0..=rounds {
                for ((_, client), costs) in ways.iter_mut().zip(&mut costs) {
                    let cost = client.round(callers, seconds);
                    // The first one warms up.
                    if round > 0 {
                        costs.push(cost);
                    }
                }
            }
            print(&format!("{callers} at a time, {place}"), &ways.each_ref().map(|(name, _)| *name), &costs);
        }
    }
}

fn print(head: &str, names: &[&str], costs: &[Vec<f64>]) {
    println!("\n{head:<36} {:>29} {:>26}", "CPU µs/round trip min/med/max", "ratio min/med/max");
    for (name, cost) in names.iter().zip(costs) {
        let ratios: Vec<_> = cost.iter().zip(&costs[0]).map(|(one, bare)| one / bare).collect();
        let ((low, median, high), (least, ratio, most)) = (spread(cost), spread(&ratios));
        println!("{name:<36} {low:>11.1} {median:>8.1} {high:>8.1} {least:>9.2} {ratio:>8.2} {most:>8.2}");
    }
}

/// Minimum, median and maximum.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}
