//! `Script`: a transport that plays a list of steps and remembers what it was asked.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{HeaderMap, Method, StatusCode, header};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::time::Instant;
use trunkline_core::{
    Body, Call, Context, Credential, Error, HttpRequest, Kind, Operation, Outcome, Proof, Reply, Result,
    Transport, retry_after,
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
    /// Answers with this status and these headers: an error of this kind, if there is one.
    Replies(StatusCode, Vec<(&'static str, String)>, Option<Kind>),
    /// Fails as a service that answered 503 with this body.
    FailsStreaming(Kind, Body),
    /// Answers with this reply; one whose status is an error is an error that holds it, as a transport of HTTP
    /// gives it.
    Gives(Reply),
    /// Takes this long, then plays the next step.
    Takes(Duration),
    /// Never ends.
    Hangs,
}

/// A transport that plays steps in order and, when they run out, answers `ok`.
#[derive(Clone, Default)]
pub struct Script {
    steps: Arc<Mutex<VecDeque<Step>>>,
    seen: Arc<Mutex<Vec<Seen>>>,
    dropped: Arc<AtomicU32>,
}

/// An attempt as it came.
#[derive(Debug, Clone)]
struct Seen {
    at: Instant,
    credential: Option<Arc<Credential>>,
    method: Method,
    headers: HeaderMap,
}

impl Script {
    /// A script of these steps.
    pub fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { steps: Arc::new(Mutex::new(steps.into_iter().collect())), ..Self::default() }
    }

    /// How many attempts were made.
    pub fn attempts(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// The credential of each attempt.
    pub fn credentials(&self) -> Vec<Option<Arc<Credential>>> {
        self.seen.lock().unwrap().iter().map(|seen| seen.credential.clone()).collect()
    }

    /// When each attempt was made.
    pub fn times(&self) -> Vec<Instant> {
        self.seen.lock().unwrap().iter().map(|seen| seen.at).collect()
    }

    /// The headers of each attempt that was an HTTP request.
    pub fn headers(&self) -> Vec<HeaderMap> {
        self.seen.lock().unwrap().iter().map(|seen| seen.headers.clone()).collect()
    }

    /// The method and the headers of each attempt at an HTTP request.
    pub fn requests(&self) -> Vec<(Method, HeaderMap)> {
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|seen| (seen.method.clone(), seen.headers.clone())).collect()
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
        let (method, headers) = match &mut call.operation {
            Operation::Http(request) => {
                drop(request.body.take_for_send());
                (request.method.clone(), request.headers.clone())
            }
            _ => (Method::default(), HeaderMap::new()),
        };
        let seen = Seen { at: Instant::now(), credential: call.credential.clone(), method, headers };
        self.seen.lock().unwrap().push(seen);
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
                Some(Step::Replies(status, headers, kind)) => {
                    let mut reply = Reply::new(status, "scripted");
                    for (name, value) in headers {
                        reply.headers.append(name, value.parse().unwrap());
                    }
                    let Some(kind) = kind else { break Ok(reply) };
                    let error = Error::new(kind, "scripted");
                    break Err(match retry_after::read(&reply.headers, &header::RETRY_AFTER) {
                        Some(wait) => error.retry_after(wait),
                        None => error,
                    }
                    .replied(reply));
                }
                Some(Step::FailsStreaming(kind, body)) => {
                    let reply = Reply { body, ..Reply::new(StatusCode::SERVICE_UNAVAILABLE, "") };
                    break Err(Error::new(kind, "scripted").replied(reply));
                }
                Some(Step::Gives(reply)) => break judged(reply),
                Some(Step::Takes(time)) => tokio::time::sleep(time).await,
                Some(Step::Hangs) => std::future::pending().await,
            }
        };
        dropped.1 = true;
        result
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<Proof> {
        self.call(context, call).await.map(|_| Proof::ANSWERED)
    }
}
