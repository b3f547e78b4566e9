//! `Record`: what is written down of a call that came with an idempotency key, and the bytes that this is.
//!
//! ```text
//! print of the request 32 | 'B' | the outbound key as a header line, if there is one | '\n'
//! print of the request 32 | 'A' | status, 3 digits | header lines | '\n' | body
//! print of the request 32 | 'L' | status, 3 digits
//! ```
//!
//! A header line is `name:value\n`; neither part can hold what ends it (RFC 9110 sections 5.1 and 5.5).

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use memchr::memchr;

/// Tells requests apart: a SHA-256.
pub(super) type Print = [u8; 32];

/// What is known of a call.
#[derive(Debug, PartialEq)]
pub(super) enum Record {
    /// It was begun; with this key for the service, if that takes one.
    Begun(Option<(HeaderName, HeaderValue)>),
    /// It was answered so.
    Answered(StatusCode, HeaderMap, Bytes),
    /// It was answered, at a length that is not kept.
    TooLarge(StatusCode),
}

impl Record {
    /// The record of a request with this print, to be stored.
    pub(super) fn write(&self, print: &Print) -> Vec<u8> {
        let mut out = print.to_vec();
        match self {
            Self::Begun(key) => {
                out.push(b'B');
                key.iter().for_each(|(name, value)| line(&mut out, name, value));
                out.push(b'\n');
            }
            Self::Answered(status, headers, body) => {
                out.push(b'A');
                out.extend(status.as_str().bytes());
                headers.iter().for_each(|(name, value)| line(&mut out, name, value));
                out.push(b'\n');
                out.extend_from_slice(body);
            }
            Self::TooLarge(status) => {
                out.push(b'L');
                out.extend(status.as_str().bytes());
            }
        }
        out
    }

    /// The record that was written, and the print of its request; `None` if this is none.
    pub(super) fn read(bytes: &[u8]) -> Option<(Print, Self)> {
        let (print, rest) = bytes.split_first_chunk()?;
        let (kind, rest) = rest.split_first()?;
        let record = match kind {
            b'B' => {
                let (headers, _) = lines(rest)?;
                Self::Begun(headers.into_iter().find_map(|(name, value)| Some((name?, value))))
            }
            b'A' => {
                let (status, rest) = rest.split_at_checked(3)?;
                let (headers, body) = lines(rest)?;
                Self::Answered(StatusCode::from_bytes(status).ok()?, headers, Bytes::copy_from_slice(body))
            }
            b'L' => Self::TooLarge(StatusCode::from_bytes(rest).ok()?),
            _ => return None,
        };
        Some((*print, record))
    }
}

fn line(out: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    for part in [name.as_str().as_bytes(), b":", value.as_bytes(), b"\n"] {
        out.extend_from_slice(part);
    }
}

/// The header lines up to the empty one, and what follows that.
fn lines(mut rest: &[u8]) -> Option<(HeaderMap, &[u8])> {
    let mut headers = HeaderMap::new();
    loop {
        let end = memchr(b'\n', rest)?;
        let (line, after) = (&rest[..end], &rest[end + 1..]);
        if line.is_empty() {
            return Some((headers, after));
        }
        let colon = memchr(b':', line)?;
        let (name, value) = (&line[..colon], &line[colon + 1..]);
        headers.append(HeaderName::from_bytes(name).ok()?, HeaderValue::from_bytes(value).ok()?);
        rest = after;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let mut headers = HeaderMap::new();
        for (name, value) in
            [("a", &b"1:2"[..]), ("link", b"one"), ("link", b"two"), ("x", b"\t\xff"), ("y", b"")]
        {
            headers.append(name, HeaderValue::from_bytes(value).unwrap());
        }
        let key = (HeaderName::from_static("key"), HeaderValue::from_static("a:b"));
        vec![
            Record::Begun(None),
            Record::Begun(Some(key)),
            Record::Answered(StatusCode::NO_CONTENT, HeaderMap::new(), Bytes::new()),
            Record::Answered(StatusCode::CREATED, headers, Bytes::from_static(b"\n\n\0body\n")),
            Record::TooLarge(StatusCode::OK),
        ]
    }

    #[test]
    fn what_is_written_is_read_and_repeated_headers_keep_their_order() {
        for record in records() {
            assert_eq!(Record::read(&record.write(&[7; 32])), Some(([7; 32], record)));
        }
    }

    #[test]
    fn what_is_cut_off_is_no_record_or_a_shorter_body_and_never_a_panic() {
        for record in records() {
            let bytes = record.write(&[7; 32]);
            for end in 0..bytes.len() {
                match Record::read(&bytes[..end]) {
                    None => {}
                    Some((_, Record::Answered(..))) => assert!(matches!(record, Record::Answered(..))),
                    Some(read) => panic!("{read:?}"),
                }
            }
        }
    }
}
