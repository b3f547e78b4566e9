//! Every type out, and what came out in again.

use serde_json::{Value, json};
use trunkline_testkit::MariaDb;

use super::Db;

/// A column, what is inserted, its type in the reply, and its value there.
fn table() -> Vec<(&'static str, &'static str, &'static str, Value)> {
    vec![
        ("tinyint", "-128", "tinyint", json!(-128)),
        ("tinyint unsigned", "255", "tinyint unsigned", json!(255)),
        ("bool", "true", "tinyint(1)", json!(1)),
        ("smallint", "-32768", "smallint", json!(-32768)),
        ("mediumint unsigned", "16777215", "mediumint unsigned", json!(16_777_215)),
        ("int", "-2147483648", "int", json!(-2_147_483_648_i64)),
        ("int(8) zerofill", "42", "int unsigned", json!(42)),
        ("bigint", "9007199254740991", "bigint", json!(9_007_199_254_740_991_i64)),
        ("bigint", "-9223372036854775808", "bigint", json!("-9223372036854775808")),
        ("bigint unsigned", "18446744073709551615", "bigint unsigned", json!("18446744073709551615")),
        ("year", "2024", "year", json!(2024)),
        ("year", "0", "year", json!(0)),
        ("decimal(10,2)", "1.10", "decimal(10,2)", json!(1.10)),
        (
            "decimal(38,10) unsigned",
            "'1234567890123456789.0123456789'",
            "decimal(38,10) unsigned",
            json!("1234567890123456789.0123456789"),
        ),
        ("decimal(6,2) zerofill", "1.5", "decimal(6,2) unsigned", json!(1.50)),
        ("decimal(5,0)", "-12345", "decimal(5,0)", json!(-12345)),
        ("float", "0.1", "float", json!(0.1)),
        ("double", "0.1", "double", json!(0.1)),
        ("double", "1e300", "double", json!(1e300)),
        ("date", "'2024-02-29'", "date", json!("2024-02-29")),
        ("date", "'9999-12-31'", "date", json!("9999-12-31")),
        ("datetime", "'2024-01-02 03:04:05'", "datetime", json!("2024-01-02T03:04:05")),
        ("datetime(3)", "'2024-01-02 03:04:05.1'", "datetime(3)", json!("2024-01-02T03:04:05.100")),
        ("datetime(6)", "'2024-01-02'", "datetime(6)", json!("2024-01-02T00:00:00.000000")),
        ("timestamp", "'2024-01-02 03:04:05'", "timestamp", json!("2024-01-02T03:04:05Z")),
        (
            "timestamp(6)",
            "'2024-01-02 03:04:05.123456'",
            "timestamp(6)",
            json!("2024-01-02T03:04:05.123456Z"),
        ),
        ("time", "'-838:59:59'", "time", json!("-838:59:59")),
        ("time(6)", "'838:59:58.000001'", "time(6)", json!("838:59:58.000001")),
        ("time", "'03:04:05'", "time", json!("03:04:05")),
        ("bit(1)", "b'1'", "bit(1)", json!(1)),
        ("bit(10)", "b'1000000001'", "bit(10)", json!(513)),
        (
            "bit(53)",
            "b'10000000000000000000000000000000000000000000000000001'",
            "bit(53)",
            json!(4_503_599_627_370_497_i64),
        ),
        ("char(5)", "'a b'", "char", json!("a b")),
        ("varchar(20)", "'gr\u{fc}\u{df} \u{1f600}'", "varchar", json!("gr\u{fc}\u{df} \u{1f600}")),
        ("varchar(20) character set latin1", "'gr\u{fc}\u{df}'", "varchar", json!("gr\u{fc}\u{df}")),
        ("varchar(40)", "'\"\\\\\\0\\n'", "varchar", json!("\"\\\0\n")),
        ("tinytext", "'a'", "tinytext", json!("a")),
        ("text", "'a'", "text", json!("a")),
        ("mediumtext", "'a'", "mediumtext", json!("a")),
        ("longtext", "'a'", "longtext", json!("a")),
        ("binary(3)", "x'00ff'", "binary", json!("AP8A")),
        ("varbinary(3)", "x'00ff'", "varbinary", json!("AP8=")),
        ("tinyblob", "x'00ff'", "tinyblob", json!("AP8=")),
        ("blob", "x'00ff'", "blob", json!("AP8=")),
        ("mediumblob", "x''", "mediumblob", json!("")),
        ("longblob", "x'00ff'", "longblob", json!("AP8=")),
        ("enum('a','b\u{df}')", "'b\u{df}'", "enum", json!("b\u{df}")),
        ("set('a','b','c')", "'a,c'", "set", json!("a,c")),
        ("json", "'{\"a\": 1.0}'", "longtext", json!("{\"a\": 1.0}")),
        ("point", "st_geomfromtext('POINT(1 2)')", "geometry", json!("AAAAAAEBAAAAAAAAAAAA8D8AAAAAAAAAQA==")),
        (
            "uuid",
            "'123e4567-e89b-12d3-a456-426655440000'",
            "char",
            json!("123e4567-e89b-12d3-a456-426655440000"),
        ),
        ("inet6", "'::1'", "char", json!("::1")),
        ("inet4", "'127.0.0.1'", "char", json!("127.0.0.1")),
    ]
}

#[tokio::test]
async fn every_type_has_one_form_and_is_taken_back_in_it() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    for (column, inserted, name, expected) in table() {
        server.sql(&format!(
            "set names utf8mb4; set time_zone='+00:00'; drop table if exists v; create table v (a {column} null); \
             insert into v values ({inserted}), (null)"
        ));
        let found = db.run("select a from v", json!(null)).await.unwrap();
        let told = &found["columns"][0]["type"];
        assert_eq!(found["rows"], json!([{ "a": expected }, { "a": null }]), "{column}: {told}");
        assert_eq!(told, name, "{column}");
        // What cannot be prepared comes as text.
        let text = db.run("execute immediate 'select a from v'", json!(null)).await.unwrap();
        assert_eq!((&text["rows"], &text["columns"]), (&found["rows"], &found["columns"]), "{column}");
        // Bytes go in as what they are.
        let binary = ["binary", "varbinary", "blob", "geometry"].iter().any(|kind| name.ends_with(kind));
        let param = if binary { json!({ "base64": expected }) } else { expected.clone() };
        let sql = "update v set a = :a where a is null";
        let changed =
            db.run(sql, json!({ "a": param })).await.unwrap_or_else(|error| panic!("{column}: {error}"));
        assert_eq!(changed["affected_rows"], 1, "{column}");
        assert_eq!(db.rows("select a from v").await, json!([[expected], [expected]]), "{column}");
    }
}

#[tokio::test]
async fn what_json_and_rfc_3339_cannot_say_is_the_servers_text() {
    let Some(server) = MariaDb::start_with(&["--sql-mode="]).await else { return };
    let db = Db::of(&server);
    server.sql(
        "create table z (a date, b datetime(3), c timestamp null, d date); \
         insert into z values ('0000-00-00', '0000-00-00 00:00:00', '0000-00-00 00:00:00', '2024-00-31')",
    );
    assert_eq!(
        db.rows("select * from z").await,
        json!([["0000-00-00", "0000-00-00 00:00:00.000", "0000-00-00 00:00:00", "2024-00-31"]])
    );
}

#[tokio::test]
async fn expressions_have_the_type_that_the_server_finds() {
    let Some(server) = MariaDb::start().await else { return };
    let db = Db::of(&server);
    for (expression, name, expected) in [
        ("null", "null", json!(null)),
        ("1", "int", json!(1)),
        ("1.50", "decimal(3,2)", json!(1.50)),
        ("1e0", "double", json!(1.0)),
        ("'a'", "varchar", json!("a")),
        ("x'00ff'", "varbinary", json!("AP8=")),
        ("cast('2024-01-02 03:04:05.5' as datetime(2))", "datetime(2)", json!("2024-01-02T03:04:05.50")),
        ("timediff('00:00:00', '25:00:00.5')", "time(1)", json!("-25:00:00.5")),
        ("json_object('a', 1)", "varchar", json!("{\"a\": 1}")),
        ("interval(2, 1, 3)", "int", json!(1)),
        ("concat(1, 2)", "varchar", json!("12")),
        ("count(*)", "bigint", json!(1)),
        ("from_unixtime(0)", "datetime", json!("1970-01-01T00:00:00")),
    ] {
        let found = db.run(&format!("select {expression} as a"), json!(null)).await.unwrap();
        assert_eq!(found["rows"][0]["a"], expected, "{expression}");
        assert_eq!(found["columns"][0]["type"], name, "{expression}");
    }
}

#[tokio::test]
async fn digits_of_a_decimal_are_those_of_the_server() {
    let Some(server) = MariaDb::start().await else { return };
    let reply = Db::of(&server).reply(json!({ "query": "select 1.10 as a, 0.0 as b" }), false).await.unwrap();
    let text = String::from_utf8(reply.bytes().await.unwrap().to_vec()).unwrap();
    assert!(text.contains(r#""rows":[{"a":1.10,"b":0.0}]"#), "{text}");
}
