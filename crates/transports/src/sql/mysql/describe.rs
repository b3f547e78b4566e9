//! Who answers, and what can be asked for: version, role, privileges; tables and columns.

use std::collections::BTreeMap;

use mysql_async::{Row, from_value_opt};
use serde_json::{Map, Value, json};
use trunkline_core::{Proof, Result};

use super::{
    codes::{self, Stage},
    session::Session,
};

/// How many columns are told at most.
const MOST: usize = 10_000;

/// Asks who answers. Where the integration is read only, a login that may do more than read is pointed out.
///
/// # Errors
///
/// What the server says.
pub(super) async fn proof(session: &mut Session, read_only: bool) -> Result<Proof> {
    let rows = ask(session, "SELECT VERSION(), @@version_comment, @@global.read_only").await?;
    let row = rows.into_iter().next().unwrap_or_default();
    let [version, comment, refuses_writes] = &row[..] else { return Ok(Proof::ANSWERED) };
    let maria = version.contains("MariaDB") || comment.contains("MariaDB");
    let role = match is_replica(session).await || matches!(&**refuses_writes, "1" | "ON") {
        true => "replica",
        false => "primary",
    };
    let mut proof = Proof::ANSWERED
        .fact("product", if maria { "MariaDB" } else { "MySQL" })
        .fact("version", version.clone())
        .fact("role", role);
    if read_only {
        let grants = ask(session, "SHOW GRANTS").await.unwrap_or_default();
        proof.warning = too_much(grants.iter().flatten().map(|grant| &**grant));
    }
    Ok(proof)
}

/// Whether it follows another server, as far as the login may know. The words were changed with MySQL 8.0.22 and
/// MariaDB 10.5.
async fn is_replica(session: &mut Session) -> bool {
    for question in ["SHOW REPLICA STATUS", "SHOW SLAVE STATUS"] {
        if let Ok(rows) = ask(session, question).await {
            return !rows.is_empty();
        }
    }
    false
}

/// What no login should have through which callers only read: some of it works in spite of that.
fn too_much<'a>(grants: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut found = Vec::new();
    for grant in grants {
        let privileges = grant.split(" ON ").next().unwrap_or_default().trim_start_matches("GRANT ");
        for privilege in privileges.split(", ") {
            let much = matches!(privilege, "ALL PRIVILEGES" | "SUPER" | "FILE" | "PROXY");
            if much && !found.contains(&privilege) {
                found.push(privilege);
            }
        }
    }
    (!found.is_empty()).then(|| {
        format!(
            "the login has {}, with which files and settings of the server can be reached though the integration is \
             read only; use one that may only SELECT",
            found.join(", ")
        )
    })
}

/// The tables and columns of the database, or of all but the system's where none is chosen.
///
/// # Errors
///
/// What the server says.
pub(super) async fn schema(session: &mut Session) -> Result<Vec<u8>> {
    let within = |column: &str| {
        format!(
            "{column} NOT IN ('information_schema', 'mysql', 'performance_schema', 'sys') AND (DATABASE() IS NULL OR \
             {column} = DATABASE())"
        )
    };
    let columns = format!(
        "SELECT c.table_schema, c.table_name, t.table_type, t.table_comment, c.column_name, c.column_type, \
         c.is_nullable, c.column_key, c.column_default, c.column_comment FROM information_schema.columns c JOIN \
         information_schema.tables t ON t.table_schema = c.table_schema AND t.table_name = c.table_name WHERE {} ORDER \
         BY c.table_schema, c.table_name, c.ordinal_position LIMIT {}",
        within("c.table_schema"),
        MOST + 1
    );
    let keys = format!(
        "SELECT table_schema, table_name, constraint_name, column_name, referenced_table_schema, \
         referenced_table_name, referenced_column_name FROM information_schema.key_column_usage WHERE {} AND \
         (constraint_name = 'PRIMARY' OR referenced_table_name IS NOT NULL) ORDER BY table_schema, table_name, \
         constraint_name, ordinal_position LIMIT {MOST}",
        within("table_schema")
    );
    let mut columns = ask(session, &columns).await?;
    let keys = Keys::of(&ask(session, &keys).await?);
    let truncated = columns.len() > MOST;
    columns.truncate(MOST);
    let mut tables: Vec<Value> = Vec::new();
    let mut last = None;
    for column in &columns {
        let [schema, table, kind, about, name, r#type, nullable, _, default, comment] = &column[..] else {
            continue;
        };
        if last != Some((schema, table)) {
            last = Some((schema, table));
            let view = kind.contains("VIEW");
            let mut told = json!({
                "schema": schema, "name": table, "kind": if view { "view" } else { "table" },
                "columns": [],
            });
            // Views have the word as their comment.
            if !about.is_empty() && !view {
                told["comment"] = about.as_str().into();
            }
            keys.add(&mut told, schema, table);
            tables.push(told);
        }
        let mut told = json!({ "name": name, "type": r#type, "nullable": nullable == "YES" });
        for (key, text) in [("default", default), ("comment", comment)] {
            if !text.is_empty() && text != "NULL" {
                told[key] = text.as_str().into();
            }
        }
        if let Some(Value::Array(columns)) = tables.last_mut().map(|table| &mut table["columns"]) {
            columns.push(told);
        }
    }
    let told = json!({ "tables": tables, "truncated": truncated });
    Ok(told.to_string().into_bytes())
}

/// Primary and foreign keys, by schema, table and name.
#[derive(Default)]
struct Keys(BTreeMap<(String, String), BTreeMap<String, Key>>);

/// The columns of a key, and what they refer to.
#[derive(Default)]
struct Key {
    columns: Vec<String>,
    to: (String, String),
    referred: Vec<String>,
}

impl Keys {
    fn of(rows: &[Vec<String>]) -> Self {
        let mut keys = Self::default();
        for row in rows {
            let [schema, table, name, column, to_schema, to_table, to_column] = &row[..] else { continue };
            let table = keys.0.entry((schema.clone(), table.clone())).or_default();
            let key = table.entry(name.clone()).or_default();
            key.columns.push(column.clone());
            key.to = (to_schema.clone(), to_table.clone());
            key.referred.push(to_column.clone());
        }
        keys
    }

    fn add(&self, told: &mut Value, schema: &str, table: &str) {
        let Some(keys) = self.0.get(&(schema.to_owned(), table.to_owned())) else { return };
        let mut foreign = Vec::new();
        for (name, key) in keys {
            if name == "PRIMARY" {
                told["primary_key"] = json!(key.columns);
                continue;
            }
            let references: Map<_, _> = [
                ("schema".to_owned(), json!(key.to.0)),
                ("table".to_owned(), json!(key.to.1)),
                ("columns".to_owned(), json!(key.referred)),
            ]
            .into_iter()
            .collect();
            foreign.push(json!({ "name": name, "columns": key.columns, "references": references }));
        }
        if !foreign.is_empty() {
            told["foreign_keys"] = json!(foreign);
        }
    }
}

/// Asks, and takes every value as text; none is the empty one.
async fn ask(session: &mut Session, question: &str) -> Result<Vec<Vec<String>>> {
    let rows = session.ask(question).await.map_err(|error| codes::lost(error, Stage::Running))?;
    let texts = |row: Row| {
        let text = |value| {
            from_value_opt::<Option<Vec<u8>>>(value)
                .ok()
                .flatten()
                .map_or_else(String::new, |bytes| String::from_utf8_lossy(&bytes).into_owned())
        };
        row.unwrap().into_iter().map(text).collect()
    };
    Ok(rows.into_iter().map(texts).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_that_may_do_more_than_read_is_pointed_out() {
        let warned = |grant: &str| too_much([grant].into_iter());
        assert!(warned("GRANT SELECT, FILE ON *.* TO `a`@`%`").unwrap().contains("has FILE,"));
        assert!(warned("GRANT ALL PRIVILEGES ON `shop`.* TO `a`@`%`").unwrap().contains("ALL PRIVILEGES"));
        assert_eq!(warned("GRANT SELECT ON `FILE`.* TO `a`@`%`"), None);
        assert_eq!(warned("GRANT USAGE ON *.* TO `a`@`%`"), None);
    }
}
