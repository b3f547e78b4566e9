//! The tables and columns that the login can see, as JSON that the server makes.

use trunkline_core::Result;

use super::session::Session;

/// How many columns are told at most.
const MOST: usize = 10_000;

impl Session {
    /// Tables, views and foreign tables of all schemas but the system's, with their columns, in one round trip.
    pub(super) async fn schema(&mut self) -> Result<Vec<u8>> {
        let row = self.asked(&question(MOST)).await?.pop().and_then(|mut row| row.pop().flatten());
        Ok(row.unwrap_or_default().into_bytes())
    }
}

/// One question for all: columns first, counted as far as the bound, then put together by table.
fn question(most: usize) -> String {
    format!(
        r#"
WITH tables AS (
  SELECT c.oid, n.nspname AS schema, c.relname AS name, obj_description(c.oid, 'pg_class') AS comment,
    CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized_view' WHEN 'f' THEN 'foreign_table' ELSE 'table' END AS kind
  FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')
    AND n.nspname !~ '^pg_(toast|temp)' AND has_schema_privilege(n.oid, 'USAGE')
    AND (has_table_privilege(c.oid, 'SELECT,INSERT,UPDATE,DELETE') OR has_any_column_privilege(c.oid, 'SELECT,INSERT,UPDATE'))
), columns AS (
  SELECT t.oid, a.attnum, a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
    pg_get_expr(d.adbin, d.adrelid) AS "default", col_description(t.oid, a.attnum) AS comment
  FROM tables t JOIN pg_catalog.pg_attribute a ON a.attrelid = t.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_catalog.pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  ORDER BY t.schema, t.name, a.attnum LIMIT {most} + 1
), kept AS (SELECT * FROM (SELECT *, row_number() OVER () AS place FROM columns) numbered WHERE place <= {most})
SELECT json_build_object('tables', (
  SELECT coalesce(json_agg(json_strip_nulls(json_build_object(
    'schema', t.schema, 'name', t.name, 'kind', t.kind, 'comment', t.comment,
    'columns', (SELECT json_agg(json_build_object('name', k.name, 'type', k.type, 'nullable', k.nullable,
        'default', k."default", 'comment', k.comment) ORDER BY k.attnum) FROM kept k WHERE k.oid = t.oid),
    'primary_key', (SELECT json_agg(a.attname ORDER BY u.place) FROM pg_catalog.pg_constraint p
        CROSS JOIN LATERAL unnest(p.conkey) WITH ORDINALITY u(attnum, place)
        JOIN pg_catalog.pg_attribute a ON a.attrelid = p.conrelid AND a.attnum = u.attnum
        WHERE p.conrelid = t.oid AND p.contype = 'p'),
    'foreign_keys', (SELECT json_agg(json_build_object('name', f.conname,
        'columns', (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(f.conkey) WITH ORDINALITY u(attnum, place)
            JOIN pg_catalog.pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = u.attnum),
        'references', json_build_object('schema', rn.nspname, 'table', rc.relname,
            'columns', (SELECT json_agg(a.attname ORDER BY u.place) FROM unnest(f.confkey) WITH ORDINALITY u(attnum, place)
                JOIN pg_catalog.pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = u.attnum))) ORDER BY f.conname)
        FROM pg_catalog.pg_constraint f JOIN pg_catalog.pg_class rc ON rc.oid = f.confrelid
        JOIN pg_catalog.pg_namespace rn ON rn.oid = rc.relnamespace
        WHERE f.conrelid = t.oid AND f.contype = 'f')
  )) ORDER BY t.schema, t.name), '[]') FROM tables t WHERE t.oid IN (SELECT oid FROM kept)
), 'truncated', (SELECT count(*) > {most} FROM columns))::text"#
    )
}
