//! `Redis`: a real Redis server on a port of its own, which can be killed, held up and started again.

use std::{
    net::TcpListener,
    process::{Command as Once, Stdio},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, Command},
    time::timeout,
};

/// A Redis that keeps everything in memory. It is gone when it is dropped.
#[derive(Debug)]
pub struct Redis {
    port: u16,
    args: Vec<String>,
    child: Option<Child>,
}

impl Redis {
    /// Starts one; none, and a line that says so, where no `redis-server` is installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more arguments, such as `--requirepass`.
    pub async fn start_with(args: &[&str]) -> Option<Self> {
        if Once::new("redis-server").arg("--version").stdout(Stdio::null()).status().is_err() {
            #[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
            {
                eprintln!(
                    "skipped: no redis-server; on Debian and Ubuntu: sudo apt-get install redis-server"
                );
            }
            return None;
        }
        let args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
        // Another may take the port before it does.
        for _ in 0..10 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut redis = Self { port, args: args.clone(), child: None };
            if redis.again().await {
                return Some(redis);
            }
        }
        panic!("redis-server does not start");
    }

    /// Starts it on the same port once more, with nothing in it. Says whether it did start.
    pub async fn again(&mut self) -> bool {
        let mut child = Command::new("redis-server")
            .args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--port"])
            .arg(self.port.to_string())
            .args(&self.args)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let ready = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line.contains("Ready to accept connections") {
                    return true;
                }
            }
            false
        };
        let ready = timeout(Duration::from_secs(20), ready).await.unwrap_or(false);
        // What it says from now on is read by nobody, and must not hold it up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        self.child = Some(child);
        ready
    }

    /// Where it is, such as `redis://127.0.0.1:6380/0`.
    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/0", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it.
    pub async fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().await.unwrap();
        }
    }

    /// Holds it up: connections stand, and nothing is answered.
    pub fn hold(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let id = self.child.as_ref().and_then(Child::id).unwrap().to_string();
        assert!(Once::new("kill").args([signal, &id]).status().unwrap().success());
    }
}
