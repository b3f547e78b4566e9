//! How long attempts take, by the semantic conventions of OpenTelemetry
//! (<https://opentelemetry.io/docs/specs/semconv/>), and handles that are looked up once.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use prometheus_client::{
    encoding::{EncodeLabel, EncodeLabelSet, LabelSetEncoder},
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

use super::{histogram, series::Series};
use crate::Service;

/// What an attempt does: few values, never a caller's text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Shape {
    /// An HTTP request with this method, `_OTHER` for one that is not known.
    Http(&'static str),
    Query,
    Publish,
    Receive,
}

impl Shape {
    /// An HTTP method, `query`, `publish` or `receive`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Http(method) => method,
            Self::Query => "query",
            Self::Publish => "publish",
            Self::Receive => "receive",
        }
    }
}

/// An attempt, and what came of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Attempted {
    pub(crate) shape: Shape,
    /// The status that the service answered with, if it has one and answered.
    pub(crate) status: Option<u16>,
    /// The code of an error's kind, or `cancelled`; empty where there was none.
    pub(crate) error: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Labels {
    pub(super) integration: Arc<str>,
    pub(super) service: Arc<Service>,
    pub(super) attempted: Attempted,
}

impl EncodeLabelSet for Labels {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> fmt::Result {
        let Attempted { shape, status, error } = self.attempted;
        let Service { system, address } = &*self.service;
        let mut text = |name, value: &str| (name, value).encode(encoder.encode_label());
        text("integration", &self.integration)?;
        match shape {
            Shape::Http(method) => text("http_request_method", method)?,
            Shape::Query => text("db_system_name", system)?,
            Shape::Publish | Shape::Receive => {
                let r#type = if shape == Shape::Publish { "send" } else { "receive" };
                text("messaging_system", system)?;
                text("messaging_operation_name", shape.name())?;
                text("messaging_operation_type", r#type)?;
            }
        }
        // In Prometheus a label that is not there and one that is empty are the same.
        if !error.is_empty() {
            text("error_type", error)?;
        }
        if let Some((host, port)) = address {
            text("server_address", host)?;
            ("server_port", *port).encode(encoder.encode_label())?;
        }
        status.map_or(Ok(()), |status| ("http_response_status_code", status).encode(encoder.encode_label()))
    }
}

/// Upper bounds in seconds: those of `db.client.operation.duration`.
const QUERY_BOUNDS: [f64; 9] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];

fn query_histogram() -> Histogram {
    Histogram::new(QUERY_BOUNDS)
}

type Durations = Family<Labels, Histogram, fn() -> Histogram>;

/// The durations of all attempts, and which labels an integration has made of them.
pub(super) struct Attempts {
    http: Durations,
    query: Durations,
    message: Durations,
    used: Mutex<HashMap<Arc<str>, HashSet<Labels>>>,
}

impl Attempts {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let mut family = |name: &str, help: &str, make: fn() -> Histogram| {
            let family = Family::new_with_constructor(make);
            registry.register_with_unit(name, help, Unit::Seconds, family.clone());
            family
        };
        Self {
            http: family(
                "http_client_request_duration",
                "Time of one HTTP request, until the head of its response",
                histogram,
            ),
            query: family("db_client_operation_duration", "Time of one query", query_histogram),
            message: family(
                "messaging_client_operation_duration",
                "Time of sending one message, or of one pull",
                histogram,
            ),
            used: Mutex::default(),
        }
    }

    fn family(&self, shape: Shape) -> &Durations {
        match shape {
            Shape::Http(_) => &self.http,
            Shape::Query => &self.query,
            Shape::Publish | Shape::Receive => &self.message,
        }
    }

    pub(super) fn get(&self, labels: &Labels) -> Histogram {
        let family = self.family(labels.attempted.shape);
        if let Some(known) = family.get(labels) {
            return known.clone();
        }
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.entry(labels.integration.clone()).or_default().insert(labels.clone());
        family.get_or_create(labels).clone()
    }

    pub(super) fn forget(&self, integration: &Arc<str>) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for labels in used.remove(integration).into_iter().flatten() {
            self.family(labels.attempted.shape).remove(&labels);
        }
    }
}

/// How many handles are held: a few methods, each with a few statuses.
const HELD: usize = 8;

type Held = [OnceLock<(Attempted, Histogram)>; HELD];

/// The handles for attempts at one service of an integration.
#[derive(Debug)]
pub(crate) struct AttemptMetrics {
    series: Arc<Series>,
    service: Arc<Service>,
    held: OnceLock<Box<Held>>,
}

impl AttemptMetrics {
    pub(super) fn new(series: Arc<Series>, service: Arc<Service>) -> Self {
        Self { series, service, held: OnceLock::new() }
    }

    /// Whom the attempts ask.
    pub(crate) fn service(&self) -> &Arc<Service> {
        &self.service
    }

    /// An attempt took this long.
    pub(crate) fn took(&self, attempted: Attempted, seconds: f64) {
        let look_up = || self.series.attempt(&self.service, attempted);
        // Errors pay for their look-up, lest those of a bad day take the places of the usual case.
        let held = attempted.error.is_empty().then(|| self.held.get_or_init(Box::default));
        for slot in held.into_iter().flat_map(|held| held.iter()) {
            let (held, histogram) = slot.get_or_init(|| (attempted, look_up()));
            if *held == attempted {
                return histogram.observe(seconds);
            }
        }
        look_up().observe(seconds);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Metrics;

    const OK: Attempted = Attempted { shape: Shape::Http("GET"), status: Some(200), error: "" };

    fn service() -> Arc<Service> {
        Arc::new(Service { system: "kafka", address: Some(("a.example".into(), 443)) })
    }

    #[test]
    fn each_shape_has_the_labels_of_its_convention_and_no_empty_one() {
        let metrics = Arc::new(Metrics::new());
        let attempts = metrics.of(&"a".into()).attempts(service());
        let at = r#"server_address="a.example",server_port="443""#;
        for (attempted, labels) in [
            (
                OK,
                format!(
                    r#"http_client_request_duration_seconds_count{{integration="a",http_request_method="GET",{at},http_response_status_code="200"}} 1"#
                ),
            ),
            (
                Attempted { status: None, error: "timeout", ..OK },
                format!(
                    r#"http_client_request_duration_seconds_count{{integration="a",http_request_method="GET",error_type="timeout",{at}}} 1"#
                ),
            ),
            (
                Attempted { shape: Shape::Query, status: None, ..OK },
                format!(
                    r#"db_client_operation_duration_seconds_count{{integration="a",db_system_name="kafka",{at}}} 1"#
                ),
            ),
            (
                Attempted { shape: Shape::Publish, status: None, ..OK },
                format!(
                    r#"messaging_client_operation_duration_seconds_count{{integration="a",messaging_system="kafka",messaging_operation_name="publish",messaging_operation_type="send",{at}}} 1"#
                ),
            ),
        ] {
            attempts.took(attempted, 0.1);
            let text = metrics.render();
            assert!(text.contains(&labels), "{labels} {text}");
        }
    }

    #[test]
    fn what_has_no_place_among_the_held_is_counted_all_the_same_and_all_of_it_goes() {
        let metrics = Arc::new(Metrics::new());
        let handles = metrics.of(&"a".into());
        handles.began();
        let attempts = handles.attempts(service());
        let statuses = 200..=200 + 2 * HELD as u16;
        for status in statuses.clone().chain(statuses.clone()) {
            attempts.took(Attempted { status: Some(status), ..OK }, 0.1);
        }
        let text = metrics.render();
        for status in statuses {
            let count = format!("http_response_status_code=\"{status}\"}} 2");
            assert!(text.lines().any(|line| line.contains("_count{") && line.ends_with(&count)), "{text}");
        }
        drop(handles);
        assert!(metrics.render().contains("integration=\"a\""), "somebody may still call it");
        drop(attempts);
        assert!(!metrics.render().contains("integration=\"a\""));
    }
}
