//! `verdict`: the one rule that says whether an attempt that failed is made again, and when.

use std::time::Duration;

use trunkline_core::{Idempotency, Outcome, Retry};

/// A pause that a service asks for and that is longer than this is left to the caller.
const LONGEST: Duration = Duration::from_secs(60);
/// An attempt that has less time than this is not worth starting.
const SHORTEST: Duration = Duration::from_millis(50);

/// An attempt that failed, and what is left to make another.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    /// What the row of the error's kind says.
    pub(crate) retry: Retry,
    /// Whether the service can have acted.
    pub(crate) outcome: Outcome,
    /// What repeating would do.
    pub(crate) idempotency: Idempotency,
    /// Whether all of the request is still there to send: a stream is gone once it was sent.
    pub(crate) replayable: bool,
    /// How many more attempts the configuration allows.
    pub(crate) left: u32,
    /// How long the service asks to wait, if it does.
    pub(crate) asked: Option<Duration>,
    /// How long we would wait by ourselves.
    pub(crate) pause: Duration,
    /// What is added to the longer of the two, so that those who were told the same do not come together.
    pub(crate) spread: Duration,
    /// Time until the deadline, if there is one.
    pub(crate) remaining: Option<Duration>,
    /// Time until the service may have forgotten the key, of a request that carries one.
    pub(crate) known: Duration,
}

/// What becomes of an attempt that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is made again after this time, if the budget allows it.
    Repeat(Duration),
    /// Repeating it could do harm or cannot help.
    Final,
    /// It may be repeated, and was often enough.
    Exhausted,
    /// It may have been applied, and by then the service may have forgotten its key.
    Forgotten,
    /// It may be repeated, but not before this time, and that is too late for this call.
    Later(Duration),
}

/// The rule: the kind's row allows it; and the service cannot have acted, or repeating does no harm; and
/// there is something left to send, an attempt left to make, and time left to make it in.
pub(crate) fn verdict(case: &Case) -> Verdict {
    if !case.replayable || !may_repeat(case) {
        return Verdict::Final;
    }
    if case.left == 0 {
        return Verdict::Exhausted;
    }
    let wait = case.pause.max(case.asked.unwrap_or_default()) + case.spread;
    let by_key = case.outcome == Outcome::Unknown && case.idempotency == Idempotency::Keyed;
    if by_key && wait + SHORTEST > case.known {
        return Verdict::Forgotten;
    }
    let late = case.remaining.is_some_and(|remaining| wait + SHORTEST > remaining);
    if late || case.asked.is_some_and(|asked| asked > LONGEST) {
        // Without what was added for ourselves: the caller's own retry adds its own.
        return Verdict::Later(case.pause.max(case.asked.unwrap_or_default()));
    }
    Verdict::Repeat(wait)
}

fn may_repeat(case: &Case) -> bool {
    use Idempotency::{Idempotent, Keyed, Safe, Unsafe};
    // What can have been applied is repeated only if that does no harm.
    let harmless = match case.outcome {
        Outcome::Applied => return false,
        Outcome::NotSent | Outcome::Rejected => true,
        Outcome::Unknown => case.idempotency != Unsafe,
    };
    harmless
        && match (case.retry, case.idempotency) {
            (Retry::Never | Retry::Refresh, _) => false,
            (Retry::Transient, _) => true,
            (Retry::Paced, Unsafe) => case.outcome == Outcome::NotSent || case.asked.is_some(),
            (Retry::Paced, Safe | Idempotent | Keyed) => true,
            (Retry::Harmless, Safe | Keyed) => true,
            (Retry::Harmless, Idempotent | Unsafe) => case.outcome != Outcome::Unknown,
        }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use trunkline_core::Kind;

    use super::*;

    fn case(kind: Kind, outcome: Outcome, idempotency: Idempotency) -> Case {
        Case {
            retry: kind.row().retry,
            outcome,
            idempotency,
            replayable: true,
            left: 1,
            asked: None,
            pause: Duration::from_millis(100),
            spread: Duration::ZERO,
            remaining: None,
            known: Duration::MAX,
        }
    }

    fn repeats(case: &Case) -> bool {
        matches!(verdict(case), Verdict::Repeat(_))
    }

    #[test]
    fn the_table_of_what_is_repeated() {
        use Idempotency::{Idempotent, Keyed, Safe, Unsafe};
        use Outcome::{NotSent, Rejected, Unknown};
        for (kind, outcome, [safe, idempotent, keyed, other]) in [
            // No connection: whatever it was, it was not sent.
            (Kind::Unavailable, NotSent, [true, true, true, true]),
            (Kind::Timeout, NotSent, [true, true, true, true]),
            // A reset, no answer, 502, 503, 504, 408: it may have been applied.
            (Kind::Unavailable, Unknown, [true, true, true, false]),
            (Kind::Timeout, Unknown, [true, true, true, false]),
            (Kind::RequestTimeout, Unknown, [true, true, true, false]),
            // 500: not what changes something, unless it has a key.
            (Kind::Failed, Unknown, [true, false, true, false]),
            // 425, 429 without a word on how long.
            (Kind::RateLimited, Rejected, [true, true, true, false]),
            // A conflict that the service has undone.
            (Kind::Contended, Rejected, [true, true, true, true]),
            // 4xx, 501, 505, answers that are none, and all that is ours.
            (Kind::Rejected, Rejected, [false; 4]),
            (Kind::Forbidden, Rejected, [false; 4]),
            (Kind::Unauthenticated, Rejected, [false; 4]),
            (Kind::Protocol, Unknown, [false; 4]),
            (Kind::Throttled, NotSent, [false; 4]),
            (Kind::CircuitOpen, NotSent, [false; 4]),
            (Kind::Blocked, NotSent, [false; 4]),
            (Kind::InvalidConfig, NotSent, [false; 4]),
        ] {
            for (idempotency, expected) in
                [(Safe, safe), (Idempotent, idempotent), (Keyed, keyed), (Unsafe, other)]
            {
                assert_eq!(
                    repeats(&case(kind, outcome, idempotency)),
                    expected,
                    "{kind} {outcome:?} {idempotency:?}"
                );
            }
        }
        let told = Case { asked: Some(Duration::from_secs(2)), ..case(Kind::RateLimited, Rejected, Unsafe) };
        assert!(repeats(&told), "429 says that it did not act, and when to come again");
    }

    #[test]
    fn what_may_have_been_applied_is_repeated_under_its_key_only_while_the_service_knows_it() {
        use Idempotency::{Idempotent, Keyed, Safe, Unsafe};
        use Outcome::{NotSent, Rejected, Unknown};
        let after = |outcome, idempotency, known| {
            let known = Duration::from_millis(known);
            verdict(&Case { known, ..case(Kind::Unavailable, outcome, idempotency) })
        };
        let wait = Verdict::Repeat(Duration::from_millis(100));
        assert_eq!(after(Unknown, Keyed, 150), wait);
        assert_eq!(after(Unknown, Keyed, 149), Verdict::Forgotten);
        // What was not applied needs no key to be repeated, nor does what does no harm.
        for (outcome, idempotency) in
            [(NotSent, Keyed), (Rejected, Keyed), (NotSent, Unsafe), (Unknown, Safe), (Unknown, Idempotent)]
        {
            assert_eq!(after(outcome, idempotency, 0), wait, "{outcome:?} {idempotency:?}");
        }
    }

    #[test]
    fn the_longest_wait_wins_and_one_that_does_not_fit_is_not_begun() {
        let told = |asked: u64, remaining: Option<u64>| {
            verdict(&Case {
                asked: Some(Duration::from_secs(asked)),
                pause: Duration::from_secs(3),
                spread: Duration::from_millis(100),
                remaining: remaining.map(Duration::from_secs),
                ..case(Kind::RateLimited, Outcome::Rejected, Idempotency::Safe)
            })
        };
        let millis = Duration::from_millis;
        assert_eq!(told(2, None), Verdict::Repeat(millis(3100)));
        assert_eq!(told(5, Some(30)), Verdict::Repeat(millis(5100)));
        assert_eq!(told(5, Some(5)), Verdict::Later(millis(5000)));
        assert_eq!(told(3600, None), Verdict::Later(millis(3_600_000)));
    }

    fn any_case() -> impl Strategy<Value = Case> {
        use Idempotency::{Idempotent, Keyed, Safe, Unsafe};
        use Outcome::{Applied, NotSent, Rejected, Unknown};
        let wait = || prop::option::of((0_u64..100_000).prop_map(Duration::from_millis));
        (
            prop::sample::select(Kind::ALL),
            prop::sample::select(vec![NotSent, Rejected, Applied, Unknown]),
            prop::sample::select(vec![Safe, Idempotent, Keyed, Unsafe]),
            any::<bool>(),
            0_u32..3,
            wait(),
            (0_u64..20_000, 0_u64..1000),
            wait(),
            wait(),
        )
            .prop_map(
                |(kind, outcome, idempotency, replayable, left, asked, (pause, spread), remaining, known)| {
                    Case {
                        retry: kind.row().retry,
                        outcome,
                        idempotency,
                        replayable,
                        left,
                        asked,
                        pause: Duration::from_millis(pause),
                        spread: Duration::from_millis(spread),
                        remaining,
                        known: known.unwrap_or(Duration::MAX),
                    }
                },
            )
    }

    proptest! {
        #[test]
        fn nothing_that_can_do_harm_is_repeated(case in any_case()) {
            let Verdict::Repeat(wait) = verdict(&case) else { return Ok(()) };
            let harmless = matches!(case.outcome, Outcome::NotSent | Outcome::Rejected)
                || (case.outcome == Outcome::Unknown && case.idempotency != Idempotency::Unsafe);
            prop_assert!(harmless && case.replayable && case.left > 0);
            prop_assert!(!matches!(case.retry, Retry::Never | Retry::Refresh));
            prop_assert!(wait >= case.asked.unwrap_or_default() && wait >= case.pause);
            prop_assert!(case.remaining.is_none_or(|remaining| wait < remaining));
            let by_key = case.outcome == Outcome::Unknown && case.idempotency == Idempotency::Keyed;
            prop_assert!(!by_key || wait < case.known);
        }

        #[test]
        fn what_is_harmless_and_passes_by_itself_is_repeated(case in any_case()) {
            let free = Case { remaining: None, known: Duration::MAX, asked: None, left: 1, replayable: true, ..case };
            let harmless = matches!(free.outcome, Outcome::NotSent | Outcome::Rejected)
                || (free.outcome == Outcome::Unknown && free.idempotency != Idempotency::Unsafe);
            prop_assert_eq!(repeats(&free), harmless && free.retry == Retry::Transient
                || harmless && free.retry == Retry::Paced && (free.idempotency != Idempotency::Unsafe || free.outcome == Outcome::NotSent)
                || harmless && free.retry == Retry::Harmless && (free.idempotency != Idempotency::Idempotent || free.outcome != Outcome::Unknown));
        }
    }
}
