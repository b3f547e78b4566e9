//! `Tokens`: the life of a token that somebody issues for a while: asked for when it is first needed, replaced ahead
//! of its end, by one for all who want it, and kept in use while nothing better is to be had.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::watch,
    time::{Instant, timeout},
};
use trunkline_core::{Context, Credential, Error, Kind, Outcome, Result, Retry};

use crate::fixed::same;

/// How long a caller waits for a token at most. The exchange itself goes on: what it brings may be the only copy.
const WAIT: Duration = Duration::from_secs(10);
/// After a failure nobody asks again for this long, then twice as long …
const PAUSE: Duration = Duration::from_secs(30);
/// … and so on, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// A service that refuses every token it is shown gets a new one no more often than this.
const FORCED: Duration = Duration::from_secs(30);
/// No token is believed to live longer: a year.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3600);

/// That somebody has to connect an account again is heard of again after this: who does may have come to another
/// server. To hear of it asks no token endpoint.
const REAUTH: Duration = Duration::from_secs(5);

/// Issues tokens.
pub(crate) trait Issue: fmt::Debug + Send + Sync + 'static {
    /// Asks for a token, other than one that is `spent`: refused, or about to end. It runs to its end, whoever waits for
    /// it. Where there is no other, the same is given again.
    fn issue(
        &self,
        context: &Context,
        spent: Option<Arc<Credential>>,
    ) -> impl Future<Output = Result<Token>> + Send;
}

/// A token that was issued.
#[derive(Debug)]
pub(crate) struct Token {
    pub(crate) credential: Credential,
    /// For how long it is good, if that was said. Otherwise until it is refused.
    pub(crate) lives: Option<Duration>,
}

/// The one token of a scheme.
pub(crate) struct Tokens<I>(Arc<Inner<I>>);

struct Inner<I> {
    issuer: I,
    current: ArcSwapOption<Held>,
    state: Mutex<State>,
}

/// A token in use.
struct Held {
    credential: Arc<Credential>,
    /// From when on a new one is asked for, and until when this one is good.
    times: Option<(Instant, Instant)>,
}

#[derive(Default)]
struct State {
    /// Closed when the exchange that is under way has ended.
    flight: Option<watch::Receiver<()>>,
    failure: Option<Failure>,
    /// When a refusal last led to a new token.
    forced: Option<Instant>,
    /// What was refused then, until there is another.
    refused: Option<Arc<Credential>>,
    /// How often everything that is known was thrown away: an exchange that began before brings nothing.
    resets: u32,
}

/// Why there is no token, until when that is not tried again, and how often it happened in a row.
struct Failure {
    kind: Kind,
    message: String,
    until: Instant,
    times: u32,
}

impl Failure {
    fn of(error: &Error, before: Option<&Self>, now: Instant) -> Self {
        let times = before.map_or(0, |before| before.times) + 1;
        let doubled = PAUSE.saturating_mul(1 << (times - 1).min(16));
        // What is wrong with a configuration is not made worse by another question, nor soon better.
        let lasting = error.kind().row().retry == Retry::Never || error.kind() == Kind::Unauthenticated;
        let pause = match error.kind() {
            Kind::NeedsReauth => REAUTH,
            _ if lasting => PAUSE,
            _ => doubled.min(LONGEST_PAUSE),
        };
        let pause = error.wait().map_or(pause, |asked| asked.clamp(pause, LONGEST_PAUSE));
        Self { kind: error.kind(), message: error.message().to_owned(), until: now + pause, times }
    }

    fn stands(&self, now: Instant) -> bool {
        now < self.until
    }

    /// The call itself was not sent, whatever became of the question for its token.
    fn error(&self, now: Instant) -> Error {
        let wait = self.until.saturating_duration_since(now);
        let error = |message| Error::new(self.kind, message).outcome_is(Outcome::NotSent);
        match self.kind {
            // Time alone does not mend it.
            Kind::NeedsReauth => error(self.message.clone()),
            _ => {
                error(format!("{} (asked again in {} s)", self.message, wait.as_secs() + 1)).retry_after(wait)
            }
        }
    }
}

/// What somebody who wants a token has to do.
enum Turn {
    /// Take it.
    Take(Arc<Credential>),
    /// Wait for the exchange that is under way.
    Wait(watch::Receiver<()>),
}

impl<I: Issue> Tokens<I> {
    /// Nothing is asked for yet.
    pub(crate) fn new(issuer: I) -> Self {
        let (current, state) = (ArcSwapOption::empty(), Mutex::default());
        Self(Arc::new(Inner { issuer, current, state }))
    }

    /// The token, if it is good and nothing has to be done for the next one.
    pub(crate) fn ready(&self) -> Option<Arc<Credential>> {
        let held = self.0.current.load();
        let held = held.as_ref()?;
        let fresh = held.times.is_none_or(|(renew, _)| Instant::now() < renew);
        fresh.then(|| held.credential.clone())
    }

    /// The token, if it is good, though a new one may be due.
    pub(crate) fn at_hand(&self) -> Option<Arc<Credential>> {
        let held = self.0.current.load();
        let held = held.as_ref()?;
        let good = held.times.is_none_or(|(_, end)| Instant::now() < end);
        good.then(|| held.credential.clone())
    }

    /// The token. One that is good is given at once, though another is asked for; where there is none, the caller
    /// waits with all others for one exchange.
    ///
    /// # Errors
    ///
    /// Why there is none, `not_sent`; `timeout` after 10 seconds.
    pub(crate) async fn get(&self, context: &Context) -> Result<Arc<Credential>> {
        let waiting = async {
            loop {
                match self.turn(context)? {
                    Turn::Take(credential) => return Ok(credential),
                    // An error is that the sender is gone: the exchange has ended.
                    Turn::Wait(mut flight) => while flight.changed().await.is_ok() {},
                }
            }
        };
        timeout(WAIT, waiting).await.unwrap_or_else(|_| {
            let message = format!("no token was issued within {WAIT:?}; it is still waited for");
            Err(Error::new(Kind::Timeout, message).outcome_is(Outcome::NotSent))
        })
    }

    fn turn(&self, context: &Context) -> Result<Turn> {
        let mut state = self.0.lock();
        let now = Instant::now();
        // Under the lock: an exchange that has just ended has put its token there.
        let held = self.0.current.load_full();
        let due = held.as_ref().map(|held| held.credential.clone());
        let good = held.filter(|held| held.times.is_none_or(|(_, end)| now < end));
        let renew = good.as_ref().is_none_or(|held| held.times.is_some_and(|(renew, _)| renew <= now));
        let failure = state.failure.as_ref().filter(|failure| failure.stands(now));
        let failure = failure.map(|failure| failure.error(now));
        if renew && state.flight.is_none() && failure.is_none() {
            let spent = state.refused.clone().or(due);
            state.flight = Some(self.begin(context, spent, state.resets));
        }
        match (good, &state.flight) {
            (Some(held), _) => Ok(Turn::Take(held.credential.clone())),
            (None, Some(flight)) => Ok(Turn::Wait(flight.clone())),
            (None, None) => {
                Err(failure
                    .unwrap_or_else(|| Error::new(Kind::Internal, "no token, and nobody asks for one")))
            }
        }
    }

    /// Begins an exchange that no caller can end.
    fn begin(&self, context: &Context, spent: Option<Arc<Credential>>, resets: u32) -> watch::Receiver<()> {
        let (done, flight) = watch::channel(());
        let (inner, context) = (self.0.clone(), context.clone());
        tokio::spawn(async move {
            let landing = Landing { inner: &inner, done, resets };
            let result = inner.issuer.issue(&context, spent.clone()).await;
            landing.land(result, spent);
        });
        flight
    }

    /// Who issues them.
    pub(crate) fn issuer(&self) -> &I {
        &self.0.issuer
    }

    /// Forgets everything, so that the next call asks: what it would be told has changed.
    pub(crate) fn reset(&self) {
        let mut state = self.0.lock();
        self.0.current.store(None);
        let resets = state.resets.wrapping_add(1);
        *state = State { flight: state.flight.take(), resets, ..State::default() };
    }

    /// Whether an exchange is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.0.lock().flight.is_some()
    }

    /// Waits for the exchange that is under way, if one is.
    pub(crate) async fn settle(&self) {
        let flight = self.0.lock().flight.clone();
        if let Some(mut flight) = flight {
            while flight.changed().await.is_ok() {}
        }
    }

    /// The service refused `credential`. Unless that is not the one in use any more, or the last new one did not
    /// help either, it is given up.
    pub(crate) fn rejected(&self, credential: &Arc<Credential>) {
        let mut state = self.0.lock();
        let now = Instant::now();
        let held = self.0.current.load_full();
        let current = held.is_some_and(|held| Arc::ptr_eq(&held.credential, credential));
        let lately = state.forced.is_some_and(|forced| now.saturating_duration_since(forced) < FORCED);
        if current && !lately {
            state.forced = Some(now);
            state.refused = Some(credential.clone());
            self.0.current.store(None);
        }
    }
}

impl<I> Inner<I> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of an exchange. Dropped without a word, by an issuer that panics, it lets the next one begin.
struct Landing<'a, I> {
    inner: &'a Inner<I>,
    #[expect(dead_code, reason = "that it is dropped is what those who wait hear")]
    done: watch::Sender<()>,
    resets: u32,
}

impl<I> Landing<'_, I> {
    fn land(self, result: Result<Token>, spent: Option<Arc<Credential>>) {
        let mut state = self.inner.lock();
        let now = Instant::now();
        if state.resets != self.resets {
            return;
        }
        match result {
            Ok(token) => {
                let times = token.lives.map(|lives| times(lives, now));
                // The same again is no other one: nobody makes another attempt with it.
                let same = spent.filter(|spent| same(spent.form(), token.credential.form()).unwrap_or(false));
                let held = Held { credential: same.unwrap_or_else(|| Arc::new(token.credential)), times };
                self.inner.current.store(Some(Arc::new(held)));
                state.failure = None;
                state.refused = None;
            }
            Err(error) => {
                tracing::warn!(kind = %error.kind(), %error, "no token was issued");
                state.failure = Some(Failure::of(&error, state.failure.as_ref(), now));
            }
        }
    }
}

impl<I> Drop for Landing<'_, I> {
    fn drop(&mut self) {
        self.inner.lock().flight = None;
    }
}

/// From when on a token that lives for so long is replaced, and until when it is used. Both margins are parts of its
/// life where that is short: for whoever is slow, and for clocks that differ.
fn times(lives: Duration, now: Instant) -> (Instant, Instant) {
    let (renew, end) = ages(lives);
    (now + renew, now + end)
}

/// The same as ages.
pub(crate) fn ages(lives: Duration) -> (Duration, Duration) {
    let lives = lives.min(LONGEST);
    let end = lives - Duration::from_secs(30).min(lives / 4);
    let ahead = match lives < Duration::from_secs(120) {
        true => lives / 2,
        false => (lives / 10).clamp(Duration::from_secs(60), Duration::from_secs(300)),
    };
    ((lives - ahead).min(end), end)
}

impl<I: Issue> fmt::Debug for Tokens<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tokens").field(&self.0.issuer).finish()
    }
}

#[cfg(test)]
mod tests;
