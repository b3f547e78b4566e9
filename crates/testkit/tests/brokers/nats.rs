//! NATS.

use super::*;

async fn log_in(wire: &mut Wire, password: &str) -> String {
    let options = format!("{{\"verbose\":false,\"user\":\"trunk\",\"pass\":{password:?}}}");
    wire.text(&format!("CONNECT {options}\r\nPING\r\n"), "PONG\r\n").await
}

/// What the API of JetStream answers.
async fn api(wire: &mut Wire, subject: &str, request: &str) -> String {
    let length = request.len();
    let question = format!("SUB inbox 1\r\nUNSUB 1 1\r\nPUB {subject} inbox {length}\r\n{request}\r\n");
    wire.text(&question, "}\r\n").await
}

#[tokio::test]
async fn it_dies_and_comes_back_on_the_same_port_with_its_data() {
    let Some(mut broker) = Nats::start_with(with_password()).await else { return };
    let mut wire = Wire::to(&broker).await;
    assert!(wire.text("", "\r\n").await.starts_with("INFO "));
    assert_eq!(log_in(&mut wire, PASSWORD).await, "PONG\r\n");
    let stream = r#"{"name":"kept","subjects":["kept.*"]}"#;
    assert!(api(&mut wire, "$JS.API.STREAM.CREATE.kept", stream).await.contains("\"created\""));
    assert!(api(&mut wire, "kept.a", "a message").await.contains("\"seq\":1"));
    for orderly in [false, true] {
        if orderly {
            broker.stop().await;
        } else {
            broker.kill().await;
        }
        assert!(connect(&broker.address()).await.is_err());
        assert!(broker.again().await);
        let mut wire = Wire::to(&broker).await;
        wire.text("", "\r\n").await;
        log_in(&mut wire, PASSWORD).await;
        assert!(api(&mut wire, "$JS.API.STREAM.INFO.kept", "").await.contains("\"messages\":1"));
    }
}

#[tokio::test]
async fn a_wrong_password_or_token_is_not_let_in() {
    let Some(broker) = Nats::start_with(with_password()).await else { return };
    let mut wire = Wire::to(&broker).await;
    wire.text("", "\r\n").await;
    assert!(log_in(&mut wire, "wrong").await.contains("Authorization Violation"));
    let settings = &["authorization { token: \"a token\" }"];
    let Some(broker) = Nats::start_with(Options { settings, ..Options::default() }).await else { return };
    for (token, answer) in [("another", "-ERR 'Authorization Violation'\r\n"), ("a token", "PONG\r\n")] {
        let mut wire = Wire::to(&broker).await;
        wire.text("", "\r\n").await;
        let question = format!("CONNECT {{\"verbose\":false,\"auth_token\":\"{token}\"}}\r\nPING\r\n");
        assert_eq!(wire.text(&question, "PONG\r\n").await, answer);
    }
}

#[tokio::test]
async fn with_a_certificate_it_takes_only_tls() {
    let authority = Authority::new();
    let Some(broker) = Nats::start_with(secured(&authority, true)).await else { return };
    for (with_certificate, answer) in [(true, "PONG\r\n"), (false, "")] {
        let mut wire = Wire::to(&broker).await;
        assert!(wire.text("", "\r\n").await.contains("\"tls_required\":true"));
        let mut wire = wire.secure(&authority, with_certificate).await;
        assert_eq!(log_in(&mut wire, PASSWORD).await, answer);
    }
    let mut clear = Wire::to(&broker).await;
    clear.text("", "\r\n").await;
    assert!(!log_in(&mut clear, PASSWORD).await.contains("PONG"));
}
