//! The processes that are compared, each pinned to a core, and what CPU time they have used.

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
};

/// Clock ticks of `/proc` in a second: fixed at 100 in Linux's interface to user space (proc(5)).
const TICKS: f64 = 100.0;

/// A process; it ends with this.
pub(crate) struct Process {
    child: Child,
    /// The process whose CPU time counts: the child, or the one worker that it keeps.
    pid: u32,
    pub(crate) address: String,
    _folder: Option<tempfile::TempDir>,
}

impl Process {
    /// Starts this benchmark again in another role, on the cores `cores`.
    pub(crate) fn start(role: &str, cores: &str, args: &[&str]) -> Self {
        let this = std::env::current_exe().unwrap();
        let mut child = pinned(cores).arg(this).arg(role).args(args).stdout(Stdio::piped()).spawn().unwrap();
        let mut address = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut address).unwrap();
        let pid = child.id();
        Self { child, pid, address: address.trim().to_owned(), _folder: None }
    }

    /// Starts the server with these integrations, and with one worker.
    pub(crate) fn trunkline(cores: &str, integrations: &serde_json::Value) -> Self {
        Self::trunkline_with(cores, integrations, &serde_json::json!({}))
    }

    /// The same, with more settings of the server.
    pub(crate) fn trunkline_with(
        cores: &str,
        integrations: &serde_json::Value,
        settings: &serde_json::Value,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free();
        let mut server = settings.clone();
        server["workers"] = 1.into();
        server["listen"] = address.clone().into();
        server["data"] = folder.path().join("data").to_string_lossy().into();
        let config = serde_json::json!({
            "server": server,
            "egress": { "profile": "lab" },
            "integrations": integrations,
        });
        let file = folder.path().join("trunkline.yaml");
        std::fs::write(&file, config.to_string()).unwrap();
        let mut command = pinned(cores);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("TRUNKLINE_")) {
            command.env_remove(name);
        }
        command.arg(env!("CARGO_BIN_EXE_trunkline")).args(["serve", "--config"]).arg(file);
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        while std::net::TcpStream::connect(&address).is_err() {
            std::thread::yield_now();
        }
        let pid = child.id();
        Self { child, pid, address, _folder: Some(folder) }
    }

    /// A process whose worker's time counts, and what it needs while it runs.
    pub(crate) fn with_worker(child: Child, pid: u32, address: String, folder: tempfile::TempDir) -> Self {
        Self { child, pid, address, _folder: Some(folder) }
    }

    /// CPU time of all threads so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap();
        // The name in parentheses may hold spaces; user and system time are the 12th and 13th word behind it.
        let words: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = words[11].parse::<f64>().unwrap() + words[12].parse::<f64>().unwrap();
        ticks / TICKS
    }

    /// Bytes of memory that it has.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid)).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() << 10
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // A term lets nginx take its worker along.
        let _ = Command::new("kill").arg(self.child.id().to_string()).status();
        let _ = self.child.wait();
    }
}

/// A free address: bound and let go.
pub(crate) fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// A command on these cores.
pub(crate) fn pinned(cores: &str) -> Command {
    let mut command = Command::new("taskset");
    command.args(["-c", cores]);
    command
}

/// Moves this process, which makes the load, away from what it measures.
pub(crate) fn pin_self(cores: &str) {
    let _ = Command::new("taskset")
        .args(["-a", "-p", "-c", cores, &std::process::id().to_string()])
        .stdout(Stdio::null())
        .status();
}
