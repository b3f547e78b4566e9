//! The master key is replaced and removed while the store is in use, and no key goes that something needs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tempfile::TempDir;
use trunkline_core::{Error, Kind};
use trunkline_store::{
    BegunCall, CallTerm, KeyId, KeySource, KeyUse, Keyring, Keys, Progress, Rotation, RotationState,
    SqliteOptions, SqliteStore, Store as _, Tokens as _, Trouble,
};

const TERM: CallTerm = CallTerm { now_ms: 0, until_ms: 1, most: 10 };

async fn open(dir: &Path, key: KeySource) -> SqliteStore {
    SqliteStore::open(dir, SqliteOptions { key, ..SqliteOptions::default() }).await.unwrap()
}

/// A store with three integrations, the record of a call and an API token, and the key that it has made.
async fn filled() -> (TempDir, SqliteStore, KeyId) {
    let dir = tempfile::tempdir().unwrap();
    let store = open(dir.path(), KeySource::DataDir).await;
    for id in ["a", "b", "c"] {
        store.put(id, None, id.as_bytes()).await.unwrap();
    }
    store.begin_call("k", b"begun", TERM).await.unwrap();
    store.add("t", b"token").await.unwrap();
    let id = ring(&file(dir.path())).primary().id();
    (dir, store, id)
}

fn file(dir: &Path) -> PathBuf {
    dir.join("trunkline.key")
}

fn ring(file: &Path) -> Keyring {
    Keyring::parse(&fs::read_to_string(file).unwrap()).unwrap()
}

fn keys(store: &SqliteStore) -> &dyn Keys {
    store.keys().unwrap()
}

/// All that `filled` has stored is there.
async fn is_whole(store: &SqliteStore) {
    let stored = store.load().await.unwrap();
    let held: Vec<_> = stored.iter().map(|one| one.document.as_ref().unwrap().to_vec()).collect();
    assert_eq!(held, [b"a", b"b", b"c"]);
    let BegunCall::Before(call) = store.begin_call("k", b"other", TERM).await.unwrap() else {
        panic!("begun anew")
    };
    assert_eq!(**call.document.as_ref().unwrap(), *b"begun");
    let tokens = store.tokens().unwrap().list().await.unwrap();
    assert_eq!(**tokens[0].document.as_ref().unwrap(), *b"token");
}

async fn refused(store: &SqliteStore, id: KeyId, kind: Kind) -> Error {
    let error = keys(store).remove(id).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    error
}

#[tokio::test]
async fn a_new_key_takes_over_while_the_store_is_in_use_and_the_old_one_goes() {
    let (dir, store, old) = filled().await;
    let used = |id, primary, envelopes| KeyUse { id, primary, given: true, envelopes };
    assert_eq!(keys(&store).list().await.unwrap(), [used(old, true, 5)]);
    refused(&store, old, Kind::Conflict).await;

    let done = keys(&store).rotate().await.unwrap();
    assert_eq!((done.older, done.rewrapped, done.left), (vec![old], 5, 0));
    let new = done.primary;
    assert_eq!(keys(&store).list().await.unwrap(), [used(new, true, 5), used(old, false, 0)]);
    assert_eq!(ring(&file(dir.path())).keys().map(|key| key.id()).collect::<Vec<_>>(), [new, old]);
    is_whole(&store).await;

    keys(&store).remove(old).await.unwrap();
    assert_eq!(keys(&store).list().await.unwrap(), [used(new, true, 5)]);
    refused(&store, old, Kind::InvalidConfig).await;
    is_whole(&store).await;
    store.close().await;
    assert_eq!(ring(&file(dir.path())).keys().map(|key| key.id()).collect::<Vec<_>>(), [new]);
    is_whole(&open(dir.path(), KeySource::DataDir).await).await;
}

#[cfg(unix)]
#[tokio::test]
async fn the_key_file_stays_its_owners_alone_and_a_link_to_it_stays_a_link() {
    use std::os::unix::fs::PermissionsExt as _;
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (link, real) = (dir.path().join("link.key"), elsewhere.path().join("real.key"));
    fs::write(&real, "11".repeat(32)).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&real, &link).unwrap();
    let store = open(&dir.path().join("data"), KeySource::File(link.clone())).await;
    let new = keys(&store).rotate().await.unwrap().primary;
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(ring(&real).primary().id(), new);
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o7777, 0o600);
    assert_eq!(fs::read_dir(elsewhere.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[tokio::test]
async fn a_key_that_is_given_by_value_is_replaced_by_hand_and_it_is_said_how() {
    let (old, new) = ("11".repeat(32), "22".repeat(32));
    let dir = tempfile::tempdir().unwrap();
    let given = |value: &str| KeySource::choose(Some(value.to_owned()), None);
    let store = open(dir.path(), given(&old)).await;
    store.put("a", None, b"a").await.unwrap();
    let error = keys(&store).rotate().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.message().contains("TRUNKLINE_KEY") && error.message().contains("start again"), "{error}");
    store.close().await;

    let store = open(dir.path(), given(&format!("{new} {old}"))).await;
    let old = Keyring::parse(&old).unwrap().primary().id();
    assert_eq!(keys(&store).list().await.unwrap()[1].envelopes, 0);
    let error = refused(&store, old, Kind::Unsupported).await;
    assert!(error.message().contains("take it out of TRUNKLINE_KEY"), "{error}");
}

#[tokio::test]
async fn a_key_that_somebody_puts_in_front_of_the_file_is_taken() {
    let (dir, store, old) = filled().await;
    let file = file(dir.path());
    let by_hand = "22".repeat(32);
    let before = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{by_hand}\n{before}")).unwrap();
    let done = keys(&store).rotate().await.unwrap();
    assert_eq!((done.primary, done.rewrapped), (Keyring::parse(&by_hand).unwrap().primary().id(), 5));

    // And taken out by hand.
    fs::write(&file, &by_hand).unwrap();
    keys(&store).remove(old).await.unwrap();
    is_whole(&store).await;
}

#[tokio::test]
async fn a_file_that_has_lost_a_key_is_not_written_over() {
    let (dir, store, old) = filled().await;
    fs::write(file(dir.path()), "22".repeat(32)).unwrap();
    let error = keys(&store).rotate().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(error.message().contains(&old.to_string()), "{error}");
    assert_eq!(fs::read_to_string(file(dir.path())).unwrap(), "22".repeat(32));
    is_whole(&store).await;
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_cannot_be_written_changes_nothing_and_it_is_said_what_to_do() {
    let (dir, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let path = elsewhere.path().join("mounted.key");
    fs::write(&path, "11".repeat(32)).unwrap();
    std::process::Command::new("chmod").args(["600"]).arg(&path).status().unwrap();
    let store = open(dir.path(), KeySource::File(path.clone())).await;
    let old = ring(&path).primary().id();
    store.put("a", None, b"a").await.unwrap();
    // A folder in the way of the file that would be renamed: also root cannot write it.
    fs::create_dir(elsewhere.path().join("mounted.key.new")).unwrap();
    let error = keys(&store).rotate().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.message().contains("mounted.key") && error.message().contains("rotate again"), "{error}");
    assert_eq!(ring(&path).keys().map(|key| key.id()).collect::<Vec<_>>(), [old]);
    assert_eq!(
        keys(&store).list().await.unwrap()[0],
        KeyUse { id: old, primary: true, given: true, envelopes: 1 }
    );
}

#[tokio::test]
async fn one_rotation_at_a_time() {
    let (_dir, store, _) = filled().await;
    let (first, second) = tokio::join!(keys(&store).rotate(), keys(&store).rotate());
    first.unwrap();
    assert_eq!(second.unwrap_err().kind(), Kind::Conflict);
    keys(&store).rotate().await.unwrap();
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_is_ended_by_the_next_and_not_begun_anew() {
    let (dir, store, _) = filled().await;
    let mut ended = 0;
    for round in 0..60_u32 {
        // Polled a few times, then dropped: each round leaves at another point.
        let mut rotation = keys(&store).rotate();
        let mut polls = 0;
        std::future::poll_fn(|cx| {
            polls += 1;
            let ready = rotation.as_mut().poll(cx).is_ready();
            if ready || polls > round / 4 { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
        drop(rotation);
        let before = ring(&file(dir.path())).keys().count();
        is_whole(&store).await;
        let done = keys(&store).rotate().await.unwrap();
        ended += u32::from(ring(&file(dir.path())).keys().count() == before);
        is_whole(&store).await;
        for old in done.older {
            keys(&store).remove(old).await.unwrap();
        }
    }
    assert!(ended > 5, "{ended}");
}

/// Polls a rotation until its state is one of those that are waited for.
async fn until(
    store: &SqliteStore,
    rotation: &mut (impl Future<Output = Result<Rotation, Error>> + Unpin),
    wanted: impl Fn(RotationState) -> bool,
) {
    tokio::select! {
        biased;
        done = rotation => panic!("it has ended: {done:?}"),
        () = async {
            while !wanted(keys(store).rotation().await.unwrap()) {
                tokio::task::yield_now().await;
            }
        } => {}
    }
}

#[tokio::test]
async fn a_rotation_that_is_stopped_leaves_both_keys_good_and_the_next_one_goes_on() {
    let (dir, store, old) = filled().await;
    for n in 0..195 {
        store.add(&format!("t{n}"), b"token").await.unwrap();
    }
    assert_eq!(keys(&store).rotation().await.unwrap(), RotationState::Done);
    let mut rotation = keys(&store).rotate();
    let some = |state| matches!(state, RotationState::Running(Progress { moved: 1.., of: 200 }));
    until(&store, &mut rotation, some).await;
    keys(&store).stop();
    let stopping = |state| matches!(state, RotationState::Stopping(_));
    until(&store, &mut rotation, stopping).await;
    let done = rotation.await.unwrap();
    assert!(done.stopped && done.left == 0 && (1..200).contains(&done.rewrapped), "{done:?}");
    assert_eq!(keys(&store).rotation().await.unwrap(), RotationState::Unfinished);
    let used = |id, primary, envelopes| KeyUse { id, primary, given: true, envelopes };
    let listed = keys(&store).list().await.unwrap();
    assert_eq!(listed, [used(done.primary, true, done.rewrapped), used(old, false, 200 - done.rewrapped)]);
    refused(&store, old, Kind::Conflict).await;
    assert_eq!(store.load().await.unwrap().iter().filter(|one| one.document.is_ok()).count(), 3);

    // What is stopped where nothing is under way stays for nobody.
    keys(&store).stop();
    let again = keys(&store).rotate().await.unwrap();
    assert_eq!((again.primary, again.rewrapped, again.stopped), (done.primary, 200 - done.rewrapped, false));
    assert_eq!(keys(&store).rotation().await.unwrap(), RotationState::Done);
    keys(&store).remove(old).await.unwrap();
    store.close().await;
    assert_eq!(open(dir.path(), KeySource::DataDir).await.tokens().unwrap().list().await.unwrap().len(), 196);
}

#[tokio::test]
async fn a_start_ends_what_was_stopped() {
    let (dir, store, old) = filled().await;
    let mut rotation = keys(&store).rotate();
    until(&store, &mut rotation, |state| matches!(state, RotationState::Running(_))).await;
    keys(&store).stop();
    assert!(rotation.await.unwrap().stopped);
    store.close().await;
    let store = open(dir.path(), KeySource::DataDir).await;
    assert_eq!(keys(&store).rotation().await.unwrap(), RotationState::Done);
    is_whole(&store).await;
    keys(&store).remove(old).await.unwrap();
}

#[tokio::test]
async fn a_rotation_waits_while_another_program_holds_the_database_and_can_be_stopped_meanwhile() {
    let (dir, store, old) = filled().await;
    let mut other = raw(dir.path()).await;
    sqlx::query("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();
    let mut rotation = keys(&store).rotate();
    let began = |state| state == RotationState::Running(Progress { moved: 0, of: 5 });
    until(&store, &mut rotation, began).await;
    // For longer than SQLite waits by itself.
    tokio::time::timeout(Duration::from_secs(6), &mut rotation).await.unwrap_err();
    keys(&store).stop();
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    let done = rotation.await.unwrap();
    assert!(done.stopped, "{done:?}");
    assert_eq!(keys(&store).rotate().await.unwrap().rewrapped, 5 - done.rewrapped);
    is_whole(&store).await;
    keys(&store).remove(old).await.unwrap();
}

/// A connection of somebody else's to the database.
async fn raw(dir: &Path) -> sqlx::SqliteConnection {
    use sqlx::ConnectOptions as _;
    sqlx::sqlite::SqliteConnectOptions::new().filename(dir.join("trunkline.db")).connect().await.unwrap()
}

#[tokio::test]
async fn what_is_damaged_stays_and_keeps_its_key_until_it_is_gone() {
    let (dir, store, old) = filled().await;
    let wrapped = "UPDATE integrations SET sealed = CAST(substr(sealed, 1, 60) || zeroblob(4) || substr(sealed, 65) AS BLOB) WHERE id = 'b'";
    sqlx::query(wrapped).execute(&mut raw(dir.path()).await).await.unwrap();
    let done = keys(&store).rotate().await.unwrap();
    assert_eq!((done.rewrapped, done.left), (4, 1));
    let error = refused(&store, old, Kind::Conflict).await;
    assert!(error.message().contains("1 envelope"), "{error}");
    store.delete("b", None).await.unwrap();
    keys(&store).remove(old).await.unwrap();
    assert_eq!(store.load().await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_start_without_the_key_of_an_unfinished_rotation_is_refused_and_changes_nothing() {
    let (dir, store, old) = filled().await;
    let (database, before) = (dir.path().join("trunkline.db"), fs::read_to_string(file(dir.path())).unwrap());
    // As a kill leaves it that comes before the key check record is moved, which is the last.
    let check = "SELECT sealed FROM key_check";
    let check: Vec<u8> = sqlx::query_scalar(check).fetch_one(&mut raw(dir.path()).await).await.unwrap();
    let new = keys(&store).rotate().await.unwrap().primary;
    store.close().await;
    let mut connection = raw(dir.path()).await;
    sqlx::query("UPDATE key_check SET sealed = ?1").bind(check).execute(&mut connection).await.unwrap();
    sqlx::Connection::close(connection).await.unwrap();

    let both = fs::read_to_string(file(dir.path())).unwrap();
    let bytes = fs::read(&database).unwrap();
    for (lacking, wanted) in [(before, new), (both.lines().next().unwrap().to_owned(), old)] {
        fs::write(file(dir.path()), lacking).unwrap();
        let error = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap_err();
        assert_eq!(Trouble::of(&error), Some(Trouble::Key));
        assert!(error.message().contains(&wanted.to_string()), "{error}");
        assert!(fs::read(&database).unwrap() == bytes, "something was written");
    }
    fs::write(file(dir.path()), both).unwrap();
    let store = open(dir.path(), KeySource::DataDir).await;
    is_whole(&store).await;
    keys(&store).remove(old).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_under_load_loses_nothing_and_all_of_it_opens_without_the_old_keys() {
    let (dir, store, _) = filled().await;
    let store = Arc::new(store);
    let writers: Vec<_> = (0..3)
        .map(|writer| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..60 {
                    let id = format!("w{writer}-{n}");
                    let at = store.put(&id, None, id.as_bytes()).await.unwrap();
                    if n % 3 == 0 {
                        store.put(&id, Some(at), format!("{id} again").as_bytes()).await.unwrap();
                    }
                    assert!(store.load().await.unwrap().iter().all(|one| one.document.is_ok()));
                }
            })
        })
        .collect();
    let mut rotations = 0;
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        let done = keys(&store).rotate().await.unwrap();
        assert_eq!(done.left, 0);
        for old in done.older {
            keys(&store).remove(old).await.unwrap();
        }
        rotations += 1;
    }
    for writer in writers {
        writer.await.unwrap();
    }
    assert!(rotations > 3, "{rotations}");
    store.close().await;
    assert_eq!(ring(&file(dir.path())).keys().count(), 1);
    let store = open(dir.path(), KeySource::DataDir).await;
    let stored = store.load().await.unwrap();
    assert_eq!(stored.len(), 3 + 3 * 60);
    for one in stored.iter().filter(|one| one.id.starts_with('w')) {
        let n: u32 = one.id.rsplit_once('-').unwrap().1.parse().unwrap();
        let wanted = if n.is_multiple_of(3) { format!("{} again", one.id) } else { one.id.clone() };
        assert_eq!(**one.document.as_ref().unwrap(), *wanted.as_bytes());
    }
}
