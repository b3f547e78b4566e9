//! Requests of actions against those of the vendors' own SDKs, which a recorder of the testkit runs: the same method, path,
//! query and body, in meaning. What is an SDK's own choice is listed where it is allowed for.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use trunkline_connectors::{Asked, Catalog};

/// A recorder that runs; it ends with this.
struct Recorder {
    child: Child,
    stdout: BufReader<ChildStdout>,
}

impl Recorder {
    fn start() -> Self {
        let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/peers/vendors"));
        assert!(folder.join(".venv/complete").exists(), "not installed: run scripts/need.sh vendors");
        let mut command = Command::new(folder.join(".venv/bin/python"));
        let command = command.arg("-B").arg(folder.join("record.py"));
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        // Where it listens is of no interest here.
        stdout.read_line(&mut String::new()).unwrap();
        Self { child, stdout }
    }

    /// What the SDK sends for an action.
    fn ask(&mut self, asked: &Value) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{asked}").unwrap();
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// A request in meaning.
#[derive(Debug, PartialEq)]
struct Meaning {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Body,
}

#[derive(Debug, PartialEq)]
enum Body {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The fields of a form, as `rest` writes them.
fn form(name: &str, value: &Value, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(key, value)| {
            let name = if name.is_empty() { key.clone() } else { format!("{name}[{key}]") };
            form(&name, value, out);
        }),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(at, value)| form(&format!("{name}[{at}]"), value, out));
        }
        value => out.push((name.to_owned(), text(value))),
    }
}

/// What we would send.
fn ours(vendor: &str, action: &str, inputs: &Value, input: &Value) -> Meaning {
    let connector = Catalog::built_in().get(vendor).unwrap();
    let document = object(&json!({ "connector": vendor, "inputs": inputs }));
    let complete = connector.complete(&document).unwrap();
    let (_, base) = complete["base_url"].as_str().unwrap().split_once("://").unwrap();
    let base = base.find('/').map_or("", |at| &base[at..]);
    let asked = Asked { input: object(input), over: Map::new() };
    let answer = connector.request(&connector.given_inputs(&document).unwrap(), action, asked);
    let request = answer.unwrap_or_else(|error| panic!("{vendor}.{action}: {error}")).request;
    let mut query = Vec::new();
    for (name, value) in object(&request["params"]) {
        match value {
            Value::Array(items) => query.extend(items.iter().map(|item| (name.clone(), text(item)))),
            value => query.push((name, text(&value))),
        }
    }
    query.sort();
    let body = match (request.get("data"), request.get("json")) {
        (Some(data), _) => {
            let mut fields = Vec::new();
            form("", data, &mut fields);
            fields.sort();
            Body::Form(fields)
        }
        (None, Some(json)) => Body::Json(json.clone()),
        (None, None) => Body::None,
    };
    let endpoint = percent_decode_str(request["endpoint"].as_str().unwrap()).decode_utf8().unwrap();
    Meaning { method: text(&request["method"]), path: format!("{base}{endpoint}"), query, body }
}

/// What the SDK sent.
fn theirs(vendor: &str, recorded: &Value) -> Meaning {
    let pairs = |key: &str| -> Vec<(String, String)> {
        let pairs = recorded.get(key).cloned().unwrap_or_else(|| json!([]));
        let mut pairs: Vec<(String, String)> = serde_json::from_value(pairs).unwrap();
        pairs.sort();
        pairs
    };
    let (mut path, mut query) = (text(&recorded["path"]), pairs("query"));
    match vendor {
        // The SDK numbers the items of a list in a query; Stripe takes them without numbers too.
        "stripe" => query.iter_mut().for_each(|(name, _)| {
            if let Some((before, number)) = name.trim_end_matches(']').rsplit_once('[')
                && number.parse::<u8>().is_ok()
            {
                *name = format!("{before}[]");
            }
        }),
        // The SDK asks for versions that end in 2027, whose paths have the version elsewhere.
        "hubspot" => {
            for (old, new) in [
                ("/crm/v3/objects/", "/crm/objects/2026-09/"),
                ("/crm/v4/objects/", "/crm/objects/2026-09/"),
                ("/crm/v3/owners/", "/crm/owners/2026-09/"),
                ("/crm/v3/lists/", "/crm/lists/2026-09/"),
                ("/crm/v3/properties/", "/crm/properties/2026-09/"),
            ] {
                path = path.replace(old, new);
            }
            path = path.trim_end_matches('/').to_owned();
            // It writes true and false as Python does.
            for (_, value) in query.iter_mut().filter(|(_, value)| value == "True" || value == "False") {
                value.make_ascii_lowercase();
            }
        }
        // It ends the paths of collections with a slash, which means nothing.
        "salesforce" => path = path.trim_end_matches('/').to_owned(),
        _ => {}
    }
    query.sort();
    let body = match (recorded.get("json"), recorded.get("form")) {
        (Some(json), _) => Body::Json(json.clone()),
        (None, Some(_)) => Body::Form(pairs("form")),
        (None, None) => Body::None,
    };
    Meaning { method: text(&recorded["method"]), path, query, body }
}

/// Compares all of these; there has to be one for each action of the vendor. Headers that an SDK adds (its own name and
/// version, the version of the API that it was made for, an idempotency key) are no part of it.
fn compare(vendor: &str, inputs: &Value, authorization: &str, calls: &[(&str, Value)]) {
    let mut recorder = Recorder::start();
    let manifest = Catalog::built_in().get(vendor).unwrap().manifest();
    let mut left: BTreeSet<_> = manifest.actions.keys().map(String::as_str).collect();
    for (action, input) in calls {
        let recorded =
            recorder.ask(&json!({"vendor": vendor, "action": action, "inputs": inputs, "input": input}));
        assert!(recorded.get("error").is_none(), "{vendor}.{action}: {recorded}");
        assert_eq!(
            ours(vendor, action, inputs, input),
            theirs(vendor, &recorded),
            "{vendor}.{action}: ours, theirs"
        );
        // The SDK is given what the manifest's auth scheme is given, and uses the same scheme.
        let header = text(&recorded["headers"]["authorization"]);
        assert!(header.starts_with(authorization), "{vendor}.{action}: {header}");
        left.remove(action);
    }
    assert!(left.is_empty(), "{vendor}: not compared: {left:?}");
}

#[test]
fn sdk_of_stripe_sends_the_same() {
    let intent = json!({
        "amount": 1999, "currency": "usd", "customer": "cus_1", "payment_method_types": ["card", "link"], "confirm": true,
        "metadata": {"order id": "6&7=ü"}, "shipping": {"name": "Ann", "address": {"line1": "1 Main St"}},
    });
    let calls = [
        ("create_payment_intent", intent),
        ("get_payment_intent", json!({"payment_intent_id": "pi_1", "expand": ["customer", "latest_charge"]})),
        ("update_payment_intent", json!({"payment_intent_id": "pi_1", "metadata": {"a": ""}, "amount": 5})),
        ("confirm_payment_intent", json!({"payment_intent_id": "pi_1", "payment_method": "pm_card_visa"})),
        ("confirm_payment_intent", json!({"payment_intent_id": "pi_1"})),
        ("capture_payment_intent", json!({"payment_intent_id": "pi_1", "amount_to_capture": 750})),
        ("cancel_payment_intent", json!({"payment_intent_id": "pi_1", "cancellation_reason": "abandoned"})),
        ("list_payment_intents", json!({"customer": "cus_1", "created": {"gte": 5, "lt": 9}, "limit": 2})),
        ("search_payment_intents", json!({"query": "metadata['order_id']:'6735'", "limit": 2, "page": "p"})),
        ("create_customer", json!({"email": "a+b@example.com", "name": "Ann", "address": {"city": "Köln"}})),
        ("get_customer", json!({"customer_id": "cus_1"})),
        ("update_customer", json!({"customer_id": "cus_1", "name": "Bea", "balance": -5})),
        ("delete_customer", json!({"customer_id": "cus_1"})),
        (
            "list_customers",
            json!({"email": "a+b@example.com", "limit": 9, "starting_after": "cus_0", "expand": ["data.sources"]}),
        ),
        ("search_customers", json!({"query": "email:'a@b.c'"})),
        ("get_charge", json!({"charge_id": "ch_1"})),
        ("list_charges", json!({"customer": "cus_1", "ending_before": "ch_9"})),
        ("create_refund", json!({"payment_intent": "pi_1", "amount": 5, "reason": "duplicate"})),
        ("get_refund", json!({"refund_id": "re_1"})),
        ("list_refunds", json!({"charge": "ch_1", "limit": 1})),
        ("get_event", json!({"event_id": "evt_1"})),
        ("list_events", json!({"types": ["charge.failed", "charge.succeeded"], "created": {"gt": 1}})),
        ("get_balance", json!({})),
        ("get_product", json!({"product_id": "prod_1"})),
        ("list_products", json!({"active": true, "limit": 1})),
        ("get_price", json!({"price_id": "price_1"})),
        ("list_prices", json!({"lookup_keys": ["a", "b"], "active": false})),
        ("get_invoice", json!({"invoice_id": "in_1"})),
        ("list_invoices", json!({"status": "open", "subscription": "sub_1"})),
        ("get_subscription", json!({"subscription_id": "sub_1"})),
        ("list_subscriptions", json!({"limit": 3, "starting_after": "x_1"})),
    ];
    compare("stripe", &json!({"secret_key": "sk_test_1"}), "Bearer sk_test_1", &calls);
}

#[test]
fn sdk_of_twilio_sends_the_same() {
    let sid = |kind: &str| format!("{kind}0123456789abcdef0123456789abcdef");
    let inputs = json!({"account_sid": sid("AC"), "api_key_sid": sid("SK"), "api_key_secret": "s"});
    let later = json!({
        "to": "+1", "messaging_service_sid": sid("MG"), "body": "x", "media_url": "https://a.example/x.png",
        "shorten_urls": true, "status_callback": "https://a.example/?a=b", "validity_period": 60,
        "send_at": "2026-11-30T20:36:27Z", "smart_encoded": false,
    });
    let template = json!({
        "to": "whatsapp:+1", "from": "whatsapp:+2", "content_sid": sid("HX"), "content_variables": "{\"1\":\"Ann\"}",
    });
    let between = json!({
        "to": "+1", "from": "+2", "date_sent_after": "2026-11-01", "date_sent_before": "2026-11-30", "page_size": 20,
    });
    let by_url = json!({
        "to": "+1", "from": "+2", "url": "https://a.example/twiml", "method": "GET", "timeout": 30, "record": true,
        "send_digits": "ww1#",
    });
    let by_twiml = json!({
        "to": "+1", "from": "+2", "twiml": "<Response><Say>Hi</Say></Response>", "time_limit": 60,
        "machine_detection": "Enable",
    });
    let calls = [
        ("send_sms", json!({"to": "+15558675310", "from": "+15017122661", "body": "Grüße & more = 1"})),
        ("send_sms", later),
        ("send_sms", template),
        ("get_message", json!({"message_sid": sid("SM")})),
        ("list_messages", between),
        ("list_messages", json!({"date_sent": "2026-11-01"})),
        ("cancel_message", json!({"message_sid": sid("SM")})),
        ("redact_message", json!({"message_sid": sid("MM")})),
        ("delete_message", json!({"message_sid": sid("SM")})),
        ("make_call", by_url),
        ("make_call", by_twiml),
        ("get_call", json!({"call_sid": sid("CA")})),
        ("end_call", json!({"call_sid": sid("CA")})),
        ("list_calls", json!({"status": "in-progress", "started_after": "2026-11-01", "page_size": 5})),
        ("get_incoming_phone_number", json!({"phone_number_sid": sid("PN")})),
        ("list_incoming_phone_numbers", json!({"phone_number": "+1555*", "friendly_name": "Front desk"})),
        ("get_balance", json!({})),
    ];
    compare("twilio", &inputs, "Basic U0swMTIz", &calls);
}

#[test]
fn sdk_of_hubspot_sends_the_same() {
    let associations = json!([
        {"to": {"id": "7"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 279}]}
    ]);
    let filters = json!([{"filters": [{"propertyName": "email", "operator": "EQ", "value": "a@b"}]}]);
    let upserts = json!([{"id": "a@b", "idProperty": "email", "properties": {"firstname": "A"}}]);
    let pair = json!({"from_type": "contacts", "from_id": 1, "to_type": "companies", "to_id": 2});
    let by_email = json!({
        "contact_id": "a@b", "id_property": "email", "properties": ["email", "phone"], "associations": ["deals"],
        "archived": false,
    });
    let search = json!({
        "filterGroups": filters, "properties": ["email"], "limit": 200, "after": "200", "sorts": ["createdate"],
    });
    let several = json!({
        "object_type": "companies", "inputs": [{"id": "1"}], "properties": ["name"], "propertiesWithHistory": [],
    });
    let lists = json!({"query": "news", "count": 50, "offset": 50, "additionalProperties": ["hs_list_name"]});
    let calls = [
        (
            "create_contact",
            json!({"email": "a@b", "properties": {"firstname": "A"}, "associations": associations}),
        ),
        ("create_contact", json!({"email": "a@b"})),
        ("get_contact", by_email),
        ("update_contact", json!({"contact_id": "1", "properties": {"firstname": "B"}})),
        ("archive_contact", json!({"contact_id": "1"})),
        ("list_contacts", json!({"limit": 10, "after": "20", "properties": ["email"], "archived": true})),
        ("search_contacts", search),
        ("batch_upsert_contacts", json!({"inputs": upserts})),
        ("create_object", json!({"object_type": "companies", "properties": {"name": "Acme"}})),
        (
            "get_object",
            json!({"object_type": "deals", "object_id": "1", "properties_with_history": ["amount"]}),
        ),
        ("update_object", json!({"object_type": "deals", "object_id": "1", "properties": {"amount": "5"}})),
        ("archive_object", json!({"object_type": "deals", "object_id": "1"})),
        ("list_objects", json!({"object_type": "companies", "limit": 5})),
        ("search_objects", json!({"object_type": "companies", "query": "acme"})),
        ("batch_read_objects", several),
        ("batch_upsert_objects", json!({"object_type": "companies", "inputs": upserts})),
        ("associate", pair.clone()),
        ("dissociate", pair),
        (
            "list_associations",
            json!({"object_type": "contacts", "object_id": 1, "to_type": "companies", "limit": 500}),
        ),
        ("list_owners", json!({"email": "a@b", "limit": 100})),
        ("get_owner", json!({"owner_id": 5, "id_property": "userId"})),
        ("search_lists", lists),
        ("get_list", json!({"list_id": "5", "include_filters": true})),
        ("list_members", json!({"list_id": "5", "limit": 250})),
        ("add_list_members", json!({"list_id": "5", "record_ids": ["1", "2"]})),
        ("list_properties", json!({"object_type": "contacts", "archived": false})),
    ];
    compare("hubspot", &json!({"access_token": "t"}), "Bearer t", &calls);
}

#[test]
fn sdk_of_salesforce_sends_the_same() {
    let id = "001D000000INjVe";
    let external = json!({"object": "Account", "external_id_field": "Number__c", "external_id": "7"});
    let mut upsert = external.clone();
    upsert["fields"] = json!({"Name": "Acme"});
    let calls = [
        ("create_lead", json!({"LastName": "Lovelace", "Company": "Engines", "Rank__c": 5})),
        ("get_account", json!({"account_id": id})),
        ("get_account", json!({"account_id": id, "fields": ["Name", "Industry"]})),
        (
            "update_opportunity",
            json!({"opportunity_id": "006D000000INjVe", "fields": {"StageName": "Closed Won"}}),
        ),
        ("query", json!({"q": "SELECT Id, Name FROM Account WHERE Name LIKE 'A%'"})),
        ("query_all", json!({"q": "SELECT Id FROM Account"})),
        ("query_next", json!({"locator": "01gD0000002HU6KIAW-2000"})),
        ("search", json!({"q": "FIND {Acme} RETURNING Account(Id)"})),
        ("create_record", json!({"object": "Invoice__c", "fields": {"Amount__c": 5}})),
        ("get_record", json!({"object": "Contact", "record_id": id, "fields": ["Email"]})),
        ("get_record_by_external_id", external),
        ("update_record", json!({"object": "Contact", "record_id": id, "fields": {"Email": "a@b"}})),
        ("upsert_record", upsert),
        ("delete_record", json!({"object": "Contact", "record_id": id})),
        ("describe", json!({"object": "Account"})),
        ("describe_global", json!({})),
        ("limits", json!({})),
    ];
    compare("salesforce", &json!({"my_domain": "acme.my.salesforce.com"}), "Bearer token", &calls);
}
