//! What is said over a connection, message by message.

use http_body_util::BodyExt;
use serde_json::{Value, json};
use trunkline_core::{Body, Events};

use super::*;
use crate::websocket::fanout::BufferConfig;
use crate::websocket::waiter::{Waiting, waiter};

/// A subscriber and the messages that it wants to send.
struct Talk {
    subscriber: Subscriber,
    stir: Arc<Stir>,
    out: VecDeque<Frame>,
}

impl Talk {
    fn new(shared: bool) -> Self {
        let rules = Rules {
            init: Init::open(None, None).unwrap(),
            ack_timeout: Duration::from_secs(10),
            buffer: BufferConfig::default().open().unwrap(),
            shared,
            codes: Arc::default(),
        };
        let stir = Arc::<Stir>::default();
        let subscriber = Subscriber::new(Arc::new(rules), stir.clone());
        Self { subscriber, stir, out: VecDeque::new() }
    }

    /// On a connection that the service let in.
    fn let_in(shared: bool) -> Self {
        let mut talk = Self::new(shared);
        talk.open().unwrap();
        assert_eq!(talk.said(), [json!({"type": "connection_init"})]);
        assert!(!talk.subscriber.takes());
        talk.hears(&json!({"type": "connection_ack"})).unwrap();
        assert!(talk.subscriber.takes());
        talk
    }

    fn open(&mut self) -> Result<()> {
        let about = Opened { subprotocol: Some(SUBPROTOCOL), credential: None };
        self.subscriber.opened(true, &about, &mut self.out)
    }

    fn hears(&mut self, message: &Value) -> Result<()> {
        self.subscriber.received(Message::Text(message.to_string().into()), &mut self.out)
    }

    fn said(&mut self) -> Vec<Value> {
        self.subscriber.flushed();
        self.out.drain(..).map(|frame| serde_json::from_slice(frame.payload()).unwrap()).collect()
    }

    fn subscribe(&mut self, request: &str) -> Waiting<Reader> {
        let (told, waiting) = waiter(&self.stir);
        self.subscriber.commanded(Subscribe(request.into(), told), &mut self.out);
        waiting
    }

    fn tend(&mut self) {
        self.subscriber.tend(true, &mut self.out).unwrap();
    }
}

/// All events that can be read.
async fn all(reader: Reader) -> Vec<(String, String)> {
    let mut events = Events::new(Body::stream(reader));
    let mut all = Vec::new();
    while let Some(event) = events.next().await {
        let event = event.unwrap();
        all.push((event.name.into_owned(), String::from_utf8(event.data.into()).unwrap()));
    }
    all
}

fn event(name: &str, data: &str) -> (String, String) {
    (name.to_owned(), data.to_owned())
}

const A: &str = r#"{"query":"subscription { a }"}"#;
const B: &str = r#"{"query":"subscription { b }"}"#;

fn subscribed(id: &str, request: &str) -> Value {
    json!({"id": id, "type": "subscribe", "payload": serde_json::from_str::<Value>(request).unwrap()})
}

#[tokio::test]
async fn those_who_ask_for_the_same_share_a_subscription_and_each_other_has_its_own() {
    let mut talk = Talk::let_in(true);
    let waiting = [talk.subscribe(A), talk.subscribe(B), talk.subscribe(A)];
    assert_eq!(talk.said(), [subscribed("1", A), subscribed("2", B)]);
    talk.hears(&json!({"id": "2", "type": "next", "payload": {"data": {"b": 1}}})).unwrap();
    talk.hears(&json!({"id": "1", "type": "next", "payload": {"data": {"a": 1}}})).unwrap();
    talk.hears(&json!({"id": "1", "type": "complete"})).unwrap();
    talk.hears(&json!({"id": "2", "type": "error", "payload": [{"message": "no", "extensions": {"code": "FORBIDDEN"}}]}))
        .unwrap();
    let [first, second, third] = waiting;
    let expected = [event("next", r#"{"data":{"a":1}}"#), event("complete", "")];
    assert_eq!(all(first.await.unwrap()).await, expected);
    assert_eq!(all(third.await.unwrap()).await, expected);
    let refused = all(second.await.unwrap()).await;
    assert_eq!(refused[0], event("next", r#"{"data":{"b":1}}"#));
    let data: Value = serde_json::from_str(&refused[1].1).unwrap();
    assert_eq!((&*refused[1].0, &data["kind"], refused.len()), ("error", &json!("forbidden"), 2));
    assert!(
        talk.said().is_empty() && !talk.subscriber.is_wanted(),
        "what the service ended is not ended again"
    );
}

#[tokio::test]
async fn a_first_response_without_data_is_a_refusal_and_a_later_one_is_an_event() {
    let mut talk = Talk::let_in(true);
    let (refused, goes_on) = (talk.subscribe(A), talk.subscribe(B));
    talk.said();
    let errors = json!({"errors": [{"message": "no", "extensions": {"code": "UNAUTHENTICATED"}}]});
    talk.hears(&json!({"id": "1", "type": "next", "payload": errors})).unwrap();
    assert_eq!(talk.said(), [json!({"id": "1", "type": "complete"})]);
    talk.hears(&json!({"id": "1", "type": "complete"})).unwrap();
    talk.hears(&json!({"id": "2", "type": "next", "payload": {"data": {"b": 1}}})).unwrap();
    talk.hears(&json!({"id": "2", "type": "next", "payload": errors})).unwrap();
    talk.hears(&json!({"id": "2", "type": "complete"})).unwrap();
    let refused = all(refused.await.unwrap()).await;
    let data: Value = serde_json::from_str(&refused[0].1).unwrap();
    assert_eq!((&*refused[0].0, &data["kind"], refused.len()), ("error", &json!("unauthenticated"), 1));
    let names: Vec<_> = all(goes_on.await.unwrap()).await.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["next", "next", "complete"]);
}

#[tokio::test]
async fn where_nothing_is_shared_each_reader_has_a_subscription_of_its_own() {
    let mut talk = Talk::let_in(false);
    let _waiting = [talk.subscribe(A), talk.subscribe(A)];
    assert_eq!(talk.said(), [subscribed("1", A), subscribed("2", A)]);
}

#[tokio::test]
async fn the_last_reader_that_goes_ends_the_subscription_and_what_comes_late_is_for_nobody() {
    let mut talk = Talk::let_in(true);
    let (first, second) = (talk.subscribe(A), talk.subscribe(A));
    talk.said();
    let (first, second) = (first.await.unwrap(), second.await.unwrap());
    drop(first);
    talk.tend();
    assert!(talk.said().is_empty());
    drop(second);
    talk.tend();
    assert_eq!(talk.said(), [json!({"id": "1", "type": "complete"})]);
    talk.hears(&json!({"id": "1", "type": "next", "payload": {}})).unwrap();
    talk.hears(&json!({"id": "1", "type": "complete"})).unwrap();
    let _again = talk.subscribe(A);
    assert_eq!(talk.said(), [subscribed("2", A)], "no id is used twice");
}

#[tokio::test]
async fn a_caller_that_goes_before_it_is_told_leaves_no_subscription_behind() {
    let mut talk = Talk::let_in(true);
    drop(talk.subscribe(A));
    assert_eq!(talk.said(), [subscribed("1", A)]);
    talk.tend();
    assert_eq!(talk.said(), [json!({"id": "1", "type": "complete"})]);
}

#[tokio::test]
async fn after_a_reconnect_all_that_is_read_is_subscribed_to_again_and_its_readers_know() {
    let mut talk = Talk::let_in(true);
    let (read, left) = (talk.subscribe(A), talk.subscribe(B));
    talk.said();
    let (mut read, left) = (read.await.unwrap(), left.await.unwrap());
    talk.subscriber.lost(&Error::new(Kind::Unavailable, "gone"));
    drop(left);
    talk.open().unwrap();
    assert_eq!(talk.said(), [json!({"type": "connection_init"})], "not before the service lets us in");
    talk.hears(&json!({"type": "connection_ack"})).unwrap();
    assert_eq!(talk.said(), [subscribed("3", A)]);
    let frame = read.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(frame, event::reconnected().frame());
    let _joins = talk.subscribe(A);
    assert!(talk.said().is_empty());
}

#[tokio::test]
async fn pings_are_answered_before_the_service_lets_us_in_too() {
    let mut talk = Talk::new(true);
    talk.open().unwrap();
    talk.said();
    talk.hears(&json!({"type": "ping"})).unwrap();
    talk.hears(&json!({"type": "connection_ack"})).unwrap();
    talk.hears(&json!({"type": "ping", "payload": {"at": 1}})).unwrap();
    talk.hears(&json!({"type": "pong"})).unwrap();
    assert_eq!(talk.said(), [json!({"type": "pong"}), json!({"type": "pong", "payload": {"at": 1}})]);
}

#[tokio::test]
async fn what_breaks_the_protocol_ends_the_connection() {
    let next = |id: &str| json!({"id": id, "type": "next", "payload": {}});
    let mut early = Talk::new(true);
    early.open().unwrap();
    assert_eq!(early.hears(&next("1")).unwrap_err().kind(), Kind::Protocol);
    let mut talk = Talk::let_in(true);
    let _waiting = talk.subscribe(A);
    for message in [next("0"), next("2"), json!({"type": "data", "id": "1"}), json!(1)] {
        assert_eq!(talk.hears(&message).unwrap_err().kind(), Kind::Protocol, "{message}");
    }
    let bytes = talk.subscriber.received(Message::Binary("{}".into()), &mut talk.out);
    assert_eq!(bytes.unwrap_err().kind(), Kind::Protocol);
    talk.hears(&next("1")).unwrap();
    talk.open().unwrap();
    talk.hears(&json!({"type": "connection_ack"})).unwrap();
    assert!(talk.hears(&next("1")).is_err(), "an id of the connection before");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_does_not_let_us_in_is_given_up() {
    let mut talk = Talk::new(true);
    talk.open().unwrap();
    let due = talk.subscriber.tend(false, &mut talk.out).unwrap().unwrap();
    assert_eq!(due - Instant::now(), Duration::from_secs(10));
    tokio::time::advance(Duration::from_secs(10)).await;
    assert_eq!(talk.subscriber.tend(false, &mut talk.out).unwrap_err().kind(), Kind::Timeout);
}

#[tokio::test]
async fn a_service_of_another_protocol_is_not_spoken_to() {
    let mut talk = Talk::new(true);
    for subprotocol in [None, Some("graphql-ws")] {
        let about = Opened { subprotocol, credential: None };
        let error = talk.subscriber.opened(false, &about, &mut talk.out).unwrap_err();
        assert_eq!(error.kind(), Kind::Unsupported);
        assert!(talk.out.is_empty());
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_before_a_subscription_was_sent_tells_who_waits() {
    let mut talk = Talk::let_in(true);
    let waiting = talk.subscribe(A);
    talk.subscriber.lost(&Error::new(Kind::Unavailable, "gone"));
    let error = waiting.await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown));
    assert!(!talk.subscriber.is_wanted());
}
