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

#[tokio::test]
async fn how_far_a_group_is_behind_is_told_as_it_goes_up_and_down() {
    super::metrics::how_far_a_group_is_behind_is_told_as_it_goes_up_and_down::<Redis>().await;
}

#[tokio::test]
async fn what_the_broker_did_not_hear_comes_again() {
    super::unheard::what_the_broker_did_not_hear_comes_again::<Redis>(true).await;
}
