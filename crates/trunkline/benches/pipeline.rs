//! What the pipeline costs: against a bare transport, against the HTTP client below it, and per integration.
//!
//! `cargo bench -p trunkline --bench pipeline`. What is compared runs in turns, A B A B, in one process, so
//! that both see the same machine; medians of the rounds are printed, and the processor time of this
//! thread where the other end of a socket would be part of the wall's.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints and may fail")]

use std::{hint::black_box, net::SocketAddr, thread};

use allocation_counter::measure;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Empty};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustix::time::{ClockId, clock_gettime};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::runtime::Runtime;
use trunkline::{
    Body, Call, Context, Egress, Filter, HttpRequest, IntegrationConfig, IntegrationId, Manager, Operation,
    Profile, Reply, Result, Source, Transport, TransportDyn,
};
use trunkline_testkit::Peer;

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

    async fn probe(&self, _: &Context, _: &mut Call) -> Result<&'static str> {
        Ok("answered")
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

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

fn config(json: serde_json::Value) -> IntegrationConfig {
    IntegrationConfig::from_json(json).unwrap()
}

/// A transport that does nothing: alone, and below all layers.
fn layers() {
    const CALLS: u32 = 10_000;
    let runtime = runtime();
    let manager = runtime.block_on(Manager::builder().transport::<Nothing>().build()).unwrap();
    let nothing = json!({
        "integration_id": "nothing", "type": "nothing", "auth_type": "bearer", "auth_config": { "token": "t" },
    });
    let handle = runtime.block_on(manager.register(config(nothing))).unwrap().handle;
    let id = IntegrationId::new("nothing").unwrap();
    let (transport, context) = (Nothing, Context::new(Egress::default().into()));
    let bare = || {
        runtime.block_on(async {
            let mut call = Call::new(id.clone(), HttpRequest::get(""));
            black_box(transport.call_dyn(&context, &mut call).await).unwrap();
        });
    };
    let whole = || drop(black_box(runtime.block_on(manager.call("nothing", HttpRequest::get("")))).unwrap());
    let many_bare = || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                let mut call = Call::new(id.clone(), HttpRequest::get(""));
                black_box(transport.call_dyn(&context, &mut call).await).unwrap();
            }
        });
    };
    let many_whole = || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                black_box(manager.call("nothing", HttpRequest::get("")).await).unwrap();
            }
        });
        // Off the clock of the calls is where it belongs, but here it counts: it is paid by the same process.
        manager.activity().query(&Filter { limit: Some(0), ..Filter::default() });
    };
    let (a, b) = turns(ClockId::Monotonic, CALLS, many_bare, many_whole);
    let (bare, whole) = (measure(bare).count_total, measure(whole).count_total);
    let names = handle.layers().collect::<Vec<_>>().join(", ");
    println!("a call through {names}, around a transport that does nothing");
    println!(
        "  bare {a:.0} ns, {bare} allocations; whole {b:.0} ns, {whole} allocations (target: at most 1000 ns)"
    );
}

/// A peer on a thread and a runtime of its own, whose time is not counted.
fn peer(body: &'static [u8]) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    thread::spawn(move || {
        runtime().block_on(async {
            let peer = Peer::http(move |_| {
                let response = Response::builder().header(header::CONTENT_TYPE, "application/json");
                response.body(Body::from(Bytes::from_static(body))).unwrap()
            })
            .await;
            tell.send(peer.address()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    told.recv().unwrap()
}

/// The library over loopback, and the client it is built on.
fn http() {
    const CALLS: u32 = 1_000;
    static BODY: [u8; 1024] = [b'7'; 1024];
    let address = peer(&BODY);
    let runtime = runtime();
    let egress = Egress::new(Profile::Lab, &[]).unwrap();
    let manager = runtime.block_on(Manager::builder().egress(egress).build()).unwrap();
    let peer = json!({
        "integration_id": "peer", "type": "rest", "base_url": format!("http://{address}"),
        "auth_type": "bearer", "auth_config": { "token": "t" },
    });
    runtime.block_on(manager.register(config(peer))).unwrap();
    let client: Client<HttpConnector, Empty<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let uri = format!("http://{address}/orders?page=1");
    let bare = async || {
        let request = Request::get(&uri)
            .header(header::ACCEPT_ENCODING, "gzip, br, zstd")
            .header(header::USER_AGENT, "bare")
            .header(header::AUTHORIZATION, "Bearer t")
            .body(Empty::new());
        let response = client.request(request.unwrap()).await.unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), BODY.len());
    };
    let whole = async || {
        let reply = manager.call("peer", HttpRequest::get("/orders").param("page", 1)).await.unwrap();
        assert_eq!(reply.bytes().await.unwrap().len(), BODY.len());
    };
    let mut many_bare = || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                bare().await
            }
        })
    };
    let mut many_whole = || {
        runtime.block_on(async {
            for _ in 0..CALLS {
                whole().await
            }
        })
    };
    println!("a GET of {} bytes over loopback, one after the other, through an idle connection", BODY.len());
    for (name, clock) in [("processor", ClockId::ThreadCPUTime), ("wall", ClockId::Monotonic)] {
        let (a, b) = turns(clock, CALLS, &mut many_bare, &mut many_whole);
        println!("  {name}: bare {:.1} us, library {:.1} us, ratio {:.2}", a / 1e3, b / 1e3, b / a);
    }
    let a = measure(|| many_bare()).count_total / u64::from(CALLS);
    let b = measure(|| many_whole()).count_total / u64::from(CALLS);
    println!("  allocations on this thread: bare {a}, library {b}");
}

fn usual(n: usize) -> IntegrationConfig {
    config(json!({
        "integration_id": format!("integration-{n}"), "name": format!("Integration {n}"), "type": "rest",
        "base_url": format!("https://api-{n}.example.com/v1"), "timeout": 30,
        "auth_type": "api_key", "auth_config": { "header": "X-API-Key", "key": format!("key-{n:032}") },
        "headers": { "accept": "application/json" },
    }))
}

/// Many integrations: what one takes, how long it takes to come, and to be found.
fn many() {
    println!("many integrations, each with a key, a header and a timeout");
    let runtime = runtime();
    let mut found = Vec::new();
    for count in [10, 1_000, 10_000] {
        let configs: Vec<_> = (0..count).map(usual).collect();
        let manager = runtime.block_on(Manager::builder().build()).unwrap();
        let began = nanos(ClockId::Monotonic);
        let taken = measure(|| runtime.block_on(manager.set_source(Source::File, &configs)).unwrap());
        let each = (nanos(ClockId::Monotonic) - began) as f64 / 1e3 / count as f64;
        let bytes = taken.bytes_current / i64::try_from(count).unwrap();
        println!("  {count}: {bytes} bytes and {each:.1} us each (target: at most 4096 bytes)");
        found.push((manager, configs));
    }
    const CALLS: u32 = 100_000;
    let lookups = |(manager, configs): &(Manager, Vec<IntegrationConfig>)| {
        for config in configs.iter().cycle().take(CALLS as usize) {
            black_box(manager.get(config.id()).unwrap());
        }
    };
    let (a, b) = turns(ClockId::ThreadCPUTime, CALLS, || lookups(&found[0]), || lookups(&found[2]));
    println!("  to find one, each in turn: {a:.0} ns of 10, {b:.0} ns of 10000");

    let began = nanos(ClockId::Monotonic);
    let manager = runtime.block_on(Manager::builder().build()).unwrap();
    for config in &found[2].1 {
        runtime.block_on(manager.register(config.clone())).unwrap();
    }
    let each = (nanos(ClockId::Monotonic) - began) as f64 / 1e3 / 10_000.0;
    println!("  registered one by one, 10000 of them: {each:.0} us each");
}

fn main() {
    layers();
    http();
    many();
}
