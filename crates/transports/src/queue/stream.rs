//! Messages as they come, for as long as somebody reads: a task that reads, and begins anew where the connection was lost.

use std::{
    pin::Pin,
    sync::{
        Arc,
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
    broker::{Broker, Consumer, Delivery, Subscription},
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
    let consumer = inner.broker.consume(&link, &subscription).await?;
    let (events, pieces) = mpsc::channel(1);
    let listener = Listener {
        inner: inner.clone(),
        context: context.clone(),
        access,
        subscription,
        places: Arc::new(places),
        id: STREAMS.fetch_add(1, Ordering::Relaxed),
        events,
    };
    inner.counts.listeners.fetch_add(1, Ordering::Relaxed);
    tokio::spawn(listener.run(Reader::new(link, consumer)));
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
    events: mpsc::Sender<Bytes>,
}

/// Whoever listened has gone, or everything ends.
struct Gone;

impl<B: Broker> Listener<B> {
    async fn run(mut self, reader: Reader<B>) {
        let stop = self.inner.stop.clone();
        let gone = self.events.clone();
        tokio::select! {
            // In this order: what is given back when everything ends is not to be read again here.
            biased;
            () = gone.closed() => {}
            () = stop.cancelled() => {
                let event = Event::error(&retired());
                let _ = gone.send(event.frame()).await;
            }
            () = self.listen(reader) => {}
        }
        self.inner.give_back(self.inner.leases.of_stream(self.id), Verdict::Requeue).await;
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
                    if error.kind() == Kind::Unauthenticated && !std::mem::replace(&mut told, true) {
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
        let consumer = self.inner.broker.consume(&link, &self.subscription).await?;
        Ok(Reader::new(link, consumer))
    }

    /// Reads over one connection until it is lost or nobody listens.
    async fn read(&self, reader: &Reader<B>) -> Result<Gone> {
        loop {
            let (place, mut room, max) = self.room().await;
            let came = Came::fetch(&self.inner, reader, max, Instant::now() + WAIT).await?;
            drop(place);
            for delivery in came.take() {
                if let Some(Gone) = self.deliver(reader, delivery, room.as_mut()).await {
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

    async fn deliver(
        &self,
        reader: &Reader<B>,
        delivery: Delivery<<B::Consumer as Consumer>::Mark>,
        room: Option<&mut Room>,
    ) -> Option<Gone> {
        let deliveries = self.inner.tries.count(&delivery);
        let explicit = self.subscription.ack == Ack::Explicit && delivery.mark.is_some();
        // There is one: no more were fetched than there are places, and only this task takes any.
        let place = if explicit { self.places.clone().try_acquire_owned().ok() } else { None };
        let (link, consumer) = (reader.link.clone(), reader.consumer.clone());
        let room = if explicit { room.and_then(Room::one) } else { None };
        let (stream, _place, _room) = (Some(self.id), place, room);
        let lease = Lease { link, consumer, delivery, deliveries, stream, _place, _room };
        let lease = self.inner.worth(lease).await?;
        if explicit {
            let (told, _) = self.inner.hold(lease);
            return self.send(told.get()).await;
        }
        let told = reply::delivery(&lease.delivery, lease.deliveries, None);
        if let Some(Gone) = self.send(told.get()).await {
            self.inner.give_back(vec![lease], Verdict::Requeue).await;
            return Some(Gone);
        }
        // Where this fails it comes again.
        let _ = self.inner.judge(lease, Verdict::Ack).await;
        None
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
