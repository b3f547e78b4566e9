//! What of a request is otherwise than it is expected: in meaning, not in spelling or order.

use std::collections::BTreeMap;

use http::{HeaderMap, Method, header};
use percent_encoding::percent_decode_str;
use serde_json::Value;
use trunkline::connectors::Expected;
use url::{Url, form_urlencoded};

/// A request as it came.
pub(super) struct Sent {
    pub(super) method: Method,
    /// With the origin that it was meant for.
    pub(super) url: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Vec<u8>,
}

/// The texts that stand for any, such as `<key>`, with what they stood for first.
#[derive(Debug, Default)]
pub(super) struct Names(BTreeMap<String, String>);

impl Names {
    /// What of a request is otherwise than it is expected. `usual` are the headers of every request.
    pub(super) fn differences(
        &mut self,
        expected: &Expected,
        usual: &BTreeMap<String, Option<String>>,
        sent: &Sent,
    ) -> Vec<String> {
        let mut found = Vec::new();
        if sent.method != *expected.method {
            found.push(format!("method: is {}, expected {}", sent.method, expected.method));
        }
        self.url(&expected.url, &sent.url, &mut found);
        let mut headers: BTreeMap<_, _> =
            usual.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect();
        headers.extend(expected.headers.iter().map(|(name, value)| (name.to_ascii_lowercase(), value)));
        for (name, value) in headers {
            self.header(&name, value.as_deref(), &sent.headers, &mut found);
        }
        self.body(expected, sent, &mut found);
        found
    }

    /// What of a URL is otherwise than it is expected.
    pub(super) fn url(&mut self, expected: &str, sent: &str, found: &mut Vec<String>) {
        let (Ok(expected), Ok(sent)) = (Url::parse(expected), Url::parse(sent)) else {
            found.push("url: is none".to_owned());
            return;
        };
        if expected.origin() != sent.origin() {
            let (is, should) = (sent.origin().ascii_serialization(), expected.origin().ascii_serialization());
            found.push(format!("url: leads to {is}, expected {should}"));
        }
        let segments = |url: &Url| -> Vec<String> {
            url.path().split('/').map(|step| percent_decode_str(step).decode_utf8_lossy().into()).collect()
        };
        if segments(&expected) != segments(&sent) {
            found.push(format!("path: is {}, expected {}", sent.path(), expected.path()));
        }
        let query = |url: &Url| grouped(url.query().unwrap_or_default().as_bytes());
        self.fields("query", &query(&expected), &query(&sent), found);
    }

    fn header(&mut self, name: &str, expected: Option<&str>, sent: &HeaderMap, found: &mut Vec<String>) {
        let values: Vec<_> =
            sent.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        let is = values.join(", ");
        match expected {
            None if values.is_empty() => {}
            None => found.push(format!("header {name}: is {is:?}, and may not be there")),
            Some(expected) if values.is_empty() => {
                found.push(format!("header {name}: is missing, expected {expected:?}"));
            }
            Some(expected) if self.same(expected, &is) => {}
            Some(expected) => found.push(format!("header {name}: is {is:?}, expected {expected:?}")),
        }
    }

    fn body(&mut self, expected: &Expected, sent: &Sent, found: &mut Vec<String>) {
        let kind = sent.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
        let wanted = match (&expected.json, &expected.form) {
            (Some(_), _) => "application/json",
            (None, Some(_)) => "application/x-www-form-urlencoded",
            (None, None) if sent.body.is_empty() => return,
            (None, None) => {
                found.push(format!("body: there is one, and none is expected: {}", text(&sent.body)));
                return;
            }
        };
        if kind != wanted {
            found.push(format!("header content-type: is {kind:?}, expected {wanted:?}"));
        }
        match (&expected.json, &expected.form) {
            (Some(json), _) => match serde_json::from_slice(&sent.body) {
                Ok(body) => self.compare("body", json, &body, found),
                Err(_) => found.push(format!("body: is no JSON: {}", text(&sent.body))),
            },
            (None, Some(form)) => {
                let form = form.iter().map(|(name, value)| (name.clone(), texts(value))).collect();
                self.fields("body", &form, &grouped(&sent.body), found);
            }
            (None, None) => {}
        }
    }

    fn fields(&mut self, place: &str, expected: &Fields, sent: &Fields, found: &mut Vec<String>) {
        for (name, values) in expected {
            let Some(is) = sent.get(name) else {
                found.push(format!("{place} {name}: is missing, expected {values:?}"));
                continue;
            };
            let same = is.len() == values.len()
                && values.iter().zip(is).all(|(expected, is)| self.same(expected, is));
            if !same {
                found.push(format!("{place} {name}: is {is:?}, expected {values:?}"));
            }
        }
        for (name, values) in sent.iter().filter(|(name, _)| !expected.contains_key(*name)) {
            found.push(format!("{place} {name}: is {values:?}, and may not be there"));
        }
    }

    /// Where two values differ.
    pub(super) fn compare(&mut self, place: &str, expected: &Value, is: &Value, found: &mut Vec<String>) {
        match (expected, is) {
            (Value::Object(expected), Value::Object(is)) => {
                for (key, expected) in expected {
                    match is.get(key) {
                        Some(is) => self.compare(&format!("{place}.{key}"), expected, is, found),
                        None => found.push(format!("{place}.{key}: is missing, expected {expected}")),
                    }
                }
                for (key, is) in is.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                    found.push(format!("{place}.{key}: is {is}, and may not be there"));
                }
            }
            (Value::Array(expected), Value::Array(is)) if expected.len() == is.len() => {
                for (n, (expected, is)) in expected.iter().zip(is).enumerate() {
                    self.compare(&format!("{place}[{n}]"), expected, is, found);
                }
            }
            (Value::String(expected), Value::String(is)) if self.same(expected, is) => {}
            (expected, is) if expected == is => {}
            (expected, is) => found.push(format!("{place}: is {is}, expected {expected}")),
        }
    }

    /// Whether a text is the expected one, or any where it stands in angle brackets.
    fn same(&mut self, expected: &str, is: &str) -> bool {
        let name = expected.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
        match name.filter(|name| name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_')) {
            Some(name) => {
                !is.is_empty() && self.0.entry(name.to_owned()).or_insert_with(|| is.to_owned()) == is
            }
            None => expected == is,
        }
    }
}

/// Fields by their names, with all their values in order.
type Fields = BTreeMap<String, Vec<String>>;

fn grouped(form: &[u8]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in form_urlencoded::parse(form) {
        fields.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    fields
}

fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::Array(values) => values.iter().flat_map(texts).collect(),
        Value::String(text) => vec![text.clone()],
        value => vec![value.to_string()],
    }
}

fn text(body: &[u8]) -> String {
    String::from_utf8_lossy(body).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn differences(expected: Value, url: &str, headers: &[(&'static str, &str)], body: &str) -> Vec<String> {
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let sent =
            Sent { method: Method::POST, url: url.to_owned(), headers: headers.collect(), body: body.into() };
        let usual = BTreeMap::from([("Authorization".to_owned(), Some("Bearer k".to_owned()))]);
        Names::default().differences(&serde_json::from_value(expected).unwrap(), &usual, &sent)
    }

    #[test]
    fn order_and_spelling_of_a_request_do_not_count() {
        let form = ("content-type", "application/x-www-form-urlencoded; charset=utf-8");
        let expected = json!({
            "method": "POST", "url": "https://a.example/x%2Fy/z?b=2&a=1%20+&l=1&l=2", "form": {"a[b]": 7, "c": ["1", "2"]},
            "headers": {"Idempotency-Key": "<key>"},
        });
        let url = "https://A.example:443/x%2fy/z?l=1&l=2&a=1++&b=2";
        let headers = [form, ("authorization", "Bearer k"), ("idempotency-key", "1-2"), ("user-agent", "x")];
        assert_eq!(differences(expected, url, &headers, "c=1&a%5Bb%5D=7&c=2"), [""; 0]);
    }

    #[test]
    fn what_means_something_else_is_found() {
        let expected = json!({ "method": "GET", "url": "https://a.example/x/y?a=1", "json": {"a": [1]}, "headers": {"x-no": null} });
        let headers = [("content-type", "text/plain"), ("authorization", "Basic k"), ("x-no", "1")];
        let found = differences(expected, "http://a.example/x%2Fy?a=2&b=1", &headers, r#"{"a":[2],"b":1}"#);
        let places: Vec<_> = found.iter().map(|found| found.split(':').next().unwrap()).collect();
        let expected = [
            "method",
            "url",
            "path",
            "query a",
            "query b",
            "header authorization",
            "header x-no",
            "header content-type",
            "body.a[0]",
            "body.b",
        ];
        assert_eq!(places, expected, "{found:?}");
    }

    #[test]
    fn a_name_stands_for_the_same_text_everywhere() {
        let mut names = Names::default();
        assert!(names.same("<key>", "1") && names.same("<key>", "1") && names.same("<other>", "2"));
        assert!(!names.same("<key>", "2") && !names.same("<third>", "") && !names.same("<Say>", "1"));
    }
}
