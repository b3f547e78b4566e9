//! `State`: what was taken of an integration's limits, what the service says of its own, and who counts.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use trunkline_core::shared_limits::{Counted, Standing, Take, Taken};

use super::{
    bucket::Bucket,
    config::{Limit, Rules},
    limiter::RateLimitState,
    signals::{Heard, Policy},
};

/// Policies of a service that are remembered.
const POLICIES: usize = 4;
/// … for as long as it does not repeat them.
const REMEMBERED: Duration = Duration::from_secs(15 * 60);

/// What a limiter knows.
#[derive(Debug)]
pub(super) struct State {
    pub(super) rules: Arc<Rules>,
    buckets: Vec<Bucket>,
    /// What the service says its limits are, and when it said so last.
    learned: Vec<(Bucket, Instant)>,
    /// The service asked to send nothing until then.
    pub(super) paused: Option<Instant>,
    pub(super) waiting: u32,
    /// Who counts what is taken of the buckets; nobody but this server where it is alone, as most are.
    standing: Option<Box<Standing>>,
}

impl State {
    /// Of these rules nothing was taken.
    pub(super) fn new(rules: Arc<Rules>, now: Instant) -> Self {
        let buckets = rules.limits.iter().map(|limit| Bucket::new(limit.clone(), now)).collect();
        Self { rules, buckets, learned: Vec::new(), paused: None, waiting: 0, standing: None }
    }

    /// Goes on by other rules.
    pub(super) fn adjust(&mut self, rules: Arc<Rules>, now: Instant) {
        let mut before = std::mem::take(&mut self.buckets);
        let buckets = rules.limits.iter().map(|limit| {
            match before.iter().position(|bucket| bucket.limit().is_like(limit)) {
                Some(n) => before.remove(n).adjusted(limit.clone(), now),
                None => Bucket::drained(limit.clone(), now),
            }
        });
        self.buckets = buckets.collect();
        if rules.signals.is_none() {
            (self.paused, self.learned) = (None, Vec::new());
        }
        self.rules = rules;
    }

    /// Goes by who counts now.
    pub(super) fn follow(&mut self, standing: Standing, now: Instant) {
        let before = self.standing.as_deref().copied();
        match &mut self.standing {
            Some(known) => **known = standing,
            none => *none = Some(Box::new(standing)),
        }
        if before.is_some_and(|before| before.change == standing.change) {
            return;
        }
        for bucket in &mut self.buckets {
            match standing.counted {
                Counted::Shared => {
                    if let Some(before) = before {
                        bucket.joined(share(Some(before)), standing.since, now);
                    }
                }
                _ => bucket.parted(share(Some(standing)), standing.since, now),
            }
        }
    }

    /// Whether it is `by` them that what an attempt of `action` takes of the configuration's limits is counted.
    pub(super) fn are_counted(&self, by: Counted, action: &str) -> bool {
        self.counted() == by && self.buckets.iter().any(|bucket| bucket.weight(action, 1) > 0)
    }

    fn counted(&self) -> Counted {
        self.standing.as_ref().map_or(Counted::Here, |standing| standing.counted)
    }

    /// What to ask for an attempt of `action`.
    pub(super) fn asks(&mut self, action: &str) -> Vec<Take> {
        let mut takes = Vec::with_capacity(self.buckets.len());
        for n in 0..self.buckets.len() {
            let (before, rest) = self.buckets.split_at_mut(n);
            let bucket = &mut rest[0];
            let weight = bucket.weight(action, 1);
            if weight > 0 {
                let again = before.iter().filter(|before| before.limit().is_like(bucket.limit())).count();
                takes.push(bucket.asks(weight, again));
            }
        }
        takes
    }

    /// What the answer was.
    pub(super) fn heard(&mut self, action: &str, takes: &[Take], taken: &Taken, now: Instant) {
        let passes = taken.wait.is_zero();
        let asked = self.buckets.iter_mut().filter(|bucket| bucket.weight(action, 1) > 0);
        // The rules may have changed meanwhile.
        let asked =
            asked.zip(takes).zip(&taken.levels).filter(|((bucket, take), _)| bucket.limit().per == take.per);
        for ((bucket, take), level) in asked {
            bucket.heard(*level, if passes { take.weight } else { 0 }, now);
        }
        if passes {
            for (bucket, _) in &mut self.learned {
                let weight = bucket.weight(action, 1);
                bucket.take(now, weight);
            }
        }
    }

    /// Whether nothing limits anything.
    pub(super) fn is_open(&self) -> bool {
        self.buckets.is_empty() && self.learned.is_empty() && self.paused.is_none() && self.waiting == 0
    }

    /// All limits, each with the number of servers that have a share of it. What the service says, it says to each.
    fn buckets(&mut self) -> impl Iterator<Item = (&mut Bucket, u32)> {
        let share = share(self.standing.as_deref().copied());
        let own = self.buckets.iter_mut().map(move |bucket| (bucket, share));
        own.chain(self.learned.iter_mut().map(|(bucket, _)| (bucket, 1)))
    }

    /// When all buckets have what an attempt of `action` takes, behind those that wait if it is `last`.
    pub(super) fn ready(&mut self, action: &str, now: Instant, last: bool) -> Instant {
        let free = self.unpaused(now);
        self.buckets().fold(free, |ready, (bucket, share)| {
            let ahead = if last { bucket.awaited * u64::from(share) } else { 0 };
            let weight = bucket.weight(action, share);
            ready.max(bucket.ready(now, ahead, weight))
        })
    }

    /// The same of what no counter knows: what the service itself says.
    pub(super) fn ready_apart(&mut self, action: &str, now: Instant) -> Instant {
        let free = self.unpaused(now);
        self.learned.iter_mut().fold(free, |ready, (bucket, _)| {
            let weight = bucket.weight(action, 1);
            ready.max(bucket.ready(now, 0, weight))
        })
    }

    /// Forgets what is over, and says from when on the service wants to hear of us.
    fn unpaused(&mut self, now: Instant) -> Instant {
        self.paused = self.paused.filter(|until| *until > now);
        self.learned.retain(|(_, said)| now.saturating_duration_since(*said) < REMEMBERED);
        self.paused.unwrap_or(now)
    }

    /// Takes it from all of them.
    pub(super) fn take(&mut self, action: &str, now: Instant) {
        for (bucket, share) in self.buckets() {
            let weight = bucket.weight(action, share);
            bucket.take(now, weight);
        }
    }

    /// One more waits, or one less.
    pub(super) fn queue(&mut self, action: &str, more: bool) {
        self.waiting = if more { self.waiting + 1 } else { self.waiting.saturating_sub(1) };
        for (bucket, _) in self.buckets() {
            let weight = u64::from(bucket.weight(action, 1));
            // Rules that changed meanwhile may have weighed it otherwise.
            bucket.awaited =
                if more { bucket.awaited + weight } else { bucket.awaited.saturating_sub(weight) };
        }
    }

    pub(super) fn hear(&mut self, heard: &Heard, now: Instant) {
        if let Some(pause) = heard.pause.filter(|pause| !pause.is_zero()) {
            self.paused = self.paused.max(Some(now + pause));
        }
        for policy in &heard.policies {
            let Policy { requests, per, left } = *policy;
            let known = self
                .learned
                .iter()
                .position(|(bucket, _)| (bucket.limit().requests, bucket.limit().per) == (requests, per));
            let n = known.unwrap_or_else(|| {
                if self.learned.len() == POLICIES {
                    self.learned.remove(0);
                }
                let limit = Limit { requests, per, burst: requests, weights: Box::default(), actions: None };
                self.learned.push((Bucket::new(limit, now), now));
                self.learned.len() - 1
            });
            let (bucket, said) = &mut self.learned[n];
            *said = now;
            if let Some(left) = left {
                bucket.only(left, now);
            }
        }
    }

    pub(super) fn snapshot(&mut self, now: Instant) -> RateLimitState {
        let share = share(self.standing.as_deref().copied());
        let own = self.buckets.iter_mut().map(|bucket| bucket.snapshot(now, share, false));
        let learned = self.learned.iter_mut().map(|(bucket, _)| bucket.snapshot(now, 1, true));
        RateLimitState {
            limits: own.chain(learned).collect(),
            waiting: self.waiting,
            paused_for_seconds: self
                .paused
                .filter(|until| *until > now)
                .map(|until| (until - now).as_secs_f64()),
            counted: self.counted(),
            servers: self.standing.as_ref().map(|standing| standing.servers),
        }
    }
}

/// How many servers take each a share of the limits.
fn share(standing: Option<Standing>) -> u32 {
    match standing {
        Some(Standing { counted: Counted::LocalShare, servers, .. }) => servers.max(1),
        _ => 1,
    }
}
