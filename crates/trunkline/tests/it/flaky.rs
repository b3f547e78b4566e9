//! `Flaky`: a store in memory that fails, hangs or lies on demand.

use std::sync::{Arc, Mutex};

use tokio::sync::Semaphore;
use trunkline::{BoxFuture, Error, Kind, MemoryStore, Outcome, Result, Store};
use trunkline_store::{BegunCall, CallTerm, MarkWrite, Marked, Marks, Part, PartKind, Stored};

/// What happens to the next write.
#[derive(Debug, Clone)]
pub(crate) enum Fault {
    /// It fails, and nothing has changed.
    Refused,
    /// It fails, nobody knows whether it was stored, and it was.
    StoredUnknown,
    /// It fails, nobody knows whether it was stored, and it was not.
    LostUnknown,
    /// It is stored, and the answer comes when a permit is there.
    Slow(Arc<Semaphore>),
}

#[derive(Debug, Default)]
pub(crate) struct Flaky {
    inner: MemoryStore,
    next: Mutex<Option<Fault>>,
    /// Whether activity is refused.
    pub(crate) deaf: std::sync::atomic::AtomicBool,
    damaged: Mutex<Vec<String>>,
    /// How many parts were read.
    pub(crate) parts_read: std::sync::atomic::AtomicUsize,
    /// What happens to marks.
    marks: Mutex<Option<MarkFault>>,
}

/// What happens to marks.
#[derive(Debug, Clone, Copy)]
pub(crate) enum MarkFault {
    /// None can be written.
    Refused,
    /// There is no room for another one.
    Full,
    /// Those that there are cannot be read.
    Damaged,
}

impl Flaky {
    pub(crate) fn next(&self, fault: Fault) {
        *self.next.lock().unwrap() = Some(fault);
    }

    /// Makes the document of `id` unreadable.
    pub(crate) fn damage(&self, id: &str) {
        self.damaged.lock().unwrap().push(id.to_owned());
    }

    pub(crate) fn marks_are(&self, fault: Option<MarkFault>) {
        *self.marks.lock().unwrap() = fault;
    }

    fn damage_in<'a>(&self, stored: impl IntoIterator<Item = &'a mut Stored>) {
        let damaged = self.damaged.lock().unwrap();
        for one in stored.into_iter().filter(|stored| damaged.contains(&stored.id)) {
            one.document = Err(Error::new(Kind::Store, "the document does not open"));
        }
    }

    /// The same for parts, which are counted.
    fn spoil<'a>(&self, stored: impl IntoIterator<Item = &'a mut Stored>) {
        self.damage_in(stored.into_iter().inspect(|_| {
            self.parts_read.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        }));
    }

    async fn write<T>(&self, write: BoxFuture<'_, Result<T>>) -> Result<T> {
        let failed = || Error::new(Kind::Store, "scripted");
        let fault = self.next.lock().unwrap().take();
        match fault {
            None => write.await,
            Some(Fault::Refused) => Err(failed()),
            Some(Fault::LostUnknown) => Err(failed().outcome_is(Outcome::Unknown)),
            Some(Fault::StoredUnknown) => {
                write.await?;
                Err(failed().outcome_is(Outcome::Unknown))
            }
            Some(Fault::Slow(gate)) => {
                let result = write.await;
                gate.acquire().await.unwrap().forget();
                result
            }
        }
    }
}

impl Marks for Flaky {
    fn write<'a>(
        &'a self,
        marks: &'a [MarkWrite<'a>],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<Vec<Result<Marked>>>> {
        let fault = *self.marks.lock().unwrap();
        let inner = self.inner.marks().unwrap();
        Box::pin(async move {
            match fault {
                None => inner.write(marks, term).await,
                Some(MarkFault::Refused) => Err(Error::new(Kind::Store, "scripted")),
                Some(MarkFault::Full) => inner.write(marks, CallTerm { most: 0, ..term }).await,
                Some(MarkFault::Damaged) => {
                    let mut done = inner.write(marks, term).await?;
                    let before = done.iter_mut().filter_map(|one| match one {
                        Ok(Marked::Before(before)) => Some(before),
                        _ => None,
                    });
                    for stored in before.flatten() {
                        stored.document = Err(Error::new(Kind::Store, "the mark does not open"));
                    }
                    Ok(done)
                }
            }
        })
    }

    fn forget<'a>(&'a self, integration: &'a str) -> BoxFuture<'a, Result<()>> {
        self.inner.marks().unwrap().forget(integration)
    }
}

impl Store for Flaky {
    fn marks(&self) -> Option<&dyn Marks> {
        Some(self)
    }

    fn load(&self) -> BoxFuture<'_, Result<Vec<Stored>>> {
        Box::pin(async {
            let mut stored = self.inner.load().await?;
            self.damage_in(&mut stored);
            Ok(stored)
        })
    }

    fn put<'a>(
        &'a self,
        id: &'a str,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.write(self.inner.put(id, expected, document)))
    }

    fn delete<'a>(&'a self, id: &'a str, expected: Option<u64>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.write(self.inner.delete(id, expected)))
    }

    fn part<'a>(&'a self, part: Part<'a>) -> BoxFuture<'a, Result<Option<Stored>>> {
        Box::pin(async move {
            let mut stored = self.inner.part(part).await?;
            self.spoil(stored.as_mut());
            Ok(stored)
        })
    }

    fn parts<'a>(
        &'a self,
        kind: PartKind,
        integration: &'a str,
        after: &'a str,
        most: u32,
    ) -> BoxFuture<'a, Result<Vec<Stored>>> {
        Box::pin(async move {
            let mut stored = self.inner.parts(kind, integration, after, most).await?;
            self.spoil(&mut stored);
            Ok(stored)
        })
    }

    fn put_part<'a>(
        &'a self,
        part: Part<'a>,
        expected: Option<u64>,
        document: &'a [u8],
    ) -> BoxFuture<'a, Result<u64>> {
        Box::pin(self.write(self.inner.put_part(part, expected, document)))
    }

    fn delete_part<'a>(&'a self, part: Part<'a>, expected: Option<u64>) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.write(self.inner.delete_part(part, expected)))
    }

    fn append_activity<'a>(&'a self, segment: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        if self.deaf.load(std::sync::atomic::Ordering::SeqCst) {
            return Box::pin(async { Err(Error::new(Kind::Store, "scripted")) });
        }
        self.inner.append_activity(segment)
    }

    fn load_activity(&self) -> BoxFuture<'_, Result<Vec<Vec<u8>>>> {
        self.inner.load_activity()
    }

    fn begin_call<'a>(
        &'a self,
        id: &'a str,
        record: &'a [u8],
        term: CallTerm,
    ) -> BoxFuture<'a, Result<BegunCall>> {
        self.inner.begin_call(id, record, term)
    }

    fn end_call<'a>(
        &'a self,
        id: &'a str,
        generation: u64,
        record: Option<&'a [u8]>,
    ) -> BoxFuture<'a, Result<()>> {
        self.inner.end_call(id, generation, record)
    }

    fn ping(&self) -> BoxFuture<'_, Result<()>> {
        self.inner.ping()
    }

    /// A script outlives its manager.
    fn close(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}
