//! `Signers`: the libraries that vendors have for their webhooks, which sign and check them. `scripts/need.sh vendors` installs
//! them; `peers/vendors/webhooks.py` says what is asked of them.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use serde_json::Value;

/// The libraries, in a process of their own; they end with this.
#[derive(Debug)]
pub struct Signers {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Signers {
    /// Starts them.
    ///
    /// # Panics
    ///
    /// Where they are not installed.
    pub fn start() -> Self {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/peers/vendors"));
        assert!(folder.join(".venv/complete").exists(), "not installed: run scripts/need.sh vendors");
        let mut command = Command::new(folder.join(".venv/bin/python"));
        let command = command.arg("-B").arg(folder.join("webhooks.py"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Self { child, stdout }
    }

    fn ask(&mut self, hook: &Value) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{hook}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// The webhook with the `headers` that the library of its `vendor` signs it with.
    pub fn signed(&mut self, mut hook: Value) -> Value {
        hook["headers"] = self.ask(&hook)["headers"].take();
        hook
    }

    /// Whether the library of its `vendor` accepts one that is signed.
    pub fn accepts(&mut self, hook: &Value) -> bool {
        self.ask(hook)["accepted"].as_bool().unwrap()
    }
}

impl Drop for Signers {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
