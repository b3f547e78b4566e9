//! `Frames`: reads the frames of a connection along with the library, for the messages that come back.

use std::collections::HashMap;

use lapin::protocol::basic::parse_properties;
use sha2::{Digest, Sha256};

use super::returns::{Back, Returns};

/// Where in the frames a connection is (AMQP 0-9-1, section 2.3.5: a type, a channel, a length, so many bytes, and one that
/// ends it).
#[derive(Debug, Default)]
pub(super) struct Frames {
    returns: Returns,
    head: Vec<u8>,
    /// The payload, of frames that are read.
    payload: Vec<u8>,
    /// Bytes of the frame that are still to come, its end included.
    left: usize,
    is_read: bool,
    /// By its channel, a message that comes back: its head and its body are the next frames there.
    coming: HashMap<u16, Coming>,
}

/// A message that comes back, as far as it came.
#[derive(Debug, Default)]
struct Coming {
    back: Back,
    /// Bytes of its body that are still to come; unknown before its head.
    left: Option<u64>,
    body: Sha256,
}

const HEAD: usize = 7;
const METHOD: u8 = 1;
const HEADER: u8 = 2;
const BODY: u8 = 3;
/// `basic.return`: class 60, method 50.
const RETURN: [u8; 4] = [0, 60, 0, 50];
/// Of any method as much is read as this one can have: two numbers, a code and three short texts.
const LONGEST: usize = 6 + 3 * 256;
/// And of the head of a message as much as the largest frame that is agreed on.
const LONGEST_HEADER: usize = 1 << 20;

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
                match self.head[0] {
                    BODY => self.body(&some[..some.len().min(self.left - 1)]),
                    _ => self.payload.extend_from_slice(some),
                }
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
        let is_coming = || self.coming.contains_key(&self.channel());
        self.is_read = match self.head[0] {
            METHOD => length <= LONGEST,
            HEADER => length <= LONGEST_HEADER && is_coming(),
            BODY => is_coming(),
            _ => false,
        };
    }

    /// Some of the body of a message that comes back.
    fn body(&mut self, bytes: &[u8]) {
        if let Some(coming) = self.coming.get_mut(&self.channel())
            && let Some(left) = &mut coming.left
        {
            coming.body.update(bytes);
            *left = left.saturating_sub(bytes.len() as u64);
        }
    }

    fn end(&mut self) {
        let channel = self.channel();
        match self.head[0] {
            METHOD if self.is_read => {
                if let Some(back) = self.payload.strip_prefix(&RETURN).and_then(why) {
                    self.coming.insert(channel, Coming { back, ..Coming::default() });
                }
            }
            HEADER if self.is_read => {
                if let Some(coming) = self.coming.get_mut(&channel) {
                    coming.head(&self.payload);
                }
            }
            _ => {}
        }
        if self.coming.get(&channel).is_some_and(|coming| coming.left == Some(0))
            && let Some(Coming { mut back, body, .. }) = self.coming.remove(&channel)
        {
            back.body = body.finalize().into();
            self.returns.put(channel, back);
        }
        self.head.clear();
        self.payload.clear();
    }

    fn channel(&self) -> u16 {
        u16::from_be_bytes([self.head[1], self.head[2]])
    }
}

impl Coming {
    /// The head of a message: class, weight, length, and its properties (section 4.2.6.1).
    fn head(&mut self, mut bytes: &[u8]) {
        let length = take(&mut bytes, 2 + 2)
            .and_then(|_| take(&mut bytes, 8))
            .and_then(|length| length.try_into().ok());
        self.left = Some(length.map_or(0, u64::from_be_bytes));
        if let Ok((_, properties)) = parse_properties(bytes) {
            self.back.properties = properties;
        }
    }
}

/// Why a message comes back, and where it was sent.
fn why(mut bytes: &[u8]) -> Option<Back> {
    let code = u16::from_be_bytes(take(&mut bytes, 2)?.try_into().ok()?);
    let (text, exchange, routing_key) = (short(&mut bytes)?, short(&mut bytes)?, short(&mut bytes)?);
    Some(Back { code, text, exchange, routing_key, ..Back::default() })
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
    use trunkline_core::Message;

    use super::*;

    fn frame(kind: u8, channel: u16, payload: &[u8]) -> Vec<u8> {
        let mut all = vec![kind];
        all.extend_from_slice(&channel.to_be_bytes());
        all.extend_from_slice(&(payload.len() as u32).to_be_bytes());
        all.extend_from_slice(payload);
        all.push(0xCE);
        all
    }

    /// A message that comes back: the method, the head with all properties before the id, and a body in two frames.
    fn back(channel: u16, id: &str) -> Vec<u8> {
        let method = [&RETURN[..], &312_u16.to_be_bytes(), b"\x08NO_ROUTE\0\x04nope"].concat();
        let mut head = [&[0, 60, 0, 0][..], &4_u64.to_be_bytes(), &[0b1111_1111, 0b1000_0000]].concat();
        head.extend_from_slice(b"\x01t\x01e\0\0\0\x08\x01aS\0\0\0\x01b\x02\x05\x01c\x01r\x0210");
        head.push(id.len() as u8);
        head.extend_from_slice(id.as_bytes());
        let body = [frame(BODY, channel, b"\x01\0"), frame(BODY, channel, b"\x3c\0")].concat();
        [frame(METHOD, channel, &method), frame(HEADER, channel, &head), body].concat()
    }

    /// What [`back`] is as it was sent.
    fn sent(id: &str) -> Message {
        Message {
            id: Some(id.to_owned()),
            headers: vec![("a".to_owned(), "b".to_owned())],
            body: b"\x01\0\x3c\0"[..].into(),
            ..Message::text("nope", "")
        }
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
            assert_eq!(returns.take(2, &sent("a"), None), None, "another channel");
            for (channel, id) in [(1, "a"), (2, "b"), (1, "a")] {
                assert_eq!(
                    returns.take(channel, &sent(id), None),
                    Some((312, "NO_ROUTE".to_owned())),
                    "{size}"
                );
            }
            assert_eq!(returns.take(1, &sent("a"), None), None);
        }
    }

    #[test]
    fn a_message_without_a_body_comes_back_with_its_head() {
        let method = [&RETURN[..], &312_u16.to_be_bytes(), b"\x08NO_ROUTE\0\x04nope"].concat();
        let head = [&[0, 60, 0, 0][..], &0_u64.to_be_bytes(), &[0, 0b1000_0000], b"\x01a"].concat();
        let returns = Returns::default();
        Frames::new(returns.clone()).read(&[frame(METHOD, 1, &method), frame(HEADER, 1, &head)].concat());
        assert!(
            returns
                .take(1, &Message { id: Some("a".to_owned()), ..Message::text("nope", "") }, None)
                .is_some()
        );
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
        // A body that is longer than the head says, and one without a head.
        frames.read(&back(1, "a")[..90]);
        frames.read(&frame(BODY, 1, &[0; 5000]));
        frames.read(&frame(BODY, 7, b""));
    }
}
