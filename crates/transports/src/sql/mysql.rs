//! MySQL and MariaDB, over the connection of `mysql_async`: not its pool, and never its own way of resolving names.
//!
//! What callers should know:
//!
//! - **Values.** See [`value`]. `BOOL` is `TINYINT(1)` for these servers and stays a number. MariaDB's `JSON` is
//!   `LONGTEXT`, and `mysql_async` does not ask for what would tell them apart: it comes as text. MySQL's `JSON` is
//!   embedded as it is.
//! - **Parameters.** See [`args`]. The protocol does not tell which types a statement expects, so bytes are sent as
//!   `{"base64": "…"}`.
//! - **Affected rows** are those that changed, as the server counts by default: an `UPDATE` that sets what is there
//!   already counts none.
//! - **Read only** means that the session refuses writes (`SET SESSION TRANSACTION READ ONLY`), and that nothing is sent
//!   which could switch that off: beside queries only `CALL` and `DO`. A procedure whose author lets it begin a
//!   transaction `READ WRITE` still writes.
//! - **Time.** `statement_timeout` stops any statement of MariaDB (`max_statement_time`), and queries alone of MySQL
//!   (`max_execution_time`). Waits for locks are rounded up to whole seconds.
//! - **Caps.** A query that has yielded enough is stopped at the server, at the price of its connection, unless it ends
//!   by itself within 20 ms.
//! - **Logging in.** Without TLS, `caching_sha2_password` encrypts the password with whatever key the server sends; with
//!   `sslmode` `prefer` whoever is in the middle can have it so. `verify-full` is safe.
//! - **Procedures.** The first result with rows is the result; others are read to their end and left out.
//! - **Transactions** take no statement that commits by itself, as those do which change tables: all or nothing would
//!   not hold. Tables of engines without transactions (MyISAM, Aria) change whatever is rolled back.

mod args;
mod codes;
mod describe;
mod options;
mod run;
mod session;
mod statement;
mod value;

use std::time::Duration;

use tokio::time::timeout;
use trunkline_core::{Context, Proof, Result};

use self::{options::Options, session::Session};
use super::{
    address::Address,
    config::DatabaseConfig,
    engine::{Engine, Login},
    job::Job,
    output::Output,
    scan::Dialect,
};

/// An idle connection is trusted for so long. After that the server is asked, which costs a round trip.
const TRUSTED: Duration = Duration::from_secs(1);

/// How long a server may take to say that it is there.
const PING: Duration = Duration::from_secs(2);

/// How long it may take to stop a statement that nobody waits for.
const ABANDON: Duration = Duration::from_secs(10);

/// One server, as configured.
#[derive(Debug)]
pub(crate) struct MySql {
    options: Options,
}

impl MySql {
    /// Reads the address and the settings; connects to nothing.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key or the parameter of the address.
    pub(crate) fn open(config: &DatabaseConfig, address: &Address, _context: &Context) -> Result<Self> {
        Ok(Self { options: Options::new(config, address)? })
    }
}

impl Engine for MySql {
    type Session = Session;

    const SYSTEM: &'static str = "mysql";
    const DIALECT: Dialect = Dialect::MySql;

    async fn connect(&self, context: &Context, login: &Login) -> Result<Session> {
        self.options.connect(&context.egress, login).await
    }

    async fn revive(&self, session: &mut Session, idle: Duration) -> bool {
        if session.is_broken() {
            return false;
        }
        idle < TRUSTED || matches!(timeout(PING, session.ping()).await, Ok(true))
    }

    async fn run(&self, session: &mut Session, job: &Job<'_>, output: &mut Output) -> Result<()> {
        run::run(session, job, output).await
    }

    async fn reset(&self, session: &mut Session) -> Result<()> {
        session.reset().await
    }

    fn is_broken(&self, session: &Session) -> bool {
        session.is_broken()
    }

    fn abandon<P: Send + 'static>(&self, _: &Context, session: Session, place: P) {
        session.abandon(place);
    }

    async fn proof(&self, session: &mut Session) -> Result<Proof> {
        describe::proof(session, self.options.read_only).await
    }

    async fn schema(&self, session: &mut Session) -> Result<Vec<u8>> {
        describe::schema(session).await
    }
}
