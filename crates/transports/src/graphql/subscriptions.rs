//! Subscriptions: over WebSockets with `graphql-transport-ws`, all over one connection, or over server-sent events, each over
//! a request of its own. Whichever it is, those who read get the same events.

mod config;
mod dialogue;
mod event;
mod feeds;
mod init;
mod message;

use std::sync::Arc;

use tokio::time::Instant;
use trunkline_core::{Body, Context, Error, Kind, Occupancy, Reply, Result};

pub(super) use self::config::SubscriptionsConfig;
use self::{
    dialogue::{Subscribe, Subscriber},
    feeds::Feeds,
};
use crate::{
    access::Access,
    websocket::{link::Link, tally::Tally},
};

/// How one service is subscribed to.
#[derive(Debug)]
pub(super) enum Subscriptions {
    WebSocket(Link<Subscriber>, Arc<Tally>),
    Sse(Arc<Feeds>),
}

impl Subscriptions {
    /// Begins a subscription to what a request, in JSON, asks for. The reply is a stream of events.
    ///
    /// # Errors
    ///
    /// Why there is no connection, or why the service did not let it in; for server-sent events also why the service refused
    /// the request. Over a WebSocket it says that later, as the last event of the stream.
    pub(super) async fn begin(
        &self,
        context: &Context,
        access: Access,
        deadline: Option<Instant>,
        request: Vec<u8>,
    ) -> Result<Reply> {
        let request: Arc<str> = match String::from_utf8(request) {
            Ok(request) => request.into(),
            Err(_) => return Err(Error::new(Kind::Internal, "a request is not UTF-8")),
        };
        let reader = match self {
            Self::WebSocket(link, _) => {
                let size = request.len();
                link.command(context, access, size, |told| Subscribe(request, told)).await?
            }
            Self::Sse(feeds) => feeds.subscribe(context, access, deadline, request).await?,
        };
        Ok(Reply::of_events(Body::stream(reader)))
    }

    /// How many connections there are.
    pub(super) fn occupancy(&self) -> Option<Occupancy> {
        match self {
            Self::WebSocket(link, tally) => {
                let (open, opened) = link.state().read();
                let (used, streams) = (u32::from(open), Some(tally.read()));
                Some(Occupancy { used, max: 1, opened, streams, ..Occupancy::default() })
            }
            Self::Sse(feeds) => {
                Some(Occupancy { streams: Some(feeds.buffer.tally.read()), ..Occupancy::default() })
            }
        }
    }

    /// Lets all streams end.
    pub(super) fn retire(&self) {
        match self {
            Self::WebSocket(link, _) => link.retire(),
            Self::Sse(feeds) => feeds.retire(),
        }
    }
}
