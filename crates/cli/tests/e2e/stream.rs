//! `…/stream`: what a service sends by itself, over one connection to it, to all who subscribed.

use bytes::Bytes;
use futures_util::SinkExt;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use trunkline::{Body, Error, Event, Events, Kind};
use trunkline_testkit::Feed;
use yawc::{Frame, OpCode, Options, Role, WebSocket, close::CloseCode};

use crate::harness::{Server, until, within};

const PATH: &str = "/api/v1/integrations/feed/stream";
const SUBSCRIBE: &str = r#"{"subscribe":"trades"}"#;
const UNSUBSCRIBE: &str = r#"{"unsubscribe":"trades"}"#;

/// A service, and a server that has it as the integration `feed` with further keys.
async fn feed(further: Value) -> (Feed, Server) {
    let feed = Feed::start().await;
    let server = Server::begin().allow_at(feed.address()).start().await;
    let mut config = json!({
        "integration_id": "feed", "type": "websocket", "base_url": feed.url(), "correlation": { "request": "/id" },
        "streams": { "trades": {
            "subscribe": [{ "subscribe": "trades" }], "unsubscribe": [{ "unsubscribe": "trades" }],
            "match": { "/channel": "trades" },
        } },
    });
    config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    server.has(&config).await;
    (feed, server)
}

fn trade(n: usize) -> String {
    format!(r#"{{"channel":"trades","n":{n}}}"#)
}

/// One who subscribed with server-sent events.
pub(crate) struct Reader {
    events: Events,
    headers: HeaderMap,
}

impl Reader {
    async fn of(response: Response<Incoming>) -> Self {
        let (head, body) = response.into_parts();
        assert_eq!(head.status, StatusCode::OK, "{:?}", body.collect().await);
        let body = body.map_err(|error| Error::new(Kind::Protocol, error.to_string()));
        Self { events: Events::new(Body::stream(body)), headers: head.headers }
    }

    async fn open(server: &Server, query: &str) -> Self {
        Self::at(server, &format!("{PATH}{query}")).await
    }

    /// At a path with its query.
    pub(crate) async fn at(server: &Server, path: &str) -> Self {
        Self::with(server, path, &[]).await
    }

    /// At a path with its query, and with these headers.
    pub(crate) async fn with(server: &Server, path: &str, headers: &[(&str, &str)]) -> Self {
        let request =
            headers.iter().fold(Request::get(path), |request, (name, value)| request.header(*name, *value));
        Self::of(server.open(request.body(Full::<Bytes>::default()).unwrap()).await).await
    }

    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        let Event { name, data } = within("an event", self.events.next()).await?.unwrap();
        Some((name.into_owned(), String::from_utf8(data.into()).unwrap()))
    }

    pub(crate) async fn message(&mut self) -> String {
        let (name, data) = self.next().await.unwrap();
        assert_eq!(name, "message", "{data}");
        data
    }
}

/// One who subscribed over a WebSocket.
pub(crate) struct Socket(WebSocket<TokioIo<hyper::upgrade::Upgraded>>);

impl Socket {
    async fn shake(server: &Server, query: &str, origin: Option<&str>) -> Response<Incoming> {
        Self::shake_at(server, &format!("{PATH}{query}"), origin).await
    }

    async fn shake_at(server: &Server, path: &str, origin: Option<&str>) -> Response<Incoming> {
        let mut request = Request::get(path)
            .header("upgrade", "websocket")
            .header("connection", "Upgrade")
            .header("sec-websocket-version", "13")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==");
        if let Some(origin) = origin {
            request = request.header("origin", origin);
        }
        server.open(request.body(Full::<Bytes>::default()).unwrap()).await
    }

    async fn open(server: &Server, query: &str) -> Self {
        Self::at(server, &format!("{PATH}{query}")).await
    }

    /// At a path with its query.
    pub(crate) async fn at(server: &Server, path: &str) -> Self {
        let response = Self::shake_at(server, path, None).await;
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(response.headers()["sec-websocket-accept"], "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let io = TokioIo::new(hyper::upgrade::on(response).await.unwrap());
        Self(WebSocket::from_stream(io, Role::Client, Options::default()).unwrap())
    }

    async fn next(&mut self) -> Frame {
        loop {
            let frame = within("a message", self.0.next_frame()).await.unwrap();
            if !matches!(frame.opcode(), OpCode::Ping | OpCode::Pong) {
                return frame;
            }
        }
    }

    pub(crate) async fn text(&mut self) -> String {
        let frame = self.next().await;
        assert_eq!(frame.opcode(), OpCode::Text);
        frame.as_str().to_owned()
    }

    /// The code that the connection is closed with, and why.
    pub(crate) async fn closed(&mut self) -> (u16, String) {
        let frame = self.next().await;
        assert_eq!(frame.opcode(), OpCode::Close, "{}", frame.as_str());
        (frame.close_code().unwrap().into(), frame.close_reason().unwrap().unwrap_or_default().to_owned())
    }
}

#[tokio::test]
async fn all_who_subscribe_get_all_messages_over_one_connection_and_the_last_to_go_unsubscribes() {
    let (feed, server) = feed(json!({})).await;
    let mut readers = Vec::new();
    for _ in 0..20 {
        readers.push(Reader::open(&server, "?stream=trades").await);
    }
    let headers = &readers[0].headers;
    assert_eq!(headers["content-type"], "text/event-stream");
    assert_eq!(
        (&headers["cache-control"], &headers["x-accel-buffering"]),
        (&"no-store".parse().unwrap(), &"no".parse().unwrap())
    );
    assert!(headers.contains_key("trunkline-request-id"));
    feed.hears(SUBSCRIBE, 1).await;
    feed.send(r#"{"channel":"other"}"#);
    (0..3).for_each(|n| feed.send(trade(n)));
    for reader in &mut readers {
        for n in 0..3 {
            assert_eq!(reader.message().await, trade(n));
        }
    }
    assert_eq!(feed.connections(), 1);
    drop(readers);
    feed.hears(UNSUBSCRIBE, 1).await;
    assert_eq!(feed.heard(), [SUBSCRIBE, UNSUBSCRIBE]);
}

#[tokio::test]
async fn calls_and_streams_share_a_connection_and_do_not_mix() {
    let (feed, server) = feed(json!({})).await;
    let mut reader = Reader::open(&server, "").await;
    feed.open(1).await;
    feed.send("a push");
    let headers = [("content-type", "application/json")];
    let body = r#"{"message": {"id": "a", "op": "echo", "x": 1.50}}"#;
    let reply = server.with("POST", "/api/v1/integrations/feed/call", &headers, body).await.is(200);
    assert_eq!(reply.text(), r#"{"id": "a", "op": "echo", "x": 1.50}"#);
    feed.send_bytes(&b"\0\x01"[..]);
    feed.send("a\r\nb");
    assert_eq!(reader.message().await, "a push");
    assert_eq!(reader.next().await.unwrap(), ("binary".into(), "AAE=".into()));
    assert_eq!(reader.next().await.unwrap(), ("text".into(), r#""a\r\nb""#.into()));
    assert_eq!(feed.connections(), 1);
}

#[tokio::test]
async fn after_a_loss_subscribers_are_subscribed_again_and_told_so() {
    let (feed, server) = feed(json!({})).await;
    let mut reader = Reader::open(&server, "?stream=trades").await;
    let mut socket = Socket::open(&server, "?stream=trades").await;
    feed.hears(SUBSCRIBE, 1).await;
    feed.hang_up();
    feed.hears(SUBSCRIBE, 2).await;
    feed.send(trade(7));
    assert_eq!(reader.next().await.unwrap(), ("reconnected".into(), "{}".into()));
    assert_eq!(reader.message().await, trade(7));
    assert_eq!(socket.text().await, r#"{"event":"reconnected","data":{}}"#);
    assert_eq!(socket.text().await, trade(7));
}

#[tokio::test]
async fn a_slow_subscriber_is_told_what_it_missed_and_others_miss_nothing() {
    for (when_full, word) in [("close", "error"), ("drop_oldest", "dropped")] {
        let buffer = json!({ "buffer": { "messages": 16, "when_full": when_full } });
        let (feed, server) = feed(buffer).await;
        let mut slow = Reader::open(&server, "?stream=trades").await;
        let mut quick = Socket::open(&server, "?stream=trades").await;
        feed.hears(SUBSCRIBE, 1).await;
        // More than sockets hold of it on the way to one who does not read.
        let long = "x".repeat(60_000);
        for n in 0..400 {
            let message = format!(r#"{{"channel":"trades","n":{n},"x":"{long}"}}"#);
            feed.send(&*message);
            assert_eq!(quick.text().await, message);
        }
        let mut seen = 0;
        let (name, data) = loop {
            let (name, data) = slow.next().await.unwrap();
            if name != "message" {
                break (name, data);
            }
            seen += 1;
        };
        assert_eq!(name, word, "{data}");
        assert!(seen < 400);
        if when_full == "drop_oldest" {
            let missed: Value = serde_json::from_str(&data).unwrap();
            let next: Value = serde_json::from_str(&slow.message().await).unwrap();
            assert_eq!(next["n"].as_u64().unwrap(), seen + missed["messages"].as_u64().unwrap());
            let metrics = server.get("/metrics").await.is(200).text().to_owned();
            let value = |name: &str| {
                let line = metrics.lines().find(|line| line.starts_with(&format!("{name}{{")));
                line.unwrap_or_else(|| panic!("no {name}: {metrics}")).rsplit(' ').next().unwrap().to_owned()
            };
            assert_eq!(value("trunkline_stream_readers"), "2");
            assert_eq!(value("trunkline_stream_dropped_total"), missed["messages"].to_string());
            assert_eq!(value("trunkline_late_replies_total"), "0");
        } else {
            assert!(data.contains("\"throttled\"") && data.contains("missed"), "{data}");
            assert_eq!(slow.next().await, None);
        }
    }
}

#[tokio::test]
async fn a_websocket_has_the_messages_as_they_were_and_may_only_listen() {
    let (feed, server) = feed(json!({})).await;
    let mut socket = Socket::open(&server, "").await;
    feed.open(1).await;
    feed.send("hello");
    feed.send_bytes(&b"\0\x01"[..]);
    assert_eq!(socket.text().await, "hello");
    let frame = socket.next().await;
    assert_eq!((frame.opcode(), &**frame.payload()), (OpCode::Binary, &b"\0\x01"[..]));
    socket.0.send(Frame::text("I say")).await.unwrap();
    let (code, reason) = socket.closed().await;
    assert!(code == 1008 && reason.contains("listening"), "{code} {reason}");
    feed.open(1).await;
    // A message that is too large is no less.
    let mut socket = Socket::open(&server, "").await;
    // It need not have read all of it to hang up.
    let _ = socket.0.send(Frame::binary(vec![0; 1 << 20])).await;
    let end = within("the end", socket.0.next_frame()).await;
    assert!(end.map_or(true, |frame| frame.opcode() == OpCode::Close));
}

#[tokio::test]
async fn a_client_that_closes_is_answered_and_one_that_breaks_the_protocol_is_told() {
    let (_feed, server) = feed(json!({})).await;
    for (frame, code) in [
        (Frame::close(CloseCode::Normal, "bye"), 1000),
        (Frame::close(CloseCode::Away, ""), 1001),
        (Frame::binary(vec![0; 5000]), 1009),
        (Frame::text(&b"\xC3\x28"[..]), 1007),
        (Frame::continuation("x"), 1002),
    ] {
        let mut socket = Socket::open(&server, "").await;
        socket.0.send(frame).await.unwrap();
        assert_eq!(socket.closed().await.0, code);
    }
}

#[tokio::test]
async fn a_page_of_another_site_gets_no_stream() {
    let (feed, server) = feed(json!({})).await;
    for origin in ["https://evil.example", "null", "http://localhost:1"] {
        let response = Socket::shake(&server, "", Some(origin)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{origin}");
    }
    server
        .with("GET", PATH, &[("sec-fetch-site", "cross-site"), ("sec-fetch-mode", "navigate")], "")
        .await
        .problem(403, "foreign_origin");
    assert_eq!(feed.connections(), 0);
    let own = format!("http://{}", server.address);
    assert_eq!(Socket::shake(&server, "", Some(&own)).await.status(), StatusCode::SWITCHING_PROTOCOLS);
}

#[tokio::test]
async fn what_cannot_be_subscribed_to_is_said_before_the_stream_begins() {
    let (feed, server) = feed(json!({})).await;
    server.has(&json!({ "integration_id": "rest", "type": "rest", "base_url": "http://127.0.0.1:1" })).await;
    let problem = server.get("/api/v1/integrations/rest/stream").await.problem(422, "unsupported");
    assert!(problem["detail"].as_str().unwrap().contains("rest"), "{problem}");
    for (query, word) in
        [("?stream=trade", "trades"), ("?strem=trades", "stream"), ("?request=1", "expected")]
    {
        let problem = server.get(&format!("{PATH}{query}")).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{query}: {problem}");
    }
    server.get("/api/v1/integrations/none/stream").await.is(404);
    server
        .with("GET", PATH, &[("upgrade", "websocket"), ("connection", "upgrade")], "")
        .await
        .problem(400, "bad_handshake");
    assert_eq!(feed.connections(), 0);
    drop(feed);
    server.get(PATH).await.problem(502, "unavailable");
}

#[tokio::test]
async fn streams_end_with_a_reason_when_their_integration_goes() {
    let (feed, server) = feed(json!({})).await;
    let mut reader = Reader::open(&server, "?stream=trades").await;
    let mut socket = Socket::open(&server, "?stream=trades").await;
    feed.hears(SUBSCRIBE, 1).await;
    server.delete("/api/v1/integrations/feed").await.is(200);
    let (name, data) = reader.next().await.unwrap();
    assert!(name == "error" && data.contains("\"shutting_down\""), "{name} {data}");
    assert_eq!(reader.next().await, None);
    assert!(socket.text().await.starts_with(r#"{"event":"error","data":{"kind":"shutting_down""#));
    assert_eq!(socket.closed().await, (1001, "shutting_down".into()));
    feed.open(0).await;
}

#[tokio::test]
async fn a_server_that_stops_ends_its_streams_and_does_not_wait_for_them() {
    let (feed, mut server) = feed(json!({})).await;
    let mut reader = Reader::open(&server, "?stream=trades").await;
    let mut socket = Socket::open(&server, "?stream=trades").await;
    feed.hears(SUBSCRIBE, 1).await;
    server.signal(Signal::TERM);
    let (name, data) = reader.next().await.unwrap();
    assert!(name == "error" && data.contains("\"shutting_down\""), "{name} {data}");
    assert_eq!(reader.next().await, None);
    assert_eq!(socket.closed().await.0, 1001);
    drop(socket);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_client_that_does_not_read_its_events_does_not_keep_the_server_from_stopping() {
    let feed = Feed::start().await;
    let begin = Server::begin().allow_at(feed.address());
    let file = begin.file("t.yaml", "server: { drain: 600s }\n");
    let mut server = begin.arg("--config").arg(file.to_str().unwrap()).start().await;
    server.has(&json!({ "integration_id": "feed", "type": "websocket", "base_url": feed.url() })).await;
    let _slow = Reader::open(&server, "").await;
    let mut quick = Socket::open(&server, "").await;
    feed.open(1).await;
    // More than sockets hold of it on the way.
    let long = "x".repeat(60_000);
    for _ in 0..400 {
        feed.send(&*long);
        assert_eq!(quick.text().await, long);
    }
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
#[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
async fn a_call_ends_while_the_server_stops_whichever_worker_made_its_connection() {
    let feed = Feed::start().await;
    let begin = Server::begin().allow_at(feed.address());
    let file = begin.file("t.yaml", "server: { workers: 8 }\n");
    let mut server = begin.arg("--config").arg(file.to_str().unwrap()).start().await;
    server.has(&json!({
        "integration_id": "feed", "type": "websocket", "base_url": feed.url(), "correlation": { "request": "/id" },
    })).await;
    server.call("feed", &json!({ "message": { "id": 1, "op": "echo" } })).await.is(200);
    let request = json!({ "message": { "id": 1, "op": "hold" } });
    let answers = async {
        let held =
            until("the call", async || feed.heard().into_iter().find(|text| text.contains("hold"))).await;
        server.signal(Signal::TERM);
        // Workers without a call have ended, or soon will have.
        let address = server.address;
        until("the end", async || TcpStream::connect(address).await.is_err().then_some(())).await;
        feed.send(held);
    };
    let (answer, ()) = tokio::join!(server.call("feed", &request), answers);
    assert_eq!(answer.is(200).json(), request["message"]);
    assert_eq!(server.ended().await, Some(0));
}

#[tokio::test]
async fn a_subscription_is_one_record_that_is_well_when_its_reader_goes() {
    let (feed, server) = feed(json!({})).await;
    let reader = Reader::of(
        server
            .open(
                Request::post(PATH)
                    .header("content-type", "application/json")
                    .body(Full::new(Bytes::from(r#"{"stream": "trades"}"#)))
                    .unwrap(),
            )
            .await,
    )
    .await;
    feed.hears(SUBSCRIBE, 1).await;
    let id = reader.headers["trunkline-request-id"].to_str().unwrap().to_owned();
    drop(reader);
    feed.hears(UNSUBSCRIBE, 1).await;
    let query = format!("/api/v1/activity?request_id={id}");
    let record = until("its record", async || server.get(&query).await.is(200).json().get(0).cloned()).await;
    assert_eq!(
        (&record["operation"], &record["kind"], &record["status"]),
        (&json!("receive"), &json!("ok"), &json!(200))
    );
}

#[tokio::test]
async fn the_command_prints_messages_and_says_how_it_ended() {
    let (feed, server) = feed(json!({})).await;
    for (args, lines) in [
        (&["stream", "feed", "trades"][..], vec![trade(1), trade(2)]),
        (
            &["--json", "stream", "feed", "-r", r#"{"stream": "trades"}"#],
            vec![
                format!(r#"{{"event":"message","data":{}}}"#, trade(1)),
                format!(r#"{{"event":"message","data":{}}}"#, trade(2)),
            ],
        ),
    ] {
        let mut begun = server.cli_begin(args);
        feed.open(1).await;
        until("a reader", async || (feed.heard().last()? == SUBSCRIBE).then_some(())).await;
        feed.send(trade(1));
        feed.send(trade(2));
        for line in lines {
            assert_eq!(begun.line_with("channel").await.trim_end(), line);
        }
        server.json("PATCH", "/api/v1/integrations/feed", &json!({ "idle": 100 + args.len() })).await;
        let ran = begun.ended().await.is(1);
        assert!(ran.stderr.contains("shutting_down"), "{ran:?}");
        feed.open(0).await;
    }
    assert!(server.cli(&["stream", "feed", "trade"]).await.is(2).stderr.contains("trades"));
}
