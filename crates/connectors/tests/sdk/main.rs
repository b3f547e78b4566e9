//! Requests of actions against those of the vendors' own SDKs, which a recorder of the testkit runs: the same method, path,
//! query and body, in meaning. Each vendor has a file, which says too what is its SDK's own choice.

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

mod anthropic;
mod github;
mod google_sheets;
mod hubspot;
mod jira;
mod notion;
mod openai;
mod salesforce;
mod sendgrid;
mod slack;
mod stripe;
mod twilio;

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
            match data {
                Value::Array(pairs) => {
                    pairs.iter().for_each(|pair| form(&text(&pair[0]), &pair[1], &mut fields));
                }
                data => form("", data, &mut fields),
            }
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
fn theirs(recorded: &Value) -> Meaning {
    let pairs = |key: &str| -> Vec<(String, String)> {
        let pairs = recorded.get(key).cloned().unwrap_or_else(|| json!([]));
        let mut pairs: Vec<(String, String)> = serde_json::from_value(pairs).unwrap();
        pairs.sort();
        pairs
    };
    let body = match (recorded.get("json"), recorded.get("form")) {
        (Some(json), _) => Body::Json(json.clone()),
        (None, Some(_)) => Body::Form(pairs("form")),
        (None, None) => Body::None,
    };
    Meaning { method: text(&recorded["method"]), path: text(&recorded["path"]), query: pairs("query"), body }
}

/// A vendor whose SDK is compared.
struct Sdk {
    vendor: &'static str,
    /// What an integration gives, as the SDK is given it.
    inputs: Value,
    /// A header that has the credential, and what it begins with: the SDK uses the scheme that the manifest uses.
    credential: (&'static str, &'static str),
    /// Takes back what is the SDK's own choice and means nothing.
    adjust: fn(&mut Meaning),
}

impl Sdk {
    /// Compares all of these; there has to be one for each action of the vendor. Headers that an SDK adds (its own name and
    /// version, the version of the API that it was made for, an idempotency key) are no part of it.
    fn compare(&self, calls: &[(&str, Value)]) {
        let Self { vendor, inputs, credential: (header, begins), adjust } = self;
        let mut recorder = Recorder::start();
        let manifest = Catalog::built_in().get(vendor).unwrap().manifest();
        let mut left: BTreeSet<_> = manifest.actions.keys().map(String::as_str).collect();
        for (action, input) in calls {
            let asked = json!({"vendor": vendor, "action": action, "inputs": inputs, "input": input});
            let recorded = recorder.ask(&asked);
            assert!(recorded.get("error").is_none(), "{vendor}.{action}: {recorded}");
            let mut theirs = theirs(&recorded);
            adjust(&mut theirs);
            theirs.query.sort();
            assert_eq!(ours(vendor, action, inputs, input), theirs, "{vendor}.{action}: ours, theirs");
            let credential = text(&recorded["headers"][header]);
            assert!(credential.starts_with(begins), "{vendor}.{action}: {credential}");
            left.remove(action);
        }
        assert!(left.is_empty(), "{vendor}: not compared: {left:?}");
    }
}
