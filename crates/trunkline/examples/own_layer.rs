//! A layer of one's own: nothing is deleted outside of a maintenance window.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::Method;
use serde_json::json;
use trunkline::{
    BoxFuture, Call, Egress, Error, HttpRequest, IntegrationConfig, Kind, Layer, Manager, Next, Operation,
    Reply, Result,
};

/// Refuses what deletes, unless the window is open.
#[derive(Debug)]
struct Maintenance {
    open: Arc<AtomicBool>,
}

impl Layer for Maintenance {
    fn name(&self) -> &'static str {
        "maintenance"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        let deletes = matches!(&call.operation, Operation::Http(request) if request.method == Method::DELETE);
        if !deletes || self.open.load(Ordering::Relaxed) {
            return next.run(call);
        }
        // No attempt was made, and activity says so.
        call.attempt = 0;
        let refused = Error::new(Kind::Disabled, "nothing is deleted now; wait for the maintenance window");
        Box::pin(std::future::ready(Err(refused)))
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let base_url = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8701".into());
    let egress = Egress::default();
    egress.allow(base_url.trim_start_matches("http://"))?;

    let window = Arc::new(AtomicBool::new(false));
    let open = window.clone();
    let manager = Manager::builder()
        .egress(egress)
        // Other integrations go without.
        .layer(move |id| (**id == *"shop").then(|| Maintenance { open: open.clone() }))
        .build()
        .await?;
    let shop = json!({ "integration_id": "shop", "type": "rest", "base_url": base_url });
    manager.register(IntegrationConfig::from_json(shop)?).await?;
    println!("{}", manager.get("shop")?.layers().collect::<Vec<_>>().join(" "));

    for open in [false, true] {
        window.store(open, Ordering::Relaxed);
        match manager.call("shop", HttpRequest::new(Method::DELETE, "/echo")).await {
            Ok(reply) => println!("answered {}", reply.status),
            Err(error) => println!("{error}"),
        }
    }
    Ok(())
}
