//! Reads JSON text (RFC 8259) from its beginning to its end and keeps nothing of it. Each function takes what is left of a
//! text, and gives what is left after it; nothing where it is no JSON.

/// After the blanks.
pub(super) fn blanks(mut text: &[u8]) -> &[u8] {
    while let [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] = text {
        text = rest;
    }
    text
}

/// After this byte and the blanks before it.
pub(super) fn token(text: &[u8], token: u8) -> Option<&[u8]> {
    match blanks(text) {
        [first, rest @ ..] if *first == token => Some(rest),
        _ => None,
    }
}

/// The name of a member as it is written between its quotes, and what is left after the colon.
pub(super) fn name(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let text = token(text, b'"')?;
    let rest = string(text)?;
    let (name, _) = text.split_at(text.len() - rest.len() - 1);
    Some((name, token(rest, b':')?))
}

/// After a value, which may be inside others as deep as it likes: texts come from others, and the stack of a thread has an end.
pub(super) fn value(mut text: &[u8]) -> Option<&[u8]> {
    let mut inside = Nesting::default();
    loop {
        text = match blanks(text) {
            [b'"', rest @ ..] => string(rest)?,
            [b'{', rest @ ..] => match token(rest, b'}') {
                Some(rest) => rest,
                None => {
                    inside.open(Collection::Object);
                    (_, text) = name(rest)?;
                    continue;
                }
            },
            [b'[', rest @ ..] => match token(rest, b']') {
                Some(rest) => rest,
                None => {
                    inside.open(Collection::Array);
                    text = rest;
                    continue;
                }
            },
            [b't', rest @ ..] => rest.strip_prefix(b"rue")?,
            [b'f', rest @ ..] => rest.strip_prefix(b"alse")?,
            [b'n', rest @ ..] => rest.strip_prefix(b"ull")?,
            [b'-', rest @ ..] | rest => number(rest)?,
        };
        // What follows depends on what the value is in.
        loop {
            let Some(collection) = inside.innermost() else { return Some(text) };
            match (blanks(text), collection) {
                ([b',', rest @ ..], Collection::Array) => text = rest,
                ([b',', rest @ ..], Collection::Object) => (_, text) = name(rest)?,
                ([b']', rest @ ..], Collection::Array) | ([b'}', rest @ ..], Collection::Object) => {
                    inside.close();
                    text = rest;
                    continue;
                }
                _ => return None,
            }
            break;
        }
    }
}

/// After a string, of which the quote was read that begins it.
fn string(text: &[u8]) -> Option<&[u8]> {
    match &text[plain(text)..] {
        [b'"', rest @ ..] => Some(rest),
        rest => string_with_escapes(rest),
    }
}

/// The same from its first escape on.
#[cold]
fn string_with_escapes(mut text: &[u8]) -> Option<&[u8]> {
    loop {
        text = match &text[plain(text)..] {
            [b'"', rest @ ..] => return Some(rest),
            [b'\\', rest @ ..] => escape(rest)?,
            // Control characters have to be escaped.
            _ => return None,
        }
    }
}

/// After an escape, of which the backslash was read.
fn escape(text: &[u8]) -> Option<&[u8]> {
    match text {
        [b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't', rest @ ..] => Some(rest),
        [b'u', one, two, three, four, rest @ ..] => {
            [one, two, three, four].into_iter().all(u8::is_ascii_hexdigit).then_some(rest)
        }
        _ => None,
    }
}

/// After a number without its sign.
fn number(text: &[u8]) -> Option<&[u8]> {
    let mut text = match text {
        // A digit after it is nothing that can follow a value.
        [b'0', rest @ ..] => rest,
        text => digits(text)?,
    };
    if let [b'.', rest @ ..] = text {
        text = digits(rest)?;
    }
    match text {
        [b'e' | b'E', b'+' | b'-', rest @ ..] | [b'e' | b'E', rest @ ..] => digits(rest),
        _ => Some(text),
    }
}

/// After one digit or more.
fn digits(text: &[u8]) -> Option<&[u8]> {
    let [b'0'..=b'9', rest @ ..] = text else { return None };
    let mut text = rest;
    while let [b'0'..=b'9', rest @ ..] = text {
        text = rest;
    }
    Some(text)
}

/// What values are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Collection {
    Array,
    Object,
}

/// All that a value is in.
struct Nesting {
    /// A bit for each, the innermost lowest, below one that is always set. Few texts need more than that.
    bits: u64,
    /// Those that did not fit.
    outer: Vec<u64>,
}

impl Default for Nesting {
    fn default() -> Self {
        Self { bits: 1, outer: Vec::new() }
    }
}

impl Nesting {
    fn open(&mut self, collection: Collection) {
        if self.bits.leading_zeros() == 0 {
            self.outer.push(std::mem::replace(&mut self.bits, 1));
        }
        self.bits = self.bits << 1 | u64::from(collection == Collection::Object);
    }

    fn close(&mut self) {
        self.bits >>= 1;
        if self.bits == 1 {
            self.bits = self.outer.pop().unwrap_or(1);
        }
    }

    fn innermost(&self) -> Option<Collection> {
        match self.bits {
            1 => None,
            bits if bits & 1 == 1 => Some(Collection::Object),
            _ => Some(Collection::Array),
        }
    }
}

/// How many bytes of a string stand for themselves before the first that does not: the quote that ends it, a backslash, or a control
/// character.
fn plain(bytes: &[u8]) -> usize {
    // Most strings are as short as that.
    match bytes.first_chunk().and_then(plain_in_eight) {
        Some(count) => count,
        None => plain_in_many(bytes),
    }
}

#[inline(never)]
fn plain_in_many(bytes: &[u8]) -> usize {
    let (eights, rest) = bytes.as_chunks();
    for (n, eight) in eights.iter().enumerate() {
        if let Some(count) = plain_in_eight(eight) {
            return 8 * n + count;
        }
    }
    let is_special = |byte: &u8| matches!(byte, b'"' | b'\\' | ..0x20);
    8 * eights.len() + rest.iter().position(is_special).unwrap_or(rest.len())
}

/// How many of eight bytes stand for themselves, if not all of them do.
fn plain_in_eight(bytes: &[u8; 8]) -> Option<usize> {
    const EACH: u64 = u64::from_le_bytes([1; 8]);
    // Sets the highest bit of each byte that is below the limit. Above the first such byte it may be wrong, since a subtraction
    // borrows from there.
    let below = |bytes: u64, limit: u8| bytes.wrapping_sub(EACH * u64::from(limit)) & !bytes;
    let is = |bytes: u64, byte: u8| below(bytes ^ (EACH * u64::from(byte)), 1);
    let bytes = u64::from_le_bytes(*bytes);
    let special = (below(bytes, 0x20) | is(bytes, b'"') | is(bytes, b'\\')) & (EACH * 0x80);
    (special != 0).then(|| special.trailing_zeros() as usize / 8)
}
