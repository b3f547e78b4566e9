//! `HttpPort`: the HTTP that auth schemes speak, which is what `rest` speaks.

use serde_json::json;
use trunkline_core::{
    BoxFuture, Call, Context, Error, HttpRequest, IntegrationId, Reply, Result, Transport, Web, parse,
};

use crate::Rest;

/// Sends requests of schemes as an integration of its own for each of them: connections are shared with all others
/// of the context.
#[derive(Debug)]
pub struct HttpPort(Context);

impl HttpPort {
    /// A port through the egress guard of `context`.
    pub fn new(context: &Context) -> Self {
        Self(context.clone())
    }

    async fn exchange(&self, url: &str, request: HttpRequest) -> Result<Reply> {
        let config = json!({ "base_url": url, "redirects": "none" });
        let rest = Rest::open(parse::value(config, "")?, &self.0)?;
        let request = HttpRequest { endpoint: String::new(), ..request };
        let mut call = Call::new(IntegrationId::new("auth")?, request);
        rest.call(&self.0, &mut call).await.or_else(Error::into_reply)
    }
}

impl Web for HttpPort {
    fn send<'a>(&'a self, url: &'a str, request: HttpRequest) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(self.exchange(url, request))
    }
}
