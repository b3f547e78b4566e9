//! API tokens that programs show: made, used, listed and revoked, and what is left of them after a restart, a kill and a
//! restore.

use http::Response;
use rustix::process::Signal;
use serde_json::{Value, json};
use trunkline::{Body, SqliteOptions, SqliteStore, Store as _};
use trunkline_testkit::Peer;

use super::stream::Reader;
use crate::harness::{Ran, Server, exchange};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const PATH: &str = "/api/v1/tokens";
const LIST: &str = "/api/v1/integrations/list";

async fn server() -> Server {
    Server::begin().token(TOKEN).start().await
}

/// A token of this name, and its id.
async fn made(server: &Server, name: &str) -> (String, String) {
    let made = server.post(PATH, &json!({ "name": name })).await.is(201).json();
    let text = |key: &str| made[key].as_str().unwrap().to_owned();
    (text("token"), text("id"))
}

async fn listed(server: &Server) -> Vec<Value> {
    server.get(PATH).await.is(200).json()["tokens"].as_array().unwrap().clone()
}

/// The status of a request that shows this token.
async fn status(server: &Server, token: &str) -> u16 {
    server.with("GET", LIST, &[("trunkline-token", token)], "").await.status.as_u16()
}

#[tokio::test]
async fn a_token_lets_in_and_stays_here_until_it_is_revoked() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::begin().token(TOKEN).allow(&peer).start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let (token, id) = made(&server, "billing").await;
    let bearer = format!("Bearer {token}");
    let send = async |headers: &[(&str, &str)]| {
        let mut request =
            "GET /api/v1/integrations/a/proxy/ HTTP/1.1\r\nhost: h\r\nconnection: close\r\n".to_owned();
        headers.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
        exchange(server.address, request + "\r\n").await[9..12].to_owned()
    };
    for (headers, arrives) in [
        (vec![("authorization", &*bearer)], ""),
        (vec![("trunkline-token", &*token)], ""),
        (vec![("trunkline-token", &*token), ("authorization", "Bearer theirs")], "Bearer theirs"),
        (vec![("trunkline-token", TOKEN), ("authorization", &*bearer)], ""),
    ] {
        assert_eq!(send(&headers).await, "200", "{headers:?}");
        let received = peer.received().pop().unwrap();
        assert_eq!(received.header("authorization"), arrives, "{headers:?}");
        assert!(!format!("{:?}", received.headers).contains(&token), "{headers:?}");
    }
    assert_eq!(status(&server, &token).await, 200);
    let known = &listed(&server).await[0];
    assert_eq!(
        (&known["id"], &known["name"], &known["prefix"]),
        (&json!(id), &json!("billing"), &json!(token[..8]))
    );
    assert!(known["last_used_at_ms"].is_i64() && known["created_at_ms"].is_i64(), "{known}");
    assert!(!known.to_string().contains(&token[8..]), "{known}");

    let revoked = server.delete(&format!("{PATH}/{id}")).await.is(200).json();
    assert_eq!(revoked, json!({"id": id, "status": "revoked"}));
    assert_eq!(send(&[("authorization", &bearer)]).await, "401");
    let shown = [("trunkline-token", &*token)];
    server.with("GET", LIST, &shown, "").await.problem(401, "unauthorized");
    server.delete(&format!("{PATH}/{id}")).await.problem(404, "unknown_token");
    assert!(listed(&server).await.is_empty());
    let server = server.stop().await;
    let log = server.log();
    assert!(log.contains("made an API token") && log.contains("revoked an API token"), "{log}");
    assert!(!log.contains(&token[8..]), "{log}");
}

#[tokio::test]
async fn a_token_with_a_wrong_name_or_time_is_refused_and_it_is_said_why() {
    let server = server().await;
    made(&server, "a").await;
    for (new, status, kind, word) in [
        (json!({"name": "a"}), 409, "conflict", "another name"),
        (json!({"name": ""}), 422, "invalid_config", "name: "),
        (json!({}), 422, "invalid_config", "name"),
        (json!({"name": 1}), 422, "invalid_config", "name"),
        (json!({"name": "b", "expires_at_ms": 1}), 422, "invalid_config", "expires_at_ms: "),
        (json!({"name": "b", "expires_ms": 1}), 422, "invalid_config", "expires_at_ms"),
    ] {
        let problem = server.post(PATH, &new).await.problem(status, kind);
        assert!(problem["detail"].as_str().unwrap().contains(word), "{new}: {problem}");
    }
    assert_eq!(listed(&server).await.len(), 1);
}

#[tokio::test]
async fn tokens_outlive_a_kill_and_a_restart_and_an_expired_one_lets_nobody_in() {
    let mut killed = server().await;
    let (token, id) = made(&killed, "a").await;
    let (gone, its) = made(&killed, "gone").await;
    killed.delete(&format!("{PATH}/{its}")).await.is(200);
    killed.signal(Signal::KILL);
    killed.ended().await;
    let server = killed.again().token(TOKEN).start().await;
    assert_eq!((status(&server, &token).await, status(&server, &gone).await), (200, 401));
    let server = server.stop().await;

    // Its time runs out while nobody looks.
    let store = SqliteStore::open(&server.data(), SqliteOptions::default()).await.unwrap();
    let tokens = store.tokens().unwrap();
    let stored = tokens.list().await.unwrap().pop().unwrap();
    let mut document: Value = serde_json::from_slice(&stored.document.unwrap()).unwrap();
    document["expires_at_ms"] = 1.into();
    assert!(tokens.remove(&id).await.unwrap());
    tokens.add(&id, document.to_string().as_bytes()).await.unwrap();
    tokens.add("damaged", b"{}").await.unwrap();
    store.close().await;
    drop(store);
    let server = server.again().token(TOKEN).start().await;
    let problem =
        server.with("GET", LIST, &[("trunkline-token", &token)], "").await.problem(401, "unauthorized");
    assert!(problem["detail"].as_str().unwrap().contains("expired"), "{problem}");
    let all = listed(&server).await;
    assert_eq!((&all[0]["expires_at_ms"], &all[1]["id"]), (&json!(1), &json!("damaged")));
    assert!(all[1]["error"].is_string() && all[0].get("error").is_none(), "{all:?}");
    server.delete(&format!("{PATH}/damaged")).await.is(200);
}

#[tokio::test]
async fn a_stream_ends_with_the_token_that_it_was_opened_with() {
    let server = server().await;
    let (token, id) = made(&server, "a").await;
    let (other, _) = made(&server, "b").await;
    let path = "/api/v1/activity/stream";
    let mut ends = Reader::with(&server, path, &[("trunkline-token", &token)]).await;
    let mut stays = Reader::with(&server, path, &[("trunkline-token", &other)]).await;
    server.delete(&format!("{PATH}/{id}")).await.is(200);
    let (name, data) = ends.next().await.unwrap();
    assert!(name == "error" && data.contains("unauthorized") && data.contains("revoked"), "{name}: {data}");
    assert_eq!(ends.next().await, None);
    server.stop().await;
    assert!(stays.next().await.unwrap().1.contains("shutting_down"));
}

#[tokio::test]
async fn a_server_that_asks_for_none_says_so_and_passes_none_on() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let made = server.post(PATH, &json!({"name": "a"})).await.is(201).json();
    assert!(made["warnings"][0].as_str().unwrap().contains("TRUNKLINE_API_TOKEN"), "{made}");
    assert_eq!(server.get(PATH).await.json()["required"], false);
    let bearer = format!("Bearer {}", made["token"].as_str().unwrap());
    server.with("GET", "/api/v1/integrations/a/proxy/", &[("authorization", &bearer)], "").await.is(200);
    assert_eq!(peer.received().pop().unwrap().header("authorization"), "");
    server.get(LIST).await.is(200);
}

#[tokio::test]
async fn a_script_makes_a_token_uses_it_and_revokes_it() {
    let server = server().await;
    let ran = server.cli(&["token", "create", "billing", "--expires", "90d"]).await.is(0);
    let token = ran.stdout.trim_end();
    assert!(
        token.starts_with("tl_") && token.len() == 46 && ran.stderr.contains("not shown again"),
        "{ran:?}"
    );
    let url = format!("http://{}", server.address);
    let env = [("TRUNKLINE_URL", &*url), ("TRUNKLINE_API_TOKEN", token)];
    Ran::command(&["list"], &env, "").await.is(0);
    let list = server.cli(&["token", "list"]).await.is(0);
    assert!(list.stdout.contains("billing") && list.stdout.contains(&token[..8]), "{list:?}");
    assert!(!list.stdout.contains(token) && list.stderr.is_empty(), "{list:?}");
    let all = server.cli(&["token", "list", "--json"]).await.is(0).json();
    assert!(all["tokens"][0]["expires_at_ms"].is_i64(), "{all}");

    let taken = server.cli(&["token", "create", "billing"]).await.is(2);
    assert!(taken.stdout.is_empty() && taken.stderr.contains("another name"), "{taken:?}");
    server.cli(&["token", "create", "x", "--expires", "soon"]).await.is(2);
    server.cli(&["token", "revoke", "other"]).await.is(2);
    // Also with itself.
    Ran::command(&["token", "revoke", "billing"], &env, "").await.is(0);
    let refused = Ran::command(&["list"], &env, "").await.is(1);
    assert!(refused.stderr.contains("trunkline token create"), "{refused:?}");

    let made = server.cli(&["token", "create", "by id", "--json"]).await.is(0).json();
    server.cli(&["token", "revoke", made["id"].as_str().unwrap()]).await.is(0);
    assert!(listed(&server).await.is_empty());
}

#[tokio::test]
async fn a_restore_says_that_tokens_come_back_and_a_new_master_key_keeps_them() {
    let server = server().await;
    let (token, _) = made(&server, "a").await;
    let (revoked, its) = made(&server, "b").await;
    let (copy, data) = (server.home().join("copy.db"), server.data().display().to_string());
    let copy = copy.display().to_string();
    Ran::command(&["backup", &copy, "--data", &data], &[], "").await.is(0);
    server.delete(&format!("{PATH}/{its}")).await.is(200);
    server.cli(&["keys", "rotate"]).await.is(0);
    let keys = server.get("/api/v1/keys").await.json();
    assert_eq!((&keys[0]["envelopes"], &keys[1]["envelopes"]), (&json!(1), &json!(0)));
    let older = keys[1]["id"].as_str().unwrap();
    let key = std::fs::read_to_string(server.data().join("trunkline.key")).unwrap();
    server.cli(&["keys", "remove", older]).await.is(0);
    let server = server.stop().await.again().token(TOKEN).start().await;
    assert_eq!((status(&server, &token).await, status(&server, &revoked).await), (200, 401));
    let server = server.stop().await;

    std::fs::remove_dir_all(server.data()).unwrap();
    let before = key.lines().nth(1).unwrap();
    let restore = ["restore", &copy, "--data", &data];
    let ran = Ran::command(&restore, &[("TRUNKLINE_KEY", before)], "").await.is(0);
    assert!(ran.stdout.contains("2 in all"), "{ran:?}");
    let begin = server.again().token(TOKEN).env("TRUNKLINE_KEY", before);
    let server = begin.start().await;
    assert_eq!((status(&server, &token).await, status(&server, &revoked).await), (200, 200));
}
