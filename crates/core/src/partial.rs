//! What a reply says of the part of it that failed: how much that is, and why, in the service's own words.

use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

use crate::Reply;

/// Words stand in a header as they are, but for these and all that is not ASCII.
const ESCAPED: &AsciiSet = &CONTROLS.add(b'%');
/// No more of them is passed on.
const LONGEST: usize = 500;

impl Reply {
    /// The header by which a reply whose data came with errors says with how many of them. It is ours: no service's is
    /// passed on.
    pub const PARTIAL_ERRORS: HeaderName = HeaderName::from_static("trunkline-partial-errors");

    /// The header by which it says what they are, in the service's own words, as far as those are known: text in UTF-8, in
    /// which a percent sign stands before the two hexadecimal digits of what is neither visible ASCII nor a space. It is ours too.
    pub const PARTIAL_MESSAGE: HeaderName = HeaderName::from_static("trunkline-partial-message");

    /// Says that so many parts of it failed, and why, each in words of its own. The same words are said once, and of all of them
    /// the first 500 characters.
    pub fn failed_in_part<'a>(&mut self, failed: u64, why: impl IntoIterator<Item = &'a str>) {
        self.headers.insert(Self::PARTIAL_ERRORS, failed.into());
        let mut said: Vec<&str> = Vec::new();
        for words in why.into_iter().map(str::trim).filter(|words| !words.is_empty()) {
            if !said.contains(&words) {
                said.push(words);
            }
            if said.iter().map(|words| words.len()).sum::<usize>() > 4 * LONGEST {
                break;
            }
        }
        let text: String = said.join("; ").chars().take(LONGEST).collect();
        let value = HeaderValue::try_from(utf8_percent_encode(text.trim_end(), ESCAPED).to_string());
        match value {
            Ok(value) if !value.is_empty() => self.headers.insert(Self::PARTIAL_MESSAGE, value),
            _ => self.headers.remove(Self::PARTIAL_MESSAGE),
        };
    }

    /// Why a part of it failed, in the service's own words; `None` where nothing of it did, or nobody knows why.
    pub fn partial_message(headers: &HeaderMap) -> Option<String> {
        let value = headers.get(Self::PARTIAL_MESSAGE)?;
        Some(percent_decode(value.as_bytes()).decode_utf8_lossy().into_owned())
    }

    /// How many parts of it failed.
    pub fn partial_errors(headers: &HeaderMap) -> u64 {
        let count = headers.get(Self::PARTIAL_ERRORS).and_then(|count| count.to_str().ok()?.parse().ok());
        count.unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::*;

    #[test]
    fn words_in_any_script_are_read_as_they_were_said_each_once_and_not_endlessly() {
        let mut reply = Reply::new(StatusCode::OK, "");
        assert_eq!(
            (Reply::partial_errors(&reply.headers), Reply::partial_message(&reply.headers)),
            (0, None)
        );
        reply.failed_in_part(3, ["100% daneben:\r\nÄrger 😬 ", "no such id", " no such id", ""]);
        assert_eq!(
            reply.headers[Reply::PARTIAL_MESSAGE],
            "100%25 daneben:%0D%0A%C3%84rger %F0%9F%98%AC; no such id"
        );
        let read = Reply::partial_message(&reply.headers);
        assert_eq!(read.as_deref(), Some("100% daneben:\r\nÄrger 😬; no such id"));
        assert_eq!(Reply::partial_errors(&reply.headers), 3);
        reply.failed_in_part(1, ["ä".repeat(2_000).as_str()]);
        assert_eq!(Reply::partial_message(&reply.headers), Some("ä".repeat(500)));
        reply.failed_in_part(1, []);
        assert_eq!(Reply::partial_message(&reply.headers), None);
        assert_eq!(reply.headers[Reply::PARTIAL_ERRORS], "1");
    }
}
