//! Kafka, and the mock of it.

use super::*;

const HEARTBEAT: u8 = 12;
const API_VERSIONS: u8 = 18;

/// The error of an answer to ApiVersions or to Heartbeat, both in version 0; none if there is no answer.
async fn error(address: &str, request: u8) -> Option<u8> {
    error_over(Wire(Box::new(connect(address).await.ok()?)), request).await
}

async fn error_over(mut wire: Wire, request: u8) -> Option<u8> {
    // Whose id is 7, and whose client has no name. Then the group, the generation and the member.
    let mut message = vec![0, request, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    if request == HEARTBEAT {
        message.extend([0, 1, b'g', 0, 0, 0, 1, 0, 1, b'm']);
    }
    let length = u8::try_from(message.len()).unwrap();
    let answer = wire.ask([&[0, 0, 0, length], &message[..]].concat(), [0, 0, 0, 7]).await;
    (answer.get(4..8)? == [0, 0, 0, 7]).then(|| answer[9])
}

#[tokio::test]
async fn a_durable_one_dies_and_comes_back_on_the_same_port_with_its_data() {
    let mut broker = Kafka::start_durable().await;
    broker.topic("orders", 3);
    broker.kill().await;
    assert!(broker.again().await);
    // Metadata in version 0 of that topic.
    let question =
        [&[0, 0, 0, 22, 0, 3, 0, 0, 0, 0, 0, 7, 0xff, 0xff, 0, 0, 0, 1, 0, 6], &b"orders"[..]].concat();
    // Its error, none, stands before its name.
    let answer = [&[0, 0, 0, 6], &b"orders\0\0\0\x03"[..]].concat();
    let mut wire = Wire(Box::new(connect(&broker.address()).await.unwrap()));
    assert!(wire.ask(question, &answer).await.windows(answer.len()).any(|part| part == answer));
}

#[tokio::test]
async fn it_dies_and_comes_back_on_the_same_port() {
    let mut broker = Kafka::start().await;
    broker.topic("orders", 3);
    assert_eq!(error(&broker.address(), API_VERSIONS).await, Some(0));
    for orderly in [false, true] {
        if orderly {
            broker.stop().await;
        } else {
            broker.kill().await;
        }
        assert_eq!(error(&broker.address(), API_VERSIONS).await, None);
        assert!(broker.again().await);
        assert_eq!(error(&broker.address(), API_VERSIONS).await, Some(0));
        broker.topic("orders", 3);
    }
}

#[tokio::test]
async fn with_a_certificate_it_takes_only_tls() {
    let authority = Authority::new();
    let broker = Kafka::start_tls(&authority, true).await;
    for (with_certificate, answer) in [(true, Some(0)), (false, None)] {
        let wire = Wire(Box::new(connect(&broker.address()).await.unwrap()));
        let wire = wire.secure(&authority, with_certificate).await;
        assert_eq!(error_over(wire, API_VERSIONS).await, answer);
    }
    assert_eq!(error(&broker.address(), API_VERSIONS).await, None);
}

#[tokio::test]
async fn a_mock_fails_as_it_is_told_to() {
    let mut cluster = MockKafka::start(3);
    let brokers = cluster.brokers().to_vec();
    assert_eq!(brokers.len(), 3);
    for broker in &brokers {
        assert_eq!(error(broker, API_VERSIONS).await, Some(0));
    }
    cluster.down(2);
    assert_eq!(error(&brokers[1], API_VERSIONS).await, None);
    cluster.up(2);
    assert_eq!(error(&brokers[1], API_VERSIONS).await, Some(0));
    // The one error is before the other, which is of a member that nobody knows.
    cluster.error("Heartbeat", "REBALANCE_IN_PROGRESS", 1);
    assert_eq!(error(&brokers[0], HEARTBEAT).await, Some(27));
    assert_ne!(error(&brokers[0], HEARTBEAT).await, Some(27));
    cluster.topic("orders", 3);
    cluster.leader("orders", 0, 3);
    cluster.coordinator("group", 2);
    cluster.slow(1, 10);
    cluster.clear("Produce");
    cluster.topic_error("orders", "TOPIC_AUTHORIZATION_FAILED");
}
