//! `Options`: what an address says of a cluster: brokers, the login, and how records are written and read.

use std::time::Duration;

use trunkline_core::{Error, Result, Seconds};

use super::{
    compression::Compression,
    message,
    scram::Hash,
    target::{self, Mechanism},
};
use crate::queue::{broker::Login, config::Parts, net::Net};

/// What can stand after the `?` of an address.
const PARAMS: [&str; 6] =
    ["mechanism", "compression", "client_id", "isolation", "session_timeout", "answers"];

/// After so long a silence others get what a member of a group has.
const SESSION: Duration = Duration::from_secs(10);

/// What an address says.
#[derive(Debug)]
pub(super) struct Options {
    pub(super) hosts: Vec<(String, u16)>,
    pub(super) net: Net,
    /// How to log in; `None` for what fits.
    mechanism: Option<Mechanism>,
    pub(super) client_id: String,
    pub(super) compression: Compression,
    /// Whether records of transactions are read that are not committed.
    pub(super) uncommitted: bool,
    pub(super) session: Duration,
    /// The topic that answers come to.
    pub(super) answers: Option<String>,
}

impl Options {
    /// Reads an address.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the parameter.
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let Parts { mut address, tls, .. } = parts;
        let wrong = |name: &str, what: &str| Err(Error::invalid(format!("base_url: {name}: must be {what}")));
        let lower = |text: String| text.to_ascii_lowercase();
        let mechanism = match address.param("mechanism").map(lower).as_deref() {
            None => None,
            Some("plain") => Some(Mechanism::Plain),
            Some("scram-sha-256") => Some(Mechanism::Scram(Hash::Sha256)),
            Some("scram-sha-512") => Some(Mechanism::Scram(Hash::Sha512)),
            Some("oauthbearer") => Some(Mechanism::OAuthBearer),
            Some(_) => return wrong("mechanism", "plain, scram-sha-256, scram-sha-512 or oauthbearer"),
        };
        let compression = match address.param("compression").map(lower).as_deref() {
            None | Some("none") => Compression::None,
            Some("gzip") => Compression::Gzip,
            Some("snappy") => Compression::Snappy,
            Some("lz4") => Compression::Lz4,
            Some("zstd") => Compression::Zstd,
            Some(_) => return wrong("compression", "none, gzip, snappy, lz4 or zstd"),
        };
        let uncommitted = match address.param("isolation").as_deref() {
            None | Some("read_committed") => false,
            Some("read_uncommitted") => true,
            Some(_) => return wrong("isolation", "read_committed or read_uncommitted"),
        };
        let session = match address.param("session_timeout").map(|text| text.parse::<Seconds>()) {
            None => SESSION,
            Some(Ok(time)) if time.get() >= Duration::from_secs(1) => time.get(),
            Some(_) => return wrong("session_timeout", "a time such as 10s, of a second at least"),
        };
        let answers = address.param("answers");
        if let Some(topic) = &answers {
            message::topic(topic).map_err(|error| error.at("base_url: answers"))?;
        }
        let client_id = address.param("client_id").unwrap_or_else(|| "trunkline".to_owned());
        address.no_more_params(&PARAMS)?;
        if address.path.is_some_and(|path| !path.is_empty()) {
            return Err(Error::invalid("base_url: Kafka has no path; name the topic with each message"));
        }
        let (hosts, net) = (address.hosts, Net::new(address.tls.then_some(tls)));
        Ok(Self { hosts, net, mechanism, client_id, compression, uncommitted, session, answers })
    }

    /// How somebody logs in; `None` where nobody does.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the mechanism wants what is not there.
    pub(super) fn login(&self, login: &Login) -> Result<Option<target::Login>> {
        let bad = |message: &'static str| Err(Error::invalid(message));
        let (user, secret) = match (&login.token, &login.user, &login.password) {
            (Some(token), ..) => (String::new(), token.clone()),
            (None, Some(user), Some(password)) => (user.clone(), password.clone()),
            (None, Some(_), None) => return bad("auth_config: has a user and no password"),
            (None, None, _) if self.mechanism.is_some() => {
                return bad("base_url: mechanism: nobody logs in; give a user and a password, or a token");
            }
            (None, None, _) => return Ok(None),
        };
        let usual = if login.token.is_some() { Mechanism::OAuthBearer } else { Mechanism::Plain };
        let mechanism = self.mechanism.unwrap_or(usual);
        if (mechanism == Mechanism::OAuthBearer) != login.token.is_some() {
            return bad(
                "base_url: mechanism: oauthbearer goes with a token, all others with a user and a password",
            );
        }
        // Who asks for it by name has thought about it.
        let plainly = self.mechanism.is_some();
        Ok(Some(target::Login { mechanism, user, secret, plainly }))
    }
}
