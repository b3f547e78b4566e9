//! `Fanout`: events that many readers follow, each at its own pace, in one bounded ring. What a reader costs is its
//! place in the ring: ten thousand of them share what is kept for the slowest.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::Frame;
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Event, Kind, Result};

use super::{stir::Stir, tally::Tally};

/// How far a reader may fall behind, and what then becomes of it.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct BufferConfig {
    /// So many messages are kept for readers that are slow. 256 unless set.
    messages: usize,
    /// So many bytes of them, for all readers together. 4 MiB unless set. The last message is kept whatever its size.
    bytes: usize,
    /// What becomes of a reader that is further behind.
    when_full: WhenFull,
}

/// What becomes of a reader that is too slow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum WhenFull {
    /// Its stream ends with an error that says how many messages it missed.
    #[default]
    Close,
    /// It goes on with the oldest message that there is, behind a notice that says how many it missed.
    DropOldest,
}

impl Default for BufferConfig {
    fn default() -> Self {
        Self { messages: 256, bytes: 4 << 20, when_full: WhenFull::Close }
    }
}

impl BufferConfig {
    /// The buffers of a transport, which count together.
    ///
    /// # Errors
    ///
    /// `invalid_config` for one that holds nothing, or more than anybody means.
    pub(crate) fn open(self) -> Result<Buffer> {
        for (key, value, most) in [("messages", self.messages, 1 << 20), ("bytes", self.bytes, 1 << 30)] {
            if !(1..=most).contains(&value) {
                return Err(Error::invalid(format!("buffer.{key}: must be from 1 to {most}")));
            }
        }
        Ok(Buffer { config: self, tally: Arc::default() })
    }
}

/// How streams are buffered, and what is counted of them.
#[derive(Debug, Clone)]
pub(crate) struct Buffer {
    config: BufferConfig,
    pub(crate) tally: Arc<Tally>,
}

/// Events and those who read them.
#[derive(Debug)]
pub(crate) struct Fanout {
    ring: Mutex<Ring>,
    buffer: Buffer,
    /// Hears when a reader has gone.
    stir: Arc<Stir>,
}

#[derive(Debug, Default)]
struct Ring {
    /// The number of the oldest event that is kept.
    first: u64,
    events: VecDeque<Bytes>,
    bytes: usize,
    /// The last event of all, once there is one.
    last: Option<Bytes>,
    readers: HashMap<u64, Option<Waker>>,
    /// What the next reader is known by.
    name: u64,
}

impl Fanout {
    /// Without readers; `stir` hears when one of them has gone.
    pub(crate) fn new(buffer: &Buffer, stir: Arc<Stir>) -> Arc<Self> {
        Arc::new(Self { ring: Mutex::default(), buffer: buffer.clone(), stir })
    }

    /// An event for whoever reads now.
    pub(crate) fn publish(&self, event: Bytes) {
        let mut ring = self.lock();
        if ring.readers.is_empty() || ring.last.is_some() {
            return;
        }
        // Whoever waits has read all that there is.
        if ring.readers.values().all(Option::is_some) {
            ring.forget();
        }
        ring.bytes += event.len();
        ring.events.push_back(event);
        while ring.events.len() > 1
            && (ring.events.len() > self.buffer.config.messages || ring.bytes > self.buffer.config.bytes)
        {
            let gone = ring.events.pop_front().map_or(0, |event| event.len());
            (ring.first, ring.bytes) = (ring.first + 1, ring.bytes - gone);
        }
        wake(ring);
    }

    /// The last event: with it, every stream ends.
    pub(crate) fn end(&self, last: &Event) {
        let mut ring = self.lock();
        ring.last.get_or_insert(last.frame());
        wake(ring);
    }

    /// How many read.
    pub(crate) fn readers(&self) -> usize {
        self.lock().readers.len()
    }

    /// One more reader, of what comes from now on.
    pub(crate) fn reader(self: &Arc<Self>) -> Reader {
        let mut ring = self.lock();
        let (name, next) = (ring.name, ring.first + ring.events.len() as u64);
        ring.name += 1;
        ring.readers.insert(name, None);
        self.buffer.tally.reader_came();
        Reader { fanout: self.clone(), name, next, done: false }
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    /// Keeps none of the events that came.
    fn forget(&mut self) {
        self.first += self.events.len() as u64;
        self.events.clear();
        self.bytes = 0;
    }
}

/// Wakes all who wait, without the lock.
fn wake(mut ring: MutexGuard<'_, Ring>) {
    let wakers: Vec<_> = ring.readers.values_mut().filter_map(Option::take).collect();
    drop(ring);
    wakers.into_iter().for_each(Waker::wake);
}

/// One who reads: the body of a reply.
#[derive(Debug)]
pub(crate) struct Reader {
    fanout: Arc<Fanout>,
    name: u64,
    /// The number of the event that it reads next.
    next: u64,
    done: bool,
}

impl Reader {
    fn next(&mut self, cx: &Context<'_>) -> Poll<Option<Bytes>> {
        if self.done {
            return Poll::Ready(None);
        }
        let mut ring = self.fanout.lock();
        if self.next < ring.first {
            let missed = ring.first - self.next;
            self.next = ring.first;
            self.fanout.buffer.tally.dropped(missed);
            return Poll::Ready(Some(match self.fanout.buffer.config.when_full {
                WhenFull::DropOldest => dropped(missed).frame(),
                WhenFull::Close => {
                    self.done = true;
                    too_slow(missed).frame()
                }
            }));
        }
        if let Some(event) = ring.events.get((self.next - ring.first) as usize).cloned() {
            self.next += 1;
            return Poll::Ready(Some(event));
        }
        if let Some(last) = ring.last.clone() {
            self.done = true;
            return Poll::Ready(Some(last));
        }
        let before = ring.readers.insert(self.name, Some(cx.waker().clone()));
        // Whatever a waker holds on to may be another reader.
        drop(ring);
        drop(before);
        Poll::Pending
    }
}

impl http_body::Body for Reader {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        self.next(cx).map(|event| event.map(|event| Ok(Frame::data(event))))
    }

    fn is_end_stream(&self) -> bool {
        self.done
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.fanout.buffer.tally.reader_went();
        let mut ring = self.fanout.lock();
        let waker = ring.readers.remove(&self.name);
        if ring.readers.is_empty() {
            // Nobody is left to read what is kept.
            ring.forget();
            ring.events = VecDeque::new();
        }
        drop(ring);
        drop(waker);
        self.fanout.stir.stir();
    }
}

/// Says how many messages a reader missed.
fn dropped(messages: u64) -> Event {
    Event::named("dropped", format!("{{\"messages\":{messages}}}"))
}

fn too_slow(messages: u64) -> Event {
    let text = format!(
        "the reader was too slow and missed {messages} messages; read faster, raise buffer, or set buffer.when_full to drop_oldest"
    );
    Event::error(&Error::new(Kind::Throttled, text))
}

#[cfg(test)]
mod tests {
    use std::{pin::pin, task::Wake};

    use futures_util::task::noop_waker;
    use http_body::Body as _;
    use http_body_util::BodyExt;

    use super::*;

    fn fanout(messages: usize, bytes: usize, when_full: WhenFull) -> Arc<Fanout> {
        Fanout::new(&BufferConfig { messages, bytes, when_full }.open().unwrap(), Arc::default())
    }

    /// All that can be read now.
    fn read(reader: &mut Reader) -> Vec<String> {
        let mut cx = Context::from_waker(Box::leak(Box::new(noop_waker())));
        let mut all = Vec::new();
        while let Poll::Ready(Some(frame)) = pin!(reader.frame()).poll(&mut cx) {
            all.push(String::from_utf8(frame.unwrap().into_data().unwrap().into()).unwrap());
        }
        all
    }

    fn publish(fanout: &Fanout, texts: &[&'static str]) {
        texts.iter().for_each(|text| fanout.publish(Bytes::from_static(text.as_bytes())));
    }

    #[test]
    fn each_reader_gets_all_that_comes_after_it_and_nobody_waits_for_another() {
        let fanout = fanout(10, 100, WhenFull::Close);
        publish(&fanout, &["before"]);
        let mut first = fanout.reader();
        publish(&fanout, &["a"]);
        let mut second = fanout.reader();
        publish(&fanout, &["b"]);
        assert_eq!(read(&mut first), ["a", "b"]);
        publish(&fanout, &["c"]);
        assert_eq!((read(&mut second), read(&mut first)), (vec!["b".into(), "c".into()], vec!["c".into()]));
    }

    #[test]
    fn a_slow_reader_is_told_what_it_missed() {
        for (messages, bytes) in [(2, 100), (100, 2)] {
            let dropping = fanout(messages, bytes, WhenFull::DropOldest);
            let mut reader = dropping.reader();
            publish(&dropping, &["a", "b", "c", "d"]);
            let dropped = "event: dropped\ndata: {\"messages\":2}\n\n";
            assert_eq!(read(&mut reader), [dropped, "c", "d"], "{messages} messages, {bytes} bytes");
            let counted = dropping.buffer.tally.read();
            assert_eq!((counted.readers, counted.dropped), (1, 2));
            publish(&dropping, &["e"]);
            assert_eq!(read(&mut reader), ["e"]);
        }
        let closing = fanout(2, 100, WhenFull::Close);
        let mut reader = closing.reader();
        publish(&closing, &["a", "b", "c"]);
        let all = read(&mut reader);
        assert!(
            all.len() == 1 && all[0].contains("missed 1 messages") && all[0].starts_with("event: error"),
            "{all:?}"
        );
    }

    #[test]
    fn a_message_larger_than_the_buffer_is_kept_and_none_where_nobody_reads() {
        let fanout = fanout(4, 2, WhenFull::Close);
        let mut reader = fanout.reader();
        publish(&fanout, &["larger"]);
        assert_eq!(read(&mut reader), ["larger"]);
        publish(&fanout, &["x"]);
        drop(reader);
        assert!(fanout.readers() == 0 && fanout.lock().events.is_empty() && fanout.lock().bytes == 0);
        assert_eq!(read(&mut fanout.reader()), [""; 0]);
    }

    #[test]
    fn what_all_have_read_is_not_kept() {
        let fanout = fanout(10, 100, WhenFull::Close);
        let (mut first, mut second) = (fanout.reader(), fanout.reader());
        publish(&fanout, &["a"]);
        assert_eq!((read(&mut first), read(&mut second)), (vec!["a".into()], vec!["a".into()]));
        publish(&fanout, &["b"]);
        assert_eq!(read(&mut first), ["b"]);
        publish(&fanout, &["c"]);
        let kept = fanout.lock().events.len();
        assert_eq!(kept, 2);
        assert_eq!((read(&mut second), read(&mut first)), (vec!["b".into(), "c".into()], vec!["c".into()]));
    }

    #[test]
    fn the_last_event_comes_after_all_others_and_ends_the_stream() {
        let fanout = fanout(4, 100, WhenFull::Close);
        let mut reader = fanout.reader();
        publish(&fanout, &["a"]);
        fanout.end(&Event::named("complete", ""));
        publish(&fanout, &["b"]);
        assert_eq!(read(&mut reader), ["a", "event: complete\ndata: \n\n"]);
        assert!(reader.is_end_stream());
    }

    /// A waker that looks at the readers when it goes, as one does that holds one of them.
    struct Looks(Arc<Fanout>);

    impl Wake for Looks {
        fn wake(self: Arc<Self>) {}
    }

    impl Drop for Looks {
        fn drop(&mut self) {
            self.0.readers();
        }
    }

    #[test]
    fn a_waker_that_goes_may_take_a_reader_along() {
        let fanout = fanout(4, 100, WhenFull::Close);
        let mut reader = fanout.reader();
        for _ in 0..2 {
            let waker = Waker::from(Arc::new(Looks(fanout.clone())));
            assert!(reader.next(&Context::from_waker(&waker)).is_pending());
        }
        drop(reader);
        assert_eq!(fanout.readers(), 0);
    }
}
