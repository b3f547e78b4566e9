//! `Target`: where a broker of MQTT is, and how a connection to it is made.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use rumqttc::{
    AckMode, AsyncClient, Event, EventLoop, Incoming, MqttOptions, PersistedAckMode, PersistedSession,
    SessionStore, SessionStoreError, SessionStoreKey,
};
use sha2::{Digest, Sha256};
use tokio::sync::OwnedMutexGuard;
use trunkline_core::{BoxFuture, Context, Error, Outcome, Result, Secret};
use uuid::Uuid;

use super::{failure, limits::Limits, sessions::Sessions};
use crate::queue::{broker::Login, config::Parts, net::Net};

/// Where a broker is.
#[derive(Debug, Clone)]
pub(super) struct Target {
    net: Net,
    host: String,
    port: u16,
    /// What client ids begin with, and whether somebody chose it: then sessions are meant to outlive this process.
    base: Arc<str>,
    is_named: bool,
    keep_alive: u16,
    max_packet: u32,
    connect: Duration,
}

/// What can stand after the `?` of an address.
const PARAMS: [&str; 2] = ["client_id", "keep_alive"];
/// A session that somebody named is kept by the broker so many seconds without a connection.
const NAMED: u32 = 7 * 24 * 3600;
/// One that nobody did.
const UNNAMED: u32 = 3600;
/// So many messages of a group may be unacknowledged: the broker sends no more.
const UNACKNOWLEDGED: u16 = 1000;
/// Requests that wait to be sent.
const REQUESTS: usize = 256;

impl Target {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let Parts { mut address, tls, max_message, connect, .. } = parts;
        let named = address.param("client_id").filter(|id| !id.is_empty());
        let keep_alive = match address.param("keep_alive") {
            None => 20,
            Some(text) => text
                .parse()
                .ok()
                .filter(|seconds| (5..=3600).contains(seconds))
                .ok_or_else(|| Error::invalid("base_url: keep_alive: must be from 5 to 3600 seconds"))?,
        };
        address.no_more_params(&PARAMS)?;
        if address.path.is_some_and(|path| !path.is_empty()) {
            return Err(Error::invalid("base_url: an address of MQTT ends with its host and port"));
        }
        let (host, port) = address.hosts.swap_remove(0);
        let is_named = named.is_some();
        let base =
            named.unwrap_or_else(|| format!("trunkline-{}", &Uuid::new_v4().simple().to_string()[..12]));
        // Some for the topic and the properties.
        let max_packet = u32::try_from(max_message).unwrap_or(u32::MAX).saturating_add(64 << 10);
        Ok(Self {
            net: Net::new(address.tls.then_some(tls)),
            host,
            port,
            base: base.into(),
            is_named,
            keep_alive,
            max_packet,
            connect,
        })
    }

    /// A connection for messages and answers, which leaves nothing behind.
    pub(super) async fn publishing(&self, context: &Context, login: &Login) -> Result<Made> {
        let id = format!("{}-p{}", self.base, &Uuid::new_v4().simple().to_string()[..8]);
        self.connect(context, login, id, |_| {}).await
    }

    /// A connection of somebody who reads for themselves.
    pub(super) async fn alone(&self, context: &Context, login: &Login) -> Result<Made> {
        let id = format!("{}-r{}", self.base, &Uuid::new_v4().simple().to_string()[..8]);
        self.connect(context, login, id, |_| {}).await
    }

    /// A connection of a group, with a session that outlives it.
    pub(super) async fn of_group(
        &self,
        context: &Context,
        login: &Login,
        subscription: (&str, &str, &str),
    ) -> Result<Made> {
        let (owner, group, source) = subscription;
        let sessions = context.shared::<Sessions>();
        let id = match self.is_named {
            true => {
                let digest = Sha256::digest(format!("{group}\0{source}"));
                let digest = u64::from_be_bytes(digest[..8].try_into().expect("eight bytes"));
                format!("{}-g{digest:016x}", self.base)
            }
            false => sessions.id(context, owner, group, source),
        };
        let turn = sessions.hold(&id).await;
        let expiry = if self.is_named { NAMED } else { UNNAMED };
        let made = self
            .connect(context, login, id, |options| {
                options.set_clean_start(false);
                options.set_session_expiry_interval(Some(expiry));
                options.set_session_store(Blank { expiry });
                options.set_ack_mode(AckMode::Manual);
                options.set_receive_maximum(Some(UNACKNOWLEDGED));
            })
            .await?;
        Ok(Made { turn, ..made })
    }

    async fn connect(
        &self,
        context: &Context,
        login: &Login,
        id: String,
        more: impl FnOnce(&mut MqttOptions),
    ) -> Result<Made> {
        let mut options = MqttOptions::new(id, (self.host.clone(), self.port));
        options.set_keep_alive(self.keep_alive);
        options.set_clean_start(true);
        options.set_connect_timeout(self.connect);
        options.set_max_packet_size(Some(self.max_packet));
        let text = |secret: &Option<Secret>| -> Result<Option<String>> {
            secret.as_ref().map(|secret| secret.expose().map(|text| text.into_owned())).transpose()
        };
        let password = text(&login.password)?.or(text(&login.token)?);
        match (&login.user, password) {
            (Some(user), Some(password)) => drop(options.set_credentials(user.clone(), password)),
            (Some(user), None) => drop(options.set_username(user.clone())),
            (None, Some(password)) => drop(options.set_password(password)),
            (None, None) => {}
        }
        more(&mut options);
        // The library dials by what it is given, and drops what is said of why it cannot.
        let failed: Arc<Mutex<Option<Error>>> = Arc::default();
        let (net, context, why) = (self.net.clone(), context.clone(), failed.clone());
        let place = (self.host.clone(), self.port);
        options.set_socket_connector(move |_, _| {
            let (net, context, why, place) = (net.clone(), context.clone(), why.clone(), place.clone());
            async move {
                net.connect(&context, &place.0, place.1).await.map_err(|error| {
                    *why.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    std::io::Error::other("no connection")
                })
            }
        });
        let (client, mut events) =
            AsyncClient::builder(options).capacity(REQUESTS).try_build().map_err(|error| {
                Error::invalid("base_url: these are no options of MQTT; correct what stands behind the ?")
                    .source(error.to_string())
            })?;
        loop {
            match events.poll().await {
                Ok(Event::Incoming(Incoming::ConnAck(said))) => {
                    return Ok(Made { client, events, limits: Limits::of(&said), turn: None });
                }
                Ok(_) => {}
                Err(error) => {
                    let dialled = failed.lock().unwrap_or_else(PoisonError::into_inner).take();
                    return Err(dialled
                        .unwrap_or_else(|| self.net.login(failure::connecting(&error), "mqtts"))
                        .outcome_is(Outcome::NotSent));
                }
            }
        }
    }
}

/// A connection that was made.
pub(super) struct Made {
    pub(super) client: AsyncClient,
    pub(super) events: EventLoop,
    pub(super) limits: Limits,
    /// Held for as long as there is the connection, where it is one of a session.
    pub(super) turn: Option<OwnedMutexGuard<()>>,
}

/// What this side knows of a session from before: nothing, for who only reads has nothing under way. With it the library
/// goes on with a session that the broker kept.
#[derive(Debug)]
struct Blank {
    expiry: u32,
}

impl SessionStore for Blank {
    fn load<'a>(
        &'a self,
        key: &'a SessionStoreKey,
    ) -> BoxFuture<'a, Result<Option<PersistedSession>, SessionStoreError>> {
        let blank = PersistedSession {
            format_version: 1,
            client_id: key.client_id().to_owned(),
            clean_start: false,
            session_expiry_interval: Some(self.expiry),
            outgoing_inflight_upper_limit: None,
            ack_mode: PersistedAckMode::Manual,
            last_pkid: 0,
            last_puback: 0,
            replay: Vec::new(),
            incoming_qos2: Vec::new(),
        };
        Box::pin(async { Ok(Some(blank)) })
    }

    fn save<'a>(
        &'a self,
        _: &'a SessionStoreKey,
        _: &'a PersistedSession,
    ) -> BoxFuture<'a, Result<(), SessionStoreError>> {
        Box::pin(async { Ok(()) })
    }

    fn clear<'a>(&'a self, _: &'a SessionStoreKey) -> BoxFuture<'a, Result<(), SessionStoreError>> {
        Box::pin(async { Ok(()) })
    }
}

/// How long a question to the broker may take.
pub(super) const ANSWER: Duration = Duration::from_secs(10);
