//! `Scrub`: hides secrets in a text that somebody else wrote and people are going to read, in every spelling that an
//! echo usually has.

use std::fmt;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use zeroize::Zeroizing;

use crate::{Credential, Form, MASK, Secret};

/// Shorter secrets would hide words that mean nothing.
const SHORTEST: usize = 6;

/// A secret, or another spelling of one.
type Word = Zeroizing<String>;

/// The secrets that a service may echo. It costs nothing until it is made, which is when something failed.
#[derive(Default)]
pub struct Scrub(Vec<Word>);

impl Scrub {
    /// Hides what a credential shows.
    pub fn of(credential: &Credential) -> Self {
        let mut scrub = Self::default();
        scrub.credential(credential);
        scrub
    }

    /// Hides this text too.
    pub fn text(&mut self, secret: &str) {
        if secret.len() >= SHORTEST {
            self.0.push(Word::new(secret.to_owned()));
        }
    }

    /// Hides what a secret holds now too; one that leads nowhere is known to nobody.
    pub fn secret(&mut self, secret: &Secret) {
        if let Ok(text) = secret.expose() {
            self.text(&text);
        }
    }

    /// Hides the value of a header too, and the words in it: of `Bearer x` or `sid=x` the echo may be of `x` alone.
    pub fn header(&mut self, value: &str) {
        const SCHEMES: [&str; 5] = ["basic", "bearer", "digest", "negotiate", "apikey"];
        self.text(value);
        let words = value.split([' ', ';', ',', '=']);
        let named = |word: &&str| SCHEMES.iter().any(|scheme| scheme.eq_ignore_ascii_case(word));
        words.filter(|word| !named(word)).for_each(|word| self.text(word));
    }

    /// Hides what a credential shows too.
    pub fn credential(&mut self, credential: &Credential) {
        match credential.form() {
            Form::Header { value, .. } => {
                if let Ok(value) = value.expose() {
                    self.header(&value);
                }
            }
            Form::Query { value, .. } | Form::Cookie { value, .. } | Form::Bearer(value) => {
                self.secret(value);
            }
            Form::Basic { user, password } => {
                // Some vendors take a key as the user of an empty password.
                self.text(user);
                self.secret(password);
                if let Ok(password) = password.expose() {
                    self.text(&Word::new(format!("{user}:{password}")));
                }
            }
            Form::Sign(_) => {}
        }
    }

    /// The text with [`MASK`] in the place of each secret.
    pub fn hide(&self, text: String) -> String {
        let mut secrets: Vec<&Word> = self.0.iter().collect();
        let mut encoded: Vec<_> = secrets.iter().flat_map(|secret| encodings(secret)).collect();
        // A secret may begin as another does.
        secrets.sort_unstable_by(|a, b| longest_first(a, b));
        encoded.sort_unstable_by(longest_first);
        secrets.dedup();
        encoded.dedup();
        let hidden = encoded.iter().fold(text, |text, word| {
            if text.contains(&***word) { text.replace(&***word, MASK) } else { text }
        });
        let mut out = String::with_capacity(hidden.len());
        let mut rest = hidden.as_str();
        while let Some(first) = rest.chars().next() {
            match secrets.iter().find_map(|secret| spelt(rest, secret)) {
                Some(after) => {
                    out.push_str(MASK);
                    rest = after;
                }
                None => {
                    out.push(first);
                    rest = &rest[first.len_utf8()..];
                }
            }
        }
        out
    }
}

impl fmt::Debug for Scrub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Scrub({} words)", self.0.len())
    }
}

fn longest_first(a: &Word, b: &Word) -> std::cmp::Ordering {
    b.len().cmp(&a.len()).then_with(|| a.cmp(b))
}

/// What follows `secret` if `text` begins with it, as it is or escaped as URLs, JSON and HTML do.
fn spelt<'a>(text: &'a str, secret: &str) -> Option<&'a str> {
    text.strip_prefix(secret).or_else(|| secret.chars().try_fold(text, after))
}

/// What follows `c`, in any of its spellings.
fn after(text: &str, c: char) -> Option<&str> {
    escape(text)
        .filter(|(found, _)| *found == c)
        .map(|(_, rest)| rest)
        .or_else(|| text.strip_prefix(c).or_else(|| text.strip_prefix('+').filter(|_| c == ' ')))
}

/// The character that an escape at the beginning of `text` stands for, and what follows it.
fn escape(text: &str) -> Option<(char, &str)> {
    let hex = |digits: &str| u32::from_str_radix(digits, 16).ok();
    match text.as_bytes().first()? {
        b'%' => {
            let byte = |text: &str| text.strip_prefix('%')?.get(..2).and_then(hex);
            let first = u8::try_from(byte(text)?).ok()?;
            // How many bytes the character has in UTF-8.
            let length = first.leading_ones().max(1) as usize;
            let bytes: Option<Vec<u8>> = (0..length)
                .map(|n| byte(text.get(n * 3..)?).and_then(|byte| u8::try_from(byte).ok()))
                .collect();
            let found = std::str::from_utf8(&bytes?).ok()?.chars().next()?;
            Some((found, &text[length * 3..]))
        }
        b'\\' => {
            let kind = text[1..].chars().next()?;
            let rest = &text[1 + kind.len_utf8()..];
            let plain = match kind {
                '"' | '\\' | '/' | '\'' => kind,
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'x' => return Some((char::from_u32(hex(rest.get(..2)?)?)?, &rest[2..])),
                'u' => return Some((char::from_u32(hex(rest.get(..4)?)?)?, &rest[4..])),
                _ => return None,
            };
            Some((plain, rest))
        }
        b'&' => {
            let name = text[1..].split_once(';').map(|(name, _)| name).filter(|name| name.len() <= 8)?;
            let found = match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                "apos" => '\'',
                _ => {
                    let number = name.strip_prefix('#')?;
                    let code = match number.strip_prefix(['x', 'X']) {
                        Some(digits) => hex(digits)?,
                        None => number.parse().ok()?,
                    };
                    char::from_u32(code)?
                }
            };
            Some((found, &text[name.len() + 2..]))
        }
        _ => None,
    }
}

/// A secret in the encodings that turn all of it into other letters.
fn encodings(secret: &str) -> Vec<Word> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    // RFC 6749 section 2.3.1 has the pair of a client encoded as in a form, before base64.
    let form = form_encoded(secret);
    let texts = [Some(secret), Some(&*form).filter(|form| *form != secret)];
    let base64 = texts.into_iter().flatten().flat_map(|text| (0..3).flat_map(|shift| base64(text, shift)));
    let words = [hex.to_uppercase(), hex].into_iter().chain(base64);
    words.filter(|word| word.len() >= SHORTEST).map(Word::new).collect()
}

/// A text as it stands in a form (<https://url.spec.whatwg.org/#application/x-www-form-urlencoded>).
fn form_encoded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() * 3);
    for byte in text.bytes() {
        match byte {
            b'*' | b'-' | b'.' | b'_' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => out.push(byte.into()),
            b' ' => out.push('+'),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// What of a secret's base64 does not depend on what surrounds it, with `shift` bytes before it in its
/// group of three.
fn base64(secret: &str, shift: usize) -> [String; 2] {
    let mut bytes = vec![0; shift];
    bytes.extend_from_slice(secret.as_bytes());
    // A letter is 6 bits: the first whole one of ours, and the last.
    let ours = (shift * 8).div_ceil(6)..bytes.len() * 8 / 6;
    [STANDARD_NO_PAD.encode(&bytes)[ours.clone()].to_owned(), URL_SAFE_NO_PAD.encode(&bytes)[ours].to_owned()]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn hide(text: impl Into<String>, secrets: &[&str]) -> String {
        let mut scrub = Scrub::default();
        secrets.iter().for_each(|secret| scrub.text(secret));
        scrub.hide(text.into())
    }

    #[test]
    fn an_echo_is_hidden_in_every_spelling() {
        let secret = "p@ss/w\"rd+1 <%41>\u{fc}";
        let bytes = || secret.bytes();
        let json = json!({ "a": secret }).to_string();
        let form = form_encoded(secret);
        let mut echoes = vec![
            secret.to_owned(),
            json.replace('/', "\\/").replace('\u{fc}', "\\u00FC"),
            json.clone(),
            bytes().map(|byte| format!("%{byte:02X}")).collect(),
            bytes().map(|byte| format!("%{byte:02x}")).collect(),
            "q=p@ss%2fw%22rd%2B1+%3c%2541%3E%c3%bc&b".to_owned(),
            "<p>p@ss/w&quot;rd&#43;1 &lt;%41&gt;&#xfc;</p>".to_owned(),
            bytes().map(|byte| format!("{byte:02X}")).collect(),
            bytes().map(|byte| format!("{byte:02x}")).collect(),
        ];
        for before in ["", "u", "us", "user:"] {
            echoes.push(format!("Basic {}", STANDARD_NO_PAD.encode(format!("{before}{secret}"))));
            echoes.push(format!("Basic {}", STANDARD_NO_PAD.encode(format!("{before}{form}"))));
            echoes.push(URL_SAFE_NO_PAD.encode(format!("{before}{secret}and more")));
        }
        for echo in echoes {
            assert!(hide(&*echo, &[secret]).contains(MASK), "{echo}");
        }
        let text = hide(format!("say \"{secret}\", é & %zz &x; \\"), &[secret]);
        assert_eq!(text, format!("say \"{MASK}\", é & %zz &x; \\"));
    }

    #[test]
    fn the_words_of_a_header_are_hidden_and_the_names_of_schemes_are_not() {
        let mut scrub = Scrub::default();
        scrub.header("Bearer hunter2-hunter2");
        scrub.header("a=one-cookie; b=two-cookies");
        let text = scrub.hide("Bearer token hunter2-hunter2, one-cookie, two-cookies, a=1".to_owned());
        assert_eq!(text, format!("Bearer token {MASK}, {MASK}, {MASK}, a=1"));
    }

    #[test]
    fn short_words_and_other_words_stay() {
        let text = "user: bob, path: /v1";
        assert_eq!(hide(text, &["bob", "hunter2"]), text);
    }
}
