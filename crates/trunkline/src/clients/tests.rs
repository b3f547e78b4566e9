//! Clients against the manifests: every action is there, and takes what the manifest says.

use std::collections::BTreeSet;

use serde_json::Value;
use trunkline_connectors::{Catalog, Connector};

use super::{HubSpot, Salesforce, Stripe, Twilio, salesforce, stripe};

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
        let pages = manifest.actions[*action].pages.is_some();
        assert_eq!(!listed.is_empty(), pages, "{at} comes in pages");
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

#[test]
fn what_a_client_gives_is_what_its_manifest_says_is_given() {
    let given: [(&str, &str, &[&str]); 18] = [
        ("stripe", "create_payment_intent", stripe::PaymentIntent::FIELDS),
        ("stripe", "cancel_payment_intent", stripe::PaymentIntent::FIELDS),
        ("stripe", "get_customer", stripe::Customer::FIELDS),
        ("stripe", "delete_customer", stripe::Deleted::FIELDS),
        ("stripe", "get_charge", stripe::Charge::FIELDS),
        ("stripe", "create_refund", stripe::Refund::FIELDS),
        ("stripe", "get_event", stripe::Event::FIELDS),
        ("stripe", "get_balance", stripe::Balance::FIELDS),
        ("stripe", "get_product", stripe::Product::FIELDS),
        ("stripe", "get_price", stripe::Price::FIELDS),
        ("stripe", "get_invoice", stripe::Invoice::FIELDS),
        ("stripe", "get_subscription", stripe::Subscription::FIELDS),
        ("stripe", "list_events", stripe::List::<()>::FIELDS),
        ("stripe", "search_customers", stripe::Found::<()>::FIELDS),
        ("salesforce", "query", &["records", "done", "totalSize", "nextRecordsUrl"]),
        ("salesforce", "upsert_record", &["id", "created", "success", "errors"]),
        ("salesforce", "get_account", &["Id", "Name", "attributes"]),
        ("salesforce", "describe", salesforce::Description::FIELDS),
    ];
    for (vendor, action, fields) in given {
        let manifest = Catalog::built_in().find(vendor).unwrap().manifest();
        let output = manifest.actions[action].output.as_ref().unwrap();
        for field in fields.iter().map(|field| field.trim_start_matches("r#")) {
            assert!(output["properties"].get(field).is_some(), "{vendor}.{action} gives {field}");
        }
    }
    // A list says what is in it.
    let manifest = Catalog::built_in().find("stripe").unwrap().manifest();
    for (name, action) in &manifest.actions {
        let Some(data) = action.output.as_ref().and_then(|output| output["properties"].get("data")) else {
            continue;
        };
        let is_list = data["type"] == "array";
        assert!(!is_list || data["items"]["properties"].get("id").is_some(), "{name}: {data}");
    }
}
