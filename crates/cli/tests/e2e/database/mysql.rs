//! MySQL and MariaDB: their types, their errors, their sessions.

use std::net::SocketAddr;

use serde_json::{Value, json};
use trunkline_testkit::MariaDb;

use super::{Engine, Shop, every, servers};

impl Engine for MariaDb {
    const SYSTEM: &'static str = "mysql";
    const LONG: &'static str = "select sleep(60) as nap";
    const MANY: &'static str = "select seq as n, 'abcdefghij' as text from seq_1_to_@";
    const HUGE: &'static str = "select repeat('x', 200000000) as huge";
    const FAILS_LATE: &'static str =
        "select seq as n, 9223372036854775807 - 100000 + seq as text from seq_1_to_200000";

    async fn start() -> Option<Self> {
        Self::start_with(&["--max-allowed-packet=1G"]).await
    }

    fn url(&self) -> String {
        MariaDb::url(self)
    }

    fn python(&self) -> String {
        MariaDb::url(self).replace("mysql://", "mysql+aiomysql://")
    }

    fn address(&self) -> Option<SocketAddr> {
        Some(([127, 0, 0, 1], self.port()).into())
    }

    async fn end(&mut self, in_order: bool) {
        if in_order { self.stop_fast().await } else { self.kill().await }
    }

    async fn again(&mut self) {
        assert!(MariaDb::again(self).await);
    }

    fn hold(&self) {
        MariaDb::hold(self);
    }

    fn go_on(&self) {
        MariaDb::go_on(self);
    }

    fn running(&self, words: &str) -> Option<usize> {
        let sql = format!(
            "select count(*) from information_schema.processlist where id <> connection_id() and info like '%{}%'",
            words.replace('\'', "''")
        );
        self.sql(&sql).parse().ok()
    }
}

every!(MariaDb);
servers!(MariaDb);
