//! `Payload`: a request as GraphQL over HTTP has it, as JSON or as parameters of a query string. What its caller wrote is
//! put into it as it is.

use std::borrow::Cow;

use serde_json::value::RawValue;
use trunkline_core::Statement;

use super::document::Document;

/// One request.
pub(super) struct Payload<'a> {
    document: &'a Document,
    variables: Option<&'a str>,
    operation_name: Option<&'a str>,
    extensions: Option<&'a str>,
    /// Whether the document is in it, and whether the name by which services remember it is.
    pub(super) text: bool,
    pub(super) hash: bool,
}

impl<'a> Payload<'a> {
    /// A request with its text, and no name for it.
    pub(super) fn new(
        document: &'a Document,
        statement: &'a Statement,
        variables: Option<&'a RawValue>,
    ) -> Self {
        Self {
            document,
            variables: variables.map(RawValue::get),
            operation_name: statement.operation_name.as_deref(),
            extensions: statement.extensions.as_deref().map(RawValue::get),
            text: true,
            hash: false,
        }
    }

    /// Appends it as JSON.
    pub(super) fn json(&self, out: &mut Vec<u8>) {
        let length = self.variables.map_or(0, str::len) + self.extensions.map_or(0, str::len);
        out.reserve(length + 256 + if self.text { self.document.json().len() } else { 0 });
        let mut key = [b"{\"".as_slice(), b",\""].into_iter();
        let mut put = |out: &mut Vec<u8>, name: &str, value: &str| {
            out.extend_from_slice(key.next().unwrap_or(b",\""));
            out.extend_from_slice(name.as_bytes());
            out.extend_from_slice(b"\":");
            out.extend_from_slice(value.as_bytes());
        };
        if self.text {
            put(out, "query", self.document.json());
        }
        if let Some(name) = self.operation_name {
            // A name of GraphQL has no character that JSON would escape: the document has this one.
            put(out, "operationName", &format!("\"{name}\""));
        }
        if let Some(variables) = self.variables {
            put(out, "variables", variables);
        }
        if let Some(extensions) = self.extensions() {
            put(out, "extensions", &extensions);
        }
        out.push(b'}');
    }

    /// As parameters of a query string.
    pub(super) fn params(&self) -> Vec<(String, String)> {
        let text = self.text.then(|| Cow::Borrowed(self.document.text()));
        let all = [
            ("query", text),
            ("operationName", self.operation_name.map(Cow::Borrowed)),
            ("variables", self.variables.map(Cow::Borrowed)),
            ("extensions", self.extensions()),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into_owned()))).collect()
    }

    fn extensions(&self) -> Option<Cow<'a, str>> {
        if !self.hash {
            return self.extensions.map(Cow::Borrowed);
        }
        let hash = self.document.hash();
        let ours = format!("\"persistedQuery\":{{\"version\":1,\"sha256Hash\":\"{hash}\"}}");
        let theirs = self.extensions.and_then(|text| text.strip_prefix('{')).map(str::trim_start);
        Some(match theirs {
            None | Some("}") => format!("{{{ours}}}").into(),
            Some(theirs) => format!("{{{ours},{theirs}").into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Value, json};

    use super::{super::limits::LimitsConfig, *};

    fn document(text: &str) -> Document {
        Document::read(&Arc::from(text), &LimitsConfig::default().open().unwrap()).unwrap()
    }

    fn raw(text: &str) -> Option<Box<RawValue>> {
        Some(serde_json::from_str(text).unwrap())
    }

    #[test]
    fn what_the_caller_wrote_is_sent_as_it_was_written() {
        let document = document("query A($n: Int) {\n a(n: $n, s: \"\u{e9}\") }");
        let statement = Statement {
            params: raw("{\"n\": 1.000,  \"big\": 12345678901234567890123}"),
            operation_name: Some("A".into()),
            extensions: raw("{ \"a\": 1}"),
            ..Statement::new("")
        };
        let mut payload = Payload::new(&document, &statement, statement.params.as_deref());
        let mut out = Vec::new();
        payload.json(&mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.contains("\"variables\":{\"n\": 1.000,  \"big\": 12345678901234567890123}"), "{text}");
        let read: Value = serde_json::from_str(&text).unwrap();
        assert_eq!((&read["query"], &read["operationName"]), (&json!(document.text()), &json!("A")));
        (payload.text, payload.hash) = (false, true);
        let mut out = Vec::new();
        payload.json(&mut out);
        let read: Value = serde_json::from_slice(&out).unwrap();
        let hash = json!({"version": 1, "sha256Hash": document.hash()});
        assert_eq!(read["extensions"], json!({"a": 1, "persistedQuery": hash}));
        assert_eq!(read.get("query"), None);
        let names: Vec<_> = payload.params().into_iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["operationName", "variables", "extensions"]);
    }

    #[test]
    fn a_document_is_called_by_the_sha_256_of_its_text() {
        let hash = "ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38";
        assert_eq!(document("{__typename}").hash(), hash);
    }
}
