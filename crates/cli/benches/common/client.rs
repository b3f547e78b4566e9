//! A client in a process of its own, pinned to a core, which does something for as long as it is told and says what that cost.

use std::{
    io::{BufRead, BufReader, Write},
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

    /// A program that is told and answers in the same way.
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (told, says) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, told, says }
    }

    /// CPU microseconds that something of this size costs, done again and again for some seconds.
    pub(crate) fn round(&mut self, size: usize, seconds: u64) -> f64 {
        self.rate(size, seconds).0
    }

    /// The same, and how often it was done in a second.
    pub(crate) fn rate(&mut self, size: usize, seconds: u64) -> (f64, f64) {
        writeln!(self.told, "{size} {seconds}").unwrap();
        let mut line = String::new();
        self.says.read_line(&mut line).unwrap();
        let mut words = line.split_whitespace().map(|word| word.parse().expect("a client says what it cost"));
        (words.next().expect("a client answers"), words.next().unwrap_or_default())
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other side: does what it is told, and says what it cost. `act` does something of this size so often that a look at
/// the clock is no part of it, and says how often that was.
pub(crate) fn answer(mut act: impl FnMut(usize) -> u32) {
    for line in std::io::stdin().lines() {
        let line = line.unwrap();
        let (size, seconds) = line.split_once(' ').unwrap();
        let (size, seconds) = (size.parse().unwrap(), Duration::from_secs(seconds.parse().unwrap()));
        let (began, before, mut done) = (Instant::now(), cpu(), 0);
        while began.elapsed() < seconds {
            done += act(size);
        }
        let done = f64::from(done);
        println!("{} {}", (cpu() - before) * 1e6 / done, done / began.elapsed().as_secs_f64());
    }
}

fn cpu() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}
