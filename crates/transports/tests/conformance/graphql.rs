//! `graphql`, over HTTP/1.1.

use std::io;

use serde_json::{Value, json};
use tokio::net::TcpStream;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::conformance::{Subject, check};
use trunkline_transports::GraphQl;

use crate::http::take;

/// With keys beside the base URL.
struct Service(Value);

impl Subject for Service {
    type Transport = GraphQl;
    type Session = ();

    fn config(&self, authority: &str) -> Value {
        let mut config = self.0.clone();
        config["base_url"] = format!("http://{authority}/graphql").into();
        config
    }

    fn bad_configs(&self) -> Vec<(Value, &'static str)> {
        let with = |key: &str, value: Value| json!({"base_url": "http://h", key: value});
        vec![
            (json!({}), "base_url"),
            (json!({"base_url": "ftp://h"}), "base_url"),
            (with("headers", json!({"a b": "c"})), "headers"),
            (with("timeouts", json!({"first_byte": 0})), "timeouts.first_byte"),
            (with("tls", json!({"ca": "none"})), "tls.ca"),
            (with("proxy", json!({"url": "socks5://h"})), "proxy"),
            (with("queries_by", json!("put")), "queries_by"),
            (with("schema", json!({})), "schema"),
            (with("schema", json!({"sdl": "type Query {"})), "schema.sdl"),
            (with("limits", json!({"depth": 0})), "limits.depth"),
            (with("limits", json!({"cost": 0})), "limits.cost"),
            (with("limits", json!({"tokens": 10_000_000})), "limits.tokens"),
            (with("queries", json!({"a": "{ a"})), "queries.a"),
            (with("only_queries", json!(true)), "only_queries"),
            (with("error_codes", json!({"A": "b"})), "error_codes.A"),
            (with("max_bytes", json!(0)), "max_bytes"),
            (with("subscriptions", json!({"protocol": "mqtt"})), "subscriptions.protocol"),
            (with("subscriptions", json!({"protocol": "sse", "ping": 5})), "subscriptions.ping"),
            (with("subscriptions", json!({"silence": 5})), "subscriptions.silence"),
            (with("subscriptions", json!({"url": "ftp://h"})), "subscriptions.url"),
            (with("subscriptions", json!({"protocol": "sse", "url": "ftp://h"})), "subscriptions.url"),
            (with("subscriptions", json!({"connection_init": 1})), "subscriptions.connection_init"),
            (with("subscriptions", json!({"close_codes": {"1": "failed"}})), "subscriptions.close_codes.1"),
            (with("subscriptions", json!({"max_message": 0})), "subscriptions.max_message"),
            (with("querys", json!({})), "querys"),
        ]
    }

    fn read(&self, mark: &str) -> Value {
        json!({"query": "query($mark: String!) { thing(mark: $mark) }", "variables": {"mark": mark}})
    }

    fn write(&self, mark: &str) -> Value {
        json!({"query": "mutation($mark: String!) { make(mark: $mark) }", "variables": {"mark": mark}})
    }

    fn bad_requests(&self) -> Vec<(Value, &'static str)> {
        vec![
            (json!({}), "query"),
            (json!({"query": "{ a"}), "query"),
            (json!({"query": "query A { a } query B { b }"}), "operation_name"),
            (json!({"query": "{ a }", "operation_name": "B"}), "operation_name"),
            (json!({"query": "query($a: Int!) { a(a: $a) }"}), "variables"),
            (json!({"query": "{ a }", "variables": {"a": 1}}), "variables"),
            (json!({"query": "subscription { a }"}), "query"),
            (json!({"name": "a"}), "name"),
            (json!({"query": "{ a }", "timeout": -1}), "timeout"),
            (json!({"batch": [{"query": "{ a }"}, {"query": "{ a"}]}), "batch.1"),
        ]
    }

    async fn take(&self, stream: &mut TcpStream, (): &mut ()) -> io::Result<Option<Vec<u8>>> {
        take(stream).await
    }

    fn answer(&self, request: &[u8]) -> Vec<u8> {
        respond(&json!({"data": {"thing": mark(request)}}))
    }

    fn refusal(&self, request: &[u8]) -> Vec<u8> {
        let code = json!({"code": "BAD_USER_INPUT"});
        respond(&json!({"errors": [{"message": mark(request), "extensions": code}]}))
    }

    fn refused_as(&self) -> (Kind, Outcome) {
        (Kind::Rejected, Outcome::Rejected)
    }
}

/// What stands between the last two quotes that hold a mark, or the line of a GET.
fn mark(request: &[u8]) -> String {
    let text = String::from_utf8_lossy(request);
    let text = text.replace("%22", "\"");
    text.split('"').find(|word| word.starts_with("mark-")).unwrap_or_default().to_owned()
}

fn respond(body: &Value) -> Vec<u8> {
    let body = body.to_string();
    let length = body.len();
    format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}")
        .into_bytes()
}

#[tokio::test]
async fn graphql_keeps_what_transports_promise() {
    check(Service(json!({}))).await;
}

#[tokio::test]
async fn graphql_that_asks_by_get_and_by_hash_keeps_it_too() {
    check(Service(json!({"queries_by": "get", "persisted_queries": true, "http_version": "http1"}))).await;
}
