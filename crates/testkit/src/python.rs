//! `Python`: a server in Python in a process of its own. `scripts/need.sh python` installs what they need.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

/// A server that runs; it ends with this.
#[derive(Debug)]
pub(crate) struct Python {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Python {
    /// Starts one of those that `serve.py` knows.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub(crate) fn start(name: &str) -> Self {
        Self::run(&["serve.py", name])
    }

    /// Runs a script with its arguments.
    ///
    /// # Panics
    ///
    /// As above.
    pub(crate) fn run(args: &[&str]) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers/python");
        assert!(
            folder.join(".venv/complete").exists(),
            "run scripts/need.sh python, which installs what the tests need of Python"
        );
        let mut child = Command::new(folder.join(".venv/bin/python"))
            .arg("-B")
            .args(args)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut this = Self { child, stdout, address: SocketAddr::from(([0; 4], 0)) };
        this.address = this.line().strip_prefix("http://").expect("it prints its origin").parse().unwrap();
        this
    }

    /// The next line that it prints.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Python {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
