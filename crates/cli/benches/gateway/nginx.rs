//! nginx with the job of the others, if it is installed.

use std::process::Stdio;

use crate::{
    process::{Process, free, pinned},
    upstream::TOKEN,
};

/// Starts nginx with the same job, if it is installed. It keeps what is below `/kept/`.
pub(crate) fn nginx(cores: &str, upstream: &str) -> Option<Process> {
    let folder = tempfile::tempdir().unwrap();
    let address = free();
    let at = folder.path().display();
    let token = TOKEN;
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
    Some(Process::with_worker(child, worker, address, folder))
}
