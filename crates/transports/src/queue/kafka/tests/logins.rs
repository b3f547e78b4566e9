//! What is said before the first request: versions, logins, and where brokers say that others are.

use std::time::Duration;

use tokio::time::Instant;
use trunkline_core::{Kind, Outcome, Secret};
use trunkline_testkit::Peer;

use super::{
    super::{
        scram::Hash,
        target::{Login, Mechanism},
    },
    cluster, cluster_within,
    fake::Fake,
};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn login(mechanism: Mechanism) -> Option<Login> {
    Some(Login { mechanism, user: "trunk".to_owned(), secret: Secret::literal("hunter2"), plainly: false })
}

#[tokio::test]
async fn a_password_is_sent_as_it_is_only_where_it_is_asked_for() {
    let (fake, peer) = Fake::start().await;
    fake.state.lock().unwrap().login = Some(|_, said| match said {
        b"\0trunk\0hunter2" => Ok(Vec::new()),
        _ => Err(58),
    });
    let at = peer.address().to_string();
    cluster(&at, login(Mechanism::Plain)).known(soon()).await.unwrap();
    let wrong = Login { secret: Secret::literal("hunter3"), ..login(Mechanism::Plain).unwrap() };
    let error = cluster(&at, Some(wrong)).known(soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::NotSent), "{error}");
    let error = cluster(&at, login(Mechanism::Scram(Hash::Sha256))).known(soon()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.message().contains("but by PLAIN, SCRAM-SHA-512, OAUTHBEARER"), "{error}");
}

#[tokio::test]
async fn a_token_is_taken_or_the_broker_says_why_not() {
    let (fake, peer) = Fake::start().await;
    fake.state.lock().unwrap().login = Some(|_, said| match said {
        b"n,,\x01auth=Bearer hunter2\x01\x01" => Ok(Vec::new()),
        b"\x01" => Err(58),
        _ => Ok(b"{\"status\":\"invalid_token\"}".to_vec()),
    });
    let at = peer.address().to_string();
    cluster(&at, login(Mechanism::OAuthBearer)).known(soon()).await.unwrap();
    let wrong = Login { secret: Secret::literal("expired"), ..login(Mechanism::OAuthBearer).unwrap() };
    let error = cluster(&at, Some(wrong)).known(soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::NotSent), "{error}");
}

#[tokio::test]
async fn a_broker_that_does_not_know_the_password_does_not_pass_for_one() {
    let (fake, peer) = Fake::start().await;
    fake.state.lock().unwrap().login = Some(|number, said| match number {
        0 => {
            let nonce = std::str::from_utf8(said).unwrap().split_once("r=").unwrap().1;
            Ok(format!("r={nonce}more,s=c2FsdA==,i=4096").into_bytes())
        }
        _ => Ok(b"v=AAAA".to_vec()),
    });
    let at = peer.address().to_string();
    let error = cluster(&at, login(Mechanism::Scram(Hash::Sha512))).known(soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent), "{error}");
    assert!(error.message().contains("does not prove"), "{error}");
}

#[tokio::test]
async fn the_guard_is_asked_about_whatever_a_broker_says_of_another() {
    let (fake, peer) = Fake::start().await;
    fake.state.lock().unwrap().elsewhere = Some("169.254.169.254");
    let cluster = cluster_within(trunkline_core::Profile::Lab, &peer.address().to_string(), None);
    let (node, known) = cluster.leader("t", 0, soon()).await.unwrap();
    let error = cluster.connection(node, &known, soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Blocked, Outcome::NotSent), "{error}");
}

#[tokio::test]
async fn what_is_no_broker_is_told_as_such() {
    let peer = Peer::raw(|mut stream| async move {
        let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 400 Bad Request\r\n\r\n").await;
    });
    let peer = peer.await;
    let error = cluster(&peer.address().to_string(), None).known(soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent), "{error}");
    assert!(error.message().contains("no Kafka broker"), "{error}");
}
