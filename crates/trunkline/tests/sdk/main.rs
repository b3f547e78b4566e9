//! Requests of actions against those of the vendors' own SDKs. Both go to the same recorder of the testkit, and are the same in
//! meaning: method, path, query, body, credential, account, and whether a key tells a repetition. Each vendor has a file, which says too what is its SDK's own choice.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    collections::BTreeSet,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    sync::Arc,
};

use serde_json::{Value, json, value::to_raw_value};
use trunkline::{Egress, Handle, Manager, Outcome, Profile, connectors::Catalog};

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
    origin: String,
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
        let mut origin = String::new();
        stdout.read_line(&mut origin).unwrap();
        Self { child, stdout, origin: origin.trim().to_owned() }
    }

    /// What was recorded next.
    fn next(&mut self) -> Value {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap()
    }

    /// What the SDK sends for an action.
    fn ask(&mut self, asked: &Value) -> Value {
        writeln!(self.child.stdin.as_mut().unwrap(), "{asked}").unwrap();
        self.next()
    }

    /// What an integration sends for an action.
    async fn send(&mut self, handle: &Handle, action: &str, input: &Value) -> Value {
        let request = to_raw_value(&json!({ "action": action, "input": input })).unwrap();
        let mut call = handle.ask(&request).unwrap_or_else(|error| panic!("{action}: {error}"));
        // What is made of an answer that says nothing is no part of it, but it has to be one.
        if let Err(error) = handle.call(&mut call).await {
            assert_ne!(error.outcome(), Outcome::NotSent, "{action}: {error}");
        }
        self.next()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

/// Headers that a credential can be in.
const CREDENTIALS: [&str; 4] = ["authorization", "x-api-key", "x-goog-api-key", "cookie"];

/// Headers that say for whom a request is, where the credential does not.
const ACCOUNTS: [&str; 1] = ["stripe-account"];
/// The header by which a service recognises a repetition. Each side has a key of its own.
const KEY: &str = "idempotency-key";

/// A request in meaning.
#[derive(Debug, PartialEq)]
struct Meaning {
    method: String,
    path: String,
    query: Vec<(String, String)>,
    body: Body,
    /// The headers of [`CREDENTIALS`] that there are, with the scheme of the first in lower case (RFC 9110 section 11.1).
    auth: Vec<(String, String)>,
    /// The headers of [`ACCOUNTS`] that there are.
    account: Vec<String>,
    /// Whether it has a [`KEY`].
    keyed: bool,
}

#[derive(Debug, PartialEq)]
enum Body {
    None,
    Json(Value),
    Form(Vec<(String, String)>),
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

impl Meaning {
    /// What was sent.
    fn of(recorded: &Value) -> Self {
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
        let auth = CREDENTIALS.iter().filter_map(|name| {
            let value = recorded["headers"][name].as_str()?;
            let value = match value.split_once(' ') {
                Some((scheme, rest)) if *name == "authorization" => {
                    format!("{} {rest}", scheme.to_lowercase())
                }
                _ => value.to_owned(),
            };
            Some(((*name).to_owned(), value))
        });
        Self {
            method: text(&recorded["method"]),
            path: text(&recorded["path"]),
            query: pairs("query"),
            body,
            auth: auth.collect(),
            account: ACCOUNTS
                .iter()
                .filter_map(|name| Some(recorded["headers"][name].as_str()?.to_owned()))
                .collect(),
            keyed: recorded["headers"][KEY].is_string(),
        }
    }
}

/// A vendor whose SDK is compared.
struct Sdk {
    vendor: &'static str,
    /// What an integration gives, as the SDK is given it.
    inputs: Value,
    /// Takes back what is the SDK's own choice and means nothing.
    adjust: fn(&mut Meaning),
}

impl Sdk {
    /// Compares all of these; there has to be one for each action of the vendor. Headers that an SDK adds (its own name and
    /// version, the version of the API that it was made for) are no part of it.
    async fn compare(&self, calls: &[(&str, Value)]) {
        let Self { vendor, inputs, adjust } = self;
        let mut recorder = Recorder::start();
        let (_manager, handle) = self.integration(&recorder.origin).await;
        let manifest = Catalog::built_in().get(vendor).unwrap().manifest();
        let mut left: BTreeSet<_> = manifest.actions.keys().map(String::as_str).collect();
        for (action, input) in calls {
            let asked = json!({"vendor": vendor, "action": action, "inputs": inputs, "input": input});
            let recorded = recorder.ask(&asked);
            assert!(recorded.get("error").is_none(), "{vendor}.{action}: {recorded}");
            let mut theirs = Meaning::of(&recorded);
            adjust(&mut theirs);
            theirs.query.sort();
            let ours = Meaning::of(&recorder.send(&handle, action, input).await);
            assert_eq!(ours, theirs, "{vendor}.{action}: ours, theirs");
            assert!(!ours.auth.is_empty(), "{vendor}.{action}: without a credential");
            left.remove(action);
        }
        assert!(left.is_empty(), "{vendor}: not compared: {left:?}");
    }

    /// An integration of the vendor, whose service is the recorder.
    async fn integration(&self, origin: &str) -> (Manager, Arc<Handle>) {
        let connector = Catalog::built_in().get(self.vendor).unwrap();
        let mut document =
            json!({ "integration_id": "own", "connector": self.vendor, "inputs": self.inputs });
        let complete = connector.complete(document.as_object().unwrap()).unwrap();
        let (_, base) = complete["base_url"].as_str().unwrap().split_once("://").unwrap();
        let path = base.find('/').map_or("", |at| &base[at..]);
        document["base_url"] = format!("{origin}{path}").into();
        // What it asks for tokens is the recorder too.
        if complete["auth_type"] == "oauth2" {
            document["auth_config"] = json!({ "token_url": format!("{origin}/token") });
        }
        // Each request is recorded once.
        document["retry_config"] = json!({ "max_attempts": 1 });
        let manager =
            Manager::builder().egress(Egress::new(Profile::Lab, &[]).unwrap()).build().await.unwrap();
        manager.register(manager.read(document).unwrap()).await.unwrap();
        let handle = manager.get("own").unwrap();
        (manager, handle)
    }
}
