//! What the store in a data directory adds to the contract: durability, refusals that leave every byte
//! alone, one process, and nothing in clear.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod calls;
mod marks;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};
use tempfile::TempDir;
use trunkline_core::{Error, Kind, Result};
use trunkline_store::{
    BegunCall, CallTerm, KeySource, Keyring, SqliteOptions, SqliteStore, Store as _, Trouble,
};

fn dir() -> TempDir {
    tempfile::tempdir().unwrap()
}

async fn open(dir: &Path) -> Result<SqliteStore> {
    SqliteStore::open(dir, SqliteOptions::default()).await
}

async fn open_with(dir: &Path, key: &str) -> Result<SqliteStore> {
    let options =
        SqliteOptions { key: KeySource::choose(Some(key.to_owned()), None), ..SqliteOptions::default() };
    SqliteStore::open(dir, options).await
}

/// A directory with the integrations `a`, `b` and `c`, closed.
async fn filled() -> TempDir {
    let dir = dir();
    let store = open(dir.path()).await.unwrap();
    for id in ["a", "b", "c"] {
        store.put(id, None, format!("document of {id}").as_bytes()).await.unwrap();
    }
    store.close().await;
    dir
}

/// The same, as a kill leaves it: the writes are in the log alone.
async fn filled_and_killed() -> TempDir {
    let (from, to) = (dir(), dir());
    let store = open(from.path()).await.unwrap();
    for id in ["a", "b", "c"] {
        store.put(id, None, format!("document of {id}").as_bytes()).await.unwrap();
    }
    for name in ["trunkline.db", "trunkline.db-wal", "trunkline.key"] {
        fs::copy(from.path().join(name), to.path().join(name)).unwrap();
    }
    assert!(fs::metadata(to.path().join("trunkline.db-wal")).unwrap().len() > 0);
    to
}

async fn ids(dir: &Path) -> Vec<String> {
    let store = open(dir).await.unwrap();
    let stored = store.load().await.unwrap();
    store.close().await;
    stored.into_iter().map(|one| one.document.map(|_| one.id).unwrap()).collect()
}

/// Every byte of the directory but the lock and the shared memory of SQLite, which hold no data.
fn bytes(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let files = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    let data =
        files.filter(|path| !path.to_string_lossy().ends_with("-shm") && !path.ends_with("trunkline.lock"));
    data.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// Opening is refused for `trouble`, and nothing is changed.
async fn refused(dir: &Path, options: SqliteOptions, trouble: Trouble) -> Error {
    let before = bytes(dir);
    let error = SqliteStore::open(dir, options).await.unwrap_err();
    assert_eq!(Trouble::of(&error), Some(trouble), "{error}");
    assert!(bytes(dir) == before, "something was written before: {error}");
    error
}

async fn raw(dir: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(dir.join("trunkline.db")).connect().await.unwrap()
}

#[tokio::test]
async fn what_was_stored_is_there_after_a_restart_and_generations_go_on() {
    let dir = dir();
    let store = open(dir.path()).await.unwrap();
    let first = store.put("a", None, b"1").await.unwrap();
    store.append_activity(b"segment").await.unwrap();
    store.delete("a", None).await.unwrap();
    let second = store.put("b", None, b"2").await.unwrap();
    store.close().await;

    let store = open(dir.path()).await.unwrap();
    let stored = store.load().await.unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!((&*stored[0].id, stored[0].generation), ("b", second));
    assert_eq!(store.load_activity().await.unwrap(), [b"segment"]);
    assert!(store.put("a", None, b"3").await.unwrap() > second && second > first);
}

#[tokio::test]
async fn what_stands_in_the_log_alone_is_there_after_a_kill() {
    let dir = filled_and_killed().await;
    assert_eq!(ids(dir.path()).await, ["a", "b", "c"]);
}

/// Overwrites half of the page that holds the integrations.
async fn tear_integrations(dir: &Path) {
    // Asked of another database: a look at this one could merge its log.
    let twin = filled().await;
    let sql = "SELECT rootpage FROM sqlite_schema WHERE name = 'integrations'";
    let page: i64 = sqlx::query_scalar(sql).fetch_one(&mut raw(twin.path()).await).await.unwrap();
    let start = usize::try_from(page - 1).unwrap() * 4096;
    let path = dir.join("trunkline.db");
    let mut content = fs::read(&path).unwrap();
    content[start..start + 2048].fill(0x5a);
    fs::write(&path, content).unwrap();
}

#[tokio::test]
async fn a_damaged_page_of_integrations_is_refused_and_left_alone() {
    let dir = filled().await;
    tear_integrations(dir.path()).await;
    refused(dir.path(), SqliteOptions::default(), Trouble::Corrupt).await;
}

#[tokio::test]
async fn a_page_torn_by_a_kill_in_a_checkpoint_is_healed_from_the_log() {
    let dir = filled_and_killed().await;
    tear_integrations(dir.path()).await;
    assert_eq!(ids(dir.path()).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_second_open_is_refused_until_the_first_is_closed() {
    let dir = dir();
    let store = open(dir.path()).await.unwrap();
    let error = open(dir.path()).await.unwrap_err();
    assert_eq!(Trouble::of(&error), Some(Trouble::Locked));
    assert!(error.message().contains("in use by another"), "{error}");
    store.close().await;
    open(dir.path()).await.unwrap();
}

/// Something that happens to the bytes of a file.
type Spoil = fn(&mut Vec<u8>);

#[tokio::test]
async fn a_truncated_zeroed_or_overwritten_database_is_refused_and_left_alone() {
    for killed in [false, true] {
        let spoil: [(&str, Spoil); 8] = [
            ("empty", Vec::clear),
            ("cut in the header", |bytes| bytes.truncate(50)),
            ("cut to one page", |bytes| bytes.truncate(4096)),
            ("cut in a page", |bytes| bytes.truncate(bytes.len() - 100)),
            ("zeroed", |bytes| bytes.fill(0)),
            ("headless", |bytes| bytes[..16].fill(0)),
            ("garbage", |bytes| bytes.iter_mut().for_each(|byte| *byte ^= 0x5a)),
            ("a damaged schema", |bytes| bytes[100..4096].fill(0x5a)),
        ];
        for (what, spoil) in spoil {
            let dir = if killed { filled_and_killed().await } else { filled().await };
            let path = dir.path().join("trunkline.db");
            let mut content = fs::read(&path).unwrap();
            spoil(&mut content);
            fs::write(&path, content).unwrap();
            let before = bytes(dir.path());
            match open(dir.path()).await {
                // With its log beside it a database can be whole although the file is not: then all is there.
                Ok(store) => {
                    store.close().await;
                    assert!(killed, "{what}: accepted");
                    assert_eq!(ids(dir.path()).await, ["a", "b", "c"], "{what}");
                }
                Err(error) => {
                    assert_eq!(
                        (error.kind(), Trouble::of(&error)),
                        (Kind::Store, Some(Trouble::Corrupt)),
                        "{what}"
                    );
                    assert!(error.message().contains("trunkline.db"), "{what}: {error}");
                    assert!(error.message().contains("from a backup"), "{what}: {error}");
                    assert!(bytes(dir.path()) == before, "{what}: something was written");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_flipped_header_byte_is_refused_or_loses_nothing() {
    let original = filled().await;
    for at in 0..100 {
        for flip in [0x01, 0x80, 0xff] {
            let dir = dir();
            for name in ["trunkline.db", "trunkline.key"] {
                fs::copy(original.path().join(name), dir.path().join(name)).unwrap();
            }
            let path = dir.path().join("trunkline.db");
            let mut content = fs::read(&path).unwrap();
            content[at] ^= flip;
            fs::write(&path, content).unwrap();
            let before = bytes(dir.path());
            match open(dir.path()).await {
                Ok(store) => {
                    store.close().await;
                    assert_eq!(ids(dir.path()).await, ["a", "b", "c"], "byte {at} ^ {flip}");
                }
                Err(error) => {
                    let trouble = Trouble::of(&error);
                    assert!(
                        matches!(trouble, Some(Trouble::Corrupt | Trouble::Newer)),
                        "byte {at} ^ {flip}: {error}"
                    );
                    assert!(bytes(dir.path()) == before, "byte {at} ^ {flip}: written");
                }
            }
        }
    }
}

#[tokio::test]
async fn a_database_gone_from_beside_its_log_is_not_begun_anew() {
    let dir = filled_and_killed().await;
    fs::remove_file(dir.path().join("trunkline.db")).unwrap();
    refused(dir.path(), SqliteOptions::default(), Trouble::Corrupt).await;
}

#[tokio::test]
async fn a_first_start_that_was_cut_off_is_begun_anew() {
    let dir = dir();
    fs::write(dir.path().join("trunkline.db.new"), b"half").unwrap();
    fs::write(dir.path().join("trunkline.db.new-wal"), b"half").unwrap();
    fs::write(dir.path().join("trunkline.key.new"), b"half").unwrap();
    open(dir.path()).await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_left_alone() {
    let dir = filled().await;
    let mut connection = raw(dir.path()).await;
    sqlx::query("PRAGMA user_version = 9").execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    let error = refused(dir.path(), SqliteOptions::default(), Trouble::Newer).await;
    assert!(error.message().contains("version 9"), "{error}");
}

#[tokio::test]
async fn a_wrong_key_is_refused_names_the_wanted_one_and_changes_nothing() {
    for dir in [filled().await, filled_and_killed().await] {
        let key = Keyring::parse(&fs::read_to_string(dir.path().join("trunkline.key")).unwrap()).unwrap();
        let options = || SqliteOptions {
            key: KeySource::choose(Some("ab".repeat(32)), None),
            ..SqliteOptions::default()
        };
        let error = refused(dir.path(), options(), Trouble::Key).await;
        assert!(error.message().contains(&key.primary().id().to_string()), "{error}");
        assert!(!error.to_string().contains("abab"), "{error}");
        assert_eq!(ids(dir.path()).await, ["a", "b", "c"]);
    }
}

#[tokio::test]
async fn a_missing_key_is_refused_and_never_generated_over_an_existing_database() {
    let dir = filled().await;
    let path = dir.path().join("trunkline.key");
    let key = Keyring::parse(&fs::read_to_string(&path).unwrap()).unwrap();
    fs::remove_file(&path).unwrap();
    for file in [None, Some(path.clone())] {
        let options = SqliteOptions { key: KeySource::choose(None, file), ..SqliteOptions::default() };
        let error = refused(dir.path(), options, Trouble::Key).await;
        assert!(error.message().contains(&key.primary().id().to_string()), "{error}");
        assert!(!path.exists());
    }
}

#[tokio::test]
async fn a_truncated_or_garbled_key_is_refused_without_repeating_it() {
    let dir = filled().await;
    let path = dir.path().join("trunkline.key");
    let key = fs::read_to_string(&path).unwrap();
    for spoilt in ["", &key[..40], &key[..63], "\0\0\0\0", "correct horse battery staple"] {
        fs::write(&path, spoilt).unwrap();
        let error = refused(dir.path(), SqliteOptions::default(), Trouble::Key).await;
        assert_eq!(error.kind(), Kind::InvalidConfig);
        assert!(error.message().contains("expected 64 hexadecimal characters"), "{error}");
        assert!(spoilt.len() < 5 || !error.to_string().contains(&spoilt[..8]), "{error}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_file_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = filled().await;
    let path = dir.path().join("trunkline.key");
    for mode in [0o644, 0o640, 0o604, 0o620] {
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let error = refused(dir.path(), SqliteOptions::default(), Trouble::Key).await;
        assert!(error.message().contains("chmod 600"), "{error}");
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
    assert_eq!(ids(dir.path()).await, ["a", "b", "c"]);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_what_is_created() {
    use std::os::unix::fs::PermissionsExt as _;
    let parent = dir();
    let dir = parent.path().join("new").join("data");
    let store = open(&dir).await.unwrap();
    store.put("a", None, b"1").await.unwrap();
    store.append_activity(b"1").await.unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&dir), 0o700);
    let mut names = Vec::new();
    for entry in fs::read_dir(&dir).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
    }
    names.sort();
    assert_eq!(
        names,
        [
            "activity.db",
            "activity.db-shm",
            "activity.db-wal",
            "trunkline.db",
            "trunkline.db-shm",
            "trunkline.db-wal",
            "trunkline.key",
            "trunkline.lock"
        ]
    );
}

#[tokio::test]
async fn one_flipped_bit_takes_down_one_integration() {
    let dir = filled().await;
    let mut connection = raw(dir.path()).await;
    let mut sealed: Vec<u8> = sqlx::query_scalar("SELECT sealed FROM integrations WHERE id = 'b'")
        .fetch_one(&mut connection)
        .await
        .unwrap();
    *sealed.last_mut().unwrap() ^= 1;
    sqlx::query("UPDATE integrations SET sealed = ?1 WHERE id = 'b'")
        .bind(sealed)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();

    let store = open(dir.path()).await.unwrap();
    let stored = store.load().await.unwrap();
    assert_eq!(**stored[0].document.as_ref().unwrap(), *b"document of a");
    assert_eq!(**stored[2].document.as_ref().unwrap(), *b"document of c");
    let error = stored[1].document.as_ref().unwrap_err();
    assert_eq!(Trouble::of(error), Some(Trouble::Undecryptable));
    assert!(error.context().contains(&("integration", "b".to_owned())), "{error}");

    // It can be entered anew, or deleted.
    store.put("b", Some(stored[1].generation), b"anew").await.unwrap();
    assert!(store.load().await.unwrap().iter().all(|one| one.document.is_ok()));
}

#[tokio::test]
async fn documents_swapped_or_rolled_back_in_the_database_do_not_open() {
    let dir = filled().await;
    let mut connection = raw(dir.path()).await;
    let change = [
        "CREATE TEMP TABLE old AS SELECT id, sealed FROM integrations",
        "UPDATE integrations SET sealed = (SELECT sealed FROM old WHERE id = 'b') WHERE id = 'a'",
        "UPDATE integrations SET generation = generation + 10 WHERE id = 'b'",
    ];
    for sql in change {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    let stored = open(dir.path()).await.unwrap().load().await.unwrap();
    assert_eq!(stored.iter().map(|one| one.document.is_ok()).collect::<Vec<_>>(), [false, false, true]);
}

#[tokio::test]
async fn nothing_of_a_document_stands_in_clear_in_any_file() {
    let dir = dir();
    let store = open(dir.path()).await.unwrap();
    let canaries: Vec<String> = (0..20).map(|number| format!("canary-{number}-s3cr3t")).collect();
    let check = || {
        let mut seen_id = false;
        for (path, content) in bytes(dir.path()) {
            let holds = |text: &[u8]| content.windows(text.len()).any(|window| window == text);
            seen_id |= holds(b"id-in-clear");
            assert!(!holds(b"canary-"), "{}", path.display());
            assert!(!holds(b"base_url"), "{}", path.display());
        }
        assert!(seen_id, "this test finds nothing");
    };
    for canary in &canaries {
        let document = format!(r#"{{"base_url":"https://{canary}","secret":"{canary}"}}"#);
        let at = store.put("id-in-clear", None, document.as_bytes()).await.unwrap();
        store.put("id-in-clear", Some(at), document.repeat(200).as_bytes()).await.unwrap();
        check();
        store.delete("id-in-clear", None).await.unwrap();
    }
    store.put("id-in-clear", None, canaries.concat().as_bytes()).await.unwrap();
    store.close().await;
    check();
}

#[tokio::test]
async fn damaged_activity_is_moved_aside_and_does_not_stop_a_start() {
    for spoil in [b"not a database, but longer than its header would be ".repeat(90), vec![0; 8192]] {
        let dir = filled().await;
        fs::write(dir.path().join("activity.db"), &spoil).unwrap();
        let store = open(dir.path()).await.unwrap();
        assert!(store.load_activity().await.unwrap().is_empty());
        store.append_activity(b"new").await.unwrap();
        assert_eq!(store.load_activity().await.unwrap(), [b"new"]);
        assert_eq!(store.load().await.unwrap().len(), 3);
        let kept =
            bytes(dir.path()).into_iter().find(|(path, _)| path.to_string_lossy().contains(".damaged-"));
        assert_eq!(kept.unwrap().1, spoil);
    }
}

#[tokio::test]
async fn activity_that_cannot_be_opened_does_not_stop_a_start() {
    let dir = filled().await;
    fs::remove_file(dir.path().join("activity.db")).unwrap();
    fs::create_dir(dir.path().join("activity.db")).unwrap();
    let store = open(dir.path()).await.unwrap();
    assert_eq!(store.append_activity(b"x").await.unwrap_err().kind(), Kind::Store);
    store.put("d", None, b"1").await.unwrap();
}

#[tokio::test]
async fn a_replaced_key_takes_over_everything_and_the_old_one_can_go() {
    let (old, new) = ("11".repeat(32), "22".repeat(32));
    let dir = dir();
    let store = open_with(dir.path(), &old).await.unwrap();
    let at = store.put("a", None, b"1").await.unwrap();
    let term = CallTerm { now_ms: 0, until_ms: 1, most: 1 };
    store.begin_call("k", b"begun", term).await.unwrap();
    store.close().await;

    let store = open_with(dir.path(), &format!("{new} {old}")).await.unwrap();
    assert_eq!(store.load().await.unwrap()[0].generation, at);
    store.close().await;

    let error = open_with(dir.path(), &old).await.unwrap_err();
    assert_eq!(Trouble::of(&error), Some(Trouble::Key));
    let store = open_with(dir.path(), &new).await.unwrap();
    let stored = store.load().await.unwrap();
    assert_eq!(**stored[0].document.as_ref().unwrap(), *b"1");
    let BegunCall::Before(call) = store.begin_call("k", b"other", term).await.unwrap() else {
        panic!("begun anew")
    };
    assert_eq!(**call.document.as_ref().unwrap(), *b"begun");
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_what_it_has_and_takes_calls() {
    let dir = filled().await;
    let mut connection = raw(dir.path()).await;
    for sql in [
        "DROP TABLE begun",
        "DROP TABLE rounds",
        "DROP TABLE tokens",
        "DROP TABLE deliveries",
        "DROP TABLE events",
        "DROP TABLE parts",
        "DROP TABLE calls",
        "DROP TABLE calls_total",
        "DROP TABLE marks_total",
        "PRAGMA user_version = 1",
    ] {
        sqlx::query(sql).execute(&mut connection).await.unwrap();
    }
    connection.close().await.unwrap();
    assert_eq!(ids(dir.path()).await, ["a", "b", "c"]);
    let term = CallTerm { now_ms: 0, until_ms: 1, most: 1 };
    let store = open(dir.path()).await.unwrap();
    assert!(matches!(store.begin_call("k", b"begun", term).await.unwrap(), BegunCall::Now(_)));
    store.tokens().unwrap().add("t", b"token").await.unwrap();
}

#[tokio::test]
async fn a_token_that_somebody_writes_into_the_file_does_not_open_and_can_be_removed() {
    let dir = dir();
    let store = open(dir.path()).await.unwrap();
    let tokens = store.tokens().unwrap();
    tokens.add("a", b"a digest").await.unwrap();
    let copied = "INSERT INTO tokens SELECT 'b', generation, updated_at_ms, sealed FROM tokens";
    sqlx::query(copied).execute(&mut raw(dir.path()).await).await.unwrap();
    let listed = tokens.list().await.unwrap();
    assert_eq!(**listed[0].document.as_ref().unwrap(), *b"a digest");
    assert_eq!(Trouble::of(listed[1].document.as_ref().unwrap_err()), Some(Trouble::Undecryptable));
    assert!(tokens.remove("b").await.unwrap());
    assert_eq!(tokens.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_directory_has_a_name_that_it_keeps_and_no_other_has() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let name = async |dir: &Path| {
        let store = open(dir).await.unwrap();
        let name = store.instance().unwrap().to_owned();
        store.close().await;
        name
    };
    let first = name(one.path()).await;
    assert_eq!(name(one.path()).await, first);
    assert_ne!(name(other.path()).await, first);
    // One that was not written to its end is made anew.
    std::fs::write(one.path().join("trunkline.lock"), &first[..7]).unwrap();
    let second = name(one.path()).await;
    assert!(second != first && second.len() == 36, "{second}");
    assert_eq!(name(one.path()).await, second);
}
