//! An integration as a `tower::Service`, below whatever middleware a program has for its own clients.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tower::{Service, ServiceBuilder, ServiceExt};
use trunkline::{BoxFuture, Egress, Error, HttpRequest, IntegrationConfig, Manager, Reply, Result};

/// One integration of a manager. It is looked up for each call, so that it may be replaced meanwhile.
#[derive(Clone)]
struct Integration {
    manager: Manager,
    id: Arc<str>,
}

impl Service<HttpRequest> for Integration {
    type Response = Reply;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Reply>>;

    /// Always ready: limits are kept per call, where a wait has a deadline.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: HttpRequest) -> Self::Future {
        let Self { manager, id } = self.clone();
        Box::pin(async move { manager.call(&id, request).await })
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let base_url = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8701".into());
    let egress = Egress::default();
    egress.allow(base_url.trim_start_matches("http://"))?;
    let manager = Manager::builder().egress(egress).build().await?;
    let shop = json!({
        "integration_id": "shop",
        "type": "rest",
        "base_url": base_url,
        "auth_type": "api_key",
        "auth_config": { "header": "X-API-Key", "key": "demo-key" },
    });
    manager.register(IntegrationConfig::from_json(shop)?).await?;

    let mut shop = ServiceBuilder::new()
        .map_request(|request: HttpRequest| {
            request.header(HeaderName::from_static("x-tenant"), HeaderValue::from_static("north"))
        })
        .service(Integration { manager, id: "shop".into() });

    let reply = shop.ready().await?.call(HttpRequest::get("/orders").param("page", 1)).await?;
    println!("{:#}", reply.json::<Value>().await?);
    Ok(())
}
