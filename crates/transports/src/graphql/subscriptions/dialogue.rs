//! `Subscriber`: what is said over a connection of `graphql-transport-ws`: one greeting, then subscriptions, of which each
//! has an id and its own readers.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use tokio::time::Instant;
use trunkline_core::{Error, Event, Kind, Outcome, Result};
use yawc::Frame;

use super::{
    super::codes::Codes,
    event,
    init::Init,
    message::{self, Heard, broken},
};
use crate::{
    again::copy,
    websocket::{
        fanout::{Buffer, Fanout, Reader},
        link::{Dialogue, Opened},
        socket::Message,
        stir::Stir,
        waiter::Waiter,
    },
};

/// The name of the protocol at the handshake.
pub(super) const SUBPROTOCOL: &str = "graphql-transport-ws";

/// Subscriptions that one connection has at most.
const MOST: usize = 10_000;

/// What is agreed on with the service.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) init: Init,
    /// How long the service may take to let a connection in.
    pub(super) ack_timeout: Duration,
    pub(super) buffer: Buffer,
    /// Whether those who ask for the same share a subscription.
    pub(super) shared: bool,
    pub(super) codes: Arc<Codes>,
}

/// Subscribes; the request is JSON.
pub(in crate::graphql) struct Subscribe(pub(super) Arc<str>, pub(super) Waiter<Reader>);

pub(in crate::graphql) struct Subscriber {
    rules: Arc<Rules>,
    stir: Arc<Stir>,
    /// Until when the service must have let us in; `None` where it has.
    due: Option<Instant>,
    /// By the ids that they have on this connection.
    subscriptions: BTreeMap<u64, Subscription>,
    /// The ids of those that can be shared.
    by_request: HashMap<Arc<str>, u64>,
    /// Ids below the first are of other connections; the second is the next one. None is ever used again.
    ids: (u64, u64),
    /// Those who want to know when their subscription is on its way.
    begun: Vec<(Waiter<Reader>, Reader)>,
}

/// Something that somebody is subscribed to, or was a moment ago.
struct Subscription {
    request: Arc<str>,
    fanout: Arc<Fanout>,
    /// Whether something came on this connection.
    begun: bool,
}

impl Subscriber {
    pub(super) fn new(rules: Arc<Rules>, stir: Arc<Stir>) -> Self {
        Self {
            rules,
            stir,
            due: None,
            subscriptions: BTreeMap::new(),
            by_request: HashMap::new(),
            ids: (1, 1),
            begun: Vec::new(),
        }
    }

    /// Subscribes with an id of its own.
    fn subscribe(&mut self, request: Arc<str>, fanout: Arc<Fanout>, out: &mut VecDeque<Frame>) {
        let id = self.ids.1;
        self.ids.1 += 1;
        out.push_back(message::subscribe(id, &request));
        if self.rules.shared {
            self.by_request.insert(request.clone(), id);
        }
        self.subscriptions.insert(id, Subscription { request, fanout, begun: false });
    }

    /// Takes a subscription out, if there is one.
    fn remove(&mut self, id: u64) -> Option<Subscription> {
        let subscription = self.subscriptions.remove(&id)?;
        self.by_request.remove(&subscription.request);
        Some(subscription)
    }

    /// The service let us in: all that somebody listens to is subscribed to again.
    fn let_in(&mut self, out: &mut VecDeque<Frame>) {
        if self.due.take().is_none() {
            return;
        }
        self.by_request.clear();
        for Subscription { request, fanout, .. } in std::mem::take(&mut self.subscriptions).into_values() {
            if fanout.readers() > 0 {
                fanout.publish(event::reconnected().frame());
                self.subscribe(request, fanout, out);
            }
        }
    }

    /// Whether nothing came of a subscription yet.
    fn begins(&self, id: u64) -> bool {
        self.subscriptions.get(&id).is_some_and(|subscription| !subscription.begun)
    }

    /// Says something to those who listen to a subscription; with the last event, it ends.
    fn tell(&mut self, id: u64, event: &Event, is_last: bool) -> Result<()> {
        if self.due.is_some() {
            return Err(broken("a message before connection_ack"));
        }
        // What was under way when a subscription ended is for nobody.
        if !(self.ids.0..self.ids.1).contains(&id) {
            return Err(broken("a message for a subscription that there is not"));
        }
        match is_last {
            true => {
                if let Some(subscription) = self.remove(id) {
                    subscription.fanout.end(event);
                }
            }
            false => {
                if let Some(subscription) = self.subscriptions.get_mut(&id) {
                    subscription.begun = true;
                    subscription.fanout.publish(event.frame());
                }
            }
        }
        Ok(())
    }

    fn heard(&mut self, text: &Bytes, out: &mut VecDeque<Frame>) -> Result<()> {
        match Heard::read(text)? {
            Heard::Ack => self.let_in(out),
            Heard::Ping(payload) => out.push_back(message::pong(payload.as_ref())),
            Heard::Pong => {}
            // Some servers refuse so, and complete what they refused.
            Heard::Next(id, response) if self.begins(id) && event::is_refusal(&response) => {
                self.tell(id, &event::refused(&response, &self.rules.codes), true)?;
                out.push_back(message::complete(id));
            }
            Heard::Next(id, response) => self.tell(id, &event::next(response), false)?,
            Heard::Error(id, errors) => {
                let event = event::refused(&errors, &self.rules.codes);
                self.tell(id, &event, true)?;
            }
            Heard::Complete(id) => self.tell(id, &event::complete(), true)?,
        }
        Ok(())
    }
}

impl Dialogue for Subscriber {
    type Command = Subscribe;

    fn opened(&mut self, _: bool, about: &Opened<'_>, out: &mut VecDeque<Frame>) -> Result<()> {
        if about.subprotocol != Some(SUBPROTOCOL) {
            let what = format!("the service does not speak {SUBPROTOCOL}; is subscriptions.protocol right?");
            return Err(Error::new(Kind::Unsupported, what));
        }
        out.push_back(message::init(self.rules.init.payload(about.credential)?.as_deref()));
        self.due = Some(Instant::now() + self.rules.ack_timeout);
        self.ids.0 = self.ids.1;
        Ok(())
    }

    fn takes(&self) -> bool {
        self.due.is_none()
    }

    fn commanded(&mut self, Subscribe(request, mut waiter): Subscribe, out: &mut VecDeque<Frame>) {
        if waiter.is_gone() {
            return;
        }
        let shared = self.by_request.get(&request).and_then(|id| self.subscriptions.get(id));
        if let Some(subscription) = shared {
            return self.begun.push((waiter, subscription.fanout.reader()));
        }
        if self.subscriptions.len() >= MOST {
            let what = format!("the connection has {MOST} subscriptions; end some of them first");
            return waiter.tell(Err(Error::new(Kind::Throttled, what)));
        }
        waiter.sent();
        let fanout = Fanout::new(&self.rules.buffer, self.stir.clone());
        self.begun.push((waiter, fanout.reader()));
        self.subscribe(request, fanout, out);
    }

    fn flushed(&mut self) {
        for (waiter, reader) in self.begun.drain(..) {
            waiter.tell(Ok(reader));
        }
    }

    fn received(&mut self, message: Message, out: &mut VecDeque<Frame>) -> Result<()> {
        match message {
            Message::Text(text) => self.heard(&text, out),
            Message::Binary(_) => Err(broken("bytes")),
        }
    }

    fn tend(&mut self, stirred: bool, out: &mut VecDeque<Frame>) -> Result<Option<Instant>> {
        if let Some(due) = self.due {
            if Instant::now() >= due {
                let limit = self.rules.ack_timeout;
                let what = format!("the service did not let the connection in within {limit:?}");
                return Err(Error::new(Kind::Timeout, what).outcome_is(Outcome::Unknown));
            }
            return Ok(Some(due));
        }
        if stirred {
            let left = |(id, subscription): (&u64, &Subscription)| {
                (subscription.fanout.readers() == 0).then_some(*id)
            };
            for id in self.subscriptions.iter().filter_map(left).collect::<Vec<_>>() {
                self.remove(id);
                out.push_back(message::complete(id));
            }
        }
        Ok(None)
    }

    fn lost(&mut self, error: &Error) {
        self.due = None;
        for (waiter, _) in self.begun.drain(..) {
            waiter.tell(Err(copy(error).outcome_is(Outcome::Unknown)));
        }
    }

    fn given_up(&mut self, error: &Error) {
        self.by_request.clear();
        for subscription in std::mem::take(&mut self.subscriptions).into_values() {
            subscription.fanout.end(&Event::error(error));
        }
    }

    fn refused(Subscribe(_, waiter): Subscribe, error: Error) {
        waiter.tell(Err(error));
    }

    fn is_wanted(&self) -> bool {
        self.subscriptions.values().any(|subscription| subscription.fanout.readers() > 0)
    }

    fn is_quiet(&self) -> bool {
        self.due.is_none() && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests;
