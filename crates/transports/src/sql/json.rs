//! What database values are written with: JSON, straight into a buffer, by one rule for all engines.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::value::RawValue;

/// A double holds any number of so many significant digits, and gives them back (IEEE 754 binary64: `DBL_DIG`).
const SAFE_DIGITS: usize = 15;

/// 2^53 - 1, the largest integer up to which a double holds every one (RFC 8259 section 6; RFC 7493 section 2.2).
const SAFE_INTEGER: u64 = (1 << 53) - 1;

/// Writes a text as a JSON string.
pub(crate) fn text(out: &mut Vec<u8>, text: &str) {
    serde_json::to_writer(&mut *out, text).expect("a text can be written as JSON into memory");
}

/// Writes bytes that should be UTF-8 as a JSON string; what is none of it becomes U+FFFD.
pub(crate) fn lossy(out: &mut Vec<u8>, bytes: &[u8]) {
    text(out, &String::from_utf8_lossy(bytes));
}

/// Writes bytes as a JSON string in base64 (RFC 4648 section 4).
pub(crate) fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'"');
    let start = out.len();
    out.resize(start + base64::encoded_len(bytes.len(), true).expect("a value fits into memory"), 0);
    let written = BASE64_STANDARD.encode_slice(bytes, &mut out[start..]).expect("there is room for it");
    out.truncate(start + written);
    out.push(b'"');
}

/// Writes a signed integer: as a number where a double holds it and its neighbours, otherwise as a string.
pub(crate) fn integer(out: &mut Vec<u8>, value: i64) {
    quoted_if(out, value.unsigned_abs() > SAFE_INTEGER, value.to_string().as_bytes());
}

/// Writes an unsigned integer, by the same rule.
pub(crate) fn unsigned(out: &mut Vec<u8>, value: u64) {
    quoted_if(out, value > SAFE_INTEGER, value.to_string().as_bytes());
}

/// Writes the digits of an integer or a decimal as the engine wrote them: as a number where a double gives back every
/// digit, otherwise (and for `NaN` and the infinities) as a string. No digit is added or taken away, so `1.10` stays.
pub(crate) fn digits(out: &mut Vec<u8>, digits: &[u8]) {
    let number = is_number(digits) && significant(digits) <= SAFE_DIGITS;
    let number = number || is_safe_integer(digits);
    quoted_if(out, !number, digits);
}

/// Writes a double in the shortest digits that give it back; `NaN` and the infinities as strings.
pub(crate) fn double(out: &mut Vec<u8>, value: f64) {
    match value {
        value if value.is_nan() => out.extend_from_slice(b"\"NaN\""),
        value if value.is_infinite() => {
            out.extend_from_slice(if value > 0.0 { b"\"Infinity\"" } else { b"\"-Infinity\"" });
        }
        value => serde_json::to_writer(&mut *out, &value).expect("a finite number can be written as JSON"),
    }
}

/// Writes a single precision number likewise, in the digits that give back the single.
pub(crate) fn single(out: &mut Vec<u8>, value: f32) {
    match value.is_finite() {
        true => serde_json::to_writer(&mut *out, &value).expect("a finite number can be written as JSON"),
        false => double(out, value.into()),
    }
}

/// Embeds a text that is JSON as it is, no digit changed; but on one line, since a line may be all that a reader gets.
/// What is no JSON is a string.
pub(crate) fn embedded(out: &mut Vec<u8>, text: &[u8]) {
    if serde_json::from_slice::<&RawValue>(text).is_err() {
        return lossy(out, text);
    }
    // Within its strings JSON has no line breaks (RFC 8259 section 7).
    out.extend(text.iter().map(|byte| if matches!(byte, b'\n' | b'\r') { b' ' } else { *byte }));
}

fn quoted_if(out: &mut Vec<u8>, quoted: bool, digits: &[u8]) {
    if quoted {
        out.push(b'"');
    }
    out.extend_from_slice(digits);
    if quoted {
        out.push(b'"');
    }
}

/// Whether JSON has this spelling of a number (RFC 8259 section 6), without an exponent.
fn is_number(digits: &[u8]) -> bool {
    let bare = digits.strip_prefix(b"-").unwrap_or(digits);
    let (whole, part) = match bare.iter().position(|byte| *byte == b'.') {
        Some(point) => (&bare[..point], Some(&bare[point + 1..])),
        None => (bare, None),
    };
    let all = |bytes: &[u8]| !bytes.is_empty() && bytes.iter().all(u8::is_ascii_digit);
    all(whole) && (whole.len() == 1 || whole[0] != b'0') && part.is_none_or(all)
}

fn significant(digits: &[u8]) -> usize {
    digits.iter().filter(|byte| byte.is_ascii_digit()).skip_while(|byte| **byte == b'0').count()
}

fn is_safe_integer(digits: &[u8]) -> bool {
    let text = std::str::from_utf8(digits).ok();
    is_number(digits)
        && text
            .and_then(|text| text.parse::<i64>().ok())
            .is_some_and(|value| value.unsigned_abs() <= SAFE_INTEGER)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        serde_json::from_slice::<serde_json::Value>(&out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_number_that_a_double_cannot_hold_is_a_string() {
        for (given, expected) in [
            ("0", "0"),
            ("-1", "-1"),
            ("1.10", "1.10"),
            ("0.000000123456789012345", "0.000000123456789012345"),
            ("123456789.012345", "123456789.012345"),
            ("1234567890.123456", "\"1234567890.123456\""),
            ("9007199254740991", "9007199254740991"),
            ("-9007199254740991", "-9007199254740991"),
            ("9007199254740992", "\"9007199254740992\""),
            ("99999999999999999999999999999999999999", "\"99999999999999999999999999999999999999\""),
            ("NaN", "\"NaN\""),
            ("-Infinity", "\"-Infinity\""),
            ("", "\"\""),
            (".5", "\".5\""),
            ("007", "\"007\""),
        ] {
            assert_eq!(written(|out| digits(out, given.as_bytes())), expected, "{given}");
        }
        assert_eq!(written(|out| integer(out, i64::MIN)), "\"-9223372036854775808\"");
        assert_eq!(written(|out| unsigned(out, u64::MAX)), "\"18446744073709551615\"");
        assert_eq!(written(|out| integer(out, -9_007_199_254_740_991)), "-9007199254740991");
    }

    #[test]
    fn floats_keep_their_own_precision() {
        assert_eq!(written(|out| double(out, 0.1)), "0.1");
        assert_eq!(written(|out| single(out, 0.1)), "0.1");
        assert_eq!(written(|out| double(out, f64::NAN)), "\"NaN\"");
        assert_eq!(written(|out| single(out, f32::NEG_INFINITY)), "\"-Infinity\"");
        assert_eq!(written(|out| double(out, -0.0)), "-0.0");
    }

    #[test]
    fn json_is_embedded_as_it_is_on_one_line() {
        assert_eq!(
            written(|out| embedded(out, b"{\"a\": 1.10,\r\n \"b\":[\"x\\n\"]}")),
            "{\"a\": 1.10,   \"b\":[\"x\\n\"]}"
        );
        assert_eq!(written(|out| embedded(out, b"{'a': 1}")), "\"{'a': 1}\"");
        assert_eq!(written(|out| embedded(out, b"")), "\"\"");
    }

    #[test]
    fn bytes_are_base64() {
        for (given, expected) in [(&b""[..], "\"\""), (b"a", "\"YQ==\""), (&[0xfb, 0xff, 0xfe], "\"+//+\"")] {
            assert_eq!(written(|out| bytes(out, given)), expected);
        }
    }
}
