//! What becomes of a delivery when somebody has its event forwarded once more: the same in every store.

use super::DeliveryState;

/// Which deliveries of an event are to be made once more.
#[derive(Debug, Clone, Copy)]
pub struct Redelivery<'a> {
    /// To these targets. One that it was not on its way to is added.
    pub targets: &'a [&'a str],
    /// Whether they were named, each by itself: then it goes also where it has arrived, and where it may have been done and
    /// would be done twice.
    pub named: bool,
    /// Whether what may have been done is made as something new, under another key, though the service still knows the key.
    pub anew: bool,
    /// The present.
    pub now_ms: i64,
}

/// What became of that.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Redelivered {
    /// The targets that it waits to be forwarded to, or is on its way to.
    pub waits: Vec<String>,
    /// Those that it may have been done by, and would be done twice by: it does not go there unless they are named.
    pub doubtful: Vec<String>,
}

impl Redelivered {
    /// Tells what is done with the delivery to a target.
    pub(crate) fn add(&mut self, target: &str, step: Step) {
        match step {
            Step::Stays => {}
            Step::Doubtful => self.doubtful.push(target.to_owned()),
            Step::OnItsWay | Step::Waits { .. } => self.waits.push(target.to_owned()),
        }
    }
}

/// How a delivery stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    pub(crate) state: DeliveryState,
    pub(crate) round: u32,
    /// Whether an attempt is under way that must not be made twice.
    pub(crate) begun: bool,
    /// Until when it may be made again, where it may have been done.
    pub(crate) until_ms: Option<i64>,
}

/// What is done with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    /// It has arrived, and stays as it is.
    Stays,
    /// It may have been done, and would be done twice: it stays as it is.
    Doubtful,
    /// It is on its way; what becomes of it is not known yet.
    OnItsWay,
    /// It waits, from the beginning, in this round.
    Waits { round: u32, until_ms: Option<i64> },
}

impl Redelivery<'_> {
    pub(crate) fn step(&self, standing: Standing) -> Step {
        let Standing { state, round, begun, until_ms } = standing;
        if begun {
            return Step::OnItsWay;
        }
        if state == DeliveryState::Forwarded && !self.named {
            return Step::Stays;
        }
        let same = match until_ms {
            Some(until_ms) if self.now_ms >= until_ms && !self.named => return Step::Doubtful,
            // The service does it once, as long as it knows the key.
            Some(until_ms) => self.now_ms < until_ms && !self.anew,
            // Nothing was done yet.
            None => state == DeliveryState::Waits,
        };
        match same {
            true => Step::Waits { round, until_ms },
            // What was refused would be refused again under the key that it was refused under.
            false => Step::Waits { round: round.saturating_add(1), until_ms: None },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{DeliveryState::*, *};

    const NOW: i64 = 1000;

    #[test]
    fn a_key_is_kept_exactly_while_the_service_knows_it_and_what_may_have_been_done_has_to_be_named() {
        let (later, past) = (Some(NOW + 1), Some(NOW));
        let waits = |round, until_ms| Step::Waits { round, until_ms };
        // How it stands, and what becomes of it: by default, where it is named, and where that is to be anew.
        for (state, begun, until_ms, steps) in [
            (Waits, false, None, [waits(3, None); 3]),
            (Waits, true, None, [Step::OnItsWay; 3]),
            (Waits, false, later, [waits(3, later), waits(3, later), waits(4, None)]),
            (Waits, false, past, [Step::Doubtful, waits(4, None), waits(4, None)]),
            (PutAside, false, None, [waits(4, None); 3]),
            (PutAside, false, later, [waits(3, later), waits(3, later), waits(4, None)]),
            (PutAside, false, past, [Step::Doubtful, waits(4, None), waits(4, None)]),
            (Forwarded, false, None, [Step::Stays, waits(4, None), waits(4, None)]),
        ] {
            for ((named, anew), step) in [(false, false), (true, false), (true, true)].into_iter().zip(steps)
            {
                let asked = Redelivery { targets: &[], named, anew, now_ms: NOW };
                let standing = Standing { state, round: 3, begun, until_ms };
                assert_eq!(asked.step(standing), step, "{standing:?} {asked:?}");
            }
        }
    }
}
