//! PostgreSQL, over a small connection of our own: it bounds a row before it is in memory, takes values as the text
//! that the server has for any type, works behind poolers in transaction mode, and spends one write and one read on a
//! statement that was run before.

mod binding;
mod codes;
mod failure;
mod prepare;
mod proof;
mod refusal;
mod rows;
mod run;
mod schema;
mod security;
mod session;
mod startup;
mod statements;
mod stream;
mod target;
#[cfg(test)]
mod tests;
mod types;
mod wire;

use std::{sync::Arc, time::Duration};

use tokio::time::timeout;
use trunkline_core::{Context, Error, Outcome, Proof, Result, Seconds};

pub(crate) use self::session::Session;
use self::{
    failure::{Failure, Progress},
    startup::{Greeting, Who, start},
    target::Target,
    wire::Wire,
};
use super::{
    address::Address,
    config::DatabaseConfig,
    engine::{Engine, Login},
    job::Job,
    output::Output,
    scan::Dialect,
};

/// A connection that was idle for longer is asked whether it still is one: what stands in between may have forgotten
/// it, and says nothing.
const LONG: Duration = Duration::from_secs(30);

/// How long it has to answer.
const ANSWER: Duration = Duration::from_secs(2);

/// Times unless configured.
const LOCK: Duration = Duration::from_secs(2);
const STATEMENT: Duration = Duration::from_secs(30);

/// The engine for PostgreSQL, and what speaks as it does.
#[derive(Debug)]
pub(crate) struct Postgres {
    target: Arc<Target>,
}

impl Postgres {
    /// The server at an address.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key or the parameter of the address at fault.
    pub(crate) fn open(config: &DatabaseConfig, address: &Address) -> Result<Self> {
        let statement = config.statement_timeout.or(config.timeout).map_or(STATEMENT, Seconds::get);
        let lock = config.lock_timeout.map_or(LOCK, Seconds::get);
        let target = Target::new(address, config.tls.open()?, statement, lock, config.pooler)?;
        Ok(Self { target: Arc::new(target) })
    }

    async fn login(
        &self,
        context: &Context,
        who: &Who<'_>,
        pooled: bool,
    ) -> Result<(Wire, Greeting), startup::Failure> {
        let mut wire = Wire::new(self.target.connect(&context.egress).await?);
        let database = self.target.database.as_deref().unwrap_or(who.user);
        let greeting = start(&mut wire, who, database, self.target.settings(pooled)).await?;
        wire.settle();
        Ok((wire, greeting))
    }
}

impl Engine for Postgres {
    type Session = Session;

    const SYSTEM: &'static str = "postgresql";

    const DIALECT: Dialect = Dialect::Postgres;

    async fn connect(&self, context: &Context, login: &Login) -> Result<Session> {
        let target = &self.target;
        let password = login.password.as_ref().map(|password| password.expose()).transpose()?;
        let who = Who {
            user: login.user.as_deref().unwrap_or("postgres"),
            password: password.as_deref(),
            plainly: target.trusts_the_wire(),
            bound: target.bound,
        };
        let mut pooled = target.is_pooled();
        let mut result = self.login(context, &who, pooled).await;
        if !pooled && target.may_be_pooled() && matches!(result, Err(startup::Failure::Parameter(_))) {
            pooled = true;
            result = self.login(context, &who, pooled).await;
        }
        let (wire, greeting) = result.map_err(|failure| {
            let error = match failure {
                startup::Failure::Parameter(refusal) => refusal.error(),
                startup::Failure::Other(error) => error,
            };
            error.outcome_is(Outcome::NotSent)
        })?;
        pooled |= greeting.ignored && target.may_be_pooled();
        if pooled {
            target.met_pooler();
        }
        let session = Session::new(wire, target.clone(), context.egress.clone(), pooled);
        Ok(session.keyed(greeting.key, greeting.version))
    }

    async fn revive(&self, session: &mut Session, idle: Duration) -> bool {
        if session.wire.is_broken() || session.wire.peek().is_err() {
            return false;
        }
        if idle < LONG {
            return true;
        }
        session.put_sync();
        matches!(timeout(ANSWER, session.catch_up()).await, Ok(Ok(())))
    }

    async fn run(&self, session: &mut Session, job: &Job<'_>, output: &mut Output) -> Result<()> {
        session.run(job, output).await
    }

    async fn reset(&self, session: &mut Session) -> Result<()> {
        if session.pooled {
            // What a transaction left behind is with a server connection that somebody else may have by now.
            return Ok(());
        }
        session.statements.clear();
        session.asked("DISCARD ALL").await.map(drop)
    }

    fn is_broken(&self, session: &Session) -> bool {
        session.wire.is_broken()
    }

    fn abandon<P: Send + 'static>(&self, _: &Context, mut session: Session, place: P) {
        session.stop_with(place);
    }

    async fn proof(&self, session: &mut Session) -> Result<Proof> {
        session.proof().await
    }

    async fn schema(&self, session: &mut Session) -> Result<Vec<u8>> {
        session.schema().await
    }
}

impl Session {
    /// Asks something of ours that changes nothing.
    async fn asked(&mut self, text: &str) -> Result<Vec<Vec<Option<String>>>> {
        self.wire.mark();
        let rows = self.ask(text).await.map_err(|failure: Failure| -> Error {
            failure.explain(self.wire.has_left(), true, Progress::default())
        });
        self.wire.settle();
        rows
    }
}
