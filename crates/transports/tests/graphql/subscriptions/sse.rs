//! Server-sent events: streams that come in any pieces, that break off, and what is answered instead of one.

use bytes::Bytes;
use http::{HeaderMap, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use trunkline_core::{Body, Events, Kind, Result, Transport};
use trunkline_testkit::Peer;

use super::common::{Client, event, failure, next};

const A: &str = "subscription { a }";

/// A service whose requests are answered by the test.
struct Service {
    peer: Peer,
    asked: mpsc::UnboundedReceiver<Asked>,
}

/// A request.
struct Asked {
    headers: HeaderMap,
    body: Value,
    answer: oneshot::Sender<Response<Body>>,
}

/// A stream of events. Dropped, it ends.
struct Feed(mpsc::Sender<Result<Frame<Bytes>>>);

impl Service {
    async fn start() -> Self {
        let (ask, asked) = mpsc::unbounded_channel();
        let peer = Peer::live(move |request| {
            let ask = ask.clone();
            async move {
                let (head, body) = request.into_parts();
                let body = body.collect().await.unwrap().to_bytes();
                let (answer, answered) = oneshot::channel();
                let body = serde_json::from_slice(&body).unwrap();
                ask.send(Asked { headers: head.headers, body, answer }).unwrap();
                answered.await.unwrap()
            }
        })
        .await;
        Self { peer, asked }
    }

    fn client(&self, more: Value) -> Client {
        let mut keys = json!({"protocol": "sse"});
        let Value::Object(more) = more else { panic!("keys are an object") };
        keys.as_object_mut().unwrap().extend(more);
        Client::new(&format!("{}/graphql", self.peer.url()), &keys)
    }

    async fn asked(&mut self) -> Asked {
        self.asked.recv().await.unwrap()
    }

    /// A client's subscription, and the stream that it reads.
    async fn subscribed(&mut self, client: &Client) -> (Events, Feed) {
        let (events, feed) = tokio::join!(client.subscribe(A), async { self.asked().await.streams() });
        (events.unwrap(), feed)
    }
}

impl Asked {
    fn token(&self) -> &str {
        self.headers[header::AUTHORIZATION].to_str().unwrap()
    }

    fn streams(self) -> Feed {
        let (send, mut sent) = mpsc::channel(1024);
        let stream = futures_util::stream::poll_fn(move |cx| sent.poll_recv(cx));
        let response = Response::builder().header(header::CONTENT_TYPE, "text/event-stream; charset=utf-8");
        self.answer.send(response.body(Body::stream(StreamBody::new(stream))).unwrap()).unwrap();
        Feed(send)
    }

    fn answers(self, status: u16, body: &Value) {
        let response = Response::builder().status(status).header(header::CONTENT_TYPE, "application/json");
        self.answer.send(response.body(Body::from(body.to_string())).unwrap()).unwrap();
    }
}

impl Feed {
    async fn sends(&self, text: &str) {
        self.0.send(Ok(Frame::data(Bytes::copy_from_slice(text.as_bytes())))).await.unwrap();
    }

    async fn data(&self, number: u32) {
        self.sends(&format!("event: next\ndata: {{\"data\":{{\"a\":{number}}}}}\n\n")).await;
    }
}

fn data(number: u32) -> (String, String) {
    event("next", &json!({"data": {"a": number}}).to_string())
}

#[tokio::test]
async fn events_come_in_any_pieces_and_comments_are_for_nobody() {
    let text = ":\n\nevent: next\r\ndata: {\"data\":\r\ndata: {\"a\":1}}\r\n\r\n: still there\n\nevent: ping\ndata: 1\n\n\
                data: {\"data\":{\"a\":2}}\n\nevent: complete\ndata:\n\nevent: next\ndata: late\n\n";
    for size in [1, 3, 1000] {
        let mut service = Service::start().await;
        let client = service.client(json!({}));
        let (events, asked) = tokio::join!(client.subscribe(A), async {
            let asked = service.asked().await;
            let said = (asked.headers.clone(), asked.body.clone());
            let feed = asked.streams();
            for piece in text.as_bytes().chunks(size) {
                feed.sends(std::str::from_utf8(piece).unwrap()).await;
            }
            said
        });
        let (headers, body) = asked;
        assert_eq!(body, json!({"query": A}));
        for (name, value) in [
            ("accept", "text/event-stream"),
            ("accept-encoding", "identity"),
            ("content-type", "application/json"),
            ("authorization", "Bearer t1"),
            ("x-tenant", "acme"),
        ] {
            assert_eq!(headers[name], value);
        }
        let mut events = events.unwrap();
        assert_eq!(next(&mut events).await, event("next", "{\"data\":\n{\"a\":1}}"));
        assert_eq!(next(&mut events).await, data(2));
        assert_eq!(next(&mut events).await, event("complete", ""));
        assert!(events.next().await.is_none());
    }
}

#[tokio::test]
async fn many_readers_share_a_stream_and_the_last_of_them_ends_it() {
    let mut service = Service::start().await;
    let client = service.client(json!({}));
    let (first, feed) = service.subscribed(&client).await;
    let mut readers = vec![first, client.subscribe(A).await.unwrap(), client.subscribe(A).await.unwrap()];
    feed.data(1).await;
    for reader in &mut readers {
        assert_eq!(next(reader).await, data(1));
    }
    drop(readers);
    feed.0.closed().await;
    let (mut events, feed) = service.subscribed(&client).await;
    feed.data(2).await;
    assert_eq!(next(&mut events).await, data(2), "whoever comes later begins anew");
}

#[tokio::test]
async fn each_has_a_stream_of_its_own_where_nothing_is_shared() {
    let mut service = Service::start().await;
    let client = service.client(json!({"shared": false}));
    let (mut first, one) = service.subscribed(&client).await;
    let (mut second, other) = service.subscribed(&client).await;
    one.data(1).await;
    other.data(2).await;
    assert_eq!((next(&mut first).await, next(&mut second).await), (data(1), data(2)));
}

#[tokio::test]
async fn a_stream_that_breaks_off_or_falls_silent_is_asked_for_again() {
    let mut service = Service::start().await;
    let client = service.client(json!({"silence": "200ms"}));
    let (mut events, feed) = service.subscribed(&client).await;
    feed.data(1).await;
    assert_eq!(next(&mut events).await, data(1));
    drop(feed);
    service.asked().await.answers(503, &json!({}));
    let silent = service.asked().await.streams();
    assert_eq!(next(&mut events).await, event("reconnected", "{}"));
    let feed = service.asked().await.streams();
    feed.data(2).await;
    assert_eq!(next(&mut events).await, event("reconnected", "{}"));
    assert_eq!(next(&mut events).await, data(2));
    drop(silent);
}

#[tokio::test]
async fn a_credential_that_is_refused_later_is_replaced_once() {
    let mut service = Service::start().await;
    let client = service.client(json!({}));
    let (mut events, feed) = service.subscribed(&client).await;
    drop(feed);
    for token in ["Bearer t1", "Bearer t2"] {
        let asked = service.asked().await;
        assert_eq!(asked.token(), token);
        match token {
            "Bearer t1" => asked.answers(401, &json!({})),
            _ => drop(asked.streams()),
        }
    }
    assert_eq!(next(&mut events).await, event("reconnected", "{}"));
    for _ in 0..2 {
        service.asked().await.answers(401, &json!({}));
    }
    assert_eq!(failure(&mut events).await, "unauthenticated");
}

#[tokio::test]
async fn a_credential_that_is_refused_in_the_stream_is_replaced_once() {
    const REFUSAL: &str =
        "event: next\ndata: {\"errors\":[{\"extensions\":{\"code\":\"UNAUTHENTICATED\"}}]}\n\n";
    let mut service = Service::start().await;
    let client = service.client(json!({}));
    let (mut events, feed) = service.subscribed(&client).await;
    feed.sends(REFUSAL).await;
    let asked = service.asked().await;
    assert_eq!(asked.token(), "Bearer t2");
    let feed = asked.streams();
    feed.data(1).await;
    assert_eq!(next(&mut events).await, data(1));
    feed.sends(REFUSAL).await;
    let (name, _) = next(&mut events).await;
    assert_eq!(name, "next", "one event of a stream that goes on");
    let (mut events, feed) = service.subscribed(&service.client(json!({}))).await;
    feed.sends(REFUSAL).await;
    service.asked().await.streams().sends(REFUSAL).await;
    assert_eq!(failure(&mut events).await, "unauthenticated");
}

#[tokio::test]
async fn what_is_answered_instead_of_a_stream_is_an_error_of_the_call() {
    let mut service = Service::start().await;
    let client = service.client(json!({}));
    let coded = json!({"errors": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]});
    for (status, body, kind) in [
        (401, json!({}), Kind::Unauthenticated),
        (400, json!({"errors": [{"message": "no such field"}]}), Kind::Rejected),
        (200, coded, Kind::Forbidden),
        (503, json!({}), Kind::Unavailable),
        (200, json!({"data": {"a": 1}}), Kind::Unsupported),
    ] {
        let (refused, ()) =
            tokio::join!(client.subscribe(A), async { service.asked().await.answers(status, &body) });
        assert_eq!(refused.unwrap_err().kind(), kind, "{status} {body}");
    }
}

#[tokio::test]
async fn what_does_not_pass_by_itself_is_the_last_event() {
    let mut service = Service::start().await;
    let client = service.client(json!({}));
    let (mut events, feed) = service.subscribed(&client).await;
    drop(feed);
    service.asked().await.answers(403, &json!({}));
    assert_eq!(failure(&mut events).await, "forbidden");
    let (mut events, feed) = service.subscribed(&client).await;
    feed.sends(
        "event: error\ndata: [{\"message\":\"slow down\",\"extensions\":{\"code\":\"THROTTLED\"}}]\n\n",
    )
    .await;
    assert_eq!(failure(&mut events).await, "rate_limited");
}

#[tokio::test]
async fn an_integration_that_is_closed_ends_its_streams() {
    let mut service = Service::start().await;
    let client = service.client(json!({}));
    let (mut events, feed) = service.subscribed(&client).await;
    client.graphql.close().await;
    assert_eq!(failure(&mut events).await, "shutting_down");
    feed.0.closed().await;
}

#[tokio::test]
async fn a_subscription_that_is_asked_for_when_the_integration_is_closed_is_none() {
    let mut service = Service::start().await;
    let client = service.client(json!({}));
    let (error, ()) = tokio::join!(client.subscribe(A), async {
        let asked = service.asked().await;
        client.graphql.close().await;
        drop(asked.streams());
    });
    assert_eq!(error.unwrap_err().kind(), Kind::ShuttingDown);
}
