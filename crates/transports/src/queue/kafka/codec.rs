//! How Kafka writes numbers, text and lists (Kafka protocol guide, "Protocol Primitive Types"). A length is believed as
//! far as there are bytes behind it: what a broker claims costs no memory.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use trunkline_core::{Error, Kind, Result};

/// A request as it is written.
#[derive(Debug, Default)]
pub(super) struct Writer(pub(super) BytesMut);

/// A reply as it is read.
#[derive(Debug)]
pub(super) struct Reader(pub(super) Bytes);

/// The broker broke the protocol.
pub(super) fn broken(what: &'static str) -> Error {
    Error::new(Kind::Protocol, what)
}

impl Writer {
    pub(super) fn i8(&mut self, value: i8) {
        self.0.put_i8(value);
    }

    pub(super) fn i16(&mut self, value: i16) {
        self.0.put_i16(value);
    }

    pub(super) fn i32(&mut self, value: i32) {
        self.0.put_i32(value);
    }

    pub(super) fn i64(&mut self, value: i64) {
        self.0.put_i64(value);
    }

    pub(super) fn bool(&mut self, value: bool) {
        self.0.put_u8(value.into());
    }

    /// Text of at most 32,767 bytes; what is longer is cut, for a name that long exists nowhere.
    pub(super) fn string(&mut self, text: &str) {
        let text = &text[..text.floor_char_boundary(i16::MAX as usize)];
        self.0.put_i16(text.len() as i16);
        self.0.put_slice(text.as_bytes());
    }

    pub(super) fn nullable_string(&mut self, text: Option<&str>) {
        match text {
            Some(text) => self.string(text),
            None => self.i16(-1),
        }
    }

    /// Bytes, of which callers keep the length far below 2 GiB.
    pub(super) fn bytes(&mut self, bytes: &[u8]) {
        self.0.put_i32(bytes.len() as i32);
        self.0.put_slice(bytes);
    }

    pub(super) fn array<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) {
        self.0.put_i32(items.len() as i32);
        items.iter().for_each(|item| write(self, item));
    }

    /// No tagged fields, as the end of what is flexible has them (KIP-482).
    pub(super) fn no_tags(&mut self) {
        self.0.put_u8(0);
    }

    /// A number as records have them: zigzag, in groups of seven bits, the lowest first.
    pub(super) fn varint(&mut self, value: i64) {
        let mut rest = ((value << 1) ^ (value >> 63)) as u64;
        while rest >= 0x80 {
            self.0.put_u8(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.0.put_u8(rest as u8);
    }
}

/// How many bytes [`Writer::varint`] writes.
pub(super) fn varint_len(value: i64) -> usize {
    let bits = 64 - (((value << 1) ^ (value >> 63)) as u64 | 1).leading_zeros() as usize;
    bits.div_ceil(7)
}

impl Reader {
    pub(super) fn take(&mut self, len: usize) -> Result<Bytes> {
        if self.0.len() < len {
            return Err(broken("the broker's answer ends in the middle"));
        }
        Ok(self.0.split_to(len))
    }

    pub(super) fn i8(&mut self) -> Result<i8> {
        self.take(1).map(|mut bytes| bytes.get_i8())
    }

    pub(super) fn i16(&mut self) -> Result<i16> {
        self.take(2).map(|mut bytes| bytes.get_i16())
    }

    pub(super) fn i32(&mut self) -> Result<i32> {
        self.take(4).map(|mut bytes| bytes.get_i32())
    }

    pub(super) fn i64(&mut self) -> Result<i64> {
        self.take(8).map(|mut bytes| bytes.get_i64())
    }

    pub(super) fn bool(&mut self) -> Result<bool> {
        self.i8().map(|byte| byte != 0)
    }

    pub(super) fn nullable_string(&mut self) -> Result<Option<String>> {
        let Ok(len) = usize::try_from(self.i16()?) else { return Ok(None) };
        let text = String::from_utf8(self.take(len)?.into());
        text.map(Some).map_err(|_| broken("the broker sent text that is not UTF-8"))
    }

    /// Text; a null is taken for an empty one.
    pub(super) fn string(&mut self) -> Result<String> {
        self.nullable_string().map(Option::unwrap_or_default)
    }

    /// Bytes; a null is taken for none.
    pub(super) fn bytes(&mut self) -> Result<Bytes> {
        let len = usize::try_from(self.i32()?).unwrap_or_default();
        self.take(len)
    }

    /// A list; a null is taken for an empty one.
    pub(super) fn array<T>(&mut self, mut read: impl FnMut(&mut Self) -> Result<T>) -> Result<Vec<T>> {
        let count = usize::try_from(self.i32()?).unwrap_or_default();
        // No item takes less than a byte.
        if count > self.0.len() {
            return Err(broken("the broker's answer has a list that is longer than the answer"));
        }
        let mut items = Vec::with_capacity(count.min(64));
        for _ in 0..count {
            items.push(read(self)?);
        }
        Ok(items)
    }

    /// A number as records have them.
    pub(super) fn varint(&mut self) -> Result<i64> {
        self.unsigned().map(|value| (value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Passes over tagged fields.
    pub(super) fn skip_tags(&mut self) -> Result<()> {
        for _ in 0..self.unsigned()? {
            let _tag = self.unsigned()?;
            let len = usize::try_from(self.unsigned()?).unwrap_or(usize::MAX);
            self.take(len)?;
        }
        Ok(())
    }

    fn unsigned(&mut self) -> Result<u64> {
        let (mut value, mut shift) = (0_u64, 0);
        loop {
            let byte = self.i8()? as u8;
            if shift > 63 {
                return Err(broken("the broker sent a number of more than 64 bits"));
            }
            value |= u64::from(byte & 0x7f) << shift;
            shift += 7;
            if byte < 0x80 {
                return Ok(value);
            }
        }
    }

    /// Bytes behind their length as records have it; `None` where that is negative.
    pub(super) fn counted(&mut self) -> Result<Option<Bytes>> {
        match usize::try_from(self.varint()?) {
            Ok(len) => self.take(len).map(Some),
            Err(_) => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_as_it_was_written_and_has_the_length_that_was_foretold() {
        for value in [0, -1, 1, 63, -64, 64, -65, 8191, 8192, 1 << 33, -(1 << 40), i64::MAX, i64::MIN] {
            let mut writer = Writer::default();
            writer.varint(value);
            assert_eq!(writer.0.len(), varint_len(value), "{value}");
            assert_eq!(Reader(writer.0.freeze()).varint().unwrap(), value);
        }
        // The examples of Protocol Buffers, "Signed Integers", whose encoding this is.
        for (value, bytes) in [(0, [0]), (-1, [1]), (1, [2]), (-2, [3])] {
            let mut writer = Writer::default();
            writer.varint(value);
            assert_eq!(*writer.0, bytes);
        }
    }

    #[test]
    fn what_claims_more_than_there_is_breaks_the_protocol() {
        let reader = |bytes: &'static [u8]| Reader(Bytes::from_static(bytes));
        let errors = [
            reader(&[0x7f, 0xff, 0xff, 0xff]).array(Reader::i8).map(drop),
            reader(&[0x7f, 0xff, 0xff, 0xff, 1]).bytes().map(drop),
            reader(&[0, 5, b'a']).string().map(drop),
            reader(&[0, 1, 0xff]).string().map(drop),
            reader(&[0xff; 11]).varint().map(drop),
            reader(&[0x80]).varint().map(drop),
        ];
        for error in errors {
            assert_eq!(error.unwrap_err().kind(), Kind::Protocol);
        }
        assert!(reader(&[0xff; 4]).array(Reader::i8).unwrap().is_empty());
        assert_eq!(reader(&[0xff; 2]).nullable_string().unwrap(), None);
    }
}
