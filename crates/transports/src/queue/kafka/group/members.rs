//! `Members`: who of this process is a member of a group, or is about to leave it, so that nobody joins between two words of
//! somebody's goodbye.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

/// The members of one integration, whatever connections they have.
#[derive(Debug, Default)]
pub(in crate::queue::kafka) struct Members(Mutex<Vec<Known>>);

/// One of them.
#[derive(Debug, Clone)]
struct Known {
    group: String,
    /// Whether it is to leave.
    leave: CancellationToken,
    /// Whether the group has heard that, or cannot be told.
    left: CancellationToken,
}

impl Members {
    /// Takes down another one, which leaves when `leave` says so. It has left when what comes back is dropped.
    pub(super) fn enter(&self, group: &str, leave: &CancellationToken) -> DropGuard {
        let left = CancellationToken::new();
        let known = Known { group: group.to_owned(), leave: leave.clone(), left: left.clone() };
        self.here().push(known);
        left.drop_guard()
    }

    /// Waits for those to be gone who are leaving a group. A coordinator to whom a member who leaves is still a member has
    /// the group share out twice, and waits for it in between.
    pub(super) async fn none_leaves(&self, group: &str) {
        let leaving: Vec<_> = {
            let here = self.here();
            here.iter().filter(|known| known.group == group && known.leave.is_cancelled()).cloned().collect()
        };
        for known in leaving {
            known.left.cancelled().await;
        }
    }

    /// Waits for all to be gone, for so long at most.
    pub(in crate::queue::kafka) async fn all_gone(&self, patience: Duration) {
        let all = self.here().clone();
        let gone = async {
            for known in all {
                known.left.cancelled().await;
            }
        };
        // Who stays longer has somebody who still holds a message, and is missed after the session timeout.
        let _ = timeout(patience, gone).await;
    }

    /// Those who have not left.
    fn here(&self) -> MutexGuard<'_, Vec<Known>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|known| !known.left.is_cancelled());
        all
    }
}

#[cfg(test)]
mod tests {
    use std::pin::pin;

    use futures_util::poll;

    use super::*;

    #[tokio::test]
    async fn whoever_joins_a_group_waits_for_those_who_are_leaving_it_and_for_nobody_else() {
        let (members, leave) = (Members::default(), [0; 3].map(|_| CancellationToken::new()));
        let [stays, leaves, elsewhere] =
            [("g", 0), ("g", 1), ("h", 2)].map(|(g, n)| members.enter(g, &leave[n]));
        assert!(poll!(pin!(members.none_leaves("g"))).is_ready());
        leave[2].cancel();
        assert!(poll!(pin!(members.none_leaves("g"))).is_ready(), "another group");
        leave[1].cancel();
        let mut joins = pin!(members.none_leaves("g"));
        assert!(poll!(&mut joins).is_pending());
        drop(leaves);
        joins.await;
        assert!(poll!(pin!(members.none_leaves("h"))).is_pending());
        let mut gone = pin!(members.all_gone(Duration::from_secs(60)));
        assert!(poll!(&mut gone).is_pending());
        drop((stays, elsewhere));
        gone.await;
    }
}
