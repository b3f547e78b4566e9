//! Groups of NATS that are there before somebody reads as them: made by an operator, or for a shorter time.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    consumer::{AckPolicy, Config},
    stream::Stream,
};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Transport as _};
use trunkline_testkit::{Nats as Server, Options};

use super::Nats;
use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client, numbered},
};

/// What an operator asks.
#[allow(clippy::disallowed_methods, reason = "it is the operator that asks, and no integration")]
async fn operator(url: &str) -> jetstream::Context {
    jetstream::new(async_nats::connect(url).await.unwrap())
}

async fn stream(url: &str, name: &str) -> Stream {
    operator(url).await.get_stream(name).await.unwrap()
}

/// What a stream knows of a group.
async fn known(stream: &Stream, group: &str) -> Config {
    stream.consumer_info(group).await.unwrap().config
}

#[tokio::test]
async fn a_group_waits_longer_from_then_on_that_its_messages_may_take_longer() {
    let Some((nats, first, queue)) = client::<Nats>(json!({"ack_timeout": "1s"})).await else { return };
    let stream = stream(&nats.url(), &queue).await;
    first.call(&json!({"queue": queue, "messages": numbered(3)})).await.unwrap();
    assert_eq!(bodies(&first.take(&queue, Nats::pull(1), 1).await), [0]);
    assert_eq!(known(&stream, "trunkline").await.ack_wait, Duration::from_secs(6));
    first.transport.close().await;
    // It keeps its place, and others who are quicker do not take the time from it.
    for (timeout, wait, message) in [("60s", 65, 1), ("1s", 65, 2)] {
        let next = Client::of(&nats.url(), json!({ "ack_timeout": timeout }));
        assert_eq!(bodies(&next.take(&queue, Nats::pull(1), 1).await), [message]);
        assert_eq!(known(&stream, "trunkline").await.ack_wait, Duration::from_secs(wait), "{timeout}");
    }
}

#[tokio::test]
async fn what_else_an_operator_has_set_stays_and_what_cannot_be_read_so_is_told() {
    let Some((nats, client, queue)) = client::<Nats>(json!({"ack_timeout": "60s"})).await else { return };
    let stream = stream(&nats.url(), &queue).await;
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    let group = |name: &str, change: fn(&mut Config)| {
        let mut config = Config {
            durable_name: Some(name.to_owned()),
            ack_policy: AckPolicy::Explicit,
            ack_wait: Duration::from_secs(10),
            ..Config::default()
        };
        change(&mut config);
        config
    };
    stream.create_consumer(group("few", |config| config.max_ack_pending = 1)).await.unwrap();
    let pull = |group: &str| json!({"max": 2, "wait": 5, "group": group});
    let first = client.take_unsettled(&queue, pull("few"), 1).await;
    assert_eq!(bodies(&first), [0]);
    let few = known(&stream, "few").await;
    assert_eq!((few.max_ack_pending, few.ack_wait), (1, Duration::from_secs(65)));
    // There may be no more of it, which nobody waits for; and what comes afterwards comes to who is there.
    assert_eq!(client.pull_with(&queue, json!({"max": 2, "group": "few"})).await, [Value::Null; 0]);
    client.ack(&first).await;
    let second = client.take_unsettled(&queue, pull("few"), 1).await;
    assert_eq!((bodies(&second), &second[0]["deliveries"]), (vec![json!(1)], &json!(1)));

    let others = [
        group("deaf", |config| config.ack_policy = AckPolicy::None),
        group("greedy", |config| config.ack_policy = AckPolicy::All),
        group("pushed", |config| config.deliver_subject = Some("somewhere".to_owned())),
        group("hasty", |config| {
            (config.backoff, config.max_deliver) = (vec![Duration::from_secs(1), Duration::from_secs(90)], 3);
        }),
    ];
    for (config, why) in others.into_iter().zip(["(ack_policy)", "(ack_policy)", "(push)", "(backoff)"]) {
        let name = config.durable_name.clone().unwrap();
        stream.create_consumer(config).await.unwrap();
        let error = client.fails(&json!({"queue": queue, "receive": pull(&name)})).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
        assert!(error.message().contains(&name) && error.message().contains(why), "{error}");
    }
}

#[tokio::test]
async fn a_login_that_may_not_change_a_group_hears_so_at_once() {
    let denied = r#"["$JS.API.CONSUMER.CREATE.>", "$JS.API.CONSUMER.DURABLE.CREATE.>"]"#;
    let users = format!(
        "authorization {{ users: [
            {{ user: boss, password: boss }}
            {{ user: reader, password: reader, permissions: {{ publish: {{ deny: {denied} }} }} }}
        ] }}"
    );
    let options = Options { settings: &[&users], ..Options::default() };
    let Some(nats) = Server::start_with(options).await else { return };
    let url = |user: &str| nats.url().replace("//", &format!("//{user}:{user}@"));
    let boss = Client::of(&url("boss"), json!({"ack_timeout": "1s", "declare": {"orders": {}}}));
    boss.call(&json!({"queue": "orders", "messages": numbered(2)})).await.unwrap();
    assert_eq!(bodies(&boss.take("orders", Nats::pull(1), 1).await), [0]);
    // As it is it will do, and the login need not change it.
    let reader = |timeout: &str| Client::of(&url("reader"), json!({ "ack_timeout": timeout }));
    assert_eq!(bodies(&reader("1s").take("orders", Nats::pull(1), 1).await), [1]);
    let error = reader("60s").fails(&json!({"queue": "orders", "receive": {"max": 1}})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::Rejected), "{error}");
    assert!(error.message().contains("$JS.API.CONSUMER."), "{error}");
}

#[tokio::test]
async fn what_fails_in_a_stream_goes_to_one_beside_it_whatever_its_subject() {
    let Some(nats) = Nats::start().await else { return };
    let name = unique("orders");
    let subjects = json!([format!("{name}.new.>"), format!("{name}.paid")]);
    let client = Client::of(&nats.url(), json!({"declare": {&name: {"subjects": subjects}}}));
    let set_aside = async |subject: &str| {
        client.call(&json!({"queue": subject, "text": subject})).await.unwrap();
        let came = client.take_unsettled(subject, Nats::pull(1), 1).await;
        let said = json!({"dead_letter": [came[0]["token"]], "reason": "no customer"});
        assert_eq!(client.call(&said).await.unwrap()["settled"], 1);
    };
    let all = ["new.a", "new.b", "new.c.d", "paid"].map(|end| format!("{name}.{end}"));
    for subject in &all {
        set_aside(subject).await;
    }
    let dead = stream(&nats.url(), &format!("dead_{name}")).await;
    assert_eq!(dead.cached_info().state.messages, 4);
    assert_eq!(streams(&nats.url()).await, 2);
    for subject in &all {
        let came = client.take(&Nats::aside(subject), Nats::pull(1), 1).await;
        assert_eq!(bodies(&came), [json!(subject)]);
    }
    // The stream has more subjects later, and the one beside it too.
    let mut config = stream(&nats.url(), &name).await.cached_info().config.clone();
    let late = format!("{name}.late");
    config.subjects.push(late.clone());
    operator(&nats.url()).await.update_stream(config).await.unwrap();
    set_aside(&late).await;
    assert_eq!(streams(&nats.url()).await, 2);
}

/// How many streams there are.
async fn streams(url: &str) -> usize {
    operator(url).await.stream_names().try_collect::<Vec<_>>().await.unwrap().len()
}
