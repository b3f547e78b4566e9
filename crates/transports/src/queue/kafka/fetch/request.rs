//! One request for records, to one broker.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;
use trunkline_core::{Error, Result};

use super::Settings;
use crate::queue::kafka::{
    cluster::{Cluster, Known},
    messages::{
        by_topic,
        fetch::{Fetch, Fetched, From},
    },
    offsets::Partition,
    wire::Connection,
};

/// How long to connect, and to wait for a broker beyond what it is asked to wait.
const GRACE: Duration = Duration::from_secs(30);

/// Partitions, and from where on.
pub(super) type Wanted = Vec<(Partition, i64)>;

/// What came of a request.
pub(super) struct Came {
    pub(super) node: i32,
    pub(super) asked: Wanted,
    pub(super) known: Arc<Known>,
    pub(super) result: Result<(Connection, Fetched)>,
}

/// Asks one broker for records.
pub(super) async fn request(
    cluster: Arc<Cluster>,
    settings: Settings,
    node: i32,
    open: Option<Connection>,
    known: Arc<Known>,
    asked: Wanted,
) -> Came {
    let until = Instant::now() + settings.max_wait + GRACE;
    let fetch = async {
        let connection = match open {
            Some(open) => open,
            None => cluster.own(node, &known, until).await?,
        };
        let froms = asked
            .iter()
            .map(|((topic, partition), offset)| (&**topic, From { partition: *partition, offset: *offset }));
        let request = Fetch {
            max_wait: settings.max_wait.as_millis().min(i32::MAX as u128) as i32,
            min_bytes: 1,
            max_bytes: settings.max_bytes,
            partition_max_bytes: settings.partition_max_bytes,
            committed: !settings.uncommitted,
            topics: by_topic(froms),
        };
        let fetched = connection.ask(&request, until).await?;
        Ok((connection, fetched))
    };
    let result: Result<_, Error> = fetch.await;
    Came { node, result, asked, known }
}
