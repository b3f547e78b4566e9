//! `Once`: a call with an `Idempotency-Key` is made once. That it begins is written down before anything is
//! sent; who repeats it gets the answer that was kept, or hears what is known.
//!
//! | the record says | and the call is under way here | a repetition gets |
//! |---|---|---|
//! | begun | yes | `idempotency_in_progress` |
//! | begun | no: the process was killed, or could not write the answer down | the call, with the same outbound key, if there is one; else `idempotency_unknown` |
//! | answered | | the same answer, with `Idempotency-Replayed: true` |
//! | too large | | `idempotency_not_kept` |
//!
//! There is none, and a repetition is a first call, where nothing was sent. One that asks for something else is
//! an `idempotency_mismatch` in each case.

mod answer;
mod record;

use std::{
    collections::{HashMap, hash_map::Entry},
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use sha2::{Digest, Sha256};
use tokio::time::Instant;
use tokio_util::task::TaskTracker;
use trunkline::{
    BegunCall, Body, Call, CallTerm, DEFAULT_CONNECTION, Error, Handle, Kind, Operation, Outcome, Result,
    Store, Stored,
};

use self::record::{Print, Record};
use crate::{call, clock::now_ms, problem::Problem, room::Taken};

/// The key, as its client chose it.
const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// For how long a key is remembered.
const KEPT: Duration = Duration::from_hours(24);
/// How many keys are remembered. A call with yet another is refused: to forget one that is younger than a day
/// could make its call twice.
const MOST: u32 = 100_000;

/// The key of a request, if it has one.
///
/// # Errors
///
/// `invalid_config` when it is none.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<Arc<str>>> {
    let Some(key) = headers.get(KEY) else { return Ok(None) };
    match key.to_str() {
        Ok(key)
            if (1..=255).contains(&key.len())
                && key.bytes().all(|c| c.is_ascii_graphic())
                && headers.get_all(KEY).iter().count() == 1 =>
        {
            Ok(Some(key.into()))
        }
        _ => Err(Error::invalid("idempotency-key: must be one value of 1 to 255 visible ASCII characters")),
    }
}

/// Makes calls that have a key once.
pub(crate) struct Once {
    store: Arc<dyn Store>,
    /// The keys of calls under way, and what they ask for.
    running: Mutex<HashMap<Arc<str>, Print>>,
    tasks: TaskTracker,
}

impl Once {
    /// Keeps records in `store`.
    pub(crate) fn new(store: Arc<dyn Store>) -> Arc<Self> {
        Arc::new(Self { store, running: Mutex::default(), tasks: TaskTracker::new() })
    }

    /// Makes a call, whose request had this key and this body in memory, or says what became of it. It goes on to its end
    /// if the caller goes away: whoever repeats it shall have an answer.
    pub(crate) async fn call(
        self: &Arc<Self>,
        key: Arc<str>,
        body: &[u8],
        memory: Taken,
        handle: Arc<Handle>,
        call: Call,
    ) -> Result<Response<Body>, Problem> {
        let mut print = Sha256::new().chain_update(handle.id().as_bytes());
        // No id has a slash or a zero byte, and no name of a connection either.
        if handle.connection() != DEFAULT_CONNECTION {
            print.update(b"/");
            print.update(handle.connection());
        }
        let print = print.chain_update([0]).chain_update(body).finalize().into();
        let turn = Turn::take(self, key, print)?;
        let run = async move {
            // The body is there for as long as the call is.
            let _memory = memory;
            turn.run(&handle, call).await
        };
        let made = self.tasks.spawn(run).await;
        made.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the call did not run to its end").into()))
    }

    /// Waits until the calls under way have ended, also those whose callers went away.
    pub(crate) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }

    fn running(&self) -> std::sync::MutexGuard<'_, HashMap<Arc<str>, Print>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Once {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Once").field("running", &self.running().len()).finish_non_exhaustive()
    }
}

/// The turn of one request to use its key: nobody else does until it is dropped, however the call ends.
struct Turn {
    once: Arc<Once>,
    key: Arc<str>,
    print: Print,
}

impl Turn {
    fn take(once: &Arc<Once>, key: Arc<str>, print: Print) -> Result<Self, Problem> {
        match once.running().entry(key.clone()) {
            Entry::Vacant(free) => drop(free.insert(print)),
            Entry::Occupied(other) if *other.get() == print => return Err(in_progress()),
            Entry::Occupied(_) => return Err(mismatch()),
        }
        Ok(Self { once: once.clone(), key, print })
    }

    async fn run(self, handle: &Handle, mut call: Call) -> Result<Response<Body>, Problem> {
        let outbound = handle.idempotency_key(&mut call);
        let (at, first) = match self.begin(&Record::Begun(outbound.clone())).await? {
            BegunCall::Now(at) => (at, true),
            BegunCall::Before(stored) => {
                let begun_at_ms = stored.updated_at_ms;
                let (at, record) = self.read(stored)?;
                match record {
                    Record::Answered(status, headers, body) => {
                        return Ok(answer::replay(status, headers, body));
                    }
                    Record::TooLarge(status) => return Err(not_kept(status)),
                    Record::Begun(Some(key))
                        if is_still(&key, outbound.as_ref(), begun_at_ms, handle.key_lasts()) =>
                    {
                        give(&mut call, key);
                        let left = begun_at_ms + millis(handle.key_lasts()) - now_ms();
                        let left = Duration::from_millis(u64::try_from(left).unwrap_or_default());
                        call.key_until = Instant::now().checked_add(left);
                        (at, false)
                    }
                    Record::Begun(_) => return Err(unknown()),
                }
            }
        };
        let result = match handle.call(&mut call).await {
            Ok(reply) => answer::in_memory(reply).await.map_err(|error| error.attempted(call.attempt)),
            Err(error) => Err(error),
        };
        let not_sent = matches!(&result, Err(error) if error.outcome() == Outcome::NotSent);
        let mut response = call::answered(result, handle, &call).await;
        let record = answer::record(&mut response);
        if !not_sent {
            self.end(at, Some(&record)).await;
        } else if first {
            self.end(at, None).await;
        }
        Ok(response)
    }

    /// Writes down that the call begins, unless there is a record of it.
    async fn begin(&self, record: &Record) -> Result<BegunCall> {
        let now_ms = now_ms();
        let term = CallTerm { now_ms, until_ms: now_ms + millis(KEPT), most: MOST };
        let begun = self.once.store.begin_call(&self.key, &record.write(&self.print), term).await;
        // Of the store nobody may know; to the service nothing was sent.
        begun.map_err(|error| error.outcome_is(Outcome::NotSent))
    }

    /// Takes a record apart that was found, and says at which generation it is.
    fn read(&self, Stored { generation, document, .. }: Stored) -> Result<(u64, Record), Problem> {
        // What cannot be read is never taken for a call that was not made.
        let failed = |error: Error| error.at("idempotency-key").outcome_is(Outcome::Unknown);
        let (print, record) = Record::read(&document.map_err(failed)?).ok_or_else(|| {
            failed(Error::new(
                Kind::Store,
                "what is stored of the call is damaged; find out whether it was made",
            ))
        })?;
        if print == self.print { Ok((generation, record)) } else { Err(mismatch()) }
    }

    /// Writes down how the call ended. If that fails, a repetition hears that nobody knows: the answer itself
    /// is not lost to the caller who still waits for it.
    async fn end(&self, at: u64, record: Option<&Record>) {
        let record = record.map(|record| record.write(&self.print));
        if let Err(error) = self.once.store.end_call(&self.key, at, record.as_deref()).await {
            tracing::warn!(%error, "how a call with an idempotency key ended could not be written down");
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.once.running().remove(&self.key);
    }
}

/// Whether the outbound key of a call that was cut off is one by which the service recognises it now.
fn is_still(
    (name, _): &(HeaderName, HeaderValue),
    now: Option<&(HeaderName, HeaderValue)>,
    begun_at_ms: i64,
    lasts: Duration,
) -> bool {
    now.is_some_and(|(now, _)| now == name) && now_ms() - begun_at_ms < millis(lasts)
}

/// Gives a call the outbound key that it had before.
fn give(call: &mut Call, (name, value): (HeaderName, HeaderValue)) {
    if let Operation::Http(request) = &mut call.operation {
        request.headers.insert(name, value);
    }
}

fn in_progress() -> Problem {
    Problem::plain(
        StatusCode::CONFLICT,
        "idempotency_in_progress",
        "the call with this Idempotency-Key is under way; repeat it for its answer",
    )
    .wait(Duration::from_secs(1))
}

fn mismatch() -> Problem {
    Problem::plain(
        StatusCode::UNPROCESSABLE_ENTITY,
        "idempotency_mismatch",
        "this Idempotency-Key was used within 24 hours for another integration, another connection or another body; choose a new key for a new call",
    )
}

fn unknown() -> Problem {
    Problem::plain(
        StatusCode::CONFLICT,
        "idempotency_unknown",
        "the call with this Idempotency-Key was cut off, and the service may have acted; find out whether it did before you call with a new key",
    )
    .outcome(Outcome::Unknown)
}

fn not_kept(status: StatusCode) -> Problem {
    Problem::plain(
        StatusCode::CONFLICT,
        "idempotency_not_kept",
        format!("the call with this Idempotency-Key was made and answered {status}; the answer was too large to be kept"),
    )
    .outcome(Outcome::Applied)
    .upstream(status)
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_for_the_service_is_sent_again_in_the_same_header_and_as_long_as_it_lasts() {
        let key = |name| (HeaderName::from_static(name), HeaderValue::from_static("1"));
        let ago = |duration| now_ms() - millis(duration);
        let lasts = Duration::from_hours(2);
        let late = lasts - Duration::from_secs(60);
        assert!(is_still(&key("a"), Some(&key("a")), ago(late), lasts));
        assert!(!is_still(&key("a"), Some(&key("a")), ago(lasts), lasts));
        assert!(!is_still(&key("a"), Some(&key("b")), ago(late), lasts));
        assert!(!is_still(&key("a"), None, ago(late), lasts));
    }
}
