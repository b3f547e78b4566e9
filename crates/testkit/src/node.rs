//! `Node`: a server in Node.js in a process of its own. `scripts/need.sh` installs what they need.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// A server that runs; it ends with this.
#[derive(Debug)]
pub(crate) struct Node {
    child: Child,
    address: SocketAddr,
}

impl Node {
    /// Runs `server.mjs` of this folder of `peers` with its arguments; `need` is what `need.sh` calls it.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub(crate) fn start(folder: &str, need: &str, args: &[String]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(folder);
        assert!(
            folder.join("node_modules").exists(),
            "run scripts/need.sh {need}, which installs what the tests need of Node.js"
        );
        let mut child = Command::new("node")
            .arg("server.mjs")
            .args(args)
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

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
