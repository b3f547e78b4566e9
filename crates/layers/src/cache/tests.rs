//! The layer around a scripted service: what it answers itself, what it asks, and whom it lets wait.

mod flights;
mod serving;

use std::{sync::Arc, time::Duration};

use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use http_body_util::StreamBody;
use trunkline_core::{
    Body, Call, Context, Egress, HttpRequest, IntegrationId, Operation, Pipeline, Profile, Reply, Result,
};
use trunkline_testkit::{Script, Step};

use super::{Cache, CacheConfig, CacheScope, CacheStore};

/// An integration with a cache, and a service that plays a script.
#[derive(Clone)]
struct Bench {
    store: Arc<CacheStore>,
    scope: Arc<CacheScope>,
    script: Script,
    pipeline: Arc<Pipeline>,
}

/// How a call ended: status, body, and what the cache says it did.
type Ended = (u16, String, String);

impl Bench {
    fn new(config: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        Self::in_store(&Arc::new(CacheStore::new(8 << 20)), config, steps)
    }

    fn in_store(store: &Arc<CacheStore>, config: &str, steps: impl IntoIterator<Item = Step>) -> Self {
        let config: CacheConfig = serde_json::from_str(config).unwrap();
        let scope = Arc::new(CacheScope::new(store.clone(), &config, Some("http://h/v1?k=1")));
        let script = Script::new(steps);
        let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let layers: Vec<Arc<dyn trunkline_core::Layer>> = vec![Arc::new(Cache::new(scope.clone()))];
        let pipeline = Pipeline::new(context, layers, Arc::new(script.clone()));
        Self { store: store.clone(), scope, script, pipeline }
    }

    async fn run(&self, operation: impl Into<Operation>, connection: Option<&str>) -> (Result<Reply>, Call) {
        let mut call = Call::new(IntegrationId::new("a").unwrap(), operation);
        call.connection = connection.map(Into::into);
        let result = self.pipeline.run(&mut call).await;
        (result, call)
    }

    /// The whole answer to a request, an error of the service as the answer that it is.
    async fn ask(&self, request: HttpRequest) -> Ended {
        let (result, call) = self.run(request, None).await;
        let status = call.cache.map(|cache| cache.to_string()).unwrap_or_default();
        match result.or_else(trunkline_core::Error::into_reply) {
            Ok(reply) => (reply.status.as_u16(), reply.text().await.unwrap(), status),
            Err(error) => (0, error.kind().code().to_owned(), status),
        }
    }

    async fn get(&self) -> Ended {
        self.ask(HttpRequest::get("/x")).await
    }

    /// The headers of the last request that the service got.
    fn last(&self) -> HeaderMap {
        self.script.requests().pop().unwrap().1
    }
}

fn with(request: HttpRequest, lines: &[(&'static str, &'static str)]) -> HttpRequest {
    lines.iter().fold(request, |request, &(name, value)| {
        request.header(HeaderName::from_static(name), HeaderValue::from_static(value))
    })
}

fn get(lines: &[(&'static str, &'static str)]) -> HttpRequest {
    with(HttpRequest::get("/x"), lines)
}

/// A service that answers so.
fn says(status: u16, lines: &[(&'static str, &'static str)], body: impl Into<Body>) -> Step {
    let mut reply = Reply::new(StatusCode::from_u16(status).unwrap(), body);
    for &(name, value) in lines {
        reply.headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    Step::Gives(reply)
}

/// One that may be kept for so long.
fn fresh(control: &'static str, body: &'static str) -> Step {
    says(200, &[("cache-control", control), ("etag", "\"1\"")], body)
}

/// A body in pieces, which may break off.
fn pieces(pieces: Vec<Result<&'static str>>) -> Body {
    let frames = pieces.into_iter().map(|piece| piece.map(|text| http_body::Frame::data(text.into())));
    Body::stream(StreamBody::new(stream::iter(frames)))
}

async fn later(seconds: u64) {
    tokio::time::advance(Duration::from_secs(seconds)).await;
}

/// Lets tasks run that wait for nothing.
async fn settle() {
    for _ in 0..20 {
        tokio::task::yield_now().await;
    }
}

fn method(name: &str) -> Method {
    name.parse().unwrap()
}
