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
    /// Those that there may be for requests.
    links: Box<[Link<Talk>]>,
    /// The one for all else, where only order tells what answers a request: nobody knows whether a message is answered that
    /// wants no reply. Otherwise that is the first of those for requests.
    beside: Option<Link<Talk>>,
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
                // In a box: what listening takes would be carried by every message.
                Box::pin(self.listen(context, access, &receive.source)).await
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
        let mut all = Occupancy { streams, ..Occupancy::default() };
        for state in self.all().map(Link::state) {
            all.max += 1;
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
        self.all().for_each(Link::retire);
    }
}

impl WebSocket {
    fn all(&self) -> impl Iterator<Item = &Link<Talk>> {
        self.links.iter().chain(&self.beside)
    }

    /// The link for what is no request.
    fn beside(&self) -> &Link<Talk> {
        self.beside.as_ref().unwrap_or(&self.links[0])
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
        let message = if one.text { Message::Text(bytes.clone()) } else { Message::Binary(bytes.clone()) };
        if !publish.wants_reply {
            let command = |told| Command::Say(message, told);
            return self.beside().command(context, access, bytes.len(), command).await;
        }
        let slot = self.rules.correlation.slot(text)?;
        let link = self.links.iter().min_by_key(|link| link.state().calls()).expect("there is at least one");
        let command = |told| Command::Ask(message, slot, told);
        link.command(context, access, bytes.len(), command).await
    }

    /// Listens to a stream, all who do over the same connection.
    async fn listen(&self, context: &Context, access: Access, stream: &str) -> Result<Reply> {
        self.known(stream)?;
        let command = |told| Command::Listen(stream.to_owned(), told);
        let reader = self.beside().command(context, access, stream.len(), command).await?;
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
