//! Numbers as they are written: JSON as a tree in which each number that a machine's would not give back is marked and kept as
//! text, so that an amount of `1.10` or a long identifier reaches the other side as it was sent.
//!
//! A tree that [`read`] gives is for passing on, with [`written`] at its end. Whoever reckons with it, or checks it against a
//! schema, takes what [`plain`] makes of it.

use std::borrow::Cow;

use serde::de::DeserializeOwned;
use serde_json::{
    Map, Number, Value,
    value::{RawValue, to_raw_value},
};

use crate::{Error, Result, parse};

/// What a text begins with that is a number. One that begins so by itself has it twice.
const MARK: char = '\0';
/// The same as JSON writes it.
const ESCAPED: &[u8] = br"\u0000";
/// Whole numbers with so many digits fit into any machine's.
const DIGITS: usize = 18;

/// Reads a `T` out of JSON text, with numbers marked in the values that it holds.
///
/// # Errors
///
/// As [`parse::text`].
pub fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T> {
    let value = parse::text(json)?;
    match marked(json) {
        // It is JSON, but of another shape where a number is expected and marked.
        Some(marked) => serde_json::from_slice(&marked).or(Ok(value)),
        None => Ok(value),
    }
}

/// A tree that [`read`] gave as the text that it was.
///
/// # Errors
///
/// `invalid_config` where it is no JSON, which no tree is that was read.
pub fn written(value: &Value) -> Result<Box<RawValue>> {
    let raw = |error| Error::invalid("the request is no JSON").source(error);
    if !is_marked(value) {
        return to_raw_value(value).map_err(raw);
    }
    let mut out = String::new();
    write(&mut out, value).and_then(|()| RawValue::from_string(out)).map_err(raw)
}

/// The same tree with a machine's numbers, as near as they are.
pub fn plain(value: &Value) -> Cow<'_, Value> {
    match is_marked(value) {
        false => Cow::Borrowed(value),
        true => Cow::Owned(approximate(value)),
    }
}

/// A text, number or boolean as text: a number as it was written.
pub fn text(value: &Value) -> Option<Cow<'_, str>> {
    match value {
        Value::String(text) => {
            Some(Cow::Borrowed(text.strip_prefix(MARK).filter(|_| is_mark(text)).unwrap_or(text)))
        }
        Value::Number(number) => Some(number.to_string().into()),
        Value::Bool(bool) => Some(if *bool { "true" } else { "false" }.into()),
        _ => None,
    }
}

/// A number out of its text, marked where a machine's would not give it back; nothing where that is no number.
pub fn number(text: &str) -> Option<Value> {
    let number: Number = serde_json::from_str(text).ok()?;
    // serde_json takes blanks around it.
    let begins = text.starts_with(|c: char| c == '-' || c.is_ascii_digit());
    let ends = text.ends_with(|c: char| c.is_ascii_digit());
    let same = number.to_string() == text;
    (begins && ends).then(|| if same { number.into() } else { format!("{MARK}{text}").into() })
}

/// Where in a tree that [`read`] gave the first whole number stands that a machine's has no room for: `a.b[0]`.
///
/// Whoever cannot pass it on as it is written would make another one of it.
pub fn outsized(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let digits = marked_number(text)?;
            let whole = digits.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit());
            let fits = digits.parse::<u64>().is_ok() || digits.parse::<i64>().is_ok();
            (whole && !fits).then(String::new)
        }
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| Some(format!("[{n}]{}", below(&outsized(item)?))))
        }
        Value::Object(fields) => {
            fields.iter().find_map(|(key, field)| Some(format!("{key}{}", below(&outsized(field)?))))
        }
        _ => None,
    }
}

/// A path as it goes on behind what it stands in.
fn below(path: &str) -> String {
    if path.is_empty() || path.starts_with('[') { path.to_owned() } else { format!(".{path}") }
}

/// Whether a tree has marks.
pub fn is_marked(value: &Value) -> bool {
    match value {
        Value::String(text) => is_mark(text),
        Value::Array(items) => items.iter().any(is_marked),
        Value::Object(fields) => fields.values().any(is_marked),
        _ => false,
    }
}

/// A tree that was not read here as one that was: what in it begins like a mark is none.
pub fn unmarked(value: Value) -> Value {
    match value {
        Value::String(text) if text.starts_with(MARK) => format!("{MARK}{text}").into(),
        Value::Array(items) => items.into_iter().map(unmarked).collect(),
        Value::Object(fields) => {
            Value::Object(fields.into_iter().map(|(key, value)| (key, unmarked(value))).collect())
        }
        value => value,
    }
}

fn is_mark(text: &str) -> bool {
    text.strip_prefix(MARK).is_some_and(|rest| rest.starts_with(MARK) || number(rest).is_some())
}

/// The number that a text is marked as.
fn marked_number(text: &str) -> Option<&str> {
    text.strip_prefix(MARK).filter(|rest| !rest.starts_with(MARK) && number(rest).is_some())
}

fn approximate(value: &Value) -> Value {
    match value {
        Value::String(text) => match marked_number(text) {
            Some(number) => serde_json::from_str(number).unwrap_or(Value::Null),
            None => self::text(value).unwrap_or_default().into_owned().into(),
        },
        Value::Array(items) => items.iter().map(approximate).collect(),
        Value::Object(fields) => Value::Object(
            fields.iter().map(|(key, value)| (key.clone(), approximate(value))).collect::<Map<_, _>>(),
        ),
        plain => plain.clone(),
    }
}

fn write(out: &mut String, value: &Value) -> serde_json::Result<()> {
    match value {
        Value::String(text) => match marked_number(text) {
            Some(number) => out.push_str(number),
            None => out.push_str(&serde_json::to_string(&self::text(value))?),
        },
        Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                write(out, item)?;
            }
            out.push(']');
        }
        Value::Object(fields) => {
            out.push('{');
            for (n, (key, value)) in fields.iter().enumerate() {
                if n > 0 {
                    out.push(',');
                }
                out.push_str(&serde_json::to_string(key)?);
                out.push(':');
                write(out, value)?;
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
    Ok(())
}

/// The text with numbers marked, which has to be JSON; nothing where none has to be.
fn marked(json: &[u8]) -> Option<Vec<u8>> {
    let (mut out, mut done) = (Vec::new(), 0);
    let mut at = 0;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => {
                let end = string(json, at);
                if json[at + 1..end].starts_with(ESCAPED) && !is_key(&json[end..]) {
                    out.extend_from_slice(&json[done..=at]);
                    out.extend_from_slice(ESCAPED);
                    done = at + 1;
                }
                at = end;
            }
            b'-' | b'0'..=b'9' => {
                let end = end(json, at);
                if is_odd(&json[at..end]) {
                    out.extend_from_slice(&json[done..at]);
                    out.push(b'"');
                    out.extend_from_slice(ESCAPED);
                    out.extend_from_slice(&json[at..end]);
                    out.push(b'"');
                    done = end;
                }
                at = end;
            }
            _ => at += 1,
        }
    }
    if done == 0 {
        return None;
    }
    out.extend_from_slice(&json[done..]);
    Some(out)
}

/// Behind the string that begins here.
fn string(json: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(byte) = json.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    json.len()
}

/// Whether what was before this is the name of a field.
fn is_key(rest: &[u8]) -> bool {
    rest.trim_ascii_start().first() == Some(&b':')
}

/// Behind the number that begins here.
fn end(json: &[u8], start: usize) -> usize {
    let part = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
    json[start..].iter().position(|byte| !part(byte)).map_or(json.len(), |length| start + length)
}

/// Whether a number that was read would be written otherwise.
fn is_odd(number: &[u8]) -> bool {
    if number.len() <= DIGITS && number.iter().all(u8::is_ascii_digit) {
        return false;
    }
    !serde_json::from_slice::<Number>(number).is_ok_and(|read| read.to_string().as_bytes() == number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_whole_number_that_a_machine_has_no_room_for_is_found_by_its_place() {
        for (json, place) in [
            (r#"{"a":1,"b":{"c":[0,{"d":18446744073709551616}]}}"#, Some("b.c[1].d")),
            (r#"[-9223372036854775809]"#, Some("[0]")),
            ("123456789012345678901234567890", Some("")),
            (
                r#"{"a":18446744073709551615,"b":-9223372036854775808,"c":1.10,"d":-0,"e":"18446744073709551616"}"#,
                None,
            ),
        ] {
            assert_eq!(outsized(&read(json.as_bytes()).unwrap()).as_deref(), place, "{json}");
        }
    }

    #[test]
    fn a_number_is_given_back_as_it_was_written() {
        for json in [
            r#"{"a":12345678901234567890123,"b":1.10,"c":[1e2,-0,0.5,18446744073709551615,-7]}"#,
            r#"{"\u00001.10":5.0,"a":"1.10","b":"\u00001.10","c":"\u0000\u0000x","d":"\\\"1.10"}"#,
            "1.10",
            "[]",
            r#"{"nested":{"deep":[[[1E+5]]]},"price":19.90,"text":"19.90, \u0000"}"#,
        ] {
            let value: Value = read(json.as_bytes()).unwrap();
            assert_eq!(written(&value).unwrap().get(), json);
            let machine: Value = serde_json::from_str(json).unwrap();
            assert_eq!(*plain(&value), machine, "{json}");
        }
        let small: Value = read(br#"{ "a": [1, 2.5, "x", null, true] }"#).unwrap();
        assert!(!is_marked(&small));
        let mine = json!(["\u{0}1.10", {"a": "\u{0}"}, 1]);
        assert_eq!(*plain(&unmarked(mine.clone())), mine);
    }

    #[test]
    fn a_number_is_text_where_text_is_wanted() {
        let value: Value = read(br#"[1.10, 7, "x", "\u0000x", "\u00001", true, null]"#).unwrap();
        let texts: Vec<_> = value.as_array().unwrap().iter().map(text).collect();
        let expected = [Some("1.10"), Some("7"), Some("x"), Some("\0x"), Some("\u{0}1"), Some("true"), None];
        assert_eq!(texts, expected.map(|text| text.map(Cow::Borrowed)));
        assert_eq!(number("5"), Some(json!(5)));
        assert_eq!(text(&number("98765432109876543210").unwrap()).unwrap(), "98765432109876543210");
        for no in ["", " 5", "5 ", "x", "1e", "NaN", "\"5\"", "05"] {
            assert_eq!(number(no), None, "{no}");
        }
    }

    #[test]
    fn what_is_no_json_is_refused_as_ever() {
        for json in ["{", "[1.10", "1e999999", "{\"a\":1.1.0}"] {
            assert!(read::<Value>(json.as_bytes()).is_err(), "{json}");
        }
    }
}
