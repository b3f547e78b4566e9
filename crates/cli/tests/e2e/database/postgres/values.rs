//! Values of PostgreSQL: each type as callers see it, and that what came out goes in again.

use serde_json::json;
use trunkline_testkit::Postgres;

use super::super::{
    Shop,
    values::{come_out_as_written, go_in_again},
};

/// Types that the sample does not have.
const TYPES: &str = "create type mood as enum ('sad', 'ok', 'it''s'); create type pair as (a int, b text); \
     create domain price as numeric(10, 2)";

#[tokio::test]
async fn values_come_out_in_the_digits_of_the_database() {
    let Some(shop) = Shop::<Postgres>::open(json!({})).await else { return };
    shop.engine.psql(TYPES);
    let values = [
        ("null::int4", "null"),
        ("true", "true"),
        ("32767::int2", "32767"),
        ("9007199254740991::int8", "9007199254740991"),
        ("9007199254740993::int8", r#""9007199254740993""#),
        ("(-9223372036854775808)::int8", r#""-9223372036854775808""#),
        ("1.10::numeric", "1.10"),
        (
            "12345678901234567890123456789012345678::numeric(38)",
            r#""12345678901234567890123456789012345678""#,
        ),
        ("0.00000000000000000001::numeric", "0.00000000000000000001"),
        ("'NaN'::numeric", r#""NaN""#),
        ("'NaN'::float8", r#""NaN""#),
        ("'-infinity'::float8", r#""-Infinity""#),
        ("0.1::float4", "0.1"),
        ("1.5::price", "1.50"),
        (r"'\xdeadbeef'::bytea", r#""3q2+7w==""#),
        (
            r#"'{"a": 1.10, "b":[12345678901234567890123],  "a": 2}'::json"#,
            r#"{"a": 1.10, "b":[12345678901234567890123],  "a": 2}"#,
        ),
        (r#"'{"a": 1.10}'::jsonb"#, r#"{"a": 1.10}"#),
        ("'2024-05-01'::date", r#""2024-05-01""#),
        ("'13:45:00.5'::time", r#""13:45:00.5""#),
        ("'24:00'::time", r#""24:00:00""#),
        ("'2024-05-01 13:45:00.5'::timestamp", r#""2024-05-01T13:45:00.5""#),
        ("'2024-05-01 13:45:00.5+02'::timestamptz", r#""2024-05-01T11:45:00.5Z""#),
        ("'infinity'::timestamptz", r#""infinity""#),
        ("'0044-03-15 BC'::date", r#""0044-03-15 BC""#),
        ("'1 year 2 mon 3 day 4:05:06.7'::interval", r#""P1Y2M3DT4H5M6.7S""#),
        ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid", r#""a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11""#),
        ("'10.1.0.0/16'::cidr", r#""10.1.0.0/16""#),
        ("B'101'", r#""101""#),
        ("'[1,5)'::int4range", r#""[1,5)""#),
        ("point(1, 2)", r#""(1,2)""#),
        ("'it''s'::mood", r#""it's""#),
        ("row(1, 'x y')::pair", r#"{"a":1,"b":"x y"}"#),
        ("'{1,2,NULL}'::int[]", "[1,2,null]"),
        ("'{{1,2},{3,4}}'::int[]", "[[1,2],[3,4]]"),
        ("'[0:1]={1,2}'::int[]", r#""[0:1]={1,2}""#),
        ("array['a\"b', null, 'NULL', '']", r#"["a\"b",null,"NULL",""]"#),
        ("array[row(1, null)::pair]", r#"[{"a":1,"b":null}]"#),
    ];
    come_out_as_written(&shop, &values).await;
    let reply =
        shop.ask(json!({ "query": "select 1::int8 as a, 'x'::mood as b" .replace("'x'", "'ok'") })).await;
    assert_eq!(
        (&reply["columns"][0]["type"], &reply["columns"][1]["type"]),
        (&json!("int8"), &json!("mood"))
    );
}

#[tokio::test]
async fn what_came_out_goes_in_again() {
    let Some(shop) = Shop::<Postgres>::open(json!({})).await else { return };
    shop.engine.psql(TYPES);
    let columns = [
        ("a", "int8", "9223372036854775807"),
        ("b", "numeric(38,10)", "'1234567890123456789012345678.0123456789'"),
        ("c", "float8", "'NaN'"),
        ("d", "bytea", r"'\x00ff'"),
        ("e", "json", r#"'{"a":[1,null,"x"]}'"#),
        ("f", "jsonb", "'[1.5]'"),
        ("g", "timestamptz", "'2024-05-01 13:45:00.123456+02'"),
        ("h", "timestamp", "'-infinity'"),
        ("i", "interval", "'-1 mon 3 day -04:05:06.7'"),
        ("j", "mood", "'it''s'"),
        ("k", "pair", "row(1, 'x,\"y')"),
        ("l", "text[]", "array['a', null, 'b\"c']"),
        ("m", "int[]", "'[0:1]={1,2}'"),
        ("n", "uuid", "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'"),
        ("o", "boolean", "false"),
        ("p", "bytea[]", r"array['\x01'::bytea, null]"),
        ("q", "inet", "'::1'"),
        ("r", "price", "7.10"),
        ("s", "time", "'24:00'"),
        ("t", "int4range", "'empty'"),
        ("u", "xml", "'<a/>'"),
        ("v", "timetz", "'13:45+02'"),
    ];
    let list: Vec<_> = columns.iter().map(|(name, kind, _)| format!("{name} {kind}")).collect();
    let values: Vec<_> = columns.iter().map(|(_, _, value)| *value).collect();
    let list = list.join(", ");
    shop.engine.psql(&format!(
        "create table one ({list}); create table two ({list}); insert into one values ({}); \
         grant all on one, two to trunk",
        values.join(", ")
    ));
    let names: Vec<_> = columns.iter().map(|(name, ..)| *name).collect();
    go_in_again(&shop, &names, &[]).await;
    assert_eq!(
        shop.engine
            .psql("select count(*) from (select one::text from one except select two::text from two) x"),
        "0"
    );
}

#[tokio::test]
async fn sixteen_hundred_columns_all_come() {
    let Some(shop) = Shop::<Postgres>::open(json!({})).await else { return };
    let columns: Vec<_> = (0..1600).map(|n| format!("{n} as c{n}")).collect();
    let reply = shop.ask(json!({ "query": format!("select {}", columns.join(", ")) })).await;
    let row = reply["rows"][0].as_object().unwrap();
    assert!(row.len() == 1600 && row["c1599"] == 1599, "{}", row.len());
    let places: Vec<_> = (1..=3000).map(|n| format!("${n}::int")).collect();
    let params: Vec<_> = (1..=3000).collect();
    let sum = format!("select {} as sum", places.join(" + "));
    let reply = shop.ask(json!({ "query": sum, "params": params })).await;
    assert_eq!(reply["rows"], json!([{ "sum": 4_501_500 }]));
}
