//! `websocket`: services that are spoken to over connections that stay (RFC 6455). One attempt is one message, and its
//! reply where one is wanted.

pub(crate) mod codes;
mod config;
mod correlation;
pub(crate) mod endpoint;
pub(crate) mod fanout;
mod heads;
pub(crate) mod link;
mod pending;
mod request;
pub(crate) mod socket;
pub(crate) mod stir;
mod talk;
pub(crate) mod tally;
pub(crate) mod waiter;

use std::sync::Arc;

use serde_json::value::RawValue;
use trunkline_core::{
    Body, Call, Context, Error, Kind, Occupancy, Operation, Proof, Publish, Reply, Result, Transport,
};

pub use self::config::WebSocketConfig;
pub(crate) use self::talk::{CREDENTIAL, filled};
use self::{
    endpoint::Endpoint,
    link::Link,
    socket::Message,
    talk::{Command, Rules, Talk},
};
use crate::access::Access;

/// A service behind WebSocket connections.
#[derive(Debug)]
pub struct WebSocket {
    endpoint: Arc<Endpoint>,
    rules: Arc<Rules>,
    /// Those that there may be. The first is the one that is listened on.
    links: Box<[Link<Talk>]>,
}

impl Transport for WebSocket {
    const NAME: &'static str = "websocket";
    type Config = WebSocketConfig;

    fn open(config: WebSocketConfig, context: &Context) -> Result<Self> {
        config.open(context)
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        request::parse(request).map(Operation::Publish)
    }

    fn parse_stream(&self, request: &RawValue) -> Result<Operation> {
        let receive = request::parse_stream(request)?;
        self.known(&receive.source)?;
        Ok(receive.into())
    }

    async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        let access = Access::of(call);
        match &call.operation {
            Operation::Publish(publish) => self.send(context, access, publish).await,
            Operation::Receive(receive) if receive.stream => {
                self.listen(context, access, &receive.source).await
            }
            _ => Err(Error::new(
                Kind::Unsupported,
                "an integration of type websocket takes messages, and is listened to with /stream",
            )),
        }
    }

    /// Shakes hands, and waits for the answer to a ping: on a connection of its own, so that no other is disturbed.
    async fn probe(&self, _: &Context, call: &mut Call) -> Result<Proof> {
        self.endpoint.connect(call.credential.as_deref()).await?.ping().await.map(|()| Proof::ANSWERED)
    }

    fn occupancy(&self) -> Option<Occupancy> {
        let streams = Some(self.rules.buffer.tally.read());
        let mut all = Occupancy { max: self.links.len() as u32, streams, ..Occupancy::default() };
        for state in self.links.iter().map(Link::state) {
            let (open, opened) = state.read();
            all.opened += opened;
            match open {
                true if state.calls() > 0 => all.used += 1,
                true => all.idle += 1,
                false => all.waiting += state.calls(),
            }
        }
        Some(all)
    }

    async fn close(&self) {
        self.links.iter().for_each(Link::retire);
    }
}

impl WebSocket {
    fn new(endpoint: Arc<Endpoint>, rules: Arc<Rules>, links: Vec<Link<Talk>>) -> Self {
        Self { endpoint, rules, links: links.into() }
    }

    /// Sends a message over the connection that has the least to do.
    async fn send(&self, context: &Context, access: Access, publish: &Publish) -> Result<Reply> {
        let [one] = &*publish.messages else {
            return Err(Error::invalid("messages: a WebSocket takes one at a time"));
        };
        let bytes = one.body.clone();
        let text = match one.text {
            true => Some(std::str::from_utf8(&bytes).map_err(|_| Error::invalid("text: is not UTF-8"))?),
            false => None,
        };
        let slot = match publish.wants_reply {
            true => self.rules.correlation.slot(text)?,
            false => None,
        };
        let message = if one.text { Message::Text(bytes.clone()) } else { Message::Binary(bytes.clone()) };
        let link = self.links.iter().min_by_key(|link| link.state().calls()).expect("there is at least one");
        let wants_reply = publish.wants_reply;
        let command = |told| match wants_reply {
            true => Command::Ask(message, slot, told),
            false => Command::Say(message, told),
        };
        link.command(context, access, bytes.len(), command).await
    }

    /// Listens to a stream, all who do over the same connection.
    async fn listen(&self, context: &Context, access: Access, stream: &str) -> Result<Reply> {
        self.known(stream)?;
        let link = self.links.first().expect("there is at least one");
        let command = |told| Command::Listen(stream.to_owned(), told);
        let reader = link.command(context, access, stream.len(), command).await?;
        Ok(Reply::of_events(Body::stream(reader)))
    }

    fn known(&self, stream: &str) -> Result<()> {
        if self.rules.streams.contains_key(stream) {
            return Ok(());
        }
        let names: Vec<_> =
            self.rules.streams.keys().map(|name| &**name).filter(|name| !name.is_empty()).collect();
        Err(Error::invalid(match names.is_empty() {
            true => "stream: the integration names no streams; leave it out to get all messages".to_owned(),
            false => format!("stream: there is none of this name; there are {}", names.join(", ")),
        }))
    }
}
