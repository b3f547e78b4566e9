//! How many messages a second are forwarded, and what it costs that it is on the disk of some of them that their calls have
//! begun, since these must not be made twice: text messages through the connector of Twilio, beside plain posts.
//!
//! `cargo bench -p trunkline --bench forward [-- --messages 2000]`. Queue and service are in this process; the store is in the
//! folder of the build, on whatever disk that is. Medians of rounds in turn are printed.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints and may fail")]

#[allow(dead_code, reason = "the other benchmarks need more of it")]
mod common;

use std::{path::Path, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline::{Egress, Manager, Message, Profile, Publish, SqliteOptions, SqliteStore};

use common::{config, peer};

/// How often each takes its turn.
const ROUNDS: usize = 5;

/// What each message becomes.
fn entry(once: bool, concurrency: usize) -> Value {
    let input = json!({"to": "+15558675310", "from": "+15017122661", "body": "Order {{message/n}}"});
    let mut entry = match once {
        true => json!({"to": "tw", "request": {"action": "send_sms", "input": input}}),
        false => json!({"to": "plain", "request": {"method": "POST", "endpoint": "/", "json": input}}),
    };
    entry["queue"] = "orders".into();
    entry["concurrency"] = concurrency.into();
    entry
}

async fn send(manager: &Manager, messages: u32) {
    for n in 0..messages {
        let message = Message::json("orders", &json!({"n": n})).unwrap();
        manager.call("desk", Publish::new(message)).await.unwrap();
    }
}

/// Messages a second, of so many, each of which becomes that.
async fn forwarded(manager: &Manager, messages: u32, entry: &Value) -> f64 {
    send(manager, messages).await;
    let shop = json!({
        "integration_id": "shop", "type": "message_queue", "base_url": "memory://shop", "forward": [entry],
    });
    let began = Instant::now();
    let shop = manager.register(config(shop)).await.unwrap().handle;
    while shop.state().unwrap().forward[0].forwarded < u64::from(messages) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let took = began.elapsed();
    manager.remove("shop", None).await.unwrap();
    f64::from(messages) / took.as_secs_f64()
}

#[tokio::main]
async fn main() {
    let args: Vec<String> = std::env::args().collect();
    let at = args.iter().position(|arg| arg == "--messages");
    let messages = at.and_then(|at| args.get(at + 1)?.parse().ok()).unwrap_or(2000);
    let url = format!("http://{}", peer());
    let dir = tempfile::tempdir_in(Path::new(env!("CARGO_TARGET_TMPDIR"))).unwrap();
    let store = Arc::new(SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap());
    let egress = Egress::new(Profile::Lab, &[]).unwrap();
    let manager = Manager::builder().egress(egress).store(store).build().await.unwrap();
    let limits = json!({"learn": false});
    for integration in [
        json!({"integration_id": "desk", "type": "message_queue", "base_url": "memory://shop"}),
        json!({"integration_id": "plain", "type": "rest", "base_url": url}),
        json!({
            "integration_id": "tw", "connector": "twilio", "base_url": url, "rate_limit": limits,
            "inputs": {"account_sid": format!("AC{}", "0".repeat(32)), "auth_token": "t"},
        }),
    ] {
        manager.register(config(integration)).await.unwrap();
    }
    println!("messages forwarded a second, of {messages}");
    for concurrency in [1, 8, 64] {
        let (mut plain, mut once) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            plain.push(forwarded(&manager, messages, &entry(false, concurrency)).await);
            once.push(forwarded(&manager, messages, &entry(true, concurrency)).await);
        }
        let median = |mut rounds: Vec<f64>| {
            rounds.sort_unstable_by(f64::total_cmp);
            rounds[rounds.len() / 2]
        };
        let (plain, once) = (median(plain), median(once));
        let each = (1.0 / once - 1.0 / plain) * 1e6;
        println!("  {concurrency} at a time: plain {plain:.0}, once {once:.0}: {each:.0} µs more for each");
    }
    manager.close().await;
}
