//! `custom`, whose driver speaks HTTP/1.1.

use std::io;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::conformance::{Subject, check};
use trunkline_transports::Custom;

use crate::http::take;

struct Driver;

impl Subject for Driver {
    type Transport = Custom;
    type Session = ();

    fn config(&self, authority: &str) -> Value {
        json!({
            "base_url": format!("http://{authority}/driver"), "driver_token": "t-0123456789",
            "config": {"folder": "/data"}, "read_only": {"/action": ["get", "list"]},
        })
    }

    fn bad_configs(&self) -> Vec<(Value, &'static str)> {
        let with = |key: &str, value: Value| json!({"base_url": "http://h", key: value});
        vec![
            (json!({}), "base_url"),
            (json!({"base_url": "ftp://h"}), "base_url"),
            (with("headers", json!({"a b": "c"})), "headers"),
            (with("headers", json!({"Authorization": "Bearer c"})), "driver_token"),
            (with("config", json!("x")), "config"),
            (with("config", json!({"a": ["${env:TRUNKLINE_NO_SUCH_VARIABLE}"]})), "config"),
            (with("read_only", json!({"action": "get"})), "read_only.action"),
            (with("tls", json!({"ca": "none"})), "tls.ca"),
            (with("max_bytes", json!(0)), "max_bytes"),
            (with("tokn", json!("")), "tokn"),
        ]
    }

    fn read(&self, mark: &str) -> Value {
        json!({"action": "get", "mark": mark})
    }

    fn write(&self, mark: &str) -> Value {
        json!({"action": "put", "mark": mark})
    }

    fn bad_requests(&self) -> Vec<(Value, &'static str)> {
        // What is in one is the driver's to say; that it is an object is not.
        vec![(json!([1]), "request"), (json!("get"), "request")]
    }

    async fn take(&self, stream: &mut TcpStream, (): &mut ()) -> io::Result<Option<Vec<u8>>> {
        let Some(request) = take(stream).await? else { return Ok(None) };
        let text = String::from_utf8(request).unwrap();
        let (head, question) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains("authorization: Bearer t-0123456789"), "{head}");
        Ok(Some(question.as_bytes().to_vec()))
    }

    fn answer(&self, question: &[u8]) -> Vec<u8> {
        let question: Value = serde_json::from_slice(question).unwrap();
        respond(&json!({"json": {"did": question["request"], "in": question["config"]["folder"]}}))
    }

    fn refusal(&self, question: &[u8]) -> Vec<u8> {
        let question: Value = serde_json::from_slice(question).unwrap();
        respond(&json!({"error": {"kind": "rejected", "message": "no", "json": question["request"]}}))
    }

    fn refused_as(&self) -> (Kind, Outcome) {
        (Kind::Rejected, Outcome::Rejected)
    }
}

fn respond(answer: &Value) -> Vec<u8> {
    let text = answer.to_string();
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len()).into_bytes()
}

#[tokio::test]
async fn custom_keeps_what_transports_promise() {
    check(Driver).await;
}
