//! `Moto`: PyPI `moto`, AWS on this machine, which checks the signature of every request.

use std::net::SocketAddr;

use crate::program::Program;

/// A moto that runs; it ends with this. It does whatever is signed with its key, and nothing else.
#[derive(Debug)]
pub struct Moto {
    server: Program,
    /// The id of the key.
    pub access_key_id: String,
    /// The key.
    pub secret_access_key: String,
}

impl Moto {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where it is not installed: `scripts/need.sh python` does that.
    pub fn start() -> Self {
        let mut server = Program::python("python", &["serve.py", "moto"]);
        let line = server.line();
        let (id, key) = line.split_once(' ').expect("it prints a key");
        Self { access_key_id: id.to_owned(), secret_access_key: key.to_owned(), server }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The URL of it.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address())
    }
}
