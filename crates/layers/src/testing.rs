//! `Bench`: layers on top of a script, for the tests of this crate.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::Frame;
use http_body_util::StreamBody;
use trunkline_core::{
    Body, Call, Context, Egress, HttpRequest, IntegrationId, Kind, Layer, Operation, Outcome, Pipeline,
    Profile, Reply, Result,
};
use trunkline_testkit::{Script, Step};

use crate::{CallMetrics, Metrics};

/// Layers on top of a script. Clones are the same.
#[derive(Clone)]
pub(crate) struct Bench {
    pipeline: Arc<Pipeline>,
    pub(crate) script: Script,
}

impl Bench {
    pub(crate) fn new(
        layers: impl IntoIterator<Item = Arc<dyn Layer>>,
        steps: impl IntoIterator<Item = Step>,
    ) -> Self {
        let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let script = Script::new(steps);
        let layers: Vec<_> = layers.into_iter().collect();
        Self { pipeline: Pipeline::new(context, layers, Arc::new(script.clone())), script }
    }

    /// Makes a call.
    pub(crate) async fn call(&self, request: HttpRequest) -> Result<Reply> {
        self.run(&mut call(request)).await
    }

    /// Sends this call down.
    pub(crate) async fn run(&self, call: &mut Call) -> Result<Reply> {
        self.pipeline.run(call).await
    }

    /// `GET /`.
    pub(crate) async fn get(&self) -> Result<Reply> {
        self.call(HttpRequest::get("/")).await
    }
}

pub(crate) fn call(request: impl Into<Operation>) -> Call {
    Call::new(IntegrationId::new("a").unwrap(), request)
}

/// Headers of these lines.
pub(crate) fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for &(name, value) in lines {
        headers.append(name, HeaderValue::from_static(value));
    }
    headers
}

pub(crate) fn metrics() -> CallMetrics {
    Arc::new(Metrics::new()).of(&"a".into())
}

/// An exchange that was cut: nobody knows what the service did.
pub(crate) fn cut() -> Step {
    Step::Fails(Kind::Unavailable, Outcome::Unknown)
}

/// A connection that was refused.
pub(crate) fn refused() -> Step {
    Step::Fails(Kind::Unavailable, Outcome::NotSent)
}

/// An answer of this status, with one header.
pub(crate) fn answers(status: u16, kind: Kind, name: &'static str, value: &str) -> Step {
    Step::Replies(StatusCode::from_u16(status).unwrap(), vec![(name, value.to_owned())], Some(kind))
}

/// A body of two pieces.
pub(crate) fn streamed() -> Body {
    let pieces = ["ab", "cd"].map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes()))));
    Body::stream(StreamBody::new(stream::iter(pieces)))
}
