//! `Nats`: a real NATS server with JetStream in a folder of its own, which can be killed and started again.

use crate::{
    Options,
    broker::{Broker, is_broker},
    server::{free_port, program, skipped},
};

/// A NATS server. What JetStream has confirmed survives its process. It does what every [`Broker`] does.
#[derive(Debug)]
pub struct Nats {
    broker: Broker,
    /// Of its URL, up to the address.
    origin: String,
}

is_broker!(Nats);

impl Nats {
    /// Starts one that lets everybody in; none, and a line that says so, where NATS is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(Options::default()).await
    }

    /// The same with options. A token is a setting: `authorization { token: "…" }`.
    pub async fn start_with(options: Options<'_>) -> Option<Self> {
        let Some(server) = program("nats-server", []) else {
            skipped("NATS server", "nats-server");
            return None;
        };
        let broker = Broker::start("nats", &["nats", "nobody"], "Server is ready", async |place| {
            let mut lines = vec![
                format!("listen: \"127.0.0.1:{}\"", place.port),
                format!("jetstream {{ store_dir: {:?} }}", place.path("data")),
            ];
            let logins = options.logins();
            if !logins.is_empty() {
                let user = |(user, password): &(&str, &str)| {
                    format!("{{ user: {}, password: {} }}", quoted(user), quoted(password))
                };
                let users: Vec<_> = logins.iter().map(user).collect();
                lines.push(format!("authorization {{ users: [{}] }}", users.join(", ")));
            }
            if let Some(authority) = options.tls {
                let files = place.certificate(authority);
                lines.push(format!(
                    "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: {} }}",
                    files.certificate, files.key, files.authority, options.mutual
                ));
            }
            lines.extend(options.settings.iter().map(|&line| line.to_owned()));
            let file = place.file("settings", &lines.join("\n"));
            let mut command = place.account.command(&server);
            command.arg("--config").arg(file);
            command
        })
        .await;
        Some(Self { broker, origin: options.origin("nats", "tls") })
    }

    /// Starts so many that share their streams (three keep one at three places). They are called `n0`, `n1` and so on; whoever is
    /// first makes streams once they have found each other.
    pub async fn cluster(count: usize) -> Option<Vec<Self>> {
        let ports: Vec<_> = (0..count).map(|_| free_port()).collect();
        let routes: Vec<_> = ports.iter().map(|port| format!("\"nats://127.0.0.1:{port}\"")).collect();
        let mut all = Vec::with_capacity(count);
        for (n, port) in ports.iter().enumerate() {
            let name = format!("server_name: n{n}");
            let cluster = format!(
                "cluster {{ name: trunkline, listen: \"127.0.0.1:{port}\", routes: [{}] }}",
                routes.join(", ")
            );
            all.push(Self::start_with(Options { settings: &[&name, &cluster], ..Options::default() }).await?);
        }
        Some(all)
    }

    /// Its URL, such as `nats://127.0.0.1:4223` or `tls://trunk:p%40ss@127.0.0.1:4223`.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.address())
    }
}

/// A text as the settings have it.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
