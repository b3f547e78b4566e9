//! `trunkline backup` beside a server that works, and `trunkline restore` for another.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use http::Response;
use serde_json::json;
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Ran, Server, until};

#[tokio::test]
async fn a_backup_under_load_is_restored_with_all_credentials() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Arc::new(Server::beside(&peer).await);
    let config = |n: usize| {
        json!({"integration_id": format!("i{n}"), "type": "rest", "base_url": peer.url(),
               "auth_type": "bearer", "auth_config": {"token": format!("token-of-{n}")}})
    };
    let stop = Arc::new(AtomicBool::new(false));
    let configs: Vec<_> = (0..2_000).map(config).collect();
    let writer = tokio::spawn({
        let (server, stop) = (server.clone(), stop.clone());
        async move {
            for (n, config) in configs.iter().enumerate() {
                if stop.load(Ordering::SeqCst) {
                    return n;
                }
                server.has(config).await;
            }
            panic!("the backup is slower than two thousand writes");
        }
    });
    until("a few writes", || async {
        server.get("/api/v1/integrations/i5").await.status.is_success().then_some(())
    })
    .await;

    let (data, copy) = (server.data(), server.home().join("copy.db"));
    let (data, copy) = (data.to_str().unwrap(), copy.to_str().unwrap());
    let made = Ran::command(&["backup", copy, "--data", data, "--json"], &[], "").await.is(0).json();
    stop.store(true, Ordering::SeqCst);
    let written = writer.await.unwrap();
    let held = usize::try_from(made["integrations"].as_u64().unwrap()).unwrap();
    assert!((6..=written).contains(&held), "{held} of {written}");

    let key = std::fs::read_to_string(server.data().join("trunkline.key")).unwrap();
    let again = Server::begin().env("TRUNKLINE_KEY", key.trim()).allow(&peer);
    let target = again.data();
    let restore = ["restore", copy, "--data", target.to_str().unwrap()];
    let wanted = Ran::command(&restore, &[], "").await.is(2);
    assert!(wanted.stderr.contains(made["key_id"].as_str().unwrap()), "{wanted:?}");
    let ran = Ran::command(&restore, &[("TRUNKLINE_KEY", key.trim())], "").await.is(0);
    assert!(ran.stdout.contains(&format!("{held} integrations restored")), "{ran:?}");
    let twice = Ran::command(&restore, &[("TRUNKLINE_KEY", key.trim())], "").await.is(2);
    assert!(twice.stderr.contains("trunkline.db is in"), "{twice:?}");

    let restored = again.start().await;
    let list = restored.get("/api/v1/integrations/list").await.is(200).json();
    assert_eq!(list.as_array().unwrap().len(), held);
    for n in 0..held {
        restored.call(&format!("i{n}"), &json!({})).await.is(200);
        let received = peer.received();
        assert_eq!(received.last().unwrap().header("authorization"), format!("Bearer token-of-{n}"));
    }
}

#[tokio::test]
async fn a_backup_names_the_folder_that_it_does_not_find() {
    let home = tempfile::tempdir().unwrap();
    let (file, data) = (home.path().join("x.db"), home.path().join("nowhere"));
    let args = ["backup", file.to_str().unwrap(), "--data", data.to_str().unwrap()];
    let ran = Ran::command(&args, &[], "").await.is(2);
    assert!(ran.stderr.contains("nowhere") && ran.stderr.contains("--data"), "{ran:?}");
}
