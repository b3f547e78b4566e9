//! Merges what an integration says over what its connector says, and what a call says over its action.

use serde_json::{Map, Value};

/// The key of headers, in configurations and in requests.
const HEADERS: &str = "headers";

/// Puts the fields of `over` into `under`: objects are merged, all else is replaced. A header takes the place of the one of
/// its name, whichever letters that is written in (RFC 9110 section 5.1).
pub(crate) fn merge(under: &mut Map<String, Value>, over: Map<String, Value>) {
    if let (Some(Value::Object(under)), Some(Value::Object(over))) =
        (under.get_mut(HEADERS), over.get(HEADERS))
    {
        under.retain(|name, _| {
            over.contains_key(name) || !over.keys().any(|own| own.eq_ignore_ascii_case(name))
        });
    }
    fields(under, over);
}

fn fields(under: &mut Map<String, Value>, over: Map<String, Value>) {
    for (key, value) in over {
        match (under.get_mut(&key), value) {
            (Some(Value::Object(under)), Value::Object(over)) => fields(under, over),
            (_, value) => drop(under.insert(key, value)),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_header_takes_the_place_of_the_one_of_its_name_in_any_spelling() {
        let object = |value: Value| serde_json::from_value::<Map<_, _>>(value).unwrap();
        let mut under = object(json!({
            "headers": {"X-A": "1", "X-B": "1", "X-C": "1"}, "json": {"headers": {"X-A": 1}}, "timeout": 1,
        }));
        merge(
            &mut under,
            object(json!({"headers": {"x-a": "2", "X-B": "2"}, "json": {"headers": {"x-a": 2}}})),
        );
        assert_eq!(
            Value::Object(under),
            json!({
                "headers": {"x-a": "2", "X-B": "2", "X-C": "1"}, "json": {"headers": {"X-A": 1, "x-a": 2}}, "timeout": 1,
            })
        );
    }
}
