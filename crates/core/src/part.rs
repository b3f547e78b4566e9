//! A part of JSON text as it is written: what stands at a pointer, and the items of a list.

use std::collections::HashMap;

use serde_json::value::RawValue;

/// What a JSON pointer (RFC 6901) points at in a text, as it is written there; nothing where nothing is. Of two fields of one name
/// the last is meant.
pub fn at<'a>(json: &'a RawValue, pointer: &str) -> Option<&'a RawValue> {
    let mut steps = pointer.split('/').skip(1).map(|step| step.replace("~1", "/").replace("~0", "~"));
    steps.try_fold(json, |at, step| below(at, &step))
}

/// The items of a list; nothing where it is none.
pub fn items(json: &RawValue) -> Option<Vec<&RawValue>> {
    serde_json::from_str(json.get()).ok()
}

fn below<'a>(json: &'a RawValue, step: &str) -> Option<&'a RawValue> {
    if json.get().starts_with('{') {
        let fields: HashMap<String, &RawValue> = serde_json::from_str(json.get()).ok()?;
        return fields.get(step).copied();
    }
    // RFC 6901 section 4: digits without a leading zero.
    let number = step.parse::<usize>().ok().filter(|number| number.to_string() == step)?;
    items(json)?.get(number).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_given_as_it_is_written() {
        let json = r#" {"a": {"b/c": [1.10, {"d~": [ 1e2 ,"x" ]}]}, "": 5, "t": 1, "t": 2, "z": null} "#;
        let json: &RawValue = serde_json::from_str(json).unwrap();
        for (pointer, part) in [
            ("", Some(json.get())),
            ("/a/b~1c/0", Some("1.10")),
            ("/a/b~1c/1/d~0", Some(r#"[ 1e2 ,"x" ]"#)),
            ("/", Some("5")),
            ("/t", Some("2")),
            ("/z", Some("null")),
            ("/a/b~1c/01", None),
            ("/a/b~1c/2", None),
            ("/a/b~1c/-", None),
            ("/x", None),
            ("/z/y", None),
        ] {
            assert_eq!(at(json, pointer).map(RawValue::get), part, "{pointer}");
        }
        let list = items(at(json, "/a/b~1c/1/d~0").unwrap()).unwrap();
        assert_eq!(list.iter().map(|item| item.get()).collect::<Vec<_>>(), ["1e2", "\"x\""]);
        assert!(items(json).is_none());
    }
}
