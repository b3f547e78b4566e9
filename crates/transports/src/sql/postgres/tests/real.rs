//! What a real server makes of it.

use serde_json::json;
use trunkline_core::Kind;

use super::*;

async fn local() -> Session {
    Client::new("postgres://postgres@127.0.0.1:5432/test").session().await.unwrap()
}

#[tokio::test]
async fn try_it() {
    let mut session = local().await;
    println!("{session:?}");
    for _ in 0..2 {
        let found = ask("SELECT :a::int4 AS a, 'x' AS b, NULL AS c", r#"{"a": 7}"#).of(&mut session).await;
        println!("{found:?}");
        let found = ask("SELECT 1 AS a", "").read_only().of(&mut session).await;
        println!("{found:?}");
        let found = ask("CREATE TABLE IF NOT EXISTS zz (a int primary key)", "").of(&mut session).await;
        println!("{found:?}");
        let found = ask("INSERT INTO zz VALUES (2)", "").read_only().of(&mut session).await;
        println!("{found:?}");
        let found = ask("INSERT INTO zz VALUES (:a)", r#"{"a":1}"#).of(&mut session).await;
        println!("{found:?}");
        let found = ask("INSERT INTO zz VALUES (:a)", r#"{"a":"x"}"#).of(&mut session).await;
        println!("{found:?}");
        let found = ask("INSERT INTO zz VALUES (:a)", r#"{"a":5}"#)
            .then("INSERT INTO zz VALUES (:a)", r#"{"a":6}"#)
            .then("DELETE FROM zz RETURNING a", "")
            .together()
            .of(&mut session)
            .await;
        println!("{found:?}");
        let found = ask("INSERT INTO zz VALUES (:a)", r#"{"a":5}"#)
            .then("INSERT INTO zz VALUES (:a)", r#"{"a":5}"#)
            .together()
            .of(&mut session)
            .await;
        println!("{found:?}");
        let found = ask("SELECT count(*) FROM zz", "").of(&mut session).await;
        println!("{found:?}");
        let found = ask("SELECT * FROM generate_series(1, 10000000)", "").rows(3).of(&mut session).await;
        println!("{found:?}");
        let found = ask("COPY zz TO STDOUT", "").of(&mut session).await;
        println!("{found:?} {}", session.wire.is_broken());
        let found = ask("COPY zz FROM STDIN", "").of(&mut session).await;
        println!("{found:?} {}", session.wire.is_broken());
        let found = ask("DROP TABLE zz", "").of(&mut session).await;
        println!("{found:?}");
        println!("{:?}", session.proof().await);
        println!("{:?}", session.schema().await.map(|text| String::from_utf8_lossy(&text).into_owned()));
    }
}
