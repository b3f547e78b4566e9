//! `Script`: a transport that plays a list of steps and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{
    Body, Call, Context, Credential, Error, HttpRequest, Kind, Operation, Outcome, Reply, Result, Transport,
};

/// What one attempt does.
#[derive(Debug)]
pub enum Step {
    /// Answers 200 with this body.
    Ok(Body),
    /// Fails with this kind and outcome.
    Fails(Kind, Outcome),
    /// Fails as a service that answered with this status.
    Answers(StatusCode, Kind),
    /// Answers with this reply; one whose status is an error is an error that holds it, as a transport of HTTP
    /// gives it.
    Replies(Reply),
    /// Takes this long, then plays the next step.
    Takes(Duration),
    /// Never ends.
    Hangs,
}

/// A transport that plays steps in order and, when they run out, answers `ok`.
#[derive(Clone, Default)]
pub struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    credentials: Arc<Mutex<Vec<Option<Arc<Credential>>>>>,
    requests: Arc<Mutex<Vec<(Method, HeaderMap)>>>,
    dropped: Arc<AtomicU32>,
}

impl Script {
    /// A script of these steps.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Arc::new(Mutex::new(steps.into_iter().collect())), ..Self::default() }
    }

    /// How many attempts were made.
    pub fn attempts(&self) -> usize {
        self.credentials.lock().unwrap().len()
    }

    /// The credential of each attempt.
    pub fn credentials(&self) -> Vec<Option<Arc<Credential>>> {
        self.credentials.lock().unwrap().clone()
    }

    /// The method and the headers of each attempt at an HTTP request.
    pub fn requests(&self) -> Vec<(Method, HeaderMap)> {
        self.requests.lock().unwrap().clone()
    }

    /// How many attempts were dropped before they ended.
    pub fn dropped(&self) -> u32 {
        self.dropped.load(Ordering::SeqCst)
    }
}

impl std::fmt::Debug for Script {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Script")
    }
}

/// `Script` has no configuration.
#[derive(Debug, Deserialize, JsonSchema)]
pub struct NoConfig {}

/// Counts an attempt that was dropped before it ended.
struct Dropped<'a>(&'a AtomicU32, bool);

impl Drop for Dropped<'_> {
    fn drop(&mut self) {
        if !self.1 {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

fn judged(reply: Reply) -> Result<Reply> {
    let kind = match reply.status.as_u16() {
        ..400 => return Ok(reply),
        400..500 => Kind::Rejected,
        500.. => Kind::Unavailable,
    };
    Err(Error::new(kind, "scripted").replied(reply))
}

impl Transport for Script {
    const NAME: &'static str = "script";
    type Config = NoConfig;

    fn open(_: NoConfig, _: &Context) -> Result<Self> {
        Ok(Self::default())
    }

    fn parse(&self, _: &RawValue) -> Result<Operation> {
        Ok(HttpRequest::get("/").into())
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        self.credentials.lock().unwrap().push(call.credential.clone());
        if let Operation::Http(request) = &call.operation {
            self.requests.lock().unwrap().push((request.method.clone(), request.headers.clone()));
        }
        let mut dropped = Dropped(&self.dropped, false);
        let result = loop {
            let step = self.steps.lock().unwrap().pop_front();
            match step {
                None => break Ok(Reply::new(StatusCode::OK, "ok")),
                Some(Step::Ok(body)) => break Ok(Reply { body, ..Reply::new(StatusCode::OK, "") }),
                Some(Step::Fails(kind, outcome)) => {
                    break Err(Error::new(kind, "scripted").outcome_is(outcome));
                }
                Some(Step::Answers(status, kind)) => {
                    break Err(Error::new(kind, "scripted").replied(Reply::new(status, "scripted")));
                }
                Some(Step::Replies(reply)) => break judged(reply),
                Some(Step::Takes(time)) => tokio::time::sleep(time).await,
                Some(Step::Hangs) => std::future::pending().await,
            }
        };
        dropped.1 = true;
        result
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<&'static str> {
        self.call(context, call).await.map(|_| "scripted")
    }
}
