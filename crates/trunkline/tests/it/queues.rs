//! Messages of which nobody knows whether the broker has them, by a peer that answers as Redis does until one is sent.

use serde_json::json;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};
use trunkline::{Kind, Message, Outcome, Publish};
use trunkline_testkit::Peer;

use crate::{config, lab};

/// Ends the connection when a message is sent to the stream `cut`, and is silent when one is to another.
async fn forgetful(mut stream: TcpStream) -> std::io::Result<()> {
    let (reading, mut writing) = stream.split();
    let mut lines = BufReader::new(reading).lines();
    // A command is an array of texts, each on a line behind one with its length.
    while let Some(count) = lines.next_line().await? {
        let count: usize = count.trim_start_matches('*').parse().unwrap();
        let mut words = Vec::new();
        for _ in 0..count {
            lines.next_line().await?;
            words.extend(lines.next_line().await?);
        }
        match (words[0].to_uppercase().as_str(), words.get(1).map(String::as_str)) {
            ("XADD", Some("cut")) => return Ok(()),
            ("XADD", _) => std::future::pending().await,
            _ => writing.write_all(b"+OK\r\n").await?,
        }
    }
    Ok(())
}

#[tokio::test]
async fn what_may_have_been_sent_says_by_which_ids_to_send_it_again() {
    let peer = Peer::raw(|stream| async move {
        let _ = forgetful(stream).await;
    });
    let peer = peer.await;
    let manager = lab().build().await.unwrap();
    let base_url = format!("redis://{}", peer.address());
    // A lost connection is made again after a pause.
    for (stream, kind, timeout) in [("cut", Kind::Unavailable, 20), ("silent", Kind::Timeout, 1)] {
        let queues = json!({
            "integration_id": stream, "type": "message_queue", "base_url": base_url, "timeout": timeout,
            "breaker": {"enabled": false},
        });
        manager.register(config(queues)).await.unwrap();
        let told = async |publish: Publish, key: &str| {
            let error = manager.call(stream, publish).await.unwrap_err();
            assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Unknown), "{error}");
            error.context().iter().find(|(name, _)| *name == key).map(|(_, ids)| ids.clone())
        };
        let message = || Message::text(stream, "a");
        let id = told(Publish::new(message()), "message_id").await.unwrap();
        assert_eq!(id.len(), 36, "{id}");
        let ids = told(Publish::batch(vec![message(), message(), message()]), "message_ids").await.unwrap();
        let (first, last) = ids.split_once(" to ").unwrap();
        assert_eq!(first.strip_suffix("-0").unwrap(), last.strip_suffix("-2").unwrap());
        // Whoever named it knows how.
        let named = Message { id: Some("m-1".to_owned()), ..message() };
        assert_eq!(told(Publish::new(named), "message_id").await, None);
    }
}
