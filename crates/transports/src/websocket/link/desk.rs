//! `Desk`: the connection of a link and what is said over it, at which the task of the link and those who call take turns.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker, ready},
};

use tokio::time::Instant;
use yawc::Frame;

use super::{Dialogue, Order};
use crate::{
    access::Access,
    websocket::{
        socket::{End, Socket},
        stir::Stir,
    },
};

/// What is taken turns at. Nobody waits for anything with it in hand.
pub(super) struct Desk<D: Dialogue> {
    /// `None` once the task is gone.
    seat: Mutex<Option<Seat<D>>>,
    /// Rung when somebody who was served has gone away.
    pub(super) stir: Arc<Stir>,
}

/// What who has the turn works with.
pub(super) struct Seat<D: Dialogue> {
    pub(super) dialogue: D,
    /// What is to be sent.
    pub(super) out: VecDeque<Frame>,
    /// While there is a connection.
    pub(super) line: Option<Line>,
}

/// A connection.
pub(super) struct Line {
    pub(super) socket: Socket,
    /// What the next one is made with.
    pub(super) access: Access,
    /// When a command was last given.
    pub(super) used: Instant,
    /// Why nothing more comes, if a caller heard of it before the task.
    pub(super) ended: Option<End>,
    /// The task, where it lets others have a word.
    pub(super) task: Option<Waker>,
}

impl Line {
    /// Used now, by the task alone.
    pub(super) fn new(socket: Socket, access: Access) -> Self {
        Self { socket, access, used: Instant::now(), ended: None, task: None }
    }
}

impl<D: Dialogue> Desk<D> {
    pub(super) fn new(dialogue: D, stir: Arc<Stir>) -> Self {
        let seat = Seat { dialogue, out: VecDeque::new(), line: None };
        Self { seat: Mutex::new(Some(seat)), stir }
    }

    /// A turn of the task, which is there for as long as the seat.
    pub(super) fn with<T>(&self, turn: impl FnOnce(&mut Seat<D>) -> T) -> T {
        turn(self.lock().as_mut().expect("only the end of the task takes the seat away"))
    }

    /// Takes a turn.
    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Seat<D>>> {
        self.seat.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says this at once if nothing else is under way, or gives it back.
    pub(super) fn say(&self, order: Order<D::Command>, cx: &mut Context<'_>) -> Option<Order<D::Command>> {
        let mut held = self.lock();
        let Some(Seat { dialogue, out, line: Some(line) }) = &mut *held else { return Some(order) };
        let Line { socket, access, used, ended, task: Some(task) } = line else { return Some(order) };
        if ended.is_some() || !out.is_empty() || !dialogue.is_quiet() || !dialogue.takes() {
            return Some(order);
        }
        *used = Instant::now();
        *access = order.access;
        dialogue.commanded(order.command, out);
        // Who wrote last is woken too when there is something to hear, so this is no business of the task's.
        match socket.poll_send(out, cx) {
            Poll::Ready(Ok(())) => {
                dialogue.flushed();
                return None;
            }
            Poll::Ready(Err(error)) => *ended = Some(End::Broken(1011, error)),
            Poll::Pending => {}
        }
        // What cannot be written now is written by the task.
        task.wake_by_ref();
        None
    }
}

impl<D: Dialogue> Seat<D> {
    /// Listens in the place of the task until a message came, or nothing can. Who listened last is woken when there is something
    /// to hear. What ends the connection is left to the task.
    pub(super) fn listen(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { dialogue, out, line: Some(line) } = self else { return Poll::Ready(()) };
        let Line { socket, ended: ended @ None, task: Some(task), .. } = line else { return Poll::Ready(()) };
        if let Err(end) = ready!(hear(dialogue, socket, out, cx)) {
            *ended = Some(end);
            task.wake_by_ref();
        }
        Poll::Ready(())
    }

    /// Lets the task listen again, which is woken now if there is something to do.
    pub(super) fn leave(&mut self) {
        let Self { dialogue, out, line: Some(line) } = self else { return };
        let Line { socket, ended: ended @ None, task: Some(task), .. } = line else { return };
        match hear(dialogue, socket, out, &mut Context::from_waker(task)) {
            Poll::Pending if out.is_empty() => return,
            Poll::Pending | Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(end)) => *ended = Some(end),
        }
        task.wake_by_ref();
    }
}

/// The next message, which the dialogue receives.
fn hear<D: Dialogue>(
    dialogue: &mut D,
    socket: &mut Socket,
    out: &mut VecDeque<Frame>,
    cx: &mut Context<'_>,
) -> Poll<Result<(), End>> {
    let message = ready!(socket.poll_message(cx))?;
    Poll::Ready(dialogue.received(message, out).map_err(|error| End::Broken(1002, error)))
}
