//! `Line`: the one connection to a broker that all who publish and receive share: made when it is needed, and made again,
//! not too often, after it was lost.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{
            AtomicBool, AtomicU64,
            Ordering::{Relaxed, SeqCst},
        },
    },
    time::Duration,
};

use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use trunkline_core::{Context, Credential, Error, Form, Kind, Outcome, Result};

use super::broker::{Broker, Login};
use crate::again::{copy, pause};

/// A connection that lasted so long has forgotten the failures before it.
const STABLE: Duration = Duration::from_secs(60);
/// Whoever would have to wait longer than this until the next attempt hears at once that there is no connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// A connection that is there when it is needed.
#[derive(Debug)]
pub(super) struct Line<B: Broker> {
    broker: Arc<B>,
    login: Login,
    connect: Duration,
    current: Mutex<Option<Made<B>>>,
    making: tokio::sync::Mutex<Making>,
    opened: AtomicU64,
    closed: AtomicBool,
}

/// A connection that was made.
struct Made<B: Broker> {
    link: Arc<B::Link>,
    /// Whose login it is.
    credential: Option<Arc<Credential>>,
    since: Instant,
}

impl<B: Broker> std::fmt::Debug for Made<B> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Made").field("since", &self.since).finish_non_exhaustive()
    }
}

/// What is known of attempts to connect. Whoever holds it is the only one who tries.
#[derive(Debug, Default)]
struct Making {
    /// Attempts that failed, or led to a connection that did not last.
    tries: u32,
    /// Nobody tries before.
    not_before: Option<Instant>,
    /// How the last attempt failed.
    failed: Option<Failed>,
}

/// An attempt that failed.
#[derive(Debug)]
struct Failed {
    at: Instant,
    error: Error,
    /// Whose login it was.
    credential: Option<Arc<Credential>>,
}

impl Failed {
    /// Whether it says nothing of an attempt with this credential: another one was refused.
    fn is_of_another(&self, credential: Option<&Arc<Credential>>) -> bool {
        self.error.kind() == Kind::Unauthenticated && !same(self.credential.as_ref(), credential)
    }
}

impl Making {
    /// Another attempt came to nothing.
    fn in_vain(&mut self) {
        self.not_before = Some(Instant::now() + pause(self.tries));
        self.tries += 1;
    }
}

impl<B: Broker> Line<B> {
    /// A line that is not connected yet.
    pub(super) fn new(broker: Arc<B>, login: Login, connect: Duration) -> Self {
        Self {
            broker,
            login,
            connect,
            current: Mutex::default(),
            making: tokio::sync::Mutex::default(),
            opened: AtomicU64::new(0),
            closed: AtomicBool::new(false),
        }
    }

    /// Whether there is a connection, and how many there were.
    pub(super) fn read(&self) -> (bool, u64) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let open = current.as_ref().is_some_and(|made| self.broker.is_alive(&made.link));
        (open, self.opened.load(Relaxed))
    }

    /// The connection that there is, whosever login it was made with.
    pub(super) fn present(&self) -> Option<Arc<B::Link>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.as_ref().filter(|made| self.broker.is_alive(&made.link)).map(|made| made.link.clone())
    }

    /// The connection that there is, or a new one.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::connect`], and of the last attempt where it is too early for the next one; `shutting_down` once it
    /// was closed.
    pub(super) async fn link(
        &self,
        context: &Context,
        credential: Option<&Arc<Credential>>,
    ) -> Result<Arc<B::Link>> {
        if let Some(link) = self.alive(credential) {
            return Ok(link);
        }
        self.open()?;
        let asked = Instant::now();
        let mut making = self.making.lock().await;
        if let Some(link) = self.alive(credential) {
            return Ok(link);
        }
        if making.failed.as_ref().is_some_and(|failed| failed.is_of_another(credential)) {
            *making = Making::default();
        }
        match &making.failed {
            // Who waited while another tried in vain has the same answer.
            Some(failed) if asked < failed.at => return Err(copy(&failed.error)),
            _ => {}
        }
        self.bury(&mut making, credential);
        if let Some(not_before) = making.not_before {
            let left = not_before.saturating_duration_since(asked);
            match &making.failed {
                Some(failed) if left > PATIENCE => return Err(copy(&failed.error).retry_after(left)),
                _ => sleep_until(not_before).await,
            }
        }
        let login = self.login(credential)?;
        let made = match timeout(self.connect, self.broker.connect(context, &login)).await {
            Ok(made) => made,
            Err(_) => {
                let message = format!("no connection to the broker within {:?}", self.connect);
                Err(Error::new(Kind::Timeout, message))
            }
        };
        match made {
            Ok(link) => {
                making.failed = None;
                self.opened.fetch_add(1, Relaxed);
                let link = Arc::new(link);
                let credential = credential.cloned();
                let made = Made { link: link.clone(), credential, since: Instant::now() };
                *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Some(made);
                if let Err(error) = self.open() {
                    // It was closed meanwhile, perhaps before this was there to be given up.
                    self.close().await;
                    return Err(error);
                }
                Ok(link)
            }
            Err(error) => {
                let error = error.outcome_is(Outcome::NotSent);
                making.in_vain();
                let (at, credential) = (Instant::now(), credential.cloned());
                making.failed = Some(Failed { at, error: copy(&error), credential });
                Err(error)
            }
        }
    }

    /// The same by a time, if there is one.
    ///
    /// # Errors
    ///
    /// The same, and `timeout`, all with outcome `not_sent`.
    pub(super) async fn link_by(
        &self,
        context: &Context,
        credential: Option<&Arc<Credential>>,
        end: Option<Instant>,
    ) -> Result<Arc<B::Link>> {
        let link = self.link(context, credential);
        let Some(end) = end else { return link.await };
        timeout_at(end, link).await.unwrap_or_else(|_| {
            let message = "no connection to the broker was made in time, so nothing was sent";
            Err(Error::new(Kind::Timeout, message).outcome_is(Outcome::NotSent))
        })
    }

    /// Gives up the connection, and makes no other.
    pub(super) async fn close(&self) {
        self.shut();
        let made = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(made) = made {
            self.broker.close(made.link).await;
        }
    }

    /// Whether there may be a connection.
    ///
    /// # Errors
    ///
    /// `shutting_down`, with outcome `not_sent`.
    pub(super) fn open(&self) -> Result<()> {
        if !self.closed.load(SeqCst) {
            return Ok(());
        }
        let message = "the integration was changed, switched off or removed; call it again";
        Err(Error::new(Kind::ShuttingDown, message).outcome_is(Outcome::NotSent))
    }

    /// Makes no connection from now on.
    pub(super) fn shut(&self) {
        self.closed.store(true, SeqCst);
    }

    /// The connection that there is, if it was made with this credential.
    fn alive(&self, credential: Option<&Arc<Credential>>) -> Option<Arc<B::Link>> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let made = current.as_ref().filter(|made| self.broker.is_alive(&made.link))?;
        same(made.credential.as_ref(), credential).then(|| made.link.clone())
    }

    /// Puts away the connection that there was. What lasted too short a time counts as a failure.
    fn bury(&self, making: &mut Making, credential: Option<&Arc<Credential>>) {
        let Some(made) = self.current.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
        let (tries, lasted) = (making.tries, made.since.elapsed());
        (making.tries, making.not_before) = (0, None);
        // Another credential is no failure of the connection.
        if lasted < STABLE && same(made.credential.as_ref(), credential) {
            making.tries = tries;
            making.in_vain();
            let message = format!("the broker ended a connection {lasted:.1?} after it was made");
            let error = Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent);
            making.failed = Some(Failed { at: Instant::now(), error, credential: credential.cloned() });
        }
    }

    fn login(&self, credential: Option<&Arc<Credential>>) -> Result<Login> {
        let Some(credential) = credential else { return Ok(self.login.clone()) };
        match credential.form() {
            Form::Basic { user, password } => {
                Ok(Login { user: Some(user.clone()), password: Some(password.clone()), token: None })
            }
            Form::Bearer(token) | Form::Header { value: token, .. } => {
                Ok(Login { token: Some(token.clone()), ..self.login.clone() })
            }
            _ => Err(Error::invalid(
                "auth_type: a broker takes basic, with a user and a password, a token, or none",
            )),
        }
    }
}

fn same(one: Option<&Arc<Credential>>, other: Option<&Arc<Credential>>) -> bool {
    match (one, other) {
        (None, None) => true,
        (Some(one), Some(other)) => Arc::ptr_eq(one, other),
        _ => false,
    }
}

#[cfg(test)]
mod tests;
