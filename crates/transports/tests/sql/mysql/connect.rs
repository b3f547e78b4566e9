//! Logging in: passwords, TLS, sockets, the egress guard; and what a server says of itself.

use serde_json::json;
use trunkline_core::{Kind, Outcome, Profile, Transport};
use trunkline_testkit::{Authority, MariaDb};

use super::{Db, fact};

#[tokio::test]
async fn a_password_may_hold_any_character() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql("create user odd identified by 'p@ss:/?#[]%41\u{e4}\\\\''\"'; grant select on music.* to odd");
    let url =
        format!("mysql://odd:p%40ss%3A%2F%3F%23%5B%5D%2541%C3%A4%5C'%22@127.0.0.1:{}/music", server.port());
    assert_eq!(Db::new(&url, json!({})).rows("select 1").await, json!([[1]]));
}

#[tokio::test]
async fn a_login_that_is_refused_sent_nothing() {
    let Some(server) = MariaDb::start_with(&["--plugin-load-add=auth_ed25519"]).await else { return };
    let at = |login: &str, database: &str| format!("mysql://{login}@127.0.0.1:{}/{database}", server.port());
    server
        .sql("create user ed identified via ed25519 using password('secret'); grant select on music.* to ed");
    for (url, kind, code) in [
        (at("trunk:wrong", "music"), Kind::Unauthenticated, "1045"),
        (at("nobody:x", "music"), Kind::Unauthenticated, "1045"),
        (server.url().replace("/music", "/mysql"), Kind::Forbidden, "1044"),
        (at("ed:wrong", "music"), Kind::Unauthenticated, "1045"),
    ] {
        let error = Db::new(&url, json!({})).fails("select 1").await;
        assert_eq!(
            (error.kind(), error.outcome(), fact(&error, "code")),
            (kind, Outcome::NotSent, Some(code)),
            "{error}"
        );
        assert!(!error.to_string().contains("wrong"));
    }
    assert_eq!(Db::new(&at("ed:secret", "music"), json!({})).rows("select 1").await, json!([[1]]));
}

#[tokio::test]
async fn tls_is_what_sslmode_says() {
    let authority = Authority::new();
    let Some(server) = MariaDb::start_tls(&authority).await else { return };
    let other = Authority::new();
    let url = |host: &str, mode: &str| {
        server.url().replace("127.0.0.1", host)
            + &(if mode.is_empty() { String::new() } else { format!("?sslmode={mode}") })
    };
    let with = |ca: &Authority| json!({ "tls": { "ca": ca.pem() } });
    for (host, mode, config, works) in [
        ("127.0.0.1", "", json!({}), true),
        ("127.0.0.1", "PREFERRED", json!({}), true),
        ("127.0.0.1", "require", json!({}), true),
        ("127.0.0.1", "verify-full", json!({}), false),
        ("127.0.0.1", "verify-ca", json!({}), false),
        ("127.0.0.1", "", with(&authority), true),
        ("localhost", "verify-full", with(&authority), true),
        ("127.0.0.1", "VERIFY_IDENTITY", with(&authority), true),
        ("127.0.0.1", "require", with(&other), false),
        ("127.0.0.1", "", with(&other), false),
        ("127.0.0.1", "disable", json!({}), false),
    ] {
        let found = Db::new(&url(host, mode), config.clone())
            .run("show status like 'Ssl_version'", json!(null))
            .await;
        match found {
            Ok(found) => {
                assert!(works, "{host} {mode} {config}");
                assert!(found["rows"][0]["Value"].as_str().unwrap().starts_with("TLSv1."), "{found}");
            }
            Err(error) => {
                assert!(!works, "{host} {mode}: {error}");
                assert_eq!(error.outcome(), Outcome::NotSent);
            }
        }
    }
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_a_server_that_wants_one() {
    let authority = Authority::new();
    let folder = std::env::temp_dir().join(format!("trunkline-mysql-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let (cert, key) = authority.server_pem();
    let mut args = Vec::new();
    for (name, text) in [("ca", authority.pem()), ("cert", &cert), ("key", &key)] {
        let file = folder.join(name);
        std::fs::write(&file, text).unwrap();
        args.push(format!("--ssl-{name}={}", file.display()));
    }
    let args: Vec<_> = args.iter().map(String::as_str).collect();
    let server = MariaDb::start_with(&args).await;
    std::fs::remove_dir_all(&folder).unwrap();
    let Some(server) = server else { return };
    server.sql("alter user trunk require x509");
    let (cert, key) = authority.client();
    let tls = json!({ "tls": { "ca": authority.pem(), "client_cert": cert, "client_key": key } });
    assert_eq!(Db::new(&server.url(), tls).rows("select 1").await, json!([[1]]));
    let error = Db::new(&server.url(), json!({ "tls": { "ca": authority.pem() } })).fails("select 1").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::NotSent), "{error}");
}

#[tokio::test]
async fn a_server_without_tls_is_told_from_one_that_is_away() {
    let Some(server) = MariaDb::start_with(&["--skip-ssl"]).await else { return };
    assert_eq!(Db::of(&server).rows("select 1").await, json!([[1]]));
    let error = Db::new(&(server.url() + "?ssl-mode=REQUIRED"), json!({})).fails("select 1").await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unsupported, Outcome::NotSent));
    assert!(error.message().contains("sslmode"), "{error}");
}

#[tokio::test]
async fn sockets_and_addresses_pass_the_guard() {
    let Some(server) = MariaDb::start().await else { return };
    let socket = format!("mysql://trunk:p%40ss@localhost/music?socket={}", server.socket().display());
    let socket = socket.replace("p%40ss", server.url().split(&[':', '@'][..]).nth(2).unwrap());
    assert_eq!(Db::new(&socket, json!({})).rows("select 1").await, json!([[1]]));
    for url in [socket, server.url()] {
        let error = Db::within(Profile::Strict, &url, json!({})).unwrap().fails("select 1").await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Blocked, Outcome::NotSent), "{url}");
    }
    let error = Db::new("mysql://trunk@169.254.169.254/music", json!({})).fails("select 1").await;
    assert_eq!(error.kind(), Kind::Blocked);
}

#[tokio::test]
async fn parameters_that_are_not_known_are_refused_by_name() {
    for (url, word) in [
        ("mysql://h/d?allowMultiQueries=true", "allowMultiQueries"),
        ("mysql://h/d?sslmode=maybe", "sslmode"),
        ("mysql://h/d?charset=latin1", "charset"),
    ] {
        let error = Db::within(Profile::Guarded, url, json!({})).err().unwrap();
        assert_eq!(error.kind(), Kind::InvalidConfig);
        assert!(error.message().contains(word), "{error}");
    }
    assert!(
        Db::within(Profile::Guarded, "mariadb://h/d?charset=utf8mb4&ssl-mode=VERIFY_CA", json!({})).is_ok()
    );
}

#[tokio::test]
async fn a_server_says_what_it_is() {
    let Some(server) = MariaDb::start().await else { return };
    let proof = Db::of(&server).proof().await.unwrap();
    let fact = |name: &str| {
        proof.facts.iter().find(|(key, _)| *key == name).map(|(_, value)| value.clone()).unwrap()
    };
    assert!(fact("version").contains("MariaDB"));
    assert_eq!((fact("product"), fact("role")), ("MariaDB".to_owned(), "primary".to_owned()));
    assert_eq!(proof.warning, None);
    let proof = Db::new(&server.url(), json!({ "read_only": true })).proof().await.unwrap();
    assert!(proof.warning.unwrap().contains("ALL PRIVILEGES"));
    server.sql("set global read_only = 1");
    let proof = Db::of(&server).proof().await.unwrap();
    assert!(proof.facts.contains(&("role", "replica".to_owned())));
}

#[tokio::test]
async fn tables_and_columns_are_told() {
    let Some(server) = MariaDb::start().await else { return };
    server.sql(
        "create table parent (a int, b varchar(20) not null comment 'of b', primary key (b, a)) comment 'of parent'; \
         create table child (x varchar(20), y int default 7, constraint of_parent foreign key (x, y) references parent (b, a)); \
         create view seen as select x from child",
    );
    let db = Db::of(&server);
    let mut call = db.call_of(json!({ "query": "select 1" }), false).unwrap();
    let reply = db.database.schema(&db.context, &mut call).await.unwrap();
    let found: serde_json::Value = serde_json::from_slice(&reply.bytes().await.unwrap()).unwrap();
    let table = |name: &str| {
        found["tables"].as_array().unwrap().iter().find(|table| table["name"] == name).unwrap().clone()
    };
    assert_eq!(
        table("parent"),
        json!({
            "schema": "music", "name": "parent", "kind": "table", "comment": "of parent", "primary_key": ["b", "a"],
            "columns": [
                { "name": "a", "type": "int(11)", "nullable": false },
                { "name": "b", "type": "varchar(20)", "nullable": false, "comment": "of b" },
            ],
        })
    );
    assert_eq!(
        table("child")["foreign_keys"],
        json!([{ "name": "of_parent", "columns": ["x", "y"], "references": { "schema": "music", "table": "parent", "columns": ["b", "a"] } }])
    );
    assert_eq!(table("child")["columns"][1]["default"], "7");
    assert_eq!(table("seen")["kind"], "view");
    assert_eq!(found["truncated"], false);
}

#[tokio::test]
async fn a_text_means_the_same_whatever_sql_mode_the_server_has() {
    let mode = "--sql-mode=ANSI,STRICT_ALL_TABLES,NO_BACKSLASH_ESCAPES,NO_ZERO_DATE";
    let Some(server) = MariaDb::start_with(&[mode]).await else { return };
    let db = Db::of(&server);
    for _ in 0..2 {
        let found = db.rows("select \"a\", 'it\\'s', @@sql_mode, @a").await;
        assert_eq!((&found[0][0], &found[0][1], &found[0][3]), (&json!("a"), &json!("it's"), &json!(null)));
        let kept = found[0][2].as_str().unwrap();
        assert!(kept.contains("STRICT_ALL_TABLES") && kept.contains("PIPES_AS_CONCAT"), "{kept}");
        assert!(!kept.contains("ANSI") && !kept.contains("BACKSLASH"), "{kept}");
        db.run("set @a = 1", json!(null)).await.unwrap();
    }
}
