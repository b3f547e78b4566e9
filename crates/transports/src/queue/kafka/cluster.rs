//! `Cluster`: which brokers there are and who leads what, found out from those that are named in the address; and a
//! connection to each. Wherever a broker says that another is reached, the egress guard is asked before it is dialled.

mod once;

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use tokio::time::Instant;
use trunkline_core::{Error, Kind, Outcome, Result, Retry};

use self::once::Once;
use super::{
    codes,
    messages::{
        Request,
        metadata::{Broker, FindCoordinator, Metadata, TopicView, View},
    },
    target::Target,
    wire::Connection,
};

/// When what is known is asked for anew although nothing says that it is wrong (`metadata.max.age.ms`).
const MAX_AGE: Duration = Duration::from_secs(300);

/// For so long a topic that was not there is taken to be missing still: whoever names one that is not disturbs nobody else.
const MISSING: Duration = Duration::from_millis(500);

/// A cluster.
#[derive(Debug)]
pub(super) struct Cluster {
    target: Target,
    /// Where the address leads.
    bootstrap: Vec<(String, u16)>,
    /// Whether brokers may make topics that are asked for.
    create: bool,
    /// Whether no broker could be reached the last time that one was looked for.
    lost: AtomicBool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// What is asked about: the topics that are in use.
    topics: BTreeSet<String>,
    view: Once<Arc<Known>>,
    connections: HashMap<Place, Once<Connection>>,
}

/// Which broker is meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Place {
    /// One of those that are named in the address.
    Bootstrap(usize),
    /// One that was told of; where it is as well, for a broker that has moved is another one.
    Node(i32, String, u16),
}

/// What is known of a cluster.
#[derive(Debug)]
pub(super) struct Known {
    read_at: Instant,
    pub(super) brokers: HashMap<i32, Broker>,
    pub(super) cluster_id: Option<String>,
    pub(super) controller: i32,
    topics: HashMap<String, Arc<TopicView>>,
    asked: BTreeSet<String>,
}

impl Cluster {
    /// A cluster that is found at `bootstrap`, of which there is at least one. Nothing is sent yet.
    pub(super) fn new(target: Target, bootstrap: Vec<(String, u16)>, create: bool) -> Arc<Self> {
        let lost = AtomicBool::new(false);
        Arc::new(Self { target, bootstrap, create, lost, state: Mutex::default() })
    }

    /// What is known, asked for if it is not or is old.
    ///
    /// # Errors
    ///
    /// As [`Cluster::any`] and [`Connection::ask`], with outcome `not_sent`: it only looks.
    pub(super) async fn known(&self, until: Instant) -> Result<Arc<Known>> {
        let slot = {
            let mut state = self.lock();
            let fresh = |known: &Arc<Known>| known.read_at.elapsed() < MAX_AGE;
            if state.view.get().is_some_and(|known| !fresh(known)) {
                state.view = Once::default();
            }
            state.view.clone()
        };
        slot.get_or_try(until, || self.look(until)).await.map_err(|error| error.outcome_is(Outcome::NotSent))
    }

    /// Forgets what is known, if it still is what the caller went by: of many who find out at once, one asks.
    pub(super) fn forget(&self, known: &Arc<Known>) {
        let mut state = self.lock();
        if state.view.get().is_some_and(|current| Arc::ptr_eq(current, known)) {
            state.view = Once::default();
        }
    }

    /// Forgets what is known, whatever that is.
    pub(super) fn refresh(&self) {
        self.lock().view = Once::default();
    }

    /// A topic and its partitions, and what it was found in.
    ///
    /// # Errors
    ///
    /// As [`Cluster::known`]; `rejected` where there is no such topic, `forbidden`; all with outcome `not_sent`.
    pub(super) async fn topic(&self, name: &str, until: Instant) -> Result<(Arc<TopicView>, Arc<Known>)> {
        let mut known = self.known(until).await?;
        // Another look may be under way that does not ask about it: then there has to be one more.
        for _ in 0..2 {
            let missing = known.topics.get(name).is_none_or(|topic| topic.error != 0);
            let old = missing && known.read_at.elapsed() >= MISSING;
            if known.asked.contains(name) && !old {
                break;
            }
            self.lock().topics.insert(name.to_owned());
            self.forget(&known);
            known = self.known(until).await?;
        }
        match known.topics.get(name).cloned() {
            Some(topic) if topic.error == 0 => Ok((topic, known)),
            Some(topic) => {
                // It is asked about again by whoever names it again.
                self.lock().topics.remove(name);
                let error =
                    codes::refused(topic.error, &format!("there is no topic {name} to be seen"), None);
                Err(error.outcome_is(Outcome::NotSent))
            }
            None => {
                let message =
                    format!("the brokers say nothing of topic {name}; see whether it is Kafka that answers");
                Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent))
            }
        }
    }

    /// The id of the broker that leads a partition, and what that was found in.
    ///
    /// # Errors
    ///
    /// As [`Cluster::topic`]; `rejected` where there is no such partition, `unavailable` where nobody leads it.
    pub(super) async fn leader(
        &self,
        topic: &str,
        partition: i32,
        until: Instant,
    ) -> Result<(i32, Arc<Known>)> {
        let (view, known) = self.topic(topic, until).await?;
        let found = view.partitions.iter().find(|found| found.index == partition);
        let found = found.ok_or_else(|| {
            let count = view.partitions.len();
            let message =
                format!("topic {topic} has no partition {partition}; it has {count}, counted from 0; name one of them, or none");
            Error::new(Kind::Rejected, message).outcome_is(Outcome::NotSent)
        })?;
        if found.leader < 0 || !known.brokers.contains_key(&found.leader) {
            self.forget(&known);
            let message = format!(
                "partition {partition} of topic {topic} has no leader at the moment; see that its brokers are up"
            );
            return Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent));
        }
        Ok((found.leader, known))
    }

    /// The shared connection to a broker.
    ///
    /// # Errors
    ///
    /// As [`Target::connect`]; `unavailable` where the broker is not known.
    pub(super) async fn connection(&self, node: i32, known: &Known, until: Instant) -> Result<Connection> {
        let (host, port) = address(node, known)?;
        self.shared(Place::Node(node, host.clone(), port), &host, port, until).await
    }

    /// A connection of one's own to a broker, for requests that brokers take their time to answer: what comes behind
    /// these on the same connection has to wait.
    ///
    /// # Errors
    ///
    /// As [`Cluster::connection`].
    pub(super) async fn own(&self, node: i32, known: &Known, until: Instant) -> Result<Connection> {
        let (host, port) = address(node, known)?;
        self.target.connect(&host, port, until).await
    }

    /// A connection to whichever broker answers: one that is open, or else the first that can be reached.
    ///
    /// # Errors
    ///
    /// As [`Target::connect`], of the last that was tried.
    pub(super) async fn any(&self, until: Instant) -> Result<Connection> {
        let (open, nodes) = {
            let state = self.lock();
            let open = state.connections.values().filter_map(Once::get).find(|open| open.is_open()).cloned();
            let nodes = state.connections.keys().filter(|place| matches!(place, Place::Node(..))).cloned();
            (open, nodes.collect::<Vec<_>>())
        };
        if let Some(open) = open {
            return Ok(open);
        }
        let named = self
            .bootstrap
            .iter()
            .enumerate()
            .map(|(at, (host, port))| (Place::Bootstrap(at), host.clone(), *port));
        let told = nodes.into_iter().filter_map(|place| match &place {
            Place::Node(_, host, port) => Some((place.clone(), host.clone(), *port)),
            Place::Bootstrap(_) => None,
        });
        let mut last = Error::invalid("base_url: names no broker; name one");
        let all: Vec<_> = named.chain(told).collect();
        for (at, (place, host, port)) in all.iter().enumerate() {
            // One that is silent leaves time for the others.
            let share = until.saturating_duration_since(Instant::now()) / (all.len() - at) as u32;
            match self.shared(place.clone(), host, *port, Instant::now() + share).await {
                Ok(connection) => {
                    self.lost.store(false, Relaxed);
                    return Ok(connection);
                }
                Err(error) => last = error,
            }
            if until <= Instant::now() {
                break;
            }
        }
        self.lost.store(true, Relaxed);
        Err(last)
    }

    /// Asks whichever broker answers. One that is silent or has just gone is not asked again: another may know.
    ///
    /// # Errors
    ///
    /// As [`Cluster::any`] and [`Connection::ask`].
    pub(super) async fn ask_any<R: Request>(&self, request: &R, until: Instant) -> Result<R::Reply> {
        let connection = self.any(until).await?;
        let half = Instant::now() + until.saturating_duration_since(Instant::now()) / 2;
        match connection.ask(request, half).await {
            Err(error) if error.kind().row().retry == Retry::Transient => {
                connection.retire();
                self.any(until).await?.ask(request, until).await
            }
            reply => reply,
        }
    }

    /// Whether no broker could be reached the last time that one was looked for.
    pub(super) fn is_lost(&self) -> bool {
        self.lost.load(Relaxed)
    }

    /// The broker that coordinates a group.
    ///
    /// # Errors
    ///
    /// As [`Cluster::any`]; whatever the brokers refuse.
    pub(super) async fn coordinator(&self, group: &str, until: Instant) -> Result<(i32, Arc<Known>)> {
        let found = self.ask_any(&FindCoordinator { group }, until).await?;
        let what = format!("nobody coordinates the group {group}");
        codes::accepted(found.error, &what, found.reason.as_deref())?;
        let known = self.known(until).await?;
        if known.brokers.contains_key(&found.broker.id) {
            return Ok((found.broker.id, known));
        }
        // It is newer than what is known.
        self.forget(&known);
        Ok((found.broker.id, self.known(until).await?))
    }

    async fn shared(&self, place: Place, host: &str, port: u16, until: Instant) -> Result<Connection> {
        let slot = {
            let mut state = self.lock();
            state
                .connections
                .retain(|other, slot| *other == place || slot.get().is_none_or(Connection::is_open));
            let slot = state.connections.entry(place).or_default();
            if slot.get().is_some_and(|connection| !connection.is_open()) {
                *slot = Once::default();
            }
            slot.clone()
        };
        slot.get_or_try(until, || self.target.connect(host, port, until)).await
    }

    /// Asks a broker what there is.
    async fn look(&self, until: Instant) -> Result<Arc<Known>> {
        let asked = self.lock().topics.clone();
        let topics: Vec<_> = asked.iter().cloned().collect();
        let request = Metadata { topics: Some(&topics), create: self.create };
        let view = self.ask_any(&request, until).await?;
        Ok(Arc::new(known(view, asked)))
    }

    /// All topics of the cluster, but for those that brokers have for themselves.
    ///
    /// # Errors
    ///
    /// As [`Cluster::any`] and [`Connection::ask`].
    pub(super) async fn all_topics(&self, until: Instant) -> Result<Vec<TopicView>> {
        let request = Metadata { topics: None, create: false };
        let view = self.any(until).await?.ask(&request, until).await?;
        Ok(view.topics.into_iter().filter(|topic| !topic.internal).collect())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn known(view: View, asked: BTreeSet<String>) -> Known {
    Known {
        read_at: Instant::now(),
        brokers: view.brokers.into_iter().map(|broker| (broker.id, broker)).collect(),
        cluster_id: view.cluster_id,
        controller: view.controller,
        topics: view.topics.into_iter().map(|topic| (topic.name.clone(), Arc::new(topic))).collect(),
        asked,
    }
}

fn address(node: i32, known: &Known) -> Result<(String, u16)> {
    let broker = known.brokers.get(&node).and_then(|broker| {
        // An address of IPv6 stands in brackets where a host does.
        let bare = broker.host.contains(':') && !broker.host.starts_with('[');
        let host = if bare { format!("[{}]", broker.host) } else { broker.host.clone() };
        u16::try_from(broker.port).ok().map(|port| (host, port))
    });
    broker.ok_or_else(|| {
        let message = format!("the cluster does not say where its broker {node} is reached; see that it is up, and its advertised.listeners");
        Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent)
    })
}
