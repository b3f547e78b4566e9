//! Integrations of every type: added by their form, tried before they are saved, and called in their editor.

use std::net::SocketAddr;

use trunkline_testkit::{Httpbin, Kafka, MariaDb, Mosquitto, Nats, Postgres, RabbitMq, Redis, Sockets, Yoga};

use super::{
    driver,
    spec::{begin, passes},
};
use crate::harness::Driver;

/// Where the service of a URL listens.
fn address(url: &str) -> SocketAddr {
    let after = url.rsplit_once('@').or_else(|| url.split_once("://")).unwrap().1;
    let host = after.split(['/', '?']).next().unwrap();
    host.replace("localhost", "127.0.0.1").parse().unwrap()
}

#[tokio::test]
async fn integrations_of_every_type_are_added_tried_and_called() {
    let (service, graphql, sockets) = (Httpbin::start(), Yoga::start(), Sockets::start());
    let (files, adder) = (Driver::start().await, driver::adder().await);
    let (postgres, mariadb) = tokio::join!(Postgres::start(), MariaDb::start());
    let (redis, nats) = tokio::join!(Redis::start(), Nats::start());
    let (kafka, mosquitto) = tokio::join!(Kafka::start(), Mosquitto::start());
    let rabbitmq = RabbitMq::shared().await;
    let urls = [
        ("HTTPBIN_URL", Some(service.url(""))),
        ("GRAPHQL_URL", Some(graphql.url("/graphql"))),
        ("SOCKETS_URL", Some(sockets.url("/channel"))),
        ("FILES_URL", Some(files.url.clone())),
        ("ADDER_URL", Some(adder.url())),
        ("POSTGRES_URL", postgres.as_ref().map(Postgres::url)),
        ("MYSQL_URL", mariadb.as_ref().map(MariaDb::url)),
        ("REDIS_URL", redis.as_ref().map(Redis::url)),
        ("NATS_URL", nats.as_ref().map(Nats::url)),
        // The least that the broker takes: for half of it, whoever joins waits.
        ("KAFKA_URL", Some(format!("kafka://{}?session_timeout=6s", kafka.address()))),
        ("MQTT_URL", mosquitto.as_ref().map(Mosquitto::url)),
        ("RABBITMQ_URL", rabbitmq.as_ref().map(|broker| broker.url())),
    ];
    let there: Vec<_> = urls.iter().filter_map(|(name, url)| Some((*name, url.as_deref()?))).collect();
    let server = there.iter().fold(begin(), |begin, (_, url)| begin.allow_at(address(url))).start().await;
    // A file in the folder of the server's data.
    let further = [("SQLITE_URL", "sqlite:shop.db"), ("DRIVER_TOKEN", Driver::TOKEN)];
    passes(&server, "types", &[there, further.to_vec()].concat()).await;
}
