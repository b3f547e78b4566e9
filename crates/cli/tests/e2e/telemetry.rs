//! Traces of calls and attempts, as a collector receives them over OTLP, and what metrics say of attempts.

use std::sync::atomic::{AtomicBool, Ordering};

use http::{Response, StatusCode};
use opentelemetry_proto::tonic::{
    collector::trace::v1::{
        ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
    },
    common::v1::{KeyValue, any_value::Value},
    resource::v1::Resource,
    trace::v1::{Span, span::SpanKind, status::StatusCode as Code},
};
use prost::Message;
use rustix::process::Signal;
use serde_json::json;
use trunkline::Body;
use trunkline_testkit::{Authority, Peer, Received};

use crate::harness::{Begin, Server, until};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn ok(_: Received) -> Response<Body> {
    Response::new(Body::Empty)
}

/// A server that exports to `collector` and may call `peer`.
fn exporting(collector: &str, peer: &Peer) -> Begin {
    Server::begin().allow(peer).env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
}

fn integration(peer: &Peer) -> serde_json::Value {
    let twice = json!({"max_attempts": 2, "max_backoff": "1ms"});
    json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "retry_config": twice})
}

fn requests(collector: &Peer) -> Vec<ExportTraceServiceRequest> {
    let bodies = collector.received().into_iter().map(|received| received.body);
    bodies.map(|body| ExportTraceServiceRequest::decode(body).unwrap()).collect()
}

/// All spans that a collector has, in the order in which they ended.
fn spans(collector: &Peer) -> Vec<Span> {
    let resources = requests(collector).into_iter().flat_map(|request| request.resource_spans);
    let scopes = resources.flat_map(|resource| resource.scope_spans);
    scopes.flat_map(|scope| scope.spans).collect()
}

/// The spans of a collector once it has this many.
async fn spans_of(collector: &Peer, count: usize) -> Vec<Span> {
    until("the spans", || async { Some(spans(collector)).filter(|spans| spans.len() >= count) }).await
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// An attribute as text; empty when it is missing.
fn attribute(attributes: &[KeyValue], key: &str) -> String {
    let found = attributes.iter().find(|attribute| attribute.key == key);
    match found.and_then(|attribute| attribute.value.as_ref()?.value.as_ref()) {
        None => String::new(),
        Some(Value::StringValue(text)) => text.clone(),
        Some(Value::IntValue(number)) => number.to_string(),
        Some(other) => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_call_that_is_retried_is_a_span_with_one_below_it_for_each_attempt() {
    let down = AtomicBool::new(true);
    let peer = Peer::http(move |_| {
        let status =
            if down.swap(false, Ordering::SeqCst) { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
        Response::builder().status(status).body("x".into()).unwrap()
    })
    .await;
    let collector = Peer::http(ok).await;
    let server = exporting(&collector.url(), &peer).env("OTEL_SERVICE_NAME", "shop").start().await;
    server.has(&integration(&peer)).await;
    let caller = format!("00-{TRACE}-{PARENT}-01");
    let answer =
        server.with("GET", "/api/v1/integrations/a/proxy/x?q=1", &[("traceparent", &caller)], "").await;
    let request_id = answer.is(200).header("trunkline-request-id").to_owned();

    let spans = spans_of(&collector, 3).await;
    let [first, second, call] = &*spans else { panic!("three spans: {spans:?}") };
    assert!(spans.iter().all(|span| hex(&span.trace_id) == TRACE));
    assert_eq!(hex(&call.parent_span_id), PARENT);
    assert_eq!(hex(&call.span_id), request_id.replace('-', "")[16..]);
    assert_eq!([&first.parent_span_id, &second.parent_span_id], [&call.span_id; 2]);
    let told: Vec<_> = peer.received().iter().map(|seen| seen.header("traceparent").to_owned()).collect();
    assert_eq!(told, [first, second].map(|span| format!("00-{TRACE}-{}-01", hex(&span.span_id))));

    let all = |key: &str| [first, second, call].map(|span| attribute(&span.attributes, key));
    assert_eq!(all("http.response.status_code"), ["503", "200", "200"]);
    assert_eq!(all("http.request.resend_count"), ["", "1", ""]);
    assert_eq!(all("error.type"), ["unavailable", "", ""]);
    assert_eq!(all("http.request.method"), ["GET", "GET", ""]);
    assert_eq!(
        all("server.port"),
        [&*peer.address().port().to_string(), &*peer.address().port().to_string(), ""]
    );
    assert_eq!(all("trunkline.integration"), ["a", "a", "a"]);
    assert_eq!(all("trunkline.attempts"), ["", "", "2"]);
    assert_eq!(all("trunkline.request_id"), ["", "", &*request_id]);
    let kinds = [first, second, call].map(|span| (span.name.as_str(), span.kind()));
    assert_eq!(kinds, [("GET", SpanKind::Client), ("GET", SpanKind::Client), ("GET a", SpanKind::Server)]);
    let codes = [first, second, call].map(|span| span.status.as_ref().map(|status| status.code()));
    assert_eq!(codes, [Some(Code::Error), None, None]);
    for attempt in [first, second] {
        assert!(call.start_time_unix_nano <= attempt.start_time_unix_nano);
        assert!(attempt.start_time_unix_nano < attempt.end_time_unix_nano);
        assert!(attempt.end_time_unix_nano <= call.end_time_unix_nano);
    }
    let Resource { attributes, .. } = requests(&collector)[0].resource_spans[0].resource.clone().unwrap();
    assert_eq!(attribute(&attributes, "service.name"), "shop");
    assert_eq!(collector.received()[0].uri, "/v1/traces");
    assert_eq!(collector.received()[0].header("content-type"), "application/x-protobuf");

    let metrics = server.get("/metrics").await;
    for (error, status) in [("error_type=\"unavailable\",", "503"), ("", "200")] {
        let at = format!("server_address=\"127.0.0.1\",server_port=\"{}\"", peer.address().port());
        let count = format!(
            "http_client_request_duration_seconds_count{{integration=\"a\",http_request_method=\"GET\",{error}{at},http_response_status_code=\"{status}\"}} 1"
        );
        assert!(metrics.text().contains(&count), "{count} {}", metrics.text());
    }
}

#[tokio::test]
async fn a_trace_begins_with_a_call_whose_caller_has_none_and_ends_where_the_caller_does_not_record() {
    let (peer, collector) = (Peer::http(ok).await, Peer::http(ok).await);
    let server = exporting(&collector.url(), &peer).start().await;
    server.has(&integration(&peer)).await;
    let not = format!("00-{TRACE}-{PARENT}-00");
    let path = "/api/v1/integrations/a/proxy/x";
    server.with("POST", path, &[("traceparent", &not)], "").await.is(200);
    let answer = server.with("POST", path, &[], "").await;
    let request_id = answer.is(200).header("trunkline-request-id").replace('-', "");
    let spans = spans_of(&collector, 2).await;
    assert_eq!(spans.iter().map(|span| hex(&span.trace_id)).collect::<Vec<_>>(), [&*request_id; 2]);
    assert_eq!(hex(&spans[1].span_id), request_id[16..]);
    assert!(spans[1].parent_span_id.is_empty(), "nobody is above the call");
    let told: Vec<_> = peer.received().iter().map(|seen| seen.header("traceparent").to_owned()).collect();
    assert!(told[0].starts_with(&format!("00-{TRACE}-")) && told[0].ends_with("-00"), "{told:?}");
    assert_eq!(told[1], format!("00-{request_id}-{}-01", hex(&spans[0].span_id)));
}

#[tokio::test]
async fn a_collector_that_is_down_costs_spans_and_no_call() {
    let peer = Peer::http(ok).await;
    // Nobody listens there any more.
    let gone = Peer::raw(|_| async {}).await.url();
    let server = exporting(&gone, &peer).start().await;
    server.has(&integration(&peer)).await;
    for _ in 0..10 {
        server.call("a", &json!({"endpoint": "/x"})).await.is(200);
    }
    until("the spans to be counted", || async {
        server.get("/metrics").await.text().contains("trunkline_spans_dropped_total 20").then_some(())
    })
    .await;
    assert!(server.log().contains("otlp-collector"), "{}", server.log());
}

#[tokio::test]
async fn what_a_collector_says_it_did_not_take_is_counted() {
    let peer = Peer::http(ok).await;
    let collector = Peer::http(|_| {
        let partial = ExportTracePartialSuccess { rejected_spans: 2, error_message: "too old".to_owned() };
        let answer = ExportTraceServiceResponse { partial_success: Some(partial) };
        Response::new(Body::from(answer.encode_to_vec()))
    })
    .await;
    let server = exporting(&collector.url(), &peer).start().await;
    server.has(&integration(&peer)).await;
    server.call("a", &json!({"endpoint": "/x"})).await.is(200);
    until("the spans to be counted", || async {
        server.get("/metrics").await.text().contains("trunkline_spans_dropped_total 2").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_signal_to_stop_exports_what_is_left() {
    let (peer, collector) = (Peer::http(ok).await, Peer::http(ok).await);
    let mut server = exporting(&collector.url(), &peer).start().await;
    server.has(&integration(&peer)).await;
    for _ in 0..20 {
        server.call("a", &json!({"endpoint": "/x"})).await.is(200);
    }
    server.signal(Signal::TERM);
    assert_eq!(server.ended().await, Some(0), "{}", server.log());
    assert_eq!(spans(&collector).len(), 40);
}

#[tokio::test]
async fn nothing_that_is_exported_or_logged_holds_a_secret() {
    const CANARY: &str = "canary-7Qz";
    let peer = Peer::http(|_| Response::builder().status(500).body(CANARY.into()).unwrap()).await;
    let collector = Peer::http(ok).await;
    let server = exporting(&collector.url(), &peer)
        .env("OTEL_EXPORTER_OTLP_HEADERS", format!("x-key={CANARY}"))
        .env("RUST_LOG", "trace")
        .start()
        .await;
    for (id, auth, config) in
        [("a", "bearer", json!({"token": CANARY})), ("b", "api_key", json!({"query": "key", "key": CANARY}))]
    {
        let base = format!("{}/hooks/{CANARY}?sig={CANARY}", peer.url());
        let headers = json!({"x-own": CANARY});
        server
            .has(&json!({"integration_id": id, "type": "rest", "base_url": base, "headers": headers, "auth_type": auth, "auth_config": config}))
            .await;
        let call = json!({"method": "POST", "endpoint": format!("/{CANARY}"), "params": {"q": CANARY}, "json": CANARY});
        server.call(id, &call).await;
    }
    spans_of(&collector, 4).await;
    for received in collector.received() {
        assert_eq!(received.header("x-key"), CANARY);
        assert!(!String::from_utf8_lossy(&received.body).contains(CANARY));
    }
    assert!(!server.log().contains(CANARY), "{}", server.log());
    assert!(!server.get("/metrics").await.text().contains(CANARY));
}

#[tokio::test]
async fn the_file_names_a_collector_too_which_may_speak_tls() {
    let authority = Authority::new();
    let (peer, collector) = (Peer::http(ok).await, Peer::https(ok, authority.server(false)).await);
    let begin = Server::begin().allow(&peer);
    let pem = begin.file("ca.pem", authority.pem());
    let telemetry = json!({
        "otlp_endpoint": format!("https://localhost:{}", collector.address().port()),
        "headers": {"x-tenant": "${env:TENANT}"}, "sample": 1,
    });
    let file = begin.file("t.yaml", &json!({"server": {"telemetry": telemetry}}).to_string());
    let server = begin
        .arg("--config")
        .arg(file.display().to_string())
        .env("TENANT", "blue")
        .env("OTEL_EXPORTER_OTLP_CERTIFICATE", pem.display().to_string())
        .start()
        .await;
    server.has(&integration(&peer)).await;
    server.call("a", &json!({"endpoint": "/x"})).await.is(200);
    spans_of(&collector, 2).await;
    assert_eq!(collector.received()[0].header("x-tenant"), "blue");
}

#[tokio::test]
async fn an_endpoint_that_is_none_is_refused_at_the_start() {
    let begin = Server::begin().env("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4318");
    let ran = begin.refused().await;
    assert!(ran.code == 2 && ran.stderr.contains("OTLP"), "{ran:?}");
}
