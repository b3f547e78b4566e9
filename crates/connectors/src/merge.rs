//! Merges what an integration says over what its connector says.

use serde_json::{Map, Value};

/// Puts the fields of `over` into `under`: objects are merged, all else is replaced.
pub(crate) fn merge(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => merge(under, over),
            (_, value) => drop(under.insert(key, value)),
        }
    }
}
