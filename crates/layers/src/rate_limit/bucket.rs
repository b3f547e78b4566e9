//! `Bucket`: one limit and what was taken of it. The generic cell rate algorithm paces attempts and lets
//! bursts through; counts of what was sent lately see to it that a burst on top of the pace never makes more
//! attempts in any stretch of time than the limit says.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use trunkline_core::shared_limits::{Level, Take, Unseen};

use super::config::Limit;
use crate::window::Window;

/// Slots of the window. One of them is partly outside the limit's stretch of time and counts all the same:
/// a burst comes again one 63rd of the time later than it might.
const SLOTS: usize = 64;
/// Where it changes who counts, a bucket gives nothing for as long as this at most.
const SOON: Duration = Duration::from_secs(1);

/// A limit and what was taken of it.
#[derive(Debug)]
pub(super) struct Bucket {
    limit: Limit,
    /// Time of one request at a steady pace (T).
    pace: Duration,
    /// When everything taken so far would be done at that pace: the theoretical arrival time of the next.
    done: Instant,
    sent: Window<u32, SLOTS>,
    /// The sum of that window.
    recent: u64,
    /// What those who wait will take.
    pub(super) awaited: u64,
    /// What was taken while a counter that servers share was out of reach.
    apart: u64,
    /// What that counter has to be told.
    unseen: Option<Unseen>,
}

/// What is shown of a limit.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct LimitState {
    /// This many attempts …
    pub requests: u32,
    /// … in this many seconds.
    pub per_seconds: f64,
    /// How many may come at once.
    pub burst: u32,
    /// How many could be made now.
    pub available: u32,
    /// Whether it is the service's word (`RateLimit-Policy`) rather than the configuration's.
    pub learned: bool,
}

impl Bucket {
    /// A full bucket: nothing was taken.
    pub(super) fn new(limit: Limit, now: Instant) -> Self {
        let pace = limit.per.as_nanos().div_ceil(u128::from(limit.requests));
        let slot = limit.per.as_nanos().div_ceil(SLOTS as u128 - 1);
        let nanos = |nanos: u128| Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        Self {
            pace: nanos(pace),
            done: now,
            sent: Window::new(nanos(slot), now),
            recent: 0,
            limit,
            awaited: 0,
            apart: 0,
            unseen: None,
        }
    }

    /// A bucket that has no burst to give yet: what was sent before it was there is not known.
    pub(super) fn drained(limit: Limit, now: Instant) -> Self {
        let mut bucket = Self::new(limit, now);
        bucket.done = now + bucket.tolerance(1);
        bucket.unseen = Some(Unseen { taken: 0, up_to: 0 });
        bucket
    }

    /// The same with another limit of the same time, of which as much is taken as of the one before.
    pub(super) fn adjusted(self, limit: Limit, now: Instant) -> Self {
        let taken = self.done.saturating_duration_since(now).as_secs_f64() / self.pace.as_secs_f64();
        let mut bucket = Self::new(limit, now);
        bucket.done = now + bucket.pace.mul_f64(taken).min(bucket.limit.per);
        let Self { sent, recent, awaited, apart, unseen, .. } = self;
        Self { sent, recent, awaited, apart, unseen, ..bucket }
    }

    pub(super) fn limit(&self) -> &Limit {
        &self.limit
    }

    /// What an attempt of this action takes, where so many servers have each a share of the limit; one a time is always
    /// left.
    pub(super) fn weight(&self, action: &str, share: u32) -> u32 {
        self.limit.weight(action).saturating_mul(share).min(self.limit.requests)
    }

    /// When `weight` can be taken, behind `ahead` that are taken before.
    pub(super) fn ready(&mut self, now: Instant, ahead: u64, weight: u32) -> Instant {
        if weight == 0 {
            return now;
        }
        let ahead_takes = self.pace.saturating_mul(u32::try_from(ahead).unwrap_or(u32::MAX));
        let done = self.done.max(now) + ahead_takes;
        let paced = done.checked_sub(self.tolerance(weight)).map_or(now, |at| at.max(now));
        // At a burst of one the pace alone keeps the limit.
        if self.limit.burst == 1 { paced } else { paced.max(self.room(now, ahead + u64::from(weight))) }
    }

    /// Takes `weight`.
    pub(super) fn take(&mut self, now: Instant, weight: u32) {
        if weight > 0 {
            self.done = self.done.max(now) + self.pace * weight;
            self.count(now, weight);
            self.apart += u64::from(weight);
        }
    }

    fn count(&mut self, now: Instant, weight: u32) {
        *self.sent.at_with(now, |left| self.recent -= u64::from(left)) += weight;
        self.recent += u64::from(weight);
    }

    /// What an attempt that weighs this much takes, for a counter that servers share. `again` says which of several
    /// limits it is that are alike in their time and their actions.
    pub(super) fn asks(&mut self, weight: u32, again: usize) -> Take {
        let Limit { requests, per, burst, ref actions, .. } = self.limit;
        let mut limit = format!("{}us", per.as_micros());
        for action in actions.iter().flatten() {
            limit.push(',');
            limit.push_str(action);
        }
        if again > 0 {
            limit.push_str(&format!("#{again}"));
        }
        Take { limit, requests, per, burst, weight, unseen: self.unseen.take() }
    }

    /// Believes that counter. Where it has forgotten what was taken the longest ago, so is that here.
    pub(super) fn heard(&mut self, level: Level, weight: u32, now: Instant) {
        self.done = now + level.ahead;
        self.count(now, weight);
        let known = u64::from(level.recent);
        if self.recent > known {
            let mut excess = self.recent - known;
            self.sent.change(|count| {
                let less = u32::try_from(excess).unwrap_or(u32::MAX).min(*count);
                *count -= less;
                excess -= u64::from(less);
            });
            self.recent = known;
        } else {
            self.count(now, u32::try_from(known - self.recent).unwrap_or(u32::MAX));
        }
    }

    /// That counter is out of reach since then, and this server one of so many. It begins without a burst; and where
    /// the limit's time is short, as if all that is not known to be left had been taken at that moment.
    pub(super) fn parted(&mut self, servers: u32, since: Instant, now: Instant) {
        (self.apart, self.unseen) = (0, None);
        let first = self.pace.saturating_mul(servers).min(SOON);
        self.done = self.done.max(since + self.tolerance(servers) + first);
        if self.is_soon(since, now) {
            self.count(now, 0);
            let rest = u64::from(self.limit.requests).saturating_sub(self.recent);
            self.count(now, u32::try_from(rest).unwrap_or(u32::MAX));
        }
    }

    /// It is there again since then. It hears what was taken meanwhile, here and (as far as can be told) elsewhere.
    pub(super) fn joined(&mut self, servers: u32, since: Instant, now: Instant) {
        self.count(now, 0);
        let taken = std::mem::take(&mut self.apart).min(self.recent).div_ceil(u64::from(servers.max(1)));
        let up_to = if self.is_soon(since, now) { self.limit.requests.into() } else { self.recent };
        let number = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        self.unseen = (up_to > 0 || now < since + self.limit.per)
            .then(|| Unseen { taken: number(taken), up_to: number(up_to) });
    }

    /// Whether a change at `since` is so near that all of the limit's time can be waited for.
    fn is_soon(&self, since: Instant, now: Instant) -> bool {
        self.limit.per <= SOON && now < since + self.limit.per
    }

    /// Believes the service that no more than `left` may be taken now.
    pub(super) fn only(&mut self, left: u32, now: Instant) {
        let taken = self.limit.burst.saturating_sub(left);
        self.done = self.done.max(now + self.pace.saturating_mul(taken));
    }

    /// What is shown of it by one of so many servers that each have a share of it.
    pub(super) fn snapshot(&mut self, now: Instant, share: u32, learned: bool) -> LimitState {
        self.count(now, 0);
        let sent = u32::try_from(self.recent).unwrap_or(u32::MAX);
        let behind =
            self.done.saturating_duration_since(now).as_nanos().div_ceil(self.pace.as_nanos().max(1));
        let paced = self.limit.burst.saturating_sub(u32::try_from(behind).unwrap_or(u32::MAX));
        LimitState {
            requests: self.limit.requests,
            per_seconds: self.limit.per.as_secs_f64(),
            burst: self.limit.burst,
            available: if self.limit.burst == 1 {
                paced
            } else {
                paced.min(self.limit.requests.saturating_sub(sent)) / share
            },
            learned,
        }
    }

    /// How far ahead of the pace an attempt of this weight may be (τ, less what the weight is above one).
    fn tolerance(&self, weight: u32) -> Duration {
        self.pace.saturating_mul(self.limit.burst.saturating_sub(weight))
    }

    /// When the window has room for `weight` more.
    fn room(&mut self, now: Instant, weight: u64) -> Instant {
        self.count(now, 0);
        let requests = u64::from(self.limit.requests);
        let mut excess = (self.recent + weight).saturating_sub(requests);
        if excess == 0 {
            return now;
        }
        let mut at = now;
        for (leaves, sent) in self.sent.slots() {
            if excess == 0 {
                return at;
            }
            if sent > 0 {
                excess = excess.saturating_sub(u64::from(sent));
                at = leaves;
            }
        }
        // More than one stretch of time holds: those ahead fill it again.
        let rounds = u32::try_from(excess.div_ceil(requests)).unwrap_or(u32::MAX);
        at + self.limit.per.saturating_mul(rounds)
    }
}
