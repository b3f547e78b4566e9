//! `Answers`: the topic that answers come to, read by one for all who wait for some. Kafka has no way back of its own; whoever
//! answers sends a record to the topic in the header `reply-to`, with the `correlation-id` of the request.

use std::sync::Arc;

use tokio::{
    sync::OnceCell,
    time::{Duration, Instant, sleep},
};
use tokio_util::sync::{CancellationToken, DropGuard};
use trunkline_core::{Result, Retry};

use super::{
    cluster::Cluster,
    fetch::{Fetcher, Settings},
    message::message,
    messages::fetch::LATEST,
    offsets,
};
use crate::queue::replies::Replies;

/// How long brokers may take to say where answers begin.
const BEGIN: Duration = Duration::from_secs(10);

/// The pause after something went wrong.
const PAUSE: Duration = Duration::from_millis(500);

/// Who reads the answers.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) topic: String,
    pub(super) replies: Arc<Replies>,
    reads: OnceCell<DropGuard>,
}

impl Answers {
    pub(super) fn new(topic: String, replies: Arc<Replies>) -> Self {
        Self { topic, replies, reads: OnceCell::new() }
    }

    /// Sees that answers are read from now on.
    ///
    /// # Errors
    ///
    /// `rejected` where there is no such topic.
    pub(super) async fn listen(&self, cluster: &Arc<Cluster>) -> Result<()> {
        let listen = async || {
            let until = Instant::now() + BEGIN;
            let (view, _) = cluster.topic(&self.topic, until).await?;
            let all: Vec<_> = view.partitions.iter().map(|found| (self.topic.clone(), found.index)).collect();
            let ends = offsets::list(cluster, &all, LATEST, false, until).await?;
            let mut fetcher = Fetcher::new(cluster.clone(), Settings::default());
            fetcher.begin(ends);
            let stop = CancellationToken::new();
            let (replies, topic, stopped) = (self.replies.clone(), self.topic.clone(), stop.clone());
            tokio::spawn(async move { stopped.run_until_cancelled(read(fetcher, topic, replies)).await });
            Ok(stop.drop_guard())
        };
        self.reads.get_or_try_init(listen).await.map(drop)
    }
}

async fn read(mut fetcher: Fetcher, topic: String, replies: Arc<Replies>) {
    loop {
        match fetcher.next(Instant::now() + BEGIN).await {
            Ok(read) => {
                let records = read.into_iter().flat_map(|read| read.records);
                records.for_each(|stored| replies.tell_of_many(message(&topic, stored.record)));
            }
            // Nothing is lost by that: it goes on where it was.
            Err(error) if error.kind().row().retry == Retry::Transient => sleep(PAUSE).await,
            Err(_) => {
                replies.lost();
                sleep(PAUSE).await;
            }
        }
    }
}
