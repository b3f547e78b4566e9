//! `AmqpLink`: the connections to RabbitMQ, one for what is published and one for what is read, and the channels on them.

use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use lapin::{
    Channel, Connection, ConnectionProperties,
    options::ConfirmSelectOptions,
    tcp::AsyncTcpStream,
    uri::{AMQPAuthority, AMQPQueryString, AMQPScheme, AMQPUri, AMQPUserInfo},
};
use tokio::time::timeout;
use trunkline_core::{Context, Error, Kind, Result};

use super::{
    alarm::Alarm,
    codes::explain,
    publisher::Publisher,
    reactor::{Greeting, Listened, dialled},
    returns::Returns,
    rpc::Rpc,
};
use crate::queue::{broker::Login, config::Parts, net::Net, paced::Paced, replies::Replies};

/// Where RabbitMQ is.
#[derive(Debug)]
pub(super) struct Target {
    net: Net,
    host: String,
    port: u16,
    vhost: String,
    heartbeat: u16,
    /// How long a connection may take to be made.
    patience: Duration,
}

/// Who logs in where nobody is named, and the password (RabbitMQ's guide on access control, "Default Virtual Host and User").
const GUEST: &str = "guest";
/// What can stand after the `?` of an address.
const PARAMS: [&str; 1] = ["heartbeat"];

impl Target {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let Parts { mut address, tls, connect: patience, .. } = parts;
        let heartbeat = address.heartbeat()?;
        address.no_more_params(&PARAMS)?;
        // "amqp://host" and "amqp://host/" are both taken for the default virtual host, as other clients do.
        let vhost = address.path.filter(|path| !path.is_empty()).unwrap_or_else(|| "/".to_owned());
        let (host, port) = address.hosts.swap_remove(0);
        Ok(Self { net: Net::new(address.tls.then_some(tls)), host, port, vhost, heartbeat, patience })
    }

    /// Connects and logs in.
    pub(super) async fn connect(
        self: &Arc<Self>,
        context: &Context,
        login: &Login,
        replies: Arc<Replies>,
    ) -> Result<AmqpLink> {
        let (connection, greeting, returns) = self.dial(context, login, "trunkline").await?;
        Ok(AmqpLink {
            alarm: Alarm::of(&connection),
            connection,
            version: greeting.text("version"),
            returns,
            publishers: Mutex::default(),
            rpc: Rpc::new(replies),
            spare: Mutex::default(),
            known: Mutex::default(),
            reading: OnceLock::new(),
            paced: Paced::default(),
            way: (self.clone(), context.clone(), login.clone()),
        })
    }

    async fn dial(
        &self,
        context: &Context,
        login: &Login,
        name: &str,
    ) -> Result<(Connection, Greeting, Returns)> {
        let text = |secret: &Option<trunkline_core::Secret>| -> Result<Option<String>> {
            secret.as_ref().map(|secret| secret.expose().map(|text| text.into_owned())).transpose()
        };
        // A token stands for the password (RabbitMQ's OAuth 2 guide); the name says nothing then.
        let password = text(&login.token)?.or(text(&login.password)?);
        let userinfo = AMQPUserInfo {
            username: login.user.clone().unwrap_or_else(|| GUEST.to_owned()),
            password: password.unwrap_or_else(|| GUEST.to_owned()),
        };
        let (socket, greeting, returns) =
            Listened::new(self.net.connect(context, &self.host, self.port).await?);
        let uri = AMQPUri {
            scheme: AMQPScheme::AMQP,
            authority: AMQPAuthority { userinfo, host: self.host.clone(), port: self.port },
            vhost: self.vhost.clone(),
            query: AMQPQueryString { heartbeat: Some(self.heartbeat), ..AMQPQueryString::default() },
        };
        let properties = ConnectionProperties::default().with_connection_name(name.into());
        let socket = Mutex::new(Some(socket));
        let connect = async move |_: AMQPUri, _| {
            let socket = socket.lock().unwrap_or_else(PoisonError::into_inner).take();
            let again = || std::io::Error::other("a connection is made once");
            socket.map(AsyncTcpStream::Plain).ok_or_else(|| again().into())
        };
        let connection = Connection::connector(uri, dialled(), connect, properties)
            .await
            .map_err(|error| self.refused(&self.net.login(explain(&error, "logging in"), "amqps")))?;
        Ok((connection, greeting, returns))
    }

    /// A login that is refused: the broker closes the connection with a code, or, as it does of a virtual host that is not
    /// there, with another one.
    fn refused(&self, error: &Error) -> Error {
        let refused = Error::new(error.kind(), error.message().to_owned()).outcome_is(error.outcome());
        match error.kind() {
            Kind::Forbidden => Error::new(
                Kind::Unauthenticated,
                "RabbitMQ refused the user or the password; correct base_url or auth_config",
            ),
            // The login is good, and this is what the broker says of the virtual host then.
            Kind::Rejected if error.message().contains("refused for user") => Error::new(
                Kind::Forbidden,
                "the login may not use the virtual host; see its permissions there",
            ),
            _ => refused,
        }
        .with("vhost", self.vhost.clone())
    }
}

/// A connection that is logged in, and another one once somebody reads: while RabbitMQ has an alarm it takes nothing more from a
/// connection that published, acknowledgements neither (guide "Memory and Disk Alarms", "Effect on Clusters and Clients").
pub(in crate::queue) struct AmqpLink {
    connection: Connection,
    /// Whether it takes messages.
    pub(super) alarm: Alarm,
    /// The one that messages are read over.
    reading: OnceLock<Connection>,
    paced: Paced,
    /// How it is made.
    way: (Arc<Target>, Context, Login),
    pub(super) version: Option<String>,
    /// Messages that came back.
    pub(super) returns: Returns,
    /// A channel for each exchange: what is wrong with one does not harm the messages for others.
    publishers: Mutex<HashMap<String, Arc<Publisher>>>,
    pub(super) rpc: Rpc,
    /// A channel for questions.
    spare: Mutex<Option<Channel>>,
    /// Queues that are known to be there.
    known: Mutex<HashSet<String>>,
}

/// So many exchanges have a channel of their own.
const EXCHANGES: usize = 64;

impl AmqpLink {
    /// Whether both can be used, as far as is known.
    pub(super) fn is_alive(&self) -> bool {
        let alive = |connection: &Connection| connection.status().connected();
        alive(&self.connection) && self.reading.get().is_none_or(alive)
    }

    /// Who is logged in, where that is known: a token says who it is for, and nobody reads that here.
    pub(super) fn user(&self) -> Option<&str> {
        let login = &self.way.2;
        login.token.is_none().then(|| login.user.as_deref().unwrap_or(GUEST))
    }

    /// Says goodbye.
    pub(super) async fn close(&self) {
        for connection in [Some(&self.connection), self.reading.get()].into_iter().flatten() {
            let _ = connection.close(200, "bye".into()).await;
        }
    }

    /// A new channel to read on.
    pub(super) async fn reading(&self) -> Result<Channel> {
        let dial = async || {
            let (target, context, login) = &self.way;
            let dialled = timeout(target.patience, target.dial(context, login, "trunkline, reading")).await;
            let late = || {
                let message = format!("no second connection, to read over, within {:?}", target.patience);
                Error::new(Kind::Timeout, message)
            };
            dialled.map_err(|_| late())?.map(|(connection, ..)| connection)
        };
        if let Some(connection) = self.reading.get() {
            return channel(connection).await;
        }
        // Boxed: it is large.
        let made = self.paced.make_one(Box::pin(async {
            match self.reading.get() {
                Some(connection) => Ok(connection),
                None => {
                    let connection = dial().await?;
                    Ok(self.reading.get_or_init(|| connection))
                }
            }
        }));
        channel(made.await?).await
    }

    /// The channel for messages to an exchange, with confirms.
    pub(super) async fn publisher(&self, exchange: &str) -> Result<Arc<Publisher>> {
        {
            let all = self.publishers.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(publisher) = all.get(exchange).filter(|publisher| publisher.is_open()) {
                return Ok(publisher.clone());
            }
        }
        let channel = self.confirming().await?;
        let mut all = self.publishers.lock().unwrap_or_else(PoisonError::into_inner);
        // Another may have been faster.
        if let Some(publisher) = all.get(exchange).filter(|publisher| publisher.is_open()) {
            return Ok(publisher.clone());
        }
        if all.len() >= EXCHANGES {
            all.clear();
        }
        let publisher = Arc::new(Publisher::new(channel, self.returns.clone()));
        all.insert(exchange.to_owned(), publisher.clone());
        Ok(publisher)
    }

    /// A new channel that confirms what is published.
    pub(super) async fn confirming(&self) -> Result<Channel> {
        let channel = self.new_channel().await?;
        channel
            .confirm_select(ConfirmSelectOptions::default())
            .await
            .map_err(|error| explain(&error, "asking for confirms"))?;
        Ok(channel)
    }

    /// A new channel.
    pub(super) async fn new_channel(&self) -> Result<Channel> {
        self.alarm.refuse()?;
        channel(&self.connection).await
    }

    /// A channel for questions, which a wrong one closes.
    pub(super) async fn channel(&self) -> Result<Channel> {
        {
            let spare = self.spare.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(channel) = spare.as_ref().filter(|channel| channel.status().connected()) {
                return Ok(channel.clone());
            }
        }
        let channel = self.new_channel().await?;
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = Some(channel.clone());
        Ok(channel)
    }

    /// Whether a queue is known to be there.
    pub(super) fn is_known(&self, queue: &str) -> bool {
        self.known().contains(queue)
    }

    /// A queue is there.
    pub(super) fn know(&self, queue: &str) {
        self.known().insert(queue.to_owned());
    }

    /// A queue is perhaps not there any more.
    pub(super) fn forget(&self, queue: &str) {
        self.known().remove(queue);
    }

    fn known(&self) -> MutexGuard<'_, HashSet<String>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn channel(connection: &Connection) -> Result<Channel> {
    connection.create_channel().await.map_err(|error| explain(&error, "opening a channel"))
}

impl fmt::Debug for AmqpLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AmqpLink").field("version", &self.version).finish_non_exhaustive()
    }
}
