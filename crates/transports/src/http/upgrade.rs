//! `Client::upgrade`: a request after which the connection speaks another protocol (RFC 9110 section 7.8).

use std::time::Duration;

use http::{HeaderMap, Request, StatusCode};
use hyper::upgrade::Upgraded;
use trunkline_core::{Body, Error, Reply, Result};

use super::{Client, Origin, Outgoing, classify, explain::explain_handshake, reply};

impl Client {
    /// Sends a request that asks for another protocol, and gives the connection that speaks it, with the headers of the
    /// answer. The service has `limit` to answer.
    ///
    /// # Errors
    ///
    /// What the service answered instead, by its status: an answer that is none of an error is one as well, of kind
    /// `protocol`. Nothing of it can have acted on anything.
    pub(crate) async fn upgrade(
        &self,
        origin: &Origin,
        request: Request<()>,
        limit: Duration,
    ) -> Result<(HeaderMap, Upgraded)> {
        let (body, progress) = Outgoing::new(Body::Empty);
        let mut request = Some(request.map(|()| body));
        let exchange = self.send(origin, &mut request, progress, Some(limit)).await?;
        if exchange.response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let headers = exchange.response.headers().clone();
            let upgraded = hyper::upgrade::on(exchange.response).await;
            return upgraded.map(|io| (headers, io)).map_err(|error| explain_handshake(&error));
        }
        let (mut reply, body) = reply(exchange, limit, false);
        reply.body = body.into_body().await?;
        Err(classify(reply).map_or_else(
            |error| error,
            |reply| {
                let what = format!(
                    "the service answered {} and did not switch to the WebSocket protocol",
                    reply.status.as_u16()
                );
                Error::new(trunkline_core::Kind::Protocol, what).replied(Reply { body: Body::Empty, ..reply })
            },
        ))
    }
}
