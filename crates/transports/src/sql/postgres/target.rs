//! `Target`: which server is meant, how it is reached, and what a session is set to; the same for all sessions.

use std::{
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use rustls::{ClientConfig, pki_types::ServerName};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpStream, UnixStream},
    time::timeout,
};
use tokio_rustls::TlsConnector;
use trunkline_core::{Egress, Error, Kind, Outcome, Profile, Result, Stage, Zone};

use super::{stream::Stream, wire};
use crate::{
    dial::dial,
    http::Tls,
    sql::{
        address::{Address, Place},
        ssl_mode::Mode,
    },
};

/// How long it may take to dial, and to agree on TLS. The pool bounds all of a login by less, unless configured.
const LIMIT: Duration = Duration::from_secs(30);

/// The port that PostgreSQL has with IANA.
const PORT: u16 = 5432;

/// Which server is meant, and how its sessions are set up.
#[derive(Debug)]
pub(super) struct Target {
    reach: Reach,
    mode: Mode,
    tls: Tls,
    client: OnceLock<Arc<ClientConfig>>,
    pub(super) database: Option<String>,
    /// What every session is set to, by parameter.
    settings: Vec<(String, String)>,
    /// The same as a statement, for the length of a transaction.
    local: String,
    /// Whether a login has to be tied to the TLS connection it is made over.
    pub(super) bound: bool,
    /// Whether a pooler in transaction mode stands before the server, if the configuration says.
    pooler: Option<bool>,
    /// Whether one was met.
    met: AtomicBool,
}

#[derive(Debug)]
enum Reach {
    Tcp(String, u16),
    Unix(PathBuf),
}

/// What is fixed, so that statements and values are read the same whatever the server or the role is set to.
const FIXED: [(&str, &str); 7] = [
    ("client_encoding", "UTF8"),
    // The scanner of statements relies on it.
    ("standard_conforming_strings", "on"),
    ("DateStyle", "ISO"),
    ("TimeZone", "UTC"),
    ("IntervalStyle", "iso_8601"),
    ("bytea_output", "hex"),
    // Every digit of a float; servers since 12 take anything above 0 for that, those before need 3.
    ("extra_float_digits", "3"),
];

/// The parameters that every version of PgBouncer takes.
const POOLERS_TAKE: [&str; 5] =
    ["application_name", "client_encoding", "DateStyle", "TimeZone", "standard_conforming_strings"];

/// A transaction of ours never waits for us: if it does, we are gone.
const IDLE_IN_TRANSACTION: &str = "15000";

fn local(settings: &[(String, String)]) -> String {
    let own = |name: &str| matches!(name, "application_name" | "client_encoding");
    let quoted = |text: &str| text.replace('\'', "''");
    let settings = settings.iter().filter(|(name, _)| !own(name));
    let calls: Vec<_> = settings
        .map(|(name, value)| format!("set_config('{}','{}',true)", quoted(name), quoted(value)))
        .collect();
    format!("SELECT {}", calls.join(","))
}

impl Target {
    /// What an address and the settings of an integration say. `pooler` is whether a pooler in transaction mode stands
    /// before the server; unless set, that is found out.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the parameter of the address that is not understood.
    pub(super) fn new(
        address: &Address,
        tls: Tls,
        statement_timeout: Duration,
        lock_timeout: Duration,
        pooler: Option<bool>,
    ) -> Result<Self> {
        let mut settings: Vec<_> =
            FIXED.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let mut set = |name: &str, value: String| settings.push((name.to_owned(), value));
        let millis = |time: Duration| time.as_millis().clamp(1, i32::MAX as u128).to_string();
        set("lock_timeout", millis(lock_timeout));
        set("idle_in_transaction_session_timeout", IDLE_IN_TRANSACTION.to_owned());
        set("statement_timeout", millis(statement_timeout));
        let (mut mode, mut application, mut bound) = (None, "trunkline".to_owned(), false);
        for (name, value) in &address.params {
            match &**name {
                "sslmode" => mode = Some(Mode::parse(name, value)?),
                "application_name" => application.clone_from(value),
                "channel_binding" => match &**value {
                    "require" => bound = true,
                    "prefer" => {}
                    _ => return Err(Error::invalid("channel_binding: must be prefer or require")),
                },
                "search_path" => set("search_path", value.clone()),
                _ => {
                    return Err(Error::invalid(format!(
                        "the parameter {name} is not known; there are sslmode, channel_binding, application_name, search_path and host"
                    )));
                }
            }
        }
        settings.insert(0, ("application_name".to_owned(), application));
        let reach = match &address.place {
            Place::Host(host, port) => Reach::Tcp(host.clone(), port.unwrap_or(PORT)),
            Place::Socket(path)
                if path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b".s.")) =>
            {
                Reach::Unix(path.clone())
            }
            Place::Socket(path) => Reach::Unix(path.join(format!(".s.PGSQL.{PORT}"))),
            Place::File => return Err(Error::invalid("has no host, as in postgres://host/database")),
        };
        // Who gave an authority means it to be looked at.
        let usual = if tls.has_roots() { Mode::VerifyFull } else { Mode::Prefer };
        let (mode, client) = (mode.unwrap_or(usual), OnceLock::new());
        let local = local(&settings);
        let (database, met) = (address.database.clone(), AtomicBool::new(false));
        Ok(Self { reach, mode, tls, client, database, settings, local, bound, pooler, met })
    }

    /// What a session is set to as it starts: all, or what poolers take.
    pub(super) fn settings(&self, pooled: bool) -> impl Iterator<Item = (&str, &str)> + Clone {
        let settings = self.settings.iter().map(|(name, value)| (&**name, &**value));
        settings.filter(move |(name, _)| !pooled || POOLERS_TAKE.contains(name))
    }

    /// The statement that sets the same for one transaction.
    pub(super) fn local_settings(&self) -> &str {
        &self.local
    }

    /// Whether a pooler in transaction mode stands before the server, as far as known.
    pub(super) fn is_pooled(&self) -> bool {
        self.pooler.unwrap_or_else(|| self.met.load(Relaxed))
    }

    /// Whether one may be found.
    pub(super) fn may_be_pooled(&self) -> bool {
        self.pooler != Some(false)
    }

    /// One was found: sessions begin as it likes from now on.
    pub(super) fn met_pooler(&self) {
        self.met.store(true, Relaxed);
    }

    /// Whether a password may be sent as it is over a connection without TLS: where nobody else can listen, or where
    /// the configuration says outright that there is no TLS.
    pub(super) fn trusts_the_wire(&self) -> bool {
        match &self.reach {
            Reach::Unix(_) => true,
            Reach::Tcp(host, _) => {
                let bare = host.trim_matches(['[', ']']);
                let own =
                    bare == "localhost" || bare.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback());
                own || self.mode == Mode::Disable
            }
        }
    }

    /// Connects, as far as TLS.
    ///
    /// # Errors
    ///
    /// As `dial`; `protocol` where TLS is wanted and not to be had. All with outcome `not_sent`.
    pub(super) async fn connect(&self, egress: &Egress) -> Result<Stream> {
        let (host, port) = match &self.reach {
            Reach::Unix(path) => {
                if egress.profile() == Profile::Strict {
                    let message = "egress to a Unix socket is not allowed in profile strict; use a host and list it in \
                                   egress.allow";
                    return Err(Error::new(Kind::Blocked, message).outcome_is(Outcome::NotSent));
                }
                let stream = UnixStream::connect(path).await.map_err(|error| {
                    let message = format!("cannot connect to the socket {}", path.display());
                    Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent).source(error)
                })?;
                return Ok(Stream::Unix(stream));
            }
            Reach::Tcp(host, port) => (host, *port),
        };
        let stream = dial(egress, Zone::Service, host, port, LIMIT).await?;
        if self.mode == Mode::Disable {
            return Ok(Stream::Tcp(stream));
        }
        match timeout(LIMIT, self.secure(egress, host, stream)).await {
            Ok(stream) => stream.map_err(|error| error.outcome_is(Outcome::NotSent)),
            Err(_) => {
                Err(Error::new(Kind::Timeout, format!("no TLS handshake with {host} within {LIMIT:?}"))
                    .outcome_is(Outcome::NotSent))
            }
        }
    }

    async fn secure(&self, egress: &Egress, host: &str, mut stream: TcpStream) -> Result<Stream> {
        // SSLRequest; the answer is one byte, and no more is read of it: what stood behind it would be in clear text.
        let asked = async {
            stream.write_all(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]).await?;
            stream.read_u8().await
        };
        match asked.await.map_err(wire::lost)? {
            b'N' if self.mode == Mode::Prefer => Ok(Stream::Tcp(stream)),
            b'E' => Err(Error::new(Kind::Unavailable, "the database refuses connections at the moment")),
            answer => egress.stage(Stage::Tls, host, self.handshake(host, stream, answer)).await,
        }
    }

    /// What follows the answer to the request for TLS.
    async fn handshake(&self, host: &str, stream: TcpStream, answer: u8) -> Result<Stream> {
        match answer {
            b'S' => {}
            b'N' => {
                return Err(Error::new(
                    Kind::Protocol,
                    format!(
                        "the database at {host} speaks no TLS; switch it on there, or set sslmode to disable"
                    ),
                ));
            }
            _ => return Err(wire::protocol("what answers is no PostgreSQL server")),
        }
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|_| Error::invalid(format!("{host} is no name that a certificate can be for")))?;
        let stream = TlsConnector::from(self.client()?).connect(name, stream).await.map_err(|error| {
            // A certificate that does not verify, or ours refused, does not get better by itself.
            let of_tls = error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>());
            let kind = if of_tls { Kind::Protocol } else { Kind::Unavailable };
            let message = match of_tls {
                true => format!("no TLS connection with {host}: {error}; tls.ca has the authority to trust"),
                false => format!("no TLS connection with {host}"),
            };
            Error::new(kind, message).source(error)
        })?;
        Ok(Stream::Tls(Box::new(stream)))
    }

    fn client(&self) -> Result<Arc<ClientConfig>> {
        if let Some(client) = self.client.get() {
            return Ok(client.clone());
        }
        let client = self.mode.config(&self.tls)?;
        Ok(self.client.get_or_init(|| client).clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::TlsConfig;

    #[tokio::test]
    async fn a_unix_socket_is_refused_in_profile_strict() {
        let address = Address::parse("postgres:///d?host=/run/postgresql").unwrap();
        let time = Duration::from_secs(1);
        let target = Target::new(&address, TlsConfig::default().open().unwrap(), time, time, None).unwrap();
        let egress = Egress::new(Profile::Strict, &[]).unwrap();
        let error = target.connect(&egress).await.map(drop).unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Blocked, Outcome::NotSent));
    }
}
