//! Redis.

use super::*;

async fn log_in(wire: &mut Wire, password: &str) -> String {
    let length = password.len();
    let auth = format!("*3\r\n$4\r\nAUTH\r\n$5\r\ntrunk\r\n${length}\r\n{password}\r\n");
    wire.text(&auth, "\r\n").await
}

#[tokio::test]
async fn a_durable_one_dies_and_comes_back_on_the_same_port_with_its_data() {
    let Some(mut broker) = Redis::start_durable().await else { return };
    let mut wire = Wire::to(&broker).await;
    assert_eq!(wire.text("PING\r\n", "\r\n").await, "+PONG\r\n");
    assert_eq!(wire.text("XADD kept 1-1 a b\r\n", "1-1\r\n").await, "$3\r\n1-1\r\n");
    broker.kill().await;
    assert!(connect(&broker.address()).await.is_err());
    assert!(broker.again().await);
    assert_eq!(Wire::to(&broker).await.text("XLEN kept\r\n", "\r\n").await, ":1\r\n");
}

#[tokio::test]
async fn an_ordinary_one_keeps_nothing() {
    let Some(mut broker) = Redis::start().await else { return };
    assert_eq!(Wire::to(&broker).await.text("SET a b\r\n", "\r\n").await, "+OK\r\n");
    broker.stop().await;
    assert!(broker.again().await);
    assert_eq!(Wire::to(&broker).await.text("EXISTS a\r\n", "\r\n").await, ":0\r\n");
}

#[tokio::test]
async fn with_a_certificate_and_a_password_it_takes_only_tls_and_the_user() {
    let authority = Authority::new();
    let Some(broker) = Redis::start_as(secured(&authority, true)).await else { return };
    let mut wire = Wire::to(&broker).await.secure(&authority, true).await;
    assert!(wire.text("PING\r\n", "\r\n").await.starts_with("-NOAUTH"));
    assert!(log_in(&mut wire, "wrong").await.starts_with("-WRONGPASS"));
    assert_eq!(log_in(&mut wire, PASSWORD).await, "+OK\r\n");
    assert_eq!(wire.text("PING\r\n", "\r\n").await, "+PONG\r\n");
    let mut unknown = Wire::to(&broker).await.secure(&authority, false).await;
    assert_eq!(unknown.text("PING\r\n", "\r\n").await, "");
    assert!(!Wire::to(&broker).await.text("PING\r\n", "\r\n").await.contains('+'));
}
