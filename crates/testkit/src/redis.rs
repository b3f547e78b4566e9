//! `Redis`: a real Redis server, which can be killed, held up and started again.

use aws_lc_rs::digest::{SHA256, digest};

use crate::{
    Options,
    broker::{Broker, is_broker},
    server::{program, skipped},
};

/// A Redis. It does what every [`Broker`] does, and keeps nothing over a kill or a stop unless it is
/// [durable](Redis::start_durable).
#[derive(Debug)]
pub struct Redis {
    broker: Broker,
    /// Of its URL, up to the address.
    origin: String,
}

is_broker!(Redis);

impl Redis {
    /// Each of its arguments that has it lose nothing that it has confirmed: every command is on disk before.
    pub const DURABLE: &[&str] = &["--appendonly", "yes", "--appendfsync", "always"];

    /// Starts one that keeps everything in memory and lets everybody in; none, and a line that says so, where no
    /// `redis-server` is installed.
    pub async fn start() -> Option<Self> {
        Self::start_as(Options::default()).await
    }

    /// Starts one that loses nothing that it has confirmed.
    pub async fn start_durable() -> Option<Self> {
        Self::start_with(Self::DURABLE).await
    }

    /// Starts one with more arguments, such as `--requirepass`.
    pub async fn start_with(args: &[&str]) -> Option<Self> {
        Self::start_as(Options { settings: args, ..Options::default() }).await
    }

    /// Starts one with options, whose settings are arguments.
    pub async fn start_as(options: Options<'_>) -> Option<Self> {
        let Some(server) = program("redis-server", []) else {
            skipped("redis-server", "redis-server");
            return None;
        };
        let broker =
            Broker::start("redis", &["redis", "nobody"], "Ready to accept connections", async |place| {
                let port = place.port.to_string();
                let mut command = place.account.command(&server);
                command.args(["--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir"]);
                command.arg(place.folder.path());
                match options.tls {
                    None => command.args(["--port", &port]),
                    Some(authority) => {
                        let files = place.certificate(authority);
                        command
                            .args(["--port", "0", "--tls-port", &port])
                            .args(["--tls-cert-file", &files.certificate, "--tls-key-file", &files.key])
                            .args(["--tls-ca-cert-file", &files.authority])
                            .args(["--tls-auth-clients", if options.mutual { "yes" } else { "no" }])
                    }
                };
                let logins = options.logins();
                if !logins.is_empty() {
                    command.args(["--user", "default", "off"]);
                }
                for (user, password) in logins {
                    // A password as it is would have to be quoted.
                    let hash = digest(&SHA256, password.as_bytes());
                    let hash: String = hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
                    command.args(["--user", user, "on"]);
                    command.args([format!("#{hash}").as_str(), "~*", "&*", "+@all"]);
                }
                // Of an argument that is there twice the last counts.
                command.args(options.settings);
                command
            })
            .await;
        Some(Self { broker, origin: options.origin("redis", "rediss") })
    }

    /// Its URL, such as `redis://127.0.0.1:6380/0` or `rediss://trunk:p%40ss@127.0.0.1:6380/0`.
    pub fn url(&self) -> String {
        format!("{}{}/0", self.origin, self.address())
    }
}
