//! `Sessions`: by which id a group finds its session again, after a restart too, and who in this process has it at the moment.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use sha2::{Digest, Sha256};
use tokio::{
    sync::{Mutex as Turn, OwnedMutexGuard},
    time::timeout,
};
use trunkline_core::Context;
use uuid::Uuid;

/// The sessions of this process.
#[derive(Debug)]
pub(super) struct Sessions {
    /// Stands for the process where nothing tells it from others after a restart.
    process: String,
    held: Mutex<HashMap<String, Weak<Turn<()>>>>,
}

/// Whoever has a session has so long to give it up: an integration that was changed gives back what was out.
const PATIENCE: Duration = Duration::from_secs(10);

impl Default for Sessions {
    fn default() -> Self {
        Self { process: Uuid::new_v4().to_string(), held: Mutex::default() }
    }
}

impl Sessions {
    /// The client id of whoever reads `source` as `group` for `owner` here. No two of these are the same: of two with one id
    /// the broker ends the first.
    pub(super) fn id(&self, context: &Context, owner: &str, group: &str, source: &str) -> String {
        let instance = context.instance().unwrap_or(&self.process);
        let digest = Sha256::digest(format!("{instance}\0{owner}\0{group}\0{source}"));
        let digest = u128::from_be_bytes(digest[..16].try_into().expect("sixteen bytes"));
        format!("trunkline-g{digest:032x}")
    }

    /// The session for whoever comes next, once nobody else here has a connection for it; after a while all the same.
    pub(super) async fn hold(&self, id: &str) -> Option<OwnedMutexGuard<()>> {
        let turn = {
            let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
            held.retain(|_, turn| turn.strong_count() > 0);
            match held.get(id).and_then(Weak::upgrade) {
                Some(turn) => turn,
                None => {
                    let turn = Arc::new(Turn::new(()));
                    held.insert(id.to_owned(), Arc::downgrade(&turn));
                    turn
                }
            }
        };
        timeout(PATIENCE, turn.lock_owned()).await.ok()
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::{Egress, Profile};

    use super::*;

    #[test]
    fn a_session_is_found_again_by_its_instance_and_by_no_other() {
        let context = || Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let (first, second) = (Sessions::default(), Sessions::default());
        let named = context().with_instance("a");
        let id = first.id(&named, "shop", "g", "orders");
        assert_eq!(second.id(&named, "shop", "g", "orders"), id);
        for other in [
            second.id(&context().with_instance("b"), "shop", "g", "orders"),
            second.id(&named, "shop2", "g", "orders"),
            second.id(&named, "shop", "h", "orders"),
            second.id(&named, "shop", "g", "orders/2"),
            second.id(&context(), "shop", "g", "orders"),
        ] {
            assert_ne!(other, id);
        }
        assert_ne!(first.id(&context(), "", "g", "q"), second.id(&context(), "", "g", "q"));
        assert_eq!(first.id(&context(), "", "g", "q"), first.id(&context(), "", "g", "q"));
    }

    #[tokio::test(start_paused = true)]
    async fn one_at_a_time_has_a_session_and_nobody_waits_for_ever() {
        let sessions = Sessions::default();
        let first = sessions.hold("a").await;
        assert!(first.is_some() && sessions.hold("b").await.is_some());
        assert!(sessions.hold("a").await.is_none());
        drop(first);
        assert!(sessions.hold("a").await.is_some());
    }
}
