//! The literals PostgreSQL writes arrays and rows as (its manual, sections 8.15.6 and 8.16.6).

/// A literal that is none, or an array with bounds of its own, which a JSON array could not say.
#[derive(Debug, PartialEq)]
pub(super) struct Odd;

/// A piece of an array literal.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'a> {
    Open,
    Close,
    /// What stands between two elements.
    Next,
    Null,
    Element(&'a [u8]),
}

/// Arrays nest no deeper than 6 (`MAXDIM`); some leave for what comes.
const DEPTH: usize = 32;

/// Reads an array literal piece by piece.
pub(super) fn array(text: &[u8], delimiter: u8, mut on: impl FnMut(Piece<'_>)) -> Result<(), Odd> {
    let mut scratch = Vec::new();
    let (mut at, mut depth) = (0, 0);
    // Whether an element, or an inner array, must or may not come.
    let (mut due, mut may_close) = (true, false);
    loop {
        at = past_spaces(text, at);
        let byte = *text.get(at).ok_or(Odd)?;
        match byte {
            b'{' if due && depth < DEPTH => {
                on(Piece::Open);
                (at, depth) = (at + 1, depth + 1);
                may_close = true;
                continue;
            }
            b'}' if depth > 0 && (!due || may_close) => {
                on(Piece::Close);
                (at, depth) = (at + 1, depth - 1);
                due = false;
                if depth == 0 {
                    return if past_spaces(text, at) == text.len() { Ok(()) } else { Err(Odd) };
                }
            }
            byte if byte == delimiter && !due => {
                on(Piece::Next);
                at += 1;
                due = true;
            }
            b'"' if due && depth > 0 => {
                at = quoted(text, at, &mut scratch).ok_or(Odd)?;
                on(Piece::Element(&scratch));
                due = false;
            }
            b'{' | b'}' | b'"' => return Err(Odd),
            _ if due && depth > 0 => {
                let end = text[at..]
                    .iter()
                    .position(|b| *b == delimiter || matches!(b, b'{' | b'}' | b'"' | b'\\'));
                let end = at + end.ok_or(Odd)?;
                let bare = match text[end] {
                    b'\\' => {
                        at = escaped(text, at, delimiter, &mut scratch).ok_or(Odd)?;
                        on(Piece::Element(&scratch));
                        due = false;
                        may_close = false;
                        continue;
                    }
                    _ => text[at..end].trim_ascii_end(),
                };
                match bare {
                    b"" => return Err(Odd),
                    bare if bare.eq_ignore_ascii_case(b"null") => on(Piece::Null),
                    bare => on(Piece::Element(bare)),
                }
                at = end;
                due = false;
            }
            _ => return Err(Odd),
        }
        may_close = false;
    }
}

/// Reads a row literal: each attribute, `None` for NULL.
pub(super) fn row(text: &[u8], mut on: impl FnMut(Option<&[u8]>)) -> Result<(), Odd> {
    let inner = text.strip_prefix(b"(").and_then(|text| text.strip_suffix(b")")).ok_or(Odd)?;
    let mut scratch = Vec::new();
    let mut at = 0;
    loop {
        let plain = inner[at..].iter().position(|byte| matches!(byte, b',' | b'"' | b'\\' | b'(' | b')'));
        let plain = plain.map_or(inner.len(), |length| at + length);
        match inner.get(plain) {
            None | Some(b',') => {
                on((plain > at).then_some(&inner[at..plain]));
                at = plain;
            }
            Some(b'(' | b')') => return Err(Odd),
            Some(_) => {
                at = attribute(inner, at, &mut scratch).ok_or(Odd)?;
                on(Some(&scratch));
            }
        }
        match inner.get(at) {
            None => return Ok(()),
            Some(_) => at += 1,
        }
    }
}

/// An attribute with quotes or backslashes in it, into `out`. Gives where it ends.
fn attribute(text: &[u8], mut at: usize, out: &mut Vec<u8>) -> Option<usize> {
    out.clear();
    let mut inside = false;
    while let Some(byte) = text.get(at) {
        match byte {
            b'\\' => {
                at += 1;
                out.push(*text.get(at)?);
            }
            b'"' if inside && text.get(at + 1) == Some(&b'"') => {
                at += 1;
                out.push(b'"');
            }
            b'"' => inside = !inside,
            b',' if !inside => return Some(at),
            b'(' | b')' if !inside => return None,
            byte => out.push(*byte),
        }
        at += 1;
    }
    (!inside).then_some(at)
}

/// What stands between quotes, into `out`. Gives where it ends.
fn quoted(text: &[u8], start: usize, out: &mut Vec<u8>) -> Option<usize> {
    out.clear();
    let mut at = start + 1;
    loop {
        let length = memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        out.extend_from_slice(&text[at..at + length]);
        at += length + 1;
        if text[at - 1] == b'"' {
            return Some(at);
        }
        out.push(*text.get(at)?);
        at += 1;
    }
}

/// An element without quotes that has backslashes, into `out`. Gives where it ends.
fn escaped(text: &[u8], mut at: usize, delimiter: u8, out: &mut Vec<u8>) -> Option<usize> {
    out.clear();
    let mut keep = 0;
    loop {
        match *text.get(at)? {
            b'\\' => {
                at += 1;
                out.push(*text.get(at)?);
                keep = out.len();
            }
            b'{' | b'"' => return None,
            byte if byte == delimiter || byte == b'}' => break,
            byte => {
                out.push(byte);
                if !is_space(byte) {
                    keep = out.len();
                }
            }
        }
        at += 1;
    }
    out.truncate(keep);
    Some(at)
}

fn past_spaces(text: &[u8], at: usize) -> usize {
    at + text[at..].iter().take_while(|byte| is_space(**byte)).count()
}

/// What PostgreSQL takes for a space (`array_isspace`).
fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

/// Writes an element or an attribute in quotes, which both literals read alike.
pub(super) fn quote(value: &[u8], out: &mut bytes::BytesMut) {
    out.extend_from_slice(b"\"");
    let mut rest = value;
    while let Some(at) = memchr::memchr2(b'"', b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(&[b'\\', rest[at]]);
        rest = &rest[at + 1..];
    }
    out.extend_from_slice(rest);
    out.extend_from_slice(b"\"");
}

#[cfg(test)]
mod tests {
    use bytes::BytesMut;
    use proptest::prelude::*;

    use super::*;

    fn pieces(text: &str, delimiter: u8) -> Result<String, Odd> {
        let mut seen = String::new();
        array(text.as_bytes(), delimiter, |piece| match piece {
            Piece::Open => seen.push('['),
            Piece::Close => seen.push(']'),
            Piece::Next => seen.push('|'),
            Piece::Null => seen.push('0'),
            Piece::Element(element) => seen.push_str(&format!("<{}>", String::from_utf8_lossy(element))),
        })?;
        Ok(seen)
    }

    #[test]
    fn an_array_is_read_as_the_server_reads_it() {
        for (text, expected) in [
            ("{}", Some("[]")),
            (" { 1 , 2 } ", Some("[<1>|<2>]")),
            ("{1,NULL,\"NULL\",\"\"}", Some("[<1>|0|<NULL>|<>]")),
            (r#"{"a\"b\\c",d e,\{x\ }"#, Some(r#"[<a"b\c>|<d e>|<{x >]"#)),
            ("{{1,2},{3,4}}", Some("[[<1>|<2>]|[<3>|<4>]]")),
            ("{{},{}}", Some("[[]|[]]")),
            ("{a,}", None),
            ("{,a}", None),
            ("{a", None),
            ("{a}}", None),
            ("{a}b", None),
            ("{\"a", None),
            ("{\"a\"b}", None),
            ("{a{b}}", None),
            ("a", None),
            ("", None),
            ("\"a\"", None),
            ("[2:4]={1,2,3}", None),
        ] {
            assert_eq!(pieces(text, b',').ok().as_deref(), expected, "{text}");
        }
        assert_eq!(pieces("{(1,1),(0,0);(2,2),(1,1)}", b';').unwrap(), "[<(1,1),(0,0)>|<(2,2),(1,1)>]");
    }

    #[test]
    fn a_row_is_read_as_the_server_reads_it() {
        for (text, expected) in [
            ("()", Some(vec![None])),
            ("(,)", Some(vec![None, None])),
            (r#"(1,"a ""q""",)"#, Some(vec![Some("1"), Some(r#"a "q""#), None])),
            (r#"("","\\",a b)"#, Some(vec![Some(""), Some("\\"), Some("a b")])),
            (r#"("(1,2)")"#, Some(vec![Some("(1,2)")])),
            ("(\"a)", None),
            ("((1))", None),
            ("1", None),
        ] {
            let mut seen = Vec::new();
            let read = row(text.as_bytes(), |value| {
                seen.push(value.map(|v| String::from_utf8(v.to_vec()).unwrap()));
            });
            let expected =
                expected.map(|all| all.into_iter().map(|one| one.map(str::to_owned)).collect::<Vec<_>>());
            assert_eq!(read.ok().map(|()| seen), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_quoted_is_read_back(values in prop::collection::vec(prop::option::of(any::<Vec<u8>>()), 1..5)) {
            let (mut an_array, mut a_row) = (BytesMut::from("{"), BytesMut::from("("));
            for (n, value) in values.iter().enumerate() {
                if n > 0 {
                    an_array.extend_from_slice(b",");
                    a_row.extend_from_slice(b",");
                }
                match value {
                    Some(value) => {
                        quote(value, &mut an_array);
                        quote(value, &mut a_row);
                    }
                    None => an_array.extend_from_slice(b"NULL"),
                }
            }
            an_array.extend_from_slice(b"}");
            a_row.extend_from_slice(b")");
            let (mut from_array, mut from_row) = (Vec::new(), Vec::new());
            array(&an_array, b',', |piece| match piece {
                Piece::Element(element) => from_array.push(Some(element.to_vec())),
                Piece::Null => from_array.push(None),
                _ => {}
            }).unwrap();
            row(&a_row, |value| from_row.push(value.map(<[u8]>::to_vec))).unwrap();
            prop_assert_eq!(&from_array, &values);
            prop_assert_eq!(&from_row, &values);
        }

        #[test]
        fn no_bytes_make_a_reader_fall_over(bytes in "[{}(),;\"\\\\ aN\u{0}]{0,24}", any in any::<Vec<u8>>()) {
            for text in [bytes.as_bytes(), &any] {
                let _ = array(text, b',', |_| {});
                let _ = row(text, |_| {});
            }
        }
    }
}
