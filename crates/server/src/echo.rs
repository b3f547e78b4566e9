//! What a service may echo: its answer is shown with our secrets hidden, in every spelling that an echo
//! usually has. Only answers that people read come through here: problems, and the results of tests.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use serde_json::Value;
use trunkline::{Call, Credential, Form, Handle, MASK, parse};

/// Shorter secrets would hide words that mean nothing.
const SHORTEST: usize = 6;

/// Hides what `call` and its integration keep secret in a text that the service wrote.
pub(crate) fn hide(text: String, handle: &Handle, call: &Call) -> String {
    let mut secrets = call.credential.as_deref().map(credential).unwrap_or_default();
    if let Ok(config) = handle.config() {
        configured(&config.expose(), &config.masked(), &mut secrets);
    }
    hide_all(text, secrets)
}

fn hide_all(text: String, mut secrets: Vec<String>) -> String {
    secrets.retain(|secret| secret.len() >= SHORTEST);
    let mut encoded: Vec<_> = secrets.iter().flat_map(|secret| encodings(secret)).collect();
    // A secret may begin as another does.
    for words in [&mut secrets, &mut encoded] {
        words.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        words.dedup();
    }
    let hidden = encoded.iter().fold(
        text,
        |text, word| {
            if text.contains(word) { text.replace(word, MASK) } else { text }
        },
    );
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

/// The secrets of a credential, without what surrounds them on the wire.
fn credential(credential: &Credential) -> Vec<String> {
    let mut secrets = Vec::new();
    let values = match credential.form() {
        Form::Header { value, .. }
        | Form::Query { value, .. }
        | Form::Cookie { value, .. }
        | Form::Bearer(value) => vec![value],
        Form::Basic { user, password } => {
            if let Ok(password) = password.expose() {
                secrets.push(format!("{user}:{password}"));
            }
            // Some vendors take a key as the user of an empty password.
            secrets.push(user.clone());
            vec![password]
        }
        _ => Vec::new(),
    };
    for value in values {
        if let Ok(value) = value.expose() {
            // `Bearer x` or `Token token=x` in a header: the echo may be of `x` alone.
            secrets.extend(value.split([' ', '=', ',', '"']).map(str::to_owned));
            secrets.push(value.into_owned());
        }
    }
    secrets
}

/// What a configuration shows masked, and what its references lead to.
fn configured(exposed: &Value, masked: &Value, secrets: &mut Vec<String>) {
    match (exposed, masked) {
        (Value::Object(exposed), Value::Object(masked)) => {
            for (key, value) in exposed.iter().filter(|(key, _)| *key != "base_url") {
                configured(value, masked.get(key).unwrap_or(&Value::Null), secrets);
            }
        }
        (Value::Array(exposed), Value::Array(masked)) => {
            for (value, masked) in exposed.iter().zip(masked) {
                configured(value, masked, secrets);
            }
        }
        (Value::String(text), _) if text.contains("${") => {
            secrets.extend(parse::resolve(text).map(|text| text.into_owned()));
        }
        (Value::String(text), masked) if masked != text => secrets.push(text.clone()),
        _ => {}
    }
}

/// A secret in the encodings that turn all of it into other letters.
fn encodings(secret: &str) -> Vec<String> {
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let base64 = (0..3).flat_map(|shift| base64(secret, shift));
    [hex.to_uppercase(), hex].into_iter().chain(base64).filter(|word| word.len() >= SHORTEST).collect()
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

    #[test]
    fn an_echo_is_hidden_in_every_spelling() {
        let secret = "p@ss/w\"rd+1 <%41>\u{fc}";
        let bytes = || secret.bytes();
        let json = json!({ "a": secret }).to_string();
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
            echoes.push(URL_SAFE_NO_PAD.encode(format!("{before}{secret}and more")));
        }
        for echo in echoes {
            assert!(hide_all(echo.clone(), vec![secret.to_owned()]).contains(MASK), "{echo}");
        }
        let text = hide_all(format!("say \"{secret}\", é & %zz &x; \\"), vec![secret.to_owned()]);
        assert_eq!(text, format!("say \"{MASK}\", é & %zz &x; \\"));
    }

    #[test]
    fn a_configuration_hides_what_it_shows_masked() {
        let exposed = json!({"base_url": "https://host/v1", "headers": {"X-Token": "hunter2!", "accept": "text/plain"}, "tls": {"client_key": "k-234567"}, "list": ["a-secret"]});
        let masked = json!({"base_url": "https://host/v1", "headers": {"X-Token": MASK, "accept": "text/plain"}, "tls": {"client_key": MASK}, "list": [MASK]});
        let mut secrets = Vec::new();
        configured(&exposed, &masked, &mut secrets);
        secrets.sort();
        assert_eq!(secrets, ["a-secret", "hunter2!", "k-234567"]);
    }

    #[test]
    fn short_words_and_other_words_stay() {
        let text = "user: bob, path: /v1";
        assert_eq!(hide_all(text.to_owned(), vec!["bob".to_owned(), "hunter2".to_owned()]), text);
    }
}
