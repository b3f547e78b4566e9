//! `Bridge`: what an integration of messages passes on to other integrations, for as long as its handle is the one that calls
//! get. It uses nothing but what every caller can: it pulls, calls and acknowledges through the handles' pipelines.

mod deliver;
pub(crate) mod fate;
pub(crate) mod key;
mod mark;
mod marks;
pub(crate) mod message;
mod route;
mod run;
mod status;
pub(crate) mod target;
mod template;
mod turns;
mod writer;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use serde::Deserialize;
use tokio::{runtime, sync::Notify};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trunkline_core::{Error, IntegrationId, Result, Seconds, TransportDyn, parse};
use trunkline_store::Store;
use trunkline_transports::{ForwardConfig, QueueConfig};

pub use self::status::ForwardState;
use self::{
    marks::Marks,
    route::Route,
    run::{Work, run},
    status::Status,
};
use crate::{Handle, IntegrationConfig, manager::Weakly};

/// The type of integration that has messages to pass on.
const TYPE: &str = "message_queue";
/// How long calls that are under way may take to end when the bridge stops.
const GRACE: Duration = Duration::from_secs(5);

/// All that an integration passes on.
pub(crate) struct Bridge {
    entries: Vec<Arc<Entry>>,
    running: OnceLock<Running>,
}

/// One queue that is passed on to one integration.
struct Entry {
    route: Route,
    status: Status,
}

/// What passes messages on now.
struct Running {
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Where bridges run, and whom they call.
pub(crate) struct Home {
    /// That of the manager: those of callers may end sooner.
    runtime: runtime::Handle,
    stop: CancellationToken,
    manager: Weakly,
    marks: Arc<Marks>,
    /// Rung when there are other integrations than before.
    changed: Arc<Notify>,
}

impl Home {
    /// Here, until `stop`.
    pub(crate) fn new(stop: CancellationToken, manager: Weakly, store: &Arc<dyn Store>) -> Self {
        let marks = Marks::new(store);
        Self { runtime: runtime::Handle::current(), stop, manager, marks, changed: Arc::default() }
    }

    /// An integration is not there any more, and what it had under way has ended.
    pub(crate) async fn forget(&self, integration: &IntegrationId) {
        if let Err(error) = self.marks.forget(integration).await {
            tracing::warn!(%integration, %error, "marks of an integration that was removed are kept for 14 days");
        }
    }

    /// There are other integrations than before.
    pub(crate) fn changed(&self) {
        self.changed.notify_waiters();
    }
}

/// What is read of a configuration, which the transport has checked.
#[derive(Default, Deserialize)]
struct Keys {
    #[serde(default)]
    forward: Vec<ForwardConfig>,
    #[serde(default)]
    ack_timeout: Option<Seconds>,
}

impl Keys {
    fn of(config: &IntegrationConfig) -> Result<Self> {
        let document = config.document();
        if config.r#type() != TYPE || !document.contains_key("forward") {
            return Ok(Self::default());
        }
        let keys = ["forward", "ack_timeout"].into_iter();
        let keys = keys.filter_map(|key| Some((key.to_owned(), document.get(key)?.clone())));
        parse::value(keys.collect(), "")
    }
}

impl Bridge {
    /// What a configuration passes on; `None` where that is nothing. `transport` is what it was opened as.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key below `forward`.
    pub(crate) fn open(
        config: &IntegrationConfig,
        transport: &dyn TransportDyn,
    ) -> Result<Option<Box<Self>>> {
        let Keys { forward, ack_timeout } = Keys::of(config)?;
        let hold = ack_timeout.map_or(QueueConfig::ACK_TIMEOUT, Seconds::get);
        let entries = forward.iter().enumerate().map(|(n, entry)| {
            let place = format!("forward[{n}]");
            let route = Route::open(entry, config.id(), hold, &place, transport)?;
            Ok(Arc::new(Entry { route, status: Status::default() }))
        });
        let entries = entries.collect::<Result<Vec<_>>>()?;
        Ok((!entries.is_empty()).then(|| Box::new(Self { entries, running: OnceLock::new() })))
    }

    /// Refuses what only an integration without placeholders can do.
    ///
    /// # Errors
    ///
    /// `invalid_config` where anything is passed on.
    pub(crate) fn none_for_connections(config: &IntegrationConfig) -> Result<()> {
        match Keys::of(config)?.forward.is_empty() {
            true => Ok(()),
            false => Err(Error::invalid(
                "forward: needs an integration without placeholders of connections; register one for each that forwards",
            )),
        }
    }

    /// Begins, once.
    pub(crate) fn begin(&self, queue: &Arc<Handle>, home: &Home) {
        self.running.get_or_init(|| {
            let (stop, tasks) = (home.stop.child_token(), TaskTracker::new());
            for entry in &self.entries {
                let work = Work {
                    entry: entry.clone(),
                    queue: queue.clone(),
                    manager: home.manager.clone(),
                    marks: home.marks.clone(),
                    changed: home.changed.clone(),
                    stop: stop.clone(),
                };
                entry.status.begun();
                tasks.spawn_on(run(Arc::new(work)), &home.runtime);
            }
            tasks.close();
            Running { stop, tasks }
        });
    }

    /// Pulls no more, and begins no more calls.
    pub(crate) fn stop(&self) {
        if let Some(running) = self.running.get() {
            running.stop.cancel();
        }
    }

    /// Stops, and waits until what is under way has ended: for a few seconds at most.
    pub(crate) async fn ended(&self) {
        if let Some(running) = self.running.get() {
            running.stop.cancel();
            running.tasks.wait().await;
        }
    }

    /// How each stands.
    pub(crate) fn state(&self) -> Vec<ForwardState> {
        self.entries.iter().map(|entry| entry.status.state(&entry.route)).collect()
    }

    /// What keeps messages from being passed on, if anything does.
    pub(crate) fn trouble(&self) -> Option<String> {
        self.entries.iter().find_map(|entry| entry.status.trouble(&entry.route))
    }
}
