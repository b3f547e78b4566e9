//! `trunkline serve`, asked over one connection.

use serde_json::json;

use crate::{load, process::Process, query};

/// The server.
pub(crate) struct Served(Process);

impl Served {
    /// Starts it on a core of its own.
    pub(crate) fn start(url: &str) -> Self {
        let bench = json!({ "integration_id": "bench", "type": "database", "base_url": url });
        Self(Process::trunkline("0", &json!([bench])))
    }

    /// CPU microseconds a query, asking for `rows` rows again and again for some seconds.
    pub(crate) async fn round(&self, rows: usize, seconds: u64) -> f64 {
        let body = json!({ "query": query(rows) }).to_string();
        let request = format!(
            "POST /api/v1/integrations/bench/call HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        let before = self.0.cpu();
        let asked = load::run(&self.0.address, request.as_bytes(), 1, seconds).await;
        (self.0.cpu() - before) * 1e6 / asked as f64
    }
}
