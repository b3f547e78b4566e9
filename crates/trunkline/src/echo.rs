//! What a service may echo: the secrets of an integration, to be hidden where people read what the service said.
//! What `/proxy` relays is the service's own answer, and is left as it is.

use serde_json::Value;
use trunkline_core::{Call, Scrub, parse};
use zeroize::Zeroizing;

use crate::{Handle, url_parts};

impl Handle {
    /// Hides what this integration keeps secret: what its configuration shows masked, what its references lead to
    /// now, and the credential that it has now. `call` may have had another. Not for the fast path.
    pub fn scrub(&self, call: Option<&Call>) -> Scrub {
        let mut scrub = Scrub::default();
        let current = self.scheme().and_then(|scheme| scheme.ready_dyn());
        let used = call.and_then(|call| call.credential.as_ref());
        current.iter().chain(used).for_each(|credential| scrub.credential(credential));
        self.hidden().for_each(|value| scrub.text(value));
        if let Ok(config) = self.config() {
            let exposed = config.expose();
            configured(&exposed, &config.masked(), &mut scrub);
            if let Some(base) = exposed.get("base_url").and_then(Value::as_str) {
                address(base, &mut scrub);
            }
        }
        scrub
    }
}

/// What a configuration shows masked, and what its references lead to.
fn configured(exposed: &Value, masked: &Value, scrub: &mut Scrub) {
    match (exposed, masked) {
        (Value::Object(exposed), Value::Object(masked)) => {
            for (key, value) in exposed.iter().filter(|(key, _)| *key != "base_url") {
                configured(value, masked.get(key).unwrap_or(&Value::Null), scrub);
            }
        }
        (Value::Array(exposed), Value::Array(masked)) => {
            for (value, masked) in exposed.iter().zip(masked) {
                configured(value, masked, scrub);
            }
        }
        // Of an `Authorization` the echo may be of a part.
        (Value::String(text), _) if text.contains("${") => {
            if let Ok(text) = parse::resolve(text) {
                scrub.header(&text);
            }
        }
        (Value::String(text), masked) if masked != text => scrub.header(text),
        _ => {}
    }
}

/// The credentials in an address, and what a reference within it leads to, such as a token in its path. All of an
/// address is no secret.
fn address(base: &str, scrub: &mut Scrub) {
    let whole = parse::resolve(base).map(|text| Zeroizing::new(text.into_owned()));
    let whole = whole.as_ref().map_or(base, |text| text.as_str());
    url_parts::secrets(whole).iter().for_each(|secret| scrub.text(secret));
    for (at, _) in base.match_indices("${") {
        let Some(end) = base[at..].find('}') else { break };
        let reference = &base[at..=at + end];
        if reference != base
            && let Ok(text) = parse::resolve(reference)
        {
            scrub.text(&text);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trunkline_core::MASK;

    use super::*;

    #[test]
    fn the_password_in_an_address_is_hidden_in_every_spelling() {
        let mut scrub = Scrub::default();
        address("postgres://user:pa%40ss-word@db.example/shop?sslpassword=of-the-key", &mut scrub);
        let text = "pa@ss-word pa%40ss-word pa\\u0040ss-word of-the-key user db.example shop";
        let hidden = scrub.hide(text.to_owned());
        assert_eq!(hidden, format!("{MASK} {MASK} {MASK} {MASK} user db.example shop"));
    }

    #[test]
    fn a_configuration_hides_what_it_shows_masked() {
        let exposed = json!({"base_url": "https://host/v1", "headers": {"X-Token": "hunter2!", "accept": "text/plain"}, "tls": {"client_key": "k-234567"}, "list": ["a-secret"]});
        let masked = json!({"base_url": "https://host/v1", "headers": {"X-Token": MASK, "accept": "text/plain"}, "tls": {"client_key": MASK}, "list": [MASK]});
        let mut scrub = Scrub::default();
        configured(&exposed, &masked, &mut scrub);
        let text = scrub.hide("https://host/v1 hunter2! text/plain k-234567 a-secret".to_owned());
        assert_eq!(text, format!("https://host/v1 {MASK} text/plain {MASK} {MASK}"));
    }
}
