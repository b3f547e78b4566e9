//! Clients against the manifests: every action is there, and takes what the manifest says.

use std::collections::BTreeSet;

use serde_json::Value;
use trunkline_connectors::{Catalog, Connector};

use super::{HubSpot, Salesforce, Stripe, Twilio};

/// What a client knows of an action: its arguments and what it may have, by name and type.
pub(super) struct Known {
    pub(super) action: &'static str,
    pub(super) needs: &'static [(&'static str, &'static str)],
    pub(super) may: &'static [(&'static str, &'static str)],
    pub(super) listed: &'static str,
}

/// Whether a schema takes what a type of Rust becomes.
fn takes(schema: &Value, rust: &str) -> bool {
    let wanted = match rust {
        "&str" => "string",
        "bool" => "boolean",
        "u64" | "i64" => "integer",
        "f64" => "number",
        "&[&str]" => "array",
        // Whatever it is.
        _ => return true,
    };
    match &schema["type"] {
        Value::Array(types) => types.iter().any(|own| own == wanted),
        own => own == wanted,
    }
}

fn compare(connector: &Connector, known: &[Known]) {
    let manifest = connector.manifest();
    let actions: BTreeSet<_> = manifest.actions.keys().map(String::as_str).collect();
    assert_eq!(known.iter().map(|known| known.action).collect::<BTreeSet<_>>(), actions, "{}", manifest.name);
    for Known { action, needs, may, listed } in known {
        let at = format!("{}.{action}", manifest.name);
        let schema = connector.action_schema(action).unwrap();
        let names = |key: &str| -> BTreeSet<&str> {
            match &schema[key] {
                Value::Object(properties) => properties.keys().map(String::as_str).collect(),
                Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
                _ => BTreeSet::new(),
            }
        };
        let required = names("required");
        assert_eq!(needs.iter().map(|(name, _)| *name).collect::<BTreeSet<_>>(), required, "{at} needs");
        let both = needs.iter().chain(*may);
        assert_eq!(both.clone().map(|(name, _)| *name).collect::<BTreeSet<_>>(), names("properties"), "{at}");
        for (name, rust) in both {
            let own = &schema["properties"][name];
            assert!(takes(own, rust), "{at}: {name} is {rust} here and {own} there");
        }
        assert_eq!(!listed.is_empty(), connector.paging(action).is_some(), "{at} comes in pages");
    }
}

#[test]
fn every_action_of_a_manifest_is_a_method_that_takes_the_same() {
    for (vendor, known) in [
        ("stripe", Stripe::KNOWN),
        ("twilio", Twilio::KNOWN),
        ("hubspot", HubSpot::KNOWN),
        ("salesforce", Salesforce::KNOWN),
    ] {
        compare(Catalog::built_in().find(vendor).unwrap(), known);
    }
}
