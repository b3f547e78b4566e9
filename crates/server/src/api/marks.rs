//! `Marks`: what tells that a secret was changed, and nothing of the secret.

use std::fmt::{self, Write as _};

use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;
use trunkline::{MASK, Result};
use zeroize::Zeroizing;

use crate::random;

/// Makes marks, others with each start of the server: nobody can try secrets to find out which has one.
pub(crate) struct Marks(Key);

impl fmt::Debug for Marks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Marks")
    }
}

impl Marks {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Key::new(HMAC_SHA256, &random::bytes::<32>()?)))
    }

    /// The mark of what `masked` hides of a configuration: the same as long as all of that is the same.
    pub(super) fn of(&self, clear: &Value, masked: &Value) -> String {
        let mut context = Context::with_key(&self.0);
        add(&mut context, &mut String::new(), clear, masked);
        URL_SAFE_NO_PAD.encode(context.sign())
    }
}

/// Adds what is hidden, each with its place. Both have the same keys.
fn add(context: &mut Context, place: &mut String, clear: &Value, masked: &Value) {
    let mut below = |step: &str, clear: &Value, masked: &Value| {
        let length = place.len();
        let _ = write!(place, "/{}", Value::from(step));
        add(context, place, clear, masked);
        place.truncate(length);
    };
    match (clear, masked) {
        (_, Value::String(mask)) if mask == MASK => {
            let text = Zeroizing::new(serde_json::to_vec(clear).unwrap_or_default());
            // No JSON has this byte in it.
            for part in [place.as_bytes(), &[0], &text, &[0]] {
                context.update(part);
            }
        }
        (Value::Object(clear), Value::Object(masked)) => {
            clear.iter().for_each(|(key, value)| below(key, value, masked.get(key).unwrap_or(&Value::Null)));
        }
        (Value::Array(clear), Value::Array(masked)) => {
            clear
                .iter()
                .zip(masked)
                .enumerate()
                .for_each(|(at, (clear, masked))| below(&at.to_string(), clear, masked));
        }
        // What everybody sees has no part in it.
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn another_secret_has_another_mark_and_what_is_seen_has_no_part_in_it() {
        let marks = Marks::new().unwrap();
        let masked = json!({ "name": "a", "auth_config": { "token": MASK, "more": [MASK, 1] } });
        let of = |name: &str, token: &str, more: Value| {
            let mut clear = json!({ "auth_config": { "token": token, "more": more } });
            if !name.is_empty() {
                clear["name"] = name.into();
            }
            marks.of(&clear, &masked)
        };
        let mark = of("a", "one", json!(["two", 1]));
        assert_eq!(mark, of("b", "one", json!(["two", 2])));
        assert_eq!(mark, of("", "one", json!(["two", 1])));
        assert_ne!(mark, of("a", "two", json!(["one", 1])));
        assert_ne!(mark, of("a", "one", json!([{ "two": 2 }, 1])));
        let clear = json!({ "name": "a", "auth_config": { "token": "one", "more": ["two", 1] } });
        assert_eq!(mark, marks.of(&clear, &masked));
        assert_ne!(mark, Marks::new().unwrap().of(&clear, &masked), "after another start");
    }
}
