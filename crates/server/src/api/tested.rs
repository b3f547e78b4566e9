//! `Tested`: how a test ended, and the steps that it came to.

use std::{collections::BTreeMap, time::Duration};

use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use trunkline::{Call, Error, Handle, Kind, Proof, Reply};

use crate::{call, problem::Problem};

/// The outcome of a test: the original's two shapes, and the steps.
#[derive(Default, Serialize)]
pub(super) struct Tested {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Box<RawValue>>,
    /// What the service said of itself, such as its `version`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    service: BTreeMap<&'static str, String>,
    /// What somebody should know though it works.
    #[serde(skip_serializing_if = "Option::is_none")]
    warning: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<Problem>,
    steps: Vec<Step>,
    /// What it failed with.
    #[serde(skip)]
    pub(super) kind: Option<Kind>,
}

/// One step of a test. Those that it did not come to are not there.
#[derive(Serialize)]
pub(super) struct Step {
    step: &'static str,
    ok: bool,
    /// Milliseconds that it took, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    ms: Option<f64>,
    /// Whom it was about, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<String>,
}

impl Step {
    pub(super) fn new(step: &'static str, ok: bool) -> Self {
        Self { step, ok, ms: None, detail: None }
    }

    pub(super) fn took(mut self, time: Duration) -> Self {
        // Microseconds are as fine as anybody reads.
        self.ms = Some((time.as_secs_f64() * 1e6).round() / 1e3);
        self
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }
}

impl Tested {
    /// What a probe found out.
    pub(super) fn proved(Proof { reason, facts, warning }: Proof) -> Self {
        let (result, service) = (to_raw_value(reason).ok(), facts.into_iter().collect());
        Self { status: "success", result, service, warning, ..Self::default() }
    }

    /// What failed. The error says nothing that is secret.
    pub(super) fn failed(error: Error) -> Self {
        let (text, kind) = (error.to_string(), Some(error.kind()));
        Self { status: "error", error: Some(text), problem: Some(error.into()), kind, ..Self::default() }
    }

    /// Makes a call, and says what became of it.
    pub(super) async fn call(handle: &Handle, call: &mut Call) -> Self {
        // A reply that was kept proves nothing of the service as it is now.
        call.uncached = true;
        let result = match handle.call(call).await {
            Ok(reply) => body(reply, handle, call).await,
            Err(error) => Err(error),
        };
        match result {
            Ok(body) => Self { status: "success", result: Some(body), ..Self::default() },
            Err(error) => Self::refused(error, handle, call).await,
        }
    }

    /// What failed, with what the service said, and without what it repeats of secrets.
    pub(super) async fn refused(error: Error, handle: &Handle, call: &Call) -> Self {
        let (text, kind) = (handle.scrub(Some(call)).hide(error.to_string()), Some(error.kind()));
        let problem = Some(call::problem(error, handle, call).await);
        Self { status: "error", error: Some(text), problem, kind, ..Self::default() }
    }

    /// That nothing was asked, and why; nothing is known to be wrong.
    pub(super) fn nothing(why: &str) -> Self {
        Self { status: "success", warning: Some(why.to_owned()), ..Self::default() }
    }

    /// What it failed with, in one line.
    pub(super) fn error(&self) -> Option<&str> {
        self.error.as_deref()
    }

    /// The same with the steps it came to.
    pub(super) fn steps(mut self, steps: Vec<Step>) -> Self {
        self.steps = steps;
        self
    }
}

/// JSON as it is, text as a string, nothing as null.
async fn body(reply: Reply, handle: &Handle, call: &Call) -> Result<Box<RawValue>, Error> {
    let bytes = reply.bytes().await?;
    if bytes.is_empty() {
        return Ok(RawValue::NULL.to_owned());
    }
    let text = handle.scrub(Some(call)).hide(String::from_utf8_lossy(&bytes).into_owned());
    RawValue::from_string(text.clone())
        .or_else(|_| to_raw_value(&text))
        .map_err(|error| Error::invalid("the reply cannot be shown").source(error))
}
