//! `Keeper`: the task behind a link, which makes its connection, and makes it anew.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::mpsc,
    time::{Instant, sleep},
};
use trunkline_core::{Context, Credential, Error, Kind, Outcome, Result, Retry, Scrub};

use super::{
    Dialogue, Keeping, Opened, Order, Queued, State,
    desk::{Desk, Line},
    shift::{Over, Shift},
};
use crate::{
    access::Access,
    again::{copy, pause, retired},
    websocket::{endpoint::Endpoint, socket::Socket},
};

/// A connection that lasted so long has forgotten the failures before it.
const STABLE: Duration = Duration::from_secs(60);
/// A connection that lasted so long was made with a credential that the service took.
const LET_IN: Duration = Duration::from_secs(5);

pub(super) struct Keeper<D: Dialogue> {
    pub(super) endpoint: Arc<Endpoint>,
    pub(super) keeping: Keeping,
    pub(super) context: Context,
    pub(super) desk: Arc<Desk<D>>,
    pub(super) state: Arc<State>,
    pub(super) orders: mpsc::Receiver<Queued<D::Command>>,
    /// What the next connection is made with.
    pub(super) access: Access,
}

impl<D: Dialogue> Drop for Keeper<D> {
    /// Nobody else may listen where no task is left to: whoever waits hears so.
    fn drop(&mut self) {
        let seat = self.desk.lock().take();
        drop(seat);
    }
}

impl<D: Dialogue> Keeper<D> {
    pub(super) async fn run(mut self) {
        let (mut tries, mut again, mut told) = (0, false, false);
        loop {
            let order = if self.is_wanted() {
                // A command that comes meanwhile is reason enough to try at once.
                tokio::select! {
                    biased;
                    order = self.orders.recv() => match order {
                        Some(queued) => Some(queued.order),
                        None => break,
                    },
                    () = sleep(pause(tries)) => None,
                }
            } else {
                match self.orders.recv().await {
                    Some(queued) => Some(queued.order),
                    None => break,
                }
            };
            match &order {
                Some(order) => self.access = order.access.clone(),
                // All who listened have gone meanwhile.
                None if !self.is_wanted() => continue,
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
                    again = true;
                    match over {
                        Over::Done => {
                            (tries, told) = (0, false);
                            continue;
                        }
                        Over::Lost(error) => {
                            let error = hidden(error);
                            self.desk.with(|seat| seat.dialogue.lost(&error));
                            error
                        }
                    }
                }
                Err(error) => {
                    let copy = hidden(copy(&error));
                    refuse::<D>(order, &mut self.orders, error);
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
                self.desk.with(|seat| seat.dialogue.given_up(&lost));
            }
        }
        self.desk.with(|seat| seat.dialogue.given_up(&retired()));
    }

    /// Whether there has to be a connection though nobody gives commands.
    fn is_wanted(&self) -> bool {
        self.desk.with(|seat| seat.dialogue.is_wanted())
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

    /// Talks over a connection until it ends.
    async fn talk(&mut self, socket: Socket, first: Option<Order<D::Command>>, again: bool) -> Over {
        let about =
            Opened { subprotocol: socket.subprotocol(), credential: self.access.credential.as_deref() };
        if let Err(error) = self.desk.with(|seat| seat.dialogue.opened(again, &about, &mut seat.out)) {
            if let Some(order) = first {
                D::refused(order.command, copy(&error).outcome_is(Outcome::NotSent));
            }
            self.desk.with(|seat| seat.out.clear());
            socket.close(1000, "").await;
            return Over::Lost(error);
        }
        let access = std::mem::take(&mut self.access);
        self.desk.with(|seat| seat.line = Some(Line::new(socket, access)));
        let shift = Shift::new(self.keeping, &self.endpoint, &mut self.orders, &self.desk.stir, first);
        let (over, access) = shift.work(&self.desk).await;
        self.access = access;
        over
    }
}

/// There is no connection: those who asked for one hear why.
pub(super) fn refuse<D: Dialogue>(
    first: Option<Order<D::Command>>,
    orders: &mut mpsc::Receiver<Queued<D::Command>>,
    error: Error,
) {
    let Some(first) = first else { return };
    while let Ok(queued) = orders.try_recv() {
        D::refused(queued.order.command, copy(&error));
    }
    D::refused(first.command, error);
}
