//! `rest`, over HTTP/1.1.

use std::io;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::conformance::{Subject, check};
use trunkline_transports::Rest;

use crate::http::take;

/// With keys beside the base URL.
struct Http(Value);

impl Subject for Http {
    type Transport = Rest;
    type Session = ();

    fn config(&self, authority: &str) -> Value {
        let mut config = self.0.clone();
        config["base_url"] = format!("http://{authority}/api").into();
        config
    }

    fn bad_configs(&self) -> Vec<(Value, &'static str)> {
        let url = "http://h";
        vec![
            (json!({}), "base_url"),
            (json!({"base_url": "ftp://h"}), "base_url"),
            (json!({"base_url": "http://"}), "base_url"),
            (json!({"base_url": url, "headers": {"a b": "c"}}), "headers"),
            (json!({"base_url": url, "timeouts": {"first_byte": 0}}), "timeouts.first_byte"),
            (json!({"base_url": url, "timeouts": {"connekt": 1}}), "timeouts"),
            (json!({"base_url": url, "tls": {"ca": "none"}}), "tls.ca"),
            (json!({"base_url": url, "proxy": {"url": "socks5://h"}}), "proxy"),
            (json!({"base_url": url, "probe": {"method": "DELETE", "endpoint": "/"}}), "probe.method"),
            (json!({"base_url": url, "bas_url": url}), "bas_url"),
        ]
    }

    fn read(&self, mark: &str) -> Value {
        json!({"method": "GET", "endpoint": format!("/things/{mark}")})
    }

    fn write(&self, mark: &str) -> Value {
        json!({"method": "POST", "endpoint": format!("/things/{mark}"), "data": {"n": 1}})
    }

    fn bad_requests(&self) -> Vec<(Value, &'static str)> {
        vec![
            (json!({"method": "G T"}), "method"),
            (json!({"method": 1}), "method"),
            (json!({"headers": {"a b": "c"}}), "headers"),
            (json!({"timeout": -1}), "timeout"),
            (json!({"endpiont": "/"}), "endpiont"),
            (json!({"data": 1, "raw": "x"}), "raw"),
        ]
    }

    async fn take(&self, stream: &mut TcpStream, (): &mut ()) -> io::Result<Option<Vec<u8>>> {
        take(stream).await
    }

    fn answer(&self, request: &[u8]) -> Vec<u8> {
        respond("200 OK", request)
    }

    fn refusal(&self, request: &[u8]) -> Vec<u8> {
        respond("409 Conflict", request)
    }

    fn refused_as(&self) -> (Kind, Outcome) {
        (Kind::Rejected, Outcome::Rejected)
    }
}

/// A response that repeats the request line.
fn respond(status: &str, request: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(request);
    let line = text.lines().next().unwrap_or_default();
    format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{line}", line.len()).into_bytes()
}

#[tokio::test]
async fn rest_keeps_what_transports_promise() {
    check(Http(json!({}))).await;
}

#[tokio::test]
async fn rest_with_an_endpoint_to_probe_keeps_it_too() {
    check(Http(json!({"probe": {"endpoint": "/health"}, "http_version": "http1"}))).await;
}
