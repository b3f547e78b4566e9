//! `Lease`: a session in use. What becomes of it when it is given back is decided here.

use std::{fmt, sync::Arc};

use tokio::{
    runtime::Handle,
    sync::OwnedSemaphorePermit,
    time::{Instant, timeout_at},
};
use trunkline_core::{Context, Kind, Proof, Result};

use super::{
    super::{engine::Engine, job::Job, output::Output},
    Kept, Pool,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// It can be handed on.
    Idle,
    /// It can be handed on once it is reset.
    Dirty,
    /// It is in the middle of something.
    Busy,
}

/// A session in use. Dropped in the middle of a job, it stops what is running and closes the connection.
pub(crate) struct Lease<E: Engine> {
    kept: Option<Kept<E::Session>>,
    state: State,
    pool: Arc<Pool<E>>,
    context: Context,
    permit: Option<OwnedSemaphorePermit>,
}

impl<E: Engine> Lease<E> {
    pub(super) fn new(
        kept: Kept<E::Session>,
        permit: OwnedSemaphorePermit,
        pool: &Arc<Pool<E>>,
        context: &Context,
    ) -> Self {
        let (pool, context) = (pool.clone(), context.clone());
        Self { kept: Some(kept), state: State::Idle, pool, context, permit: Some(permit) }
    }

    /// Runs a job.
    ///
    /// # Errors
    ///
    /// As [`Engine::run`].
    pub(crate) async fn run(&mut self, job: &Job<'_>, output: &mut Output) -> Result<()> {
        let (engine, session) = self.begin();
        let result = engine.run(session, job, output).await;
        if result.as_ref().is_err_and(|error| error.kind() == Kind::Unavailable) && self.is_broken() {
            // The others were made to the same server, which may have been restarted.
            self.pool.forget_idle();
        }
        self.state = if job.is_clean() { State::Idle } else { State::Dirty };
        result
    }

    fn is_broken(&self) -> bool {
        self.kept.as_ref().is_some_and(|kept| self.pool.engine.is_broken(&kept.session))
    }

    /// Asks who answers.
    ///
    /// # Errors
    ///
    /// As [`Engine::proof`].
    pub(crate) async fn proof(&mut self) -> Result<Proof> {
        let (engine, session) = self.begin();
        let result = engine.proof(session).await;
        self.state = State::Idle;
        result
    }

    /// Asks for tables and columns.
    ///
    /// # Errors
    ///
    /// As [`Engine::schema`].
    pub(crate) async fn schema(&mut self) -> Result<Vec<u8>> {
        let (engine, session) = self.begin();
        let result = engine.schema(session).await;
        self.state = State::Idle;
        result
    }

    /// The session, for tests.
    #[cfg(test)]
    pub(super) fn session(&self) -> &E::Session {
        &self.kept.as_ref().expect("it is there until the lease is dropped").session
    }

    fn begin(&mut self) -> (&E, &mut E::Session) {
        self.state = State::Busy;
        let kept = self.kept.as_mut().expect("it is there until the lease is dropped");
        (&self.pool.engine, &mut kept.session)
    }
}

impl<E: Engine> Drop for Lease<E> {
    fn drop(&mut self) {
        let Some(mut kept) = self.kept.take() else { return };
        let pool = self.pool.clone();
        if pool.engine.is_broken(&kept.session) {
            return;
        }
        match self.state {
            State::Busy => pool.engine.abandon(&self.context, kept.session, self.permit.take()),
            State::Idle => pool.put_back(kept),
            State::Dirty => {
                let permit = self.permit.take();
                // Where no runtime is left it is closed.
                let Ok(runtime) = Handle::try_current() else { return };
                runtime.spawn(async move {
                    let end = Instant::now() + pool.limits.connect;
                    if let Ok(Ok(())) = timeout_at(end, pool.engine.reset(&mut kept.session)).await {
                        pool.put_back(kept);
                    }
                    drop(permit);
                });
            }
        }
    }
}

impl<E: Engine> fmt::Debug for Lease<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lease").field("state", &self.state).finish_non_exhaustive()
    }
}
