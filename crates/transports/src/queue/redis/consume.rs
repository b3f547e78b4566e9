//! `Consuming`: who reads a stream: as one of a group, or from a place of its own.

use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex as StdMutex, PoisonError},
    time::Duration,
};

use redis::{Value as Said, cmd};
use tokio::time::Instant;
use trunkline_core::{Error, Outcome, Result, Start};

use super::{
    entry::{Entry, entries, number, text},
    link::{Connection, RedisLink, WAIT},
    replies::of_stream,
};
use crate::queue::broker::{Consumer, Delivery, Fate, Reached, Subscription};

/// The consumer's name in every group: what tells who has a message is a token, and Redis forgets no consumer by itself.
const NAME: &str = "trunkline";
/// Whoever has a message has so much longer in Redis: Trunkline says that it was not acknowledged.
const LONGER: Duration = Duration::from_secs(5);
/// Idle for so long is what was sent back: it is taken again at once.
const SENT_BACK: u64 = 30 * 24 * 3600 * 1000;

/// An entry that somebody has.
#[derive(Debug, Clone)]
pub(in crate::queue) struct Taken {
    id: String,
    /// How often it was delivered, as Redis counts.
    count: u32,
}

/// Who reads.
pub(in crate::queue) struct Consuming {
    link: Arc<RedisLink>,
    /// A connection of its own: one that waits holds up all that is asked behind it.
    waiting: Connection,
    stream: String,
    by: By,
}

enum By {
    /// A group, after so long without an acknowledgement, and what of it is here.
    Group(String, Duration, StdMutex<HashSet<String>>),
    /// Nobody: where it has come to.
    Place(Reached),
}

/// Makes a group where it is not there, at a place of the stream.
pub(super) async fn join(link: &RedisLink, stream: &str, group: &str, start: Option<Start>) -> Result<()> {
    let place = start.map_or_else(|| "0".to_owned(), place);
    let mut create = cmd("XGROUP");
    create.arg("CREATE").arg(stream).arg(group).arg(place).arg("MKSTREAM");
    match link.ask::<Said>(&create, "joining a group").await {
        Ok(_) => Ok(()),
        // It is there: where it has come to is what matters.
        Err(error) if error.message().contains("BUSYGROUP") => Ok(()),
        Err(error) => Err(error.outcome_is(Outcome::Rejected)),
    }
}

/// The id behind which reading begins.
fn place(start: Start) -> String {
    match start {
        Start::Earliest => "0".to_owned(),
        Start::Latest => "$".to_owned(),
        // Ids are times, so an offset is one. Behind the last that can have been before.
        Start::Offset(millis) => before(millis),
        Start::Time(millis) => before(u64::try_from(millis).unwrap_or_default()),
    }
}

fn before(millis: u64) -> String {
    match millis.checked_sub(1) {
        Some(millis) => format!("{millis}-{}", u64::MAX),
        None => "0".to_owned(),
    }
}

impl Consuming {
    pub(super) async fn begin(link: &Arc<RedisLink>, subscription: &Subscription) -> Result<Self> {
        let stream = subscription.source.clone();
        let by = match &subscription.group {
            Some(group) => {
                join(link, &stream, group, subscription.start).await?;
                By::Group(group.clone(), subscription.hold + LONGER, StdMutex::default())
            }
            None => {
                let reached = subscription.reached.clone();
                let place = match (reached.last(), subscription.start.unwrap_or(Start::Latest)) {
                    (Some(last), _) => last,
                    (None, Start::Latest) => last(link, &stream).await?,
                    (None, start) => place(start),
                };
                reached.set(place);
                By::Place(reached)
            }
        };
        let waiting = link.way.another().await.map_err(|error| error.outcome_is(Outcome::Rejected))?;
        Ok(Self { link: link.clone(), waiting, stream, by })
    }

    /// What was sent back, or was with somebody who has vanished. Redis looks through all that is out: what comes first may be
    /// with others, and be so for long.
    async fn abandoned(&self, group: &str, idle: Duration, max: u32) -> Result<Vec<Delivery<Taken>>> {
        let idle = idle.as_millis() as u64;
        loop {
            let mut pending = cmd("XPENDING");
            pending.arg(&self.stream).arg(group).arg("IDLE").arg(idle).arg("-").arg("+").arg(max);
            let said: Said = self.link.ask(&pending, "reading").await.map_err(kept)?;
            let ids = out(&said);
            if ids.is_empty() {
                return Ok(Vec::new());
            }
            let mut claim = cmd("XCLAIM");
            claim.arg(&self.stream).arg(group).arg(NAME).arg(idle);
            for (id, _) in &ids {
                claim.arg(id);
            }
            let said: Said = self.link.ask(&claim, "reading").await.map_err(kept)?;
            let found = entries(&self.stream, &said);
            // Where there is none others were faster, or the entries were trimmed: they are not idle any more.
            if !found.is_empty() {
                let counts: HashMap<_, _> = ids.into_iter().collect();
                let again = |entry: Entry| {
                    let count = counts.get(&entry.id).map_or(2, |count| count.saturating_add(1));
                    // Also where it was released, and Redis counts from the beginning.
                    Delivery { redelivered: true, ..delivery(entry, count) }
                };
                return Ok(found.into_iter().map(again).collect());
            }
        }
    }

    async fn fresh(&self, group: &str, max: u32, wait: Duration) -> Result<Vec<Delivery<Taken>>> {
        let mut read = cmd("XREADGROUP");
        read.arg("GROUP").arg(group).arg(NAME).arg("COUNT").arg(max);
        if !wait.is_zero() {
            read.arg("BLOCK").arg((wait.as_millis() as u64).max(1));
        }
        read.arg("STREAMS").arg(&self.stream).arg(">");
        let said: Said = self.waiting.ask(&read, "reading").await.map_err(kept)?;
        let found = of_stream(&said).map(|said| entries(&self.stream, said)).unwrap_or_default();
        Ok(found.into_iter().map(|entry| delivery(entry, 1)).collect())
    }

    async fn by_place(&self, reached: &Reached, max: u32, until: Instant) -> Result<Vec<Delivery<Taken>>> {
        loop {
            let place = reached.last().unwrap_or_default();
            let left = until.saturating_duration_since(Instant::now()).min(WAIT);
            let mut read = cmd("XREAD");
            read.arg("COUNT").arg(max);
            if !left.is_zero() {
                read.arg("BLOCK").arg((left.as_millis() as u64).max(1));
            }
            read.arg("STREAMS").arg(&self.stream).arg(place);
            let said: Said = self.waiting.ask(&read, "reading").await.map_err(kept)?;
            let found = of_stream(&said).map(|said| entries(&self.stream, said)).unwrap_or_default();
            if let Some(last) = found.last() {
                reached.set(&*last.id);
            }
            if !found.is_empty() || Instant::now() >= until {
                let seen = |entry| Delivery { mark: None, deliveries: None, ..delivery(entry, 1) };
                return Ok(found.into_iter().map(seen).collect());
            }
        }
    }
}

impl Consumer for Consuming {
    type Mark = Taken;

    /// Redis takes it for delivered what it has sent, whoever reads the answer.
    fn turn(&self) -> Option<Duration> {
        Some(WAIT)
    }

    async fn fetch(&self, max: u32, until: Instant) -> Result<Vec<Delivery<Taken>>> {
        let (group, idle, here) = match &self.by {
            By::Group(group, idle, here) => (group, *idle, here),
            By::Place(reached) => return self.by_place(reached, max, until).await,
        };
        loop {
            // After a while what was sent back meanwhile is looked for.
            let left = until.saturating_duration_since(Instant::now()).min(WAIT);
            let mut found = self.abandoned(group, idle, max).await?;
            if found.is_empty() {
                found = self.fresh(group, max, left).await?;
            }
            if !found.is_empty() || Instant::now() >= until {
                let ids = found.iter().filter_map(|delivery| Some(delivery.mark.as_ref()?.id.clone()));
                here.lock().unwrap_or_else(PoisonError::into_inner).extend(ids);
                return Ok(found);
            }
        }
    }

    async fn settle(&self, Taken { id, .. }: &Taken, fate: Fate) -> Result<()> {
        let By::Group(group, _, here) = &self.by else { return Ok(()) };
        here.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        match fate {
            Fate::Ack | Fate::Reject => {
                let mut ack = cmd("XACK");
                ack.arg(&self.stream).arg(group).arg(id);
                self.link.ask::<Said>(&ack, "acknowledging a message").await.map(drop)
            }
            Fate::Requeue => {
                let ids = std::slice::from_ref(id);
                send_back(&self.link.shared(), &self.stream, group, ids, None).await
            }
        }
    }

    fn counts_released(&self, _: &Taken) -> bool {
        false
    }

    async fn release(&self, Taken { id, count }: &Taken) -> Result<bool> {
        let By::Group(group, _, here) = &self.by else { return Ok(true) };
        here.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
        let (ids, before) = (std::slice::from_ref(id), Some(count - 1));
        send_back(&self.link.shared(), &self.stream, group, ids, before).await.map(|()| true)
    }
}

impl Drop for Consuming {
    /// What was not settled comes to whoever is next.
    fn drop(&mut self) {
        let By::Group(group, _, here) = &self.by else { return };
        let ids: Vec<_> = here.lock().unwrap_or_else(PoisonError::into_inner).drain().collect();
        if ids.is_empty() {
            return;
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (shared, stream, group) = (self.link.shared(), self.stream.clone(), group.clone());
            runtime.spawn(async move { send_back(&shared, &stream, &group, &ids, None).await });
        }
    }
}

/// Makes messages look as if nobody had done anything about them for long; and, where `count` is given, as if they had been
/// delivered so often.
async fn send_back(
    shared: &Connection,
    stream: &str,
    group: &str,
    ids: &[String],
    count: Option<u32>,
) -> Result<()> {
    let mut claim = cmd("XCLAIM");
    claim.arg(stream).arg(group).arg(NAME).arg(0).arg(ids).arg("IDLE").arg(SENT_BACK);
    if let Some(count) = count {
        claim.arg("RETRYCOUNT").arg(count);
    }
    claim.arg("JUSTID");
    shared.ask::<Said>(&claim, "sending a message back").await.map(drop)
}

/// The id of the last entry.
async fn last(link: &RedisLink, stream: &str) -> Result<String> {
    let mut ask = cmd("XREVRANGE");
    let said: Said =
        link.ask(ask.arg(stream).arg("+").arg("-").arg("COUNT").arg(1), "reading").await.map_err(kept)?;
    Ok(entries(stream, &said).pop().map_or_else(|| "0-0".to_owned(), |entry| entry.id))
}

/// What is out, in an answer of XPENDING, and how often it was delivered: of each the id, with whom, for how long, how often.
fn out(said: &Said) -> Vec<(String, u32)> {
    let Said::Array(all) = said else { return Vec::new() };
    let one = |said: &Said| {
        let Said::Array(one) = said else { return None };
        Some((text(one.first()?)?, u32::try_from(number(one.get(3)?)?).ok()?))
    };
    all.iter().filter_map(one).collect()
}

fn delivery(entry: Entry, count: u32) -> Delivery<Taken> {
    Delivery {
        deliveries: Some(count),
        redelivered: count > 1,
        timestamp: entry.timestamp(),
        facts: vec![("entry", entry.id.clone().into())],
        mark: Some(Taken { id: entry.id, count }),
        message: entry.message,
    }
}

/// Nothing is lost where reading fails: it comes again.
fn kept(error: Error) -> Error {
    error.outcome_is(Outcome::Rejected)
}
