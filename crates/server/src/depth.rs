//! `check`: JSON that is nested beyond all reason is refused before anybody takes it apart, ours or the
//! service's: what is passed on unparsed would overflow a stack there.

use memchr::{memchr2, memchr2_iter};
use trunkline::{Error, Result};

/// Arrays and objects within each other.
const DEEPEST: usize = 64;

/// Refuses JSON that is nested too deeply. What is not JSON may pass: that is found elsewhere.
pub(crate) fn check(json: &[u8]) -> Result<()> {
    // Nearly every body has fewer brackets than that, and counting them is all it costs.
    if memchr2_iter(b'[', b'{', json).nth(DEEPEST).is_none() {
        return Ok(());
    }
    let (mut rest, mut depth) = (json, 0_usize);
    while let [first, after @ ..] = rest {
        rest = after;
        match first {
            b'"' => rest = behind_string(after),
            b'[' | b'{' if depth == DEEPEST => {
                return Err(Error::invalid(format!("the JSON is nested deeper than {DEEPEST}; flatten it")));
            }
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    Ok(())
}

/// What comes behind a string whose first quote has been read.
fn behind_string(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = memchr2(b'"', b'\\', rest) {
        if rest[at] == b'"' {
            return &rest[at + 1..];
        }
        rest = rest.get(at + 2..).unwrap_or_default();
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_65th_level_is_refused_and_the_64th_is_not() {
        for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
            let nested = |depth: usize| format!("{}1{}", open.repeat(depth), close.repeat(depth));
            assert!(check(nested(64).as_bytes()).is_ok());
            assert!(check(nested(65).as_bytes()).is_err());
            assert!(check(nested(100_000).as_bytes()).is_err());
        }
    }

    #[test]
    fn only_brackets_outside_of_strings_that_are_still_open_count() {
        let text = "[".repeat(100);
        for flat in [
            format!("\"{text}\""),
            format!("[\"\\\"{text}\", \"\\\\\"]"),
            format!("[{}1]", "[],{},".repeat(100)),
            text.replace('[', "\"[\\\"[\","),
        ] {
            assert!(check(flat.as_bytes()).is_ok(), "{flat}");
        }
        assert!(check(format!("[\"\\\\\",{text}").as_bytes()).is_err());
        assert!(check(format!("\"{text}\\").as_bytes()).is_ok(), "a string that never ends");
    }
}
