//! PostgreSQL: its types, its errors, its ways to write in what looks like a question.

use std::net::SocketAddr;

use serde_json::{Value, json};
use trunkline_testkit::Postgres;

use super::{Engine, Shop, every, servers};

impl Engine for Postgres {
    const SYSTEM: &'static str = "postgres";
    const LONG: &'static str = "select pg_sleep(60) as long";
    const MANY: &'static str = "select n, 'abcdefghij' as text from generate_series(1, @) n";
    const HUGE: &'static str = "select repeat('x', 200000000) as huge";
    const FAILS_LATE: &'static str = "select n, 1 / (100000 - n) as text from generate_series(1, 200000) n";

    async fn start() -> Option<Self> {
        // One that waits for a deadlock to be found has better to do.
        Self::start_with(&["deadlock_timeout=20ms"]).await
    }

    fn url(&self) -> String {
        Postgres::url(self)
    }

    fn python(&self) -> String {
        Postgres::url(self).replace("postgres://", "postgresql+asyncpg://")
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], self.port()).into())
    }

    async fn end(&mut self, in_order: bool) {
        if in_order { self.stop_fast().await } else { self.kill().await }
    }

    async fn again(&mut self) {
        assert!(Postgres::again(self).await);
    }

    fn hold(&self) {
        Postgres::hold(self);
    }

    fn go_on(&self) {
        Postgres::go_on(self);
    }

    fn running(&self, words: &str) -> Option<usize> {
        let sql = format!(
            "select count(*) from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() \
             and query like '%{}%'",
            words.replace('\'', "''")
        );
        self.psql(&sql).parse().ok()
    }
}

every!(Postgres);
servers!(Postgres);
