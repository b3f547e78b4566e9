//! `Follower`: the task behind a subscription over server-sent events. It reads what comes, and asks again where the stream
//! breaks off.

use std::{future::poll_fn, sync::Arc, time::Duration};

use bytes::Bytes;
use tokio::time::{Instant, sleep};
use trunkline_core::{Context, Error, Event, Events, Kind, Outcome, Result, Retry};

use super::{super::event, Feeds};
use crate::{
    access::Access,
    again::pause,
    websocket::{fanout::Fanout, stir::Stir},
};

/// A stream that lasted so long has forgotten the failures before it.
const STABLE: Duration = Duration::from_secs(60);

pub(super) struct Follower {
    pub(super) feeds: Arc<Feeds>,
    pub(super) context: Context,
    pub(super) access: Access,
    pub(super) request: Arc<str>,
    /// What the feed is known by.
    pub(super) name: u64,
    pub(super) fanout: Arc<Fanout>,
    pub(super) stir: Arc<Stir>,
}

impl Follower {
    pub(super) async fn run(mut self, events: Events) {
        let stir = self.stir.clone();
        tokio::select! {
            biased;
            // A connection is let go at once, whatever it waits for.
            () = unread(&stir, || self.feeds.goes_on(self.name)) => {}
            last = follow(&self.feeds, &self.context, &mut self.access, &self.request, &self.fanout, events) => {
                self.feeds.ended(self.name);
                self.fanout.end(&last);
            }
        }
    }
}

/// Waits until nobody reads.
async fn unread(stir: &Stir, goes_on: impl Fn() -> bool) {
    while goes_on() {
        poll_fn(|cx| stir.poll(cx)).await;
    }
}

/// Reads the events of a service, over as many streams as it takes, and gives the last one.
async fn follow(
    feeds: &Feeds,
    context: &Context,
    access: &mut Access,
    request: &str,
    fanout: &Fanout,
    mut events: Events,
) -> Event {
    let (mut tries, mut replaced) = (0, false);
    loop {
        let began = Instant::now();
        let mut broken = match read(fanout, &mut events).await {
            Ok(End::Complete) => return event::complete(),
            Ok(End::Refused(errors)) => {
                let refusal = event::error(&errors, &feeds.codes);
                let refresh = refusal.kind().row().retry == Retry::Refresh;
                // As after a 401: once more, if there is another credential.
                if !refresh
                    || std::mem::replace(&mut replaced, true)
                    || !access.replace(context, &refusal).await.unwrap_or(false)
                {
                    return event::refused(&errors, &feeds.codes);
                }
                match feeds.ask(request, access.credential.as_deref(), None).await {
                    Ok(fresh) => events = fresh,
                    Err(error) => return Event::error(&error),
                }
                continue;
            }
            Err(broken) => broken,
        };
        tries = if began.elapsed() > STABLE { 0 } else { tries + 1 };
        replaced = false;
        events = loop {
            // What does not pass by itself is not tried again and again.
            if broken.kind().row().retry == Retry::Never {
                return Event::error(&broken);
            }
            sleep(pause(tries).max(broken.wait().unwrap_or_default())).await;
            match again(feeds, context, access, request).await {
                Ok(events) => break events,
                // There was another credential, if there is one.
                Err(error) if error.kind().row().retry == Retry::Refresh => return Event::error(&error),
                Err(error) => (broken, tries) = (error, tries + 1),
            }
        };
        fanout.publish(event::reconnected().frame());
    }
}

/// Asks again, with a credential that is good now.
async fn again(feeds: &Feeds, context: &Context, access: &mut Access, request: &str) -> Result<Events> {
    access.renew(context).await?;
    match feeds.ask(request, access.credential.as_deref(), None).await {
        Err(refusal) if refusal.kind() == Kind::Unauthenticated => {
            match access.replace(context, &refusal).await? {
                true => feeds.ask(request, access.credential.as_deref(), None).await,
                false => Err(refusal),
            }
        }
        result => result,
    }
}

/// How a stream that is whole has ended.
enum End {
    Complete,
    /// The service refuses the subscription, with these errors.
    Refused(Bytes),
}

/// Reads one stream: how it ended, or why it broke off.
async fn read(fanout: &Fanout, events: &mut Events) -> Result<End> {
    let mut begun = false;
    loop {
        let said = match events.next().await {
            Some(Ok(said)) => said,
            // What is too long would be too long again.
            Some(Err(error)) if error.outcome() == Outcome::Applied => return Err(error),
            Some(Err(error)) => return Err(lost(error.message())),
            None => return Err(lost("the service ended the stream before it was complete")),
        };
        match &*said.name {
            // Servers of this protocol say so with a response that has errors and no data.
            "next" | Event::MESSAGE if !begun && event::is_refusal(&said.data) => {
                return Ok(End::Refused(said.data));
            }
            // Some services give responses no name.
            "next" | Event::MESSAGE if !said.data.is_empty() => {
                begun = true;
                fanout.publish(event::next(said.data).frame());
            }
            "complete" => return Ok(End::Complete),
            Event::ERROR => return Ok(End::Refused(said.data)),
            _ => {}
        }
    }
}

fn lost(why: &str) -> Error {
    Error::new(Kind::Unavailable, why.to_owned()).outcome_is(Outcome::Unknown)
}
