//! `Httpbin`: PyPI `httpbin`, which asks for passwords in every way that HTTP knows.

use std::net::SocketAddr;

use crate::program::Program;

/// An httpbin that runs; it ends with this.
///
/// | path | what it does |
/// |---|---|
/// | `/basic-auth/{user}/{password}` | 200 for these, else 401 |
/// | `/digest-auth/{qop}/{user}/{password}/{algorithm}` | the same, with a challenge |
#[derive(Debug)]
pub struct Httpbin(Program);

impl Httpbin {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where it is not installed: `scripts/need.sh python` does that.
    pub fn start() -> Self {
        Self(Program::python("python", &["serve.py", "httpbin"]))
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
