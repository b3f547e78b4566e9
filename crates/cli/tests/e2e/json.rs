//! JSON that is made to hurt: it is refused quickly, and leaves nothing behind in memory.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::Server;

/// Bytes of a configuration, and of a call, that the server takes, unless set otherwise.
const LIMITS: [(&str, u64); 2] = [("register", 1 << 20), ("a/call", 4 << 20)];

/// Kilobytes of memory that the process holds.
fn resident(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// The processor's time that the process has used, in hundredths of a second: what else the machine does is
/// not in it.
fn processor(server: &Server) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", server.pid())).unwrap();
    let (_, fields) = stat.rsplit_once(')').unwrap();
    // The 14th and 15th field of proc(5), of which two are before the parenthesis.
    fields.split_whitespace().skip(11).take(2).map(|ticks| ticks.parse::<u64>().unwrap()).sum()
}

fn around(inner: &str) -> String {
    format!(
        "{{\"integration_id\":\"b\",\"type\":\"rest\",\"base_url\":\"https://h\",\"metadata\":{{\"x\":{inner}}}}}"
    )
}

/// A name, a body, and whether it is JSON that may be passed on to a service as it is.
fn evil() -> Vec<(&'static str, Vec<u8>, bool)> {
    let nested = "[".repeat(100_000) + &"]".repeat(100_000);
    let keys: Vec<_> = (0..70_000).map(|n| format!("\"k{n}\":1")).collect();
    vec![
        ("nested arrays", around(&nested).into(), false),
        ("open arrays", "[".repeat(900_000).into(), false),
        ("nested objects", around(&("{\"a\":".repeat(100_000) + "1" + &"}".repeat(100_000))).into(), false),
        ("many keys", format!("{{{}}}", keys.join(",")).into(), false),
        ("a key twice", around("{\"a\":1,\"a\":2}").into(), true),
        (
            "a field twice",
            br#"{"integration_id":"b","integration_id":"c","type":"rest","base_url":"https://h"}"#.to_vec(),
            false,
        ),
        ("a lone surrogate", around(r#""\ud800""#).into(), true),
        ("a surrogate that comes second", around(r#""\udc00\ud800""#).into(), true),
        ("a number beyond all numbers", around("1e999999999").into(), true),
        ("a number without end", around(&"9".repeat(1_000_000)).into(), true),
        ("bytes that are no UTF-8", [around("\"").as_bytes(), b"\xff\xfe\""].concat(), false),
        ("an overlong escape of a slash", b"{\"integration_id\":\"\xc0\xaf\"}".to_vec(), false),
        ("a control character", around("\"a\nb\"").into(), false),
        ("a byte order mark", [b"\xef\xbb\xbf", around("1").as_bytes()].concat(), false),
        ("two documents", (around("1") + &around("1")).into(), false),
        ("a comment", around("1 /* x */").into(), false),
        ("a comma too many", around("[1,]").into(), false),
        ("a single quote", "{'integration_id': 'b'}".into(), false),
        ("not a number", around("NaN").into(), false),
        ("nothing", Vec::new(), false),
        ("zeros", vec![0; 1000], false),
    ]
}

#[tokio::test]
async fn bad_json_is_refused_quickly_and_changes_nothing() {
    let peer = Peer::http(|_| http::Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let media = [("content-type", "application/json")];
    let mut before = 0;
    for round in 0..3 {
        for (name, body, _) in evil() {
            for (method, path) in [
                ("POST", "/register"),
                ("PUT", "/a"),
                ("PATCH", "/a"),
                ("POST", "/a/call"),
                ("POST", "/a/test"),
            ] {
                let spent = processor(&server);
                let answer =
                    server.with(method, &format!("/api/v1/integrations{path}"), &media, body.clone()).await;
                let took = processor(&server) - spent;
                let refused = answer.status == 400
                    || answer.status == 422
                    || (answer.status == 200 && answer.json()["status"] == "error");
                assert!(refused, "{name} {method} {path}: {:?}", answer.status);
                assert!(answer.body.len() < 4096, "{name} {method} {path}: {} bytes", answer.body.len());
                // Of the processor's time, in a build without optimisation; quadratic would be minutes.
                assert!(took < 200, "{name} {method} {path}: {took} hundredths of a second");
            }
        }
        if round == 0 {
            before = resident(&server);
        }
    }
    let after = resident(&server);
    assert!(after < before + 32 * 1024, "{before} KiB grew to {after} KiB");
    assert_eq!(server.get("/api/v1/integrations/list").await.json().as_array().map(Vec::len), Some(1));
    assert!(peer.received().is_empty());
}

#[tokio::test]
async fn what_a_caller_gives_as_the_body_is_passed_on_or_refused_and_never_understood() {
    let peer = Peer::http(|received| http::Response::new(Body::from(received.body))).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let media = [("content-type", "application/json")];
    for (name, inner, is_json) in evil() {
        let body = [b"{\"method\":\"POST\",\"json\":", &*inner, b"}"].concat();
        let answer = server.with("POST", "/api/v1/integrations/a/call", &media, body).await;
        if answer.status == 200 {
            assert!(is_json || name.contains("twice") || name == "many keys", "{name} was passed on");
            assert!(answer.body == inner, "{name} was changed");
        } else {
            answer.problem(422, "invalid_config");
        }
    }
}

#[tokio::test]
async fn a_body_beyond_the_limit_is_refused_before_it_is_read() {
    let server = Server::begin().start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": "https://h"})).await;
    for (path, limit) in LIMITS {
        for length in [limit + 1, 1 << 40, u64::MAX - 2] {
            let head = format!(
                "POST /api/v1/integrations/{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n\
                 content-length: {length}\r\n\r\n"
            );
            let answer = crate::harness::exchange(server.address, head).await;
            assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains(&limit.to_string()), "{answer}");
        }
    }
}

#[tokio::test]
async fn a_body_that_does_not_say_how_long_it_is_is_not_kept_beyond_the_limit() {
    let server = Server::begin().start().await;
    let before = resident(&server);
    for _ in 0..96 {
        let mut stream = crate::harness::connect(server.address).await;
        let head = "POST /api/v1/integrations/register HTTP/1.1\r\nhost: localhost\r\n\
                    content-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).await.unwrap();
        let chunk = [b"10000\r\n", &[b' '; 0x10000][..], b"\r\n"].concat();
        let mut sent = 0;
        // It hangs up at the limit; what is on its way by then fits the buffers of two sockets.
        while sent < 64 << 20 && stream.write_all(&chunk).await.is_ok() {
            sent += chunk.len();
        }
        assert!(sent < 64 << 20, "everything was taken");
    }
    // Less than one limit for each; some of what was freed the allocator still has.
    let after = resident(&server);
    assert!(after < before + 64 * 1024, "{before} KiB grew to {after} KiB");
}

#[tokio::test]
async fn the_limit_of_a_body_is_the_operators() {
    let begin = Server::begin();
    let file = begin.file("t.yaml", "server: { body: 1000 }\n");
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;
    let config = |name: usize| json!({"integration_id": "a", "type": "rest", "base_url": "https://h", "name": "n".repeat(name)});
    server.register(&config(2_000)).await.problem(413, "payload_too_large");
    server.has(&config(100)).await;
}

#[tokio::test]
async fn text_in_every_script_is_kept_as_it_was() {
    let server = Server::begin().start().await;
    let name = "<script>alert(1)</script> \u{202e}\u{5d0}\u{1f680}\u{0} \r\n\u{1b}[31m \"'\\";
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": "https://h", "name": name, "description": name, "metadata": {name: name}})).await;
    let list = server.get("/api/v1/integrations/list").await;
    assert_eq!(list.header("content-type"), "application/json");
    assert_eq!((&list.json()[0]["name"], &list.json()[0]["description"]), (&json!(name), &json!(name)));
    let read: Value = server.get("/api/v1/integrations/a").await.json();
    assert_eq!(read["metadata"][name], name);
}
