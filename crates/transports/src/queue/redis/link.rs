//! `RedisLink`: a connection to Redis that all share, and how to make others for those who wait.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo, RedisConnectionInfo,
    aio::MultiplexedConnection,
};
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{Context, Error, Kind, Outcome, Result, Secret};

use super::{
    failure::{READONLY, explain},
    replies::Answers,
};
use crate::queue::{broker::Login, config::Parts, net::Net, paced::Paced, replies::Replies};

/// Where Redis is.
#[derive(Debug, Clone)]
pub(super) struct Target {
    net: Net,
    host: String,
    port: u16,
    database: i64,
    /// How often it is asked whether it is there.
    heartbeat: Duration,
}

/// What can stand after the `?` of an address.
const PARAMS: [&str; 1] = ["heartbeat"];
/// So long one question waits for messages at most: what is asked behind it over the same connection waits with it.
pub(super) const WAIT: Duration = Duration::from_secs(1);

impl Target {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        let Parts { mut address, tls, .. } = parts;
        let heartbeat = address.heartbeat()?;
        let heartbeat = Duration::from_secs(heartbeat.into());
        address.no_more_params(&PARAMS)?;
        let database = match address.path.as_deref() {
            None | Some("") => 0,
            Some(text) => text.parse().ok().filter(|number| *number >= 0).ok_or_else(|| {
                Error::invalid("base_url: has a database that is no number, as in redis://host/0")
            })?,
        };
        let (host, port) = address.hosts.swap_remove(0);
        Ok(Self { net: Net::new(address.tls.then_some(tls)), host, port, database, heartbeat })
    }

    pub(super) async fn connect(
        &self,
        context: &Context,
        login: &Login,
        replies: &Arc<Replies>,
    ) -> Result<RedisLink> {
        let (demoted, paced) = (Arc::default(), Arc::default());
        let way =
            Way { target: self.clone(), context: context.clone(), login: login.clone(), demoted, paced };
        let shared = way.connect().await?;
        let answers = Answers::new(way.clone(), replies.clone());
        Ok(RedisLink { way, shared, answers })
    }
}

/// How to make a connection.
#[derive(Clone)]
pub(super) struct Way {
    target: Target,
    context: Context,
    login: Login,
    /// Whether what it leads to has turned out to be a replica: the primary is elsewhere by now, perhaps at the same address.
    demoted: Arc<AtomicBool>,
    /// Those that are made beside the first.
    paced: Arc<Paced>,
}

impl Way {
    /// Makes one more connection, not too often where that fails.
    pub(super) async fn another(&self) -> Result<Connection> {
        self.paced.make(Box::pin(self.connect())).await
    }

    /// Makes a connection, and logs in.
    pub(super) async fn connect(&self) -> Result<Connection> {
        let Target { net, host, port, database, heartbeat } = &self.target;
        let io = net.connect(&self.context, host, *port).await?;
        let config = AsyncConnectionConfig::new().set_response_timeout(None);
        let made = MultiplexedConnection::new_with_config(&self.info(*database)?, io, config).await;
        let (connection, driver) = made.map_err(|error| {
            net.login(explain(&error, "logging in").outcome_is(Outcome::NotSent), "rediss")
        })?;
        let ended = Arc::new(AtomicBool::new(false));
        let (end, silent) = (ended.clone(), silent(connection.clone(), *heartbeat));
        let driver = tokio::spawn(async move {
            // Without the driver whoever waits for an answer hears that the connection is lost.
            tokio::select! {
                () = driver => {}
                () = silent => {}
            }
            end.store(true, Ordering::Release);
        });
        let driver = Arc::new(AbortOnDropHandle::new(driver));
        let demoted = self.demoted.clone();
        let connection = Connection { connection, ended, demoted, _driver: driver };
        if self.login.password.is_none() && self.login.token.is_none() {
            // Nobody has logged in, which Redis minds only when it is asked for something. Whether everybody may ask for
            // this is another matter.
            let asked = connection.ask::<redis::Value>(&redis::cmd("PING"), "logging in").await;
            if let Err(error) = asked
                && error.kind() != Kind::Forbidden
            {
                return Err(net.login(error.outcome_is(Outcome::NotSent), "rediss"));
            }
        }
        Ok(connection)
    }

    fn info(&self, database: i64) -> Result<RedisConnectionInfo> {
        let text = |secret: &Option<Secret>| -> Result<Option<String>> {
            secret.as_ref().map(|secret| secret.expose().map(|text| text.into_owned())).transpose()
        };
        // The address only has to be one: nothing is dialled by it.
        let info: ConnectionInfo = "redis://localhost"
            .into_connection_info()
            .map_err(|error| explain(&error, "reading the address"))?;
        let mut info = info
            .redis_settings()
            .clone()
            .set_db(database)
            .set_lib_name("trunkline", env!("CARGO_PKG_VERSION"));
        if let Some(user) = &self.login.user {
            info = info.set_username(user);
        }
        if let Some(password) = text(&self.login.password)?.or(text(&self.login.token)?) {
            info = info.set_password(password);
        }
        Ok(info)
    }
}

/// Ends when Redis has not answered for as long as it is asked in between, as where a network was cut and nobody heard of it.
async fn silent(mut connection: MultiplexedConnection, heartbeat: Duration) {
    loop {
        sleep(heartbeat).await;
        // Whoever refuses to answer is there; and a connection that is lost has an end of its own.
        let ping = redis::cmd("PING");
        if timeout(heartbeat + WAIT, ping.query_async::<redis::Value>(&mut connection)).await.is_err() {
            return;
        }
    }
}

/// A connection, and the task behind it.
#[derive(Clone)]
pub(super) struct Connection {
    connection: MultiplexedConnection,
    ended: Arc<AtomicBool>,
    demoted: Arc<AtomicBool>,
    _driver: Arc<AbortOnDropHandle<()>>,
}

impl Connection {
    /// Whether it is there, and of use: a replica is not.
    pub(super) fn is_alive(&self) -> bool {
        !self.ended.load(Ordering::Acquire) && !self.demoted.load(Ordering::Acquire)
    }

    /// Asks something, and waits for the answer.
    ///
    /// # Errors
    ///
    /// What Redis says while it was busy with `what`.
    pub(super) async fn ask<T: FromRedisValue>(&self, question: &Cmd, what: &str) -> Result<T> {
        let asked = question.query_async(&mut self.connection.clone()).await;
        asked.map_err(|error| {
            if error.code() == Some(READONLY) {
                self.demoted.store(true, Ordering::Release);
            }
            explain(&error, what)
        })
    }
}

/// A connection that is logged in.
pub(in crate::queue) struct RedisLink {
    pub(super) way: Way,
    shared: Connection,
    pub(super) answers: Answers,
}

impl RedisLink {
    pub(super) fn is_alive(&self) -> bool {
        self.shared.is_alive()
    }

    /// Asks something that is answered at once.
    pub(super) async fn ask<T: FromRedisValue>(&self, question: &Cmd, what: &str) -> Result<T> {
        self.shared.ask(question, what).await
    }

    /// The connection itself, for whoever outlives this.
    pub(super) fn shared(&self) -> Connection {
        self.shared.clone()
    }
}

impl fmt::Debug for RedisLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLink").field("is_alive", &self.is_alive()).finish_non_exhaustive()
    }
}
