//! Rows, schemas and probes of a database that is scripted, over real HTTP.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::{body::Incoming, client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use trunkline::{
    Body, Call, Context, IntegrationConfig, Kind, Manager, MemoryStore, Operation, Proof, Query, Reply,
    Result, Transport,
};

use crate::{app::App, edge, gate::Gate, hooks::Proxies, places::Places, stream::Seat};

/// Rows that a database has made.
static MADE: AtomicUsize = AtomicUsize::new(0);
/// Bytes of a row.
const ROW: usize = 64 << 10;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    #[serde(default)]
    base_url: String,
}

#[derive(Debug)]
struct Database;

impl Transport for Database {
    const NAME: &'static str = "scripted";
    type Config = Config;

    fn open(Config { base_url }: Config, _: &Context) -> Result<Self> {
        assert!(!base_url.contains("***"), "a mask is nobody's password");
        Ok(Self)
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        Ok(Query::new(request.get()).read_only().into())
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let Operation::Query(query) = &call.operation else { unreachable!("it makes no other") };
        let mut reply = Reply::new(StatusCode::OK, "[]");
        if query.wanted.stream {
            let rows = (0..1_000).map(|_| {
                MADE.fetch_add(1, Ordering::SeqCst);
                Ok(Frame::data(Bytes::from(vec![b'x'; ROW])))
            });
            reply.body = Body::stream(StreamBody::new(stream::iter(rows)));
            reply.headers.insert(header::CONTENT_TYPE, "application/x-ndjson".parse().unwrap());
        }
        Ok(reply)
    }

    async fn probe(&self, _: &Context, _: &mut Call) -> Result<Proof> {
        let mut proof = Proof::ANSWERED.fact("version", "17.2");
        proof.warning = Some("it may do everything".to_owned());
        Ok(proof)
    }

    async fn schema(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let connection = call.connection.as_deref().unwrap_or("default");
        Ok(Reply::new(StatusCode::OK, json!({"tables": [], "of": connection}).to_string()))
    }
}

/// A server with a database `db`, which has a tenant, and a service of HTTP, and a client of it.
async fn client() -> client::conn::http1::SendRequest<Full<Bytes>> {
    let store = Arc::new(MemoryStore::new(8));
    let manager = Manager::builder().store(store.clone()).transport::<Database>().build().await.unwrap();
    for config in [
        json!({"integration_id": "db", "type": "scripted", "cache_config": {"ttl": "60s"}}),
        json!({"integration_id": "web", "type": "rest", "base_url": "https://example.com"}),
    ] {
        manager.register(IntegrationConfig::from_json(config).unwrap()).await.unwrap();
    }
    let tenant = trunkline::ConnectionConfig::from_json(json!({"connection": "acme"})).unwrap();
    manager.add_connection("db", tenant).await.unwrap();
    let gate = Gate::new(None, Vec::new(), "127.0.0.1:1".parse().unwrap()).unwrap();
    let app = App::new(manager, store, gate, None, Proxies::default(), 1 << 20, 1 << 20).unwrap();
    let (ours, theirs) = tokio::io::duplex(ROW);
    let places = Places::new(1);
    let seat = Arc::new(Seat::new(places.take(places.leave().await), [127, 0, 0, 1].into()));
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, seat) = (app.clone(), seat.clone());
        async move { Ok::<Response<edge::Out>, Infallible>(edge::handle(app, request, seat).await) }
    });
    tokio::spawn(server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service));
    let (sender, connection) = client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(format!("/api/v1/integrations/{path}"));
    request = request.header("host", "localhost").header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.into()).unwrap()
}

async fn text(response: Response<Incoming>) -> String {
    String::from_utf8(response.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

async fn value(response: Response<Incoming>) -> Value {
    serde_json::from_str(&text(response).await).unwrap()
}

const NDJSON: (&str, &str) = ("accept", "application/x-ndjson");

#[tokio::test]
async fn rows_flow_no_faster_than_they_are_read_and_only_to_those_who_ask() {
    let mut client = client().await;
    for accept in ["*/*", "application/json"] {
        let asked = request("POST", "db/call", &[("accept", accept)], "{}");
        assert_eq!(text(client.send_request(asked).await.unwrap()).await, "[]");
    }
    for _ in 0..2 {
        let before = MADE.load(Ordering::SeqCst);
        let asked = request("POST", "db/call", &[NDJSON], "{}");
        let response = client.send_request(asked).await.unwrap();
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        let mut rows = response.into_body();
        let mut read = rows.frame().await.unwrap().unwrap().into_data().unwrap().len();
        // Whoever would make more of them has every chance to.
        for _ in 0..1_000 {
            tokio::task::yield_now().await;
        }
        let made = MADE.load(Ordering::SeqCst) - before;
        assert!((1..64).contains(&made), "{made} were made, one was read");
        while let Some(row) = rows.frame().await {
            read += row.unwrap().into_data().unwrap().len();
        }
        assert_eq!(read, 1_000 * ROW, "all of them, the second time too");
    }
}

#[tokio::test]
async fn what_is_streamed_takes_no_idempotency_key() {
    let mut client = client().await;
    let asked = request("POST", "db/call", &[NDJSON, ("idempotency-key", "k")], "{}");
    let response = client.send_request(asked).await.unwrap();
    assert_eq!(response.status(), 422);
    let problem = value(response).await;
    assert_eq!(problem["kind"], Kind::InvalidConfig.code());
    assert!(problem["detail"].as_str().unwrap().contains("streamed"), "{problem}");
    let asked = request("POST", "db/call", &[("idempotency-key", "k")], "{}");
    assert_eq!(text(client.send_request(asked).await.unwrap()).await, "[]");
}

#[tokio::test]
async fn a_schema_is_told_of_an_integration_and_of_its_connections() {
    let mut client = client().await;
    for (path, headers, of) in [
        ("db/schema", &[][..], "default"),
        ("db/schema", &[("trunkline-connection", "acme")], "acme"),
        ("db/connections/acme/schema", &[], "acme"),
    ] {
        let response = client.send_request(request("GET", path, headers, "")).await.unwrap();
        assert!(response.headers().contains_key("trunkline-request-id"), "{path}");
        assert_eq!(value(response).await, json!({"tables": [], "of": of}), "{path}");
    }
    for (path, status) in [("web/schema", 422), ("none/schema", 404), ("db/connections/none/schema", 404)] {
        let response = client.send_request(request("GET", path, &[], "")).await.unwrap();
        assert_eq!(response.status(), status, "{path}");
    }
    let other = request("GET", "db/connections/acme/schema", &[("trunkline-connection", "b")], "");
    assert_eq!(client.send_request(other).await.unwrap().status(), 422);
}

#[tokio::test]
async fn a_test_tells_what_the_service_is_beside_what_it_proves() {
    let mut client = client().await;
    let tested = value(client.send_request(request("POST", "db/test", &[], "{}")).await.unwrap()).await;
    assert_eq!((&tested["status"], &tested["result"]), (&json!("success"), &json!("answered")));
    assert_eq!(tested["service"], json!({"version": "17.2"}));
    assert_eq!(tested["warning"], "it may do everything");
}

#[tokio::test]
async fn the_password_in_an_address_survives_a_round_trip_and_follows_no_other() {
    let mut client = client().await;
    let mut send = async |method: &str, path: &str, body: &'static str| {
        let response = client.send_request(request(method, path, &[], body)).await.unwrap();
        (response.status().as_u16(), value(response).await)
    };
    let new = r#"{"integration_id": "shop", "type": "scripted", "base_url": "postgres://user:hunter2@db.example/a?sslmode=require"}"#;
    assert_eq!(send("POST", "register", new).await.0, 201);
    let shown = send("GET", "shop", "").await.1;
    assert_eq!(shown["base_url"], "postgres://user:********@db.example/a?sslmode=require");
    let other = r#"{"base_url": "postgresql://user:********@DB.example:5432/b"}"#;
    assert_eq!(send("PATCH", "shop", other).await.0, 200);
    let shown = send("GET", "shop", "").await.1;
    assert_eq!(shown["base_url"], "postgresql://user:********@DB.example:5432/b");
    for elsewhere in [
        r#"{"base_url": "postgres://user:********@evil.example/b"}"#,
        r#"{"base_url": "postgres://user:********@db.example:5433/b"}"#,
        r#"{"base_url": "postgres://root:********@db.example/b"}"#,
    ] {
        let (status, problem) = send("PATCH", "shop", elsewhere).await;
        assert_eq!(status, 422);
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("base_url: is the mask of a secret") && !detail.contains("hunter2"),
            "{detail}"
        );
    }
    let add = r#"{"connection": "b", "base_url": "postgres://tenant:hunter3@t.example/a"}"#;
    assert_eq!(send("POST", "shop/connections", add).await.0, 201);
    let shown = send("GET", "shop/connections/b", "").await.1;
    assert_eq!(shown["base_url"], "postgres://tenant:********@t.example/a");
    let moved = r#"{"base_url": "postgres://tenant:********@evil.example/a"}"#;
    assert_eq!(send("PATCH", "shop/connections/b", moved).await.0, 422);
    let renamed = r#"{"base_url": "postgres://tenant:********@t.example/c"}"#;
    assert_eq!(send("PATCH", "shop/connections/b", renamed).await.0, 200);
}
