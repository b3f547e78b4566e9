//! Parameters as the protocol takes them. It does not tell which type a statement expects, so a parameter is sent as
//! what it is in JSON:
//!
//! - `true` and `false` are 1 and 0. Numbers are integers or, where a double gives back every digit, doubles;
//!   otherwise their digits are sent as text, which columns of type `DECIMAL` and `BIGINT` read exactly.
//! - `{"base64": "…"}`, with no other key, is bytes. Other objects, and arrays, are the text of their JSON.
//! - Strings are text, and stay as they are. Only where the server says that `'2024-01-02T03:04:05Z'` is no date and
//!   time is such a parameter sent again as `2024-01-02 03:04:05` in UTC, which is what sessions are in: MariaDB reads
//!   no zone, MySQL only one in digits (manual, 11.2.2). So what came out of a `TIMESTAMP` goes back into one, and the
//!   same text in a column of text is not touched.

use std::borrow::Cow;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use mysql_async::Value;
use serde::Deserialize;
use trunkline_core::{Error, Result};

use crate::sql::{arg::Arg, job::Step};

/// A double holds any number of so many significant digits.
const SAFE_DIGITS: usize = 15;

/// The parameters of a statement.
///
/// # Errors
///
/// `invalid_config` for bytes that are not base64.
pub(super) fn values(step: &Step<'_>) -> Result<Vec<Value>> {
    let value = |(n, arg): (usize, &Arg<'_>)| {
        Ok(match arg {
            Arg::Null => Value::NULL,
            Arg::Bool(value) => Value::Int((*value).into()),
            Arg::Number(digits) => number(digits),
            Arg::Text(text) => Value::Bytes(text.as_bytes().to_vec()),
            Arg::Json(text) => match bytes(text) {
                None => Value::Bytes(text.as_bytes().to_vec()),
                Some(Ok(bytes)) => Value::Bytes(bytes),
                Some(Err(_)) => {
                    let message = format!("{}: base64: is not base64 of the standard alphabet", step.name(n));
                    return Err(Error::invalid(message));
                }
            },
        })
    };
    step.args.iter().enumerate().map(value).collect()
}

fn number(digits: &str) -> Value {
    if let Ok(value) = digits.parse() {
        return Value::Int(value);
    }
    if let Ok(value) = digits.parse() {
        return Value::UInt(value);
    }
    let mantissa = digits.split(['e', 'E']).next().unwrap_or(digits);
    let figures = mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').count();
    match digits.parse::<f64>() {
        Ok(value) if figures <= SAFE_DIGITS && value.is_finite() && (value != 0.0 || figures == 0) => {
            Value::Double(value)
        }
        _ => Value::Bytes(digits.as_bytes().to_vec()),
    }
}

/// What is in `{"base64": "…"}`; `None` for any other JSON.
fn bytes(json: &str) -> Option<Result<Vec<u8>, base64::DecodeError>> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Bytes<'a> {
        #[serde(borrow)]
        base64: Cow<'a, str>,
    }
    if !json.starts_with('{') {
        return None;
    }
    let Bytes { base64 } = serde_json::from_str(json).ok()?;
    Some(BASE64_STANDARD.decode(base64.as_bytes()))
}

/// Rewrites the parameters that the server complained of, if they are times with a zone. `false` where there is none.
pub(super) fn without_zones(values: &mut [Value], complaint: &str) -> bool {
    let mut any = false;
    for value in values {
        let Value::Bytes(bytes) = value else { continue };
        let Ok(text) = std::str::from_utf8(bytes) else { continue };
        if text.len() < 20 || !complaint.contains(&format!("'{text}'")) {
            continue;
        }
        if let Some(time) = utc(text) {
            *value = Value::Bytes(time.into_bytes());
            any = true;
        }
    }
    any
}

/// A time with a zone by RFC 3339 section 5.6, as MySQL writes one, in UTC.
fn utc(text: &str) -> Option<String> {
    let number = |range: std::ops::Range<usize>| {
        let part = text.get(range)?;
        part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse::<i64>().ok())?
    };
    let is = |at: usize, chars: &[u8]| text.as_bytes().get(at).is_some_and(|byte| chars.contains(byte));
    let shaped = is(4, b"-") && is(7, b"-") && is(10, b"Tt ") && is(13, b":") && is(16, b":");
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !shaped || !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 {
        return None;
    }
    let rest = text.get(19..)?;
    let digits = rest.strip_prefix('.').map_or(0, |rest| rest.bytes().take_while(u8::is_ascii_digit).count());
    let (fraction, zone) = rest.split_at(if digits > 0 { digits + 1 } else { 0 });
    let offset = match zone.as_bytes() {
        b"Z" | b"z" => 0,
        [sign @ (b'+' | b'-'), a, b, b':', c, d] if [a, b, c, d].iter().all(|byte| byte.is_ascii_digit()) => {
            let two = |tens: &u8, ones: &u8| i64::from(tens - b'0') * 10 + i64::from(ones - b'0');
            let minutes = two(a, b) * 60 + two(c, d);
            if *sign == b'-' { -minutes } else { minutes }
        }
        _ => return None,
    };
    let minutes = days(year, month, day) * 1440 + hour * 60 + minute - offset;
    let (year, month, day) = date(minutes.div_euclid(1440));
    let minute = minutes.rem_euclid(1440);
    Some(format!("{year:04}-{month:02}-{day:02} {:02}:{:02}:{second:02}{fraction}", minute / 60, minute % 60))
}

/// Days since 1970-01-01 of a date of the Gregorian calendar (Howard Hinnant, "chrono-Compatible Low-Level Date
/// Algorithms").
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let (of_era, of_year) = (year.rem_euclid(400), (153 * ((month + 9) % 12) + 2) / 5 + day - 1);
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The reverse of [`days`].
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lose_no_digit() {
        let text = |digits: &str| Value::Bytes(digits.as_bytes().to_vec());
        for (digits, expected) in [
            ("7", Value::Int(7)),
            ("-9223372036854775808", Value::Int(i64::MIN)),
            ("18446744073709551615", Value::UInt(u64::MAX)),
            ("18446744073709551616", text("18446744073709551616")),
            ("0.1", Value::Double(0.1)),
            ("-0.0", Value::Double(-0.0)),
            ("1e3", Value::Double(1000.0)),
            ("1e400", text("1e400")),
            ("1e-400", text("1e-400")),
            ("1234567890.123456", text("1234567890.123456")),
        ] {
            assert_eq!(number(digits), expected, "{digits}");
        }
    }

    #[test]
    fn only_an_object_with_the_one_key_is_bytes() {
        assert_eq!(bytes(r#"{"base64": "AP8="}"#).unwrap().unwrap(), [0, 255]);
        assert_eq!(bytes(r#"{"base64":"A\u0050\/\u002f"}"#).unwrap().unwrap(), [0, 0xff, 0xff]);
        for other in [r#"{"base64": 1}"#, r#"{"base64": "", "a": 1}"#, "{}", r#"["base64"]"#] {
            assert!(bytes(other).is_none(), "{other}");
        }
        assert!(bytes(r#"{"base64": "?"}"#).unwrap().is_err());
    }

    #[test]
    fn a_time_with_a_zone_is_told_in_utc() {
        for (given, expected) in [
            ("2024-01-02T03:04:05Z", Some("2024-01-02 03:04:05")),
            ("2024-01-02T03:04:05.123Z", Some("2024-01-02 03:04:05.123")),
            ("2024-01-01T01:30:00.5+02:00", Some("2023-12-31 23:30:00.5")),
            ("2024-02-28T23:59:60-00:30", Some("2024-02-29 00:29:60")),
            ("1900-02-28T23:00:00-02:00", Some("1900-03-01 01:00:00")),
            ("2024-01-02T03:04:05", None),
            ("2024-01-02T03:04:05.Z", None),
            ("2024-01-02T03:04:05Zx", None),
            ("2024-13-02T03:04:05Z", None),
            ("2024-01-02Tab:04:05Z", None),
            ("\u{e4}024-01-02T03:04:05Z", None),
        ] {
            assert_eq!(utc(given).as_deref(), expected, "{given}");
        }
        for day in -800_000..800_000 {
            let (year, month, of_month) = date(day);
            assert_eq!(days(year, month, of_month), day);
        }
    }

    #[test]
    fn only_what_the_server_complained_of_is_rewritten() {
        let text = |text: &str| Value::Bytes(text.as_bytes().to_vec());
        let mut values = [text("2024-01-02T03:04:05Z"), text("2024-01-02T03:04:06Z"), Value::Int(1)];
        let complaint = "Incorrect datetime value: '2024-01-02T03:04:06Z' for column `a`.`b`.`c` at row 1";
        assert!(without_zones(&mut values, complaint));
        assert_eq!(values, [text("2024-01-02T03:04:05Z"), text("2024-01-02 03:04:06"), Value::Int(1)]);
        assert!(!without_zones(&mut values, complaint));
    }
}
