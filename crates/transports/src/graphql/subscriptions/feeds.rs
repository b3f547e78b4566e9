//! `Feeds`: subscriptions over server-sent events (GraphQL over SSE, distinct connections mode:
//! github.com/enisdenjo/graphql-sse, PROTOCOL.md). Each is a request whose answer goes on for as long as somebody reads.

mod follow;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode, header};
use tokio::time::Instant;
use trunkline_core::{
    Body, Context, Credential, Error, Event, Events, HttpRequest, Kind, Outcome, Reply, Result,
};

use self::follow::Follower;
use super::super::{
    answer::{Answer, Question},
    codes::Codes,
};
use crate::{
    access::Access,
    again::retired,
    http::classify,
    rest::Rest,
    websocket::{
        fanout::{Buffer, Fanout, Reader},
        stir::Stir,
    },
};

/// Subscriptions that there are at most. Over HTTP/1.1 each has a connection of its own.
const MOST: usize = 1_000;

/// A refusal is no longer.
const REFUSAL: usize = 1 << 20;

/// What a subscription asks.
const READS: Question = Question { batch: None, reads: true, single: true };

/// Subscriptions of one service.
pub(in crate::graphql) struct Feeds {
    rest: Rest,
    pub(super) buffer: Buffer,
    /// Whether those who ask for the same share a subscription.
    shared: bool,
    codes: Arc<Codes>,
    open: Mutex<Open>,
}

/// Those that are open.
#[derive(Default)]
struct Open {
    feeds: HashMap<u64, Feed>,
    /// Those that can be shared.
    by_request: HashMap<Arc<str>, u64>,
    /// What the next one is known by.
    name: u64,
    /// Those that the service is being asked for.
    begun: usize,
    /// There will be no others.
    retired: bool,
}

/// Room for one that the service is being asked for.
struct Place<'a>(&'a Feeds);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.lock().begun -= 1;
    }
}

/// One that is open.
struct Feed {
    request: Arc<str>,
    fanout: Arc<Fanout>,
    /// Wakes the task that follows it.
    stir: Arc<Stir>,
}

impl Open {
    fn shared(&self, request: &str) -> Option<Reader> {
        let name = self.by_request.get(request)?;
        self.feeds.get(name).map(|feed| feed.fanout.reader())
    }

    fn remove(&mut self, name: u64) {
        if let Some(feed) = self.feeds.remove(&name)
            && self.by_request.get(&feed.request) == Some(&name)
        {
            self.by_request.remove(&feed.request);
        }
    }
}

impl Feeds {
    pub(super) fn new(rest: Rest, buffer: Buffer, shared: bool, codes: Arc<Codes>) -> Arc<Self> {
        Arc::new(Self { rest, buffer, shared, codes, open: Mutex::default() })
    }

    /// One more reader of what a request subscribes to.
    ///
    /// # Errors
    ///
    /// Why the service does not send events.
    pub(super) async fn subscribe(
        self: &Arc<Self>,
        context: &Context,
        access: Access,
        deadline: Option<Instant>,
        request: Arc<str>,
    ) -> Result<Reader> {
        let place = {
            let mut open = self.lock();
            if let Some(reader) = open.shared(&request) {
                return Ok(reader);
            }
            if open.feeds.len() + open.begun >= MOST {
                let what = format!("the integration has {MOST} subscriptions; end some of them first");
                return Err(Error::new(Kind::Throttled, what));
            }
            open.begun += 1;
            Place(self)
        };
        let events = self.ask(&request, access.credential.as_deref(), deadline).await?;
        drop(place);
        let mut open = self.lock();
        if open.retired {
            return Err(retired());
        }
        // Somebody may have asked for the same meanwhile.
        if let Some(reader) = open.shared(&request) {
            return Ok(reader);
        }
        let stir = Arc::<Stir>::default();
        let fanout = Fanout::new(&self.buffer, stir.clone());
        let reader = fanout.reader();
        let name = open.name;
        open.name += 1;
        if self.shared {
            open.by_request.insert(request.clone(), name);
        }
        let feed = Feed { request: request.clone(), fanout: fanout.clone(), stir: stir.clone() };
        open.feeds.insert(name, feed);
        drop(open);
        let (feeds, context) = (self.clone(), context.clone());
        tokio::spawn(Follower { feeds, context, access, request, name, fanout, stir }.run(events));
        Ok(reader)
    }

    /// Asks the service for events.
    async fn ask(
        &self,
        request: &str,
        credential: Option<&Credential>,
        deadline: Option<Instant>,
    ) -> Result<Events> {
        let json = HeaderValue::from_static("application/json");
        let mut request = HttpRequest::new(Method::POST, "")
            .header(header::CONTENT_TYPE, json)
            .header(header::ACCEPT, HeaderValue::from_static(Events::MEDIA))
            // What is compressed may wait to be sent until there is more of it.
            .header(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))
            .body(Bytes::copy_from_slice(request.as_bytes()));
        let reply = self.rest.attempt(&mut request, credential, deadline).await?;
        if reply.status == StatusCode::OK && reply.is_events() {
            return Ok(Events::new(reply.body));
        }
        let answer = Answer::read(reply, false, REFUSAL).await?;
        let reply = answer.judge(READS, &self.codes).and_then(classify)?;
        let what = "the service answered without a stream of events; does it take subscriptions over server-sent events?";
        Err(Error::new(Kind::Unsupported, what)
            .outcome_is(Outcome::Rejected)
            .replied(Reply { body: Body::Empty, ..reply }))
    }

    /// Ends all of them, and those that are being asked for.
    pub(super) fn retire(&self) {
        let feeds = {
            let mut open = self.lock();
            open.retired = true;
            open.by_request.clear();
            std::mem::take(&mut open.feeds)
        };
        let last = Event::error(&retired());
        for feed in feeds.into_values() {
            feed.fanout.end(&last);
            feed.stir.stir();
        }
    }

    /// Whether there is still something to follow; if nobody reads any more, there is not.
    fn goes_on(&self, name: u64) -> bool {
        let mut open = self.lock();
        let goes_on = open.feeds.get(&name).is_some_and(|feed| feed.fanout.readers() > 0);
        if !goes_on {
            open.remove(name);
        }
        goes_on
    }

    /// A feed has come to its end: who comes now begins anew.
    fn ended(&self, name: u64) {
        self.lock().remove(name);
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Feeds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Feeds").field("rest", &self.rest).finish_non_exhaustive()
    }
}
