//! `Marks`: what has to stand in a text for it to be one of a kind.

use std::collections::BTreeMap;

use serde_json::Value;
use trunkline_core::Result;

use super::pointer::{Found, Pointer};

/// What has to stand in a message, by pointer; an array stands for any of its elements.
#[derive(Debug)]
pub(crate) struct Marks(Vec<(Pointer, Value)>);

impl Marks {
    /// Checks the pointers of the key `key`.
    pub(crate) fn open(key: &str, marks: &BTreeMap<String, Value>) -> Result<Self> {
        let mark = |(pointer, value): (&String, &Value)| {
            let pointer = Pointer::parse(pointer).map_err(|error| error.at(&format!("{key}.{pointer}")))?;
            Ok((pointer, value.clone()))
        };
        marks.iter().map(mark).collect::<Result<_>>().map(Self)
    }

    /// Whether all of them stand in a message.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        self.0.iter().all(|(pointer, wanted)| {
            let Found::Value(found) = pointer.find(text) else { return false };
            let Ok(found) = serde_json::from_str::<Value>(found) else { return false };
            match wanted {
                Value::Array(any) => any.contains(&found),
                wanted => *wanted == found,
            }
        })
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_are_values_at_places() {
        let marks = [("/type".to_owned(), json!(["result", "error"])), ("/ok".to_owned(), json!(true))];
        let marks = Marks::open("replies_have", &marks.into()).unwrap();
        for (text, are_in) in [
            (r#"{"type": "error", "ok": true}"#, true),
            (r#"{"type": "error", "ok": 1}"#, false),
            (r#"{"type": "push", "ok": true}"#, false),
            ("hello", false),
        ] {
            assert_eq!(marks.are_in(text), are_in, "{text}");
        }
    }
}
