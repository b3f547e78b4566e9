//! `Target`: how brokers are reached and what is said first: TLS, versions, the login. The same for every broker of a
//! cluster.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::rand;
use tokio::time::{Instant, timeout_at};
use trunkline_core::{Context, Error, Kind, Outcome, Result, Secret};

use super::{
    codes,
    messages::session::{ApiVersions, SaslAuthenticate, SaslHandshake},
    scram::{Hash, Scram},
    wire::Connection,
};
use crate::queue::net::Net;

/// How brokers are reached.
#[derive(Debug)]
pub(super) struct Target {
    context: Context,
    net: Net,
    login: Option<Login>,
    /// What we call ourselves in the logs and quotas of brokers.
    client_id: String,
    /// How long it may take to connect, log in included.
    limit: Duration,
}

/// Who logs in.
#[derive(Debug, Clone)]
pub(super) struct Login {
    pub(super) mechanism: Mechanism,
    pub(super) user: String,
    /// The password, or the token.
    pub(super) secret: Secret,
    /// Whether it may be sent as it is over a connection without TLS to another machine.
    pub(super) plainly: bool,
}

/// How (RFC 4616, RFC 5802, RFC 7628).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mechanism {
    Plain,
    Scram(Hash),
    OAuthBearer,
}

impl Mechanism {
    fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Scram(Hash::Sha256) => "SCRAM-SHA-256",
            Self::Scram(Hash::Sha512) => "SCRAM-SHA-512",
            Self::OAuthBearer => "OAUTHBEARER",
        }
    }
}

impl Target {
    pub(super) fn new(
        context: Context,
        net: Net,
        login: Option<Login>,
        client_id: String,
        limit: Duration,
    ) -> Self {
        Self { context, net, login, client_id, limit }
    }

    /// A connection to a broker that is ready for requests, until `until` at most.
    ///
    /// # Errors
    ///
    /// As `dial`; `protocol` where TLS or what comes after is not as it should be; `unauthenticated`. All with outcome
    /// `not_sent`: nothing that a caller asked for was.
    pub(super) async fn connect(&self, host: &str, port: u16, until: Instant) -> Result<Connection> {
        let end = until.min(Instant::now() + self.limit);
        let opened = timeout_at(end, self.open(host, port, end)).await;
        let late = || {
            Error::new(
                Kind::Timeout,
                format!("no connection to the broker {host}:{port} in time; see that it is up"),
            )
        };
        opened.map_err(|_| late()).flatten().map_err(|error| error.outcome_is(Outcome::NotSent))
    }

    async fn open(&self, host: &str, port: u16, end: Instant) -> Result<Connection> {
        let stream = self.net.connect(&self.context, host, port).await?;
        let connection = Connection::new(stream, format!("{host}:{port}"), self.client_id.clone());
        let versions = connection.ask(&ApiVersions, end).await;
        let versions = versions.map_err(|error| self.net.login(error, "kafkas"))?;
        codes::accepted(versions.error, "the broker does not say which versions it has", None)?;
        connection.learn(versions);
        if let Some(login) = &self.login {
            let bare = host.trim_matches(['[', ']']);
            let own = bare == "localhost" || bare.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
            self.log_in(&connection, login, own || self.net.is_secure(), end).await?;
        }
        Ok(connection)
    }

    async fn log_in(
        &self,
        connection: &Connection,
        login: &Login,
        private: bool,
        end: Instant,
    ) -> Result<()> {
        let mechanism = login.mechanism.name();
        if !matches!(login.mechanism, Mechanism::Scram(_)) && !private && !login.plainly {
            return Err(Error::new(
                Kind::Unauthenticated,
                "the password would be sent in clear text over a connection without TLS; speak TLS (kafkas), or name the \
                 mechanism in base_url",
            ));
        }
        let offer = connection.ask(&SaslHandshake { mechanism }, end).await?;
        if offer.error != 0 {
            let offered = offer.offered.join(", ");
            let what = format!("the broker takes no login by {mechanism}, but by {offered}");
            return Err(codes::refused(offer.error, &what, None));
        }
        let secret = login.secret.expose()?;
        let lifetime = match login.mechanism {
            Mechanism::Plain => {
                let message = format!("\0{}\0{}", login.user, &*secret);
                self.say(connection, message.as_bytes(), end).await?.1
            }
            Mechanism::OAuthBearer => {
                let message = format!("n,,\x01auth=Bearer {}\x01\x01", &*secret);
                let (said, lifetime) = self.say(connection, message.as_bytes(), end).await?;
                if !said.is_empty() {
                    // What is wrong comes as a question, and is answered before it is an error (section 3.2.3).
                    self.say(connection, b"\x01", end).await?;
                }
                lifetime
            }
            Mechanism::Scram(hash) => {
                let mut nonce = [0; 24];
                rand::fill(&mut nonce)
                    .map_err(|_| Error::new(Kind::Internal, "the system has no random numbers"))?;
                let nonce = nonce.iter().map(|byte| format!("{byte:02x}")).collect();
                let scram = Scram::new(hash, &login.user, nonce);
                let (said, _) = self.say(connection, scram.first().as_bytes(), end).await?;
                let (message, proven) = scram.last(&secret, &said)?;
                let (said, lifetime) = self.say(connection, message.as_bytes(), end).await?;
                proven.check(&said)?;
                lifetime
            }
        };
        if lifetime > 0 {
            // Some time before, so that nothing is under way when the broker ends it.
            connection.ends_at(Instant::now() + Duration::from_millis(lifetime as u64) * 4 / 5);
        }
        Ok(())
    }

    async fn say(
        &self,
        connection: &Connection,
        message: &[u8],
        end: Instant,
    ) -> Result<(bytes::Bytes, i64)> {
        let answer = connection.ask(&SaslAuthenticate { message }, end).await?;
        let what = "the broker refuses the login; correct base_url or auth_config";
        codes::accepted(answer.error, what, answer.reason.as_deref())?;
        Ok((answer.message, answer.lifetime))
    }
}
