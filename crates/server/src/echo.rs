//! What a service may echo: its answer is shown with our secrets hidden, in every spelling that an echo
//! usually has. Only answers that people read come through here: problems, and the results of tests.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use trunkline::{Call, Credential, Form, Handle, MASK, parse};

/// Shorter secrets would hide words that mean nothing.
const SHORTEST: usize = 6;

/// What stands unescaped in a URL (RFC 3986 section 2.3).
const URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

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
    let mut spelt: Vec<_> = secrets.iter().flat_map(|secret| spellings(secret)).collect();
    // A secret may begin as another does.
    spelt.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
    spelt.dedup();
    spelt
        .iter()
        .fold(text, |text, secret| if text.contains(secret) { text.replace(secret, MASK) } else { text })
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
            // `Bearer x` in a header: the echo may be of `x` alone.
            secrets.extend(value.split(' ').map(str::to_owned));
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

/// A secret as it looks in text, JSON, URLs and encodings.
fn spellings(secret: &str) -> Vec<String> {
    let json = Value::from(secret).to_string();
    let json = json[1..json.len() - 1].to_owned();
    let url = utf8_percent_encode(secret, URL).to_string();
    let form = url.replace("%20", "+");
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all =
        vec![json.replace('/', "\\/"), json, lower_escapes(&url), url, form, hex.to_uppercase(), hex];
    for shift in 0..3 {
        all.extend(base64(secret, shift));
    }
    all.push(secret.to_owned());
    all.retain(|spelling| spelling.len() >= SHORTEST);
    all
}

/// `%2F` as `%2f`.
fn lower_escapes(url: &str) -> String {
    let mut left = 0;
    let lower = |c: char| {
        left = if c == '%' { 3 } else { left - i32::from(left > 0) };
        if left > 0 { c.to_ascii_lowercase() } else { c }
    };
    url.chars().map(lower).collect()
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
        let secret = "p@ss/w\"rd+1?~\u{fc}";
        let hidden = |text: &str| hide_all(text.to_owned(), vec![secret.to_owned()]);
        let json = json!({ "a": secret }).to_string();
        let mut echoes = vec![
            secret.to_owned(),
            json.replace('/', "\\/"),
            json,
            format!("q={}&b", utf8_percent_encode(secret, NON_ALPHANUMERIC)).replace("%7E", "~"),
            format!("q={}", lower_escapes(&utf8_percent_encode(secret, URL).to_string())),
            secret.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ];
        for before in ["", "u", "us", "user:"] {
            echoes.push(format!("Basic {}", STANDARD_NO_PAD.encode(format!("{before}{secret}"))));
            echoes.push(URL_SAFE_NO_PAD.encode(format!("{before}{secret}and more")));
        }
        for echo in echoes {
            assert!(hidden(&echo).contains(MASK), "{echo}");
        }
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
