//! Kafka, spoken with Tansu.

mod cluster;
mod groups;
mod lost;

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Profile, Transport as _};
use trunkline_testkit::{Authority, Kafka as Tansu, MockKafka, Options, Relay};

use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client, numbered},
    secure::Secure,
    trouble::Mortal,
};

struct Kafka(Tansu);

/// The group that most read as.
const GROUP: &str = "workers";

impl Broker for Kafka {
    async fn start() -> Option<Self> {
        Some(Self(Tansu::start().await))
    }

    fn url(&self) -> String {
        format!("kafka://{}?session_timeout=6s&answers=answers", self.0.address())
    }

    fn assigns() -> [&'static str; 2] {
        ["offset", "at_least_once"]
    }

    fn declare(name: &str) -> Value {
        json!({ name: {"partitions": 1}, "answers": {} })
    }

    fn pull(max: u32) -> Value {
        json!({"max": max, "wait": 20, "group": GROUP})
    }

    fn listen() -> Value {
        json!({ "group": GROUP })
    }

    async fn start_behind(relay: &Relay) -> Option<Self> {
        Some(Self(Tansu::start_behind(relay).await))
    }
}

rules!(Kafka);

/// One whose data outlives it.
struct Durable(Tansu);

impl Broker for Durable {
    async fn start() -> Option<Self> {
        Some(Self(Tansu::start_durable().await))
    }

    fn url(&self) -> String {
        format!("kafka://{}?session_timeout=6s", self.0.address())
    }

    fn pull(max: u32) -> Value {
        Kafka::pull(max)
    }

    fn listen() -> Value {
        Kafka::listen()
    }
}

impl Mortal for Durable {
    // Its producer sends again by itself what was under way, and batches of several callers are one, which Tansu takes for its end.
    const SENDERS: usize = 1;

    async fn kill(&mut self) {
        self.0.kill().await;
    }

    async fn stop(&mut self) -> bool {
        self.0.stop().await;
        true
    }

    async fn again(&mut self) {
        assert!(self.0.again().await);
    }
}

trouble!(Durable);

/// One that does not let in everybody.
struct Guarded(Tansu);

impl Broker for Guarded {
    async fn start() -> Option<Self> {
        Self::guarded(Options::default()).await
    }

    fn url(&self) -> String {
        self.at(false, "", "127.0.0.1")
    }

    fn declare(name: &str) -> Value {
        Kafka::declare(name)
    }

    fn pull(max: u32) -> Value {
        Kafka::pull(max)
    }

    fn listen() -> Value {
        Kafka::listen()
    }
}

impl Mortal for Guarded {
    async fn kill(&mut self) {
        self.0.kill().await;
    }

    async fn again(&mut self) {
        assert!(self.0.again().await);
    }
}

impl Secure for Guarded {
    const SCHEMES: [&'static str; 2] = ["kafka", "kafkas"];
    // Who asks for anything before they have logged in has their connection ended.
    const ASKS: bool = false;
    const ANEW: bool = false;

    async fn guarded(options: Options<'_>) -> Option<Self> {
        Some(Self(Tansu::start_as(options).await))
    }

    fn port(&self) -> u16 {
        self.0.address().rsplit_once(':').unwrap().1.parse().unwrap()
    }

    fn params(&self) -> &'static str {
        "?session_timeout=6s"
    }
}

secure!(Guarded);

#[tokio::test]
async fn records_of_one_key_stay_in_order_and_a_receipt_says_where_they_are() {
    let (broker, client, _) = client::<Kafka>(json!({})).await.unwrap();
    let topic = unique("keyed");
    broker.0.topic(&topic, 3);
    let keyed = |n: usize| json!({"key": format!("k{}", n % 5), "message": n});
    let messages: Vec<_> = (0..100).map(keyed).collect();
    let reply = client.call(&json!({"queue": topic, "messages": messages})).await.unwrap();
    let of = |n: usize| reply["results"][n]["partition"].as_i64().unwrap();
    assert!((0..95).all(|n| of(n) == of(n + 5)), "{reply}");
    let came = client.take(&topic, Kafka::pull(100), 100).await;
    for key in 0..5 {
        let name = format!("k{key}");
        let of_key: Vec<_> = came.iter().filter(|one| one["key"] == name.as_str()).cloned().collect();
        let numbers: Vec<_> = bodies(&of_key).iter().map(|n| n.as_u64().unwrap()).collect();
        assert_eq!(numbers, (0..20).map(|n| n * 5 + key).collect::<Vec<_>>());
        let offsets: Vec<_> = of_key.iter().map(|one| one["offset"].as_u64().unwrap()).collect();
        assert!(offsets.is_sorted(), "{offsets:?}");
    }
    let placed = client.call(&json!({"queue": topic, "partition": 2, "text": "x"})).await.unwrap();
    assert_eq!((&placed["partition"], &placed["guarantee"]), (&json!(2), &json!("at_least_once")));
    let error = client.fails(&json!({"queue": topic, "partition": 3, "text": "x"})).await;
    assert!(error.message().contains("it has 3, counted from 0"), "{error}");
}

#[tokio::test]
async fn a_topic_that_nobody_made_is_an_error_that_says_so() {
    let (_broker, client, _) = client::<Kafka>(json!({})).await.unwrap();
    let error = client.fails(&json!({"queue": "nowhere", "text": "lost"})).await;
    assert_eq!(error.kind(), Kind::Rejected, "{error}");
    assert!(error.message().contains("create the topic"), "{error}");
    let error = client.fails(&json!({"queue": "nowhere", "receive": {"max": 1}})).await;
    assert_eq!(error.kind(), Kind::Rejected, "{error}");
}

#[tokio::test]
async fn whoever_reads_alone_begins_where_they_say_and_acknowledges_nothing() {
    let (_broker, client, queue) = client::<Kafka>(json!({})).await.unwrap();
    // One by one: Tansu takes the beginning of the last batch for the end of a partition.
    for message in numbered(5) {
        client.call(&json!({"queue": queue, "message": message["message"]})).await.unwrap();
    }
    for (from, first) in [("earliest", 0), ("3", 3)] {
        let mut reader = client.listen(&json!({"queue": queue, "from": from})).await.unwrap();
        for n in first..5 {
            let one = reader.message().await;
            assert_eq!((&one["message"], one.get("token")), (&json!(n), None), "{one}");
        }
    }
    let mut reader = client.listen(&json!({ "queue": queue })).await.unwrap();
    client.call(&json!({"queue": queue, "text": "new"})).await.unwrap();
    assert_eq!(bodies(&[reader.message().await]), ["new"]);
}

#[tokio::test]
async fn a_topic_that_is_there_otherwise_than_declared_is_an_error() {
    let (broker, _, _) = client::<Kafka>(json!({})).await.unwrap();
    let topic = unique("there");
    broker.0.topic(&topic, 3);
    for (declared, key) in [(json!({"partitions": 5}), "partitions"), (json!({"replicas": 3}), "replicas")] {
        let error = Client::of(&broker.url(), json!({"declare": {&topic: declared}})).probe().await;
        let error = error.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::NotSent), "{error}");
        assert!(error.message().starts_with(&format!("declare.{topic}: {key}")), "{error}");
    }
    for declared in [json!({}), json!({"partitions": 3, "replicas": 1})] {
        Client::of(&broker.url(), json!({"declare": {&topic: declared}})).probe().await.unwrap();
    }
}

#[tokio::test]
async fn answers_to_others_that_come_to_the_same_topic_are_no_late_ones() {
    let (broker, client, queue) = client::<Kafka>(json!({})).await.unwrap();
    let other = client.beside(&broker.url(), json!({}));
    let ask = |n: u32| json!({"queue": queue, "message": n, "wait_response": true});
    let (one, two) = (ask(1), ask(2));
    // The group has one partition to share out, so it is read by one of them.
    let serve = async || {
        for request in client.take(&queue, Kafka::pull(2), 2).await {
            let answer = json!({"queue": request["reply_to"], "correlation_id": request["correlation_id"], "message": request["message"]});
            client.call(&answer).await.unwrap();
        }
    };
    let (first, second, ()) = tokio::join!(client.call(&one), other.call(&two), serve());
    assert_eq!((first.unwrap(), second.unwrap()), (json!(1), json!(2)));
    // What comes last has been read when it is answered, and all before it.
    let (one, two) = (ask(3), ask(4));
    let (first, second, ()) = tokio::join!(client.call(&one), other.call(&two), serve());
    assert_eq!((first.unwrap(), second.unwrap()), (json!(3), json!(4)));
    let late = |client: &Client| client.transport.occupancy().unwrap().streams.unwrap().late;
    assert_eq!((late(&client), late(&other)), (0, 0));
}

#[tokio::test]
async fn a_broker_that_another_one_names_is_dialled_only_where_the_guard_lets_it() {
    let mut kafka = MockKafka::start(2);
    kafka.topic("t", 1);
    kafka.leader("t", 0, 2);
    let [first, second] = [0, 1].map(|n| kafka.brokers()[n].clone());
    let within = |allow: &[String]| {
        Client::within_profile(Profile::Strict, allow, &format!("kafka://{first}"), json!({}))
    };
    let publish = json!({"queue": "t", "text": "?"});
    let error = within(std::slice::from_ref(&first)).fails(&publish).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Blocked, Outcome::NotSent), "{error}");
    assert!(error.message().contains(&second), "it says which: {error}");
    within(&[first.clone(), second.clone()]).call(&publish).await.unwrap();
}

#[tokio::test]
async fn a_cluster_is_spoken_to_over_tls_wherever_its_brokers_are() {
    let authority = Authority::new();
    let kafka = Tansu::start_tls(&authority, false).await;
    let (url, declare) = (format!("kafkas://{}?compression=zstd", kafka.address()), json!({"t": {}}));
    let trusting = Client::of(&url, json!({"declare": declare, "tls": {"ca": authority.pem()}}));
    trusting.call(&json!({"queue": "t", "text": "sealed"})).await.unwrap();
    let came = trusting.take("t", Kafka::pull(1), 1).await;
    assert_eq!(bodies(&came), ["sealed"]);
}
