//! NATS with JetStream.

mod groups;
mod refusals;
mod sending;
mod settling;

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use trunkline_core::{Kind, Outcome, Profile};
use trunkline_testkit::{Nats as Server, Options, Peer};

use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client, numbered},
    secure::Secure,
    trouble::Mortal,
};

struct Nats(Server);

impl Broker for Nats {
    async fn start() -> Option<Self> {
        Server::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn aside(queue: &str) -> String {
        format!("dead.{queue}")
    }

    fn listen() -> Value {
        json!({"group": "listeners"})
    }

    fn knows_repetitions() -> bool {
        true
    }
}

impl Mortal for Nats {
    async fn kill(&mut self) {
        self.0.kill().await;
    }

    async fn stop(&mut self) -> bool {
        self.0.stop().await;
        true
    }

    async fn again(&mut self) {
        self.0.again().await;
    }
}

impl Secure for Nats {
    const SCHEMES: [&'static str; 2] = ["nats", "tls"];

    async fn guarded(options: Options<'_>) -> Option<Self> {
        Server::start_with(options).await.map(Self)
    }

    fn port(&self) -> u16 {
        self.0.port()
    }
}

rules!(Nats);
rules! { @each Nats: a_log_says_how_far_groups_are_behind_and_lists_what_it_keeps }
rules! { @each Nats: a_group_that_is_new_begins_where_it_is_told }

#[tokio::test]
async fn how_far_groups_are_behind_is_asked_for_again_when_it_is_read() {
    crate::rules::how_far_groups_are_behind_is_asked_for_again_when_it_is_read::<Nats>(Some("trunkline"))
        .await;
}

trouble!(Nats);
rules! { @trouble Nats: what_the_broker_did_not_hear_is_an_error_on_each_attempt }
secure!(Nats);
cut!(Nats);

#[tokio::test]
async fn a_batch_that_runs_out_of_time_has_a_result_for_each() {
    crate::cut::a_batch_that_runs_out_of_time_has_a_result_for_each::<Nats>(200).await;
}
rules! { @cut Nats: whoever_reads_alone_goes_on_behind_what_they_had }

#[tokio::test]
async fn a_network_that_was_cut_is_noticed() {
    crate::cut::a_network_that_was_cut_is_noticed::<Nats>("heartbeat=1", Duration::ZERO).await;
}

#[tokio::test]
async fn what_would_not_be_one_line_of_a_header_is_refused() {
    let Some((_nats, client, queue)) = client::<Nats>(json!({})).await else { return };
    for key in ["message_id", "content_type", "correlation_id", "reply_to"] {
        let error = client.fails(&json!({"queue": queue, "message": 1, key: "a\r\nb: c"})).await;
        assert_eq!(error.kind(), Kind::InvalidConfig, "{error}");
        assert!(error.message().starts_with(key), "{error}");
    }
    let batch = json!({"queue": queue, "messages": [{"text": "a"}, {"text": "b", "message_id": "\n"}]});
    let error = client.fails(&batch).await;
    assert!(error.message().starts_with("messages[1]: message_id"), "{error}");
    assert_eq!(client.pull_with(&queue, json!({"max": 1})).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_stream_that_is_there_otherwise_than_declared_is_an_error() {
    let Some(nats) = Nats::start().await else { return };
    let name = unique("there");
    let of = |declared: Value| Client::of(&nats.url(), json!({"declare": {&name: declared}}));
    let subjects = [format!("{name}.a"), format!("{name}.b")];
    of(json!({"subjects": subjects, "max_length": 9})).probe().await.unwrap();
    for (declared, key) in [
        (json!({"subjects": ["other.>"]}), "subjects"),
        (json!({"max_length": 10}), "max_length"),
        (json!({"replicas": 3}), "replicas"),
    ] {
        let error = of(declared).probe().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::NotSent), "{error}");
        assert!(error.message().starts_with(&format!("declare.{name}: {key}")), "{error}");
    }
    // What is left out may be as it is, and the order of subjects says nothing.
    for declared in [json!({}), json!({"subjects": [subjects[1], subjects[0]], "replicas": 1})] {
        of(declared).probe().await.unwrap();
    }
}

#[tokio::test]
async fn how_far_groups_are_behind_is_known_whatever_the_name_of_the_stream() {
    let Some(nats) = Nats::start().await else { return };
    let (plain, dotted) = (unique("orders"), format!("{}.new", unique("orders")));
    let client = Client::of(&nats.url(), json!({"declare": {&plain: {}, &dotted: {}}}));
    let facts = async || client.probe().await.unwrap().facts;
    assert!(facts().await.iter().all(|(name, _)| *name != "lag"), "nobody reads yet");
    for (queue, count) in [(&plain, 2), (&dotted, 4)] {
        client.call(&json!({"queue": queue, "messages": numbered(count)})).await.unwrap();
        client.take(queue, Nats::pull(1), 1).await;
    }
    // Who reads alone is behind nobody.
    let _alone = client.listen(&json!({"queue": plain, "from": "earliest"})).await.unwrap();
    let facts = facts().await;
    let told = format!("{dotted} (trunkline): 3, {plain} (trunkline): 1");
    assert!(facts.contains(&("lag", told)), "{facts:?}");
    assert!(facts.iter().any(|(name, version)| *name == "version" && version.starts_with("2.")), "{facts:?}");
}

#[tokio::test]
async fn subjects_of_one_stream_are_read_each_by_itself() {
    let Some(nats) = Nats::start().await else { return };
    let name = unique("orders");
    let [new, paid] = ["new", "paid"].map(|end| format!("{name}.{end}"));
    let client = Client::of(&nats.url(), json!({"declare": {&name: {"subjects": [new, paid]}}}));
    for (subject, from) in [(&new, 0), (&paid, 100)] {
        let messages: Vec<_> = (from..from + 3).map(|n| json!({"message": n})).collect();
        client.call(&json!({"queue": subject, "messages": messages})).await.unwrap();
    }
    // Of a group that nobody named, and again after a while: each goes on where it was.
    let pull = json!({"max": 2, "wait": 5});
    for (subject, wanted) in
        [(&new, vec![0, 1]), (&paid, vec![100, 101]), (&new, vec![2]), (&paid, vec![102])]
    {
        assert_eq!(bodies(&client.take(subject, pull.clone(), wanted.len()).await), wanted, "{subject}");
    }
    let named = json!({"max": 3, "wait": 5, "group": "billing"});
    assert_eq!(bodies(&client.take(&new, named.clone(), 3).await), [0, 1, 2]);
    let error = client.fails(&json!({"queue": paid, "receive": named})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Rejected), "{error}");
    assert!(
        error.message().contains(&format!("reads {new}")) && error.message().contains("name another group"),
        "{error}"
    );
}

#[tokio::test]
async fn a_subject_that_no_stream_keeps_is_for_those_who_listen() {
    let Some(nats) = Nats::start().await else { return };
    let client = Client::of(&nats.url(), json!({}));
    let subject = unique("loose");
    let receipt = client.call(&json!({"queue": subject, "text": "nobody"})).await.unwrap();
    assert_eq!(receipt["guarantee"], "at_most_once");
    let mut reader = client.listen(&json!({ "queue": subject })).await.unwrap();
    client.call(&json!({"queue": subject, "text": "somebody"})).await.unwrap();
    let message = reader.message().await;
    assert_eq!(message["text"], "somebody");
    assert!(message.get("token").is_none(), "{message}");
    let error = client.fails(&json!({"queue": unique("empty"), "text": "?", "wait_response": true})).await;
    assert_eq!(error.kind(), trunkline_core::Kind::Unroutable, "{error}");
}

/// What a server of NATS says to whoever comes; it names another one, and ends the connection once something was published.
async fn greet(mut stream: TcpStream, other: SocketAddr) -> std::io::Result<()> {
    let info = json!({
        "server_id": "a", "server_name": "a", "version": "2.9.10", "go": "", "host": "127.0.0.1", "port": 4222, "headers": true,
        "max_payload": 1_000_000, "proto": 1, "client_id": 1, "connect_urls": [other.to_string()],
    });
    let (reading, mut writing) = stream.split();
    writing.write_all(format!("INFO {info}\r\n").as_bytes()).await?;
    let mut lines = BufReader::new(reading).lines();
    while let Some(line) = lines.next_line().await? {
        match line.split(' ').next() {
            Some("PING") => writing.write_all(b"PONG\r\n").await?,
            Some("PUB" | "HPUB") => break,
            _ => {}
        }
    }
    Ok(())
}

#[tokio::test]
async fn a_server_that_another_one_names_is_not_dialled() {
    let other = Peer::raw(|_| async {}).await;
    let named = other.address();
    let server = Peer::raw(move |stream| async move {
        let _ = greet(stream, named).await;
    });
    let server = server.await;
    let allow = [server.address().to_string()];
    let url = format!("nats://{}", server.address());
    let client = Client::within_profile(Profile::Strict, &allow, &url, json!({}));
    // Each ends the connection, and the next makes another one.
    while server.connections() < 4 {
        let _ = client.call(&json!({"queue": "s", "text": "?"})).await;
    }
    assert_eq!(other.connections(), 0, "the guard was not asked about it");
}
