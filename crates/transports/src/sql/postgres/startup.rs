//! The start of a session: what it is set to, and who logs in (documentation of PostgreSQL, 55.2.1 "Start-up").

use postgres_protocol::{
    authentication::{md5_hash, sasl},
    message::{backend, frontend},
};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{
    binding,
    refusal::Refusal,
    stream::Stream,
    wire::{Wire, protocol},
};

/// What the server told at the start of a session.
#[derive(Debug, Default)]
pub(super) struct Greeting {
    /// What stops a statement of the session: process and secret.
    pub(super) key: Option<(i32, i32)>,
    /// Its version, such as `15.4 (Debian 15.4-1)`.
    pub(super) version: String,
    /// Whether a parameter is not what was asked for: somebody in between ignores them.
    pub(super) ignored: bool,
}

/// Why a session did not start.
#[derive(Debug)]
pub(super) enum Failure {
    /// The server does not take a parameter: poolers know few.
    Parameter(Refusal),
    /// Anything else.
    Other(Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Other(error)
    }
}

/// Whose session it is.
pub(super) struct Who<'a> {
    pub(super) user: &'a str,
    pub(super) password: Option<&'a str>,
    /// Whether the password may be sent as it is.
    pub(super) plainly: bool,
    /// Whether the login has to be tied to the TLS connection.
    pub(super) bound: bool,
}

/// Starts a session with `settings`, as far as the server being ready.
///
/// # Errors
///
/// `unauthenticated` where the login is refused, `unsupported` for ways to log in that are not known here.
pub(super) async fn start<'a>(
    wire: &mut Wire,
    who: &Who<'a>,
    database: &'a str,
    settings: impl Iterator<Item = (&'a str, &'a str)> + Clone,
) -> Result<Greeting, Failure> {
    let login = [("user", who.user), ("database", database)].into_iter();
    frontend::startup_message(login.chain(settings.clone()), &mut wire.output)
        .map_err(|_| Error::invalid("a user, a database or a setting holds a NUL byte"))?;
    authenticate(wire, who).await?;
    let mut greeting = Greeting::default();
    loop {
        let message = wire.next_of_all().await?;
        match message.tag {
            backend::BACKEND_KEY_DATA_TAG => {
                if let Some((process, secret)) = message.body.split_first_chunk() {
                    let secret = secret.try_into().map(i32::from_be_bytes);
                    greeting.key = secret.ok().map(|secret| (i32::from_be_bytes(*process), secret));
                }
            }
            backend::PARAMETER_STATUS_TAG => {
                let mut words = message.body.split(|byte| *byte == 0).map(String::from_utf8_lossy);
                let (name, value) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
                if name == "server_version" {
                    greeting.version = value.into_owned();
                } else if let Some((_, asked)) = settings.clone().find(|(known, _)| *known == name) {
                    // `ISO` is reported as `ISO, MDY`; what a name is cut to, or encodings are called, says nothing.
                    greeting.ignored |= matches!(name.as_ref(), "DateStyle" | "IntervalStyle" | "TimeZone")
                        && !value.to_ascii_lowercase().starts_with(&asked.to_ascii_lowercase());
                }
            }
            backend::READY_FOR_QUERY_TAG => return Ok(greeting),
            backend::ERROR_RESPONSE_TAG => return Err(refused(Refusal::read(message.body))),
            // Notices, and the protocol version of a server that would like another.
            backend::NOTICE_RESPONSE_TAG | b'v' => {}
            _ => return Err(protocol("the database begins a session as its protocol does not know").into()),
        }
    }
}

/// A parameter that is not known: PgBouncer says 08P01, servers 42704 or 22023, others have no code.
fn refused(refusal: Refusal) -> Failure {
    let of_parameter = refusal.message().contains("startup parameter")
        || matches!(refusal.code(), "42704" | "22023" | "55P02" | "0A000");
    if of_parameter { Failure::Parameter(refusal) } else { Failure::Other(refusal.before()) }
}

/// Logs in the way that the server asks for.
async fn authenticate(wire: &mut Wire, who: &Who<'_>) -> Result<(), Failure> {
    let (mut scram, mut tied) = (None, false);
    let password = || {
        who.password.ok_or_else(|| {
            let message = "the database asks for a password, and none is configured; add it to the address or to auth_config";
            Error::new(Kind::Unauthenticated, message)
        })
    };
    loop {
        let message = wire.next_of_all().await?;
        match message.tag {
            backend::AUTHENTICATION_TAG => {}
            backend::ERROR_RESPONSE_TAG => return Err(refused(Refusal::read(message.body))),
            backend::NOTICE_RESPONSE_TAG | b'v' => continue,
            _ => return Err(protocol("what answers is no PostgreSQL server").into()),
        }
        let Some((way, said)) = message.body.split_first_chunk() else {
            return Err(protocol("the database asks for a login in a message that is cut").into());
        };
        match i32::from_be_bytes(*way) {
            0 | 3 | 5 if who.bound && !tied => return Err(loose().into()),
            // A server that knows the password proves it; one that does not must not pass for it.
            0 if scram.is_some() => return Err(imposter().into()),
            0 => break,
            3 => {
                if !who.plainly && !matches!(wire.stream(), Stream::Tls(_)) {
                    return Err(Error::new(
                        Kind::Unauthenticated,
                        "the database asks for the password in clear text over a connection without TLS; set sslmode to \
                         require, or to disable if that is what you want",
                    )
                    .into());
                }
                put(frontend::password_message(password()?.as_bytes(), &mut wire.output))?;
            }
            5 => {
                let salt = said.try_into().map_err(|_| protocol("the database sent a salt that is none"))?;
                let hash = md5_hash(who.user.as_bytes(), password()?.as_bytes(), salt);
                put(frontend::password_message(hash.as_bytes(), &mut wire.output))?;
            }
            10 => {
                let offers =
                    |name: &str| said.split(|byte| *byte == 0).any(|offered| offered == name.as_bytes());
                let (plus, plain) = (offers(sasl::SCRAM_SHA_256_PLUS), offers(sasl::SCRAM_SHA_256));
                let binding = tie(wire.stream(), plus);
                if who.bound && binding.is_none() {
                    return Err(loose().into());
                }
                tied = binding.is_some();
                let (binding, mechanism) = match binding {
                    Some(hash) => {
                        (sasl::ChannelBinding::tls_server_end_point(hash), sasl::SCRAM_SHA_256_PLUS)
                    }
                    None if !plain => return Err(unknown("SASL mechanism").into()),
                    // "We could, and you do not offer it": a server that does then knows that somebody is in between.
                    None if !plus && matches!(wire.stream(), Stream::Tls(_)) => {
                        (sasl::ChannelBinding::unrequested(), sasl::SCRAM_SHA_256)
                    }
                    None => (sasl::ChannelBinding::unsupported(), sasl::SCRAM_SHA_256),
                };
                let begun = sasl::ScramSha256::new(password()?.as_bytes(), binding);
                put(frontend::sasl_initial_response(mechanism, begun.message(), &mut wire.output))?;
                scram = Some(begun);
            }
            11 => {
                let Some(begun) = &mut scram else { return Err(imposter().into()) };
                begun.update(said).map_err(|error| imposter().source(error))?;
                put(frontend::sasl_response(begun.message(), &mut wire.output))?;
            }
            12 => {
                let Some(mut begun) = scram.take() else { return Err(imposter().into()) };
                begun.finish(said).map_err(|error| imposter().source(error))?;
            }
            2 | 7..=9 => return Err(unknown("Kerberos, GSSAPI or SSPI").into()),
            _ => return Err(unknown("a way that is not known here").into()),
        }
    }
    wire.wipe();
    Ok(())
}

/// The hash of the server's certificate, where the server takes logins that are tied to it.
fn tie(stream: &Stream, offered: bool) -> Option<Vec<u8>> {
    match stream {
        Stream::Tls(stream) if offered => {
            binding::end_point(stream.get_ref().1.peer_certificates()?.first()?)
        }
        _ => None,
    }
}

fn put(written: std::io::Result<()>) -> Result<()> {
    written.map_err(|_| Error::invalid("the password holds a NUL byte, which PostgreSQL takes in none"))
}

fn imposter() -> Error {
    Error::new(
        Kind::Protocol,
        "the database did not prove that it knows the password; is it the one that is meant?",
    )
    .outcome_is(Outcome::NotSent)
}

fn loose() -> Error {
    let message =
        "the database takes no login that is tied to its TLS connection, as channel_binding=require wants it";
    Error::new(Kind::Protocol, message).outcome_is(Outcome::NotSent)
}

fn unknown(what: &str) -> Error {
    Error::new(
        Kind::Unsupported,
        format!(
            "the database wants a login by {what}; let it take scram-sha-256, md5, password or trust in pg_hba.conf"
        ),
    )
}
