//! What NATS does not take: at the moment, from this login, or since it takes it for a repetition.

use std::time::Duration;

use async_nats::jetstream::{
    self,
    stream::{self, DiscardPolicy},
};
use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{Nats as Server, Options};

use super::Nats;
use crate::{
    common::{Client, unique},
    rules::{Broker, client},
};

/// What an operator asks.
#[allow(clippy::disallowed_methods, reason = "it is the operator that asks, and no integration")]
async fn operator(url: &str) -> jetstream::Context {
    jetstream::new(async_nats::connect(url).await.unwrap())
}

#[tokio::test]
async fn what_a_stream_knows_from_another_subject_is_no_repetition() {
    let Some(nats) = Nats::start().await else { return };
    let name = unique("orders");
    let client = Client::of(&nats.url(), json!({"declare": {&name: {"subjects": [format!("{name}.*")]}}}));
    let send = |end: &str| json!({"queue": format!("{name}.{end}"), "text": "?", "message_id": "7"});
    let first = client.call(&send("new")).await.unwrap();
    assert!(first.get("duplicate").is_none(), "{first}");
    let again = client.call(&send("new")).await.unwrap();
    assert_eq!((&again["duplicate"], &again["sequence"]), (&json!(true), &first["sequence"]), "{again}");
    let error = client.fails(&send("paid")).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
    assert!(error.message().contains(&format!("{name}.new")), "{error}");
    assert!(error.message().contains("another message_id"), "{error}");
}

#[tokio::test]
async fn a_stream_that_is_full_takes_messages_later() {
    let Some(nats) = Nats::start().await else { return };
    let name = unique("full");
    let config = stream::Config {
        name: name.clone(),
        subjects: vec![name.clone()],
        max_messages: 1,
        discard: DiscardPolicy::New,
        ..stream::Config::default()
    };
    let stream = operator(&nats.url()).await.create_stream(config).await.unwrap();
    let (client, publish) = (Client::of(&nats.url(), json!({})), json!({"queue": name, "text": "?"}));
    client.call(&publish).await.unwrap();
    let error = client.fails(&publish).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Contended, Outcome::Rejected), "{error}");
    assert!(error.message().contains("maximum messages exceeded"), "{error}");
    stream.purge().await.unwrap();
    client.call(&publish).await.unwrap();
}

/// Of three servers the one that leads the stream is killed: until another does, nobody takes messages for it.
#[tokio::test]
async fn what_a_stream_without_a_leader_cannot_take_it_takes_later() {
    let Some(mut servers) = Server::cluster(3).await else { return };
    let queue = unique("orders");
    let declare = json!({"declare": {&queue: {"replicas": 3}}});
    let made = async { while Client::of(&servers[0].url(), declare.clone()).probe().await.is_err() {} };
    tokio::time::timeout(Duration::from_secs(60), made).await.expect("they find each other");
    let jetstream = operator(&servers[0].url()).await;
    let info = jetstream.get_stream(&queue).await.unwrap().cached_info().clone();
    let leader = info.cluster.and_then(|cluster| cluster.leader).unwrap();
    let leader: usize = leader.trim_start_matches('n').parse().unwrap();
    let client = Client::of(&servers[(leader + 1) % 3].url(), json!({}));
    let publish = json!({"queue": queue, "text": "?"});
    client.call(&publish).await.unwrap();
    servers[leader].kill().await;
    let mut passing = 0;
    let taken = async {
        loop {
            match client.within(&publish, Some(Duration::from_secs(2))).await {
                Ok(sent) => return sent,
                Err(error) if error.kind() == Kind::Timeout => {}
                Err(error) => {
                    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
                    passing += 1;
                }
            }
        }
    };
    let sent = tokio::time::timeout(Duration::from_secs(60), taken).await.expect("another leads by then");
    assert_eq!(sent["guarantee"], "at_least_once", "{sent}");
    assert!(passing > 0, "nobody led the stream");
}

/// Where a login has no JetStream, what it sends is for those who listen, and it is told so.
#[tokio::test]
async fn without_jetstream_for_a_login_messages_are_for_those_who_listen() {
    let accounts = r#"accounts {
        plain: { users: [{ user: plain, password: plain }] }
        kept: { jetstream: enabled, users: [
            { user: boss, password: boss }
            { user: clerk, password: clerk, permissions: { publish: { deny: "$JS.API.>" } } }
        ] }
        system: { users: [{ user: system, password: system }] }
    }
    system_account: system"#;
    let options = Options { settings: &[accounts], ..Options::default() };
    let Some(nats) = Server::start_with(options).await else { return };
    let of = |user: &str| Client::of(&nats.url().replace("//", &format!("//{user}:{user}@")), json!({}));
    for user in ["plain", "clerk"] {
        let all = async {
            let client = of(user);
            let subject = unique("loose");
            let sent = client.call(&json!({"queue": subject, "text": "nobody"})).await.unwrap();
            assert_eq!(sent["guarantee"], "at_most_once", "{user}");
            let mut reader = client.listen(&json!({ "queue": subject })).await.unwrap();
            client.call(&json!({"queue": subject, "text": "somebody"})).await.unwrap();
            assert_eq!(reader.message().await["text"], "somebody", "{user}");
            let ask = json!({"queue": subject, "text": "who?", "wait_response": true});
            let (answered, ()) = tokio::join!(client.call(&ask), async {
                let request = reader.message().await;
                let answer = json!({"queue": request["reply_to"], "text": "I"});
                client.call(&answer).await.unwrap();
            });
            assert_eq!(answered.unwrap(), Value::from("I"), "{user}");
            client.probe().await.unwrap();
        };
        // Who waits for an answer waits for half a minute.
        tokio::time::timeout(Duration::from_secs(25), Box::pin(all)).await.expect(user);
    }
}

/// What was there a moment ago is not gone since nobody answers.
#[tokio::test]
async fn a_stream_that_was_removed_is_told_of_once() {
    let Some((nats, client, queue)) = client::<Nats>(json!({})).await else { return };
    let publish = json!({"queue": queue, "text": "?"});
    client.call(&publish).await.unwrap();
    operator(&nats.url()).await.delete_stream(&queue).await.unwrap();
    let error = client.fails(&publish).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Rejected), "{error}");
    assert!(error.message().contains("was removed"), "{error}");
}
