//! What a span becomes in OTLP, by the semantic conventions of OpenTelemetry
//! (<https://opentelemetry.io/docs/specs/semconv/>). No URL, no header and no body is among it.

use std::time::{SystemTime, UNIX_EPOCH};

use trunkline::{Service, Span, SpanOf};

use super::wire::{
    self, AnyValue, Code, KeyValue, Kind, Request, Resource, ResourceSpans, Scope, ScopeSpans, Status, Value,
};

/// A request to export these spans of one process.
pub(super) fn request(resource: &[(String, String)], spans: &[Span]) -> Request {
    let attributes = resource.iter().map(|(key, value)| text(key, value)).collect();
    let scope = Scope { name: "trunkline".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let spans = spans.iter().map(span).collect();
    Request {
        resource_spans: vec![ResourceSpans {
            resource: Some(Resource { attributes }),
            scope_spans: vec![ScopeSpans { scope: Some(scope), spans }],
        }],
    }
}

fn span(span: &Span) -> wire::Span {
    let Span { operation, integration, outcome, .. } = span;
    let failed = *outcome != "ok";
    let mut attributes = vec![text("trunkline.integration", integration)];
    if failed {
        attributes.push(text("error.type", outcome));
    }
    // Others have a status in name only.
    if let Some(status) = span.status.filter(|_| !matches!(*operation, "query" | "publish" | "receive")) {
        attributes.push(number("http.response.status_code", status));
    }
    let (name, kind) = match &span.of {
        SpanOf::Call { request_id, attempts, cache } => {
            attributes.push(text("trunkline.request_id", &request_id.to_string()));
            attributes.push(text("trunkline.operation", operation));
            attributes.push(number("trunkline.attempts", *attempts));
            if !cache.is_empty() {
                attributes.push(text("trunkline.cache", cache));
            }
            (format!("{operation} {integration}"), Kind::Server)
        }
        SpanOf::Attempt { number: attempt, service } => {
            let Service { system, address } = &**service;
            if let Some((host, port)) = address {
                attributes.push(text("server.address", host));
                attributes.push(number("server.port", *port));
            }
            let (key, value, kind) = match *operation {
                "query" => ("db.system.name", *system, Kind::Client),
                "publish" => ("messaging.system", *system, Kind::Producer),
                "receive" => ("messaging.system", *system, Kind::Client),
                method => {
                    if *attempt > 1 {
                        attributes.push(number("http.request.resend_count", attempt - 1));
                    }
                    ("http.request.method", method, Kind::Client)
                }
            };
            attributes.push(text(key, value));
            // "HTTP span name" there: what is not known is no name.
            (if *operation == "_OTHER" { "HTTP" } else { operation }.to_owned(), kind)
        }
    };
    let (trace_id, parent_id) = span.trace.ids();
    wire::Span {
        trace_id: trace_id.to_be_bytes().into(),
        span_id: span.id.to_be_bytes().into(),
        parent_span_id: if parent_id == 0 { Vec::new() } else { parent_id.to_be_bytes().into() },
        name,
        kind: kind.into(),
        start_time_unix_nano: nanos(span.ended - span.took),
        end_time_unix_nano: nanos(span.ended),
        attributes,
        status: failed.then(|| Status { code: Code::Error.into() }),
    }
}

/// Nanoseconds since 1970, which fit 64 bits until 2554.
fn nanos(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos() as u64
}

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, Value::Text(value.to_owned()))
}

fn number(key: &str, value: impl Into<i64>) -> KeyValue {
    pair(key, Value::Number(value.into()))
}

fn pair(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }) }
}
