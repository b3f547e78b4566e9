//! `Keeper`: the task behind a link.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, Sleep, sleep, sleep_until},
};
use trunkline_core::{Context, Credential, Error, Kind, Outcome, Result, Retry, Scrub};
use yawc::Frame;

use super::{Dialogue, Keeping, Opened, Order, State};
use crate::{
    access::Access,
    again::{copy, pause},
    websocket::{
        endpoint::Endpoint,
        socket::{End, Message, Socket},
        stir::Stir,
    },
};

/// A connection that lasted so long has forgotten the failures before it.
const STABLE: Duration = Duration::from_secs(60);
/// A connection that lasted so long was made with a credential that the service took.
const LET_IN: Duration = Duration::from_secs(5);
/// Commands that are taken at once, frames that wait at most while the service goes on talking, and messages that are heard
/// before all else has a turn.
const BATCH: usize = 64;

pub(super) struct Keeper<D: Dialogue> {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) keeping: Keeping,
    pub(super) context: Context,
    pub(super) dialogue: D,
    pub(super) stir: Arc<Stir>,
    pub(super) state: Arc<State>,
    pub(super) orders: mpsc::Receiver<Order<D::Command>>,
    pub(super) access: Access,
    pub(super) out: VecDeque<Frame>,
    /// Messages that were heard since all else had a turn.
    pub(super) heard: usize,
}

/// Why the talk over a connection is over.
enum Over {
    /// Nobody needs the connection, or the link.
    Done,
    /// It was lost, or is of no use.
    Lost(Error),
}

/// What happens next on a connection.
enum Step<C> {
    Heard(Message),
    Told(Order<C>),
    Retired,
    Stirred,
    Due,
    Ended(End),
}

impl<D: Dialogue> Keeper<D> {
    pub(super) async fn run(mut self) {
        let (mut tries, mut again, mut told) = (0, false, false);
        loop {
            let order = if self.dialogue.is_wanted() {
                // A command that comes meanwhile is reason enough to try at once.
                tokio::select! {
                    biased;
                    order = self.orders.recv() => match order {
                        Some(order) => Some(order),
                        None => break,
                    },
                    () = sleep(pause(tries)) => None,
                }
            } else {
                match self.orders.recv().await {
                    Some(order) => Some(order),
                    None => break,
                }
            };
            match &order {
                Some(order) => self.access = order.access.clone(),
                // All who listened have gone meanwhile.
                None if !self.dialogue.is_wanted() => continue,
                None => {}
            }
            let (began, brought) = (Instant::now(), order.is_some());
            let connected = self.connect(brought).await;
            // What this connection is made with. Commands that come over it may bring another one.
            let shown = self.access.credential.clone();
            // A service may quote it when it says goodbye, to those too who have another one by now.
            let hidden = |error: Error| match &shown {
                Some(credential) => error.scrubbed(&Scrub::of(credential)),
                None => error,
            };
            let lost = match connected {
                Ok(socket) => {
                    self.state.open.store(1, Ordering::Relaxed);
                    self.state.opened.fetch_add(1, Ordering::Relaxed);
                    let over = self.talk(socket, order, again).await;
                    self.state.open.store(0, Ordering::Relaxed);
                    self.out.clear();
                    again = true;
                    match over {
                        Over::Done => {
                            (tries, told) = (0, false);
                            continue;
                        }
                        Over::Lost(error) => {
                            let error = hidden(error);
                            self.dialogue.lost(&error);
                            error
                        }
                    }
                }
                Err(error) => {
                    let copy = hidden(copy(&error));
                    self.refuse(order, error);
                    copy
                }
            };
            let lasted = began.elapsed();
            tries = if lasted > STABLE { 0 } else { tries + 1 };
            told &= lasted < LET_IN;
            // What does not pass by itself is not tried again and again.
            let passes = match lost.kind().row().retry {
                Retry::Never => false,
                // A handshake was refused. Who brought the credential hears of it, and brings another one.
                Retry::Refresh if lost.outcome() != Outcome::Unknown => brought,
                // A connection was closed. Those who listen on it bring nothing.
                Retry::Refresh => !std::mem::replace(&mut told, true) && self.gave_up(shown.as_ref()).await,
                _ => true,
            };
            if !passes {
                self.dialogue.given_up(&lost);
            }
        }
        let message = "the integration was changed, switched off or removed; subscribe again";
        self.dialogue.given_up(&Error::new(Kind::ShuttingDown, message));
    }

    /// Connects, with a fresh credential where nobody brings one.
    async fn connect(&mut self, brought: bool) -> Result<Socket> {
        if brought {
            return self.endpoint.connect(self.access.credential.as_deref()).await;
        }
        self.access.renew(&self.context).await?;
        match self.endpoint.connect(self.access.credential.as_deref()).await {
            // As the pipeline does for calls: once more, if there is another one.
            Err(refusal) if refusal.kind() == Kind::Unauthenticated => {
                match self.access.replace(&self.context, &refusal).await? {
                    true => self.endpoint.connect(self.access.credential.as_deref()).await,
                    false => Err(refusal),
                }
            }
            result => result,
        }
    }

    /// Tells the scheme of a service that closed a connection for want of a better credential than this.
    async fn gave_up(&mut self, shown: Option<&Arc<Credential>>) -> bool {
        let (Some(scheme), Some(refused)) = (&self.access.scheme, shown) else { return false };
        scheme.rejected_dyn(refused, &http::HeaderMap::new()).await;
        true
    }

    /// There is no connection: those who asked for one hear why.
    fn refuse(&mut self, order: Option<Order<D::Command>>, error: Error) {
        let Some(first) = order else { return };
        while let Ok(order) = self.orders.try_recv() {
            D::refused(order.command, copy(&error));
        }
        D::refused(first.command, error);
    }

    async fn talk(&mut self, mut socket: Socket, order: Option<Order<D::Command>>, again: bool) -> Over {
        let about =
            Opened { subprotocol: socket.subprotocol(), credential: self.access.credential.as_deref() };
        if let Err(error) = self.dialogue.opened(again, &about, &mut self.out) {
            if let Some(order) = order {
                D::refused(order.command, copy(&error).outcome_is(Outcome::NotSent));
            }
            socket.close(1000, "").await;
            return Over::Lost(error);
        }
        // Held until the dialogue takes it, since it may have to be let in first.
        let mut first = order;
        let (mut used, mut pinged) = (Instant::now(), socket.heard());
        let (mut stirred, mut retired) = (false, false);
        let mut armed = used + self.keeping.ping.min(self.keeping.idle);
        let mut timer = Box::pin(sleep_until(armed));
        loop {
            if self.dialogue.takes()
                && let Some(order) = first.take()
            {
                self.dialogue.commanded(order.command, &mut self.out);
            }
            let due = match self.dialogue.tend(std::mem::take(&mut stirred), &mut self.out) {
                Ok(due) => due,
                Err(error) => {
                    self.refuse(first, copy(&error).outcome_is(Outcome::NotSent));
                    return Self::leave(socket, 1000, error);
                }
            };
            if retired && self.dialogue.is_quiet() {
                socket.close(1000, "").await;
                return Over::Done;
            }
            let next =
                [due, Some(socket.heard().max(pinged) + self.keeping.ping)].into_iter().flatten().min();
            if let Some(next) = next.filter(|next| *next < armed) {
                armed = next;
                timer.as_mut().reset(armed);
            }
            match self.step(&mut socket, timer.as_mut(), retired).await {
                Step::Heard(message) => {
                    if let Err(error) = self.dialogue.received(message, &mut self.out) {
                        self.refuse(first, copy(&error).outcome_is(Outcome::NotSent));
                        return Self::leave(socket, 1002, error);
                    }
                }
                Step::Told(order) => {
                    used = Instant::now();
                    self.access = order.access;
                    self.dialogue.commanded(order.command, &mut self.out);
                    while self.out.len() < BATCH && self.dialogue.takes() {
                        let Ok(order) = self.orders.try_recv() else { break };
                        self.dialogue.commanded(order.command, &mut self.out);
                    }
                }
                Step::Retired => {
                    retired = true;
                    let message = "the integration was changed, switched off or removed; subscribe again";
                    self.dialogue.given_up(&Error::new(Kind::ShuttingDown, message));
                }
                Step::Stirred => stirred = true,
                Step::Due => {
                    let now = Instant::now();
                    let (heard, ping) = (socket.heard(), self.keeping.ping);
                    if now >= heard + ping * 3 {
                        let message =
                            format!("the service was silent for {:?}; the connection was given up", ping * 3);
                        let error = Error::new(Kind::Unavailable, message).outcome_is(Outcome::Unknown);
                        self.refuse(first, copy(&error).outcome_is(Outcome::NotSent));
                        return Over::Lost(error);
                    }
                    if now >= heard.max(pinged) + ping {
                        pinged = now;
                        self.out.push_back(Frame::ping(bytes::Bytes::new()));
                    }
                    if self.dialogue.is_wanted() || !self.dialogue.is_quiet() {
                        used = now;
                    } else if now >= used + self.keeping.idle {
                        // Whoever comes now does not wait for its farewell.
                        tokio::spawn(socket.close(1000, ""));
                        return Over::Done;
                    }
                    armed = now + ping.min(self.keeping.idle);
                    timer.as_mut().reset(armed);
                }
                Step::Ended(End::Closed(code, reason)) => {
                    let error = self.endpoint.codes.closed(code, &reason);
                    self.refuse(first, copy(&error).outcome_is(Outcome::NotSent));
                    // In the background: nobody is to wait for a service that has nothing more to say.
                    tokio::spawn(socket.closed());
                    return Over::Lost(error);
                }
                Step::Ended(End::Broken(code, error)) => {
                    self.refuse(first, copy(&error).outcome_is(Outcome::NotSent));
                    return Self::leave(socket, code, error);
                }
            }
        }
    }

    /// Closes a connection that is of no more use.
    fn leave(socket: Socket, code: u16, error: Error) -> Over {
        // In the background: nobody is to wait for a service that has nothing more to say.
        tokio::spawn(socket.close(code, ""));
        Over::Lost(error)
    }

    async fn step(
        &mut self,
        socket: &mut Socket,
        mut timer: Pin<&mut Sleep>,
        retired: bool,
    ) -> Step<D::Command> {
        poll_fn(|cx: &mut TaskContext<'_>| {
            // First what is to be said: nobody listens for the answer to what was not sent.
            match socket.poll_send(&mut self.out, cx) {
                Poll::Ready(Ok(())) => self.dialogue.flushed(),
                Poll::Ready(Err(error)) => return Poll::Ready(Step::Ended(End::Broken(1011, error))),
                Poll::Pending => {}
            }
            // A service that never pauses is not to keep those waiting who have something to say, or have gone.
            let listens = self.out.len() < BATCH;
            let patient = self.heard < BATCH;
            if listens
                && patient
                && let Poll::Ready(message) = socket.poll_message(cx)
            {
                self.heard += 1;
                return Poll::Ready(message.map_or_else(Step::Ended, Step::Heard));
            }
            if !patient {
                self.heard = 0;
            }
            if self.out.is_empty()
                && self.dialogue.takes()
                && !retired
                && let Poll::Ready(order) = self.orders.poll_recv(cx)
            {
                return Poll::Ready(order.map_or(Step::Retired, Step::Told));
            }
            if self.stir.poll(cx).is_ready() {
                return Poll::Ready(Step::Stirred);
            }
            if timer.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Step::Due);
            }
            if listens
                && !patient
                && let Poll::Ready(message) = socket.poll_message(cx)
            {
                return Poll::Ready(message.map_or_else(Step::Ended, Step::Heard));
            }
            Poll::Pending
        })
        .await
    }
}
