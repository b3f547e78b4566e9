//! `Returns`: which messages the broker gave back because nobody gets them, by their ids.
//!
//! The library hands what came back to whichever confirm comes next. That may be the confirm of another message: then one that
//! is in its queue is said to be nowhere, and one that nobody got to be there. So the frames are looked at as they come.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What came back and was not asked for yet.
#[derive(Debug, Clone, Default)]
pub(super) struct Returns(Arc<Mutex<HashMap<(u16, String), Back>>>);

/// Why a message came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Back {
    pub(super) code: u16,
    pub(super) text: String,
    /// So many of the same id.
    count: u32,
}

impl Returns {
    /// Why a message that was sent on a channel came back, if it did. By the time its confirm is there this is known: the
    /// broker gives a message back before it confirms it (RabbitMQ's guide on confirms).
    pub(super) fn take(&self, channel: u16, id: &str) -> Option<Back> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (channel, id.to_owned());
        let back = all.get_mut(&key)?;
        back.count -= 1;
        if back.count > 0 { Some(back.clone()) } else { all.remove(&key) }
    }

    fn put(&self, channel: u16, id: String, code: u16, text: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry((channel, id)).or_insert(Back { code, text, count: 0 }).count += 1;
    }
}

/// Reads the frames of a connection along with the library (AMQP 0-9-1, section 2.3.5: a type, a channel, a length, so many
/// bytes, and one that ends it).
#[derive(Debug, Default)]
pub(super) struct Frames {
    returns: Returns,
    head: Vec<u8>,
    /// The payload, of frames that are read.
    payload: Vec<u8>,
    /// Bytes of the frame that are still to come, its end included.
    left: usize,
    is_read: bool,
    /// By its channel, a message that comes back: its head is the next frame there.
    coming: HashMap<u16, (u16, String)>,
}

const HEAD: usize = 7;
const METHOD: u8 = 1;
const HEADER: u8 = 2;
/// `basic.return`: class 60, method 50.
const RETURN: [u8; 4] = [0, 60, 0, 50];
/// Of any method as much is read as this one can have: two numbers, a code and three short texts.
const LONGEST: usize = 6 + 3 * 256;

impl Frames {
    pub(super) fn new(returns: Returns) -> Self {
        Self { returns, ..Self::default() }
    }

    /// More bytes came.
    pub(super) fn read(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.head.len() < HEAD {
                let (some, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
                self.head.extend_from_slice(some);
                bytes = rest;
                if self.head.len() == HEAD {
                    self.begin();
                }
                continue;
            }
            let (some, rest) = bytes.split_at(bytes.len().min(self.left));
            bytes = rest;
            if self.is_read {
                self.payload.extend_from_slice(some);
            }
            self.left -= some.len();
            if self.left == 0 {
                self.end();
            }
        }
    }

    fn begin(&mut self) {
        let length = u32::from_be_bytes([self.head[3], self.head[4], self.head[5], self.head[6]]) as usize;
        self.left = length.saturating_add(1);
        self.is_read = match self.head[0] {
            METHOD => length <= LONGEST,
            HEADER => self.coming.contains_key(&self.channel()),
            _ => false,
        };
    }

    fn end(&mut self) {
        let channel = self.channel();
        if self.is_read && self.head[0] == METHOD {
            if let Some(back) = self.payload.strip_prefix(&RETURN).and_then(reason) {
                self.coming.insert(channel, back);
            }
        } else if self.is_read
            && let Some((code, text)) = self.coming.remove(&channel)
        {
            self.returns.put(channel, message_id(&self.payload).unwrap_or_default(), code, text);
        }
        self.head.clear();
        self.payload.clear();
    }

    fn channel(&self) -> u16 {
        u16::from_be_bytes([self.head[1], self.head[2]])
    }
}

/// The code, and the text that goes with it.
fn reason(mut bytes: &[u8]) -> Option<(u16, String)> {
    let code = u16::from_be_bytes(take(&mut bytes, 2)?.try_into().ok()?);
    Some((code, short(&mut bytes)?))
}

/// The id of a message, out of its head: class, weight, length, flags, and the properties that the flags say are there, in
/// this order (section 4.2.6.1, and the class `basic`).
fn message_id(mut bytes: &[u8]) -> Option<String> {
    take(&mut bytes, 2 + 2 + 8)?;
    let flags = u16::from_be_bytes(take(&mut bytes, 2)?.try_into().ok()?);
    let has = |bit: u16| flags & (1 << bit) != 0;
    // The media type, and its encoding.
    for bit in [15, 14] {
        if has(bit) {
            short(&mut bytes)?;
        }
    }
    // The headers.
    if has(13) {
        let length = u32::from_be_bytes(take(&mut bytes, 4)?.try_into().ok()?);
        take(&mut bytes, length as usize)?;
    }
    // How it is kept, and its priority.
    for bit in [12, 11] {
        if has(bit) {
            take(&mut bytes, 1)?;
        }
    }
    // What it answers, where answers go, and when it expires.
    for bit in [10, 9, 8] {
        if has(bit) {
            short(&mut bytes)?;
        }
    }
    if has(7) { short(&mut bytes) } else { None }
}

fn short(bytes: &mut &[u8]) -> Option<String> {
    let length = usize::from(take(bytes, 1)?[0]);
    Some(String::from_utf8_lossy(take(bytes, length)?).into_owned())
}

fn take<'a>(bytes: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (some, rest) = bytes.split_at_checked(count)?;
    *bytes = rest;
    Some(some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
        let mut all = vec![kind];
        all.extend_from_slice(&channel.to_be_bytes());
        all.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        all.extend_from_slice(payload);
        all.push(0xCE);
        all
    }

    /// A message that comes back: the method, the head with all properties before the id, and a body.
    fn back(channel: u16, id: &str) -> Vec<u8> {
        let method = [&RETURN[..], &312_u16.to_be_bytes(), b"\x08NO_ROUTE\0\x04nope"].concat();
        let mut head = [&[0, 60, 0, 0][..], &4_u64.to_be_bytes(), &[0b1111_1111, 0b1000_0000]].concat();
        head.extend_from_slice(b"\x01t\x01e\0\0\0\x03abc\x02\x05\x01c\x01r\x0210");
        head.push(id.len() as u8);
        head.extend_from_slice(id.as_bytes());
        [frame(METHOD, channel, &method), frame(HEADER, channel, &head), frame(3, channel, b"\x01\0\x3c\0")]
            .concat()
    }

    #[test]
    fn what_comes_back_is_known_by_its_id_however_its_bytes_are_cut() {
        let deliver =
            [frame(METHOD, 2, &[0, 60, 0, 60, 1]), frame(HEADER, 2, &[0; 20]), frame(3, 2, &[1; 9000])];
        let all =
            [&back(1, "a")[..], &deliver.concat(), &frame(8, 0, b""), &back(2, "b"), &back(1, "a")].concat();
        for size in [1, 2, 3, 7, 11, 500, all.len()] {
            let returns = Returns::default();
            let mut frames = Frames::new(returns.clone());
            all.chunks(size).for_each(|bytes| frames.read(bytes));
            assert_eq!(returns.take(2, "a"), None, "another channel");
            for (channel, id) in [(1, "a"), (2, "b"), (1, "a")] {
                let back = returns.take(channel, id).unwrap();
                assert_eq!((back.code, &*back.text), (312, "NO_ROUTE"), "{size}");
            }
            assert_eq!(returns.take(1, "a"), None);
        }
    }

    #[test]
    fn bytes_that_are_no_frames_do_no_harm() {
        let mut frames = Frames::new(Returns::default());
        frames.read(b"AMQP\0\0\x09\x01");
        frames.read(&[0xff; 4096]);
        let mut frames = Frames::new(Returns::default());
        frames.read(&frame(METHOD, 1, &RETURN));
        frames.read(&frame(METHOD, 1, &[&RETURN[..], &[1, 56, 200, 1]].concat()));
        frames.read(&frame(METHOD, 1, &[&RETURN[..], &[1, 56, 0]].concat()));
        frames.read(&frame(HEADER, 1, &[0xff; 30]));
    }
}
