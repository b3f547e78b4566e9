//! What every test here needs: a service with a script, and an opened transport.

use std::sync::Arc;

use http::{Response, header};
use serde_json::{Value, json, value::to_raw_value};
use trunkline_core::{
    Body, Call, Context, Egress, IntegrationId, Operation, Profile, Proof, Reply, Result, Transport, parse,
};
use trunkline_testkit::{Peer, Received};
use trunkline_transports::GraphQl;

/// An integration of a context of its own that may reach loopback.
pub(crate) struct Service {
    pub(crate) context: Context,
    pub(crate) graphql: GraphQl,
}

impl Service {
    /// With `more` keys beside the base URL.
    pub(crate) fn new(peer: &Peer, more: Value) -> Self {
        Self::open(peer, more).unwrap()
    }

    pub(crate) fn open(peer: &Peer, more: Value) -> Result<Self> {
        let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
        let mut config = json!({"base_url": format!("{}/graphql", peer.url())});
        let Value::Object(more) = more else { panic!("keys are an object") };
        config.as_object_mut().unwrap().extend(more);
        let graphql = GraphQl::open(parse::value(config, "")?, &context)?;
        Ok(Self { context, graphql })
    }

    /// A call as a caller of the API writes it.
    pub(crate) async fn json(&self, request: Value) -> Result<Reply> {
        self.call(self.parse(&request)?).await
    }

    pub(crate) fn parse(&self, request: &Value) -> Result<Operation> {
        self.graphql.parse(&to_raw_value(request).unwrap())
    }

    pub(crate) async fn call(&self, operation: Operation) -> Result<Reply> {
        let mut call = Call::new(IntegrationId::new("a").unwrap(), operation);
        self.graphql.call(&self.context, &mut call).await
    }

    pub(crate) async fn probe(&self) -> Result<Proof> {
        self.graphql.probe(&self.context, &mut empty()).await
    }

    pub(crate) async fn schema(&self) -> Result<Value> {
        self.graphql.schema(&self.context, &mut empty()).await?.json().await
    }
}

fn empty() -> Call {
    Call::new(IntegrationId::new("a").unwrap(), trunkline_core::HttpRequest::get(""))
}

/// What a service answers.
pub(crate) fn answer(status: u16, body: &Value) -> Response<Body> {
    let media = "application/graphql-response+json; charset=utf-8";
    let response = Response::builder().status(status).header(header::CONTENT_TYPE, media);
    response.body(Body::from(body.to_string())).unwrap()
}

/// A service that answers this to everything.
pub(crate) async fn says(status: u16, body: Value) -> Peer {
    Peer::http(move |_| answer(status, &body)).await
}

/// A service that has data for everything.
pub(crate) async fn agreeable() -> Peer {
    says(200, json!({"data": {"a": 1}})).await
}

/// The body of a request.
pub(crate) fn sent(received: &Received) -> Value {
    serde_json::from_slice(&received.body).unwrap()
}

/// The parameters of a request.
pub(crate) fn params(received: &Received) -> Vec<(String, String)> {
    let query = received.uri.query().unwrap_or_default();
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    query.split('&').filter_map(|pair| pair.split_once('=')).map(|(a, b)| (decode(a), decode(b))).collect()
}
