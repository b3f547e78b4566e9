//! `Yoga`: a GraphQL service (npm `graphql-yoga`, with `graphql-ws`) in a process of its own. `scripts/need.sh graphql`
//! installs it.

use std::net::SocketAddr;

use crate::program::Program;

/// A service that runs; it ends with this. What it knows stands in `peers/graphql/server.mjs`.
#[derive(Debug)]
pub struct Yoga(Program);

impl Yoga {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub fn start() -> Self {
        Self(Program::node("graphql", "graphql", &[]))
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.address()
    }

    /// The URL of something of it.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.0.address())
    }
}
