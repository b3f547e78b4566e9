//! Loss of power at random moments: everything acknowledged is there, and the store opens.
//!
//! A kill (`crash.rs`) loses nothing that was written, so it cannot tell whether anything was ever
//! synchronised. Here a child is traced while it fills a store: each write, truncation, renaming and fsync,
//! and each line by which it acknowledges a write, in their order. That record is replayed up to random
//! points onto a model of a disk (`disk.rs`) which keeps what was synchronised and, of the rest, any
//! sectors: lost, torn, out of order. The store must open on what is left.
//!
//! So this depends on the very claim: a write that is answered before its fsync is lost here. With
//! `synchronous=NORMAL` in `connect.rs` the test fails.
//!
//! `TRUNKLINE_TEST_CRASHES` is the number of failures (200 before a release), `TRUNKLINE_TEST_SEED` repeats
//! those of a run that failed.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stderr, reason = "a test that is skipped says so")]

mod disk;
mod trace;

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
};

use disk::Disk;
use fastrand::Rng;
use nix::unistd::Pid;
use tempfile::TempDir;
use trace::{Event, record, seize};
use trunkline_store::{SqliteOptions, SqliteStore, Store as _};

const DIR: &str = "TRUNKLINE_STORE_TEST_DIR";
const SEED: &str = "TRUNKLINE_TEST_SEED";
const CRASHES: &str = "TRUNKLINE_TEST_CRASHES";

/// Writes between two starts. Enough for the log to be merged and begun anew in between.
const WRITES: u32 = 150;
const IDS: u32 = 6;

async fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, SqliteOptions::default()).await.unwrap()
}

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().unwrap())
}

/// A directory in memory where there is such a thing: what counts is that fsync is called, not what it does.
fn tempdir() -> TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

/// The document that belongs to a number.
fn document(number: u32) -> Vec<u8> {
    let mut document = format!("{number}-").into_bytes();
    document.resize(document.len() + number as usize % 90_000, b'x');
    document
}

/// A line of its own, in one write.
fn say(line: &str) {
    std::io::stdout().lock().write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// Waits for a sign, then makes a store, fills it, starts again and goes on, and ends without closing it.
#[tokio::test]
async fn child() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let mut rng = Rng::with_seed(number(SEED).unwrap());
    say("ready");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    for start in 0..2 {
        let store = open(Path::new(&dir)).await;
        let stored = store.load().await.unwrap().into_iter();
        let mut at: BTreeMap<String, u64> = stored.map(|one| (one.id, one.generation)).collect();
        for _ in 0..WRITES {
            let id = rng.u32(..IDS).to_string();
            let expected = at.get(&id).copied();
            if expected.is_some() && rng.u32(..4) == 0 {
                say(&format!("> {id} gone"));
                store.delete(&id, expected).await.unwrap();
                at.remove(&id);
                say(&format!("< {id} gone"));
            } else {
                let number = rng.u32(..);
                say(&format!("> {id} {number}"));
                at.insert(id.clone(), store.put(&id, expected, &document(number)).await.unwrap());
                say(&format!("< {id} {number}"));
            }
        }
        if start == 0 {
            store.close().await;
        } else {
            std::process::exit(0);
        }
    }
}

/// Runs the child and gives what it did, or nothing where tracing is not allowed.
#[expect(clippy::zombie_processes, reason = "who traces it waits for it")]
fn recorded(seed: u64) -> Option<Vec<Event>> {
    let dir = tempdir();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(DIR, dir.path())
        .env(SEED, seed.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(|line| line.unwrap());
    said.find(|line| line.ends_with("ready")).unwrap(); // behind the name of the test
    let process = Pid::from_raw(child.id().cast_signed());
    if let Err(error) = seize(process) {
        eprintln!("skipped: tracing is not allowed here: {error}");
        child.kill().unwrap();
        child.wait().unwrap();
        return None;
    }
    // What it says is in the record; the pipe must not fill up.
    let drain = std::thread::spawn(move || said.for_each(drop));
    child.stdin.take().unwrap().write_all(b"go\n").unwrap();
    let events = record(process, dir.path());
    drain.join().unwrap();
    Some(events)
}

#[tokio::test]
async fn after_a_loss_of_power_everything_acknowledged_is_there_and_the_store_opens() {
    let seed = number(SEED).unwrap_or_else(|| fastrand::u64(..));
    let crashes = number(CRASHES).map_or(50, |number| usize::try_from(number).unwrap());
    let Some(events) = recorded(seed) else { return };
    let mut rng = Rng::with_seed(seed);
    // One in five while the store is being made, which is a small part of the record.
    let made = events.iter().position(|event| matches!(event, Event::Said(said) if said.starts_with('>')));
    let ends = [made.unwrap(), events.len(), events.len(), events.len(), events.len()];
    let mut points: Vec<_> = ends.iter().cycle().take(crashes).map(|end| rng.usize(..=*end)).collect();
    points.sort_unstable();
    let mut disk = Disk::default();
    let mut acknowledged: BTreeMap<&str, &str> = BTreeMap::new();
    let mut begun = None;
    let mut done = 0;
    for point in points {
        for event in &events[done..point] {
            disk.apply(event);
            let Event::Said(said) = event else { continue };
            match said.trim_end().split_once(' ').and_then(|(sign, rest)| Some((sign, rest.split_once(' ')?)))
            {
                Some((">", write)) => begun = Some(write),
                Some(("<", write)) => {
                    acknowledged.insert(write.0, write.1);
                    begun = None;
                }
                _ => {}
            }
        }
        done = point;
        let dir = tempdir();
        disk.fail(&mut rng, dir.path());
        let context = format!("{SEED}={seed}, after {point} of {} events", events.len());
        holds(dir.path(), &acknowledged, begun, &context).await;
    }
}

/// The store opens with what was acknowledged, and can be written to.
async fn holds(dir: &Path, acknowledged: &BTreeMap<&str, &str>, begun: Option<(&str, &str)>, context: &str) {
    let store = SqliteStore::open(dir, SqliteOptions::default()).await;
    let store = store.unwrap_or_else(|error| panic!("{context}: {error}"));
    let mut found: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for stored in store.load().await.unwrap() {
        let document = stored.document.unwrap_or_else(|error| panic!("{context}: {error}"));
        found.insert(stored.id, document.to_vec());
    }
    for id in (0..IDS).map(|id| id.to_string()) {
        let is = |value: &str| match found.get(&id) {
            None => value == "gone",
            Some(found) => value.parse().is_ok_and(|number| *found == document(number)),
        };
        let wanted = acknowledged.get(&*id).copied().unwrap_or("gone");
        // The write that was under way may have arrived or not.
        let may_be = begun.is_some_and(|(begun, value)| begun == id && is(value));
        assert!(is(wanted) || may_be, "{context}: {id} is not {wanted}");
    }
    store.put("another", None, b"document").await.unwrap_or_else(|error| panic!("{context}: {error}"));
    store.close().await;
}
