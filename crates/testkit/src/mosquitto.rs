//! `Mosquitto`: a real MQTT broker whose sessions are on disk, which can be killed and started again.

use std::process::Command;

use crate::{
    Options,
    broker::{Broker, is_broker},
    server::{program, run, skipped},
};

/// A Mosquitto. It does what every [`Broker`] does.
///
/// It writes all that it holds to disk after each change of a session, of a retained message or of a queue, though not
/// before it confirms a message: what the last moment before a kill has changed may be lost. [`Mosquitto::save`]
/// makes sure.
#[derive(Debug)]
pub struct Mosquitto {
    broker: Broker,
    /// Of its URL, up to the address.
    origin: String,
}

is_broker!(Mosquitto);

impl Mosquitto {
    /// Starts one that lets everybody in; none, and a line that says so, where Mosquitto is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(Options::default()).await
    }

    /// The same with options.
    pub async fn start_with(options: Options<'_>) -> Option<Self> {
        let (Some(server), Some(passwords)) = (program("mosquitto", []), program("mosquitto_passwd", []))
        else {
            skipped("Mosquitto", "mosquitto");
            return None;
        };
        let broker = Broker::start("mqtt", &["mosquitto", "nobody"], " running", async |place| {
            let mut lines = vec![
                format!("listener {} 127.0.0.1", place.port),
                format!("allow_anonymous {}", options.logins().is_empty()),
                "log_dest stderr".to_owned(),
                "persistence true".to_owned(),
                format!("persistence_location {}/", place.path("")),
                "autosave_on_changes true".to_owned(),
                "autosave_interval 1".to_owned(),
            ];
            if !options.logins().is_empty() {
                let file = place.file("passwords", "");
                for (user, password) in options.logins() {
                    run(Command::new(&passwords).arg("-b").arg(&file).args([user, password]), "");
                }
                // It writes a new file in place of the one that was there.
                place.account.give(file.as_ref(), 0o600);
                lines.push(format!("password_file {file}"));
            }
            if let Some(authority) = options.tls {
                let files = place.certificate(authority);
                lines.push(format!("cafile {}", files.authority));
                lines.push(format!("certfile {}", files.certificate));
                lines.push(format!("keyfile {}", files.key));
                lines.push(format!("require_certificate {}", options.mutual));
            }
            lines.extend(options.settings.iter().map(|&line| line.to_owned()));
            let file = place.file("settings", &(lines.join("\n") + "\n"));
            let mut command = place.account.command(&server);
            command.arg("-c").arg(file);
            command
        })
        .await;
        Some(Self { broker, origin: options.origin("mqtt", "mqtts") })
    }

    /// Its URL, such as `mqtt://127.0.0.1:1884` or `mqtts://trunk:p%40ss@127.0.0.1:8884`.
    pub fn url(&self) -> String {
        format!("{}{}", self.origin, self.address())
    }

    /// Has it write what it holds to disk, and waits until it has; [`stop`](Broker::stop) does the same.
    pub async fn save(&mut self) {
        self.caught_up().await;
        self.running().signal("-USR1");
        assert!(self.says("Saving in-memory database").await, "mosquitto has ended");
        // It says so before it does so.
        self.caught_up().await;
    }

    /// Waits until it has done what it was at, and its log has been read up to here: it does one thing at a time.
    async fn caught_up(&mut self) {
        self.running().signal("-HUP");
        assert!(self.says("Reloading config").await, "mosquitto has ended");
    }
}
