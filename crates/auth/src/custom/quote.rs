//! What a service says when it gives no token: shown, as far as it can be without a word that was sent to it.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use http::{HeaderMap, header};
use serde_json::Value;
use trunkline_core::MASK;

/// Characters that are shown of a service's own words.
const SHOWN: usize = 300;
/// Keys that are named of an object.
const KEYS: usize = 20;
/// A part of a secret that is as long gives it away.
const PART: usize = 6;

/// The service's words in quotes, or what they are; `None` where there are none. `sent` is hidden in them, the longest
/// first, and an answer that holds any of it in another spelling is not shown.
pub(super) fn quote(headers: &HeaderMap, body: &[u8], sent: &[String]) -> Option<String> {
    let text = String::from_utf8_lossy(body.trim_ascii());
    if text.is_empty() {
        return None;
    }
    if is_page(headers, text.as_bytes()) {
        return Some("an HTML page".to_owned());
    }
    // Written anew, JSON has one spelling of each character.
    let text =
        serde_json::from_str::<Value>(&text).map_or_else(|_| text.into_owned(), |json| json.to_string());
    Some(match hidden(&text, sent) {
        Some(text) => {
            let plain: String = text.chars().filter(|c| !c.is_control()).take(SHOWN + 1).collect();
            let cut = plain.char_indices().nth(SHOWN).map(|(at, _)| at);
            cut.map_or_else(|| format!("`{plain}`"), |at| format!("`{}…`", &plain[..at]))
        }
        None => "words that are not shown, since they hold what was sent".to_owned(),
    })
}

/// Whether a body is meant for people who came with a browser.
pub(super) fn is_page(headers: &HeaderMap, body: &[u8]) -> bool {
    let media = headers.get(header::CONTENT_TYPE).map_or(&b""[..], |media| media.as_bytes());
    let begins = |word: &[u8]| body.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word));
    media.windows(4).any(|part| part.eq_ignore_ascii_case(b"html"))
        || begins(b"<!doctype")
        || begins(b"<html")
}

/// The names of an object's fields, as far as they are names.
pub(super) fn keys<'a>(keys: impl Iterator<Item = &'a String>, sent: &[String]) -> String {
    let plain = |key: &&String| {
        key.len() <= 40 && key.bytes().all(|c| c.is_ascii_alphanumeric() || b"_-.:@".contains(&c))
    };
    let mut names: Vec<_> = keys
        .filter(plain)
        .filter(|key| hidden(key, sent).as_ref() == Some(*key))
        .map(String::as_str)
        .collect();
    if names.is_empty() {
        return "no such names".to_owned();
    }
    if names.len() > KEYS {
        names.truncate(KEYS);
        names.push("…");
    }
    names.join(", ")
}

/// A text without what was sent; `None` where it is there in another spelling.
fn hidden(text: &str, sent: &[String]) -> Option<String> {
    let json = |word: &str| Value::from(word).to_string().trim_matches('"').to_owned();
    let text =
        sent.iter().fold(text.to_owned(), |text, word| text.replace(word, MASK).replace(&json(word), MASK));
    let gives_away = |word: &String| {
        let parts = word.split(|c: char| !c.is_alphanumeric()).filter(|part| part.len() >= PART);
        spellings(word).iter().map(String::as_str).chain(parts).any(|part| text.contains(part))
    };
    (!sent.iter().any(gives_away)).then_some(text)
}

/// A word in the encodings that turn all of it into other letters.
fn spellings(word: &str) -> Vec<String> {
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent: String = word.bytes().map(|byte| format!("%{byte:02x}")).collect();
    let mut all = vec![hex.to_uppercase(), hex, percent.to_uppercase(), percent];
    for shift in 0..3 {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(word.as_bytes());
        // A letter is 6 bits: those that are the word's alone, whatever stands around it.
        let own = (shift * 8).div_ceil(6)..bytes.len() * 8 / 6;
        all.push(STANDARD_NO_PAD.encode(&bytes)[own.clone()].to_owned());
        all.push(URL_SAFE_NO_PAD.encode(&bytes)[own].to_owned());
    }
    all.retain(|spelt| spelt.len() >= PART);
    all
}
