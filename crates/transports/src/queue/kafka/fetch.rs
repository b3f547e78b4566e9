//! `Fetcher`: reads partitions from given offsets on. There is one request under way with each broker that leads some of
//! them; what has come of it stays here until it is taken, so whoever stops waiting loses nothing.

mod position;
mod request;
mod settings;

use std::{
    collections::{BTreeMap, HashMap, HashSet, VecDeque},
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use tokio::time::{Instant, sleep_until, timeout_at};
use trunkline_core::{Error, Result, Retry};

pub(super) use self::{
    position::Read,
    settings::{Reset, Settings},
};
use self::{
    position::{PAUSE, Position},
    request::{Came, Wanted, request},
};
use super::{
    cluster::{Cluster, Known},
    codes::{self, Help},
    offsets::{self, Partition},
    wire::Connection,
};

/// For how long brokers may not be reached, or nobody lead a partition, before that is told: elections take their time.
const ELECTION: Duration = Duration::from_secs(5);

type Request = Pin<Box<dyn Future<Output = Came> + Send>>;

/// Reads partitions.
pub(super) struct Fetcher {
    cluster: Arc<Cluster>,
    settings: Settings,
    positions: BTreeMap<Partition, Position>,
    connections: HashMap<i32, Connection>,
    busy: HashSet<i32>,
    /// Since when something passes that has not passed yet.
    waits: Option<Instant>,
    under_way: FuturesUnordered<Request>,
    ready: VecDeque<Result<Read>>,
}

impl Fetcher {
    /// Reads nothing yet.
    pub(super) fn new(cluster: Arc<Cluster>, settings: Settings) -> Self {
        Self {
            cluster,
            settings,
            positions: BTreeMap::new(),
            connections: HashMap::new(),
            busy: HashSet::new(),
            waits: None,
            under_way: FuturesUnordered::new(),
            ready: VecDeque::new(),
        }
    }

    /// Whether a partition is read.
    pub(super) fn reads(&self, partition: &Partition) -> bool {
        self.positions.contains_key(partition)
    }

    /// Reads on in these partitions, and no more in others: what has come of those is forgotten.
    pub(super) fn keep(&mut self, kept: &[Partition]) {
        let others: Vec<_> = self.positions.keys().filter(|other| !kept.contains(other)).cloned().collect();
        for other in others {
            self.positions.remove(&other);
            self.forget(&other);
        }
    }

    /// Reads these partitions too, each from an offset on.
    pub(super) fn begin(&mut self, new: impl IntoIterator<Item = (Partition, i64)>) {
        for (partition, offset) in new {
            let topic = partition.0.as_str().into();
            self.forget(&partition);
            self.positions
                .insert(partition, Position { topic, offset, asked: false, not_before: Instant::now() });
        }
    }

    /// Forgets what has come of a partition.
    fn forget(&mut self, partition: &Partition) {
        let of_it = |read: &Read| (&*read.topic, read.partition) == (&*partition.0, partition.1);
        self.ready.retain(|read| !read.as_ref().is_ok_and(of_it));
    }

    /// Reads a partition from another offset on.
    pub(super) fn seek(&mut self, partition: &Partition, offset: i64) {
        if let Some(position) = self.positions.get_mut(partition) {
            (position.offset, position.asked) = (offset, false);
            self.forget(partition);
        }
    }

    /// The next records of some partition, or none where there are none until `until`.
    ///
    /// # Errors
    ///
    /// What brokers refuse, for the one partition it is said of; others are read on. `protocol` where records are damaged.
    pub(super) async fn next(&mut self, until: Instant) -> Result<Option<Read>> {
        loop {
            if let Some(ready) = self.ready.pop_front() {
                return ready.map(Some);
            }
            self.ask(until).await?;
            let now = Instant::now();
            let later = self
                .positions
                .values()
                .filter(|position| !position.asked)
                .map(|position| position.not_before);
            let wake = later.filter(|later| *later > now).min().unwrap_or(until).min(until);
            let came = match self.under_way.is_empty() {
                true => {
                    sleep_until(wake).await;
                    None
                }
                false => timeout_at(wake, self.under_way.next()).await.ok().flatten(),
            };
            match came {
                Some(came) => self.take(came, until).await?,
                None if Instant::now() >= until => return Ok(None),
                None => {}
            }
        }
    }

    /// Asks each broker that has nothing to answer for those partitions that it leads.
    async fn ask(&mut self, until: Instant) -> Result<()> {
        let now = Instant::now();
        let mut failed = None;
        let mut leaders: BTreeMap<i32, (Wanted, Arc<Known>)> = BTreeMap::new();
        let idle =
            self.positions.iter().filter(|(_, position)| !position.asked && position.not_before <= now);
        for (partition, position) in idle {
            let (node, known) = match self.cluster.leader(&partition.0, partition.1, until).await {
                Ok(found) => found,
                Err(error) => {
                    failed = Some((partition.clone(), error));
                    break;
                }
            };
            if !self.busy.contains(&node) {
                let (asked, _) = leaders.entry(node).or_insert_with(|| (Vec::new(), known));
                asked.push((partition.clone(), position.offset));
            }
        }
        if let Some((partition, error)) = failed {
            if let Some(position) = self.positions.get_mut(&partition) {
                position.not_before = now + PAUSE;
            }
            self.bear(error)?;
        }
        for (node, (asked, known)) in leaders {
            for (partition, _) in &asked {
                if let Some(position) = self.positions.get_mut(partition) {
                    position.asked = true;
                }
            }
            self.busy.insert(node);
            let open = self.connections.remove(&node).filter(Connection::is_open);
            self.under_way.push(Box::pin(request(
                self.cluster.clone(),
                self.settings,
                node,
                open,
                known,
                asked,
            )));
        }
        Ok(())
    }

    /// Takes what came of a request.
    async fn take(&mut self, came: Came, until: Instant) -> Result<()> {
        let Came { node, asked, known, result } = came;
        self.busy.remove(&node);
        let mut slices = HashMap::new();
        let result = result.and_then(|(connection, fetched)| {
            self.connections.insert(node, connection);
            codes::accepted(fetched.error, "the broker gives no records", None).map(|()| fetched)
        });
        match result {
            Ok(fetched) => {
                self.waits = None;
                for topic in fetched.topics {
                    for slice in topic.partitions {
                        slices.insert((topic.name.clone(), slice.partition), slice);
                    }
                }
            }
            Err(error) => {
                self.cluster.forget(&known);
                self.release(&asked, PAUSE);
                return self.bear(error);
            }
        }
        let mut lost = Vec::new();
        for (partition, offset) in asked {
            let slice = slices.remove(&partition);
            // What was asked for before a partition was sought elsewhere, or given to others, is void.
            let Some(position) = self.positions.get_mut(&partition) else { continue };
            if !position.asked || position.offset != offset {
                continue;
            }
            position.asked = false;
            let Some(slice) = slice else { continue };
            match slice.error {
                0 => self.ready.extend(position.unpack(&partition, slice, self.settings.uncommitted)),
                codes::OFFSET_OUT_OF_RANGE if self.settings.reset != Reset::Never => lost.push(partition),
                code => {
                    position.not_before = Instant::now() + PAUSE;
                    let what = format!(
                        "the broker gives no records of partition {} of topic {}",
                        partition.1, partition.0
                    );
                    match codes::judge(code).help {
                        Help::Look => self.cluster.forget(&known),
                        Help::Time => {}
                        Help::None => self.ready.push_back(Err(codes::refused(code, &what, None))),
                    }
                }
            }
        }
        if let Some(time) = self.settings.reset.time()
            && !lost.is_empty()
        {
            let found = offsets::list(&self.cluster, &lost, time, !self.settings.uncommitted, until).await?;
            found.iter().for_each(|(partition, offset)| self.seek(partition, *offset));
        }
        Ok(())
    }

    /// Bears what may pass, for a while; all else is an error at once.
    fn bear(&mut self, error: Error) -> Result<()> {
        let since = *self.waits.get_or_insert_with(Instant::now);
        if error.kind().row().retry == Retry::Transient && since.elapsed() < ELECTION {
            return Ok(());
        }
        self.waits = None;
        Err(error)
    }

    fn release(&mut self, asked: &[(Partition, i64)], pause: Duration) {
        for (partition, offset) in asked {
            if let Some(position) =
                self.positions.get_mut(partition).filter(|position| position.offset == *offset)
            {
                (position.asked, position.not_before) = (false, Instant::now() + pause);
            }
        }
    }
}
