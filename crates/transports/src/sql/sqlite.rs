//! SQLite: a file, or a database in memory. Each session is a connection on a thread of its own, since SQLite blocks.

mod codes;
mod guard;
mod place;
mod run;
mod schema;
mod thread;
mod value;
mod watch;

use std::{sync::Arc, time::Duration};

use trunkline_core::{Context, Error, Kind, Outcome, Proof, Result, Seconds};

use self::{place::Place, run::Work, thread::Thread};
use super::{
    address::Address,
    config::DatabaseConfig,
    engine::{Engine, Login},
    job::Job,
    output::Output,
    scan::Dialect,
};

/// SQLite.
#[derive(Debug)]
pub(crate) struct Sqlite {
    settings: Arc<Settings>,
}

/// What a session is opened with.
#[derive(Debug)]
struct Settings {
    place: Place,
    /// How long a statement may wait for a lock.
    lock: Duration,
    /// How long a statement may take.
    statement: Duration,
}

/// A connection.
pub(crate) struct Session {
    thread: Thread,
}

impl Sqlite {
    /// The database of an address.
    ///
    /// # Errors
    ///
    /// `invalid_config` for a path that leads out of the folder of databases, and for parameters that are not known.
    pub(crate) fn open(config: &DatabaseConfig, address: &Address, context: &Context) -> Result<Self> {
        if config.pooler.is_some() {
            return Err(Error::invalid("pooler: SQLite has none; remove it"));
        }
        if config.tls.is_set() {
            return Err(Error::invalid("tls: SQLite speaks to no network; remove it"));
        }
        let (place, busy) = Place::of(address, config.read_only, context.databases())?;
        let lock = config.lock_timeout.map(Seconds::get).or(busy).unwrap_or(LOCK);
        if lock > MOST_LOCK {
            return Err(Error::invalid("lock_timeout: must be at most 60 seconds"));
        }
        let statement = config.statement_timeout.or(config.timeout).map_or(STATEMENT, Seconds::get);
        Ok(Self { settings: Arc::new(Settings { place, lock, statement }) })
    }
}

/// Times unless configured, and the longest wait for a lock: nothing else is done on that connection meanwhile.
const LOCK: Duration = Duration::from_secs(2);
const MOST_LOCK: Duration = Duration::from_secs(60);
const STATEMENT: Duration = Duration::from_secs(30);

impl Engine for Sqlite {
    type Session = Session;

    const SYSTEM: &'static str = "sqlite";
    const DIALECT: Dialect = Dialect::Sqlite;

    fn most(&self) -> Option<u32> {
        // Of a database in memory readers and writers exclude each other: they wait for their turn in the pool.
        self.settings.place.is_memory().then_some(1)
    }

    async fn connect(&self, _: &Context, login: &Login) -> Result<Session> {
        if login.user.is_some() || login.password.is_some() {
            return Err(Error::invalid("auth_type: SQLite has no users; use none"));
        }
        let thread = Thread::start(self.settings.clone()).await;
        Ok(Session { thread: thread.map_err(|error| error.outcome_is(Outcome::NotSent))? })
    }

    async fn revive(&self, session: &mut Session, _: Duration) -> bool {
        !session.thread.is_gone()
    }

    async fn run(&self, session: &mut Session, job: &Job<'_>, output: &mut Output) -> Result<()> {
        let work = Work::of(job)?;
        let mut taken = output.take();
        let ran = session.thread.ask(move |worker| {
            let result = worker.run(&work, &mut taken);
            (taken, result)
        });
        let (taken, result) = ran.await?;
        *output = taken;
        if result.as_ref().is_err_and(|error| error.kind() == Kind::Unavailable) {
            session.thread.lose();
        }
        result
    }

    async fn reset(&self, session: &mut Session) -> Result<()> {
        session.thread.reset().await
    }

    fn is_broken(&self, session: &Session) -> bool {
        session.thread.is_gone()
    }

    fn abandon<P: Send + 'static>(&self, _: &Context, session: Session, _: P) {
        session.thread.stop();
    }

    async fn proof(&self, session: &mut Session) -> Result<Proof> {
        session.thread.ask(|worker| worker.proof()).await?
    }

    async fn schema(&self, session: &mut Session) -> Result<Vec<u8>> {
        session.thread.ask(|worker| worker.schema()).await?
    }
}

/// The thread of a session is gone, which only a bug makes of it.
fn gone() -> Error {
    Error::new(Kind::Internal, "the thread of the database connection ended by itself")
}
