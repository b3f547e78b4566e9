//! `Circuit`: closed while the service works, open while it does not, half open while that is found out.

use std::{
    borrow::Cow,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::Instant;
use trunkline_core::{BreakerEffect, Error, Kind};

use super::config::Thresholds;
use crate::{CallMetrics, window::Window};

/// No circuit stays open for longer without a probe.
pub(super) const LONGEST: Duration = Duration::from_secs(300);
/// A circuit that was closed for this long has forgotten how often it was open before.
const FORGIVEN: Duration = Duration::from_secs(600);
/// How long others are told to wait while a probe is under way.
const PROBING: Duration = Duration::from_secs(1);

/// The state of an integration's circuit. It outlives a change of configuration.
#[derive(Debug)]
pub struct Circuit {
    state: Mutex<State>,
    /// The number of the state's turn while it is closed, and 0 otherwise: the usual call takes no lock to
    /// find out that it may pass.
    closed: AtomicU64,
    /// Where its state is shown. A connection's is not: metrics are those of the whole integration.
    metrics: Option<CallMetrics>,
}

#[derive(Debug)]
struct State {
    thresholds: Thresholds,
    phase: Phase,
    /// Counts the phases: what was sent in one says nothing about a later one.
    turn: u64,
    since: Instant,
    reason: Cow<'static, str>,
    /// How often it opened without having been closed for long.
    opened: u32,
    consecutive: u32,
    lately: Window<Tally, 10>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Phase {
    Closed,
    Open { until: Instant },
    HalfOpen { probing: bool, succeeded: u32 },
    Forced,
}

#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    succeeded: u32,
    failed: u32,
}

/// What is shown of a circuit.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BreakerState {
    /// `closed`, `open`, `half_open`, or `forced_open` until somebody resets it.
    pub state: &'static str,
    /// Why it is so, where there is a reason.
    pub reason: Option<String>,
    /// For how many seconds it has been so.
    pub for_seconds: f64,
    /// In how many seconds the service is tried again.
    pub probe_in_seconds: Option<f64>,
    /// Failures in a row.
    pub consecutive_failures: u32,
}

impl Circuit {
    /// A closed circuit.
    pub fn new(thresholds: Thresholds, metrics: impl Into<Option<CallMetrics>>) -> Self {
        let now = Instant::now();
        let state = State {
            thresholds,
            phase: Phase::Closed,
            turn: 1,
            since: now,
            reason: "".into(),
            opened: 0,
            consecutive: 0,
            lately: Window::new(Duration::from_secs(1), now),
        };
        Self { state: Mutex::new(state), closed: AtomicU64::new(1), metrics: metrics.into() }
    }

    /// Goes on by other thresholds, in the state that it is in.
    pub fn adjust(&self, thresholds: Thresholds) {
        self.lock().thresholds = thresholds;
    }

    /// Asks to make an attempt. If it is given up at `due` or later, that is the service's fault.
    ///
    /// # Errors
    ///
    /// `circuit_open`, with the time until the service is tried again.
    pub(super) fn enter(&self, due: Option<Instant>) -> Result<Permit<'_>, Error> {
        let permit = |turn, probe| Ok(Permit { circuit: self, turn, probe, due, heard: false });
        let turn = self.closed.load(Ordering::Relaxed);
        if turn != 0 {
            return permit(turn, false);
        }
        let mut state = self.lock();
        let now = Instant::now();
        if let Phase::Open { until } = state.phase
            && until <= now
        {
            self.turn(&mut state, Phase::HalfOpen { probing: false, succeeded: 0 }, now);
        }
        let wait = match &mut state.phase {
            Phase::Closed => return permit(state.turn, false),
            Phase::HalfOpen { probing: probing @ false, .. } => {
                *probing = true;
                return permit(state.turn, true);
            }
            Phase::HalfOpen { .. } => PROBING,
            Phase::Open { until } => *until - now,
            Phase::Forced => {
                return Err(Error::new(
                    Kind::CircuitOpen,
                    "the circuit was opened by hand; reset the breaker to close it",
                ));
            }
        };
        let message = format!("the circuit is open after {}; the service is tried again soon", state.reason);
        Err(Error::new(Kind::CircuitOpen, message).retry_after(wait))
    }

    /// Closes it, whatever it knows. Also what a health probe may do that was answered.
    pub fn reset(&self) {
        let mut state = self.lock();
        let now = Instant::now();
        state.opened = 0;
        if state.phase != Phase::Closed {
            self.close(&mut state, now);
        }
    }

    /// Opens it until it is reset.
    pub fn force_open(&self) {
        let mut state = self.lock();
        state.reason = "having been opened by hand".into();
        self.turn(&mut state, Phase::Forced, Instant::now());
    }

    /// A health probe was answered: an open circuit need not wait. One that was opened by hand does.
    pub fn proved(&self) {
        let forced = self.lock().phase == Phase::Forced;
        if !forced {
            self.reset();
        }
    }

    /// What it shows.
    pub fn snapshot(&self) -> BreakerState {
        let state = self.lock();
        let now = Instant::now();
        let (name, probe) = match state.phase {
            Phase::Closed => ("closed", None),
            Phase::Open { until } => ("open", Some(until.saturating_duration_since(now))),
            Phase::HalfOpen { .. } => ("half_open", Some(Duration::ZERO)),
            Phase::Forced => ("forced_open", None),
        };
        BreakerState {
            state: name,
            reason: (state.phase != Phase::Closed).then(|| state.reason.to_string()),
            for_seconds: now.saturating_duration_since(state.since).as_secs_f64(),
            probe_in_seconds: probe.map(|probe| probe.as_secs_f64()),
            consecutive_failures: state.consecutive,
        }
    }

    /// What an attempt of `turn` has shown.
    fn hear(&self, turn: u64, effect: BreakerEffect, began: Instant) {
        let mut state = self.lock();
        // What was sent before the state last changed has been counted, or is too old.
        if state.turn != turn {
            return;
        }
        match effect {
            BreakerEffect::Ignore => {
                if let Phase::HalfOpen { probing, .. } = &mut state.phase {
                    *probing = false;
                }
            }
            // When it began is near enough, and saves a look at the clock.
            BreakerEffect::Success => self.succeeded(&mut state, began),
            BreakerEffect::Failure => self.failed(&mut state, Instant::now()),
        }
    }

    fn succeeded(&self, state: &mut State, now: Instant) {
        state.consecutive = 0;
        match &mut state.phase {
            Phase::Closed => state.lately.at(now).succeeded += 1,
            Phase::HalfOpen { probing, succeeded } => {
                *probing = false;
                *succeeded += 1;
                if *succeeded >= state.thresholds.probes {
                    self.close(state, Instant::now());
                }
            }
            Phase::Open { .. } | Phase::Forced => {}
        }
    }

    fn failed(&self, state: &mut State, now: Instant) {
        state.consecutive = state.consecutive.saturating_add(1);
        match state.phase {
            Phase::Closed => {
                state.lately.at(now).failed += 1;
                if let Some(reason) = state.verdict() {
                    if now.saturating_duration_since(state.since) >= FORGIVEN {
                        state.opened = 0;
                    }
                    state.reason = reason.into();
                    self.open(state, now);
                }
            }
            Phase::HalfOpen { .. } => {
                state.reason = "a probe that failed".into();
                self.open(state, now);
            }
            Phase::Open { .. } | Phase::Forced => {}
        }
    }

    /// Opens for twice as long as the last time, give or take a tenth: many servers do not probe together.
    fn open(&self, state: &mut State, now: Instant) {
        let doubled = state.thresholds.open_for.saturating_mul(1 << state.opened.min(16));
        let time = doubled.min(LONGEST).mul_f64(0.9 + 0.2 * fastrand::f64());
        state.opened += 1;
        self.turn(state, Phase::Open { until: now + time }, now);
    }

    fn close(&self, state: &mut State, now: Instant) {
        state.consecutive = 0;
        state.lately = Window::new(Duration::from_secs(1), now);
        self.turn(state, Phase::Closed, now);
    }

    fn turn(&self, state: &mut State, phase: Phase, now: Instant) {
        state.phase = phase;
        state.since = now;
        state.turn += 1;
        self.closed.store(if phase == Phase::Closed { state.turn } else { 0 }, Ordering::Relaxed);
        if let Some(metrics) = &self.metrics {
            metrics.breaker(match phase {
                Phase::Closed => 0,
                Phase::HalfOpen { .. } => 1,
                Phase::Open { .. } | Phase::Forced => 2,
            });
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Why the circuit has to open, if it has to.
    fn verdict(&self) -> Option<String> {
        if self.consecutive >= self.thresholds.consecutive {
            return Some(format!("{} failures in a row", self.consecutive));
        }
        let (all, failed) = self.lately.slots().fold((0, 0), |(all, failed), (_, slot)| {
            (all + slot.succeeded + slot.failed, failed + slot.failed)
        });
        let too_many =
            all >= self.thresholds.min_attempts && f64::from(failed) >= f64::from(all) * self.thresholds.rate;
        too_many.then(|| format!("{failed} failures in {all} attempts"))
    }
}

/// The right to make one attempt. Dropped without a word, it counts as nothing, and a probe's slot is free:
/// its caller went away. Only when its time was up, the service has failed.
#[derive(Debug)]
pub(super) struct Permit<'a> {
    circuit: &'a Circuit,
    turn: u64,
    probe: bool,
    due: Option<Instant>,
    heard: bool,
}

impl Permit<'_> {
    /// Says what the attempt, of a call that began then, has shown.
    pub(super) fn heard(mut self, effect: BreakerEffect, began: Instant) {
        self.heard = true;
        if self.probe || effect != BreakerEffect::Ignore {
            self.circuit.hear(self.turn, effect, began);
        }
    }
}

impl Drop for Permit<'_> {
    fn drop(&mut self) {
        if self.heard {
            return;
        }
        let now = Instant::now();
        if self.due.is_some_and(|due| due <= now) {
            self.circuit.hear(self.turn, BreakerEffect::Failure, now);
        } else if self.probe {
            self.circuit.hear(self.turn, BreakerEffect::Ignore, now);
        }
    }
}
