//! What others write into names, headers and answers stays one line in the log, and moves no cursor.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use trunkline_testkit::Peer;

use crate::harness::{Server, exchange};

const EVIL: &str = "\r\nFAKE LINE\u{1b}[31m\u{0}\u{9b}1m\u{202e}\u{2028}";

/// Makes the server log as much as it can of what it is given.
async fn provoke(server: &Server, peer: &Peer) {
    let name = format!("name{EVIL}");
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "name": name, "description": name, "metadata": {&name: name}})).await;
    server.register(&json!({"integration_id": name, "type": name, &name: name, "base_url": name})).await;
    server.call("a", &json!({"endpoint": "/x"})).await;
    server.call("a", &json!({"endpoint": name, "headers": {&name: name}})).await;
    server.test("a", &json!({"endpoint": "/x", "params": {&name: name}})).await;
    server.get("/api/v1/integrations/%0d%0aFAKE%20LINE%1b%5b31m/proxy/x").await;
    server.get("/api/v1/integrations/a/health").await;
    exchange(server.address, "GET /%0d%0aFAKE HTTP/1.1\r\nhost: localhost\r\nx-\u{9b}: \u{1b}\r\n\r\n").await;
}

/// A service whose every word is meant to be logged.
async fn peer() -> Peer {
    Peer::raw(|mut stream| async move {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let body = "\r\nFAKE LINE\u{1b}[31m\u{0}";
        let head = format!("HTTP/1.1 500 \u{1b}[31mFAKE\r\nx-a: \u{9b}1m\r\ncontent-type: a/\u{202e}b\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(body.as_bytes()).await;
    })
    .await
}

/// A file that is at fault where its path and its keys are evil.
async fn broken_file(server: &Server, file: &std::path::Path) {
    std::fs::write(file, format!("integrations: [{{ {}: 1 }}]\n", json!(format!("key{EVIL}")))).unwrap();
    server.logs("not valid").await;
}

#[tokio::test]
async fn the_text_log_has_one_line_an_event_and_no_control_characters() {
    let peer = peer().await;
    let begin = Server::begin().allow(&peer).env("RUST_LOG", "trace");
    let file = begin.file("a\r\nFAKE LINE\u{1b}[31m.yaml", "");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    provoke(&server, &peer).await;
    broken_file(&server, &file).await;
    let server = server.stop().await;
    let log = server.log();
    assert!(log.lines().count() > 3, "{log}");
    for line in log.lines() {
        let dated = line.get(..4).is_some_and(|year| year.starts_with("20"));
        assert!(dated && !line.starts_with("FAKE"), "{line:?}");
        assert!(!line.chars().any(|c| c.is_control() || matches!(c, '\u{202e}' | '\u{2028}')), "{line:?}");
    }
}

#[tokio::test]
async fn the_json_log_has_one_object_a_line() {
    let peer = peer().await;
    let begin = Server::begin().allow(&peer).env("RUST_LOG", "trace").arg("--log-format").arg("json");
    let file = begin.file("a\r\nFAKE LINE\u{1b}[31m.yaml", "");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    provoke(&server, &peer).await;
    broken_file(&server, &file).await;
    let server = server.stop().await;
    for line in server.log().lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
        assert!(event["level"].is_string() && event["timestamp"].is_string(), "{line}");
        assert!(!line.chars().any(char::is_control), "{line:?}");
    }
}

#[tokio::test]
async fn commands_print_no_control_characters_of_others() {
    let peer = peer().await;
    let server = Server::beside(&peer).await;
    provoke(&server, &peer).await;
    for args in [
        &["list"][..],
        &["health"],
        &["health", "a"],
        &["call", "a", "/x", "-i"],
        &["call", "nobody\u{1b}[31m", "/x"],
        &["check", "no-such-file\u{1b}[31m"],
        &["list", "--json"],
    ] {
        let ran = server.cli(args).await;
        let shown = ran.stdout.clone() + &ran.stderr;
        assert!(!shown.is_empty(), "{args:?}");
        let evil = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(args.contains(&"--json") || !shown.contains(evil), "{args:?}: {shown:?}");
        assert!(!shown.lines().any(|line| line.starts_with("FAKE LINE")), "{args:?}: {shown:?}");
    }
}

#[tokio::test]
async fn rust_log_says_what_is_written() {
    let quiet = Server::begin().env("RUST_LOG", "error").start().await.stop().await;
    assert_eq!(quiet.log(), "");
    let usual = Server::begin().start().await.stop().await;
    assert!(usual.log().contains("generated the master key"), "{}", usual.log());
    let odd = Server::begin().env("RUST_LOG", "no such directive=maybe").start().await.stop().await;
    assert!(odd.log().contains("generated the master key"), "{}", odd.log());
}
