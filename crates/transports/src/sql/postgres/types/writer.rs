//! The text of values as JSON, by what is chosen once for a column.

use std::sync::Arc;

use super::{
    Class, bytea,
    literal::{self, Odd, Piece},
};
use crate::sql::json;

/// Writes the values of one type.
#[derive(Debug, Clone)]
pub(in super::super) struct Writer(Kind);

#[derive(Debug, Clone)]
enum Kind {
    Scalar(Class),
    Array(Arc<(Writer, u8)>),
    /// Each attribute: `"name":` and its writer.
    Row(Arc<[(Vec<u8>, Writer)]>),
}

impl Writer {
    pub(super) fn of(class: Class) -> Self {
        Self(Kind::Scalar(class))
    }

    pub(super) fn array(element: Self, delimiter: u8) -> Self {
        Self(Kind::Array(Arc::new((element, delimiter))))
    }

    pub(super) fn row<'a>(attributes: impl Iterator<Item = (&'a str, Self)>) -> Self {
        let keyed = attributes.map(|(name, writer)| {
            let mut key = Vec::new();
            json::text(&mut key, name);
            key.push(b':');
            (key, writer)
        });
        Self(Kind::Row(keyed.collect()))
    }

    /// Writes a value that is not NULL as JSON. Text that is not of the type's form becomes a string.
    pub(in super::super) fn write(&self, text: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        let written = match &self.0 {
            Kind::Scalar(class) => return scalar(*class, text, out),
            Kind::Array(array) => write_array(&array.0, array.1, text, out),
            Kind::Row(attributes) => write_row(attributes, text, out),
        };
        if written.is_err() {
            out.truncate(start);
            json::lossy(out, text);
        }
    }
}

fn scalar(class: Class, text: &[u8], out: &mut Vec<u8>) {
    match class {
        Class::Bool => match text {
            b"t" => out.extend_from_slice(b"true"),
            b"f" => out.extend_from_slice(b"false"),
            _ => json::lossy(out, text),
        },
        Class::Integer | Class::Digits => digits(text, out),
        Class::Float if is_number(text) => out.extend_from_slice(text),
        Class::Text | Class::Float => json::lossy(out, text),
        Class::Bytea => bytea::to_json(text, out),
        Class::Json | Class::Jsonb => verbatim(class, text, out),
        Class::Timestamp | Class::TimestampTz => timestamp(class, text, out),
        Class::Vector => {
            out.push(b'[');
            let numbers = text.split(|byte| *byte == b' ').filter(|number| !number.is_empty());
            for (n, number) in numbers.enumerate() {
                if n > 0 {
                    out.push(b',');
                }
                digits(number, out);
            }
            out.push(b']');
        }
    }
}

fn digits(text: &[u8], out: &mut Vec<u8>) {
    // Most are small, and then nothing is to be weighed.
    if text.len() <= 15 && matches!(text.first(), Some(b'1'..=b'9')) && text.iter().all(u8::is_ascii_digit) {
        out.extend_from_slice(text);
    } else if text.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\')) {
        json::digits(out, text);
    } else {
        json::lossy(out, text);
    }
}

/// Whether JSON has this spelling of a number (RFC 8259 section 6).
fn is_number(text: &[u8]) -> bool {
    let count = |text: &[u8]| text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let bare = text.strip_prefix(b"-").unwrap_or(text);
    let whole = count(bare);
    if whole == 0 || (whole > 1 && bare[0] == b'0') {
        return false;
    }
    let mut rest = &bare[whole..];
    if let Some(part) = rest.strip_prefix(b".") {
        let length = count(part);
        if length == 0 {
            return false;
        }
        rest = &part[length..];
    }
    if let Some(power) = rest.strip_prefix(b"e") {
        let power = power.strip_prefix(b"+").or(power.strip_prefix(b"-")).unwrap_or(power);
        return !power.is_empty() && count(power) == power.len();
    }
    rest.is_empty()
}

/// JSON as the server holds it, which it guarantees to be JSON. Only line breaks, which can stand only between tokens,
/// become spaces: a value is written into one line.
fn verbatim(class: Class, text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    match std::str::from_utf8(text) {
        Ok("") => return json::text(out, ""),
        Ok(text) => out.extend_from_slice(text.as_bytes()),
        // A database in SQL_ASCII holds any bytes.
        Err(_) => out.extend_from_slice(String::from_utf8_lossy(text).as_bytes()),
    }
    if class == Class::Json {
        let mut at = start;
        while let Some(found) = memchr::memchr2(b'\n', b'\r', &out[at..]) {
            at += found;
            out[at] = b' ';
        }
    }
}

/// `2024-01-02 03:04:05.1` gets its `T`, and with a zone `+00` becomes `Z`. Infinity, years BC and beyond 9999, and
/// zones with seconds, which RFC 3339 cannot say, stay as they are.
fn timestamp(class: Class, text: &[u8], out: &mut Vec<u8>) {
    let plain = text.len() >= 19
        && text[10] == b' '
        && text[..10].iter().all(|byte| byte.is_ascii_digit() || *byte == b'-')
        && text[11..].iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'+' | b'-'));
    if !plain {
        return json::lossy(out, text);
    }
    let zone = text[19..].iter().position(|byte| matches!(byte, b'+' | b'-')).map(|at| at + 19);
    let (time, zone) = match (class, zone) {
        (Class::Timestamp, None) => (&text[11..], &b""[..]),
        (Class::TimestampTz, Some(at)) => (&text[11..at], &text[at..]),
        _ => return json::lossy(out, text),
    };
    let (zone, minutes): (&[u8], &[u8]) = match zone {
        b"+00" => (b"Z", b""),
        zone if zone.len() == 3 => (zone, b":00"),
        zone if zone.len() == 6 || zone.is_empty() => (zone, b""),
        _ => return json::lossy(out, text),
    };
    out.push(b'"');
    for part in [&text[..10], b"T", time, zone, minutes] {
        out.extend_from_slice(part);
    }
    out.push(b'"');
}

fn write_array(element: &Writer, delimiter: u8, text: &[u8], out: &mut Vec<u8>) -> Result<(), Odd> {
    literal::array(text, delimiter, |piece| match piece {
        Piece::Open => out.push(b'['),
        Piece::Close => out.push(b']'),
        Piece::Next => out.push(b','),
        Piece::Null => out.extend_from_slice(b"null"),
        Piece::Element(text) => element.write(text, out),
    })
}

fn write_row(attributes: &[(Vec<u8>, Writer)], text: &[u8], out: &mut Vec<u8>) -> Result<(), Odd> {
    if attributes.is_empty() && text == b"()" {
        out.extend_from_slice(b"{}");
        return Ok(());
    }
    let mut rest = attributes.iter();
    let mut odd = false;
    out.push(b'{');
    literal::row(text, |value| {
        let Some((key, writer)) = rest.next() else {
            odd = true;
            return;
        };
        if rest.len() + 1 < attributes.len() {
            out.push(b',');
        }
        out.extend_from_slice(key);
        match value {
            Some(value) => writer.write(value, out),
            None => out.extend_from_slice(b"null"),
        }
    })?;
    out.push(b'}');
    // A type that was changed since it was looked up has another number of attributes.
    if odd || rest.len() > 0 { Err(Odd) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const CLASSES: [Class; 9] = [
        Class::Bool,
        Class::Integer,
        Class::Digits,
        Class::Float,
        Class::Text,
        Class::Bytea,
        Class::Timestamp,
        Class::TimestampTz,
        Class::Vector,
    ];

    fn written(writer: &Writer, text: &[u8]) -> String {
        let mut out = Vec::new();
        writer.write(text, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn scalars_are_what_json_has_for_them() {
        for (class, text, expected) in [
            (Class::Bool, "t", "true"),
            (Class::Integer, "-2147483648", "-2147483648"),
            (Class::Digits, "9223372036854775807", "\"9223372036854775807\""),
            (Class::Digits, "1.10", "1.10"),
            (Class::Digits, "NaN", "\"NaN\""),
            (Class::Float, "1e+20", "1e+20"),
            (Class::Float, "-1.5e-07", "-1.5e-07"),
            (Class::Float, "-0", "-0"),
            (Class::Float, "-Infinity", "\"-Infinity\""),
            (Class::Text, "a\"\n", "\"a\\\"\\n\""),
            (Class::Json, "{\"a\":\r\n 1.0}", "{\"a\":   1.0}"),
            (Class::Timestamp, "2024-01-02 03:04:05.1", "\"2024-01-02T03:04:05.1\""),
            (Class::Timestamp, "infinity", "\"infinity\""),
            (Class::Timestamp, "0044-03-15 00:00:00 BC", "\"0044-03-15 00:00:00 BC\""),
            (Class::Timestamp, "10000-01-01 00:00:00", "\"10000-01-01 00:00:00\""),
            (Class::TimestampTz, "2024-01-02 03:04:05+00", "\"2024-01-02T03:04:05Z\""),
            (Class::TimestampTz, "2024-01-02 03:04:05.25+05:30", "\"2024-01-02T03:04:05.25+05:30\""),
            (Class::TimestampTz, "2024-01-02 03:04:05-07", "\"2024-01-02T03:04:05-07:00\""),
            (Class::TimestampTz, "1880-01-02 03:04:05+00:19:32", "\"1880-01-02 03:04:05+00:19:32\""),
            (Class::Vector, "1 2 3", "[1,2,3]"),
            (Class::Vector, "", "[]"),
        ] {
            assert_eq!(written(&Writer::of(class), text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn text_that_is_no_utf8_is_still_text() {
        assert_eq!(written(&Writer::of(Class::Text), b"a\xff"), "\"a\u{fffd}\"");
        assert_eq!(written(&Writer::of(Class::Jsonb), b"\"a\xff\""), "\"a\u{fffd}\"");
    }

    #[test]
    fn a_row_with_another_number_of_attributes_is_text() {
        let row =
            Writer::row([("a", Writer::of(Class::Integer)), ("b", Writer::of(Class::Text))].into_iter());
        assert_eq!(written(&row, b"(1,x)"), r#"{"a":1,"b":"x"}"#);
        assert_eq!(written(&row, b"(1)"), "\"(1)\"");
        assert_eq!(written(&row, b"(1,x,2)"), "\"(1,x,2)\"");
    }

    proptest! {
        #[test]
        fn whatever_comes_is_json(text in "[{}(),\"\\\\ 0-9eN:.+x-]{0,24}", any in any::<Vec<u8>>()) {
            for class in CLASSES {
                let scalar = Writer::of(class);
                let array = Writer::array(scalar.clone(), b',');
                let row = Writer::row([("a", scalar.clone()), ("b", array.clone())].into_iter());
                for writer in [scalar, array, row] {
                    for text in [text.as_bytes(), &any] {
                        let mut out = Vec::new();
                        writer.write(text, &mut out);
                        prop_assert!(serde_json::from_slice::<&serde_json::value::RawValue>(&out).is_ok());
                    }
                }
            }
        }
    }
}
