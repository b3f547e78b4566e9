//! Redis Streams.

use trunkline_testkit::Redis as Server;

use super::Broker;

struct Redis(Server);

impl Broker for Redis {
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

super::basics!(Redis);
