//! The master key of a server that works is replaced and removed, and nobody sees a key.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Held, Ran, Server, until};

const ONE: &str = "1111111111111111111111111111111111111111111111111111111111111111";
const TWO: &str = "2222222222222222222222222222222222222222222222222222222222222222";

fn config(id: &str, peer: &Peer) -> Value {
    json!({"integration_id": id, "type": "rest", "base_url": peer.url(),
           "auth_type": "bearer", "auth_config": {"token": format!("token-of-{id}")}})
}

async fn service() -> Peer {
    Peer::http(|_| Response::new(Body::Empty)).await
}

/// The keys in a file, the one that seals first.
fn lines(data: &Path) -> Vec<String> {
    let text = std::fs::read_to_string(data.join("trunkline.key")).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[tokio::test]
async fn a_key_is_replaced_and_removed_while_the_server_works_and_never_shown() {
    let peer = service().await;
    let server = Arc::new(Server::beside(&peer).await);
    for n in 0..100 {
        server.has(&config(&format!("i{n}"), &peer)).await;
    }
    let listed = server.cli(&["keys", "list", "--json"]).await.is(0).json();
    let old = listed[0]["id"].as_str().unwrap().to_owned();
    assert_eq!(listed, json!([{"id": old, "primary": true, "given": true, "envelopes": 100}]));
    let copy = server.home().join("copy.db").display().to_string();
    let data = server.data().display().to_string();
    Ran::command(&["backup", &copy, "--data", &data], &[], "").await.is(0);

    let stop = Arc::new(AtomicBool::new(false));
    let load = tokio::spawn({
        let (server, stop, more) = (server.clone(), stop.clone(), config("more", &peer));
        async move {
            let mut rounds = 0;
            while !stop.load(Ordering::SeqCst) {
                server.call(&format!("i{}", rounds % 100), &json!({})).await.is(200);
                server.has(&more).await;
                server.delete("/api/v1/integrations/more").await.is(200);
                rounds += 1;
            }
            rounds
        }
    });
    let mut shown = String::new();
    for _ in 0..3 {
        let ran = server.cli(&["keys", "rotate"]).await.is(0);
        shown.push_str(&ran.stdout);
        assert!(ran.stdout.contains("is the primary key") && ran.stdout.contains("backups"), "{ran:?}");
    }
    stop.store(true, Ordering::SeqCst);
    assert!(load.await.unwrap() > 0);

    let keys = lines(&server.data());
    let listed = server.get("/api/v1/keys").await.is(200).json();
    assert_eq!((keys.len(), listed.as_array().unwrap().len()), (4, 4));
    assert!(listed[0]["envelopes"].as_u64().unwrap() >= 100 && listed[3]["id"] == old, "{listed}");
    let refused = server.cli(&["keys", "remove", listed[0]["id"].as_str().unwrap()]).await.is(2);
    assert!(refused.stderr.contains("put another in its place"), "{refused:?}");
    server.cli(&["keys", "remove", "no-id"]).await.is(2);
    server.delete(&format!("/api/v1/keys/{}", "0".repeat(32))).await.problem(422, "invalid_config");
    for older in listed.as_array().unwrap().iter().skip(1) {
        let ran = server.cli(&["keys", "remove", older["id"].as_str().unwrap()]).await.is(0);
        shown.push_str(&ran.stdout);
    }
    shown.push_str(&server.cli(&["keys", "list"]).await.is(0).stdout);
    shown.push_str(&listed.to_string());
    let server = Arc::into_inner(server).unwrap().stop().await;
    shown.push_str(&server.log());
    assert!(keys.iter().all(|key| !shown.contains(&**key)), "a key is shown");

    assert_eq!(lines(&server.data()), keys[..1]);
    let server = server.again().allow(&peer).start().await;
    for n in 0..100 {
        server.call(&format!("i{n}"), &json!({})).await.is(200);
        assert_eq!(peer.received().last().unwrap().header("authorization"), format!("Bearer token-of-i{n}"));
    }
    // A backup from before opens with the key from before.
    let other = server.home().join("other").display().to_string();
    let restore = ["restore", &copy, "--data", &other];
    let wanted = Ran::command(&restore, &[("TRUNKLINE_KEY", &keys[0])], "").await.is(2);
    assert!(wanted.stderr.contains(&old), "{wanted:?}");
    Ran::command(&restore, &[("TRUNKLINE_KEY", &keys[3])], "").await.is(0);
}

#[tokio::test]
async fn a_rotation_is_stopped_and_gone_on_with_from_the_command_line() {
    let peer = service().await;
    let server = Arc::new(Server::beside(&peer).await);
    for n in 0..100 {
        server.has(&config(&format!("i{n}"), &peer)).await;
    }
    let state = async || server.get("/api/v1/keys/rotation").await.is(200).json();
    assert_eq!(state().await, json!({"state": "done"}));
    let ran = server.cli(&["keys", "stop"]).await.is(0);
    assert!(ran.stdout.contains("no rotation is under way"), "{ran:?}");

    // Somebody else holds the database, so that the rotation does not come far.
    let held = Held::of(&server).await;
    let rotating = tokio::spawn({
        let server = server.clone();
        async move { server.cli(&["keys", "rotate"]).await.is(0) }
    });
    until("a rotation", async || (state().await["state"] == "running").then_some(())).await;
    assert_eq!(state().await, json!({"state": "running", "moved": 0, "of": 100}));
    server.with("POST", "/api/v1/keys/rotate", &[], "").await.problem(409, "conflict");
    let ran = server.cli(&["keys", "stop"]).await.is(0);
    assert!(ran.stdout.contains("stopping: 0 of 100"), "{ran:?}");
    held.let_go().await;
    let ran = rotating.await.unwrap();
    assert!(ran.stdout.contains("it was stopped") && !ran.stdout.contains("can go"), "{ran:?}");
    assert_eq!(state().await, json!({"state": "unfinished"}));
    let listed = server.get("/api/v1/keys").await.is(200).json();
    let [new, old] = [0, 1].map(|at| listed[at]["envelopes"].as_u64().unwrap());
    assert!(new + old == 100 && old > 0, "{listed}");
    for n in [0, 99] {
        server.call(&format!("i{n}"), &json!({})).await.is(200);
    }

    let ran = server.cli(&["keys", "rotate"]).await.is(0);
    assert!(
        ran.stdout.contains(&format!("{old} envelopes moved")) && ran.stdout.contains("can go"),
        "{ran:?}"
    );
    assert_eq!((state().await, lines(&server.data()).len()), (json!({"state": "done"}), 2));
}

#[tokio::test]
async fn a_key_that_the_server_cannot_write_is_replaced_by_hand_and_it_is_said_how() {
    let peer = service().await;
    let server = Server::begin().allow(&peer).env("TRUNKLINE_KEY", ONE).start().await;
    server.has(&config("a", &peer)).await;
    let ran = server.cli(&["keys", "rotate"]).await.is(2);
    assert!(ran.stderr.contains("TRUNKLINE_KEY") && ran.stderr.contains("start again"), "{ran:?}");
    let problem = server.with("POST", "/api/v1/keys/rotate", &[], "").await.problem(422, "unsupported");
    assert!(!problem.to_string().contains(ONE), "{problem}");

    let server = server.stop().await;
    let both = server.again().allow(&peer).env("TRUNKLINE_KEY", format!("{TWO} {ONE}")).start().await;
    let listed = both.get("/api/v1/keys").await.json();
    assert_eq!((&listed[0]["envelopes"], &listed[1]["envelopes"]), (&json!(1), &json!(0)));
    let ran = both.cli(&["keys", "remove", listed[1]["id"].as_str().unwrap()]).await.is(2);
    assert!(ran.stderr.contains("take it out of TRUNKLINE_KEY"), "{ran:?}");
    let server = both.stop().await.again().allow(&peer).env("TRUNKLINE_KEY", TWO).start().await;
    server.call("a", &json!({})).await.is(200);
}

#[tokio::test]
async fn without_a_server_the_keys_are_left_alone() {
    let server = Server::begin().start().await.stop().await;
    let before = lines(&server.data());
    for args in [&["keys", "list"][..], &["keys", "rotate"]] {
        let ran = server.cli(args).await.is(3);
        assert!(ran.stderr.contains("no server answers"), "{ran:?}");
    }
    assert_eq!(lines(&server.data()), before);
}
