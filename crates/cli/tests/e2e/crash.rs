//! Killed at any moment, the server loses nothing that it acknowledged.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use http::Response;
use rustix::process::Signal;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::Server;

/// How often it is killed.
const KILLS: usize = 50;

fn config(id: &str, url: &str) -> Value {
    json!({"integration_id": id, "type": "rest", "base_url": url, "auth_type": "bearer", "auth_config": {"token": format!("token-of-{id}")}})
}

/// What clients know for certain, and what they asked for without an answer.
#[derive(Debug, Default)]
struct Ledger {
    there: BTreeSet<String>,
    gone: BTreeSet<String>,
    open: BTreeSet<String>,
}

impl Ledger {
    /// Asked for, and not answered yet.
    fn asked(&mut self, id: &str) {
        self.there.remove(id);
        self.open.insert(id.to_owned());
    }

    fn settled(&mut self, id: &str, there: bool) {
        self.open.remove(id);
        if there {
            self.there.insert(id.to_owned())
        } else {
            self.gone.insert(id.to_owned())
        };
    }
}

/// A request that may meet a server that is being killed: `None` without an answer.
pub(crate) async fn ask(address: std::net::SocketAddr, request: String) -> Option<u16> {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    #[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
    let mut stream = tokio::net::TcpStream::connect(address).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.ok()?;
    std::str::from_utf8(&answer).ok()?.get(9..12)?.parse().ok()
}

/// Registers, and removes every third, until the server is gone.
async fn write(address: std::net::SocketAddr, name: String, url: String, ledger: Arc<Mutex<Ledger>>) {
    for n in 0.. {
        let id = format!("{name}-{n}");
        let body = config(&id, &url).to_string();
        let head = "host: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n";
        let length = body.len();
        ledger.lock().unwrap().asked(&id);
        let register = format!(
            "POST /api/v1/integrations/register HTTP/1.1\r\n{head}content-length: {length}\r\n\r\n{body}"
        );
        match ask(address, register).await {
            Some(201) => ledger.lock().unwrap().settled(&id, true),
            Some(status) => panic!("{id} was answered {status}"),
            None => return,
        }
        if n % 3 == 2 {
            ledger.lock().unwrap().asked(&id);
            let delete = format!("DELETE /api/v1/integrations/{id} HTTP/1.1\r\n{head}\r\n");
            if ask(address, delete).await != Some(200) {
                return;
            }
            ledger.lock().unwrap().settled(&id, false);
        }
    }
}

#[tokio::test]
async fn killed_at_any_moment_it_has_all_that_it_acknowledged_and_nothing_that_was_removed() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let mut server = Server::beside(&peer).await;
    // A constant seed: the moments differ between runs by themselves, and the spread does not.
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    for round in 0..KILLS {
        let writers: Vec<_> = (0..3)
            .map(|n| tokio::spawn(write(server.address, format!("r{round}w{n}"), peer.url(), ledger.clone())))
            .collect();
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // The point of the test is the moment, not that anything has happened by then.
        tokio::time::sleep(std::time::Duration::from_micros(500 + (random >> 33) % 30_000)).await;
        server.signal(Signal::KILL);
        server.ended().await;
        for writer in writers {
            writer.await.unwrap();
        }
        server = server.again().allow(&peer).start().await;
        let list = server.get("/api/v1/integrations/list").await.is(200).json();
        let found: BTreeSet<String> = list
            .as_array()
            .unwrap()
            .iter()
            .inspect(|item| assert!(item.get("error").is_none(), "{item}"))
            .map(|item| item["integration_id"].as_str().unwrap().to_owned())
            .collect();
        let mut held = ledger.lock().unwrap();
        let lost: Vec<_> = held.there.difference(&found).collect();
        assert!(lost.is_empty(), "round {round}: lost {lost:?}");
        let back: Vec<_> = held.gone.intersection(&found).collect();
        assert!(back.is_empty(), "round {round}: came back {back:?}");
        // What was asked for without an answer is one or the other, and stays so.
        for id in std::mem::take(&mut held.open) {
            held.settled(&id, found.contains(&id));
        }
        assert_eq!(found, held.there, "round {round}");
    }
    assert!(ledger.lock().unwrap().there.len() > KILLS, "hardly anything was written");
    let one = ledger.lock().unwrap().there.first().cloned().expect("fifty rounds registered something");
    server.call(&one, &json!({})).await.is(200);
    assert_eq!(peer.received()[0].header("authorization"), format!("Bearer token-of-{one}"));
}

#[tokio::test]
async fn killed_while_it_replaces_its_key_it_starts_with_everything_and_goes_on() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let mut server = Server::beside(&peer).await;
    for n in 0..80 {
        server.has(&config(&format!("i{n}"), &peer.url())).await;
    }
    let mut random: u64 = 0x9e37_79b9_7f4a_7c15;
    for round in 0..20 {
        let head = "host: localhost\r\nconnection: close\r\ncontent-length: 0\r\n";
        let rotate = format!("POST /api/v1/keys/rotate HTTP/1.1\r\n{head}\r\n");
        let rotating = tokio::spawn(ask(server.address, rotate));
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        // The point of the test is the moment, not that anything has happened by then.
        tokio::time::sleep(std::time::Duration::from_micros((random >> 33) % 30_000)).await;
        server.signal(Signal::KILL);
        server.ended().await;
        let _ = rotating.await.unwrap();
        server = server.again().allow(&peer).start().await;
        let list = server.get("/api/v1/integrations/list").await.is(200).json();
        let list = list.as_array().unwrap();
        assert!(
            list.len() == 80 && list.iter().all(|item| item.get("error").is_none()),
            "round {round}: {list:?}"
        );
        let keys = server.get("/api/v1/keys").await.is(200).json();
        for older in keys.as_array().unwrap().iter().filter(|key| key["primary"] == false) {
            assert_eq!(older["envelopes"], 0, "round {round}: the start has ended the rotation");
            server.delete(&format!("/api/v1/keys/{}", older["id"].as_str().unwrap())).await.is(200);
        }
    }
    server = server.stop().await.again().allow(&peer).start().await;
    server.call("i7", &json!({})).await.is(200);
    assert_eq!(peer.received()[0].header("authorization"), "Bearer token-of-i7");
}
