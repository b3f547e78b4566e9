//! Documents that a request names by their hash in `extensions.persistedQuery`, as automatic persisted queries do
//! (apollographql.com/docs/apollo-server/performance/apq).

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

/// A name, however it is escaped.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Whether extensions name a document.
pub(super) fn is_named(extensions: &RawValue) -> bool {
    let keys = serde_json::from_str::<BTreeMap<Name<'_>, IgnoredAny>>(extensions.get());
    keys.is_ok_and(|keys| keys.keys().any(|Name(name)| name == "persistedQuery"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_named_by_a_key_of_the_extensions_themselves() {
        for (extensions, named) in [
            (r#"{"persistedQuery": {"version": 1, "sha256Hash": "x"}}"#, true),
            (r#"{"a": 1, "persistedQuery": null}"#, true),
            (r#"{"\u0070ersistedQuery": {}}"#, true),
            (r#"{"a": {"persistedQuery": 1}, "b": "persistedQuery"}"#, false),
            ("{}", false),
        ] {
            let raw = serde_json::from_str::<Box<RawValue>>(extensions).unwrap();
            assert_eq!(is_named(&raw), named, "{extensions}");
        }
    }
}
