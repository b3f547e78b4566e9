//! NATS with JetStream.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use trunkline_testkit::Nats as Server;

use super::Broker;
use crate::harness::{self, connect};

struct Nats(Server);

impl Broker for Nats {
    async fn start() -> Option<Self> {
        Server::start().await.map(Self)
    }

    fn url(&self) -> String {
        self.0.url()
    }

    fn address(&self) -> Option<SocketAddr> {
        self.0.address().parse().ok()
    }

    fn listen() -> &'static str {
        "&group=trunkline"
    }
}

super::basics!(Nats);

#[tokio::test]
async fn how_far_a_group_is_behind_is_told_as_it_goes_up_and_down() {
    super::metrics::how_far_a_group_is_behind_is_told_as_it_goes_up_and_down::<Nats>().await;
}

#[tokio::test]
async fn a_text_message_without_an_id_that_a_kill_cut_off_is_put_aside_when_it_comes_again() {
    let publish = async |_: &harness::Server, broker: &Nats| {
        let mut socket = connect(broker.address().unwrap()).await;
        socket.write_all(b"CONNECT {\"verbose\":false}\r\nPUB orders 4\r\nPaid\r\nPING\r\n").await.unwrap();
        let mut heard = Vec::new();
        while !heard.windows(4).any(|part| part == b"PONG") {
            assert!(socket.read_buf(&mut heard).await.unwrap() > 0, "it hung up");
        }
    };
    super::once::a_text_message_that_a_kill_cut_off_is_put_aside_when_it_comes_again(publish).await;
}

#[tokio::test]
async fn what_the_broker_did_not_hear_comes_again() {
    super::unheard::what_the_broker_did_not_hear_comes_again::<Nats>(true).await;
}
