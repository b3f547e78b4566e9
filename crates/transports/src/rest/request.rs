//! The JSON that a caller sends for `rest`: `{method, endpoint, headers, params, json | data | …}`.

use std::{borrow::Cow, collections::BTreeMap};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use serde::Deserialize;
use serde_json::{Value, value::RawValue};
use trunkline_core::{Body, Error, HttpRequest, Result, Seconds, exact, parse};

use super::{form, headers::is_reserved, part};

/// A request as callers write it. `json`, `data`, `multipart` and `base64` are four ways to give a body;
/// at most one of them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    #[serde(borrow, default)]
    method: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    endpoint: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    headers: Option<BTreeMap<String, &'a RawValue>>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(borrow, default)]
    json: Option<&'a RawValue>,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(default)]
    multipart: Option<Vec<part::Part>>,
    #[serde(borrow, default)]
    base64: Option<Cow<'a, str>>,
    #[serde(default)]
    timeout: Option<Seconds>,
}

/// Turns the JSON into a request.
pub(super) fn parse(request: &RawValue) -> Result<HttpRequest> {
    // serde takes an array for the fields of a structure in their order.
    if !request.get().starts_with('{') {
        return Err(Error::invalid("expected an object such as {\"method\": \"GET\", \"endpoint\": \"/x\"}"));
    }
    let wire: Wire<'_> = match serde_json::from_str(request.get()) {
        Ok(wire) => wire,
        // Once more, for an error with the path of what is wrong.
        Err(_) => parse::text(request.get().as_bytes())?,
    };
    let method = match wire.method.as_deref() {
        None => Method::GET,
        Some(name) => Method::from_bytes(name.to_ascii_uppercase().as_bytes())
            .map_err(|_| Error::invalid("method: is not an HTTP method"))?,
    };
    if method == Method::CONNECT || method == Method::TRACE {
        return Err(Error::invalid("method: CONNECT and TRACE cannot be called"));
    }
    let mut out = HttpRequest::new(method, wire.endpoint.unwrap_or_default());
    out.timeout = wire.timeout.map(Seconds::get);
    out.headers = headers(wire.headers.unwrap_or_default())?;
    out.params = wire.params.map(|wire| params(tree(wire)?)).transpose()?.unwrap_or_default();
    let data = wire.data.map(tree).transpose()?;
    let (body, media) = match (wire.json, data, wire.multipart, wire.base64) {
        (None, None, None, None) => return Ok(out),
        (Some(json), None, None, None) => {
            (Bytes::copy_from_slice(json.get().as_bytes()), "application/json".into())
        }
        (None, Some(data), None, None) if wire.data.is_some_and(|data| data.get().starts_with('"')) => {
            let text = exact::text(&data).unwrap_or_default().into_owned();
            (text.into(), Cow::Borrowed("text/plain; charset=utf-8"))
        }
        (None, Some(data), None, None) => {
            (form::encode(&data)?.into(), "application/x-www-form-urlencoded".into())
        }
        (None, None, Some(parts), None) => part::encode(&parts)?,
        (None, None, None, Some(text)) => {
            let bytes = STANDARD.decode(&*text).map_err(|_| Error::invalid("base64: is not base64"))?;
            (bytes.into(), "application/octet-stream".into())
        }
        _ => {
            return Err(Error::invalid(
                "a request has one body: give json, data, multipart or base64, not several",
            ));
        }
    };
    // The caller's content type wins, but a multipart boundary is ours to say.
    if !out.headers.contains_key(header::CONTENT_TYPE) || media.starts_with("multipart/") {
        let media =
            HeaderValue::from_str(&media).map_err(|_| Error::invalid("the body has no media type"))?;
        out.headers.insert(header::CONTENT_TYPE, media);
    }
    out.body = Body::from(body);
    Ok(out)
}

/// Headers are strings; numbers and booleans are taken as they are written.
fn headers(wire: BTreeMap<String, &RawValue>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(wire.len());
    for (name, value) in wire {
        let bad =
            |what: &str| Error::invalid(format!("headers: {:?} {what}", name.escape_default().to_string()));
        let parsed: HeaderName = name.parse().map_err(|_| bad("is not the name of a header"))?;
        if is_reserved(&parsed) {
            return Err(bad("is set by Trunkline itself; remove it"));
        }
        let value = tree(value)?;
        let text = scalar(&value).ok_or_else(|| bad("must be a string"))?;
        let value = HeaderValue::from_str(&text)
            .map_err(|_| bad("has a value with a line break or control character"))?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

/// Parameters are an object; an array repeats its name, and null leaves it out.
fn params(wire: Value) -> Result<Vec<(String, String)>> {
    let Value::Object(wire) = wire else { return Err(Error::invalid("params: must be an object")) };
    let mut out = Vec::with_capacity(wire.len());
    for (name, value) in wire {
        let values = match value {
            Value::Array(values) => values,
            value => vec![value],
        };
        for value in values.iter().filter(|value| !value.is_null()) {
            let text = scalar(value).ok_or_else(|| {
                Error::invalid(format!(
                    "params.{name}: must be a string, number, boolean, or an array of them"
                ))
            })?;
            out.push((name.clone(), text.into_owned()));
        }
    }
    Ok(out)
}

/// A part of the request, with numbers as they are written.
fn tree(wire: &RawValue) -> Result<Value> {
    exact::read(wire.get().as_bytes())
}

/// A string, number or boolean as text.
pub(super) fn scalar(value: &Value) -> Option<Cow<'_, str>> {
    exact::text(value)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn request(json: &Value) -> Result<HttpRequest> {
        parse(&serde_json::value::to_raw_value(json).unwrap())
    }

    async fn body(request: HttpRequest) -> String {
        String::from_utf8(request.body.collect(usize::MAX).await.unwrap().into()).unwrap()
    }

    #[tokio::test]
    async fn the_four_ways_to_give_a_body() {
        for (json, media, text) in [
            (json!({"json": {"a": [1, 2.50]}}), "application/json", "{\"a\":[1,2.5]}"),
            (json!({"data": {"a": {"b": "c d"}}}), "application/x-www-form-urlencoded", "a[b]=c+d"),
            (json!({"data": "plain"}), "text/plain; charset=utf-8", "plain"),
            (json!({"base64": "aGVsbG8="}), "application/octet-stream", "hello"),
            (json!({"data": "<a/>", "headers": {"Content-Type": "text/xml"}}), "text/xml", "<a/>"),
        ] {
            let request = request(&json).unwrap();
            assert_eq!(request.headers[header::CONTENT_TYPE], media, "{json}");
            assert_eq!(body(request).await, text, "{json}");
        }
    }

    #[test]
    fn json_is_passed_on_as_it_was_written() {
        let raw: Box<RawValue> =
            serde_json::from_str("{\"json\": {\"n\": 1.000,  \"big\": 12345678901234567890123}}").unwrap();
        let Body::Bytes(bytes) = parse(&raw).unwrap().body else { panic!("a body") };
        assert_eq!(bytes, "{\"n\": 1.000,  \"big\": 12345678901234567890123}");
    }

    #[tokio::test]
    async fn numbers_are_text_as_they_were_written() {
        let raw = |text: &str| RawValue::from_string(text.to_owned()).unwrap();
        let asked = parse(&raw(
            r#"{"method": "POST", "params": {"a": 1.10, "b": [98765432109876543210]}, "headers": {"x-n": 1e2}, "data": {"c": {"d": 2.50}}}"#,
        ))
        .unwrap();
        let params: Vec<_> = asked.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(
            (params, &asked.headers["x-n"]),
            (vec!["a=1.10".to_owned(), "b=98765432109876543210".to_owned()], &"1e2".parse().unwrap())
        );
        assert_eq!(body(asked).await, "c[d]=2.50");
        assert_eq!(body(parse(&raw(r#"{"data": "\u00001.10"}"#)).unwrap()).await, "\u{0}1.10");
        assert!(parse(&raw(r#"{"data": 1.10}"#)).unwrap_err().message().starts_with("data: "));
    }

    #[test]
    fn parameters_repeat_for_arrays_and_vanish_for_null() {
        let request = request(&json!({"params": {"a": [1, "x", null], "b": true, "c": null}})).unwrap();
        let params: Vec<_> = request.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        assert_eq!(params, ["a=1", "a=x", "b=true"]);
    }

    #[test]
    fn bad_requests_name_the_key() {
        for (json, word) in [
            (json!({"method": "GE T"}), "method"),
            (json!({"method": "CONNECT"}), "CONNECT"),
            (json!({"headers": {"X-A": "a\r\nX-B: b"}}), "X-A"),
            (json!({"headers": {"a b": "c"}}), "a b"),
            (json!({"headers": {"Host": "evil"}}), "Host"),
            (json!({"headers": {"Content-Length": "5"}}), "Content-Length"),
            (json!({"headers": {"X-A": {}}}), "X-A"),
            (json!({"params": "a=b"}), "params"),
            (json!({"params": {"a": {"b": 1}}}), "params.a"),
            (json!({"json": 1, "data": "x"}), "one body"),
            (json!({"endpont": "/x"}), "did you mean `endpoint`"),
            (json!({"endpoint": 1}), "endpoint"),
            (json!({"base64": "%%"}), "base64"),
            (json!([]), "expected"),
        ] {
            let error = request(&json).unwrap_err();
            assert!(error.message().contains(word), "{json}: {error}");
        }
    }
}
