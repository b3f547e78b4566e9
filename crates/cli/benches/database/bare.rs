//! sqlx with one connection that is held, and rows written as JSON by hand.

use std::{fmt::Write, hint::black_box};

use futures_util::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, Row, types::time::OffsetDateTime};

use crate::{client::answer, query};

/// Asks as it is told.
pub(crate) fn serve(url: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut connection = runtime.block_on(PgConnection::connect(url)).unwrap();
    answer(|rows| {
        (0..16).for_each(|_| runtime.block_on(ask(&mut connection, &query(rows))));
        16
    });
}

async fn ask(connection: &mut PgConnection, sql: &str) {
    let mut out = String::with_capacity(1024);
    out.push('[');
    let mut rows = sqlx::query(AssertSqlSafe(sql.to_owned())).fetch(connection);
    while let Some(row) = rows.try_next().await.unwrap() {
        if out.len() > 1 {
            out.push(',');
        }
        write!(out, "{{\"id\":{},\"name\":", row.get::<i64, _>(0)).unwrap();
        text(&mut out, row.get(1));
        out.push_str(",\"score\":");
        out.push_str(&serde_json::to_string(&row.get::<f64, _>(2)).unwrap());
        out.push_str(if row.get(3) {
            ",\"active\":true,\"created\":\""
        } else {
            ",\"active\":false,\"created\":\""
        });
        let at: OffsetDateTime = row.get(4);
        write!(
            out,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z\"}}",
            at.year(),
            u8::from(at.month()),
            at.day(),
            at.hour(),
            at.minute(),
            at.second(),
            at.microsecond()
        )
        .unwrap();
    }
    out.push(']');
    black_box(out);
}

/// A JSON string; what has to be escaped is rare.
fn text(out: &mut String, text: &str) {
    if text.bytes().any(|byte| byte < 0x20 || byte == b'"' || byte == b'\\') {
        return out.push_str(&serde_json::to_string(text).unwrap());
    }
    out.push('"');
    out.push_str(text);
    out.push('"');
}
