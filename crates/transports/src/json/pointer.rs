//! `Pointer`: a JSON pointer (RFC 6901) into text that is neither parsed nor copied as a whole.

use std::ops::Range;

use trunkline_core::{Result, parse};

use super::scan;

/// A pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pointer(Vec<String>);

/// What stands where a pointer points.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found<'a> {
    /// This value, as it is written.
    Value(&'a str),
    /// Nothing, but the object that it would be in is this.
    Missing(&'a str),
    /// Nothing, nor anything that it could be in; or the text is no JSON.
    Nothing,
    /// More than one: a name that the pointer goes by stands there twice, and nobody knows which one others read.
    Twice,
}

impl Pointer {
    /// Reads a pointer.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is none.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        parse::pointer(text)?;
        let step = |step: &str| step.replace("~1", "/").replace("~0", "~");
        Ok(Self(text.split('/').skip(1).map(step).collect()))
    }

    /// The last name on the way.
    pub(crate) fn name(&self) -> Option<&str> {
        self.0.last().map(String::as_str)
    }

    /// Looks for it in a text.
    pub(crate) fn find<'a>(&self, json: &'a str) -> Found<'a> {
        let mut at = json;
        for (n, step) in self.0.iter().enumerate() {
            match look(at, step) {
                Some(Step::Value(value)) => at = value,
                Some(Step::Twice) => return Found::Twice,
                Some(Step::Missing) if n + 1 == self.0.len() && at.trim_start().starts_with('{') => {
                    return Found::Missing(at);
                }
                Some(Step::Missing) | None => return Found::Nothing,
            }
        }
        // The way there has read all of the text; where there is no way nobody has.
        match !self.0.is_empty() || is_json(json) {
            true => Found::Value(at),
            false => Found::Nothing,
        }
    }
}

/// Where a part of a text stands in it.
pub(crate) fn range(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr() as usize - whole.as_ptr() as usize;
    start..start + part.len()
}

enum Step<'a> {
    Value(&'a str),
    Missing,
    Twice,
}

/// One step into an object or an array; nothing where the text is neither.
fn look<'a>(json: &'a str, step: &str) -> Option<Step<'a>> {
    let (found, rest) = match scan::blanks(json.as_bytes()) {
        [b'{', rest @ ..] => member(rest, json, step)?,
        [b'[', rest @ ..] => element(rest, json, step)?,
        _ => return None,
    };
    scan::blanks(rest).is_empty().then_some(found)
}

/// Looks through an object, of which the brace was read, and gives what is left of the text.
fn member<'a>(mut text: &'a [u8], json: &'a str, step: &str) -> Option<(Step<'a>, &'a [u8])> {
    let mut found = Step::Missing;
    if let Some(rest) = scan::token(text, b'}') {
        return Some((found, rest));
    }
    loop {
        let (name, rest) = scan::name(text)?;
        let start = scan::blanks(rest);
        let end = scan::value(start)?;
        if is(name, step)? {
            found = match found {
                Step::Missing => Step::Value(between(json, start, end)),
                _ => Step::Twice,
            };
        }
        text = match scan::blanks(end) {
            [b',', rest @ ..] => rest,
            [b'}', rest @ ..] => return Some((found, rest)),
            _ => return None,
        };
    }
}

/// Looks through an array, of which the bracket was read, and gives what is left of the text.
fn element<'a>(mut text: &'a [u8], json: &'a str, step: &str) -> Option<(Step<'a>, &'a [u8])> {
    // RFC 6901 section 4: digits without a leading zero.
    let wanted = step.parse::<usize>().ok().filter(|n| n.to_string() == step);
    let (mut found, mut n) = (Step::Missing, 0);
    if let Some(rest) = scan::token(text, b']') {
        return Some((found, rest));
    }
    loop {
        let start = scan::blanks(text);
        let end = scan::value(start)?;
        if Some(n) == wanted {
            found = Step::Value(between(json, start, end));
        }
        n += 1;
        text = match scan::blanks(end) {
            [b',', rest @ ..] => rest,
            [b']', rest @ ..] => return Some((found, rest)),
            _ => return None,
        };
    }
}

/// What stands between two places, each of which is given by what is left of the text there.
fn between<'a>(json: &'a str, start: &[u8], end: &[u8]) -> &'a str {
    &json[json.len() - start.len()..json.len() - end.len()]
}

/// Whether a name stands for this one as it is written; nothing where it stands for no text, such as half of a pair of surrogates.
fn is(written: &[u8], name: &str) -> Option<bool> {
    if !written.contains(&b'\\') {
        return Some(written == name.as_bytes());
    }
    let text: String = serde_json::from_slice(&[b"\"", written, b"\""].concat()).ok()?;
    Some(text == name)
}

/// Whether a text is JSON.
fn is_json(text: &str) -> bool {
    scan::value(text.as_bytes()).is_some_and(|rest| scan::blanks(rest).is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_what_is_written_there() {
        let json =
            r#" {"a": {"b/c": [1, {"d": "x y"}]}, "n": 1.50, "t": 1, "t": 2, "z": null, "": {"~": true}} "#;
        for (pointer, found) in [
            ("/n", Found::Value("1.50")),
            ("/a/b~1c/0", Found::Value("1")),
            ("/a/b~1c/1/d", Found::Value("\"x y\"")),
            ("/z", Found::Value("null")),
            ("//~0", Found::Value("true")),
            ("", Found::Value(json)),
            ("/a/b~1c/2", Found::Nothing),
            ("/a/b~1c/01", Found::Nothing),
            ("/n/x", Found::Nothing),
            ("/x/y", Found::Nothing),
            ("/z/y", Found::Nothing),
            ("/t", Found::Twice),
            ("/a/x", Found::Missing(r#"{"b/c": [1, {"d": "x y"}]}"#)),
        ] {
            assert_eq!(Pointer::parse(pointer).unwrap().find(json), found, "{pointer}");
        }
        for json in ["", "x", "{\"n\": 1", "{\"n\": 1} x", "{\"n\": 01}", "\"n\"", "1"] {
            assert_eq!(Pointer::parse("/n").unwrap().find(json), Found::Nothing, "{json}");
        }
        assert!(Pointer::parse("n").is_err());
    }

    #[test]
    fn a_part_stands_where_it_was_found() {
        let json = r#"{"a": {"id": 17}}"#;
        let Found::Value(part) = Pointer::parse("/a/id").unwrap().find(json) else { panic!("it is there") };
        assert_eq!(&json[range(json, part)], "17");
    }
}
