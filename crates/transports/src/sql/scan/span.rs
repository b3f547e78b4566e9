//! Where literals, identifiers and comments end: the searches of the scanner, by bytes.

use memchr::{memchr, memchr2, memmem};

/// The end of what the quote at `start` opens; a doubled quote does not close it, nor one after a backslash where
/// `escapes` says so. `None` where nothing closes it.
pub(super) fn quoted(bytes: &[u8], start: usize, escapes: bool) -> Option<usize> {
    let quote = bytes[start];
    let mut at = start + 1;
    loop {
        let rest = bytes.get(at..)?;
        let found = at + if escapes { memchr2(quote, b'\\', rest) } else { memchr(quote, rest) }?;
        if bytes[found] == quote && bytes.get(found + 1) != Some(&quote) {
            return Some(found + 1);
        }
        at = found + 2;
    }
}

/// The end of PostgreSQL's `E'…'` whose quote is at `start`, with its continuations: a part on a later line, with
/// nothing but blanks and `--` comments between, is of the same literal and has backslashes too.
pub(super) fn escaped(bytes: &[u8], start: usize) -> Option<usize> {
    let mut end = quoted(bytes, start, true)?;
    while let Some(next) = continued(bytes, end) {
        end = quoted(bytes, next, true)?;
    }
    Some(end)
}

fn continued(bytes: &[u8], mut at: usize) -> Option<usize> {
    let mut newline = false;
    loop {
        match bytes.get(at)? {
            b'\n' | b'\r' => newline = true,
            byte if blank(*byte) => {}
            b'-' if bytes.get(at + 1) == Some(&b'-') => at = line(bytes, at, true) - 1,
            b'\'' if newline => return Some(at),
            _ => return None,
        }
        at += 1;
    }
}

/// The end of the line that `start` is in; `returns` says whether a carriage return ends it as well.
pub(super) fn line(bytes: &[u8], start: usize, returns: bool) -> usize {
    let rest = &bytes[start..];
    let end = if returns { memchr2(b'\n', b'\r', rest) } else { memchr(b'\n', rest) };
    start + end.unwrap_or(rest.len())
}

/// The end of the comment that opens at `start`. `None` where nothing closes it.
pub(super) fn comment(bytes: &[u8], start: usize, nests: bool) -> Option<usize> {
    let mut at = start + 2;
    if !nests {
        return memmem::find(&bytes[at..], b"*/").map(|found| at + found + 2);
    }
    let mut depth = 1_usize;
    loop {
        let found = at + memchr2(b'*', b'/', bytes.get(at..)?)?;
        at = found + 2;
        match (bytes[found], bytes.get(found + 1)) {
            (b'/', Some(b'*')) => depth += 1,
            (b'*', Some(b'/')) => depth -= 1,
            _ => at = found + 1,
        }
        if depth == 0 {
            return Some(at);
        }
    }
}

/// The end of the delimiter of a dollar quote that begins at `start`, `$$` or `$tag$`; `None` where it is none.
pub(super) fn delimiter(bytes: &[u8], start: usize) -> Option<usize> {
    let at = start + 1;
    let tag = bytes[at..].iter().take_while(|&&byte| byte != b'$' && word(byte)).count();
    let closed = bytes.get(at + tag) == Some(&b'$') && !bytes[at].is_ascii_digit();
    closed.then_some(at + tag + 1)
}

/// The end of the number at `start`. What is glued to it (`1e`, `0x1f`) is left to the next token, as PostgreSQL
/// before 15 reads it; later versions refuse that.
pub(super) fn number(bytes: &[u8], start: usize) -> usize {
    let digits = |at: usize| at + bytes[at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let mut end = digits(start);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if let Some(b'e' | b'E') = bytes.get(end) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        let from = end + 1 + sign;
        if bytes.get(from).is_some_and(u8::is_ascii_digit) {
            end = digits(from);
        }
    }
    end
}

/// The end of the name of a parameter that begins at `start`: a letter or underscore, then also digits. `start`
/// itself where there is none.
pub(super) fn name(sql: &str, start: usize) -> usize {
    let rest = &sql[start..];
    if !rest.starts_with(|c: char| c == '_' || c.is_alphabetic()) {
        return start;
    }
    start + rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len())
}

/// Is it part of a word once one has begun? All three dialects agree on these.
pub(super) fn word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
}

/// Is it white space?
pub(super) fn blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0B | 0x0C)
}
