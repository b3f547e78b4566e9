//! A server process with a home of its own, which is gone when the test is.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use trunkline_testkit::Peer;

use super::{Ran, until, within};

/// How a server is to be started.
#[derive(Debug)]
pub(crate) struct Begin {
    home: Arc<TempDir>,
    args: Vec<String>,
    env: Vec<(String, String)>,
    listen: String,
    token: Option<&'static str>,
    user: Option<u32>,
}

/// A server that runs.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) token: Option<&'static str>,
    home: Arc<TempDir>,
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
}

impl Begin {
    pub(crate) fn arg(mut self, arg: impl Into<String>) -> Self {
        self.args.push(arg.into());
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Lets integrations reach a peer.
    pub(crate) fn allow(self, peer: &Peer) -> Self {
        self.allow_at(peer.address())
    }

    /// Lets integrations reach an address.
    pub(crate) fn allow_at(self, address: SocketAddr) -> Self {
        self.arg("--egress-allow").arg(address.to_string())
    }

    pub(crate) fn listen(mut self, address: &str) -> Self {
        address.clone_into(&mut self.listen);
        self
    }

    /// Asks API calls for a token; the client shows it.
    pub(crate) fn token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self.env("TRUNKLINE_API_TOKEN", token)
    }

    /// Runs it as another user, which root alone can do.
    pub(crate) fn user(mut self, id: u32) -> Self {
        self.user = Some(id);
        self
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home().join("data")
    }

    /// Writes a file into the home and gives its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.home().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn command(&self) -> Command {
        let log = std::fs::File::options().create(true).append(true).open(log(self.home())).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command
            .args(["serve", "--listen", &self.listen, "--data"])
            .arg(self.data())
            .args(&self.args)
            .env_clear()
            .envs(self.env.iter().cloned())
            .current_dir(self.home())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true);
        if let Some(id) = self.user {
            command.uid(id).gid(id);
        }
        command
    }

    /// Starts it and waits until it listens.
    pub(crate) async fn start(self) -> Server {
        let mut child = self.command().spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = within("the first line", stdout.next_line()).await.unwrap();
        let address = line.as_deref().and_then(|line| line.rsplit_once("http://")?.1.parse().ok());
        let Some(address) = address else { panic!("{line:?} {}", read(&log(self.home()))) };
        Server { address, token: self.token, home: self.home, child, stdout }
    }

    /// Starts it where it must refuse to.
    pub(crate) async fn refused(&self) -> Ran {
        let output = within("the refusal", self.command().stderr(Stdio::piped()).output()).await.unwrap();
        Ran::of(&output)
    }
}

fn log(home: &Path) -> PathBuf {
    home.join("stderr.log")
}

fn read(path: &Path) -> String {
    String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned()
}

impl Server {
    /// A server to be set up.
    pub(crate) fn begin() -> Begin {
        Begin {
            home: Arc::new(tempfile::tempdir().unwrap()),
            args: Vec::new(),
            env: Vec::new(),
            listen: "127.0.0.1:0".to_owned(),
            token: None,
            user: None,
        }
    }

    /// A server whose integrations may reach `peer`.
    pub(crate) async fn beside(peer: &Peer) -> Self {
        Self::begin().allow(peer).start().await
    }

    /// Another server in the home of this one.
    pub(crate) fn again(&self) -> Begin {
        Begin { home: self.home.clone(), token: None, ..Self::begin() }
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.home().join("data")
    }

    /// What it has written to standard error so far.
    pub(crate) fn log(&self) -> String {
        read(&log(self.home()))
    }

    /// Waits until the log says something.
    pub(crate) async fn logs(&self, text: &str) -> String {
        until(text, || async { Some(self.log()).filter(|log| log.contains(text)) }).await
    }

    pub(crate) async fn line(&mut self) -> Option<String> {
        within("a line", self.stdout.next_line()).await.unwrap()
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().expect("it has not ended")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(self.pid().cast_signed()).unwrap();
        kill_process(pid, signal).unwrap();
    }

    /// Waits for its end and gives the exit code.
    pub(crate) async fn ended(&mut self) -> Option<i32> {
        within("the end of the process", self.child.wait()).await.unwrap().code()
    }

    /// Stops it in good order.
    pub(crate) async fn stop(mut self) -> Self {
        self.signal(Signal::TERM);
        assert_eq!(self.ended().await, Some(0), "{}", self.log());
        self
    }
}
