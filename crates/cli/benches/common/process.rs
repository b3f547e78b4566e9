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

    /// Starts the server, with one worker as the others have. It has the integration `bench` with the layers that
    /// are on unless configured otherwise, `plain` with as few as there can be, and `cached` that keeps replies.
    pub(crate) fn trunkline(cores: &str, upstream: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = free();
        let token = crate::upstream::TOKEN;
        let bench = serde_json::json!({
            "integration_id": "bench", "type": "rest", "base_url": format!("http://{upstream}"),
            "auth_type": "bearer", "auth_config": { "token": token },
        });
        let mut plain = bench.clone();
        plain["integration_id"] = "plain".into();
        plain["retry_config"] = serde_json::json!({ "max_attempts": 1 });
        plain["rate_limit"] = serde_json::json!({ "learn": false });
        for layer in ["breaker", "concurrency", "cache_config"] {
            plain[layer] = serde_json::json!({ "enabled": false });
        }
        let mut cached = bench.clone();
        cached["integration_id"] = "cached".into();
        cached["cache_config"] = serde_json::json!({ "ttl": "1h" });
        let config = serde_json::json!({
            "server": { "workers": 1, "listen": address, "data": folder.path().join("data") },
            "egress": { "profile": "lab" },
            "integrations": [bench, plain, cached],
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

    /// Starts nginx with the same job, if it is installed. It keeps what is below `/kept/`.
    pub(crate) fn nginx(cores: &str, upstream: &str) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let address = free();
        let at = folder.path().display();
        let token = crate::upstream::TOKEN;
        let config = format!(
            "daemon off; worker_processes 1; pid {at}/pid; error_log {at}/error.log; events {{ worker_connections 1024; }}
             http {{ access_log off; proxy_cache_path {at}/kept levels=1 keys_zone=kept:1m; client_body_temp_path {at}; proxy_temp_path {at}; fastcgi_temp_path {at}; uwsgi_temp_path {at}; scgi_temp_path {at};
               keepalive_requests 1000000000; upstream u {{ server {upstream}; keepalive 128; keepalive_requests 1000000000; }}
               server {{ listen {address}; location / {{ proxy_pass http://u; proxy_http_version 1.1;
                 proxy_set_header Connection \"\"; proxy_set_header Authorization \"Bearer {token}\"; }}
                 location /kept/ {{ proxy_pass http://u; proxy_http_version 1.1; proxy_cache kept; proxy_cache_valid 200 1h;
                 proxy_set_header Connection \"\"; proxy_set_header Authorization \"Bearer {token}\"; }} }} }}"
        );
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).unwrap();
        let nginx = ["/usr/sbin/nginx", "/usr/local/sbin/nginx"]
            .into_iter()
            .find(|path| std::path::Path::new(path).exists())?;
        let child = pinned(cores).arg(nginx).arg("-c").arg(file).stderr(Stdio::null()).spawn().ok()?;
        while std::net::TcpStream::connect(&address).is_err() {
            std::thread::yield_now();
        }
        // The address is bound before the worker is there that serves it.
        let children = format!("/proc/{0}/task/{0}/children", child.id());
        let worker = loop {
            let pids = std::fs::read_to_string(&children).ok()?;
            if let Some(pid) = pids.split_whitespace().next() {
                break pid.parse().ok()?;
            }
            std::thread::yield_now();
        };
        Some(Self { child, pid: worker, address, _folder: Some(folder) })
    }

    /// CPU time of all threads so far, in seconds.
    pub(crate) fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid)).unwrap();
        // The name in parentheses may hold spaces; user and system time are the 12th and 13th word behind it.
        let words: Vec<&str> = stat.rsplit_once(')').unwrap().1.split_whitespace().collect();
        let ticks = words[11].parse::<f64>().unwrap() + words[12].parse::<f64>().unwrap();
        ticks / TICKS
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
fn free() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn pinned(cores: &str) -> Command {
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
