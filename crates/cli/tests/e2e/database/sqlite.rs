//! SQLite: files in one folder, and values that have types of their own.

use serde_json::json;
use trunkline_testkit::music;

use super::{Engine, Shop, every};
use crate::harness::Server;

/// A file beside the server.
pub(crate) struct Sqlite;

impl Engine for Sqlite {
    const SYSTEM: &'static str = "sqlite";
    const LONG: &'static str = "with recursive long(n) as (select 1 union all select n + 1 from long where n < 1000000000000) \
                                select count(*) from long";
    const MANY: &'static str = "with recursive many(n) as (select 1 union all select n + 1 from many where n < @) \
                                select n, 'abcdefghij' as text from many";
    const HUGE: &'static str = "select hex(zeroblob(100000000)) as huge";
    const FAILS_LATE: &'static str = "with recursive many(n) as (select 1 union all select n + 1 from many where n < 200000) \
         select n, abs(-9223372036854775807 - (n = 100000)) as text from many";

    async fn start() -> Option<Self> {
        Some(Self)
    }

    fn url(&self) -> String {
        "sqlite:music.db".to_owned()
    }

    fn python(&self) -> String {
        "sqlite+aiosqlite:///music.db".to_owned()
    }

    async fn fill(server: &Server, url: &str) {
        let config = json!({ "integration_id": "fill", "type": "sqlite", "base_url": url, "multiple_statements": true });
        server.has(&config).await;
        // They are a transaction as it is.
        let sample = music::sqlite().replace("begin;\n", "").replace("commit;\n", "");
        server.call("fill", &json!({ "query": sample })).await.is(200);
    }
}

every!(Sqlite);
