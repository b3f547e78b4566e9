//! `Link`: one connection that is there when it is needed. A task of its own makes it, keeps it alive, talks over it, and
//! makes it anew; what is said is up to a [`Dialogue`].

mod keeper;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::mpsc::{self, error::TrySendError},
    time::Instant,
};
use trunkline_core::{Call, Context, Credential, Error, Kind, Result, SchemeDyn};
use yawc::Frame;

use self::keeper::Keeper;
pub(crate) use self::keeper::{copy, pause};
use super::{endpoint::Endpoint, socket::Message, stir::Stir};

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

/// What a connection shakes hands with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    pub(crate) credential: Option<Arc<Credential>>,
    /// Where the next one comes from.
    pub(crate) scheme: Option<Arc<dyn SchemeDyn>>,
}

impl Access {
    /// What a call brings along.
    pub(crate) fn of(call: &Call) -> Self {
        Self { credential: call.credential.clone(), scheme: call.scheme.clone() }
    }

    /// Asks the scheme for the credential that is good now.
    ///
    /// # Errors
    ///
    /// Those of the scheme.
    pub(crate) async fn renew(&mut self, context: &Context) -> Result<()> {
        if let Some(scheme) = &self.scheme {
            self.credential = scheme.credential_dyn(context).await?;
        }
        Ok(())
    }

    /// Tells the scheme that the credential was refused, and says whether there is another one now.
    ///
    /// # Errors
    ///
    /// Those of the scheme.
    pub(crate) async fn replace(&mut self, context: &Context, refusal: &Error) -> Result<bool> {
        let (Some(scheme), Some(refused)) = (self.scheme.clone(), self.credential.clone()) else {
            return Ok(false);
        };
        let challenge = refusal.reply().map(|reply| reply.headers.clone()).unwrap_or_default();
        scheme.rejected_dyn(&refused, &challenge).await;
        self.renew(context).await?;
        Ok(self.credential.as_ref().is_some_and(|fresh| !Arc::ptr_eq(fresh, &refused)))
    }
}

/// Commands that the task is handed before it takes them, and what all that wait may take of memory.
const ORDERS: usize = 256;
const BYTES: usize = 4 << 20;

/// A connection that is there when it is needed.
pub(crate) struct Link<D: Dialogue> {
    endpoint: Arc<Endpoint>,
    keeping: Keeping,
    make: Box<dyn Fn(Arc<Stir>) -> D + Send + Sync>,
    stir: Arc<Stir>,
    state: Arc<State>,
    task: Mutex<Option<mpsc::Sender<Order<D::Command>>>>,
}

/// What can be seen of a link from outside.
#[derive(Debug, Default)]
pub(crate) struct State {
    open: AtomicU32,
    opened: AtomicU64,
    queued: AtomicUsize,
}

/// A command on its way to the task.
struct Order<C> {
    command: C,
    access: Access,
    /// Given back when the task has it.
    _room: Room,
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
}

impl<D: Dialogue> Link<D> {
    /// A link that is not connected yet. `make` makes the dialogue, which hears of those who go away by the bell.
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        keeping: Keeping,
        make: impl Fn(Arc<Stir>) -> D + Send + Sync + 'static,
    ) -> Self {
        let (stir, state, task) = (Arc::default(), Arc::default(), Mutex::default());
        Self { endpoint, keeping, make: Box::new(make), stir, state, task }
    }

    /// The bell of whoever waits for a command.
    pub(crate) fn stir(&self) -> &Arc<Stir> {
        &self.stir
    }

    /// What can be seen of it.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Hands a command of so many bytes to the task, which is begun where there is none. Where many wait already, so does
    /// this one, until there is room.
    ///
    /// # Errors
    ///
    /// `throttled` where those who wait take too much memory, and nothing was sent; the command hears of it too.
    pub(crate) async fn command(
        &self,
        context: &Context,
        access: Access,
        size: usize,
        command: D::Command,
    ) -> Result<()> {
        let before = self.state.queued.fetch_add(size, Ordering::Relaxed);
        let room = Room(self.state.clone(), size);
        if before > 0 && before.saturating_add(size) > BYTES {
            return Err(full());
        }
        let mut order = Order { command, access, _room: room };
        loop {
            let orders = self.orders(context);
            order = match orders.try_send(order) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(back)) => match orders.reserve().await {
                    Ok(permit) => {
                        permit.send(back);
                        return Ok(());
                    }
                    Err(_) => back,
                },
                // The runtime of the task is gone.
                Err(TrySendError::Closed(back)) => back,
            };
        }
    }

    /// Where the task takes its orders.
    fn orders(&self, context: &Context) -> mpsc::Sender<Order<D::Command>> {
        let mut task = self.task.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(orders) = task.as_ref().filter(|orders| !orders.is_closed()) {
            return orders.clone();
        }
        let (orders, received) = mpsc::channel(ORDERS);
        *task = Some(orders.clone());
        drop(task);
        tokio::spawn(Box::pin(
            Keeper {
                endpoint: self.endpoint.clone(),
                keeping: self.keeping,
                context: context.clone(),
                dialogue: (self.make)(self.stir.clone()),
                stir: self.stir.clone(),
                state: self.state.clone(),
                orders: received,
                access: Access::default(),
                out: VecDeque::new(),
            }
            .run(),
        ));
        orders
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
