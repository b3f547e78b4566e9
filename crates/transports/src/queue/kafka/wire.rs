//! `Connection`: one connection to one broker. A task owns the socket, so whoever stops waiting leaves it as it should be:
//! the reply is read when it comes, and thrown away. Requests go out while others wait; brokers answer in order.

use std::{
    collections::VecDeque,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
    time::Duration,
};

use bytes::{Buf, Bytes, BytesMut};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout_at},
};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{
    codec::{Reader, Writer, broken},
    messages::{Api, Request, session::Versions},
};

/// How long a reply may be: twice what is asked for at most, with room for the batch that comes in any case.
const MAX_REPLY: usize = 64 << 20;

/// How many requests may be on their way. More wait in front of the connection.
const IN_FLIGHT: usize = 256;

/// How long a broker may keep silent that owes a reply, whoever waits for it: a caller who is in a hurry ends nothing for
/// the others. It is the time that clients of Kafka usually have (`request.timeout.ms`).
const PATIENCE: Duration = Duration::from_secs(30);

/// How much is written before more is taken up.
const HIGH_WATER: usize = 1 << 20;

/// A connection. Clones are the same one, which ends with the last of them.
#[derive(Debug, Clone)]
pub(super) struct Connection {
    requests: mpsc::Sender<Ask>,
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Where it leads, for messages.
    peer: String,
    client_id: String,
    versions: OnceLock<Vec<(i16, i16, i16)>>,
    /// When the login ends that it was opened with.
    good_until: OnceLock<Instant>,
    ended: AtomicBool,
}

/// Where a reply goes.
type Answer = oneshot::Sender<Result<Bytes>>;

/// A request for the task. Its answer is dropped where it was never sent.
#[derive(Debug)]
struct Ask {
    frame: BytesMut,
    until: Instant,
    answer: Answer,
}

impl Connection {
    /// A connection over `stream`, which is ready for requests. Its versions are told by [`Connection::learn`].
    pub(super) fn new<S>(stream: S, peer: String, client_id: String) -> Self
    where
        S: AsyncRead + AsyncWrite + Send + 'static,
    {
        let (versions, good_until) = (OnceLock::new(), OnceLock::new());
        let shared =
            Arc::new(Shared { peer, client_id, versions, good_until, ended: AtomicBool::new(false) });
        let (requests, asked) = mpsc::channel(IN_FLIGHT);
        tokio::spawn(run(stream, asked, shared.clone()));
        Self { requests, shared }
    }

    /// Takes down which versions the broker has.
    pub(super) fn learn(&self, versions: Versions) {
        let _ = self.shared.versions.set(versions.apis);
    }

    /// Takes down when the login ends.
    pub(super) fn ends_at(&self, end: Instant) {
        let _ = self.shared.good_until.set(end);
    }

    /// Whether it is good for another request.
    pub(super) fn is_open(&self) -> bool {
        let expired = self.shared.good_until.get().is_some_and(|end| *end <= Instant::now());
        !self.shared.ended.load(Relaxed) && !self.requests.is_closed() && !expired
    }

    /// It is not to be used for more; what is under way on it may come to its end.
    pub(super) fn retire(&self) {
        self.shared.ended.store(true, Relaxed);
    }

    /// Where it leads: `host:port`.
    pub(super) fn peer(&self) -> &str {
        &self.shared.peer
    }

    /// The version of an API that both sides know best.
    ///
    /// # Errors
    ///
    /// `unsupported` where there is none.
    pub(super) fn version(&self, api: Api) -> Result<i16> {
        let (oldest, newest) = api.versions;
        // ApiVersions itself is asked for before anything is known, and has one version.
        let Some(known) = self.shared.versions.get() else { return Ok(newest) };
        let theirs = known.iter().find(|(key, ..)| *key == api.key);
        let best = theirs.map(|(_, min, max)| ((*min).max(oldest), (*max).min(newest)));
        match best {
            Some((min, max)) if min <= max => Ok(max),
            _ => Err(Error::new(
                Kind::Unsupported,
                format!(
                    "the broker {} has no {} in a version from {oldest} to {newest}; brokers since Kafka 1.0 have one",
                    self.peer(),
                    api.name
                ),
            )),
        }
    }

    /// The newest version of an API that the broker has.
    pub(super) fn newest(&self, api: Api) -> Option<i16> {
        let known = self.shared.versions.get()?;
        known.iter().find(|(key, ..)| *key == api.key).map(|(_, _, newest)| *newest)
    }

    /// Sends a request and waits for its reply, until `until` at most.
    ///
    /// # Errors
    ///
    /// `unavailable` where the connection ends before the reply, `timeout` where it is too late: with outcome `not_sent`
    /// where the request never left, or else `unknown`; `unsupported`; `protocol` where the reply is none.
    pub(super) async fn ask<R: Request>(&self, request: &R, until: Instant) -> Result<R::Reply> {
        self.begin(request, until).await?.reply().await
    }

    /// Sends a request behind all that were begun before it, and leaves its reply for later.
    ///
    /// # Errors
    ///
    /// As [`Connection::ask`], with outcome `not_sent`.
    pub(super) async fn begin<R: Request>(&self, request: &R, until: Instant) -> Result<Begun<R::Reply>> {
        let version = self.version(R::API)?;
        let mut to = Writer::default();
        // The length and the correlation id are filled in by the task.
        to.i32(0);
        to.i16(R::API.key);
        to.i16(version);
        to.i32(0);
        to.string(&self.shared.client_id);
        let flexible = version >= R::API.flexible;
        if flexible {
            to.no_tags();
        }
        request.write(&mut to, version);
        let (answer, reply) = oneshot::channel();
        let ask = Ask { frame: to.0, until, answer };
        match timeout_at(until, self.requests.send(ask)).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(gone(self.peer()).outcome_is(Outcome::NotSent)),
            Err(_) => return Err(late(self.peer()).outcome_is(Outcome::NotSent)),
        }
        Ok(Begun { connection: self.clone(), reply, until, version, flexible, read: R::read })
    }
}

/// A request that was sent, whose reply is a `T`. It holds nothing of the request.
#[derive(Debug)]
pub(super) struct Begun<T> {
    /// Kept open until the reply is there.
    connection: Connection,
    reply: oneshot::Receiver<Result<Bytes>>,
    until: Instant,
    version: i16,
    flexible: bool,
    read: fn(&mut Reader, i16) -> Result<T>,
}

impl<T> Begun<T> {
    /// Waits for its reply.
    ///
    /// # Errors
    ///
    /// As [`Connection::ask`].
    pub(super) async fn reply(self) -> Result<T> {
        let body = match timeout_at(self.until, self.reply).await {
            Ok(Ok(reply)) => reply?,
            // The task answers whatever it has taken up.
            Ok(Err(_)) => return Err(gone(self.connection.peer()).outcome_is(Outcome::NotSent)),
            Err(_) => return Err(late(self.connection.peer())),
        };
        let mut from = Reader(body);
        if self.flexible {
            from.skip_tags()?;
        }
        (self.read)(&mut from, self.version)
    }
}

fn late(peer: &str) -> Error {
    Error::new(Kind::Timeout, format!("the broker {peer} did not answer in time; see that it is up"))
}

fn gone(peer: &str) -> Error {
    Error::new(Kind::Unavailable, format!("the connection to the broker {peer} ended"))
}

/// What went out and is not answered. Dropped unanswered, it says that nobody knows what became of it.
#[derive(Debug)]
struct Waiting {
    correlation: i32,
    /// How much had been written in all before its first byte.
    begins: u64,
    until: Instant,
    answer: Option<Answer>,
}

impl Waiting {
    fn give(mut self, reply: Result<Bytes>) {
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(reply);
        }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            let _ = answer.send(Err(Error::new(Kind::Internal, "a connection to a broker came to grief")));
        }
    }
}

/// Why a connection ends.
enum End {
    /// Nobody has it any more, and all is answered.
    Unused,
    Failed(std::io::Error),
    Closed,
    Late,
    Broken(Error),
}

impl End {
    fn error(&self, peer: &str) -> Error {
        match self {
            Self::Failed(error) => gone(peer).source(std::io::Error::new(error.kind(), error.to_string())),
            Self::Late => late(peer),
            Self::Broken(error) => Error::new(error.kind(), error.message().to_owned()),
            Self::Unused | Self::Closed => gone(peer),
        }
    }
}

/// Owns the socket until the connection ends.
async fn run<S>(stream: S, mut asked: mpsc::Receiver<Ask>, shared: Arc<Shared>)
where
    S: AsyncRead + AsyncWrite + Send + 'static,
{
    let (mut reading, mut writing) = tokio::io::split(stream);
    let (mut input, mut output) = (BytesMut::new(), BytesMut::new());
    let mut waiting: VecDeque<Waiting> = VecDeque::new();
    // How many bytes were written, and how many there are to write, since the connection began.
    let (mut written, mut queued) = (0_u64, 0_u64);
    let (mut correlation, mut flushed, mut unused) = (0_i32, true, false);
    let end = loop {
        if unused && waiting.is_empty() {
            break End::Unused;
        }
        let until = waiting.front().map(|waiting| waiting.until);
        let room = !unused && waiting.len() < IN_FLIGHT && output.len() < HIGH_WATER;
        tokio::select! {
            ask = asked.recv(), if room => {
                let Some(Ask { mut frame, until, answer }) = ask else {
                    unused = true;
                    continue;
                };
                // Who has gone before anything was sent takes the request along.
                if answer.is_closed() {
                    continue;
                }
                correlation = correlation.wrapping_add(1) & i32::MAX;
                let len = frame.len() as i32 - 4;
                frame[..4].copy_from_slice(&len.to_be_bytes());
                frame[8..12].copy_from_slice(&correlation.to_be_bytes());
                let until = until.max(Instant::now() + PATIENCE);
                waiting.push_back(Waiting { correlation, begins: queued, until, answer: Some(answer) });
                queued += frame.len() as u64;
                match output.is_empty() {
                    true => output = frame,
                    false => output.extend_from_slice(&frame),
                }
            }
            done = push(&mut writing, &mut output), if !output.is_empty() || !flushed => match done {
                Ok(None) => flushed = true,
                Ok(Some(0)) => break End::Closed,
                Ok(Some(count)) => {
                    written += count as u64;
                    flushed = false;
                }
                Err(error) => break End::Failed(error),
            },
            done = reading.read_buf(&mut input) => match done {
                Ok(0) => break End::Closed,
                Ok(_) => if let Err(error) = deliver(&mut input, &mut waiting) {
                    break End::Broken(error);
                },
                Err(error) => break End::Failed(error),
            },
            () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => break End::Late,
        }
    };
    shared.ended.store(true, Relaxed);
    // What is still in the channel is dropped unanswered, which says that it never left.
    drop(asked);
    for waiting in waiting {
        let outcome = if waiting.begins < written { Outcome::Unknown } else { Outcome::NotSent };
        waiting.give(Err(end.error(&shared.peer).outcome_is(outcome)));
    }
}

/// Writes some of the output and says how much, or flushes where nothing is left of it.
async fn push(
    writing: &mut (impl AsyncWrite + Unpin),
    output: &mut BytesMut,
) -> std::io::Result<Option<usize>> {
    match output.is_empty() {
        true => writing.flush().await.map(|()| None),
        false => writing.write_buf(output).await.map(Some),
    }
}

/// Hands the replies that are complete to whom they are for.
fn deliver(input: &mut BytesMut, waiting: &mut VecDeque<Waiting>) -> Result<()> {
    while let Some(len) = input.first_chunk().map(|len| i32::from_be_bytes(*len)) {
        let len = usize::try_from(len).ok().filter(|len| (4..=MAX_REPLY).contains(len));
        let Some(len) = len else {
            return Err(broken("what answers is no Kafka broker, or its reply has more than 64 MiB"));
        };
        if input.len() < 4 + len {
            input.reserve(4 + len - input.len());
            return Ok(());
        }
        input.advance(4);
        let mut body = input.split_to(len).freeze();
        let correlation = body.get_i32();
        match waiting.pop_front() {
            Some(waiting) if waiting.correlation == correlation => waiting.give(Ok(body)),
            Some(other) => {
                waiting.push_front(other);
                return Err(broken("the broker answers another request than the one that is its turn"));
            }
            None => return Err(broken("the broker answers a request that was not made")),
        }
    }
    Ok(())
}
