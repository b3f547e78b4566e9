//! What a query costs the client, in one run on one PostgreSQL: through the library and through `trunkline serve`,
//! against a bare connection of sqlx with a JSON writer by hand, and against SQLAlchemy with asyncpg. CPU time per query
//! of the client's own process, as ratios of rounds in turn.
//!
//! `cargo bench -p trunkline-cli --bench database [-- --rounds 15 --seconds 1]`
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

mod bare;
#[path = "../common/client.rs"]
mod client;
mod library;
#[path = "../common/load.rs"]
mod load;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the other benchmark needs more of it")]
mod process;
mod served;

use std::{
    path::Path,
    process::{Command, Stdio},
};

use client::Client;
use served::Served;
use trunkline_testkit::Postgres;

/// What is asked for: one row, and a thousand.
const SIZES: [usize; 2] = [1, 1000];

/// The five columns of all of them.
fn query(rows: usize) -> String {
    format!("select id, name, score, active, created from bench where id <= {rows}")
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    match (args.get(1).map(String::as_str), args.get(2)) {
        (Some("bare"), Some(url)) => bare::serve(url),
        (Some("library"), Some(url)) => library::serve(url),
        _ => compare(&args),
    }
}

/// A way to ask.
enum Way {
    Process(Client),
    Server(Box<Served>),
}

/// SQLAlchemy, where it is installed.
fn sqlalchemy(url: &str) -> Option<Client> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = here.join("../testkit/peers/python/.venv/bin/python");
    let asks =
        Command::new(&python).args(["-c", "import sqlalchemy, asyncpg"]).stderr(Stdio::null()).status();
    if !asks.is_ok_and(|status| status.success()) {
        return None;
    }
    let script = here.join("benches/database/client.py");
    Some(Client::start(Command::new("taskset").args(["-c", "0"]).arg(python).arg(script).arg(url)))
}

fn compare(args: &[String]) {
    let option = |name: &str, default: u64| {
        let at = args.iter().position(|arg| arg == name);
        at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(default)
    };
    let (rounds, seconds) = (option("--rounds", 15), option("--seconds", 1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // The database is on the core of its clients, or each would pay for waking the other one.
    process::pin_self("0");
    let Some(postgres) = runtime.block_on(Postgres::start()) else { return };
    postgres.psql(
        "create table bench (id int8 primary key, name text, score float8, active bool, created timestamptz);
         insert into bench select n, 'Customer number ' || n, n * 1.25, n % 3 = 0,
           timestamptz '2026-01-01 00:00:00Z' + n * interval '1 minute 1.5 seconds' from generate_series(1, 1000) n;
         grant select on bench to public; analyze bench",
    );
    let url = postgres.url();
    let mut ways = vec![
        ("sqlx, one connection held", Way::Process(Client::this("bare", &url))),
        ("trunkline, library", Way::Process(Client::this("library", &url))),
        ("trunkline serve", Way::Server(Box::new(Served::start(&url)))),
    ];
    match sqlalchemy(&url) {
        Some(python) => ways.push(("SQLAlchemy, asyncpg", Way::Process(python))),
        None => println!("SQLAlchemy and asyncpg are not there (scripts/need.sh python): left out"),
    }
    process::pin_self("1");
    println!("{rounds} rounds of {seconds} s in turn, one query after the other");
    for rows in SIZES {
        let mut costs = vec![Vec::new(); ways.len()];
        for round in 0..=rounds {
            for ((_, way), costs) in ways.iter_mut().zip(&mut costs) {
                let cost = match way {
                    Way::Process(client) => client.round(rows, seconds),
                    Way::Server(served) => runtime.block_on(served.round(rows, seconds)),
                };
                // The first one warms up.
                if round > 0 {
                    costs.push(cost);
                }
            }
        }
        println!(
            "\n{:<28} {:>26} {:>26}",
            format!("{rows} rows"),
            "CPU µs/query min/med/max",
            "ratio min/med/max"
        );
        for ((name, _), cost) in ways.iter().zip(&costs) {
            let ratios: Vec<_> = cost.iter().zip(&costs[0]).map(|(one, bare)| one / bare).collect();
            let ((low, median, high), (least, ratio, most)) = (spread(cost), spread(&ratios));
            println!("{name:<28} {low:>8.1} {median:>8.1} {high:>8.1} {least:>9.2} {ratio:>8.2} {most:>8.2}");
        }
    }
}

/// Minimum, median and maximum.
fn spread(values: &[f64]) -> (f64, f64, f64) {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    (values[0], values[values.len() / 2], values[values.len() - 1])
}
