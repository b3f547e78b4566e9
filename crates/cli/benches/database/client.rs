//! A client in a process of its own, pinned to a core, which asks for as long as it is told and says what that cost.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// The process.
pub(crate) struct Client {
    child: Child,
    told: ChildStdin,
    says: BufReader<ChildStdout>,
}

impl Client {
    /// This benchmark again, in another role.
    pub(crate) fn this(role: &str, url: &str) -> Self {
        Self::start(
            Command::new("taskset").args(["-c", "0"]).arg(std::env::current_exe().unwrap()).args([role, url]),
        )
    }

    /// SQLAlchemy, where it is installed.
    pub(crate) fn python(url: &str) -> Option<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let python = here.join("../testkit/peers/python/.venv/bin/python");
        let asks =
            Command::new(&python).args(["-c", "import sqlalchemy, asyncpg"]).stderr(Stdio::null()).status();
        if !asks.is_ok_and(|status| status.success()) {
            return None;
        }
        let script = here.join("benches/database/client.py");
        Some(Self::start(Command::new("taskset").args(["-c", "0"]).arg(python).arg(script).arg(url)))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (told, says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, told, says }
    }

    /// CPU microseconds a query, asking for `rows` rows again and again for some seconds.
    pub(crate) fn round(&mut self, rows: usize, seconds: u64) -> f64 {
        writeln!(self.told, "{rows} {seconds}").unwrap();
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        line.trim().parse().expect("a client says what a query cost")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side: runs what it is told, and says what it cost.
pub(crate) fn answer(mut ask: impl FnMut(usize)) {
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (rows, seconds) = line.split_once(' ').unwrap();
        let (rows, seconds) = (rows.parse().unwrap(), Duration::from_secs(seconds.parse().unwrap()));
        let (began, before, mut asked) = (Instant::now(), cpu(), 0);
        while began.elapsed() < seconds {
            // A look at the clock is no part of a query.
            (0..16).for_each(|_| ask(rows));
            asked += 16;
        }
        println!("{}", (cpu() - before) * 1e6 / f64::from(asked));
    }
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
