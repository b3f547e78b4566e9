//! Values: how they come out, and that what came out goes in again.

use serde_json::{Value, json};

use super::{Engine, Shop};

/// Asks for each expression, and looks at the value as it is written, so that no digit is lost on the way.
pub(super) async fn come_out_as_written<E: Engine>(shop: &Shop<E>, values: &[(&str, &str)]) {
    for (sql, expected) in values {
        let request = json!({ "query": format!("select {sql} as v"), "rows": "arrays" });
        let answer = shop.server.call("db", &request).await.is(200);
        let text = answer.text();
        let found = text.split_once("\"rows\":[[").unwrap().1.rsplit_once("]],\"row_count\"").unwrap().0;
        assert_eq!(found, *expected, "{sql}");
    }
}

/// Copies each column of the one row of `one` into `two`, which has the same columns, by what callers see of it.
pub(super) async fn go_in_again<E: Engine>(shop: &Shop<E>, columns: &[&str], bytes: &[&str]) {
    let all = columns.join(", ");
    let select = |table: &str| json!({ "query": format!("select {all} from {table}"), "rows": "objects" });
    let answer = shop.server.call("db", &select("one")).await.is(200).json();
    let mut params = answer["rows"][0].clone();
    for name in bytes {
        let value = params[*name].take();
        params[*name] = json!({ "base64": value });
    }
    for (name, value) in params.as_object_mut().unwrap() {
        // Arrays and objects as text, where the engine does not say of a parameter that it is JSON.
        if E::SYSTEM != "postgres" && !bytes.contains(&&**name) && (value.is_object() || value.is_array()) {
            *value = Value::from(value.to_string());
        }
    }
    let names: Vec<_> = columns.iter().map(|name| format!(":{name}")).collect();
    let insert = format!("insert into two ({all}) values ({})", names.join(", "));
    shop.ask(json!({ "query": insert, "params": params })).await;
    let again = shop.server.call("db", &select("two")).await.is(200).json();
    for name in columns {
        assert_eq!(again["rows"][0][name], answer["rows"][0][name], "{name}");
    }
}
