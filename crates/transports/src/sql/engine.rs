//! `Engine`: what a database has to be able to do to be spoken to; all else is the same for all of them.

use std::{fmt::Debug, future::Future, time::Duration};

use trunkline_core::{Context, Proof, Result, Secret};

use super::{job::Job, output::Output, scan::Dialect};

/// Who logs in.
#[derive(Debug, Clone, Default)]
pub(crate) struct Login {
    /// The user; the engine's default where there is none.
    pub(crate) user: Option<String>,
    /// The password.
    pub(crate) password: Option<Secret>,
}

/// A kind of database.
///
/// # Behavior
///
/// - A session is one connection that is logged in. Its settings are the same whenever a job begins.
/// - A future that is dropped leaves the session in the middle of something: then [`Engine::abandon`] is called, and
///   nothing else.
/// - Errors say whether anything can have been applied; see [`Engine::run`].
pub(crate) trait Engine: Debug + Send + Sync + Sized + 'static {
    /// One connection.
    type Session: Send + 'static;

    /// As OpenTelemetry's semantic conventions name it (`db.system.name`).
    const SYSTEM: &'static str;

    /// How its SQL is read.
    const DIALECT: Dialect;

    /// How many connections make sense at most, whatever is configured.
    fn most(&self) -> Option<u32> {
        None
    }

    /// Makes a connection through the egress guard, logs in and sets it up.
    ///
    /// # Errors
    ///
    /// All with outcome `not_sent`; `unauthenticated` where the login is refused.
    fn connect(&self, context: &Context, login: &Login)
    -> impl Future<Output = Result<Self::Session>> + Send;

    /// Whether a connection that has waited for `idle` can be used. It may ask the server only where nothing else
    /// tells.
    fn revive(&self, session: &mut Self::Session, idle: Duration) -> impl Future<Output = bool> + Send;

    /// Runs a job: all of its statements or none where it says so, and read only where it says so, enforced by the
    /// database. Begins and ends each result in `output`, and stops fetching where that has enough. A statement that
    /// may write is not stopped for that: what it yields is read to its end and thrown away.
    ///
    /// # Errors
    ///
    /// What the database says, by kind. Lost on the way the outcome is `unknown`, but `rejected` where nothing can
    /// have been applied: the job only reads, or was not committed yet.
    fn run(
        &self,
        session: &mut Self::Session,
        job: &Job<'_>,
        output: &mut Output,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Removes what statements left behind in the session: settings, temporary tables, locks.
    ///
    /// # Errors
    ///
    /// Then the session is closed.
    fn reset(&self, session: &mut Self::Session) -> impl Future<Output = Result<()>> + Send;

    /// Whether nothing more can be done with a session, as after a lost connection.
    fn is_broken(&self, session: &Self::Session) -> bool;

    /// Stops what a session is in the middle of, at the server, and drops it. Returns at once, and drops `place` once
    /// the server is done with it, as far as that is waited for: until then it counts as a connection.
    fn abandon<P: Send + 'static>(&self, context: &Context, session: Self::Session, place: P);

    /// Asks something, and says who answers: version, role in the replication, and whether the login may do more than
    /// it has to.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn proof(&self, session: &mut Self::Session) -> impl Future<Output = Result<Proof>> + Send;

    /// The tables and columns that can be asked for, as JSON.
    ///
    /// # Errors
    ///
    /// What the database says.
    fn schema(&self, session: &mut Self::Session) -> impl Future<Output = Result<Vec<u8>>> + Send;
}
