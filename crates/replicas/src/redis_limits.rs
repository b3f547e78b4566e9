//! `RedisLimits`: limits that several servers count in one Redis; and where it is out of reach, who counts instead.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use redis::{AsyncConnectionConfig, Client, ErrorKind, RedisError, RedisResult, aio::MultiplexedConnection};
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::{
    sync::Notify,
    time::{Instant, sleep, timeout},
};
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{
    BoxFuture, Error, Kind, Result, Secret,
    shared_limits::{Counted, SharedLimits, Standing, Take, Taken},
};

use crate::scripts::{BELIEVED, Scripts};

/// A Redis that has not answered by then is out of reach.
const ANSWER: Duration = Duration::from_millis(250);
/// … and one to which no connection stands by then.
const CONNECT: Duration = Duration::from_secs(1);
/// How often a server says that it is there. A Redis that is gone is noticed then, if no call notices it before.
const BEAT: Duration = Duration::from_millis(500);
/// The pause between two attempts to reach it. It doubles, up to [`BELIEVED`], while connections do not hold.
const PAUSE: Duration = Duration::from_millis(200);

/// How to count together.
#[derive(Debug, Clone)]
pub struct RedisOptions {
    /// Where Redis is: `redis://:password@host:6379/0`, or `rediss://` for TLS.
    pub url: Secret,
    /// Who counts while it is out of reach.
    pub without: WithoutRedis,
    /// What all keys begin with. Servers with the same prefix in the same database share their limits.
    pub prefix: String,
}

impl RedisOptions {
    /// The usual options for this URL.
    pub fn new(url: Secret) -> Self {
        Self { url, without: WithoutRedis::default(), prefix: "trunkline".to_owned() }
    }
}

/// Who counts while Redis is out of reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum WithoutRedis {
    /// Each server for itself, its share of each limit: the limit divided by the number of servers last known.
    #[default]
    LocalShare,
    /// Each server for itself, each limit whole.
    Open,
    /// Nobody: calls that a limit is for are refused.
    Closed,
}

/// Limits that servers count together in Redis. Dropping it stops its work in the background.
pub struct RedisLimits {
    inner: Arc<Inner>,
    keeping: AbortOnDropHandle<()>,
}

struct Inner {
    client: Client,
    scripts: Scripts,
    /// The name under which this server is counted.
    server: String,
    without: WithoutRedis,
    now: ArcSwap<Now>,
    /// Told when a caller found that the connection does not answer.
    lost: Notify,
}

/// The present.
#[derive(Clone)]
struct Now {
    standing: Standing,
    /// Not there while Redis is out of reach.
    redis: Option<MultiplexedConnection>,
}

impl RedisLimits {
    /// Connects, for a second at most. Where that does not succeed it goes on trying in the background.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the URL is none.
    pub async fn connect(options: RedisOptions) -> Result<Self> {
        let client = Client::open(&*options.url.expose()?).map_err(|_| {
            // What exactly is wrong with it is not repeated: it may hold a password.
            Error::invalid("is not an address such as redis://:password@host:6379/0; rediss:// is for TLS")
        })?;
        let standing =
            Standing { counted: options.without.counted(), servers: 1, change: 0, since: Instant::now() };
        let inner = Arc::new(Inner {
            client,
            scripts: Scripts::new(&options.prefix),
            server: uuid::Uuid::new_v4().to_string(),
            without: options.without,
            now: ArcSwap::from_pointee(Now { standing, redis: None }),
            lost: Notify::new(),
        });
        let first = inner.join().await;
        if let Err(error) = &first {
            inner.warn(standing, error);
        }
        let keeping = AbortOnDropHandle::new(tokio::spawn(inner.clone().keep(first.is_ok())));
        Ok(Self { inner, keeping })
    }
}

impl SharedLimits for RedisLimits {
    fn standing(&self) -> Standing {
        self.inner.now.load().standing
    }

    fn take<'a>(&'a self, owner: &'a str, takes: &'a [Take], anyhow: bool) -> BoxFuture<'a, Result<Taken>> {
        Box::pin(async move {
            let now = self.inner.now.load_full();
            let Some(mut redis) = now.redis.clone() else { return Err(out_of_reach()) };
            let taken = self.inner.scripts.take(&mut redis, owner, takes, anyhow);
            answer(taken).await.map_err(|error| {
                self.inner.lose(now.standing.change, &error);
                out_of_reach().source(error)
            })
        })
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {
            self.keeping.abort();
            let redis = self.inner.now.load().redis.clone();
            if let Some(mut redis) = redis {
                // One that cannot say so is forgotten soon.
                let _ = answer(self.inner.scripts.leave(&mut redis, &self.inner.server)).await;
            }
        })
    }
}

impl Inner {
    /// Announces this server again and again, and comes back to Redis when it was lost.
    async fn keep(self: Arc<Self>, mut joined: bool) {
        let mut pause = PAUSE;
        loop {
            if joined {
                let began = Instant::now();
                self.attend(began).await;
                // A Redis that answers this and refuses that is not asked again at once, again and again.
                pause = if began.elapsed() < BELIEVED { (pause * 2).min(BELIEVED) } else { PAUSE };
            }
            sleep(if joined { pause } else { PAUSE }).await;
            joined = self.join().await.is_ok();
        }
    }

    /// Connects, and counts there from then on.
    async fn join(&self) -> RedisResult<()> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let connect = self.client.get_multiplexed_async_connection_with_config(&config);
        let mut redis = timeout(CONNECT, connect).await.unwrap_or_else(|_| Err(late()))?;
        let servers = answer(self.scripts.announce(&mut redis, &self.server)).await?;
        let before = self.now.load().standing;
        let standing = Standing {
            counted: Counted::Shared,
            // The others may not be back yet.
            servers: servers.max(before.servers),
            change: before.change + 1,
            since: Instant::now(),
        };
        self.now.store(Arc::new(Now { standing, redis: Some(redis) }));
        tracing::info!(servers, "limits are counted in Redis, by all servers together");
        Ok(())
    }

    /// Announces this server until Redis is lost.
    async fn attend(&self, began: Instant) {
        loop {
            tokio::select! {
                () = self.lost.notified() => {}
                () = sleep(BEAT) => {}
            }
            let Now { standing, redis: Some(mut redis) } = Now::clone(&self.now.load()) else { return };
            match answer(self.scripts.announce(&mut redis, &self.server)).await {
                Ok(servers) => self.now.rcu(|now| {
                    let mut now = Now::clone(now);
                    let lately = began.elapsed() < BELIEVED;
                    now.standing.servers = if lately { servers.max(now.standing.servers) } else { servers };
                    now
                }),
                Err(error) => return self.lose(standing.change, &error),
            };
        }
    }

    /// Counts elsewhere from now on, unless that was found out before.
    fn lose(&self, change: u64, error: &RedisError) {
        let before = self.now.rcu(|now| {
            let mut now = Now::clone(now);
            if now.standing.change == change {
                now.redis = None;
                now.standing.counted = self.without.counted();
                now.standing.change += 1;
                now.standing.since = Instant::now();
            }
            now
        });
        if before.standing.change == change {
            self.warn(self.now.load().standing, error);
            self.lost.notify_one();
        }
    }

    fn warn(&self, standing: Standing, error: &RedisError) {
        let (counted, servers) = (standing.counted, standing.servers);
        tracing::warn!(%error, ?counted, servers, "Redis is out of reach: limits are counted without it");
    }
}

impl WithoutRedis {
    fn counted(self) -> Counted {
        match self {
            Self::LocalShare => Counted::LocalShare,
            Self::Open => Counted::Open,
            Self::Closed => Counted::Closed,
        }
    }
}

/// What Redis answers, if it does in time.
async fn answer<T>(asked: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    timeout(ANSWER, asked).await.unwrap_or_else(|_| Err(late()))
}

fn late() -> RedisError {
    (ErrorKind::Io, "no answer in time").into()
}

fn out_of_reach() -> Error {
    Error::new(Kind::Unavailable, "the counter that the servers share is out of reach")
}

impl fmt::Debug for RedisLimits {
    /// Without the URL, which may hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisLimits").field("standing", &self.standing()).finish_non_exhaustive()
    }
}
