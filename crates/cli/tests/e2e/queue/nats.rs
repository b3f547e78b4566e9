//! NATS with JetStream.

use trunkline_testkit::Nats as Server;

use super::Broker;

struct Nats(Server);

impl Broker for Nats {
    async fn start() -> Option<Self> {
        Server::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn listen() -> &'static str {
        "&group=trunkline"
    }
}

super::basics!(Nats);
