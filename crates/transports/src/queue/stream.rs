//! Messages as they come, for as long as somebody reads: a task that reads, and begins anew where the connection was lost.

use std::{
    collections::VecDeque,
    mem,
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context as Task, Poll},
    time::Duration,
};

use bytes::Bytes;
use http_body::Frame;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, mpsc},
    time::{Instant, sleep},
};
use trunkline_core::{Ack, Body, Context, Error, Event, Kind, Receive, Reply, Result, Retry, Verdict};

use super::{
    broker::{Broker, Subscription},
    came::Came,
    client::Inner,
    lease::{Lease, Room},
    readers::Reader,
    reply,
};
use crate::{
    access::Access,
    again::{copy, pause, retired},
};

/// So many are fetched at once at most.
const BATCH: u32 = 64;
/// So long one fetch waits; then the next one does.
const WAIT: Duration = Duration::from_secs(20);

/// Begins to listen. What fails before that is an error of the call; what fails after it is an event.
pub(super) async fn stream<B: Broker>(
    inner: &Arc<Inner<B>>,
    context: &Context,
    access: Access,
    receive: &Receive,
) -> Result<Reply> {
    static STREAMS: AtomicU64 = AtomicU64::new(0);
    let subscription = inner.subscription(receive);
    let places = Semaphore::new(subscription.prefetch.unwrap_or(1) as usize);
    let link = inner.line.link(context, access.credential.as_ref()).await?;
    // Boxed, as for pulls.
    let consumer = Box::pin(inner.broker.consume(&link, &subscription)).await?;
    // There is room for one: whoever finds it empty knows that what was in it was taken.
    let (events, pieces) = mpsc::channel(1);
    let listener = Listener {
        inner: inner.clone(),
        context: context.clone(),
        access,
        subscription,
        places: Arc::new(places),
        id: STREAMS.fetch_add(1, Ordering::Relaxed),
        came: Mutex::default(),
        events,
    };
    inner.counts.listeners.fetch_add(1, Ordering::Relaxed);
    let group = listener.subscription.group.clone();
    tokio::spawn(listener.run(Reader::new(&Arc::downgrade(inner), link, consumer, group.as_deref())));
    Ok(Reply::of_events(Body::stream(Pieces(pieces))))
}

/// The events on their way to whoever listens. Dropped, it ends the task.
struct Pieces(mpsc::Receiver<Bytes>);

impl http_body::Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.0.poll_recv(cx).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// Who reads for one stream.
struct Listener<B: Broker> {
    inner: Arc<Inner<B>>,
    context: Context,
    access: Access,
    subscription: Subscription,
    /// One for each message that may be unacknowledged.
    places: Arc<Semaphore>,
    id: u64,
    /// What came and was not handed out yet.
    came: Mutex<VecDeque<Lease<B>>>,
    events: mpsc::Sender<Bytes>,
}

/// Whoever listened has gone, or everything ends.
struct Gone;

impl<B: Broker> Listener<B> {
    async fn run(mut self, reader: Reader<B>) {
        let stop = self.inner.stop.clone();
        let gone = self.events.clone();
        let last = tokio::select! {
            // In this order: what is given back when everything ends is not to be read again here.
            biased;
            () = gone.closed() => None,
            () = stop.cancelled() => Some(Event::error(&retired())),
            () = self.listen(reader) => None,
        };
        // What nobody had comes to the next as if it had not come.
        let left = mem::take(&mut *self.came());
        self.inner.judge_all(left.into(), Verdict::Release).await;
        self.inner.judge_all(self.inner.leases.of_stream(self.id), Verdict::Requeue).await;
        if let Some(last) = last {
            let _ = gone.send(last.frame()).await;
        }
    }

    /// Reads, and begins again until that cannot help.
    async fn listen(&mut self, reader: Reader<B>) {
        let (mut reader, mut tries, mut told) = (Some(reader), 0, false);
        loop {
            let failed = match reader.take() {
                Some(reading) => {
                    let began = Instant::now();
                    let error = match self.read(&reading).await {
                        Ok(Gone) => return,
                        Err(error) => error,
                    };
                    let lasted = began.elapsed() > WAIT;
                    (tries, told) = if lasted { (0, false) } else { (tries + 1, told) };
                    // Logins come to their end while somebody reads, too: the scheme hears of it once, as of a call.
                    if error.kind() == Kind::Unauthenticated && !mem::replace(&mut told, true) {
                        match self.access.replace(&self.context, &error).await {
                            Ok(true) => {
                                drop(self.inner.leases.of_stream(self.id));
                                continue;
                            }
                            Ok(false) => error,
                            Err(error) => error,
                        }
                    } else {
                        error
                    }
                }
                None => match self.again().await {
                    Ok(new) => {
                        reader = Some(new);
                        if self.events.send(Event::named("reconnected", "{}").frame()).await.is_err() {
                            return;
                        }
                        continue;
                    }
                    Err(error) => {
                        tries += 1;
                        error
                    }
                },
            };
            if matches!(failed.kind().row().retry, Retry::Never | Retry::Refresh) {
                let _ = self.events.send(Event::error(&failed).frame()).await;
                return;
            }
            // What was handed out over the connection that is lost comes again.
            drop(self.inner.leases.of_stream(self.id));
            sleep(pause(tries)).await;
        }
    }

    /// Begins to read again, with the credential that is good now.
    async fn again(&mut self) -> Result<Reader<B>> {
        self.access.renew(&self.context).await?;
        let link = match self.inner.line.link(&self.context, self.access.credential.as_ref()).await {
            // As the pipeline does for calls: once more, if there is another one.
            Err(refusal) if refusal.kind() == Kind::Unauthenticated => {
                match self.access.replace(&self.context, &refusal).await? {
                    true => self.inner.line.link(&self.context, self.access.credential.as_ref()).await?,
                    false => return Err(copy(&refusal)),
                }
            }
            link => link?,
        };
        let consumer = Box::pin(self.inner.broker.consume(&link, &self.subscription)).await?;
        Ok(Reader::new(&Arc::downgrade(&self.inner), link, consumer, self.subscription.group.as_deref()))
    }

    /// Reads over one connection until it is lost or nobody listens.
    async fn read(&self, reader: &Reader<B>) -> Result<Gone> {
        loop {
            let (place, mut room, max) = self.room().await;
            let came = Came::fetch(&self.inner, reader, max, Instant::now() + WAIT).await?;
            drop(place);
            self.came().extend(came.take().into_iter().map(|delivery| Lease::new(reader, delivery)));
            loop {
                let next = self.came().pop_front();
                let Some(lease) = next else { break };
                if let Some(Gone) = self.deliver(lease, room.as_mut()).await {
                    return Ok(Gone);
                }
            }
        }
    }

    /// Waits until a message may come, and says how many may.
    async fn room(&self) -> (Option<OwnedSemaphorePermit>, Option<Room>, u32) {
        match self.subscription.ack {
            Ack::Auto => (None, None, BATCH),
            Ack::Explicit => {
                let place = self.places.clone().acquire_owned().await.expect("it is never closed");
                let places = 1 + self.places.available_permits() as u32;
                let room = self.inner.leases.some_room(BATCH.min(places)).await;
                let max = room.count();
                (Some(place), Some(room), max)
            }
        }
    }

    async fn deliver(&self, lease: Lease<B>, room: Option<&mut Room>) -> Option<Gone> {
        let deliveries = self.inner.tries.count(lease.group.as_deref(), &lease.delivery);
        let explicit = self.subscription.ack == Ack::Explicit && lease.delivery.mark.is_some();
        // There is one: no more were fetched than there are places, and only this task takes any.
        let place = if explicit { self.places.clone().try_acquire_owned().ok() } else { None };
        let room = if explicit { room.and_then(Room::one) } else { None };
        let lease = Lease { deliveries, stream: Some(self.id), _place: place, _room: room, ..lease };
        let lease = self.inner.worth(lease)?;
        if explicit {
            let (told, _) = self.inner.hold(lease);
            return self.send(told.get()).await;
        }
        let told = reply::delivery(&lease.delivery, lease.deliveries, None);
        // Nobody has it until it is taken.
        self.came().push_front(lease);
        if let Some(Gone) = self.hand_over(told.get()).await {
            return Some(Gone);
        }
        let taken = self.came().pop_front();
        if let Some(lease) = taken {
            // Where this fails it comes again.
            let _ = self.inner.judge(lease, Verdict::Ack).await;
        }
        None
    }

    fn came(&self) -> MutexGuard<'_, VecDeque<Lease<B>>> {
        self.came.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends something and waits until it was taken, to be written to the client: there is room for the next then.
    async fn hand_over(&self, json: &str) -> Option<Gone> {
        match self.send(json).await {
            None => self.events.reserve().await.err().map(|_| Gone),
            gone => gone,
        }
    }

    async fn send(&self, json: &str) -> Option<Gone> {
        let event = Event::message(json.to_owned()).frame();
        self.events.send(event).await.err().map(|_| Gone)
    }
}

impl<B: Broker> Drop for Listener<B> {
    fn drop(&mut self) {
        self.inner.counts.listeners.fetch_sub(1, Ordering::Relaxed);
    }
}
