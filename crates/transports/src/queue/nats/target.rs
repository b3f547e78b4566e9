//! `Target`: where NATS is, and how a connection to it is made.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    ConnectOptions, Event, ServerAddr,
    rustls::{self, pki_types::ServerName},
};
use tokio::time::Instant;
use trunkline_core::{Context, Error, Kind, Result, Secret, Zone};

use super::{alive::Alive, failure, link::NatsLink};
use crate::{
    dial::admitted,
    http::{Tls, Whom},
    queue::{broker::Login, config::Parts, replies::Replies, tls::Asked},
};

/// Where NATS is.
#[derive(Debug)]
pub(super) struct Target {
    hosts: Vec<(String, u16)>,
    tls: Option<Tls>,
    heartbeat: Duration,
}

/// What can stand after the `?` of an address.
const PARAMS: [&str; 1] = ["heartbeat"];

/// How long an address may take to be resolved, and a server to answer.
const CONNECT: Duration = Duration::from_secs(5);
/// How long the library rests before it makes a connection again that was lost.
const REST: Duration = Duration::from_secs(1);

impl Target {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let Parts { mut address, tls, .. } = parts;
        let heartbeat = address.heartbeat()?;
        address.no_more_params(&PARAMS)?;
        if address.path.is_some_and(|path| !path.is_empty()) {
            return Err(Error::invalid("base_url: an address of NATS ends with its host and port"));
        }
        let heartbeat = Duration::from_secs(heartbeat.into());
        Ok(Self { hosts: address.hosts, tls: address.tls.then_some(tls), heartbeat })
    }

    /// Connects to the first server that answers, and logs in.
    pub(super) async fn connect(
        &self,
        context: &Context,
        login: &Login,
        replies: Arc<Replies>,
    ) -> Result<NatsLink> {
        let mut last = None;
        for (host, port) in &self.hosts {
            match self.one(context, login, &replies, host, *port).await {
                Ok(link) => return Ok(link),
                Err(error) if error.kind() == Kind::Unauthenticated => return Err(error),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| Error::invalid("base_url: names no host")))
    }

    async fn one(
        &self,
        context: &Context,
        login: &Login,
        replies: &Arc<Replies>,
        host: &str,
        port: u16,
    ) -> Result<NatsLink> {
        // The library dials by itself: it gets an address that was admitted, and never a name. What servers say of others
        // is not followed.
        let end = Instant::now() + CONNECT;
        let addresses = admitted(&context.egress, Zone::Service, host, port, end).await?;
        let tls = self.tls.as_ref().map(|tls| for_name(tls, host)).transpose()?;
        let mut last = None;
        // One at a time: among several the library chooses by itself, and gives up after the first.
        for address in addresses {
            let alive = Arc::new(Alive::default());
            let options = self.options(login, &alive, tls.as_ref().map(|(config, _)| config))?;
            match options.connect(Self::server(address, tls.is_some())?).await {
                Ok(client) => return NatsLink::new(client, alive, replies.clone()).await,
                Err(error) => {
                    let error = failure::connecting(&error, host, tls.as_ref().map(|(_, asked)| &**asked));
                    if error.kind() == Kind::Unauthenticated {
                        return Err(error);
                    }
                    last = Some(error);
                }
            }
        }
        Err(last.unwrap_or_else(|| Error::new(Kind::Unavailable, format!("the name {host} has no address"))))
    }

    fn server(address: SocketAddr, secure: bool) -> Result<ServerAddr> {
        let scheme = if secure { "tls" } else { "nats" };
        format!("{scheme}://{address}")
            .parse()
            .map_err(|error: std::io::Error| Error::invalid("base_url: is no address").source(error))
    }

    fn options(
        &self,
        login: &Login,
        alive: &Arc<Alive>,
        tls: Option<&rustls::ClientConfig>,
    ) -> Result<ConnectOptions> {
        let (events, tried) = (alive.clone(), AtomicBool::new(false));
        let options = self
            .login(login)?
            .name("trunkline")
            .connection_timeout(CONNECT)
            .ignore_discovered_servers()
            .ping_interval(self.heartbeat)
            // A connection that is lost is made anew by whoever needs it, who then knows what was lost with it. The library
            // tries once all the same: not before that is known.
            .max_reconnects(1)
            .reconnect_delay_callback(
                move |_| if tried.swap(true, Ordering::Relaxed) { REST } else { Duration::ZERO },
            )
            .event_callback(move |event| {
                match event {
                    Event::Disconnected | Event::Closed => events.end(),
                    Event::ServerError(error) => events.says(&error.to_string()),
                    _ => {}
                }
                async {}
            });
        Ok(match tls {
            Some(config) => options.require_tls(true).tls_client_config(config.clone()),
            None => options,
        })
    }

    /// How the login is told: user and password, a token, the seed of an NKey, or credentials with a JWT.
    fn login(&self, login: &Login) -> Result<ConnectOptions> {
        let text = |secret: &Option<Secret>| -> Result<Option<String>> {
            secret.as_ref().map(|secret| secret.expose().map(|text| text.into_owned())).transpose()
        };
        let (token, password) = (text(&login.token)?, text(&login.password)?);
        Ok(match (token, &login.user, password) {
            (Some(token), ..) if token.contains("-----BEGIN NATS USER JWT-----") => {
                ConnectOptions::with_credentials(&token)
                    .map_err(|_| Error::invalid("auth_config: these are no credentials of NATS"))?
            }
            (Some(token), ..) if is_seed(&token) => ConnectOptions::with_nkey(token),
            (Some(token), ..) => ConnectOptions::with_token(token),
            (None, Some(user), Some(password)) => {
                ConnectOptions::with_user_and_password(user.clone(), password)
            }
            // As other clients do: what stands alone before the host is a token.
            (None, Some(token), None) => ConnectOptions::with_token(token.clone()),
            (None, None, _) => ConnectOptions::new(),
        })
    }
}

/// Seeds of users begin so, and have 58 characters (documentation of NATS, "NKeys").
fn is_seed(token: &str) -> bool {
    token.starts_with("SU") && token.len() == 58 && token.bytes().all(|c| c.is_ascii_alphanumeric())
}

/// TLS with a server whose certificate is for a name, though it is dialled by its address.
fn for_name(tls: &Tls, host: &str) -> Result<(rustls::ClientConfig, Arc<Asked>)> {
    let bare = host.trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(bare)
        .map_err(|_| Error::invalid(format!("{host} is no name that a certificate can be for")))?;
    let mut config = Arc::unwrap_or_clone(tls.config_for(Whom::This(name))?);
    let asked = Asked::note(&mut config);
    Ok((config, asked))
}
