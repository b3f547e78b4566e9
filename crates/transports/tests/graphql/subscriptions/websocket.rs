//! `graphql-transport-ws`: the service does what its protocol allows, and what it does not.

use futures_util::SinkExt;
use serde_json::{Value, json};
use tokio::{net::TcpStream, sync::mpsc};
use trunkline_core::{Events, Kind, Outcome, Transport};
use trunkline_testkit::{Peer, shake_hands};
use yawc::{Frame, OpCode, Options, Role, WebSocket, close::CloseCode};

use super::common::{Client, event, failure, next};

const A: &str = "subscription { a }";
const PROTOCOL: Option<&str> = Some("graphql-transport-ws");

/// A service whose connections are talked over by the test.
struct Service {
    peer: Peer,
    accepted: mpsc::UnboundedReceiver<Talk>,
}

/// One of them.
struct Talk {
    socket: WebSocket<TcpStream>,
    head: String,
}

impl Service {
    async fn start(subprotocol: Option<&'static str>) -> Self {
        let (accept, accepted) = mpsc::unbounded_channel();
        let peer = Peer::raw(move |mut stream| {
            let accept = accept.clone();
            async move {
                let head = shake_hands(&mut stream, subprotocol).await.unwrap();
                let socket = WebSocket::from_stream(stream, Role::Server, Options::default()).unwrap();
                // The test may be over.
                let _ = accept.send(Talk { socket, head });
            }
        })
        .await;
        Self { peer, accepted }
    }

    fn client(&self, keys: &Value) -> Client {
        Client::new(&format!("{}/graphql", self.peer.url()), keys)
    }

    /// The next connection, and the payload of its first message.
    async fn greeted(&mut self) -> (Talk, Value) {
        let mut talk = self.accepted.recv().await.unwrap();
        let init = talk.hears().await;
        assert_eq!(init["type"], "connection_init");
        (talk, init["payload"].clone())
    }

    /// The next connection, which is let in.
    async fn let_in(&mut self) -> Talk {
        let (mut talk, _) = self.greeted().await;
        talk.says(json!({"type": "connection_ack"})).await;
        talk
    }

    /// A client's first subscription, and the connection that it made.
    async fn subscribed(&mut self, client: &Client) -> (Events, Talk) {
        let (events, talk) = tokio::join!(client.subscribe(A), async {
            let mut talk = self.let_in().await;
            assert_eq!(talk.hears().await, subscribe("1"));
            talk
        });
        (events.unwrap(), talk)
    }
}

impl Talk {
    async fn hears(&mut self) -> Value {
        loop {
            let frame = self.socket.next_frame().await.unwrap();
            if frame.opcode() == OpCode::Text {
                return serde_json::from_slice(frame.payload()).unwrap();
            }
        }
    }

    async fn says(&mut self, message: Value) {
        self.socket.send(Frame::text(message.to_string())).await.unwrap();
    }

    async fn sends(&mut self, id: &str, number: u32) {
        self.says(json!({"id": id, "type": "next", "payload": {"data": {"a": number}}})).await;
    }

    async fn closes(mut self, code: u16) {
        self.socket.send(Frame::close(CloseCode::from(code), "as told")).await.unwrap();
        self.closed().await;
    }

    /// Waits for the client to close the connection.
    async fn closed(&mut self) {
        while self.socket.next_frame().await.is_ok_and(|frame| frame.opcode() != OpCode::Close) {}
    }
}

fn subscribe(id: &str) -> Value {
    json!({"id": id, "type": "subscribe", "payload": {"query": A}})
}

fn data(number: u32) -> (String, String) {
    event("next", &json!({"data": {"a": number}}).to_string())
}

#[tokio::test]
async fn a_subscription_brings_what_the_service_sends_until_it_is_complete() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({"protocol": "websocket"}));
    let (mut events, mut talk) = service.subscribed(&client).await;
    let head = talk.head.to_ascii_lowercase();
    assert!(head.starts_with("get /graphql http/1.1"), "{head}");
    assert!(head.contains("authorization: bearer t1") && head.contains("x-tenant: acme"), "{head}");
    talk.sends("1", 1).await;
    talk.says(json!({"type": "ping", "payload": {"n": 1}})).await;
    assert_eq!(talk.hears().await, json!({"type": "pong", "payload": {"n": 1}}));
    talk.says(json!({"id": "1", "type": "complete"})).await;
    assert_eq!(next(&mut events).await, data(1));
    assert_eq!(next(&mut events).await, event("complete", ""));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn many_readers_share_a_subscription_and_the_last_of_them_ends_it() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({}));
    let (first, mut talk) = service.subscribed(&client).await;
    let mut readers = vec![first];
    for _ in 0..50 {
        readers.push(client.subscribe(A).await.unwrap());
    }
    let mut other = client.subscribe("subscription { b }").await.unwrap();
    assert_eq!(talk.hears().await["payload"]["query"], "subscription { b }", "the first message since");
    talk.sends("1", 1).await;
    talk.sends("2", 2).await;
    for reader in &mut readers {
        assert_eq!(next(reader).await, data(1));
    }
    assert_eq!(next(&mut other).await, data(2));
    drop(readers);
    assert_eq!(talk.hears().await, json!({"id": "1", "type": "complete"}));
    talk.sends("1", 3).await;
    talk.sends("2", 4).await;
    assert_eq!(next(&mut other).await, data(4), "what comes for nobody harms nobody");
    assert_eq!(service.peer.connections(), 1);
}

#[tokio::test]
async fn a_refusal_after_the_subscription_was_sent_is_the_last_event() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({}));
    let (mut events, mut talk) = service.subscribed(&client).await;
    let errors = json!([{"message": "not you", "extensions": {"code": "FORBIDDEN"}}]);
    talk.says(json!({"id": "1", "type": "error", "payload": errors})).await;
    let (name, said) = next(&mut events).await;
    let said: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((&*name, &said["kind"], &said["errors"]), ("error", &json!("forbidden"), &errors));
    assert!(events.next().await.is_none());
}

#[tokio::test]
async fn nothing_is_begun_before_the_service_lets_the_connection_in() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({"ack_timeout": "100ms"}));
    let (refused, ()) = tokio::join!(client.subscribe(A), async {
        let (mut talk, _) = service.greeted().await;
        talk.closed().await;
    });
    let error = refused.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::NotSent));
    let (refused, ()) = tokio::join!(client.subscribe(A), async {
        let (mut talk, _) = service.greeted().await;
        talk.sends("1", 1).await;
        talk.closed().await;
    });
    assert_eq!(refused.unwrap_err().kind(), Kind::Protocol, "an event before connection_ack");
}

#[tokio::test]
async fn after_an_abrupt_loss_the_subscription_goes_on_and_its_readers_know() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({}));
    let (mut events, mut talk) = service.subscribed(&client).await;
    talk.sends("1", 1).await;
    assert_eq!(next(&mut events).await, data(1));
    drop(talk);
    let mut talk = service.let_in().await;
    assert_eq!(talk.hears().await, subscribe("2"));
    talk.sends("2", 2).await;
    assert_eq!(next(&mut events).await, event("reconnected", "{}"));
    assert_eq!(next(&mut events).await, data(2));
}

#[tokio::test]
async fn a_credential_that_is_refused_at_a_reconnect_is_replaced_once() {
    for code in [4401, 4403] {
        let mut service = Service::start(PROTOCOL).await;
        let client = service.client(&json!({"credential_in": "connection_init"}));
        let (mut events, talk) = service.subscribed(&client).await;
        assert!(!talk.head.to_ascii_lowercase().contains("authorization"), "{}", talk.head);
        drop(talk);
        let (talk, payload) = service.greeted().await;
        assert_eq!(payload, json!({"Authorization": "Bearer t1"}));
        talk.closes(code).await;
        let (mut talk, payload) = service.greeted().await;
        assert_eq!(payload, json!({"Authorization": "Bearer t2"}));
        talk.says(json!({"type": "connection_ack"})).await;
        assert_eq!(talk.hears().await, subscribe("2"));
        assert_eq!(next(&mut events).await, event("reconnected", "{}"));
        drop(talk);
        let (talk, _) = service.greeted().await;
        talk.closes(code).await;
        assert_eq!(failure(&mut events).await, "unauthenticated");
    }
}

#[tokio::test]
async fn a_credential_that_is_refused_while_a_subscription_goes_on_is_replaced() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({"connection_init": {"token": "{{credential}}"}}));
    let (mut events, talk) = service.subscribed(&client).await;
    talk.closes(4401).await;
    let (mut talk, payload) = service.greeted().await;
    assert_eq!(payload, json!({"token": "t2"}));
    talk.says(json!({"type": "connection_ack"})).await;
    assert_eq!(next(&mut events).await, event("reconnected", "{}"));
}

#[tokio::test]
async fn a_credential_that_is_refused_at_first_is_an_error_of_the_call() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({"connection_init": {"auth": {"token": "{{credential}}"}}}));
    let (refused, ()) = tokio::join!(client.subscribe(A), async {
        let (talk, payload) = service.greeted().await;
        assert_eq!(payload, json!({"auth": {"token": "t1"}}));
        talk.closes(4403).await;
    });
    let error = refused.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::NotSent));
}

#[tokio::test]
async fn what_passes_by_itself_is_tried_again_and_what_does_not_is_the_last_event() {
    for (code, kind) in [
        (1001, None),
        (4408, None),
        (4429, None),
        (4500, None),
        (4400, Some("rejected")),
        (4406, Some("unsupported")),
        (4409, Some("protocol")),
    ] {
        let mut service = Service::start(PROTOCOL).await;
        let client = service.client(&json!({}));
        let (mut events, talk) = service.subscribed(&client).await;
        talk.closes(code).await;
        match kind {
            Some(kind) => assert_eq!(failure(&mut events).await, kind, "{code}"),
            None => {
                let mut talk = service.let_in().await;
                assert_eq!(talk.hears().await, subscribe("2"), "{code}");
            }
        }
    }
}

#[tokio::test]
async fn a_service_that_breaks_the_protocol_is_left() {
    for message in [
        json!({"id": "7", "type": "next", "payload": {}}),
        json!({"id": "1", "type": "data", "payload": {}}),
        json!(["next"]),
    ] {
        let mut service = Service::start(PROTOCOL).await;
        let client = service.client(&json!({}));
        let (mut events, mut talk) = service.subscribed(&client).await;
        talk.says(message).await;
        assert_eq!(failure(&mut events).await, "protocol");
        talk.closed().await;
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({"buffer": {"messages": 2, "when_full": "drop_oldest"}}));
    let (mut events, mut talk) = service.subscribed(&client).await;
    for number in 1..=5 {
        talk.sends("1", number).await;
    }
    talk.says(json!({"type": "ping"})).await;
    assert_eq!(talk.hears().await, json!({"type": "pong"}), "all of it was read");
    assert_eq!(next(&mut events).await, event("dropped", "{\"messages\":3}"));
    assert_eq!([next(&mut events).await, next(&mut events).await], [data(4), data(5)]);
}

#[tokio::test]
async fn a_service_that_speaks_another_protocol_is_not_subscribed_to() {
    let service = Service::start(None).await;
    let error = service.client(&json!({})).subscribe(A).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unsupported, Outcome::NotSent));
}

#[tokio::test]
async fn an_integration_that_is_closed_ends_its_streams() {
    let mut service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({}));
    let (mut events, mut talk) = service.subscribed(&client).await;
    let occupancy = client.graphql.occupancy().unwrap();
    assert_eq!((occupancy.used, occupancy.max, occupancy.opened), (1, 1, 1));
    client.graphql.close().await;
    assert_eq!(failure(&mut events).await, "shutting_down");
    talk.closed().await;
}

#[tokio::test]
async fn only_a_subscription_is_subscribed_to() {
    let service = Service::start(PROTOCOL).await;
    let client = service.client(&json!({}));
    let error = client.subscribe("{ a }").await.unwrap_err();
    assert!(error.message().contains("no subscription"), "{error}");
    assert_eq!(service.peer.connections(), 0);
}
