//! `Shelf`: the connections to one origin that wait for their next request, on one runtime.

use std::{
    mem,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use http::{Request, Response};
use hyper::{
    body::Incoming,
    client::conn::{TrySendError, http1, http2},
};
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep, sleep_until},
};
use trunkline_core::BoxFuture;

use super::outgoing::Outgoing;

/// How often idle connections are looked through. One that was idle at two of these is closed, so that
/// none waits for longer than a minute.
const SWEEP: Duration = Duration::from_secs(30);
/// Idle connections to one origin.
const IDLE: usize = 64;

/// A connection that takes requests.
#[derive(Debug)]
pub(super) enum Sender {
    /// One request at a time.
    Http1(http1::SendRequest<Outgoing>, Timer),
    /// Many at once.
    Http2(http2::SendRequest<Outgoing>, Timer),
}

impl Sender {
    /// Sends a request and waits for the head of its response. An error has the request in it if no
    /// byte of that can have left. Boxed, because the future has room for the request once more.
    pub(super) fn send(
        &mut self,
        request: Request<Outgoing>,
    ) -> BoxFuture<'static, Result<Response<Incoming>, TrySendError<Request<Outgoing>>>> {
        match self {
            Self::Http1(sender, _) => Box::pin(sender.try_send_request(request)),
            Self::Http2(sender, _) => Box::pin(sender.try_send_request(request)),
        }
    }

    /// What bounds the wait for an answer.
    pub(super) fn timer(&mut self) -> &mut Timer {
        match self {
            Self::Http1(_, timer) | Self::Http2(_, timer) => timer,
        }
    }
}

/// A timer that stays with its connection: to set one that is armed to a later time costs next to nothing,
/// to arm one and take it back for every request does.
#[derive(Debug, Default)]
pub(super) struct Timer(Option<Pin<Box<Sleep>>>);

impl Timer {
    /// The timer, set to `end`.
    pub(super) fn until(&mut self, end: Instant) -> Pin<&mut Sleep> {
        match &mut self.0 {
            Some(sleep) => sleep.as_mut().reset(end),
            None => self.0 = Some(Box::pin(sleep_until(end))),
        }
        self.0.as_mut().expect("it was just made").as_mut()
    }
}

/// The connections to one origin that wait, on one runtime.
#[derive(Debug, Default)]
pub(super) struct Shelf {
    state: Mutex<State>,
    /// Held while a connection is made to a service that is known to take many requests over one.
    pub(super) dialling: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    idle: Vec<Idle>,
    many: Option<http2::SendRequest<Outgoing>>,
    /// Whether the service spoke HTTP/2 when it was last connected to.
    multiplexes: bool,
    swept: bool,
}

#[derive(Debug)]
struct Idle {
    sender: http1::SendRequest<Outgoing>,
    timer: Timer,
    /// Whether it was already idle at the last sweep.
    old: bool,
}

impl Shelf {
    /// A connection that is open, as far as anybody knows: the one that was last used.
    pub(super) fn take(&self) -> Option<Sender> {
        let mut state = self.lock();
        if let Some(sender) = &state.many {
            if !sender.is_closed() {
                return Some(Sender::Http2(sender.clone(), Timer::default()));
            }
            state.many = None;
        }
        while let Some(Idle { sender, timer, .. }) = state.idle.pop() {
            if sender.is_ready() {
                return Some(Sender::Http1(sender, timer));
            }
        }
        None
    }

    /// Whether one connection is enough, as far as anybody knows.
    pub(super) fn multiplexes(&self) -> bool {
        self.lock().multiplexes
    }

    /// A connection was made: one that multiplexes is there for others from now on, if it is to be kept.
    pub(super) fn opened(&self, sender: &Sender, keep: bool) {
        let mut state = self.lock();
        state.multiplexes = match sender {
            Sender::Http1(..) => false,
            Sender::Http2(sender, _) => {
                if keep {
                    state.many = Some(sender.clone());
                }
                true
            }
        };
    }

    fn put(self: &Arc<Self>, sender: http1::SendRequest<Outgoing>, timer: Timer) {
        let mut state = self.lock();
        if state.idle.len() < IDLE {
            state.idle.push(Idle { sender, timer, old: false });
        }
        if !mem::replace(&mut state.swept, true) {
            drop(state);
            tokio::spawn(sweep(Arc::downgrade(self)));
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes what has been idle for too long, until nothing is.
async fn sweep(shelf: Weak<Shelf>) {
    loop {
        tokio::time::sleep(SWEEP).await;
        let Some(shelf) = shelf.upgrade() else { return };
        let mut state = shelf.lock();
        state.idle.retain_mut(|idle| !mem::replace(&mut idle.old, true) && !idle.sender.is_closed());
        if state.idle.is_empty() {
            state.idle = Vec::new();
            state.swept = false;
            return;
        }
    }
}

/// A connection on loan to one exchange. Dropped before the response is whole, it is closed: what is
/// still to come of that response must not be taken for the next one.
#[derive(Debug)]
pub(super) struct Lease {
    sender: http1::SendRequest<Outgoing>,
    timer: Timer,
    shelf: Arc<Shelf>,
}

impl Lease {
    /// The lease of a connection that takes one request at a time and is to be kept.
    pub(super) fn of(sender: Sender, shelf: Arc<Shelf>) -> Option<Self> {
        match sender {
            Sender::Http1(sender, timer) => Some(Self { sender, timer, shelf }),
            Sender::Http2(..) => None,
        }
    }

    /// Gives the connection back: the response is whole.
    pub(super) fn end(mut self) {
        if self.sender.is_closed() {
            return;
        }
        // Whoever reads a response to its end outside of a runtime keeps no connection.
        let Ok(runtime) = Handle::try_current() else { return };
        if self.sender.is_ready() {
            return self.shelf.put(self.sender, self.timer);
        }
        // The end of the request is still on its way.
        runtime.spawn(async move {
            if self.sender.ready().await.is_ok() {
                self.shelf.put(self.sender, self.timer);
            }
        });
    }
}
