//! `Idempotency-Key` at `/call`: what was asked for once is done once, whatever happens in between.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, sync::Semaphore};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::{
    crash::ask,
    harness::{Answer, Server, until, within},
};

const CALL: &str = "/api/v1/integrations/a/call";
const JSON: (&str, &str) = ("content-type", "application/json");

/// A call with a key.
async fn keyed(server: &Server, key: &str, request: &Value) -> Answer {
    server.with("POST", CALL, &[JSON, ("idempotency-key", key)], request.to_string()).await
}

/// The answer without the mark of a repetition, which must be as `again` says.
fn unmarked(mut answer: Answer, again: bool) -> Answer {
    let mark = answer.headers.remove("idempotency-replayed");
    assert_eq!(mark.is_some_and(|mark| mark == "true"), again, "{answer:?}");
    answer
}

/// The same but for `date`, which says when each was sent.
#[track_caller]
fn same(one: &Answer, other: &Answer) {
    let kept = |answer: &Answer| {
        let mut headers = answer.headers.clone();
        headers.remove("date");
        headers
    };
    assert_eq!((one.status, kept(one), &one.body), (other.status, kept(other), &other.body));
}

fn post(endpoint: &str) -> Value {
    json!({"method": "POST", "endpoint": endpoint, "json": {"n": 1}})
}

fn answer(received: Received) -> Response<Body> {
    let mut response = Response::new(Body::from(&b"\0\xff\n\nbinary"[..]));
    let headers = response.headers_mut();
    for (name, value) in [("link", "one"), ("link", "two"), ("idempotency-replayed", "true")] {
        headers.append(name, value.parse().unwrap());
    }
    *response.status_mut() = match received.uri.path() {
        "/created" => StatusCode::CREATED,
        "/empty" => {
            *response.body_mut() = Body::Empty;
            StatusCode::NO_CONTENT
        }
        "/invalid" => StatusCode::UNPROCESSABLE_ENTITY,
        "/later" => StatusCode::TOO_MANY_REQUESTS,
        "/down" => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::OK,
    };
    response
}

async fn has(server: &Server, url: &str, more: &Value) {
    let mut config = json!({"integration_id": "a", "type": "rest", "base_url": url});
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    server.has(&config).await;
}

async fn pair(more: &Value) -> (Peer, Server) {
    let peer = Peer::http(answer).await;
    let server = Server::beside(&peer).await;
    has(&server, &peer.url(), more).await;
    (peer, server)
}

/// A service that answers when it may, and remembers the keys of the requests that arrived.
struct Slow {
    peer: Peer,
    keys: Arc<Mutex<Vec<String>>>,
    arrived: Arc<Semaphore>,
    gate: Arc<Semaphore>,
}

impl Slow {
    async fn new() -> Self {
        let keys = Arc::new(Mutex::new(Vec::new()));
        let (arrived, gate) = (Arc::new(Semaphore::new(0)), Arc::new(Semaphore::new(0)));
        let (seen, come, go) = (keys.clone(), arrived.clone(), gate.clone());
        let peer = Peer::live(move |request| {
            let (seen, come, go) = (seen.clone(), come.clone(), go.clone());
            async move {
                let key = request.headers().get("idempotency-key");
                let key = key.map_or_else(String::new, |key| key.to_str().unwrap().to_owned());
                let number = {
                    let mut seen = seen.lock().unwrap();
                    seen.push(key);
                    seen.len()
                };
                come.add_permits(1);
                let _ = go.acquire().await;
                Response::new(Body::from(format!("answer {number}")))
            }
        })
        .await;
        Self { peer, keys, arrived, gate }
    }

    /// Waits for one more request.
    async fn arrived(&self) {
        within("the request to arrive", self.arrived.acquire()).await.unwrap().forget();
    }

    fn keys(&self) -> Vec<String> {
        self.keys.lock().unwrap().clone()
    }

    /// Sends a call whose caller does not wait for the answer: dropping the connection is up to the test.
    async fn begin(&self, server: &Server, key: &str, request: &Value) -> tokio::net::TcpStream {
        let body = request.to_string();
        let head = format!(
            "POST {CALL} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
             idempotency-key: {key}\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        let mut stream = crate::harness::connect(server.address).await;
        stream.write_all((head + &body).as_bytes()).await.unwrap();
        self.arrived().await;
        stream
    }
}

#[tokio::test]
async fn a_repetition_gets_the_same_answer_and_nothing_is_sent() {
    let (peer, server) = pair(&json!({"breaker": {"enabled": false}})).await;
    let mut sent = 0;
    for (endpoint, status) in
        [("/x", 200), ("/created", 201), ("/empty", 204), ("/invalid", 422), ("/later", 429), ("/down", 502)]
    {
        let first = unmarked(keyed(&server, endpoint, &post(endpoint)).await.is(status), false);
        sent += 1;
        assert_eq!(peer.received().len(), sent);
        for _ in 0..2 {
            same(&unmarked(keyed(&server, endpoint, &post(endpoint)).await, true), &first);
        }
        assert_eq!(peer.received().len(), sent, "{endpoint}");
    }
    assert!(peer.received().iter().all(|request| request.header("idempotency-key").is_empty()));
    for _ in 0..2 {
        server.call("a", &post("/x")).await.is(200);
    }
    assert_eq!(peer.received().len(), sent + 2, "without a key each is a call of its own");
}

#[tokio::test]
async fn an_answer_is_still_there_after_a_restart_and_after_a_kill() {
    let (peer, mut server) = pair(&json!({})).await;
    let first = unmarked(keyed(&server, "k", &post("/created")).await.is(201), false);
    server = server.stop().await.again().allow(&peer).start().await;
    same(&unmarked(keyed(&server, "k", &post("/created")).await, true), &first);
    server.signal(Signal::KILL);
    server.ended().await;
    server = server.again().allow(&peer).start().await;
    same(&unmarked(keyed(&server, "k", &post("/created")).await, true), &first);
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn of_two_at_the_same_time_one_is_sent_and_the_other_is_told_to_come_again() {
    let slow = Slow::new().await;
    let server = Arc::new(Server::beside(&slow.peer).await);
    has(&server, &slow.peer.url(), &json!({})).await;
    let first = tokio::spawn({
        let server = server.clone();
        async move { keyed(&server, "k", &post("/x")).await }
    });
    slow.arrived().await;
    let second = keyed(&server, "k", &post("/x")).await;
    assert_eq!(second.header("retry-after"), "1");
    second.problem(409, "idempotency_in_progress");
    keyed(&server, "k", &post("/y")).await.problem(422, "idempotency_mismatch");
    slow.gate.close();
    let first = unmarked(first.await.unwrap().is(200), false);
    assert_eq!(first.text(), "answer 1");
    same(&unmarked(keyed(&server, "k", &post("/x")).await, true), &first);
    assert_eq!(slow.keys().len(), 1);
}

#[tokio::test]
async fn many_at_the_same_time_are_one_request() {
    let (peer, server) = pair(&json!({})).await;
    let server = Arc::new(server);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..32 {
        let server = server.clone();
        tasks.spawn(async move { keyed(&server, "k", &post("/created")).await.status.as_u16() });
    }
    let answers = tasks.join_all().await;
    assert!(
        answers.iter().all(|status| [201, 409].contains(status)) && answers.contains(&201),
        "{answers:?}"
    );
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn a_key_is_for_one_integration_and_one_body() {
    let (peer, server) = pair(&json!({})).await;
    server.has(&json!({"integration_id": "b", "type": "rest", "base_url": peer.url()})).await;
    keyed(&server, "k", &post("/x")).await.is(200);
    let other = keyed(&server, "k", &post("/y")).await.problem(422, "idempotency_mismatch");
    assert!(other["detail"].as_str().unwrap().contains("new key"), "{other}");
    let body = post("/x").to_string();
    let at = "/api/v1/integrations/b/call";
    server
        .with("POST", at, &[JSON, ("idempotency-key", "k")], body)
        .await
        .problem(422, "idempotency_mismatch");
    keyed(&server, "k", &post("/x")).await.is(200);
    assert_eq!(peer.received().len(), 1);
    keyed(&server, "K", &post("/y")).await.is(200);
    assert_eq!(peer.received().len(), 2, "keys have a case");
}

#[tokio::test]
async fn a_call_that_a_kill_cut_off_is_not_sent_again() {
    let slow = Slow::new().await;
    let mut server = Server::beside(&slow.peer).await;
    has(&server, &slow.peer.url(), &json!({})).await;
    let _caller = slow.begin(&server, "k", &post("/x")).await;
    server.signal(Signal::KILL);
    server.ended().await;
    slow.gate.close();
    server = server.again().allow(&slow.peer).start().await;
    for _ in 0..2 {
        let problem = keyed(&server, "k", &post("/x")).await.problem(409, "idempotency_unknown");
        assert_eq!(problem["outcome"], "unknown");
    }
    keyed(&server, "k", &post("/y")).await.problem(422, "idempotency_mismatch");
    assert_eq!(slow.keys().len(), 1);
    keyed(&server, "another", &post("/x")).await.is(200);
}

/// How often the server is killed.
const KILLS: usize = 10;

/// The request of a call that has its path for a key.
fn raw(path: &str) -> String {
    let body = post(path).to_string();
    format!(
        "POST {CALL} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n\
         idempotency-key: {path}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn killed_at_any_moment_it_sends_no_call_twice_and_has_every_answer_that_it_gave() {
    let peer = Peer::http(|_| Response::new(Body::from("done"))).await;
    let mut server = Server::beside(&peer).await;
    has(&server, &peer.url(), &json!({})).await;
    let mut answered = 0;
    for round in 0..KILLS {
        let taken = Arc::new(Semaphore::new(0));
        let writers: Vec<_> = (0..3)
            .map(|writer| {
                let (address, taken) = (server.address, taken.clone());
                tokio::spawn(async move {
                    let mut asked = Vec::new();
                    loop {
                        let path = format!("/r{round}w{writer}n{}", asked.len());
                        let status = ask(address, raw(&path)).await;
                        asked.push((path, status));
                        if status.is_none() {
                            return asked;
                        }
                        taken.add_permits(1);
                    }
                })
            })
            .collect();
        // One more answer is waited for in each round, and then a moment that is another each time.
        drop(within("answers", taken.acquire_many(1 + round as u32)).await.unwrap());
        tokio::time::sleep(Duration::from_micros(700 * round as u64)).await;
        server.signal(Signal::KILL);
        server.ended().await;
        server = server.again().allow(&peer).start().await;
        for writer in writers {
            for (path, status) in writer.await.unwrap() {
                let again = keyed(&server, &path, &post(&path)).await;
                match status {
                    Some(200) => drop(unmarked(again.is(200), true)),
                    Some(status) => panic!("{path} was answered {status}"),
                    None if again.status == 200 => {}
                    None => drop(again.problem(409, "idempotency_unknown")),
                }
                answered += usize::from(status.is_some());
            }
        }
    }
    let mut paths: Vec<_> = peer.received().iter().map(|one| one.uri.path().to_owned()).collect();
    let all = paths.len();
    paths.sort_unstable();
    paths.dedup();
    assert_eq!(paths.len(), all, "one of them was sent twice");
    assert!(answered > KILLS, "hardly anything was answered: {answered}");
}

#[tokio::test]
async fn where_the_service_takes_a_key_a_call_that_was_cut_off_is_sent_again_with_the_same_one() {
    let slow = Slow::new().await;
    let mut server = Server::beside(&slow.peer).await;
    has(&server, &slow.peer.url(), &json!({"retry_config": {"idempotency_header": "Idempotency-Key"}})).await;
    for _ in 0..2 {
        let _caller = slow.begin(&server, "k", &post("/x")).await;
        server.signal(Signal::KILL);
        server.ended().await;
        server = server.again().allow(&slow.peer).start().await;
    }
    slow.gate.close();
    // Refused before it was sent: what was sent before is not forgotten.
    server.post("/api/v1/integrations/a/breaker/open", &json!({})).await.is(200);
    keyed(&server, "k", &post("/x")).await.problem(503, "circuit_open");
    server.post("/api/v1/integrations/a/breaker/reset", &json!({})).await.is(200);
    let answer = unmarked(keyed(&server, "k", &post("/x")).await.is(200), false);
    assert_eq!(answer.text(), "answer 3");
    same(&unmarked(keyed(&server, "k", &post("/x")).await, true), &answer);
    keyed(&server, "other", &post("/x")).await.is(200);
    let keys = slow.keys();
    assert_eq!(keys.len(), 4);
    assert!(keys[0].len() == 36 && keys[..3].iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_ne!(keys[3], keys[0]);
}

#[tokio::test]
async fn a_key_for_the_service_that_it_would_not_know_any_more_is_not_sent_again() {
    let slow = Slow::new().await;
    let mut server = Server::beside(&slow.peer).await;
    has(&server, &slow.peer.url(), &json!({"retry_config": {"idempotency_header": "Idempotency-Key"}})).await;
    let _caller = slow.begin(&server, "k", &post("/x")).await;
    server.signal(Signal::KILL);
    server.ended().await;
    slow.gate.close();
    server = server.again().allow(&slow.peer).start().await;
    for retry_config in [json!({"idempotency_header": "X-Other"}), json!({"idempotency_header": null})] {
        let patch = json!({"retry_config": retry_config});
        server.json("PATCH", "/api/v1/integrations/a", &patch).await.is(200);
        keyed(&server, "k", &post("/x")).await.problem(409, "idempotency_unknown");
    }
    assert_eq!(slow.keys().len(), 1);
}

#[tokio::test]
async fn a_call_goes_on_when_its_caller_goes_away_and_a_repetition_has_the_answer() {
    let slow = Slow::new().await;
    let server = Server::beside(&slow.peer).await;
    has(&server, &slow.peer.url(), &json!({})).await;
    drop(slow.begin(&server, "k", &post("/x")).await);
    slow.gate.close();
    let answer = until("the answer", || async {
        let answer = keyed(&server, "k", &post("/x")).await;
        (answer.status != 409).then_some(answer)
    })
    .await;
    assert_eq!(unmarked(answer.is(200), true).text(), "answer 1");
    assert_eq!(slow.keys().len(), 1);
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_waits_for_calls_whose_callers_went_away() {
    let slow = Slow::new().await;
    let mut server = Server::beside(&slow.peer).await;
    has(&server, &slow.peer.url(), &json!({})).await;
    drop(slow.begin(&server, "k", &post("/x")).await);
    server.signal(Signal::TERM);
    until("it to stop listening", || async {
        #[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
        tokio::net::TcpStream::connect(server.address).await.is_err().then_some(())
    })
    .await;
    slow.gate.close();
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    server = server.again().allow(&slow.peer).start().await;
    let answer = unmarked(keyed(&server, "k", &post("/x")).await.is(200), true);
    assert_eq!((answer.text(), slow.keys().len()), ("answer 1", 1));
}

#[tokio::test]
async fn what_was_refused_before_it_was_sent_can_be_repeated() {
    let (peer, server) = pair(&json!({"rate_limit": {"requests": 1, "per": "1s", "max_wait": "1ms"}})).await;
    keyed(&server, "first", &post("/x")).await.is(200);
    keyed(&server, "k", &post("/x")).await.problem(429, "throttled");
    let answer = until("its turn", || async {
        let answer = keyed(&server, "k", &post("/x")).await;
        (answer.status != 429).then_some(answer)
    })
    .await;
    unmarked(answer.is(200), false);
    assert_eq!(peer.received().len(), 2);

    server.post("/api/v1/integrations/a/breaker/open", &json!({})).await.is(200);
    keyed(&server, "circuit", &post("/x")).await.problem(503, "circuit_open");
    keyed(&server, "circuit", &post("/y")).await.problem(503, "circuit_open");
    keyed(&server, "circuit", &json!({"methd": 1})).await.problem(422, "invalid_config");
    unmarked(keyed(&server, "k", &post("/x")).await.is(200), true);
}

/// A body of `length` bytes, in pieces and of a length that is not told beforehand.
fn pieces(length: usize) -> Body {
    let all = Bytes::from(vec![b'x'; length]);
    let pieces: Vec<_> = (0..length)
        .step_by(100_000)
        .map(|from| Ok(Frame::data(all.slice(from..length.min(from + 100_000)))))
        .collect();
    Body::stream(StreamBody::new(futures_util::stream::iter(pieces)))
}

#[tokio::test]
async fn an_answer_that_is_too_large_is_passed_on_and_a_repetition_says_so() {
    let peer = Peer::http(|received| {
        let length: usize = received.uri.query().unwrap().parse().unwrap();
        let told = received.uri.path() == "/told";
        Response::new(if told { Body::from(vec![b'x'; length]) } else { pieces(length) })
    })
    .await;
    let server = Server::beside(&peer).await;
    has(&server, &peer.url(), &json!({})).await;
    for path in ["/told", "/untold"] {
        for (length, kept) in [(1 << 20, true), ((1 << 20) + 1, false), (5_000_000, false)] {
            let request = post(&format!("{path}?{length}"));
            let key = format!("{path}{length}");
            let first = unmarked(keyed(&server, &key, &request).await.is(200), false);
            assert!(first.body.len() == length && first.body.iter().all(|byte| *byte == b'x'));
            let again = keyed(&server, &key, &request).await;
            if kept {
                same(&unmarked(again, true), &first);
            } else {
                let problem = again.problem(409, "idempotency_not_kept");
                assert_eq!(problem["upstream"]["status"], 200);
                assert_eq!(problem["outcome"], "applied");
                assert!(problem["detail"].as_str().unwrap().contains("too large"), "{problem}");
            }
        }
    }
    assert_eq!(peer.received().len(), 6);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_a_problem_and_stays_one() {
    let peer = Peer::raw(|mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nhalf";
        let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 4096]).await;
        stream.write_all(head).await.unwrap();
    })
    .await;
    let server = Server::beside(&peer).await;
    has(&server, &peer.url(), &json!({})).await;
    let first = unmarked(keyed(&server, "k", &post("/x")).await.is(502), false);
    assert_eq!(first.json()["outcome"], "unknown");
    same(&unmarked(keyed(&server, "k", &post("/x")).await, true), &first);
    assert_eq!(peer.connections(), 1);
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_named() {
    let (peer, server) = pair(&json!({})).await;
    let long = "k".repeat(256);
    let name = "idempotency-key";
    let body = post("/x").to_string();
    for headers in [
        vec![(name, "")],
        vec![(name, "a b")],
        vec![(name, "caf\u{e9}")],
        vec![(name, &*long)],
        vec![(name, "a"), (name, "a")],
    ] {
        let headers: Vec<_> = headers.into_iter().chain([JSON]).collect();
        let problem = server.with("POST", CALL, &headers, body.clone()).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().starts_with(name), "{problem}");
    }
    assert!(peer.received().is_empty());
    keyed(&server, &long[..255], &post("/x")).await.is(200);
    keyed(&server, "!~", &post("/x")).await.is(200);
}

#[tokio::test]
async fn the_proxy_passes_the_key_on_and_makes_each_call() {
    let (peer, server) = pair(&json!({})).await;
    for _ in 0..2 {
        let headers = [("idempotency-key", "k y")];
        let answer = server.with("POST", "/api/v1/integrations/a/proxy/x", &headers, "").await.is(200);
        assert_eq!(answer.header("idempotency-replayed"), "true", "it is the service's to say");
    }
    let keys: Vec<_> = peer.received().iter().map(|one| one.header("idempotency-key").to_owned()).collect();
    assert_eq!(keys, ["k y", "k y"]);
}

#[tokio::test]
async fn the_documents_describe_the_key_and_its_problems() {
    let server = Server::begin().start().await;
    let document = server.get("/openapi.json").await.is(200).json();
    let call = &document["paths"]["/api/v1/integrations/{id}/call"]["post"];
    let parameters = call["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|one| one["in"] == "header" && one["name"] == "Idempotency-Key"), "{call}");
    let page = server.get("/docs/problems").await.is(200);
    for (kind, status) in
        [("mismatch", "422"), ("in_progress", "409"), ("unknown", "409"), ("not_kept", "409")]
    {
        assert!(call["responses"][status]["description"].as_str().unwrap().contains(kind), "{kind}");
        assert!(page.text().contains(&format!("<section id=\"idempotency_{kind}\">")), "{kind}");
    }
}

#[tokio::test]
async fn the_command_makes_a_call_once_for_each_key() {
    let (peer, server) = pair(&json!({})).await;
    let args = ["call", "a", "/created", "-d", "{\"n\": 1}", "--idempotency-key", "k"];
    for _ in 0..2 {
        server.cli(&args).await.is(0);
    }
    assert_eq!(peer.received().len(), 1);
    for (key, word) in [("a b", "idempotency-key"), ("k", "idempotency_mismatch")] {
        let bad = server.cli(&["call", "a", "/x", "--idempotency-key", key]).await.is(2);
        assert!(bad.stderr.contains(word), "{bad:?}");
    }
}
