//! `Writer`: writes marks down, all that wait in one commit: on a disk that takes as long for many as for one.

use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::sync::{Mutex as Turn, oneshot};
use trunkline_core::{Error, Kind, Result, now_ms};
use trunkline_store::{CallTerm, MarkWrite, Marked, Store};

/// For how long a mark is kept that is not asked for: twice as long as Kafka keeps messages unless it is told otherwise
/// (`log.retention.hours`), and longer than a server is down, or an integration off, while messages wait whose calls were cut off.
const KEPT: Duration = Duration::from_hours(14 * 24);
/// So many there may be.
const MOST: u32 = 200_000;

/// What is written down, as [`MarkWrite`].
pub(super) enum Write {
    Begin { integration: Box<str>, name: Box<str>, record: Vec<u8>, beside: bool },
    End { id: String, record: Option<Vec<u8>> },
}

/// Something that waits to be written down, for whoever wants to hear what became of it.
struct Waiting(Write, oneshot::Sender<Result<Marked>>);

/// What waits.
#[derive(Default)]
pub(super) struct Writer {
    waiting: Mutex<Vec<Waiting>>,
    /// Held by who writes: what comes meanwhile is written after that, together.
    turn: Turn<()>,
}

impl Writer {
    /// Writes something down, with all that waits.
    pub(super) async fn write(&self, store: &Arc<dyn Store>, write: Write) -> Result<Marked> {
        let (tell, mut told) = oneshot::channel();
        self.waiting().push(Waiting(write, tell));
        let _turn = self.turn.lock().await;
        if let Ok(done) = told.try_recv() {
            return done;
        }
        let all = mem::take(&mut *self.waiting());
        if !all.is_empty() {
            // Others wait for this as well, though whoever has the turn goes away.
            let written = tokio::spawn(commit(store.clone(), all));
            let _ = written.await;
        }
        told.await.unwrap_or_else(|_| Err(unsound()))
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Waiting>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes all of it down, and says what became of each.
async fn commit(store: Arc<dyn Store>, mut all: Vec<Waiting>) {
    // A call that nobody is there to make does not begin.
    all.retain(|Waiting(write, tell)| matches!(write, Write::End { .. }) || !tell.is_closed());
    let now_ms = now_ms();
    let kept = i64::try_from(KEPT.as_millis()).unwrap_or(i64::MAX);
    let term = CallTerm { now_ms, until_ms: now_ms.saturating_add(kept), most: MOST };
    let written = async {
        let marks = store.marks().ok_or_else(none)?;
        let writes: Vec<_> = all.iter().map(|Waiting(write, _)| write.as_mark()).collect();
        marks.write(&writes, term).await
    };
    match written.await {
        Ok(done) => {
            for (Waiting(_, tell), done) in all.into_iter().zip(done) {
                let _ = tell.send(done);
            }
        }
        Err(error) => {
            for Waiting(_, tell) in all {
                let same = Error::new(error.kind(), error.message().to_owned()).outcome_is(error.outcome());
                let _ = tell.send(Err(same));
            }
        }
    }
}

impl Write {
    fn as_mark(&self) -> MarkWrite<'_> {
        match self {
            Self::Begin { integration, name, record, beside } => {
                MarkWrite::Begin { integration, name, record, beside: *beside }
            }
            Self::End { id, record } => MarkWrite::End { id, record: record.as_deref() },
        }
    }
}

/// A store that a program brought along.
fn none() -> Error {
    Error::new(Kind::Unsupported, "the store keeps no marks, without which calls could be made twice")
}

/// Such a store does not do what it promises.
pub(super) fn unsound() -> Error {
    Error::new(Kind::Internal, "the store did not say what became of a mark")
}

#[cfg(test)]
mod tests {
    use futures_util::{future::join_all, poll};
    use trunkline_store::MemoryStore;

    use super::*;

    fn begin(name: &str) -> Write {
        Write::Begin { integration: "a".into(), name: name.into(), record: b"1".to_vec(), beside: false }
    }

    #[tokio::test]
    async fn each_hears_what_became_of_its_own_whoever_writes_it_down() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(1));
        let writer = Writer::default();
        let names: Vec<_> = (0..50).map(|n| n.to_string()).collect();
        let begun = join_all(names.iter().map(|name| writer.write(&store, begin(name)))).await;
        let id = |one: Result<Marked>| match one {
            Ok(Marked::Now(id)) => id,
            other => panic!("{other:?}"),
        };
        let ids: Vec<_> = begun.into_iter().map(id).collect();
        assert!(names.iter().zip(&ids).all(|(name, id)| id.contains(&format!("/{name}/"))), "{ids:?}");
        let again = join_all(names.iter().map(|name| writer.write(&store, begin(name)))).await;
        for (one, id) in again.into_iter().zip(&ids) {
            let Ok(Marked::Before(before)) = one else { panic!("{one:?}") };
            assert_eq!((before.len(), &before[0].id), (1, id));
        }
        store.close().await;
        let closed = join_all(names.iter().map(|name| writer.write(&store, begin(name)))).await;
        assert!(closed.into_iter().all(|one| one.unwrap_err().kind() == Kind::Store));
    }

    #[tokio::test]
    async fn what_waits_is_written_at_once_and_what_nobody_waits_for_does_not_begin() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(1));
        let writer = Writer::default();
        let turn = writer.turn.lock().await;
        let mut all: Vec<_> =
            ["0", "1", "2", "3"].map(|name| Box::pin(writer.write(&store, begin(name)))).into();
        for one in &mut all {
            assert!(poll!(one).is_pending());
        }
        drop(all.pop());
        drop(turn);
        let mut all = all.into_iter();
        assert!(matches!(all.next().unwrap().await, Ok(Marked::Now(_))));
        // The first has written it for the others too.
        assert!(writer.waiting().is_empty());
        for one in all {
            assert!(matches!(one.await, Ok(Marked::Now(_))));
        }
        let gone = writer.write(&store, begin("3")).await;
        assert!(matches!(gone, Ok(Marked::Now(_))), "nobody began that: {gone:?}");
    }

    #[tokio::test]
    async fn who_goes_away_in_the_middle_of_writing_takes_nobody_along() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new(1));
        let writer = Writer::default();
        let (mut first, mut second) =
            (Box::pin(writer.write(&store, begin("1"))), Box::pin(writer.write(&store, begin("2"))));
        // The first has the turn, and writes its own alone.
        assert!(poll!(&mut first).is_pending());
        assert!(poll!(&mut second).is_pending());
        drop(first);
        assert!(matches!(second.await, Ok(Marked::Now(_))));
    }
}
