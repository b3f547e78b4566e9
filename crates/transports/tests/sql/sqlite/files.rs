//! Where files may be.

use std::{os::unix::fs::symlink, path::Path};

use serde_json::json;
use trunkline_core::{Kind, Outcome};

use super::{Files, memory};

#[tokio::test]
async fn a_database_is_in_its_folder_or_refused() {
    let files = Files::new();
    let outside = tempfile::tempdir().unwrap();
    let out = outside.path().join("x.db");
    let inside = files.path("inside.db");
    std::fs::create_dir(files.path("sub")).unwrap();
    symlink(outside.path(), files.path("link")).unwrap();
    symlink(&out, files.path("link.db")).unwrap();
    symlink(files.path("a.db"), files.path("alias.db")).unwrap();
    for (base_url, kind) in [
        ("sqlite:a.db".to_owned(), None),
        ("sqlite:///sub/b.db".to_owned(), None),
        (format!("sqlite:///{}", inside.display()), None),
        ("sqlite:alias.db".to_owned(), None),
        ("sqlite:../x.db".to_owned(), Some(Kind::InvalidConfig)),
        ("sqlite:sub/../../x.db".to_owned(), Some(Kind::InvalidConfig)),
        ("sqlite:sub/%2e%2e/x.db".to_owned(), Some(Kind::InvalidConfig)),
        (format!("sqlite:///{}", out.display()), Some(Kind::InvalidConfig)),
        ("sqlite:link/x.db".to_owned(), Some(Kind::InvalidConfig)),
        ("sqlite:link.db".to_owned(), Some(Kind::Unavailable)),
        (format!("sqlite:file:{}?mode=rwc", out.display()), Some(Kind::InvalidConfig)),
        (format!("sqlite:FILE:{}", out.display()), Some(Kind::InvalidConfig)),
        ("sqlite:a.db?vfs=unix-none".to_owned(), Some(Kind::InvalidConfig)),
        ("sqlite:a.db?immutable=1".to_owned(), Some(Kind::InvalidConfig)),
        ("sqlite:a.db?mode=rwx".to_owned(), Some(Kind::InvalidConfig)),
        ("sqlite:a%00.db".to_owned(), Some(Kind::InvalidConfig)),
        ("sqlite:sub/..".to_owned(), Some(Kind::InvalidConfig)),
    ] {
        let opened = match files.try_open(&base_url, json!({})) {
            Ok(db) => db.sql("create table if not exists t (a)").await.map(drop),
            Err(error) => Err(error),
        };
        let found = opened.as_ref().err().map(trunkline_core::Error::kind);
        assert_eq!(found, kind, "{base_url}: {opened:?}");
        assert!(opened.is_ok_and(|()| true) || !out.exists(), "{base_url}");
    }
    assert!(inside.exists() && files.path("a.db").exists() && !out.exists());
}

#[tokio::test]
async fn a_link_that_leads_out_is_refused_also_where_its_target_exists() {
    let (files, outside) = (Files::new(), tempfile::tempdir().unwrap());
    let out = outside.path().join("x.db");
    std::fs::write(&out, "").unwrap();
    symlink(&out, files.path("link.db")).unwrap();
    let error = files.open("sqlite:link.db", json!({})).sql("create table t (a)").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::InvalidConfig, Outcome::NotSent), "{error}");
    assert_eq!(std::fs::read(&out).unwrap(), b"");
}

#[tokio::test]
async fn no_statement_reaches_another_file_or_changes_the_connection() {
    let files = Files::new();
    let db = files.open("sqlite:a.db", json!({}));
    db.sql("create table t (a)").await.unwrap();
    let other = files.path("other.db");
    let other = other.to_str().unwrap();
    for statement in [
        format!("attach '{other}' as other"),
        format!("attach 'file:{other}?mode=rwc' as other"),
        "attach ':memory:' as other".to_owned(),
        format!("vacuum into '{other}'"),
        "vacuum".to_owned(),
        "detach main".to_owned(),
        "select load_extension('/tmp/x.so')".to_owned(),
        "select fts3_tokenizer('simple')".to_owned(),
        format!("pragma temp_store_directory = '{other}'"),
        format!("pragma data_store_directory = '{other}'"),
        "pragma journal_mode = delete".to_owned(),
        "pragma query_only = 0".to_owned(),
        "pragma foreign_keys = 0".to_owned(),
        "pragma trusted_schema = 1".to_owned(),
        "pragma writable_schema = 1".to_owned(),
        "pragma busy_timeout = 1000000".to_owned(),
        "pragma locking_mode = exclusive".to_owned(),
        "pragma database_list".to_owned(),
        "select * from pragma_database_list".to_owned(),
        "pragma hard_heap_limit = 1".to_owned(),
    ] {
        let error = db.sql(&statement).await.expect_err(&statement);
        assert_eq!(
            (error.kind(), error.outcome()),
            (Kind::Forbidden, Outcome::Rejected),
            "{statement}: {error}"
        );
        assert!(error.message().starts_with("not allowed here: "), "{statement}: {error}");
    }
    for statement in ["begin", "commit", "savepoint a", "rollback"] {
        assert_eq!(db.sql(statement).await.unwrap_err().kind(), Kind::InvalidConfig, "{statement}");
    }
    assert_eq!(db.sql("select writefile('x', 'y')").await.unwrap_err().kind(), Kind::Rejected);
    let defended = db.sql("update sqlite_schema set sql = ''").await.unwrap_err();
    assert_eq!(defended.kind(), Kind::Rejected, "{defended}");
    assert!(!Path::new(other).exists());
    for statement in
        ["pragma table_info(t)", "pragma foreign_keys", "pragma quick_check", "analyze", "reindex"]
    {
        db.sql(statement).await.expect(statement);
    }
    assert_eq!(db.sql("pragma foreign_keys").await.unwrap()["rows"][0]["foreign_keys"], 1);
}

#[tokio::test]
async fn a_file_is_shared_by_its_connections_and_says_what_it_is() {
    let files = Files::new();
    let (one, other) = (files.open("sqlite:a.db", json!({})), files.open("sqlite:a.db", json!({})));
    one.sql("create table t (a)").await.unwrap();
    one.sql("insert into t values (1)").await.unwrap();
    assert_eq!(other.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 1);
    let proof = other.probe().await.unwrap();
    let fact =
        |name: &str| proof.facts.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str());
    assert_eq!(
        (fact("journal_mode"), fact("place"), fact("role")),
        (Some("wal"), Some("file"), Some("single"))
    );
    assert!(fact("version").unwrap().starts_with("3."), "{proof:?}");
}

#[tokio::test]
async fn a_database_in_memory_is_there_whatever_becomes_of_its_connections() {
    let hasty = json!({ "pool": { "idle_timeout": 0.01, "max_lifetime": 0.01 } });
    let db = super::Db::open(super::context(), "sqlite::memory:", hasty).unwrap();
    db.sql("create table t (a)").await.unwrap();
    db.sql("create temp table mine (a)").await.unwrap();
    db.sql("insert into t values (1)").await.unwrap();
    // A call that goes away takes its connection along.
    let endless = format!("{} select max(i) from n", super::ENDLESS);
    let request = json!({ "query": endless });
    let left = tokio::time::timeout(std::time::Duration::from_millis(50), db.json(request)).await;
    assert!(left.is_err());
    assert_eq!(db.sql("select count(*) as n from t").await.unwrap()["rows"][0]["n"], 1);
    assert!(db.sql("select * from mine").await.is_err(), "what is temporary is gone with its call");
    assert!(memory().sql("select * from t").await.is_err(), "nobody else has it");
    assert_eq!(trunkline_core::Transport::occupancy(&db.database).unwrap().max, 1);
}
