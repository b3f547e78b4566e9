//! The message brokers of the tests: they start, greet, let in whom they should, die, and come back with what they
//! had confirmed. Nothing here knows more of a protocol than it needs for that.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]

use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;
use trunkline_testkit::{
    Authority, Broker, Kafka, MockKafka, Mosquitto, Nats, Options, PASSWORD, RabbitMq, Redis,
};

trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

struct Wire(Box<dyn Stream>);

#[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
async fn connect(address: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect(address).await
}

impl Wire {
    async fn to(broker: &Broker) -> Self {
        Self(Box::new(connect(&broker.address()).await.unwrap()))
    }

    /// Goes on with TLS, as a client that has a certificate or has none.
    async fn secure(self, authority: &Authority, with_certificate: bool) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(authority.pem().as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots);
        let config = if with_certificate {
            let (certificate, key) = authority.client();
            let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![certificate], key).unwrap()
        } else {
            config.with_no_client_auth()
        };
        let name = ServerName::try_from("localhost").unwrap();
        Self(Box::new(TlsConnector::from(Arc::new(config)).connect(name, self.0).await.unwrap()))
    }

    /// Sends this, and reads until this is there or the connection ends.
    async fn ask(&mut self, question: impl AsRef<[u8]>, until: impl AsRef<[u8]>) -> Vec<u8> {
        let until = until.as_ref();
        let (mut read, mut some) = (Vec::new(), [0; 4096]);
        // Whom it does not know it may have left already.
        let _ = self.0.write_all(question.as_ref()).await;
        let _ = self.0.flush().await;
        while !read.windows(until.len()).any(|part| part == until) {
            match self.0.read(&mut some).await {
                Ok(length) if length > 0 => read.extend_from_slice(&some[..length]),
                _ => break,
            }
        }
        read
    }

    /// The same as text.
    async fn text(&mut self, question: &str, until: &str) -> String {
        String::from_utf8_lossy(&self.ask(question, until).await).into_owned()
    }
}

/// Those who come in by TLS: nobody in clear text, and nobody without a certificate where it is asked for.
fn secured(authority: &Authority, mutual: bool) -> Options<'_> {
    Options { password: true, tls: Some(authority), mutual, ..Options::default() }
}

fn with_password() -> Options<'static> {
    Options { password: true, ..Options::default() }
}

mod amqp {
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
    async fn log_in(mut wire: Wire, password: &str) -> bool {
        let start = wire.ask(HEADER, [0xce]).await;
        assert!(start.windows(4).any(|part| part == START), "{:?}", String::from_utf8_lossy(&start));
        wire.ask(start_ok("trunk", password), [0xce]).await.windows(4).any(|part| part == TUNE)
    }

    #[tokio::test]
    async fn it_dies_and_comes_back_on_the_same_port_with_its_data() {
        let Some(mut broker) = RabbitMq::start().await else { return };
        assert!(log_in(Wire::to(&broker).await, PASSWORD).await);
        assert!(!log_in(Wire::to(&broker).await, "wrong").await);
        broker.eval(
            "rabbit_amqqueue:declare(rabbit_misc:r(<<\"/\">>, queue, <<\"kept\">>), true, false, [], none, <<\"x\">>)",
        );
        broker.kill().await;
        assert!(connect(&broker.address()).await.is_err());
        assert!(broker.again().await);
        assert!(log_in(Wire::to(&broker).await, PASSWORD).await);
        assert!(
            broker.eval("[rabbit_amqqueue:stat(Q) || Q <- rabbit_amqqueue:list()]").contains("{ok, 0, 0}")
        );
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
        assert!(!wire.ask(HEADER, [0xce]).await.is_empty());
        assert!(!wire.ask(start_ok("trunk", PASSWORD), [0xce]).await.is_empty());
        let opened = wire.ask([tune_ok(), open(one.vhost())].concat(), [0xce]).await;
        assert!(opened.windows(4).any(|part| part == OPEN_OK), "{:?}", String::from_utf8_lossy(&opened));
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
        assert!(log_in(Wire::to(&broker).await.secure(&authority, true).await, PASSWORD).await);
        let mut unknown = Wire::to(&broker).await.secure(&authority, false).await;
        assert_eq!(unknown.ask(HEADER, START).await, b"");
        let clear = Wire::to(&broker).await.ask(HEADER, START).await;
        assert!(!clear.windows(4).any(|part| part == START));
    }
}

mod nats {
    use super::*;

    async fn log_in(wire: &mut Wire, password: &str) -> String {
        let options = format!("{{\"verbose\":false,\"user\":\"trunk\",\"pass\":{password:?}}}");
        wire.text(&format!("CONNECT {options}\r\nPING\r\n"), "PONG\r\n").await
    }

    /// What the API of JetStream answers.
    async fn api(wire: &mut Wire, subject: &str, request: &str) -> String {
        let length = request.len();
        let question = format!("SUB inbox 1\r\nUNSUB 1 1\r\nPUB {subject} inbox {length}\r\n{request}\r\n");
        wire.text(&question, "}\r\n").await
    }

    #[tokio::test]
    async fn it_dies_and_comes_back_on_the_same_port_with_its_data() {
        let Some(mut broker) = Nats::start_with(with_password()).await else { return };
        let mut wire = Wire::to(&broker).await;
        assert!(wire.text("", "\r\n").await.starts_with("INFO "));
        assert_eq!(log_in(&mut wire, PASSWORD).await, "PONG\r\n");
        let stream = r#"{"name":"kept","subjects":["kept.*"]}"#;
        assert!(api(&mut wire, "$JS.API.STREAM.CREATE.kept", stream).await.contains("\"created\""));
        assert!(api(&mut wire, "kept.a", "a message").await.contains("\"seq\":1"));
        for orderly in [false, true] {
            if orderly {
                broker.stop().await;
            } else {
                broker.kill().await;
            }
            assert!(connect(&broker.address()).await.is_err());
            assert!(broker.again().await);
            let mut wire = Wire::to(&broker).await;
            wire.text("", "\r\n").await;
            log_in(&mut wire, PASSWORD).await;
            assert!(api(&mut wire, "$JS.API.STREAM.INFO.kept", "").await.contains("\"messages\":1"));
        }
    }

    #[tokio::test]
    async fn a_wrong_password_or_token_is_not_let_in() {
        let Some(broker) = Nats::start_with(with_password()).await else { return };
        let mut wire = Wire::to(&broker).await;
        wire.text("", "\r\n").await;
        assert!(log_in(&mut wire, "wrong").await.contains("Authorization Violation"));
        let settings = &["authorization { token: \"a token\" }"];
        let Some(broker) = Nats::start_with(Options { settings, ..Options::default() }).await else { return };
        for (token, answer) in [("another", "-ERR 'Authorization Violation'\r\n"), ("a token", "PONG\r\n")] {
            let mut wire = Wire::to(&broker).await;
            wire.text("", "\r\n").await;
            let question = format!("CONNECT {{\"verbose\":false,\"auth_token\":\"{token}\"}}\r\nPING\r\n");
            assert_eq!(wire.text(&question, "PONG\r\n").await, answer);
        }
    }

    #[tokio::test]
    async fn with_a_certificate_it_takes_only_tls() {
        let authority = Authority::new();
        let Some(broker) = Nats::start_with(secured(&authority, true)).await else { return };
        for (with_certificate, answer) in [(true, "PONG\r\n"), (false, "")] {
            let mut wire = Wire::to(&broker).await;
            assert!(wire.text("", "\r\n").await.contains("\"tls_required\":true"));
            let mut wire = wire.secure(&authority, with_certificate).await;
            assert_eq!(log_in(&mut wire, PASSWORD).await, answer);
        }
        let mut clear = Wire::to(&broker).await;
        clear.text("", "\r\n").await;
        assert!(!log_in(&mut clear, PASSWORD).await.contains("PONG"));
    }
}

mod mqtt {
    use super::*;

    fn string(text: &str) -> Vec<u8> {
        let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
        bytes.extend(text.as_bytes());
        bytes
    }

    fn packet(first: u8, parts: &[&[u8]]) -> Vec<u8> {
        let body = parts.concat();
        let mut packet = vec![first, u8::try_from(body.len()).unwrap()];
        packet.extend(body);
        packet
    }

    /// Connects by MQTT 3.1.1 to a session that stays.
    async fn log_in(wire: &mut Wire, client: &str, password: &str) -> Vec<u8> {
        // User and password, and no clean session.
        let header = [&string("MQTT")[..], &[4, 0b1100_0000, 0, 60]].concat();
        let connect = packet(0x10, &[&header, &string(client), &string("trunk"), &string(password)]);
        wire.ask(connect, [0x20, 2]).await
    }

    #[tokio::test]
    async fn it_dies_and_comes_back_on_the_same_port_with_its_sessions() {
        let Some(mut broker) = Mosquitto::start_with(with_password()).await else { return };
        for orderly in [false, true] {
            {
                let mut reader = Wire::to(&broker).await;
                log_in(&mut reader, "reader", PASSWORD).await;
                let subscribe = packet(0x82, &[&[0, 1], &string("kept"), &[1]]);
                assert_eq!(reader.ask(subscribe, [0x90]).await, [0x90, 3, 0, 1, 1]);
                // It has gone when the broker ends the connection.
                assert!(reader.ask(packet(0xe0, &[]), [0]).await.is_empty());
            }
            let mut writer = Wire::to(&broker).await;
            log_in(&mut writer, "writer", PASSWORD).await;
            let publish = packet(0x32, &[&string("kept"), &[0, 7], b"a message"]);
            assert_eq!(writer.ask(publish, [0x40]).await, [0x40, 2, 0, 7]);
            if orderly {
                broker.stop().await;
            } else {
                broker.save().await;
                broker.kill().await;
            }
            assert!(connect(&broker.address()).await.is_err());
            assert!(broker.again().await);
            let mut reader = Wire::to(&broker).await;
            let mut seen = log_in(&mut reader, "reader", PASSWORD).await;
            // The session is there.
            assert_eq!(seen[..4], [0x20, 2, 1, 0]);
            if !seen.ends_with(b"a message") {
                seen = reader.ask("", "a message").await;
            }
            assert!(seen.ends_with(b"a message"));
            let id = &seen[seen.len() - 11..][..2];
            // So that it is not there once more; answered, for the broker reads in order.
            reader.ask([packet(0x40, &[id]), packet(0xc0, &[])].concat(), [0xd0, 0]).await;
        }
    }

    #[tokio::test]
    async fn a_wrong_password_is_not_let_in() {
        let Some(broker) = Mosquitto::start_with(with_password()).await else { return };
        assert_eq!(log_in(&mut Wire::to(&broker).await, "one", "wrong").await, [0x20, 2, 0, 5]);
    }

    #[tokio::test]
    async fn with_a_certificate_it_takes_only_tls() {
        let authority = Authority::new();
        let Some(broker) = Mosquitto::start_with(secured(&authority, true)).await else { return };
        for (with_certificate, answer) in [(true, &[0x20, 2, 0, 0][..]), (false, &[])] {
            let mut wire = Wire::to(&broker).await.secure(&authority, with_certificate).await;
            assert_eq!(log_in(&mut wire, "one", PASSWORD).await, answer);
        }
        let clear = log_in(&mut Wire::to(&broker).await, "one", PASSWORD).await;
        assert!(!clear.starts_with(&[0x20]));
    }
}

mod redis {
    use super::*;

    async fn log_in(wire: &mut Wire, password: &str) -> String {
        let length = password.len();
        let auth = format!("*3\r\n$4\r\nAUTH\r\n$5\r\ntrunk\r\n${length}\r\n{password}\r\n");
        wire.text(&auth, "\r\n").await
    }

    #[tokio::test]
    async fn a_durable_one_dies_and_comes_back_on_the_same_port_with_its_data() {
        let Some(mut broker) = Redis::start_durable().await else { return };
        let mut wire = Wire::to(&broker).await;
        assert_eq!(wire.text("PING\r\n", "\r\n").await, "+PONG\r\n");
        assert_eq!(wire.text("XADD kept 1-1 a b\r\n", "1-1\r\n").await, "$3\r\n1-1\r\n");
        broker.kill().await;
        assert!(connect(&broker.address()).await.is_err());
        assert!(broker.again().await);
        assert_eq!(Wire::to(&broker).await.text("XLEN kept\r\n", "\r\n").await, ":1\r\n");
    }

    #[tokio::test]
    async fn an_ordinary_one_keeps_nothing() {
        let Some(mut broker) = Redis::start().await else { return };
        assert_eq!(Wire::to(&broker).await.text("SET a b\r\n", "\r\n").await, "+OK\r\n");
        broker.stop().await;
        assert!(broker.again().await);
        assert_eq!(Wire::to(&broker).await.text("EXISTS a\r\n", "\r\n").await, ":0\r\n");
    }

    #[tokio::test]
    async fn with_a_certificate_and_a_password_it_takes_only_tls_and_the_user() {
        let authority = Authority::new();
        let Some(broker) = Redis::start_as(secured(&authority, true)).await else { return };
        let mut wire = Wire::to(&broker).await.secure(&authority, true).await;
        assert!(wire.text("PING\r\n", "\r\n").await.starts_with("-NOAUTH"));
        assert!(log_in(&mut wire, "wrong").await.starts_with("-WRONGPASS"));
        assert_eq!(log_in(&mut wire, PASSWORD).await, "+OK\r\n");
        assert_eq!(wire.text("PING\r\n", "\r\n").await, "+PONG\r\n");
        let mut unknown = Wire::to(&broker).await.secure(&authority, false).await;
        assert_eq!(unknown.text("PING\r\n", "\r\n").await, "");
        assert!(!Wire::to(&broker).await.text("PING\r\n", "\r\n").await.contains('+'));
    }
}

mod kafka {
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
}
