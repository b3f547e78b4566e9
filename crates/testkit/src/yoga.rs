//! `Yoga`: a GraphQL service (npm `graphql-yoga`, with `graphql-ws`) in a process of its own. `scripts/need.sh graphql`
//! installs it.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A service that runs; it ends with this. What it knows stands in `peers/graphql/server.mjs`.
#[derive(Debug)]
pub struct Yoga {
    child: Child,
    address: SocketAddr,
}

impl Yoga {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub fn start() -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/graphql");
        assert!(
            folder.join("node_modules").exists(),
            "run scripts/need.sh graphql, which installs graphql-yoga"
        );
        let mut child = Command::new("node")
            .arg("server.mjs")
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut origin = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut origin).unwrap();
        let address = origin.trim().strip_prefix("http://").expect("it prints its origin").parse().unwrap();
        Self { child, address }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The URL of something of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }
}

impl Drop for Yoga {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
