//! `Shift`: what the task of a link does while there is a connection: all that callers do not do themselves.

use std::{
    collections::VecDeque,
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    sync::mpsc,
    time::{Instant, Sleep, sleep_until},
};
use trunkline_core::{Error, Kind, Outcome};
use yawc::Frame;

use super::{
    Dialogue, Keeping, Order, Queued,
    desk::{Desk, Line, Seat},
    farewell::Farewell,
    keeper::refuse,
};
use crate::{
    access::Access,
    again::{copy, retired},
    websocket::{
        endpoint::Endpoint,
        socket::{End, Message},
        stir::Stir,
    },
};

/// Commands that are taken at once, frames that wait at most while the service goes on talking, and messages that are heard
/// before all else has a turn.
const BATCH: usize = 64;

pub(super) struct Shift<'k, D: Dialogue> {
    keeping: Keeping,
    endpoint: &'k Endpoint,
    orders: &'k mut mpsc::Receiver<Queued<D::Command>>,
    stir: &'k Stir,
    /// Held until the dialogue takes it, since it may have to be let in first.
    first: Option<Order<D::Command>>,
    pinged: Instant,
    stirred: bool,
    retired: bool,
    /// Messages that were heard since all else had a turn.
    heard: usize,
    armed: Instant,
    timer: Pin<Box<Sleep>>,
}

/// Why the talk over a connection is over.
pub(super) enum Over {
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

impl<'k, D: Dialogue> Shift<'k, D> {
    pub(super) fn new(
        keeping: Keeping,
        endpoint: &'k Endpoint,
        orders: &'k mut mpsc::Receiver<Queued<D::Command>>,
        stir: &'k Stir,
        first: Option<Order<D::Command>>,
    ) -> Self {
        let pinged = Instant::now();
        let armed = pinged + keeping.ping.min(keeping.idle);
        let timer = Box::pin(sleep_until(armed));
        let (stirred, retired, heard) = (false, false, 0);
        Self { keeping, endpoint, orders, stir, first, pinged, stirred, retired, heard, armed, timer }
    }

    /// Talks over the connection at the desk until it is over, and says what the next one is to be made with.
    pub(super) async fn work(mut self, desk: &Desk<D>) -> (Over, Access) {
        poll_fn(|cx| {
            desk.with(|seat| {
                let (farewell, over) = std::task::ready!(self.turn(seat, cx));
                seat.out.clear();
                let line = seat.line.take().expect("only this takes it away");
                farewell.bid(line.socket);
                Poll::Ready((over, line.access))
            })
        })
        .await
    }

    fn turn(&mut self, seat: &mut Seat<D>, cx: &mut Context<'_>) -> Poll<(Farewell, Over)> {
        let Seat { dialogue, out, line } = seat;
        let line = line.as_mut().expect("only the end of this takes it away");
        loop {
            if dialogue.takes()
                && let Some(order) = self.first.take()
            {
                dialogue.commanded(order.command, out);
            }
            let due = match dialogue.tend(std::mem::take(&mut self.stirred), out) {
                Ok(due) => due,
                Err(error) => return self.lost(Farewell::Close(1000), error),
            };
            if self.retired && dialogue.is_quiet() {
                return Poll::Ready((Farewell::Close(1000), Over::Done));
            }
            let ping = line.socket.heard().max(self.pinged) + self.keeping.ping;
            let next = due.map_or(ping, |due| due.min(ping));
            if next < self.armed {
                self.arm(next);
            }
            let Poll::Ready(step) = self.step(dialogue, out, line, cx) else {
                let free = self.first.is_none() && !self.retired;
                match &mut line.task {
                    Some(task) if free => task.clone_from(cx.waker()),
                    task => *task = free.then(|| cx.waker().clone()),
                }
                return Poll::Pending;
            };
            match step {
                Step::Heard(message) => {
                    if let Err(error) = dialogue.received(message, out) {
                        return self.lost(Farewell::Close(1002), error);
                    }
                }
                Step::Told(order) => {
                    line.used = Instant::now();
                    line.access = order.access;
                    dialogue.commanded(order.command, out);
                    while out.len() < BATCH && dialogue.takes() {
                        let Ok(Queued { order, .. }) = self.orders.try_recv() else { break };
                        dialogue.commanded(order.command, out);
                    }
                }
                Step::Retired => {
                    self.retired = true;
                    dialogue.given_up(&retired());
                }
                Step::Stirred => self.stirred = true,
                Step::Due => {
                    let now = Instant::now();
                    let (heard, ping) = (line.socket.heard(), self.keeping.ping);
                    if now >= heard + ping * 3 {
                        let message =
                            format!("the service was silent for {:?}; the connection was given up", ping * 3);
                        let error = Error::new(Kind::Unavailable, message).outcome_is(Outcome::Unknown);
                        return self.lost(Farewell::None, error);
                    }
                    if now >= heard.max(self.pinged) + ping {
                        self.pinged = now;
                        out.push_back(Frame::ping(bytes::Bytes::new()));
                    }
                    if dialogue.is_wanted() || !dialogue.is_quiet() {
                        line.used = now;
                    } else if now >= line.used + self.keeping.idle {
                        // Whoever comes now does not wait for its farewell.
                        return Poll::Ready((Farewell::Close(1000), Over::Done));
                    }
                    self.arm(now + ping.min(self.keeping.idle));
                }
                Step::Ended(End::Closed(code, reason)) => {
                    let error = self.endpoint.codes.closed(code, &reason);
                    return self.lost(Farewell::Closed, error);
                }
                Step::Ended(End::Broken(code, error)) => return self.lost(Farewell::Close(code), error),
            }
        }
    }

    /// It is lost. Who waits for it since before it was there hears that nothing was sent.
    fn lost(&mut self, farewell: Farewell, error: Error) -> Poll<(Farewell, Over)> {
        refuse::<D>(self.first.take(), self.orders, copy(&error).outcome_is(Outcome::NotSent));
        Poll::Ready((farewell, Over::Lost(error)))
    }

    fn arm(&mut self, at: Instant) {
        self.armed = at;
        self.timer.as_mut().reset(at);
    }

    fn step(
        &mut self,
        dialogue: &mut D,
        out: &mut VecDeque<Frame>,
        line: &mut Line,
        cx: &mut Context<'_>,
    ) -> Poll<Step<D::Command>> {
        if let Some(end) = line.ended.take() {
            return Poll::Ready(Step::Ended(end));
        }
        let socket = &mut line.socket;
        // First what is to be said: nobody listens for the answer to what was not sent.
        match socket.poll_send(out, cx) {
            Poll::Ready(Ok(())) => dialogue.flushed(),
            Poll::Ready(Err(error)) => return Poll::Ready(Step::Ended(End::Broken(1011, error))),
            Poll::Pending => {}
        }
        // A service that never pauses is not to keep those waiting who have something to say, or have gone.
        let listens = out.len() < BATCH;
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
        if out.is_empty()
            && dialogue.takes()
            && !self.retired
            && let Poll::Ready(queued) = self.orders.poll_recv(cx)
        {
            return Poll::Ready(queued.map_or(Step::Retired, |queued| Step::Told(queued.order)));
        }
        if self.stir.poll(cx).is_ready() {
            return Poll::Ready(Step::Stirred);
        }
        if self.timer.as_mut().poll(cx).is_ready() {
            return Poll::Ready(Step::Due);
        }
        if listens
            && !patient
            && let Poll::Ready(message) = socket.poll_message(cx)
        {
            return Poll::Ready(message.map_or_else(Step::Ended, Step::Heard));
        }
        Poll::Pending
    }
}
