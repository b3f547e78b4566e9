//! `Link`: one connection that is there when it is needed. A task of its own makes it, keeps it alive, talks over it, and
//! makes it anew; a caller who is alone talks over it itself. What is said is up to a [`Dialogue`].

mod alone;
mod desk;
mod farewell;
mod keeper;
mod shift;

use std::{
    collections::VecDeque,
    future::poll_fn,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    task::Poll,
    time::Duration,
};

use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::Instant,
};
use trunkline_core::{Context, Credential, Error, Kind, Result};
use yawc::Frame;

use self::{alone::Alone, desk::Desk, keeper::Keeper};
use super::{
    endpoint::Endpoint,
    socket::Message,
    stir::Stir,
    waiter::{Waiter, waiter},
};
use crate::access::Access;

/// What is said over a connection, on this side of it.
pub(crate) trait Dialogue: Send + 'static {
    /// What it can be told to do.
    type Command: Send + 'static;

    /// A connection is there; `again` where there was one before. Says what has to be said first.
    ///
    /// # Errors
    ///
    /// Why the connection is of no use.
    fn opened(&mut self, again: bool, about: &Opened<'_>, out: &mut VecDeque<Frame>) -> Result<()>;

    /// Whether it takes commands now.
    fn takes(&self) -> bool;

    /// Does what it is told. From now on the service may have heard of it.
    fn commanded(&mut self, command: Self::Command, out: &mut VecDeque<Frame>);

    /// Everything said so far is on its way.
    fn flushed(&mut self) {}

    /// The service says something.
    ///
    /// # Errors
    ///
    /// Why the connection must be given up.
    fn received(&mut self, message: Message, out: &mut VecDeque<Frame>) -> Result<()>;

    /// Looks after those who wait: `stirred` where one of them has gone away. Says when it wants to be asked again.
    ///
    /// # Errors
    ///
    /// Why the connection must be given up.
    fn tend(&mut self, stirred: bool, out: &mut VecDeque<Frame>) -> Result<Option<Instant>>;

    /// The connection is lost: what waits for an answer has none.
    fn lost(&mut self, error: &Error);

    /// There will be no other connection: all streams end.
    fn given_up(&mut self, error: &Error);

    /// A command that was not even begun.
    fn refused(command: Self::Command, error: Error);

    /// Whether there has to be a connection though nobody gives commands.
    fn is_wanted(&self) -> bool;

    /// Whether nothing is under way.
    fn is_quiet(&self) -> bool;
}

/// What is known of a connection that was just made.
pub(crate) struct Opened<'a> {
    /// The subprotocol that the service chose.
    pub(crate) subprotocol: Option<&'a str>,
    /// What the handshake was made with.
    pub(crate) credential: Option<&'a Credential>,
}

/// For how long a connection is kept.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keeping {
    /// A service that is silent for so long is asked whether it is there; given up after three times as long.
    pub(crate) ping: Duration,
    /// A connection that nobody uses is closed after so long.
    pub(crate) idle: Duration,
}

/// Commands that the task is handed before it takes them, and what all that wait may take of memory.
const ORDERS: usize = 256;
const BYTES: usize = 4 << 20;

/// A connection that is there when it is needed.
pub(crate) struct Link<D: Dialogue> {
    endpoint: Arc<Endpoint>,
    keeping: Keeping,
    make: Box<dyn Fn(Arc<Stir>) -> D + Send + Sync>,
    state: Arc<State>,
    task: Mutex<Option<Task<D>>>,
}

/// The side of a task that is turned to those who have commands.
struct Task<D: Dialogue> {
    orders: mpsc::Sender<Queued<D::Command>>,
    desk: Arc<Desk<D>>,
}

impl<D: Dialogue> Clone for Task<D> {
    fn clone(&self) -> Self {
        Self { orders: self.orders.clone(), desk: self.desk.clone() }
    }
}

/// What can be seen of a link from outside.
#[derive(Debug, Default)]
pub(crate) struct State {
    open: AtomicU32,
    opened: AtomicU64,
    calls: AtomicU32,
    queued: AtomicUsize,
}

/// A command, and what comes with it.
struct Order<C> {
    command: C,
    access: Access,
}

/// A command on its way to the task.
struct Queued<C> {
    order: Order<C>,
    /// Given back when the task has it.
    _room: Room,
}

/// Somebody waits for what is told of a command.
struct Waits<'a>(&'a AtomicU32);

impl<'a> Waits<'a> {
    /// One more, and whether there is no other.
    fn begin(calls: &'a AtomicU32) -> (Self, bool) {
        let alone = calls.fetch_add(1, Ordering::Relaxed) == 0;
        (Self(calls), alone)
    }
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Bytes that a command takes while it waits.
struct Room(Arc<State>, usize);

impl Drop for Room {
    fn drop(&mut self) {
        self.0.queued.fetch_sub(self.1, Ordering::Relaxed);
    }
}

impl State {
    /// Whether there is a connection, and how many there were.
    pub(crate) fn read(&self) -> (bool, u64) {
        (self.open.load(Ordering::Relaxed) > 0, self.opened.load(Ordering::Relaxed))
    }

    /// How many wait for what is told of a command.
    pub(crate) fn calls(&self) -> u32 {
        self.calls.load(Ordering::Relaxed)
    }
}

impl<D: Dialogue> Link<D> {
    /// A link that is not connected yet. `make` makes the dialogue, which hears of those who go away by the bell.
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        keeping: Keeping,
        make: impl Fn(Arc<Stir>) -> D + Send + Sync + 'static,
    ) -> Self {
        let (state, task) = (Arc::default(), Mutex::default());
        Self { endpoint, keeping, make: Box::new(make), state, task }
    }

    /// What can be seen of it.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Gives a command of so many bytes, and gives what is told of it. Whoever is alone says it at once, and listens itself;
    /// else it is handed to the task, which is begun where there is none. Where many wait already, so does this one, until
    /// there is room.
    ///
    /// # Errors
    ///
    /// `throttled` where those who wait take too much memory, and nothing was sent; else what is told of the command.
    pub(crate) async fn command<T>(
        &self,
        context: &Context,
        access: Access,
        size: usize,
        command: impl FnOnce(Waiter<T>) -> D::Command,
    ) -> Result<T> {
        let (_waits, alone) = Waits::begin(&self.state.calls);
        let Task { orders, desk } = self.task(context);
        let (told, waiting) = waiter(&desk.stir);
        let mut order = Some(Order { command: command(told), access });
        if alone && orders.capacity() == ORDERS {
            order = poll_fn(|cx| Poll::Ready(order.take().and_then(|order| desk.say(order, cx)))).await;
        }
        let Some(order) = order else {
            // The task ends when nobody can have commands for it.
            drop(orders);
            return Alone::new(waiting, desk).await;
        };
        drop(desk);
        let before = self.state.queued.fetch_add(size, Ordering::Relaxed);
        let room = Room(self.state.clone(), size);
        if before > 0 && before.saturating_add(size) > BYTES {
            return Err(full());
        }
        let queued = Queued { order, _room: room };
        // Where the task is gone with its runtime, whoever waits hears that nothing was sent.
        if let Err(TrySendError::Full(queued)) = orders.try_send(queued) {
            // In a box, for few calls come here and all would have to carry what it takes.
            let _ = Box::pin(orders.send(queued)).await;
        }
        drop(orders);
        waiting.await
    }

    /// The task that there is, or a new one.
    fn task(&self, context: &Context) -> Task<D> {
        let mut held = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(task) = held.as_ref().filter(|task| !task.orders.is_closed()) {
            return task.clone();
        }
        let (orders, received) = mpsc::channel(ORDERS);
        let stir = Arc::<Stir>::default();
        let task = Task { orders, desk: Arc::new(Desk::new((self.make)(stir.clone()), stir)) };
        *held = Some(task.clone());
        drop(held);
        tokio::spawn(Box::pin(
            Keeper {
                endpoint: self.endpoint.clone(),
                keeping: self.keeping,
                context: context.clone(),
                desk: task.desk.clone(),
                state: self.state.clone(),
                orders: received,
                access: Access::default(),
            }
            .run(),
        ));
        task
    }

    /// Lets the task end what is under way, and streams end.
    pub(crate) fn retire(&self) {
        *self.task.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl<D: Dialogue> std::fmt::Debug for Link<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("endpoint", &self.endpoint)
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

fn full() -> Error {
    Error::new(
        Kind::Throttled,
        "too many bytes wait to be sent on the connection; send fewer at a time, or raise connections",
    )
}
