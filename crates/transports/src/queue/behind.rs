//! `Behind`: how far groups are behind, as was last found out, and whether it is time to ask again.

use std::{
    cmp::Reverse,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{runtime, time::Instant};
use trunkline_core::{Lag, Result};

use super::{broker::Broker, client::Inner};

/// Whoever reads what is counted has the broker asked for the next who does, no more often than that.
const AGAIN: Duration = Duration::from_secs(5);
/// So many groups are told of: those that are farthest behind. Each is a series of a metric.
const MOST: usize = 64;
/// So many of them in one line.
const IN_LINE: usize = 8;

/// What was found out last.
#[derive(Debug, Default)]
pub(super) struct Behind(Mutex<Found>);

#[derive(Debug, Default)]
struct Found {
    /// When it was last asked for.
    asked: Option<Instant>,
    each: Vec<Lag>,
}

impl Behind {
    /// How far each group is behind.
    pub(super) fn each(&self) -> Vec<Lag> {
        self.found().each.clone()
    }

    /// Whether it is time to ask. Whoever hears so asks.
    fn is_due(&self) -> bool {
        let mut found = self.found();
        let due = found.asked.is_none_or(|asked| asked.elapsed() >= AGAIN);
        if due {
            found.asked = Some(Instant::now());
        }
        due
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<B: Broker> Inner<B> {
    /// Asks how far groups are behind: those that are farthest first.
    ///
    /// # Errors
    ///
    /// Those of [`Broker::lag`]. Then nothing is known any more.
    pub(super) async fn ask_lag(&self, link: &B::Link) -> Result<Vec<Lag>> {
        let asked = Instant::now();
        let answer = self.broker.lag(link).await.map(|mut each| {
            each.sort_by(|one, other| {
                let of = |lag: &Lag| (Reverse(lag.messages), lag.queue.clone(), lag.group.clone());
                of(one).cmp(&of(other))
            });
            each.truncate(MOST);
            each
        });
        let each = answer.as_ref().map(Clone::clone).unwrap_or_default();
        *self.behind.found() = Found { asked: Some(asked), each };
        answer
    }

    /// What was found out is read: the broker is asked again for whoever reads it next, where there is a connection to it.
    pub(super) fn is_read(self: &Arc<Self>) {
        if let Some(link) = self.line.present()
            && let Ok(runtime) = runtime::Handle::try_current()
            && self.behind.is_due()
        {
            let this = self.clone();
            runtime.spawn(async move { this.ask_lag(&link).await });
        }
    }
}

/// How far groups are behind in one line, such as `orders (billing): 12, orders (trunkline): 0`.
pub(super) fn told(each: &[Lag]) -> String {
    let one = |Lag { queue, group, messages }: &Lag| match group {
        Some(group) => format!("{queue} ({group}): {messages}"),
        None => format!("{queue}: {messages}"),
    };
    let mut told: Vec<_> = each.iter().take(IN_LINE).map(one).collect();
    if let more @ 1.. = each.len().saturating_sub(IN_LINE) {
        told.push(format!("and {more} more"));
    }
    told.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_are_told_in_a_line_and_how_many_more_there_are() {
        let lag = |n: u64, group: Option<&str>| Lag {
            queue: format!("q{n}"),
            group: group.map(str::to_owned),
            messages: n,
        };
        assert_eq!(told(&[lag(3, Some("g")), lag(2, None)]), "q3 (g): 3, q2: 2");
        let many: Vec<_> = (0..10).map(|n| lag(n, None)).collect();
        assert!(told(&many).ends_with("q7: 7, and 2 more"), "{}", told(&many));
    }
}
