//! `trunkline serve`: runs the server.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, ValueEnum};
use tokio::signal::unix::{Signal, SignalKind, signal};
use trunkline::{Profile, Secret};
use trunkline_server::Settings;

use super::{key_source, variable};
use crate::{
    exit::Exit,
    log::{self, LogFormat},
    output::Output,
};

/// Runs the server.
///
/// Secrets come from the environment, never from arguments, which every user of the machine can read:
/// TRUNKLINE_API_TOKEN is what API calls must show, or a token that was made with `trunkline token create`;
/// TRUNKLINE_KEY (or TRUNKLINE_KEY_FILE) is the master key, which is generated into the data folder where neither is set; TRUNKLINE_REDIS is the URL of the Redis in which
/// several servers count rate limits together. Traces of calls are exported to the collector that
/// OTEL_EXPORTER_OTLP_ENDPOINT names, if there is one.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration file. It is watched: changes are taken over without a restart.
    #[arg(long, env = "TRUNKLINE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// Address and port to listen on [default: 127.0.0.1:8700].
    #[arg(long, env = "TRUNKLINE_LISTEN", value_name = "ADDR")]
    listen: Option<SocketAddr>,
    /// The URL under which browsers reach the server, for people who connect an account [default: the address to
    /// listen on, if that is a loopback address].
    #[arg(long, env = "TRUNKLINE_PUBLIC_URL", value_name = "URL")]
    public_url: Option<String>,
    /// The folder of the database and the master key [default: data].
    #[arg(long, env = "TRUNKLINE_DATA", value_name = "DIR")]
    data: Option<PathBuf>,
    /// How much of the network integrations may reach [default: guarded].
    #[arg(long, value_name = "PROFILE")]
    egress: Option<Reach>,
    /// Lets integrations reach a further host or network, such as 127.0.0.1:8080 or 10.0.0.0/8:443.
    #[arg(long, value_name = "RULE")]
    egress_allow: Vec<String>,
    /// Serves an example API on loopback and registers samples that call it.
    #[arg(long)]
    demo: bool,
    /// How log lines look. Which are written is up to RUST_LOG.
    #[arg(long, env = "TRUNKLINE_LOG_FORMAT", default_value = "text")]
    log_format: LogFormat,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Reach {
    /// Public addresses for HTTP, private ones for databases and brokers too.
    Guarded,
    /// Only what egress.allow lists.
    Strict,
    /// Private addresses for HTTP too; only on a loopback address.
    Lab,
}

impl Serve {
    pub(crate) async fn run(self, output: &Output) -> Result<(), Exit> {
        log::start(self.log_format);
        survive_limits()?;
        // Before anything is opened: a signal that comes early must not be lost.
        let mut stop = Stop::listen()?;
        let settings = Settings {
            config: self.config,
            listen: self.listen,
            public_url: self.public_url,
            data: self.data,
            token: variable("TRUNKLINE_API_TOKEN").map(Secret::literal),
            redis: variable("TRUNKLINE_REDIS").map(Secret::literal),
            key: key_source(),
            profile: self.egress.map(|reach| match reach {
                Reach::Guarded => Profile::Guarded,
                Reach::Strict => Profile::Strict,
                Reach::Lab => Profile::Lab,
            }),
            allow: self.egress_allow,
            demo: self.demo,
            variable,
        };
        let running = trunkline_server::start(settings).await?;
        let address = running.address();
        output.line(format!("trunkline {} listens on http://{address}", env!("CARGO_PKG_VERSION")));
        output.line(format!("  API docs  http://{address}/docs"));
        output.line(format!("  data      {}", running.data().display()));
        if let Some(demo) = running.demo() {
            output.line(format!("  demo API  http://{demo}, called by the samples: trunkline list"));
            output.line(format!(
                "  try       curl 'http://{address}/api/v1/integrations/demo-orders/proxy/orders?page=2'"
            ));
        }
        stop.wait().await;
        output.line("stopping; a second signal stops at once");
        tokio::select! {
            () = running.stop() => Ok(()),
            () = stop.wait() => std::process::exit(130),
        }
    }
}

/// A limit on the size of files (RLIMIT_FSIZE) fails a write, as a full disk does. Unheard, its signal would
/// end the process.
fn survive_limits() -> Result<(), Exit> {
    #[cfg(target_os = "linux")]
    let _ = listen(SignalKind::from_raw(rustix::process::Signal::XFSZ.as_raw()))?;
    Ok(())
}

fn listen(kind: SignalKind) -> Result<Signal, Exit> {
    signal(kind).map_err(|error| Exit::failed(format!("cannot listen for signals: {error}")))
}

/// The signals that ask a process to stop.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
}

impl Stop {
    fn listen() -> Result<Self, Exit> {
        Ok(Self { terminate: listen(SignalKind::terminate())?, interrupt: listen(SignalKind::interrupt())? })
    }

    async fn wait(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
