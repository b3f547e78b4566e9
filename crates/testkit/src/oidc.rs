//! `OidcProvider`: a certified OpenID provider (npm `oidc-provider`) in a process of its own, with a resource that
//! wants its tokens, and a person who agrees to everything. `scripts/need.sh oidc` installs it.

use std::net::SocketAddr;

use crate::program::Program;

/// A provider that runs; it ends with this.
///
/// What it answers at which path stands at the head of `peers/oidc-provider/server.mjs`.
#[derive(Debug)]
pub struct OidcProvider(Program);

impl OidcProvider {
    /// Starts one that says of its tokens that they live for so many seconds; they are good for a minute at least.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub fn start(life: u32) -> Self {
        Self(Program::node("oidc-provider", "oidc", &[life.to_string()]))
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
