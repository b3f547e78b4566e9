//! `NatsLink`: a connection to NATS, and what is known of the streams behind it.

use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, ConnectOptions, Event, ServerAddr, StatusCode, Subscriber,
    jetstream::{self, context::GetStreamByNameErrorKind},
    rustls::{self, pki_types::ServerName},
};
use futures_util::StreamExt;
use quick_cache::sync::Cache;
use tokio::{sync::Notify, time::Instant};
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{Context, Error, Kind, Outcome, Result, Secret, Zone};

use super::{failure, message};
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
}

/// How long an address may take to be resolved, and a server to answer.
const CONNECT: Duration = Duration::from_secs(5);

impl Target {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let Parts { address, tls, .. } = parts;
        address.no_more_params(&[])?;
        if address.path.is_some_and(|path| !path.is_empty()) {
            return Err(Error::invalid("base_url: an address of NATS ends with its host and port"));
        }
        Ok(Self { hosts: address.hosts, tls: address.tls.then_some(tls) })
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
        let events = alive.clone();
        let options = self
            .login(login)?
            .name("trunkline")
            .connection_timeout(CONNECT)
            .ignore_discovered_servers()
            .ping_interval(Duration::from_secs(20))
            // A connection that is lost is made anew by whoever needs it, who then knows what was lost with it.
            .max_reconnects(1)
            .event_callback(move |event| {
                if matches!(event, Event::Disconnected | Event::Closed) {
                    events.end();
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

/// Whether a connection is there.
#[derive(Debug, Default)]
pub(super) struct Alive {
    ended: AtomicBool,
    bell: Notify,
}

impl Alive {
    fn end(&self) {
        self.ended.store(true, Ordering::Release);
        self.bell.notify_waiters();
    }

    /// Waits until the connection is lost.
    pub(super) async fn ended(&self) {
        let rung = self.bell.notified();
        if !self.ended.load(Ordering::Acquire) {
            rung.await;
        }
    }
}

/// A connection that is logged in.
pub(in crate::queue) struct NatsLink {
    pub(super) client: Client,
    pub(super) jetstream: jetstream::Context,
    pub(super) has_jetstream: bool,
    pub(super) alive: Arc<Alive>,
    pub(super) replies: Arc<Replies>,
    /// Where answers come, before the id of a request.
    pub(super) inbox: String,
    /// Which stream keeps a subject, as it was a while ago.
    streams: Cache<String, (Instant, Option<Arc<str>>)>,
    /// Holds on to the client, so it ends with this.
    _answers: AbortOnDropHandle<()>,
}

/// For so long it is believed which stream keeps a subject.
const BELIEVED: Duration = Duration::from_secs(60);
/// And that none does: one that is made is to be noticed.
const DOUBTED: Duration = Duration::from_secs(1);
/// So long a stream has to acknowledge a message.
const ACK: Duration = Duration::from_secs(30);

impl NatsLink {
    async fn new(client: Client, alive: Arc<Alive>, replies: Arc<Replies>) -> Result<Self> {
        let mut jetstream = jetstream::new(client.clone());
        jetstream.set_timeout(ACK);
        let has_jetstream = client.server_info().jetstream;
        let inbox = client.new_inbox();
        let answers = client
            .subscribe(format!("{inbox}.*"))
            .await
            .map_err(|error| failure::lost("subscribing to answers", &error).outcome_is(Outcome::NotSent))?;
        let task = tokio::spawn(tell(answers, replies.clone(), alive.clone()));
        let _answers = AbortOnDropHandle::new(task);
        let streams = Cache::new(1000);
        Ok(Self { client, jetstream, has_jetstream, alive, replies, inbox, streams, _answers })
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.alive.ended.load(Ordering::Acquire)
    }

    /// The stream that keeps a subject, if one does.
    pub(super) async fn stream_of(&self, subject: &str) -> Result<Option<Arc<str>>> {
        if !self.has_jetstream {
            return Ok(None);
        }
        if let Some((at, stream)) = self.streams.get(subject)
            && at.elapsed() < if stream.is_some() { BELIEVED } else { DOUBTED }
        {
            return Ok(stream);
        }
        let stream = tokio::select! {
            found = self.jetstream.stream_by_subject(subject) => match found {
                Ok(name) => Some(name.into()),
                Err(error) if error.kind() == GetStreamByNameErrorKind::NotFound => None,
                Err(error) if error.kind() == GetStreamByNameErrorKind::InvalidSubject => {
                    return Err(Error::invalid("queue: is no subject of NATS"));
                }
                Err(error) => {
                    return Err(failure::lost("looking for a stream", &error).outcome_is(Outcome::NotSent));
                }
            },
            () = self.alive.ended() => {
                return Err(failure::lost("looking for a stream", &"it ended").outcome_is(Outcome::NotSent));
            }
        };
        self.streams.insert(subject.to_owned(), (Instant::now(), stream.clone()));
        Ok(stream)
    }

    /// What is known of a subject may not be so any more.
    pub(super) fn forget(&self, subject: &str) {
        self.streams.remove(subject);
    }
}

impl fmt::Debug for NatsLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NatsLink").field("has_jetstream", &self.has_jetstream).finish_non_exhaustive()
    }
}

/// Hands answers to those who wait for them.
async fn tell(mut answers: Subscriber, replies: Arc<Replies>, alive: Arc<Alive>) {
    loop {
        let answer = tokio::select! {
            answer = answers.next() => answer,
            () = alive.ended() => None,
        };
        let Some(answer) = answer else { break };
        let id = answer.subject.rsplit('.').next().unwrap_or_default().to_owned();
        if answer.status == Some(StatusCode::NO_RESPONDERS) {
            let message = "nobody listens to the subject, so nobody answers";
            replies.fail(&id, Error::new(Kind::Unroutable, message));
            continue;
        }
        replies.tell(trunkline_core::Message { correlation_id: Some(id), ..message::message(&answer) });
    }
    replies.lost();
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
