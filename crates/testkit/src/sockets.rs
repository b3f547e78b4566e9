//! `Sockets`: a WebSocket service (PyPI `websockets`) in a process of its own. `scripts/need.sh python` installs it.

use crate::program::Program;

/// A service that runs; it ends with this. How it behaves is in the path: see `peers/python/sockets.py`.
#[derive(Debug)]
pub struct Sockets(Program);

impl Sockets {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub fn start() -> Self {
        Self(Program::python("python", &["sockets.py"]))
    }

    /// The URL of a way to behave, such as `/echo`.
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.0.address())
    }
}
