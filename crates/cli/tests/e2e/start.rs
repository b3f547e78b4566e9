//! What a server wants before it starts, and what it says when it does not get it.
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

use std::{os::unix::fs::PermissionsExt, path::Path};

use serde_json::json;

use crate::harness::{Begin, Server};

async fn with_one_integration() -> Server {
    let server = Server::begin().start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": "https://h", "auth_type": "bearer", "auth_config": {"token": "t-123456"}})).await;
    server.stop().await
}

/// Every file of a folder with its content.
fn state(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let files = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = files
        .filter(|path| !path.ends_with("trunkline.lock"))
        .map(|path| (path.display().to_string(), std::fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

/// Starts where it must not, and must have left everything as it was.
async fn refuses(begin: &Begin, code: i32, words: &[&str]) {
    let before = state(&begin.data());
    let ran = begin.refused().await.is(code);
    for word in words {
        assert!(ran.stderr.contains(word), "{word}: {ran:?}");
    }
    assert!(ran.stdout.is_empty(), "{ran:?}");
    assert!(state(&begin.data()) == before, "files were changed");
}

#[tokio::test]
async fn one_data_directory_has_one_server() {
    let server = Server::begin().start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": "https://h"})).await;
    let ran = server.again().refused().await.is(1);
    assert!(ran.stderr.contains("another") && ran.stderr.contains("data"), "{ran:?}");
    server.get("/api/v1/integrations/a").await.is(200);
}

#[tokio::test]
async fn without_the_right_key_nothing_starts_and_nothing_changes() {
    let server = with_one_integration().await;
    let key = server.data().join("trunkline.key");
    let good = std::fs::read_to_string(&key).unwrap();
    let other = Server::begin().start().await.stop().await;
    let wrong = std::fs::read_to_string(other.data().join("trunkline.key")).unwrap();

    refuses(&server.again().env("TRUNKLINE_KEY", wrong.trim()), 2, &["key"]).await;
    refuses(&server.again().env("TRUNKLINE_KEY", "nonsense"), 2, &["key"]).await;
    refuses(&server.again().env("TRUNKLINE_KEY", &good.trim()[..20]), 2, &["key"]).await;
    let missing = server.home().join("no.key");
    refuses(&server.again().env("TRUNKLINE_KEY_FILE", missing.display().to_string()), 2, &["no.key"]).await;

    let mut open = std::fs::metadata(&key).unwrap().permissions();
    open.set_mode(0o644);
    std::fs::set_permissions(&key, open).unwrap();
    refuses(&server.again(), 2, &["chmod 600"]).await;
    std::fs::remove_file(&key).unwrap();
    refuses(&server.again(), 2, &["trunkline.key", "missing"]).await;

    let server = server.again().env("TRUNKLINE_KEY", good.trim()).start().await;
    server.get("/api/v1/integrations/a").await.is(200);
    assert!(!key.exists(), "a key that was given is not written down");
}

#[tokio::test]
async fn a_damaged_database_is_left_as_it_is() {
    let server = with_one_integration().await;
    let database = server.data().join("trunkline.db");
    let good = std::fs::read(&database).unwrap();
    let mut flipped = good.clone();
    flipped[0..4096].iter_mut().for_each(|byte| *byte ^= 0x55);
    for bad in [
        Vec::new(),
        vec![0; good.len()],
        good[..good.len() / 2].to_vec(),
        flipped,
        b"not a database".to_vec(),
    ] {
        std::fs::write(&database, bad).unwrap();
        refuses(&server.again(), 65, &["restore", "backup"]).await;
    }
    std::fs::write(&database, good).unwrap();
    server.again().start().await.get("/api/v1/integrations/a").await.is(200);
}

#[tokio::test]
async fn a_database_that_is_gone_while_its_key_is_there_is_a_new_beginning_and_a_key_is_kept() {
    let server = with_one_integration().await;
    let key = std::fs::read(server.data().join("trunkline.key")).unwrap();
    for name in ["trunkline.db", "trunkline.db-wal", "trunkline.db-shm"] {
        let _ = std::fs::remove_file(server.data().join(name));
    }
    let server = server.again().start().await;
    assert_eq!(server.get("/api/v1/integrations/list").await.json(), json!([]));
    assert_eq!(std::fs::read(server.data().join("trunkline.key")).unwrap(), key);
}

#[tokio::test]
async fn one_integration_that_no_longer_opens_is_kept_and_explained_and_the_others_work() {
    let begin = Server::begin();
    let file = begin.file("base.txt", "https://h");
    let server = begin.start().await;
    let base = format!("${{file:{}}}", file.display());
    server.has(&json!({"integration_id": "broken", "type": "rest", "base_url": base})).await;
    server.has(&json!({"integration_id": "good", "type": "rest", "base_url": "http://127.0.0.1:9"})).await;
    let server = server.stop().await;
    std::fs::remove_file(&file).unwrap();
    let server = server.again().start().await;
    let list = server.get("/api/v1/integrations/list").await.json();
    assert!(
        list[0]["error"].as_str().unwrap().contains("base.txt") && list[1].get("error").is_none(),
        "{list}"
    );
    let problem = server.call("broken", &json!({})).await.problem(422, "invalid_config");
    assert!(problem["detail"].as_str().unwrap().contains("base.txt"), "{problem}");
    server.call("good", &json!({})).await.problem(403, "blocked");
    assert!(server.cli(&["list"]).await.is(0).stdout.contains("broken  rest  broken"));
    assert!(server.log().contains("does not open"), "{}", server.log());
    let mended = json!({"base_url": "http://127.0.0.1:9"});
    server.json("PATCH", "/api/v1/integrations/broken", &mended).await.is(200);
    server.call("broken", &json!({})).await.problem(403, "blocked");
}

#[tokio::test]
async fn one_flipped_bit_in_what_is_sealed_takes_down_one_integration() {
    let server = Server::begin().start().await;
    for id in ["sound", "hurt-by-a-bit", "whole"] {
        server.has(&json!({"integration_id": id, "type": "rest", "base_url": "http://127.0.0.1:9", "auth_type": "bearer", "auth_config": {"token": "t-123456"}})).await;
    }
    let key = server.get("/api/v1/keys").await.json()[0]["id"].as_str().unwrap().to_owned();
    let server = server.stop().await;
    let database = server.data().join("trunkline.db");
    let mut bytes = std::fs::read(&database).unwrap();
    // An envelope begins with 0x01 0x01 and the id of its key, and stands behind the id of its row.
    let key: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&key[2 * n..2 * n + 2], 16).unwrap()).collect();
    let row = b"hurt-by-a-bit";
    let at = bytes.windows(row.len()).enumerate().filter(|(_, window)| window == row).find_map(|(at, _)| {
        let near = bytes.get(at..at + 64)?.windows(key.len()).position(|window| window == key)?;
        Some(at + near)
    });
    bytes[at.unwrap() + 150] ^= 1;
    std::fs::write(&database, bytes).unwrap();

    let server = server.again().start().await;
    let problem = server.call("hurt-by-a-bit", &json!({})).await.problem(503, "store_unavailable");
    assert!(problem["detail"].as_str().unwrap().contains("damaged"), "{problem}");
    for id in ["sound", "whole"] {
        server.call(id, &json!({})).await.problem(403, "blocked");
    }
    server.delete("/api/v1/integrations/hurt-by-a-bit").await.is(200);
}

#[tokio::test]
async fn files_of_the_server_are_its_owners_alone() {
    let server = with_one_integration().await;
    for entry in std::fs::read_dir(server.data()).unwrap() {
        let path = entry.unwrap().path();
        let mode = std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let secret = path.extension().is_some_and(|extension| extension == "key");
        assert!(if secret { mode == 0o600 } else { mode & 0o022 == 0 }, "{}: {mode:o}", path.display());
    }
}

/// The owner of a process's files in /proc is root where the process may not be looked into (proc(5)). For
/// that to say something the server runs as somebody else.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn other_processes_of_its_user_cannot_look_into_the_server_and_it_leaves_no_core() {
    use std::os::unix::fs::{MetadataExt, chown};

    const NOBODY: u32 = 65_534;
    let begin = Server::begin();
    let server = if rustix::process::geteuid().is_root() {
        let open = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o001 != 0;
        if !Path::new(env!("CARGO_BIN_EXE_trunkline")).ancestors().all(open) {
            return eprintln!("skipped: the program lies where root alone can run it");
        }
        chown(begin.home(), Some(NOBODY), Some(NOBODY)).unwrap();
        begin.user(NOBODY).start().await
    } else {
        begin.start().await
    };
    let process = format!("/proc/{}", server.pid());
    assert_ne!(std::fs::metadata(&process).unwrap().uid(), 0, "the process is not root's");
    for file in ["mem", "environ", "status"] {
        assert_eq!(std::fs::metadata(format!("{process}/{file}")).unwrap().uid(), 0, "{file}");
    }
    let limits = std::fs::read_to_string(format!("{process}/limits")).unwrap();
    let core = limits.lines().find_map(|line| line.strip_prefix("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().take(2).collect::<Vec<_>>(), ["0", "0"]);
}

#[tokio::test]
async fn an_address_that_is_taken_or_is_none_is_named() {
    let server = Server::begin().start().await;
    let taken = server.address.to_string();
    let ran = Server::begin().listen(&taken).refused().await.is(2);
    assert!(ran.stderr.contains(&taken) && ran.stderr.contains("--listen"), "{ran:?}");
    let ran = Server::begin().listen("nowhere").refused().await.is(2);
    assert!(ran.stderr.contains("--listen"), "{ran:?}");
}

#[tokio::test]
async fn a_store_that_cannot_be_made_is_named() {
    let begin = Server::begin();
    let file = begin.file("data", "a file where a folder should be");
    let ran = begin.refused().await;
    assert!(ran.code == 1 && ran.stderr.contains(&file.display().to_string()), "{ran:?}");
}

#[tokio::test]
async fn the_demo_works_with_no_network_and_says_how() {
    let mut server = Server::begin().arg("--demo").start().await;
    let mut told = String::new();
    while let Some(line) = server.line().await {
        told.push_str(&line);
        told.push('\n');
        if line.contains("curl") {
            break;
        }
    }
    assert!(told.contains("/docs") && told.contains("demo API"), "{told}");
    // Quoted: a shell would take the question mark for a pattern.
    let url = told.rsplit_once("curl '").unwrap().1.trim_end().strip_suffix('\'').unwrap();
    let path = url.split_once("/api/v1").unwrap().1;
    assert_eq!(server.get(&format!("/api/v1{path}")).await.is(200).json()["page"], 2);
    let list = server.get("/api/v1/integrations/list").await.json();
    assert!(list.as_array().unwrap().len() >= 5 && list[0]["source"] == "demo", "{list}");
    server.call("demo-contacts", &json!({"endpoint": "/contacts"})).await.is(200);
    server.call("demo-login", &json!({"endpoint": "/whoami"})).await.is(200);
    server.call("demo-wrong-key", &json!({"endpoint": "/orders"})).await.problem(502, "unauthenticated");
    let flaky = server.call("demo-flaky", &json!({"endpoint": "/flaky"})).await.is(200);
    assert_eq!(flaky.header("trunkline-attempts"), "2");
    server.delete("/api/v1/integrations/demo-flaky").await.problem(409, "conflict");
    for _ in 0..5 {
        server.call("demo-limited", &json!({"endpoint": "/limited"})).await.is(200);
    }
    // With more time it would be made again when the service said.
    let limited = server.call("demo-limited", &json!({"endpoint": "/limited", "timeout": 1})).await;
    assert!(!limited.header("retry-after").is_empty());
    limited.problem(429, "rate_limited");
}
