//! RabbitMQ.

use super::*;

const HEADER: &[u8] = b"AMQP\0\0\x09\x01";
/// Class connection, methods start, tune and open-ok.
const START: &[u8] = &[0, 10, 0, 10];
const TUNE: &[u8] = &[0, 10, 0, 30];
const OPEN_OK: &[u8] = &[0, 10, 0, 41];

fn frame(method: &[u8]) -> Vec<u8> {
    let length = u32::try_from(method.len()).unwrap().to_be_bytes();
    [&[1, 0, 0], &length[..], method, &[0xce]].concat()
}

fn tune_ok() -> Vec<u8> {
    frame(&[0, 10, 0, 31, 0, 1, 0, 2, 0, 0, 0, 0])
}

fn open(vhost: &str) -> Vec<u8> {
    let length = u8::try_from(vhost.len()).unwrap();
    frame(&[&[0, 10, 0, 40, length], vhost.as_bytes(), &[0, 0]].concat())
}

fn start_ok(user: &str, password: &str) -> Vec<u8> {
    let response = format!("\0{user}\0{password}");
    let mut method = vec![0, 10, 0, 11];
    // A client of which it does not know that it can hear of a failure is left waiting for seconds.
    let able = b"\x1cauthentication_failure_closet\x01";
    let capabilities = [b"\x0ccapabilitiesF\0\0\0\x1f", &able[..]].concat();
    method.extend(u32::try_from(capabilities.len()).unwrap().to_be_bytes());
    method.extend(capabilities);
    method.extend(b"\x05PLAIN");
    method.extend(u32::try_from(response.len()).unwrap().to_be_bytes());
    method.extend(response.as_bytes());
    method.extend(b"\x05en_US");
    frame(&method)
}

/// Whether a user comes in.
async fn log_in(wire: &mut Wire, password: &str) -> bool {
    let start = wire.ask(HEADER, [0xce]).await;
    assert!(start.windows(4).any(|part| part == START), "{:?}", String::from_utf8_lossy(&start));
    wire.ask(start_ok("trunk", password), [0xce]).await.windows(4).any(|part| part == TUNE)
}

async fn opens(wire: &mut Wire, vhost: &str) -> bool {
    let opened = wire.ask([tune_ok(), open(vhost)].concat(), [0xce]).await;
    opened.windows(4).any(|part| part == OPEN_OK)
}

#[tokio::test]
async fn it_dies_and_comes_back_on_the_same_port_with_its_data() {
    let Some(mut broker) = RabbitMq::start().await else { return };
    for vhost in ["/", RabbitMq::VHOST] {
        let mut wire = Wire::to(&broker).await;
        assert!(log_in(&mut wire, PASSWORD).await);
        assert!(opens(&mut wire, vhost).await);
    }
    assert!(!log_in(&mut Wire::to(&broker).await, "wrong").await);
    broker.eval(
        "rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, <<\"kept\">>), true, false, [], none, <<\"x\">>)",
    );
    broker.kill().await;
    assert!(connect(&broker.address()).await.is_err());
    assert!(broker.again().await);
    assert!(log_in(&mut Wire::to(&broker).await, PASSWORD).await);
    assert!(broker.eval("[rabbit_amqqueue:stat(Q) || Q <- rabbit_amqqueue:list()]").contains("{ok, 0, 0}"));
    broker.stop().await;
    assert!(connect(&broker.address()).await.is_err());
}

#[tokio::test]
async fn a_shared_one_is_a_virtual_host_of_a_node() {
    let Some(one) = RabbitMq::shared().await else { return };
    let Some(another) = RabbitMq::shared().await else { return };
    assert_eq!(one.address(), another.address());
    assert_ne!(one.vhost(), another.vhost());
    let mut wire = Wire(Box::new(connect(&one.address()).await.unwrap()));
    assert!(log_in(&mut wire, PASSWORD).await);
    assert!(opens(&mut wire, one.vhost()).await);
    another.close_connections();
    one.close_connections();
    // Its reason.
    let close = wire.ask("", [0xce]).await;
    assert!(String::from_utf8_lossy(&close).contains("CONNECTION_FORCED"));
}

#[tokio::test]
async fn with_a_certificate_it_takes_only_tls() {
    let authority = Authority::new();
    let Some(broker) = RabbitMq::start_with(secured(&authority, true)).await else { return };
    assert!(log_in(&mut Wire::to(&broker).await.secure(&authority, true).await, PASSWORD).await);
    let mut unknown = Wire::to(&broker).await.secure(&authority, false).await;
    assert_eq!(unknown.ask(HEADER, START).await, b"");
    let clear = Wire::to(&broker).await.ask(HEADER, START).await;
    assert!(!clear.windows(4).any(|part| part == START));
}
