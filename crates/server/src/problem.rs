//! `Problem`: an error as an answer (RFC 9457), from the row of its kind.

use std::{collections::BTreeMap, time::Duration};

use axum::response::IntoResponse;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::value::RawValue;
use trunkline::{Body, Error, Outcome, RequestId, Scrub};

/// Names the kind of an error of ours: an error of the service does not carry it.
pub(crate) const ERROR: HeaderName = HeaderName::from_static("trunkline-error");

/// What errors know that is a member of its own.
const MEMBERS: [&str; 3] = ["integration", "connection", "retry_suppressed"];

/// How much of a service's error body is shown.
const UPSTREAM: usize = 64 << 10;
/// How much more is read of it: a secret that is cut in two would not be found.
const MARGIN: usize = 8 << 10;

/// An error as an answer. Boxed: it travels beside answers that are small.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct Problem(Box<Members>);

/// The members of a problem (RFC 9457 section 3), and of ours.
#[derive(Debug, Serialize)]
struct Members {
    r#type: String,
    title: &'static str,
    status: u16,
    detail: String,
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    integration: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    connection: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    outcome: Option<Outcome>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_at: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_suppressed: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    context: BTreeMap<&'static str, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    results: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    upstream: Option<Upstream>,
    #[serde(skip)]
    retry_after: Option<Duration>,
}

/// What the service answered.
#[derive(Debug, Serialize)]
struct Upstream {
    status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<Box<RawValue>>,
}

impl Problem {
    /// The problem that an error is.
    pub(crate) fn of(error: &Error) -> Self {
        let row = error.kind().row();
        let fact =
            |key: &str| error.context().iter().find(|(name, _)| *name == key).map(|(_, value)| value.clone());
        Self(Box::new(Members {
            r#type: format!("/docs/problems#{}", row.code),
            title: row.title,
            status: row.answers,
            detail: error.message().to_owned(),
            kind: row.code,
            integration: fact("integration"),
            connection: fact("connection"),
            outcome: Some(error.outcome()),
            attempts: (error.attempts() > 0).then(|| error.attempts()),
            request_id: None,
            retry_at: error.wait().and_then(instant),
            retry_suppressed: fact("retry_suppressed"),
            context: error.context().iter().filter(|(name, _)| !MEMBERS.contains(name)).cloned().collect(),
            results: error.results().map(ToOwned::to_owned),
            upstream: None,
            retry_after: error.wait(),
        }))
    }

    /// The problem of a call, with what the service answered; `scrub` hides what it may have echoed.
    pub(crate) async fn of_call(
        mut error: Error,
        integration: &str,
        request_id: RequestId,
        scrub: &Scrub,
    ) -> Self {
        let Self(mut problem) = Self::of(&error);
        problem.detail = scrub.hide(problem.detail);
        problem.context.values_mut().for_each(|value| *value = scrub.hide(std::mem::take(value)));
        problem.results =
            problem.results.and_then(|json| RawValue::from_string(scrub.hide(json.get().to_owned())).ok());
        problem.integration = Some(integration.to_owned());
        problem.request_id = Some(request_id.to_string());
        if let Some(reply) = error.reply_mut() {
            let body = std::mem::take(&mut reply.body);
            let bytes = read(body).await;
            problem.upstream = Some(Upstream { status: reply.status.as_u16(), body: show(&bytes, scrub) });
        }
        Self(problem)
    }

    /// A problem of the HTTP exchange itself, before any integration is involved.
    pub(crate) fn plain(status: StatusCode, kind: &'static str, detail: impl Into<String>) -> Self {
        Self(Box::new(Members {
            r#type: format!("/docs/problems#{kind}"),
            title: status.canonical_reason().unwrap_or("Error"),
            status: status.as_u16(),
            detail: detail.into(),
            kind,
            integration: None,
            connection: None,
            outcome: None,
            attempts: None,
            request_id: None,
            retry_at: None,
            retry_suppressed: None,
            context: BTreeMap::new(),
            results: None,
            upstream: None,
            retry_after: None,
        }))
    }

    /// The same with another status: 412 for a precondition that failed.
    pub(crate) fn status(mut self, status: StatusCode) -> Self {
        self.0.status = status.as_u16();
        self
    }

    /// The same with what the service can have done.
    pub(crate) fn outcome(mut self, outcome: Outcome) -> Self {
        self.0.outcome = Some(outcome);
        self
    }

    /// The same with how long to wait before the next try.
    pub(crate) fn wait(mut self, wait: Duration) -> Self {
        self.0.retry_at = instant(wait);
        self.0.retry_after = Some(wait);
        self
    }

    /// The same with the status that the service answered.
    pub(crate) fn upstream(mut self, status: StatusCode) -> Self {
        self.0.upstream = Some(Upstream { status: status.as_u16(), body: None });
        self
    }

    /// The answer.
    pub(crate) fn response(&self) -> Response<Body> {
        // Strings and numbers always serialise.
        let json = serde_json::to_vec(self).unwrap_or_default();
        let mut response = Response::new(Body::from(json));
        *response.status_mut() =
            StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(ERROR, HeaderValue::from_static(self.0.kind));
        if let Some(wait) = self.0.retry_after {
            // RFC 9110 section 10.2.3: whole seconds; rounded up, so that nobody comes too early.
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(wait.as_secs() + u64::from(wait.subsec_nanos() > 0)),
            );
        }
        response
    }
}

/// The time this long from now (RFC 3339), in whole seconds and rounded up as `Retry-After` is.
fn instant(wait: Duration) -> Option<String> {
    let wait = jiff::SignedDuration::try_from(wait)
        .ok()?
        .checked_add(jiff::SignedDuration::from_nanos(999_999_999))?;
    let then = jiff::Timestamp::now().checked_add(wait).ok()?;
    Some(format!("{then:.0}"))
}

/// What there is of an error body, as far as it came and as much as is shown.
async fn read(mut body: Body) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < UPSTREAM + MARGIN
        && let Some(Ok(frame)) = body.frame().await
    {
        bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    bytes.truncate(UPSTREAM + MARGIN);
    bytes
}

/// JSON as it is, text as a string, nothing for nothing.
fn show(bytes: &[u8], scrub: &Scrub) -> Option<Box<RawValue>> {
    if bytes.is_empty() {
        return None;
    }
    let mut text = scrub.hide(String::from_utf8_lossy(bytes).into_owned());
    if bytes.len() > UPSTREAM {
        text.truncate(text.floor_char_boundary(UPSTREAM));
    }
    RawValue::from_string(text.clone()).or_else(|_| serde_json::value::to_raw_value(&text)).ok()
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self::of(&error)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> axum::response::Response {
        self.response().map(axum::body::Body::new)
    }
}
