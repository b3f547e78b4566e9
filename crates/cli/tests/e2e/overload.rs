//! Ten times as many calls as a server has room for: it does what it can, refuses the rest in good order, and
//! answers whoever looks after it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::{
    sync::Semaphore,
    task::JoinSet,
    time::{Duration, Instant},
};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Answer, Server, connect, within};

/// Calls that the server takes at the same time.
const ROOM: usize = 8;
/// How long the service works on each.
const WORK: Duration = Duration::from_millis(50);
/// More callers than there is room for and 256 may wait, so that at any time some are refused.
const CALLERS: usize = ROOM + 256 + 56;
/// Each call that is served lets so many of those who were refused call again: ten calls for one.
const AGAIN: usize = 9;
/// What the server may take, in KiB: a debug build, with its connections and 64 MiB for the cache.
const MEMORY: usize = 192 << 10;

/// What callers have met so far.
struct Load {
    wanted: usize,
    served: AtomicUsize,
    refused: AtomicUsize,
    /// Who was refused takes one before calling again; closed when all that was wanted was served.
    turns: Semaphore,
}

impl Load {
    /// Calls until as many calls as are wanted were served, over a connection of its own.
    async fn caller(&self, mut connection: SendRequest<Full<Bytes>>) {
        while !self.turns.is_closed() {
            let request = Request::post("/api/v1/integrations/a/call")
                .header("host", "localhost")
                .header("content-type", "application/json")
                .body(Full::from("{}"));
            connection.ready().await.unwrap();
            let answer = within("an answer", connection.send_request(request.unwrap())).await.unwrap();
            let answer = Answer::of(answer).await;
            if answer.status == 200 {
                match self.served.fetch_add(1, Ordering::SeqCst) + 1 {
                    served if served == self.wanted => self.turns.close(),
                    _ => self.turns.add_permits(AGAIN),
                }
                continue;
            }
            let wait = answer.header("retry-after").parse::<u64>();
            assert!(matches!(answer.status.as_u16(), 429 | 503) && wait.is_ok(), "{answer:?}");
            assert_eq!(answer.json()["outcome"], "not_sent");
            self.refused.fetch_add(1, Ordering::SeqCst);
            let Ok(turn) = self.turns.acquire().await else { break };
            turn.forget();
        }
    }
}

/// Has so many callers call until so many calls were served, and gives how many were in a second.
async fn goodput(server: &Server, callers: usize, wanted: usize) -> (f64, Arc<Load>) {
    let load = Arc::new(Load {
        wanted,
        served: AtomicUsize::new(0),
        refused: AtomicUsize::new(0),
        turns: Semaphore::new(0),
    });
    let mut connections = Vec::new();
    for _ in 0..callers {
        let (sender, connection) = handshake(TokioIo::new(connect(server.address).await)).await.unwrap();
        tokio::spawn(connection);
        connections.push(sender);
    }
    let (mut tasks, began) = (JoinSet::new(), Instant::now());
    for connection in connections {
        let load = load.clone();
        tasks.spawn(async move { load.caller(connection).await });
    }
    // Not `join_all`: where one of them fails the others might wait for it.
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    (load.served.load(Ordering::SeqCst) as f64 / began.elapsed().as_secs_f64(), load)
}

/// Its resident set, in KiB.
fn memory(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_with_ten_times_too_many_calls_serves_as_many_as_it_can_and_its_operator() {
    let peer = Peer::live(|_| async {
        tokio::time::sleep(WORK).await;
        Response::new(Body::from("ok"))
    })
    .await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("t.yaml", &format!("server: {{ calls: {ROOM} }}\n"));
    let server = Arc::new(begin.arg("--config").arg(file.display().to_string()).start().await);
    let integration = |id: &str| json!({"integration_id": id, "type": "rest", "base_url": peer.url()});
    server.has(&integration("a")).await;

    let (peak, calm) = goodput(&server, ROOM, 200).await;
    assert_eq!(calm.refused.load(Ordering::SeqCst), 0, "there is room for all");

    let loaded = server.clone();
    let load = tokio::spawn(async move { goodput(&loaded, CALLERS, 400).await });
    let (mut rounds, mut most) = (0, 0);
    while !load.is_finished() {
        for path in ["/healthz", "/readyz", "/metrics", "/api/v1/integrations/list"] {
            server.get(path).await.is(200);
        }
        server.has(&integration(&format!("b{rounds}"))).await;
        most = most.max(memory(&server));
        rounds += 1;
    }
    let (goodput, load) = load.await.unwrap();
    let refused = load.refused.load(Ordering::SeqCst);
    println!("{peak:.0}/s, then {goodput:.0}/s; {refused} refused, {rounds} rounds, {most} KiB");
    assert!(goodput >= 0.8 * peak, "{goodput:.0} calls a second, and {peak:.0} without the overload");
    assert!(refused >= 2_000, "{refused} refusals are no overload");
    assert!(rounds >= 3, "an operator had {rounds} rounds");
    assert!(most < MEMORY, "{most} KiB");
    // It is over, and nothing of it is left.
    server.call("a", &json!({})).await.is(200);
}
