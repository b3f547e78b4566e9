//! The tables and columns of a database, as JSON.

use trunkline_core::Result;

use super::{super::json, codes, thread::Worker};

/// More is not told: it would be no help to whoever reads it.
const BYTES: usize = 4 << 20;

const TABLES: &str = "select name, type from pragma_table_list where schema = 'main' and type <> 'shadow' \
                      and name not like 'sqlite\\_%' escape '\\' order by name";
const COLUMNS: &str = "select c.name, c.type, c.\"notnull\", c.pk, f.\"table\", coalesce(f.\"to\", \
                       (select p.name from pragma_table_info(f.\"table\") p where p.pk = f.seq + 1)) \
                       from pragma_table_xinfo(?1) c left join pragma_foreign_key_list(?1) f \
                       on f.\"from\" = c.name collate nocase where c.hidden <> 1 group by c.cid order by c.cid";

impl Worker {
    /// The tables, views and columns.
    ///
    /// # Errors
    ///
    /// What SQLite says.
    pub(super) fn schema(&self) -> Result<Vec<u8>> {
        let told = self.guard.trusting(|| self.tables());
        told.map_err(|error| codes::error(&error, &self.guard))
    }

    fn tables(&self) -> rusqlite::Result<Vec<u8>> {
        let mut out = br#"{"tables":["#.to_vec();
        let mut cut = false;
        let (mut tables, mut columns) = (self.connection.prepare(TABLES)?, self.connection.prepare(COLUMNS)?);
        let mut tables = tables.query([])?;
        let mut first = true;
        while let Some(table) = tables.next()? {
            if out.len() > BYTES {
                cut = true;
                break;
            }
            let name: String = table.get(0)?;
            let kind: String = table.get(1)?;
            out.extend_from_slice(if first {
                br#"{"schema":"main","name":"#
            } else {
                br#",{"schema":"main","name":"#
            });
            first = false;
            json::text(&mut out, &name);
            out.extend_from_slice(br#","kind":"#);
            json::text(&mut out, if kind == "view" { "view" } else { "table" });
            out.extend_from_slice(br#","columns":["#);
            let mut found = columns.query([&name])?;
            let mut one = true;
            while let Some(column) = found.next()? {
                column_of(&mut out, column, one)?;
                one = false;
            }
            out.extend_from_slice(b"]}");
        }
        out.extend_from_slice(if cut { br#"],"truncated":"max_bytes"}"# } else { br#"],"truncated":null}"# });
        Ok(out)
    }
}

fn column_of(out: &mut Vec<u8>, column: &rusqlite::Row<'_>, first: bool) -> rusqlite::Result<()> {
    let (name, r#type): (String, String) = (column.get(0)?, column.get(1)?);
    let (not_null, key): (bool, bool) = (column.get(2)?, column.get(3)?);
    let target: Option<(String, Option<String>)> = match column.get(4)? {
        Some(table) => Some((table, column.get(5)?)),
        None => None,
    };
    out.extend_from_slice(if first { br#"{"name":"# } else { br#",{"name":"# });
    json::text(out, &name);
    out.extend_from_slice(br#","type":"#);
    json::text(out, &r#type);
    // The one key that is the row's own number is never null; others may be, for compatibility with old files.
    let nullable = !(not_null || key && r#type.eq_ignore_ascii_case("integer"));
    out.extend_from_slice(if nullable { br#","nullable":true"# } else { br#","nullable":false"# });
    if key {
        out.extend_from_slice(br#","primary_key":true"#);
    }
    if let Some((table, column)) = target {
        out.extend_from_slice(br#","references":{"schema":"main","table":"#);
        json::text(out, &table);
        if let Some(column) = column {
            out.extend_from_slice(br#","column":"#);
            json::text(out, &column);
        }
        out.push(b'}');
    }
    out.push(b'}');
    Ok(())
}
