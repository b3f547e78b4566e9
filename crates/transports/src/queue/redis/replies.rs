//! `Answers`: a stream that answers to requests come by, read by a task for as long as the connection lives.

use std::sync::Arc;

use redis::{Value as Said, cmd};
use tokio::sync::OnceCell;
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::Result;
use uuid::Uuid;

use super::{
    entry::entries,
    link::{Connection, WAIT, Way},
};
use crate::queue::replies::Replies;

/// Where answers come.
pub(super) struct Answers {
    way: Way,
    pub(super) replies: Arc<Replies>,
    reading: OnceCell<Reading>,
}

struct Reading {
    stream: String,
    _task: AbortOnDropHandle<()>,
}

/// A stream of answers that nobody reads any more is gone after so many seconds.
const KEPT: u64 = 3600;

impl Answers {
    pub(super) fn new(way: Way, replies: Arc<Replies>) -> Self {
        Self { way, replies, reading: OnceCell::new() }
    }

    /// The stream that answers have to go to. It is read from now on.
    pub(super) async fn stream(&self) -> Result<String> {
        let reading = self.reading.get_or_try_init(async || {
            let stream = format!("trunkline:answers:{}", Uuid::new_v4().simple());
            let connection = self.way.connect().await?;
            let task = tokio::spawn(read(connection, stream.clone(), self.replies.clone()));
            Ok(Reading { stream, _task: AbortOnDropHandle::new(task) })
        });
        reading.await.map(|reading: &Reading| reading.stream.clone())
    }
}

async fn read(connection: Connection, stream: String, replies: Arc<Replies>) {
    let mut last = String::from("0-0");
    loop {
        let mut ask = cmd("XREAD");
        ask.arg("COUNT")
            .arg(100)
            .arg("BLOCK")
            .arg(WAIT.as_millis() as u64)
            .arg("STREAMS")
            .arg(&stream)
            .arg(&last);
        let Ok(said) = connection.ask::<Said>(&ask, "waiting for answers").await else { break };
        let Some(found) = of_stream(&said) else { continue };
        for entry in entries(&stream, found) {
            last.clone_from(&entry.id);
            replies.tell(entry.message);
        }
        // What was read is of no more use, nor is the rest should this process end.
        let mut trim = cmd("XTRIM");
        trim.arg(&stream).arg("MINID").arg(&last);
        let _ = connection.ask::<Said>(&trim, "tidying up").await;
        let _ = connection.ask::<Said>(cmd("EXPIRE").arg(&stream).arg(KEPT), "tidying up").await;
    }
    replies.lost();
}

/// The entries of the only stream in an answer of XREAD or XREADGROUP.
pub(super) fn of_stream(said: &Said) -> Option<&Said> {
    match said {
        Said::Array(streams) => match streams.first()? {
            Said::Array(pair) => pair.get(1),
            _ => None,
        },
        _ => None,
    }
}
