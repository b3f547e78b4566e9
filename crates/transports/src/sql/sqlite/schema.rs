//! The tables and columns of a database, as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trunkline_core::Result;

use super::{codes, thread::Worker};

/// How many columns are told at most.
const MOST: usize = 10_000;

const TABLES: &str = "select name, type from pragma_table_list where schema = 'main' and type <> 'shadow' \
                      and name not like 'sqlite\\_%' escape '\\' order by name";
const COLUMNS: &str =
    "select name, type, \"notnull\", pk from pragma_table_xinfo(?1) where hidden <> 1 order by cid";
/// A key that names no columns of the other table means its primary key.
const FOREIGN: &str = "select f.id, f.\"from\", f.\"table\", coalesce(f.\"to\", \
                       (select p.name from pragma_table_info(f.\"table\") p where p.pk = f.seq + 1)) \
                       from pragma_foreign_key_list(?1) f order by f.id, f.seq";

/// A foreign key: its columns, the other table, and the columns there.
type Foreign = (Vec<String>, String, Vec<String>);

impl Worker {
    /// The tables, views and columns.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub(super) fn schema(&self) -> Result<Vec<u8>> {
        let told = self.guard.trusting(|| self.tables());
        Ok(told.map_err(|error| codes::error(&error, &self.guard))?.to_string().into_bytes())
    }

    fn tables(&self) -> rusqlite::Result<Value> {
        let mut names = self.connection.prepare(TABLES)?;
        let names = names.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))?;
        let (mut tables, mut left) = (Vec::new(), MOST);
        for name in names {
            let (name, kind) = name?;
            let (columns, primary) = self.columns(&name)?;
            if columns.len() > left {
                return Ok(json!({ "tables": tables, "truncated": true }));
            }
            left -= columns.len();
            let kind = if kind == "view" { "view" } else { "table" };
            let mut table = json!({ "schema": "main", "name": name, "kind": kind, "columns": columns });
            if !primary.is_empty() {
                table["primary_key"] = json!(primary);
            }
            let foreign: Vec<_> = self.foreign(&name)?.into_values().map(|key| told(&key)).collect();
            if !foreign.is_empty() {
                table["foreign_keys"] = foreign.into();
            }
            tables.push(table);
        }
        Ok(json!({ "tables": tables, "truncated": false }))
    }

    /// The columns of a table, and which of them are its primary key, in the order of the key.
    fn columns(&self, table: &str) -> rusqlite::Result<(Vec<Value>, Vec<String>)> {
        let (mut columns, mut key) = (Vec::new(), BTreeMap::new());
        let mut asked = self.connection.prepare(COLUMNS)?;
        let mut rows = asked.query([table])?;
        while let Some(row) = rows.next()? {
            let (name, r#type): (String, String) = (row.get(0)?, row.get(1)?);
            let (not_null, place): (bool, u32) = (row.get(2)?, row.get(3)?);
            // The one key that is the row's own number is never null; others may be, for compatibility with old files.
            let nullable = !(not_null || place > 0 && r#type.eq_ignore_ascii_case("integer"));
            columns.push(json!({ "name": name, "type": r#type, "nullable": nullable }));
            if place > 0 {
                key.insert(place, name);
            }
        }
        Ok((columns, key.into_values().collect()))
    }

    fn foreign(&self, table: &str) -> rusqlite::Result<BTreeMap<u32, Foreign>> {
        let mut keys = BTreeMap::<u32, Foreign>::new();
        let mut asked = self.connection.prepare(FOREIGN)?;
        let mut rows = asked.query([table])?;
        while let Some(row) = rows.next()? {
            let key = keys.entry(row.get(0)?).or_default();
            key.0.push(row.get(1)?);
            key.1 = row.get(2)?;
            key.2.extend(row.get::<_, Option<String>>(3)?);
        }
        Ok(keys)
    }
}

fn told((columns, table, others): &Foreign) -> Value {
    json!({ "columns": columns, "references": { "schema": "main", "table": table, "columns": others } })
}
