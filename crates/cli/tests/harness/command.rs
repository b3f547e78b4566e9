//! The command line as a script sees it.

use std::process::{Output, Stdio};

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdout, Command},
};

use super::{Server, within};

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs `trunkline` with these arguments, environment and standard input.
    pub(crate) async fn command(args: &[&str], env: &[(&str, &str)], input: &str) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_trunkline"))
            .args(args)
            .env_clear()
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // A command that refuses its arguments does not read.
        let _ = stdin.write_all(input.as_bytes()).await;
        drop(stdin);
        Self::of(&within("the command", child.wait_with_output()).await.unwrap())
    }

    /// The same, which must have ended with this code.
    pub(crate) fn is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        self
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// A command that goes on.
#[derive(Debug)]
pub(crate) struct Begun {
    child: Child,
    stdout: BufReader<ChildStdout>,
    printed: String,
}

impl Begun {
    /// Waits for a line that has these words in it.
    pub(crate) async fn line_with(&mut self, words: &str) -> String {
        loop {
            let mut line = String::new();
            let read = within(words, self.stdout.read_line(&mut line)).await.unwrap();
            self.printed.push_str(&line);
            if line.contains(words) {
                return line;
            }
            assert!(read > 0, "it ended without {words:?}: {}", self.printed);
        }
    }

    /// Waits for its end.
    pub(crate) async fn ended(mut self) -> Ran {
        within("the rest", self.stdout.read_to_string(&mut self.printed)).await.unwrap();
        let output = within("the command", self.child.wait_with_output()).await.unwrap();
        Ran { stdout: self.printed, ..Ran::of(&output) }
    }
}

impl Server {
    /// Begins a command against this server.
    pub(crate) fn cli_begin(&self, args: &[&str]) -> Begun {
        let mut command = Command::new(env!("CARGO_BIN_EXE_trunkline"));
        command.args(args).env_clear().env("TRUNKLINE_URL", format!("http://{}", self.address));
        command.envs(self.token.map(|token| ("TRUNKLINE_API_TOKEN", token)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().unwrap();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Begun { child, stdout, printed: String::new() }
    }

    /// Runs a command against this server.
    pub(crate) async fn cli(&self, args: &[&str]) -> Ran {
        self.cli_with(args, "").await
    }

    /// The same with standard input.
    pub(crate) async fn cli_with(&self, args: &[&str], input: &str) -> Ran {
        let url = format!("http://{}", self.address);
        let mut env = vec![("TRUNKLINE_URL", url.as_str())];
        env.extend(self.token.map(|token| ("TRUNKLINE_API_TOKEN", token)));
        Ran::command(args, &env, input).await
    }
}
