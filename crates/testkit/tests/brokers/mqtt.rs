//! Mosquitto.

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
