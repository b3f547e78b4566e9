//! Form bodies: `application/x-www-form-urlencoded`, with nested values as `a[b]=c` and `a[0]=b`, the
//! way Stripe, Rails and PHP read them. Given as pairs, a name may be there several times.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;
use trunkline_core::{Error, Result};

use super::request::scalar;

/// What stays as it is (the form set of the URL standard). Brackets are written plain only where they nest.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'*').remove(b'-').remove(b'.').remove(b'_').remove(b' ');

/// Nested deeper than this is a mistake.
const DEPTH: usize = 16;

/// Writes an object, or a list of names and values, as a form. Null leaves its name out.
pub(super) fn encode(value: &Value) -> Result<String> {
    let mut out = String::new();
    // A bracket in a name of the caller's own would be taken for nesting.
    let mut field = |name: &str, value| put(&mut out, &escape(name), value, 0);
    match value {
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| field(name, value))?,
        Value::Array(pairs) => {
            for pair in pairs {
                let Some([Value::String(name), value]) = pair.as_array().map(Vec::as_slice) else {
                    return Err(Error::invalid(
                        "data: a list has a name and a value in each item, such as [\"to\", \"a\"]",
                    ));
                };
                field(name, value)?;
            }
        }
        _ => {
            return Err(Error::invalid(
                "data: must be an object or a list of pairs (a form), or a string (the body itself)",
            ));
        }
    }
    Ok(out)
}

fn put(out: &mut String, name: &str, value: &Value, depth: usize) -> Result<()> {
    if depth > DEPTH {
        return Err(Error::invalid(format!("data: is nested deeper than {DEPTH}")));
    }
    match value {
        Value::Null => {}
        Value::Array(values) => {
            for (at, value) in values.iter().enumerate() {
                put(out, &format!("{name}[{at}]"), value, depth + 1)?;
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                put(out, &format!("{name}[{}]", escape(key)), value, depth + 1)?;
            }
        }
        value => {
            if !out.is_empty() {
                out.push('&');
            }
            let text = scalar(value).unwrap_or_default();
            out.push_str(name);
            out.push('=');
            out.push_str(&escape(&text));
        }
    }
    Ok(())
}

fn escape(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string().replace(' ', "+")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nested_values_become_brackets() {
        let data = json!({"amount": 1999, "metadata": {"order id": "a&b=c"}, "items": [{"p": "x"}, {"p": "y"}], "n": null, "ok": true, "e": ""});
        assert_eq!(
            encode(&data).unwrap(),
            "amount=1999&e=&items[0][p]=x&items[1][p]=y&metadata[order+id]=a%26b%3Dc&ok=true"
        );
    }

    #[test]
    fn pairs_are_written_in_their_order_and_as_often_as_they_are_there() {
        let data = json!([["url", "a&b"], ["to", 1], ["url", "c"], ["n", null], ["x", {"y": true}]]);
        assert_eq!(encode(&data).unwrap(), "url=a%26b&to=1&url=c&x[y]=true");
        for data in [json!([1]), json!([["a"]]), json!([[1, "a"]]), json!(7)] {
            assert!(encode(&data).unwrap_err().message().starts_with("data: "), "{data}");
        }
    }

    #[test]
    fn a_name_cannot_pretend_to_be_nested_and_depth_is_bounded() {
        assert_eq!(encode(&json!({"a[b]": "+ \u{e9}"})).unwrap(), "a%5Bb%5D=%2B+%C3%A9");
        let deep = (0..40).fold(json!(1), |inner, _| json!({"a": inner}));
        assert!(encode(&deep).unwrap_err().message().contains("nested"));
    }
}
