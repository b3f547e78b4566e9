//! A backup is one moment of a store in use, and a restore brings back all of it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use tempfile::TempDir;
use trunkline_core::{Kind, Result};
use trunkline_store::{
    KeySource, SqliteOptions, SqliteStore, Store as _, Stored, Tokens as _, Trouble, backup, restore,
};

/// The writer goes round these ids with ever larger numbers: at any one moment they hold consecutive ones.
const IDS: u32 = 8;

async fn open(dir: &Path) -> SqliteStore {
    SqliteStore::open(dir, SqliteOptions::default()).await.unwrap()
}

fn number(stored: &Stored) -> u32 {
    let document = stored.document.as_ref().unwrap();
    std::str::from_utf8(document).unwrap().split('-').next().unwrap().parse().unwrap()
}

/// Restores into a new directory that has the key of `from`.
async fn restored(file: &Path, from: &Path) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::copy(from.join("trunkline.key"), dir.path().join("trunkline.key")).unwrap();
    let backup = restore(file, dir.path(), &KeySource::DataDir).await.unwrap();
    assert!(backup.undecryptable.is_empty(), "{backup:?}");
    dir
}

/// A directory with one integration, closed, and a backup of it.
async fn backed_up() -> (TempDir, std::path::PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    store.put("a", None, b"document").await.unwrap();
    store.close().await;
    let file = dir.path().join("copy.db");
    backup(dir.path(), &file).await.unwrap();
    (dir, file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_one_moment_and_every_document_in_it_opens() {
    let dir = tempfile::tempdir().unwrap();
    let store = Arc::new(open(dir.path()).await);
    let (written, stop) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicBool::new(false)));
    let writer = tokio::spawn({
        let (store, written, stop) = (store.clone(), written.clone(), stop.clone());
        async move {
            let mut at = [None; IDS as usize];
            for number in 1_u32.. {
                let id = (number % IDS) as usize;
                let document = format!("{number}-{}", "x".repeat(number as usize * 997 % 20_000));
                at[id] = Some(store.put(&id.to_string(), at[id], document.as_bytes()).await.unwrap());
                written.store(number, Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) {
                    break;
                }
            }
        }
    });
    while written.load(Ordering::SeqCst) < IDS {
        tokio::task::yield_now().await;
    }
    let out = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let file = out.path().join(format!("{round}.db"));
        let before = written.load(Ordering::SeqCst);
        let made = backup(dir.path(), &file).await.unwrap();
        let after = written.load(Ordering::SeqCst) + 1;
        assert_eq!(made.integrations, IDS as usize);

        let dir = restored(&file, dir.path()).await;
        let store = open(dir.path()).await;
        let stored = store.load().await.unwrap();
        let mut numbers: Vec<u32> = stored.iter().map(number).collect();
        numbers.sort_unstable();
        let last = numbers[IDS as usize - 1];
        assert_eq!(numbers, (last + 1 - IDS..=last).collect::<Vec<_>>(), "not one moment");
        assert!((before..=after).contains(&last), "{last} is not between {before} and {after}");
        // Generations that were given out after the backup do not come back.
        let newest = store.put("new", None, b"document").await.unwrap();
        assert!(newest > u64::from(after));
        store.close().await;
    }
    assert!(written.load(Ordering::SeqCst) > IDS, "nothing was written meanwhile");
    stop.store(true, Ordering::SeqCst);
    writer.await.unwrap();
    store.close().await;
}

#[tokio::test]
async fn a_backup_holds_neither_the_key_nor_anything_in_clear_and_is_its_owners_alone() {
    let (dir, file) = backed_up().await;
    let key = fs::read_to_string(dir.path().join("trunkline.key")).unwrap();
    let bytes = fs::read(&file).unwrap();
    for secret in ["document", key.trim()] {
        assert!(!bytes.windows(secret.len()).any(|window| window == secret.as_bytes()));
    }
    assert!(bytes.windows(12).any(|window| window == b"integrations"), "this test finds nothing");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(&file).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn tokens_are_in_a_backup_and_it_is_said_how_many() {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path()).await;
    store.add("a", b"token").await.unwrap();
    store.add("b", b"token").await.unwrap();
    let file = dir.path().join("copy.db");
    assert_eq!(backup(dir.path(), &file).await.unwrap().tokens, 2);
    store.remove("a").await.unwrap();
    store.close().await;
    let other = restored(&file, dir.path()).await;
    let again = open(other.path()).await;
    let ids: Vec<_> = again.tokens().unwrap().list().await.unwrap().into_iter().map(|one| one.id).collect();
    assert_eq!(ids, ["a", "b"]);
}

#[tokio::test]
async fn a_backup_writes_over_nothing_and_leaves_nothing_behind() {
    let (dir, file) = backed_up().await;
    let before = fs::read(&file).unwrap();
    assert_eq!(backup(dir.path(), &file).await.unwrap_err().kind(), Kind::InvalidConfig);
    assert!(fs::read(&file).unwrap() == before);

    let empty = tempfile::tempdir().unwrap();
    backup(empty.path(), &empty.path().join("copy.db")).await.unwrap_err();
    assert_eq!(fs::read_dir(empty.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn a_damaged_database_is_not_backed_up() {
    let (dir, _) = backed_up().await;
    let database = dir.path().join("trunkline.db");
    let mut content = fs::read(&database).unwrap();
    content[4096..].fill(0x5a);
    fs::write(&database, content).unwrap();
    let copy = dir.path().join("other.db");
    backup(dir.path(), &copy).await.unwrap_err();
    let others = fs::read_dir(dir.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("other.db"));
    assert_eq!(others.count(), 0);
}

async fn refused(file: &Path, dir: &Path, key: KeySource) -> (Kind, Option<Trouble>) {
    let result: Result<_> = restore(file, dir, &key).await;
    let error = result.unwrap_err();
    let databases = fs::read_dir(dir)
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with("trunkline.db"));
    assert_eq!(databases.count(), 0, "{error}");
    (error.kind(), Trouble::of(&error))
}

#[tokio::test]
async fn a_restore_goes_into_an_empty_directory_alone() {
    let (dir, file) = backed_up().await;
    let database = fs::read(dir.path().join("trunkline.db")).unwrap();
    let error = restore(&file, dir.path(), &KeySource::DataDir).await.unwrap_err();
    assert_eq!(error.kind(), Kind::InvalidConfig);
    assert!(fs::read(dir.path().join("trunkline.db")).unwrap() == database, "what was there is there");

    let other = tempfile::tempdir().unwrap();
    fs::write(other.path().join("notes.txt"), "mine").unwrap();
    assert_eq!(refused(&file, other.path(), KeySource::DataDir).await, (Kind::InvalidConfig, None));
}

#[tokio::test]
async fn a_restore_wants_the_key_of_the_backup() {
    let (dir, file) = backed_up().await;
    let wrong = || KeySource::choose(Some("ab".repeat(32)), None);
    for key in [KeySource::DataDir, wrong()] {
        let other = tempfile::tempdir().unwrap();
        assert_eq!(refused(&file, other.path(), key).await, (Kind::InvalidConfig, Some(Trouble::Key)));
    }
    let dir = restored(&file, dir.path()).await;
    assert_eq!(open(dir.path()).await.load().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let (dir, file) = backed_up().await;
    let good = fs::read(&file).unwrap();
    for bad in [Vec::new(), good[..good.len() / 2].to_vec(), vec![0x5a; good.len()]] {
        fs::write(&file, bad).unwrap();
        let other = tempfile::tempdir().unwrap();
        fs::copy(dir.path().join("trunkline.key"), other.path().join("trunkline.key")).unwrap();
        assert_eq!(
            refused(&file, other.path(), KeySource::DataDir).await,
            (Kind::Store, Some(Trouble::Corrupt))
        );
    }
}
