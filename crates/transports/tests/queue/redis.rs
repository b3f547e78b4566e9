//! Redis Streams.

use std::{net::SocketAddr, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use trunkline_core::{Kind, Outcome, Profile};
use trunkline_testkit::{Authority, Options, Peer, Redis as Server, Relay};

use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, client},
    secure::Secure,
    trouble::Mortal,
};

struct Redis(Server);

impl Broker for Redis {
    async fn start() -> Option<Self> {
        Server::start_durable().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn assigns() -> [&'static str; 2] {
        ["entry", "at_least_once"]
    }

    fn listen() -> Value {
        json!({"group": "listeners"})
    }
}

impl Mortal for Redis {
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

impl Secure for Redis {
    const SCHEMES: [&'static str; 2] = ["redis", "rediss"];
    // Names in its list of users have no blanks.
    const USER: &'static str = "\u{fc}s@r:/?%#&\"\\";

    async fn guarded(options: Options<'_>) -> Option<Self> {
        Server::start_as(options).await.map(Self)
    }

    fn port(&self) -> u16 {
        self.0.port()
    }
}

rules!(Redis);
rules! { @each Redis: a_log_says_how_far_groups_are_behind_and_lists_what_it_keeps }
rules! { @each Redis: a_group_that_is_new_begins_where_it_is_told }

#[tokio::test]
async fn how_far_groups_are_behind_is_asked_for_again_when_it_is_read() {
    crate::rules::how_far_groups_are_behind_is_asked_for_again_when_it_is_read::<Redis>(Some("trunkline"))
        .await;
}

trouble!(Redis);
rules! { @trouble Redis: what_the_broker_did_not_hear_is_an_error_on_each_attempt }
secure!(Redis);

#[tokio::test]
async fn a_network_that_was_cut_is_noticed() {
    crate::cut::a_network_that_was_cut_is_noticed::<Redis>("heartbeat=1", Duration::ZERO).await;
}

cut!(Redis);
rules! { @cut Redis: who_cannot_get_a_connection_to_read_looks_for_it_seldom }

#[tokio::test]
async fn a_batch_that_runs_out_of_time_has_a_result_for_each() {
    crate::cut::a_batch_that_runs_out_of_time_has_a_result_for_each::<Redis>(200).await;
}
rules! { @cut Redis: whoever_reads_alone_goes_on_behind_what_they_had }

#[tokio::test]
async fn with_tls_1_2_a_client_certificate_is_asked_for_in_the_handshake() {
    let authority = Authority::new();
    let settings = &["--tls-protocols", "TLSv1.2"];
    let options = Options { tls: Some(&authority), mutual: true, settings, ..Options::default() };
    let Some(redis) = Redis::guarded(options).await else { return };
    let (certificate, key) = authority.client();
    let url = redis.at(true, "", "localhost");
    let shows = json!({"tls": {"ca": authority.pem(), "client_cert": certificate, "client_key": key}});
    Client::of(&url, shows).probe().await.unwrap();
    let error = Client::of(&url, json!({"tls": {"ca": authority.pem()}})).probe().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent), "{error}");
    assert!(error.message().contains("tls.client_cert and tls.client_key have it"), "{error}");
}

/// Answers as a node of a cluster does that has not got the stream: it is at another address.
async fn moved(mut stream: TcpStream, other: SocketAddr) -> std::io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut lines = BufReader::new(reading).lines();
    // A command is an array of texts, each on a line behind one with its length.
    while let Some(count) = lines.next_line().await? {
        let count: usize = count.trim_start_matches('*').parse().unwrap();
        let mut words = Vec::new();
        for _ in 0..count {
            lines.next_line().await?;
            words.extend(lines.next_line().await?);
        }
        let answer = match words.first().map(|word| word.to_uppercase()).as_deref() {
            Some("XADD" | "XGROUP") => format!("-MOVED 1 {other}\r\n"),
            _ => "+OK\r\n".to_owned(),
        };
        writing.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::test]
async fn another_node_of_a_cluster_is_told_of_and_not_dialled() {
    let other = Peer::raw(|_| async {}).await;
    let named = other.address();
    let node = Peer::raw(move |stream| async move {
        let _ = moved(stream, named).await;
    });
    let node = node.await;
    let allow = [node.address().to_string()];
    let client =
        Client::within_profile(Profile::Strict, &allow, &format!("redis://{}", node.address()), json!({}));
    for request in [json!({"queue": "s", "text": "?"}), json!({"queue": "s", "receive": {"max": 1}})] {
        let error = client.fails(&request).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Unsupported, Outcome::Rejected), "{error}");
        assert!(error.message().contains("another node of a cluster"), "{error}");
    }
    assert_eq!(other.connections(), 0, "the guard was not asked about it");
}

/// What the server says to a command that has no blanks in its words.
#[allow(clippy::disallowed_methods, reason = "it is the test that asks, and no integration")]
async fn said(port: u16, command: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
    stream.write_all(format!("{command}\r\nQUIT\r\n").as_bytes()).await.unwrap();
    let mut said = String::new();
    BufReader::new(stream).read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test]
async fn a_login_that_may_not_read_answers_hears_so_before_anything_is_sent() {
    // Words that must not be quoted: what it may do, one behind the other.
    let clerk = ["--user", "clerk", "on", ">clerk", "~*", "+@all", "-xread"];
    let Some(redis) = Server::start_with(&clerk).await else { return };
    let url = redis.url().replace("//", "//clerk:clerk@");
    let client = Client::of(&url, json!({}));
    let ask = json!({"queue": "orders", "message": 1, "wait_response": true});
    let error = client.fails(&ask).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::NotSent), "{error}");
    assert!(error.message().contains("XREAD") && error.message().contains("trunkline:answers:"), "{error}");
    assert_eq!(client.pull_with("orders", json!({"max": 1})).await, [Value::Null; 0], "nothing was sent");
    // And so does who waits while it is taken away.
    assert!(said(redis.port(), "ACL SETUSER clerk +xread").await.starts_with("+OK"));
    let (asked, ()) = tokio::join!(client.call(&ask), async {
        client.take("orders", Redis::pull(1), 1).await;
        assert!(said(redis.port(), "ACL SETUSER clerk -xread").await.starts_with("+OK"));
    });
    let error = asked.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::Unknown), "{error}");
    assert!(error.message().contains("XREAD"), "{error}");
}

#[tokio::test]
async fn answers_come_again_where_only_their_connection_was_lost() {
    let Some((redis, client, queue)) = client::<Redis>(json!({})).await else { return };
    let ask = json!({"queue": queue, "message": 1, "wait_response": true});
    let serve = async || {
        let request = client.take(&queue, Redis::pull(1), 1).await.remove(0);
        let answer = json!({"queue": request["reply_to"], "correlation_id": request["correlation_id"], "text": "answer"});
        client.call(&answer).await.unwrap();
    };
    let answered = || Box::pin(async { tokio::join!(client.call(&ask), serve()).0 });
    assert_eq!(answered().await.unwrap(), "answer");
    let list = said(redis.port(), "CLIENT LIST").await;
    // What it says between two questions too.
    let says = |line: &&str| {
        ["xread ", "xtrim ", "expire "].iter().any(|said| line.contains(&format!(" cmd={said}")))
    };
    let reader = list.lines().find(says).unwrap_or_else(|| panic!("{list}"));
    let id = reader.split_once("id=").unwrap().1.split(' ').next().unwrap();
    assert!(said(redis.port(), &format!("CLIENT KILL ID {id}")).await.starts_with(":1"));
    // A request that is on its way when that is noticed hears of it.
    let mut again = answered().await;
    if again.is_err() {
        again = answered().await;
    }
    assert_eq!(again.unwrap(), "answer");
}

/// They are about Redis and no message, so all are kept until it is well again.
#[tokio::test]
async fn what_redis_cannot_take_at_the_moment_it_takes_later() {
    let Some((redis, client, queue)) = client::<Redis>(json!({})).await else { return };
    let publish = json!({"queue": queue, "message": 1});
    for (ill, word) in
        [("CONFIG SET maxmemory 1", "maxmemory"), ("CONFIG SET min-replicas-to-write 1", "replicas")]
    {
        assert!(said(redis.port(), ill).await.starts_with("+OK"));
        let error = client.fails(&publish).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Contended, Outcome::Rejected), "{error}");
        assert!(error.message().contains(word), "{error}");
        let (well, _) = ill.rsplit_once(' ').unwrap();
        assert!(said(redis.port(), &format!("{well} 0")).await.starts_with("+OK"));
        client.call(&publish).await.unwrap();
    }
}

#[tokio::test]
async fn where_redis_has_become_a_replica_the_address_is_asked_for_the_primary_anew() {
    let (Some(mut primary), Some(mut other)) = (Server::start().await, Server::start().await) else { return };
    let relay = Relay::start().await;
    relay.leads_to(primary.address());
    let client = Client::of(&format!("redis://{}", relay.address()), json!({}));
    let queue = unique("orders");
    for request in [json!({"queue": queue, "text": "?"}), json!({"queue": queue, "receive": {"max": 1}})] {
        while client.call(&request).await.is_err() {}
        // Of one that it does not reach, so that it is not busy with what that has.
        assert!(said(primary.port(), "REPLICAOF 127.0.0.1 1").await.starts_with("+OK"));
        assert!(said(other.port(), "REPLICAOF NO ONE").await.starts_with("+OK"));
        relay.leads_to(other.address());
        let error = client.fails(&request).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Contended, Outcome::Rejected), "{error}");
        assert!(error.message().contains("primary"), "{error}");
        let again = async { while client.call(&request).await.is_err() {} };
        tokio::time::timeout(Duration::from_secs(60), again).await.expect("it is asked for anew");
        std::mem::swap(&mut primary, &mut other);
    }
}

/// Whoever counts deliveries in memory forgets it; Redis does not.
#[tokio::test]
async fn what_was_released_does_not_count_for_whoever_is_next() {
    let Some((redis, first, queue)) = client::<Redis>(json!({"max_deliveries": 2})).await else { return };
    first.call(&json!({"queue": queue, "text": "?"})).await.unwrap();
    for n in 0..4 {
        let came = first.pull_with(&queue, Redis::pull(1)).await.remove(0);
        let redelivered = came.get("redelivered").is_some();
        assert_eq!((&came["deliveries"], redelivered), (&json!(1), n > 0), "{came}");
        assert_eq!(first.call(&json!({"release": [came["token"]]})).await.unwrap()["settled"], 1);
    }
    let second = Client::of(&redis.url(), json!({"max_deliveries": 2}));
    for deliveries in [1, 2] {
        let came = second.pull_with(&queue, Redis::pull(1)).await.remove(0);
        assert_eq!((&came["text"], &came["deliveries"]), (&json!("?"), &json!(deliveries)), "{came}");
        second.call(&json!({"requeue": [came["token"]]})).await.unwrap();
    }
    let aside = second.take(&Redis::aside(&queue), Redis::pull(1), 1).await;
    assert_eq!(bodies(&aside), [json!("?")]);
}
