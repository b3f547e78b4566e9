//! Queues as their callers meet them: the same for every broker that is there, and what the API says of them.

mod amqp;
mod kafka;
mod memory;
mod metrics;
mod mqtt;
mod nats;
mod once;
mod redis;
mod shop;
mod unheard;

use std::net::SocketAddr;

use serde_json::{Value, json};
use trunkline_testkit::Relay;

use crate::harness::Server;

/// A broker, and a server of Trunkline that has it as the integration `shop`, with the queue `orders`.
pub(crate) struct Shop<B> {
    pub(crate) server: Server,
    pub(crate) broker: B,
}

/// A broker that runs.
pub(crate) trait Broker: Sized {
    /// Starts it, or finds it; none where it is not installed.
    async fn start() -> Option<Self>;
    /// Its address, with the password that is in it.
    fn url(&self) -> String;
    /// Where it listens.
    fn address(&self) -> Option<SocketAddr> {
        None
    }
    /// What is declared.
    fn declare() -> Value {
        json!({ "orders": {} })
    }
    /// What a stream says behind its queue, so that it shares the messages with those who pull.
    fn listen() -> &'static str {
        ""
    }
    /// Whether whoever comes later gets what was sent before.
    fn keeps_for_those_who_come_later() -> bool {
        true
    }
    /// The group that a pull is of which names none; none where a broker has no groups.
    fn group() -> Option<&'static str> {
        Some("trunkline")
    }
    /// Whether whoever gets a message hears that another one had it.
    fn tells_redelivery() -> bool {
        true
    }
}

const AT: &str = "/api/v1/integrations/shop";

impl<B: Broker> Shop<B> {
    async fn open(further: Value) -> Option<Self> {
        let broker = B::start().await?;
        let url = broker.url();
        Self::open_at(broker, &url, further).await
    }

    /// The same, by way of a relay.
    async fn open_behind(relay: &Relay, further: Value) -> Option<Self> {
        let broker = B::start().await?;
        let url = broker.url();
        let (_, place) = url.rsplit_once('@').or(url.split_once("//")).unwrap();
        let place = place.split(['/', '?']).next().unwrap();
        relay.leads_to(place);
        let by_way = url.replace(place, &relay.address().to_string());
        Self::open_at(broker, &by_way, further).await
    }

    async fn open_at(broker: B, url: &str, further: Value) -> Option<Self> {
        let begin = Server::begin();
        let begin = match broker.address() {
            Some(address) => begin.allow_at(address),
            None => begin,
        };
        let shop = Self { server: begin.start().await, broker };
        let mut config = json!({
            "integration_id": "shop", "type": "message_queue", "base_url": url,
            "declare": B::declare(),
        });
        config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        shop.server.has(&config).await;
        if !B::keeps_for_those_who_come_later() {
            shop.ask(json!({"queue": "orders", "receive": {}})).await;
        }
        Some(shop)
    }

    /// What a request is answered with, which must succeed.
    async fn ask(&self, request: Value) -> Value {
        self.server.call("shop", &request).await.is(200).json()
    }

    /// One message of the queue, which is not acknowledged by that.
    async fn pull(&self) -> Value {
        // A group of Kafka may be sharing out for longer than one pull waits.
        for _ in 0..3 {
            let mut came = self.ask(json!({"queue": "orders", "receive": {"max": 1, "wait": 10}})).await;
            if !came["messages"][0].is_null() {
                return came["messages"][0].take();
            }
        }
        panic!("no message comes");
    }

    /// Acknowledges a message.
    async fn ack(&self, message: &Value) {
        let said = self.ask(json!({ "ack": [message["token"]] })).await;
        assert_eq!(said["settled"], 1, "{said}");
    }

    /// Whoever reads the queue answers one request.
    async fn answer(&self, answer: Value) -> Value {
        let request = self.pull().await;
        self.ack(&request).await;
        let back = json!({
            "queue": request["reply_to"], "correlation_id": request["correlation_id"], "message": answer,
        });
        self.ask(back).await;
        request
    }
}

/// What every broker does.
macro_rules! every {
    ($broker:ty) => {
        $crate::queue::every! { $broker:
            the_request_of_the_original_is_answered_unchanged
            what_is_sent_is_received_acknowledged_and_gone
            a_stream_is_acknowledged_by_calls
            a_client_that_vanishes_while_it_is_answered_takes_no_message_along
            what_is_behind_a_client_that_never_reads_comes_to_the_next
            a_websocket_has_the_same_messages
            it_is_tested_and_its_health_and_queues_are_shown
            it_is_switched_off_and_removed
            the_command_line_sends_listens_and_lists
            its_password_is_never_shown
            the_server_takes_leave_of_it_when_it_stops
        }
    };
    ($broker:ty: $($test:ident)*) => {$(
        #[tokio::test]
        async fn $test() {
            $crate::queue::shop::$test::<$broker>().await;
        }
    )*};
}

/// What all brokers have in common that say other things of themselves.
macro_rules! basics {
    ($broker:ty) => {
        $crate::queue::every! { $broker:
            the_request_of_the_original_is_answered_unchanged
            what_is_sent_is_received_acknowledged_and_gone
            a_stream_is_acknowledged_by_calls
        }
    };
}

pub(crate) use {basics, every};
