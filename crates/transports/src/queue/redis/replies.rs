//! `Answers`: a stream that answers to requests come by, read by a task for as long as the connection lives.

use std::sync::Arc;

use redis::{Value as Said, cmd};
use tokio::sync::Mutex;
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{Error, Kind, Outcome, Result};
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
    reading: Mutex<Option<Reading>>,
}

struct Reading {
    stream: String,
    task: AbortOnDropHandle<()>,
}

/// What the names of streams of answers begin with.
const PREFIX: &str = "trunkline:answers:";
/// A stream of answers that nobody reads any more is gone after so many seconds.
const KEPT: u64 = 3600;

impl Answers {
    pub(super) fn new(way: Way, replies: Arc<Replies>) -> Self {
        Self { way, replies, reading: Mutex::default() }
    }

    /// The stream that answers have to go to. It is read from now on.
    pub(super) async fn stream(&self) -> Result<String> {
        let mut reading = self.reading.lock().await;
        if let Some(reading) = reading.as_ref().filter(|reading| !reading.task.is_finished()) {
            return Ok(reading.stream.clone());
        }
        // The first; or the connection that answers came by was lost by itself, and nobody would hear of them.
        let stream = format!("{PREFIX}{}", Uuid::new_v4().simple());
        let connection = self.way.connect().await?;
        // A login that may not read them hears so before anything is sent.
        let mut look = cmd("XREAD");
        look.arg("STREAMS").arg(&stream).arg("0-0");
        let looked = connection.ask::<Said>(&look, "looking for answers").await;
        looked.map_err(|error| unread(error).outcome_is(Outcome::NotSent))?;
        let task = tokio::spawn(read(connection, stream.clone(), self.replies.clone()));
        *reading = Some(Reading { stream: stream.clone(), task: AbortOnDropHandle::new(task) });
        Ok(stream)
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
        let said = match connection.ask::<Said>(&ask, "waiting for answers").await {
            Ok(said) => said,
            Err(error) if error.kind() == Kind::Unavailable => break,
            // The request may be dealt with all the same.
            Err(error) => {
                replies.fail_all(&unread(error).outcome_is(Outcome::Unknown));
                return;
            }
        };
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

/// Why answers are not read.
fn unread(error: Error) -> Error {
    match error.kind() {
        Kind::Forbidden => {
            let message = format!(
                "the login may not read answers; let its ACL have XREAD, XTRIM and EXPIRE of keys that begin with {PREFIX}"
            );
            Error::new(Kind::Forbidden, message)
        }
        _ => error,
    }
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
