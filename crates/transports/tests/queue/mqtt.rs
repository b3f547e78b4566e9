//! MQTT 5, as Mosquitto speaks it.

mod others;

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Transport as _};
use trunkline_testkit::{Mosquitto as Server, Options};

use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client, numbered},
    secure::Secure,
    trouble::Mortal,
};

struct Mosquitto(Server);

impl Broker for Mosquitto {
    async fn start() -> Option<Self> {
        // What it keeps for a session is no more than this, whatever it has confirmed.
        let options = Options {
            settings: &["max_queued_messages 0", "autosave_on_changes false"],
            ..Options::default()
        };
        Server::start_with(options).await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn assigns() -> [&'static str; 2] {
        ["packet_id", "at_least_once"]
    }

    fn declare(_: &str) -> Value {
        json!({})
    }

    fn listen() -> Value {
        json!({"group": "trunkline"})
    }

    fn serve(max: u32) -> Value {
        json!({"max": max, "wait": 10, "group": "service"})
    }

    fn aside(queue: &str) -> String {
        format!("dead/{queue}")
    }

    fn keeps_for_those_who_come_later() -> bool {
        false
    }
}

impl Mortal for Mosquitto {
    async fn kill(&mut self) {
        self.0.stop().await;
    }

    async fn stop(&mut self) -> bool {
        self.0.stop().await;
        true
    }

    async fn again(&mut self) {
        self.0.again().await;
    }
}

impl Secure for Mosquitto {
    const SCHEMES: [&'static str; 2] = ["mqtt", "mqtts"];
    // Its file of passwords has lines of USER:HASH.
    const USER: &'static str = "\u{fc} s@r/?%#&\"\\";

    async fn guarded(options: Options<'_>) -> Option<Self> {
        Server::start_with(options).await.map(Self)
    }

    fn port(&self) -> u16 {
        self.0.port()
    }
}

rules!(Mosquitto);
trouble!(Mosquitto);
secure!(Mosquitto);

#[tokio::test]
async fn a_shared_group_goes_on_after_the_broker_was_restarted() {
    let Some((mut broker, client, queue)) =
        client::<Mosquitto>(json!({"timeouts": {"connect": "20s"}})).await
    else {
        return;
    };
    // A topic that nobody else reads.
    let queue = format!("{queue}/shared");
    let pull = |wait: &str| json!({"max": 10, "wait": wait, "group": "workers"});
    let send = async |text: &str| {
        let message = json!({"queue": queue, "text": text});
        loop {
            if let Ok(receipt) = client.call(&message).await {
                return receipt.get("no_subscribers").is_none();
            }
        }
    };
    assert_eq!(client.pull_with(&queue, pull("1ms")).await.len(), 0, "it has subscribed");
    assert!(send("before").await);
    let came = client.take_unsettled(&queue, pull("10s"), 1).await;
    assert_eq!(bodies(&came), ["before"]);
    broker.kill().await;
    broker.again().await;
    // Mosquitto keeps the session and forgets what is shared in it, and says so to who sends: until somebody reads again.
    let mut wanted = vec![json!("before")];
    if send("between").await {
        wanted.push(json!("between"));
    }
    let mut all = bodies(&client.take(&queue, pull("10s"), wanted.len()).await);
    all.sort_by_key(Value::to_string);
    assert_eq!(all, wanted);
    assert!(send("after").await);
    assert_eq!(bodies(&client.take(&queue, pull("10s"), 1).await), ["after"]);
}

#[tokio::test]
async fn those_who_come_at_once_to_read_for_a_group_share_its_session() {
    let Some((_broker, client, queue)) = client::<Mosquitto>(json!({})).await else { return };
    // A topic that nobody else reads.
    let queue = format!("{queue}/many");
    let pull = json!({"queue": queue, "receive": {"max": 1, "wait": 10, "group": "many"}});
    let pulls = futures_util::future::join_all((0..8).map(|_| client.call(&pull)));
    let sends = async {
        // Once they have subscribed.
        loop {
            let sent = client.call(&json!({"queue": queue, "text": "a"})).await.unwrap();
            if sent.get("no_subscribers").is_none() {
                break;
            }
        }
        client.call(&json!({"queue": queue, "messages": numbered(8)})).await.unwrap()
    };
    let (came, _) = tokio::join!(pulls, sends);
    for came in came {
        assert_eq!(came.unwrap()["messages"].as_array().unwrap().len(), 1);
    }
}

/// A broker ends the connection over what may not stand in a text, and others who use it lose it too.
#[tokio::test]
async fn what_may_not_stand_in_a_text_is_refused_and_the_connection_stays() {
    let Some((_broker, client, queue)) = client::<Mosquitto>(json!({})).await else { return };
    let opened = || client.transport.occupancy().unwrap().opened;
    let before = opened();
    let refused = async |request: Value, place: &str| {
        let error = client.fails(&request).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidConfig, Outcome::NotSent), "{error}");
        assert!(error.message().starts_with(place), "{error}");
    };
    for unfit in ["\u{1}", "\n", "\u{7f}", "\u{85}", "\u{fdd0}", "\u{1ffff}"] {
        let text = format!("a{unfit}b");
        for key in ["queue", "message_id", "content_type", "key", "reply_to"] {
            let mut request = json!({"queue": queue, "message": 1});
            request[key] = text.clone().into();
            refused(request, key).await;
        }
        for headers in [json!({"a": text}), json!({ &text: "a" })] {
            refused(json!({"queue": queue, "message": 1, "headers": headers}), "headers").await;
        }
        refused(json!({"queue": text, "receive": {}}), "queue").await;
        refused(json!({"queue": queue, "receive": {"group": text}}), "group").await;
    }
    refused(json!({"queue": queue, "message": 1, "reply_to": "answers/#"}), "reply_to").await;
    // These are bytes to MQTT.
    client.call(&json!({"queue": queue, "text": "a\u{1}b", "correlation_id": "a\u{1}b"})).await.unwrap();
    let came = client.take(&queue, Mosquitto::pull(1), 1).await;
    assert_eq!((&came[0]["text"], &came[0]["correlation_id"]), (&json!("a\u{1}b"), &json!("a\u{1}b")));
    assert_eq!(opened(), before);
}

#[tokio::test]
async fn a_network_that_was_cut_is_noticed() {
    crate::cut::a_network_that_was_cut_is_noticed::<Mosquitto>("keep_alive=5", Duration::ZERO).await;
}

#[tokio::test]
async fn an_acknowledgement_that_is_lost_on_the_way_loses_no_message() {
    crate::cut::an_acknowledgement_that_is_lost_on_the_way_loses_no_message::<Mosquitto>(
        false,
        Duration::ZERO,
    )
    .await;
}

cut!(Mosquitto);
rules! { @cut Mosquitto: who_cannot_get_a_connection_to_read_looks_for_it_seldom }

/// It is more than queued when the call is answered.
#[tokio::test]
async fn what_was_acknowledged_does_not_come_again_though_its_reader_goes_without_a_word() {
    let Some(broker) = Mosquitto::start().await else { return };
    let (url, queue) = (broker.url(), unique("once"));
    let first = Client::known_as("server", &url);
    let sender = first.beside(&url, json!({}));
    assert_eq!(first.pull_with(&queue, json!({"max": 1, "wait": "1ms"})).await.len(), 0, "it has subscribed");
    // More than wait to be written at a time.
    let qos = |n: usize| json!({"message": n, "qos": 1 + n % 2});
    let messages: Vec<_> = (0..900).map(qos).collect();
    sender.call(&json!({"queue": queue, "messages": messages})).await.unwrap();
    let came = first.take_unsettled(&queue, json!({"max": 900, "wait": 10}), 900).await;
    first.ack(&came).await;
    drop(first);
    // Another process finds the session.
    let second = Client::known_as("server", &url);
    let pull = json!({"max": 10, "wait": 10});
    assert_eq!(
        second.pull_with(&queue, json!({"max": 1, "wait": "1ms"})).await.len(),
        0,
        "it has subscribed"
    );
    sender.call(&json!({"queue": queue, "message": "last"})).await.unwrap();
    assert_eq!(bodies(&second.take(&queue, pull, 1).await), ["last"]);
}

/// In a session that nobody finds again, messages wait for nobody: those that were out, and those that the group gets from then on.
#[tokio::test]
async fn a_group_has_its_session_again_when_its_integration_was_changed_or_restarted() {
    let Some(broker) = Mosquitto::start().await else { return };
    let url = broker.url();
    for group in [json!({}), json!({"group": "gg"})] {
        let queue = unique("again");
        let mut pull = json!({"max": 10, "wait": 10});
        pull.as_object_mut().unwrap().extend(group.as_object().unwrap().clone());
        let mut first = pull.clone();
        (first["max"], first["wait"]) = (json!(2), json!("1ms"));
        let client = Client::known_as("server", &url);
        client.pull_with(&queue, first.clone()).await;
        client.call(&json!({"queue": queue, "messages": numbered(6)})).await.unwrap();
        first["wait"] = json!(10);
        client.take_unsettled(&queue, first.clone(), 2).await;
        // It was changed: what it had is given back, and another takes its place.
        let changed = client.beside(&url, json!({}));
        client.transport.close().await;
        assert_eq!(changed.take_unsettled(&queue, first, 2).await.len(), 2);
        // It goes without a word, and another process comes.
        drop((client, changed));
        let restarted = Client::known_as("server", &url);
        let late: Vec<_> = (6..12).map(|n| json!({ "message": n })).collect();
        restarted.call(&json!({"queue": queue, "messages": late})).await.unwrap();
        let mut numbers = Vec::new();
        for one in restarted.take(&queue, pull, 12).await {
            numbers.push(one["message"].as_u64().unwrap());
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..12).collect::<Vec<_>>());
    }
}

/// Who reads by themselves has nothing to acknowledge, so that nothing holds up the broker: what is too much gives way.
#[tokio::test]
async fn what_a_slow_reader_does_not_take_gives_way_to_newer_messages_and_is_counted() {
    const MANY: u64 = 12_000;
    let Some((_broker, client, queue)) = client::<Mosquitto>(json!({})).await else { return };
    // A topic that nobody else reads.
    let queue = format!("{queue}/slow");
    let mut reader = client.listen(&json!({ "queue": queue })).await.unwrap();
    for first in [0, MANY / 2] {
        let messages: Vec<_> = (first..first + MANY / 2).map(|n| json!({ "message": n })).collect();
        let sent = client.call(&json!({"queue": queue, "messages": messages})).await.unwrap();
        assert_eq!(sent["published"], MANY / 2);
    }
    let dropped = || client.transport.occupancy().unwrap().streams.unwrap().dropped;
    // All have come: those that wait are as many as may, and a few are on their way to the reader.
    while dropped() < MANY - 10_000 - 100 {
        tokio::task::yield_now().await;
    }
    let (mut read, mut last) = (0, None);
    while last != Some(MANY - 1) {
        let next = reader.message().await["message"].as_u64();
        assert!(next > last, "{next:?} behind {last:?}");
        (read, last) = (read + 1, next);
    }
    assert_eq!(read + dropped(), MANY, "{read} were read");
    assert!(dropped() > 0);
}

#[tokio::test]
async fn a_retained_message_is_there_for_who_subscribes_later_and_each_qos_promises_its_own() {
    let Some((_broker, client, queue)) = client::<Mosquitto>(json!({})).await else { return };
    for (qos, guarantee) in [(0, "at_most_once"), (1, "at_least_once"), (2, "exactly_once")] {
        let topic = format!("{queue}/{qos}");
        let message = json!({"queue": topic, "message": qos, "qos": qos, "retain": true});
        let sent = client.call(&message).await.unwrap();
        assert_eq!(sent["guarantee"], guarantee, "{sent}");
        // What is for nobody yet has arrived when something behind it is answered.
        client.call(&json!({"queue": topic, "message": "passing"})).await.unwrap();
        let mut reader = client.listen(&json!({ "queue": topic })).await.unwrap();
        let kept = reader.message().await;
        assert_eq!((&kept["message"], &kept["retained"]), (&json!(qos), &json!(true)), "{kept}");
    }
    let error = client.fails(&json!({"queue": queue, "text": "a", "qos": 3})).await;
    assert_eq!(error.kind(), Kind::InvalidConfig, "{error}");
}

#[tokio::test]
async fn what_a_broker_takes_no_more_of_is_refused_and_ends_no_connection() {
    let settings = &["max_packet_size 1000", "max_qos 1", "retain_available false"];
    let Some(server) = Server::start_with(Options { settings, ..Options::default() }).await else { return };
    let (client, topic) = (Client::of(&server.url(), json!({})), unique("orders"));
    let mut reader = client.listen(&json!({"queue": topic, "ack": "auto"})).await.unwrap();
    for (more, said) in [
        (json!({"text": "x".repeat(1000)}), "the broker takes 1000"),
        (json!({"text": "x", "headers": {"a": "x".repeat(1000)}}), "the broker takes 1000"),
        (json!({"text": "x", "qos": 2}), "qos: the broker takes 1 at most"),
        (json!({"text": "x", "retain": true}), "retain: the broker retains nothing"),
    ] {
        let mut request = json!({"queue": topic});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let error = client.fails(&request).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::NotSent), "{error}");
        assert!(error.message().contains(said), "{error}");
        client.call(&json!({"queue": topic, "text": "fits"})).await.unwrap();
        assert_eq!(reader.message().await["text"], "fits");
    }
    // The largest that fits is taken.
    let mut most = 1000;
    while client.call(&json!({"queue": topic, "text": "x".repeat(most), "message_id": "1"})).await.is_err() {
        most -= 1;
    }
    assert_eq!(reader.message().await["text"].as_str().unwrap().len(), most);
    assert!(most > 900, "{most}");
    assert_eq!(client.transport.occupancy().unwrap().opened, 1, "nobody lost the connection");
}
