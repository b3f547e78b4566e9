//! `Program`: a server of others in a process of its own, which prints where it listens and ends when its input does.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdout, Command, Stdio},
};

/// A server that runs; it ends with this.
#[derive(Debug)]
pub(crate) struct Program {
    child: Child,
    stdout: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Program {
    /// Runs `server.mjs` of a folder of `peers`; `need` is what `need.sh` calls it.
    ///
    /// # Panics
    ///
    /// Where it is not installed.
    pub(crate) fn node(folder: &str, need: &str, args: &[String]) -> Self {
        let folder = peers(folder);
        installed(&folder.join("node_modules"), need);
        Self::start(Command::new("node").arg("server.mjs").args(args).current_dir(folder))
    }

    /// Runs a script of a folder of `peers`, which `need.sh` calls so too.
    ///
    /// # Panics
    ///
    /// Where what it needs is not installed.
    pub(crate) fn python(need: &str, args: &[&str]) -> Self {
        let folder = peers(need);
        installed(&folder.join(".venv/complete"), need);
        let python = folder.join(".venv/bin/python");
        Self::start(Command::new(python).arg("-B").args(args).current_dir(folder))
    }

    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        let mut this = Self { child, stdout, address: SocketAddr::from(([0; 4], 0)) };
        let line = this.line();
        this.address = line.split_once("://").expect("it prints its origin").1.parse().unwrap();
        this
    }

    /// Sends it a line, and reads the next that it prints.
    pub(crate) fn ask(&mut self, line: &str) -> String {
        writeln!(self.child.stdin.as_mut().expect("it is open"), "{line}").unwrap();
        self.line()
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

pub(crate) fn peers(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("peers").join(folder)
}

pub(crate) fn installed(file: &Path, need: &str) {
    assert!(file.exists(), "run scripts/need.sh {need}, which installs what the test needs");
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
