//! The transport of the example `own_transport` keeps what transports promise.

use std::io;

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use trunkline::{Kind, Outcome};
use trunkline_testkit::conformance::{Subject, check};

#[allow(dead_code, reason = "the test has no need of the example's own program")]
#[path = "../../examples/own_transport.rs"]
mod example;

struct Lines;

impl Subject for Lines {
    type Transport = example::Lines;
    type Session = ();

    fn config(&self, authority: &str) -> Value {
        json!({ "base_url": format!("lines://{authority}") })
    }

    fn bad_configs(&self) -> Vec<(Value, &'static str)> {
        vec![
            (json!({}), "base_url"),
            (json!({ "base_url": "http://h" }), "base_url"),
            (json!({ "base_url": "lines://h:port" }), "base_url"),
            (json!({ "base_url": "lines://h:1", "base": 1 }), "base"),
        ]
    }

    fn read(&self, mark: &str) -> Value {
        json!({ "get": mark })
    }

    fn write(&self, mark: &str) -> Value {
        json!({ "put": mark, "text": "some text" })
    }

    fn bad_requests(&self) -> Vec<(Value, &'static str)> {
        vec![
            (json!({}), "get"),
            (json!({ "get": "a", "put": "b" }), "get"),
            (json!({ "get": "a b" }), "get"),
            (json!({ "put": "a", "text": "b\nPUT c" }), "put"),
            (json!({ "git": "a" }), "git"),
        ]
    }

    async fn take(&self, stream: &mut TcpStream, (): &mut ()) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        while !line.ends_with(b"\n") {
            let mut byte = [0];
            if stream.read(&mut byte).await? == 0 {
                return Ok(None);
            }
            line.push(byte[0]);
        }
        stream.flush().await.map(|()| Some(line))
    }

    fn answer(&self, request: &[u8]) -> Vec<u8> {
        [b"VALUE of ", request].concat()
    }

    fn refusal(&self, request: &[u8]) -> Vec<u8> {
        [b"ERROR at ", request].concat()
    }

    fn refused_as(&self) -> (Kind, Outcome) {
        (Kind::Rejected, Outcome::Rejected)
    }
}

#[tokio::test]
async fn a_transport_in_one_file_keeps_what_transports_promise() {
    check(Lines).await;
}
