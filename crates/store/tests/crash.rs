//! SIGKILL at random moments: what was acknowledged is there, what was deleted stays deleted, and a
//! change of the master key leaves nothing that does not open.
//!
//! The child is this test binary again, running the test `child` with [`DIR`] set. It prints a line before
//! each write (`>`) and one after it was acknowledged (`<`); a line in the pipe outlives the process.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use sqlx::{ConnectOptions as _, Connection as _};
use trunkline_store::{KeySource, SqliteOptions, SqliteStore, Store as _};

const DIR: &str = "TRUNKLINE_STORE_TEST_DIR";
const ROLE: &str = "TRUNKLINE_STORE_TEST_ROLE";

const KILLS: u32 = 25;
const IDS: u32 = 6;

fn random(below: u32) -> u32 {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes).unwrap();
    u32::from_le_bytes(bytes) % below
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes()).unwrap();
    out.flush().unwrap();
}

async fn open(dir: &Path, key: &str) -> SqliteStore {
    let options =
        SqliteOptions { key: KeySource::choose(Some(key.to_owned()), None), ..SqliteOptions::default() };
    SqliteStore::open(dir, options).await.unwrap()
}

/// The `number`th master key.
fn key(number: u32) -> String {
    format!("{number:064x}")
}

#[tokio::test]
async fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    match std::env::var(ROLE).unwrap().split_once(' ').unwrap() {
        ("write", _) => write(Path::new(&dir)).await,
        ("start", from) => start(Path::new(&dir), from.parse().unwrap()).await,
        ("rotate", _) => rotate(Path::new(&dir)).await,
        role => panic!("{role:?}"),
    }
}

/// Puts and deletes until it is killed. A document is a number that never returns, with some weight.
async fn write(dir: &Path) {
    let store = open(dir, &key(0)).await;
    let stored = store.load().await.unwrap().into_iter();
    let mut generations: BTreeMap<String, u64> = stored.map(|one| (one.id, one.generation)).collect();
    loop {
        let id = random(IDS).to_string();
        let at = generations.get(&id).copied();
        if at.is_some() && random(3) == 0 {
            say(&format!("> {id} gone"));
            store.delete(&id, at).await.unwrap();
            generations.remove(&id);
            say(&format!("< {id} gone"));
        } else {
            let value = format!("{}-{}", random(u32::MAX), "x".repeat(random(9000) as usize));
            say(&format!("> {id} {value}"));
            generations.insert(id.clone(), store.put(&id, at, value.as_bytes()).await.unwrap());
            say(&format!("< {id} {value}"));
        }
    }
}

/// Replaces the master key by starting again and again until it is killed.
async fn start(dir: &Path, from: u32) {
    for number in from.. {
        say(&format!("> {}", number + 1));
        let store = open(dir, &format!("{} {}", key(number + 1), key(number))).await;
        say(&format!("< {}", number + 1));
        store.close().await;
    }
}

/// Replaces and removes master keys while it writes numbered documents, until it is killed.
async fn rotate(dir: &Path) {
    let store = SqliteStore::open(dir, SqliteOptions::default()).await.unwrap();
    let keys = store.keys().unwrap();
    let rotate = async {
        loop {
            say("> rotate");
            let done = keys.rotate().await.unwrap();
            assert_eq!(done.left, 0);
            for old in done.older {
                say("> remove");
                keys.remove(old).await.unwrap();
            }
        }
    };
    let write = async {
        for number in 0_u32.. {
            store.put(&format!("w{number}"), None, number.to_string().as_bytes()).await.unwrap();
            say(&format!("< {number}"));
        }
    };
    tokio::join!(rotate, write);
}

/// Runs a child, kills it after it has printed `lines` lines, and returns everything that it printed.
fn run_and_kill(dir: &Path, role: &str, lines: u32) -> Vec<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(ROLE, role)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(child.stdout.take().unwrap())
        .split(b'\n')
        .map(|line| String::from_utf8(line.unwrap()).unwrap());
    let ours = |line: &String| line.starts_with("> ") || line.starts_with("< ");
    let mut said: Vec<String> = out.by_ref().filter(ours).take(lines as usize).collect();
    assert_eq!(said.len(), lines as usize, "the child ended by itself");
    // Anywhere in what comes next, not right at a line.
    (0..random(200_000)).for_each(|_| std::hint::spin_loop());
    child.kill().unwrap(); // SIGKILL
    child.wait().unwrap();
    said.extend(out.filter(ours));
    said
}

#[tokio::test]
async fn after_a_kill_everything_acknowledged_is_there_and_nothing_deleted_returns() {
    let dir = tempfile::tempdir().unwrap();
    // Each id's acknowledged value; `gone` and missing are the same.
    let mut acknowledged: BTreeMap<String, String> = BTreeMap::new();
    let mut seen = BTreeSet::new();
    for kill in 0..KILLS {
        let said = run_and_kill(dir.path(), "write -", 1 + random(60));
        let mut pending = None;
        for line in &said {
            let (id, value) = line[2..].split_once(' ').unwrap();
            if line.starts_with('<') {
                acknowledged.insert(id.to_owned(), value.to_owned());
                pending = None;
            } else {
                pending = Some((id.to_owned(), value.to_owned()));
            }
        }
        let store = open(dir.path(), &key(0)).await;
        let mut found: BTreeMap<String, String> = BTreeMap::new();
        for stored in store.load().await.unwrap() {
            let value = String::from_utf8(stored.document.unwrap().to_vec()).unwrap();
            assert!(stored.generation > 0);
            found.insert(stored.id, value);
        }
        for id in (0..IDS).map(|id| id.to_string()) {
            let gone = || "gone".to_owned();
            let value = found.get(&id).cloned().unwrap_or_else(gone);
            let wanted = acknowledged.get(&id).cloned().unwrap_or_else(gone);
            // The write that the kill interrupted may have arrived or not.
            let may_be = pending.as_ref().is_some_and(|(pending, new)| *pending == id && *new == value);
            assert!(value == wanted || may_be, "kill {kill}, id {id}: {value:.20} instead of {wanted:.20}");
            acknowledged.insert(id, value);
        }
        // Generations go on growing over every kill.
        let at = store.put("probe", None, b"probe").await.unwrap();
        assert!(seen.insert(at) && seen.last() == Some(&at), "generation {at} returned");
        store.delete("probe", None).await.unwrap();
        store.close().await;
    }
}

#[tokio::test]
async fn after_a_kill_in_a_start_that_changes_the_key_everything_opens() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), &key(0)).await;
    for id in 0..40 {
        store.put(&id.to_string(), None, b"document").await.unwrap();
    }
    store.close().await;
    let mut from = 0;
    for kill in 0..10 {
        let said = run_and_kill(dir.path(), &format!("start {from}"), 1 + random(8));
        let last: u32 = said.last().unwrap()[2..].parse().unwrap();
        // The change that was interrupted has happened or not; both keys together open either.
        let store = open(dir.path(), &format!("{} {}", key(last), key(last - 1))).await;
        let stored = store.load().await.unwrap();
        assert_eq!(stored.len(), 40);
        assert!(stored.iter().all(|one| one.document.is_ok()), "kill {kill}: {stored:?}");
        store.close().await;
        from = last;
    }
    let store = open(dir.path(), &key(from)).await;
    assert!(store.load().await.unwrap().iter().all(|one| one.document.is_ok()));
}

async fn raw(dir: &Path) -> sqlx::SqliteConnection {
    let database = sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("trunkline.db"));
    database.connect().await.unwrap()
}

/// How many keys the envelopes in a directory are sealed with, as a kill has left them.
async fn keys_in_use(dir: &Path) -> i64 {
    let mut connection = raw(dir).await;
    let sql = "SELECT count(DISTINCT substr(sealed, 3, 16)) FROM (SELECT sealed FROM integrations UNION ALL SELECT sealed FROM key_check)";
    let count = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

#[tokio::test]
async fn after_a_kill_in_a_rotation_everything_opens_and_the_start_ends_it() {
    const DOCUMENTS: usize = 100;
    let dir = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
    for id in 0..DOCUMENTS {
        store.put(&id.to_string(), None, b"document").await.unwrap();
    }
    store.close().await;
    let mut halfway = 0;
    for kill in 0..100 {
        let said = run_and_kill(dir.path(), "rotate -", 1 + random(8));
        halfway += u32::from(keys_in_use(dir.path()).await > 1);
        let mut acknowledged = said.iter().filter_map(|line| line.strip_prefix("< "));
        let acknowledged = acknowledged.next_back().map_or(0, |last| last.parse::<usize>().unwrap() + 1);

        let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
        let stored = store.load().await.unwrap();
        assert!(stored.iter().all(|one| one.document.is_ok()), "kill {kill}: {stored:?}");
        // The write that the kill interrupted may have arrived or not.
        let found = stored.len() - DOCUMENTS;
        assert!(found == acknowledged || found == acknowledged + 1, "kill {kill}: {found} of {acknowledged}");
        let keys = store.keys().unwrap().list().await.unwrap();
        assert!(
            keys.iter().all(|key| key.given && (key.primary || key.envelopes == 0)),
            "kill {kill}: {keys:?}"
        );
        for old in keys.iter().filter(|key| !key.primary) {
            store.keys().unwrap().remove(old.id).await.unwrap();
        }
        store.close().await;
        let mut connection = raw(dir.path()).await;
        sqlx::query("DELETE FROM integrations WHERE id LIKE 'w%'").execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
    assert!(halfway >= 10, "{halfway} kills came in the middle of a rotation");
}
