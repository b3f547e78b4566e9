//! An auth scheme of one's own: tickets that a counter hands out, each good for one hour or until it is refused. To be
//! short it leaves out what one in earnest does besides: to renew ahead of the end, and to pause after a failure.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderName};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use tokio::{sync::Mutex, time::Instant};
use trunkline::{
    Context, Credential, Egress, Error, Form, HttpRequest, IntegrationConfig, Kind, Manager, Outcome, Result,
    Scheme, Secret, Site,
};

/// The keys of `auth_config`.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct TicketConfig {
    /// Where tickets are handed out.
    counter: String,
    /// Who asks for them.
    badge: Secret,
}

#[derive(Debug)]
struct Ticket {
    counter: String,
    badge: Secret,
    /// The ticket in use and until when it is. Who asks for one holds the lock, and the others wait.
    held: Mutex<Option<(Arc<Credential>, Instant)>>,
}

impl Ticket {
    /// Asks the counter for a ticket.
    async fn ask(&self, context: &Context) -> Result<Credential> {
        let request = HttpRequest::post("").body(self.badge.expose()?.into_owned());
        let reply = context.web()?.send(&self.counter, request).await?;
        if !reply.status.is_success() {
            let message = format!("the counter answered {}; check badge", reply.status);
            return Err(Error::new(Kind::Unauthenticated, message));
        }
        let value = Secret::literal(reply.text().await?);
        Ok(Credential::new(Form::Header { name: HeaderName::from_static("x-ticket"), value }))
    }
}

impl Scheme for Ticket {
    const NAME: &'static str = "ticket";
    type Config = TicketConfig;

    fn open(TicketConfig { counter, badge }: TicketConfig, _: &Site) -> Result<Self> {
        if !counter.starts_with("https://") && !counter.starts_with("http://127.0.0.1:") {
            return Err(Error::invalid("counter: must begin with https://, since the badge is sent there"));
        }
        Ok(Self { counter, badge, held: Mutex::default() })
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        let held = self.held.try_lock().ok()?;
        held.as_ref().filter(|(_, until)| Instant::now() < *until).map(|(ticket, _)| ticket.clone())
    }

    async fn credential(&self, context: &Context) -> Result<Option<Arc<Credential>>> {
        let mut held = self.held.lock().await;
        if let Some((ticket, _)) = held.as_ref().filter(|(_, until)| Instant::now() < *until) {
            return Ok(Some(ticket.clone()));
        }
        // Whatever the counter did: the call that wants the ticket was not sent.
        let ticket = self.ask(context).await.map_err(|error| error.outcome_is(Outcome::NotSent))?;
        let ticket = Arc::new(ticket);
        *held = Some((ticket.clone(), Instant::now() + Duration::from_secs(3600)));
        Ok(Some(ticket))
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        // Not a newer one, that somebody else has asked for meanwhile.
        self.held.lock().await.take_if(|(ticket, _)| Arc::ptr_eq(ticket, credential));
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let base_url = std::env::args().nth(1).unwrap_or("http://127.0.0.1:8701".into());
    let egress = Egress::default();
    egress.allow(base_url.trim_start_matches("http://"))?;

    let manager = Manager::builder().egress(egress).scheme::<Ticket>().build().await?;
    let fair = json!({
        "integration_id": "fair", "type": "rest", "base_url": base_url,
        "auth_type": "ticket", "auth_config": { "counter": format!("{base_url}/counter"), "badge": "b-4711" },
    });
    let handle = manager.register(IntegrationConfig::from_json(fair)?).await?.handle;
    println!("badge {}", handle.config()?.masked()["auth_config"]["badge"]);

    for _ in 0..2 {
        let ride = manager.call("fair", HttpRequest::get("/ride")).await?;
        println!("{}", ride.text().await?);
    }
    Ok(())
}
