//! How long calls take: against a bare transport, against the HTTP client below, and among many integrations.
//!
//! `cargo bench -p trunkline --bench pipeline`. What is compared runs in turns, A B A B, in one process, so
//! that both see the same machine; medians of the rounds are printed, and the processor time of this
//! thread where the other end of a socket would be part of the wall's.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints and may fail")]

mod common;

use std::{cell::Cell, hint::black_box};

use allocation_counter::measure;
use http::StatusCode;
use rustix::time::{ClockId, clock_gettime};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use trunkline::{
    Call, Context, Egress, Filter, HttpRequest, IntegrationConfig, IntegrationId, Manager, Operation, Proof,
    Reply, Result, Source, Transport, TransportDyn,
};

use common::{BODY, Bare, config, library, peer, runtime, usual};

/// Answers at once.
#[derive(Debug)]
struct Nothing;

#[derive(Debug, Deserialize, JsonSchema)]
struct NoSettings {}

impl Transport for Nothing {
    const NAME: &'static str = "nothing";
    type Config = NoSettings;

    fn open(_: NoSettings, _: &Context) -> Result<Self> {
        Ok(Self)
    }

    fn parse(&self, _: &RawValue) -> Result<Operation> {
        Ok(HttpRequest::get("").into())
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        black_box(&call.credential);
        Ok(Reply::new(StatusCode::OK, &b"ok"[..]))
    }

    async fn probe(&self, _: &Context, _: &mut Call) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }
}

/// How often each of two takes its turn.
const ROUNDS: usize = 25;

/// Nanoseconds of a clock.
fn nanos(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    u64::try_from(now.tv_sec).unwrap() * 1_000_000_000 + u64::try_from(now.tv_nsec).unwrap()
}

fn median(mut rounds: Vec<f64>) -> f64 {
    rounds.sort_unstable_by(f64::total_cmp);
    rounds[rounds.len() / 2]
}

/// Runs `a` and `b` in turns and gives the median cost of one of their `calls`.
fn turns(clock: ClockId, calls: u32, mut a: impl FnMut(), mut b: impl FnMut()) -> (f64, f64) {
    fn once(clock: ClockId, calls: u32, run: &mut dyn FnMut()) -> f64 {
        let began = nanos(clock);
        run();
        (nanos(clock) - began) as f64 / f64::from(calls)
    }
    // The first round warms up.
    let rounds = (0..=ROUNDS).map(|_| (once(clock, calls, &mut a), once(clock, calls, &mut b))).skip(1);
    let (a, b) = rounds.unzip();
    (median(a), median(b))
}

/// What each layer costs, around a transport that does nothing.
fn layers() {
    const CALLS: u32 = 10_000;
    let runtime = runtime();
    let manager = runtime.block_on(Manager::builder().transport::<Nothing>().build()).unwrap();
    let off = json!({
        "retry_config": { "max_attempts": 1 }, "breaker": { "enabled": false },
        "rate_limit": { "learn": false }, "concurrency": { "enabled": false },
    });
    let limits = json!([{ "requests": 100_000_000 }, { "requests": 4_000_000_000_u32, "per": "24h" }]);
    let bearer = json!({ "auth_type": "bearer", "auth_config": { "token": "t" } });
    let all = json!({
        "rate_limit": limits, "attempt_timeout": 1, "auth_type": "bearer", "auth_config": { "token": "t" },
    });
    let (transport, context) = (Nothing, Context::new(Egress::default().into()));
    let id = IntegrationId::new("nothing").unwrap();
    let many_bare = || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                let mut call = Call::new(id.clone(), HttpRequest::get(""));
                black_box(transport.call_dyn(&context, &mut call).await).unwrap();
            }
        });
    };
    println!("a call through layers, around a transport that does nothing");
    let mut without = 0.0;
    for (name, only, changes) in [
        ("none", true, json!({})),
        ("retry", true, json!({ "retry_config": {} })),
        ("breaker", true, json!({ "breaker": {} })),
        ("rate_limit, none configured", true, json!({ "rate_limit": {} })),
        ("rate_limit, two of them", true, json!({ "rate_limit": limits })),
        ("concurrency", true, json!({ "concurrency": {} })),
        ("authenticate", true, bearer),
        ("timeout", true, json!({ "attempt_timeout": 1 })),
        ("all", false, all),
    ] {
        let mut json = if only { off.clone() } else { json!({}) };
        for (key, value) in changes.as_object().unwrap() {
            json[key] = value.clone();
        }
        json["integration_id"] = "nothing".into();
        json["type"] = "nothing".into();
        let handle = runtime.block_on(manager.register(config(json))).unwrap().handle;
        let recorded = Cell::new(0.0);
        let many_whole = || {
            let began = nanos(ClockId::ThreadCPUTime);
            // What the calls of the round before left behind; a task does this beside the calls.
            manager.activity().query(&Filter { limit: Some(0), ..Filter::default() });
            recorded.set((nanos(ClockId::ThreadCPUTime) - began) as f64 / f64::from(CALLS));
            runtime.block_on(async {
                for _ in 0..CALLS {
                    black_box(manager.call("nothing", HttpRequest::get("")).await).unwrap();
                }
            });
        };
        let (bare, whole) = turns(ClockId::ThreadCPUTime, CALLS, many_bare, many_whole);
        let (whole, record) = (whole - recorded.get(), recorded.get());
        let counted = measure(|| {
            runtime.block_on(async { drop(manager.call("nothing", HttpRequest::get("")).await) });
        });
        match name {
            "none" => {
                without = whole;
                println!(
                    "  bare {bare:.0} ns; with {} {whole:.0} ns",
                    handle.layers().collect::<Vec<_>>().join(", ")
                );
                println!("  and {record:.0} ns beside it to keep its record");
            }
            "all" => {
                println!("  all, with {}:", handle.layers().collect::<Vec<_>>().join(", "));
                println!("    {whole:.0} ns (target: at most 1500 ns), {} allocations", counted.count_total);
            }
            _ => println!("  {name}: {:+.0} ns, {} allocations in all", whole - without, counted.count_total),
        }
        runtime.block_on(manager.remove("nothing", None)).unwrap();
    }
}

/// The library over loopback, and the client it is built on.
fn http() {
    const CALLS: u32 = 1_000;
    let (address, runtime) = (peer(), runtime());
    let (bare, manager) = (Bare::new(address), library(&runtime, address));
    let mut many_bare = || (0..CALLS).for_each(|_| runtime.block_on(bare.get()));
    let mut many_whole = || (0..CALLS).for_each(|_| runtime.block_on(common::get(&manager)));
    println!("a GET of {} bytes over loopback, one after the other, through an idle connection", BODY.len());
    for (name, clock) in [("processor", ClockId::ThreadCPUTime), ("wall", ClockId::Monotonic)] {
        let (a, b) = turns(clock, CALLS, &mut many_bare, &mut many_whole);
        println!("  {name}: bare {:.1} us, library {:.1} us, ratio {:.2}", a / 1e3, b / 1e3, b / a);
    }
}

/// Many integrations: how long they take to come, and one of them to be found.
fn many() {
    println!("many integrations, each with a key, a header and a timeout");
    let runtime = runtime();
    let load = |count: usize| {
        let configs: Vec<_> = (0..count).map(usual).collect();
        let manager = runtime.block_on(Manager::builder().build()).unwrap();
        let began = nanos(ClockId::ThreadCPUTime);
        runtime.block_on(manager.set_source(Source::File, &configs)).unwrap();
        let each = (nanos(ClockId::ThreadCPUTime) - began) as f64 / 1e3 / count as f64;
        println!("  {count} at once: {each:.1} us each");
        (manager, configs)
    };
    let (few, _, many) = (load(10), load(1_000), load(10_000));
    let (alone, configs) = (runtime.block_on(Manager::builder().build()).unwrap(), many.1.clone());
    let began = nanos(ClockId::ThreadCPUTime);
    for config in configs {
        runtime.block_on(alone.register(config)).unwrap();
    }
    let each = (nanos(ClockId::ThreadCPUTime) - began) as f64 / 1e3 / many.1.len() as f64;
    println!("  {} one by one: {each:.1} us each", many.1.len());

    const CALLS: u32 = 100_000;
    let find = |(manager, configs): &(Manager, Vec<IntegrationConfig>)| {
        for config in configs.iter().cycle().take(CALLS as usize) {
            black_box(manager.get(config.id()).unwrap());
        }
    };
    let (a, b) = turns(ClockId::ThreadCPUTime, CALLS, || find(&few), || find(&many));
    println!("  to find one, each in its turn: {a:.0} ns of 10, {b:.0} ns of 10000");
}

fn main() {
    layers();
    http();
    many();
}
