//! `Leaving`: schemes whose handles are gone and that have something under way which must not be lost.

use std::sync::{Arc, OnceLock};

use tokio::runtime;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trunkline_core::{Context, SchemeDyn};

/// The schemes that are waited for, of all handles of a manager. It is found by the context: handles have no room for it.
#[derive(Default)]
pub(crate) struct Leaving(OnceLock<Home>);

/// Where they are waited for.
struct Home {
    /// That of the manager: those of callers may end sooner.
    runtime: runtime::Handle,
    tasks: TaskTracker,
    over: CancellationToken,
}

impl Leaving {
    /// From now on schemes are waited for, in this runtime, and no longer than until `over`.
    pub(crate) fn begin(&self, over: CancellationToken) {
        let tasks = TaskTracker::new();
        // Those that come later are waited for all the same.
        tasks.close();
        let _ = self.0.set(Home { runtime: runtime::Handle::current(), tasks, over });
    }

    /// Lets a scheme end what it has under way. One that has nothing costs a look.
    pub(crate) fn add(context: &Context, scheme: &Arc<dyn SchemeDyn>) {
        if scheme.is_busy_dyn()
            && let Some(Home { runtime, tasks, over }) = context.shared::<Self>().0.get()
        {
            let (scheme, over) = (scheme.clone(), over.clone());
            let ended = async move {
                over.run_until_cancelled(scheme.close_dyn()).await;
            };
            tasks.spawn_on(ended, runtime);
        }
    }

    /// Waits until all of them have ended.
    pub(crate) async fn ended(&self) {
        if let Some(home) = self.0.get() {
            home.tasks.wait().await;
        }
    }
}
