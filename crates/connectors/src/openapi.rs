//! An OpenAPI document, 3.0 or 3.1, made into a manifest that a person then edits.
//!
//! | file | what is in it |
//! |---|---|
//! | `document.rs` | the document, and what its references lead to |
//! | `notes.rs` | what could not be carried over |
//! | `operations.rs`, `verbs.rs` | operations, and what they are called |
//! | `actions.rs` | the action that is made of each |
//! | `params.rs`, `placed.rs`, `paths.rs`, `styles.rs` | parameters, where they go, and how their values are written |
//! | `body.rs`, `forms.rs`, `fields.rs` | bodies, and the fields they consist of |
//! | `answers.rs`, `outline.rs` | what is answered |
//! | `schemas.rs`, `keywords.rs`, `cycles.rs`, `inline.rs` | JSON Schemas that stand by themselves |
//! | `guess.rs`, `next.rs`, `lists.rs` | how lists come in pages, as far as names tell |
//! | `servers.rs`, `variables.rs` | where the service is |
//! | `security.rs`, `schemes.rs`, `flows.rs` | how it is told who calls |
//! | `names.rs`, `words.rs` | names that expressions can ask for, and texts for people |

mod actions;
mod answers;
mod body;
mod cycles;
mod document;
mod fields;
mod flows;
mod forms;
mod guess;
mod inline;
mod keywords;
mod lists;
mod names;
mod next;
mod notes;
mod operations;
mod outline;
mod params;
mod paths;
mod placed;
mod schemas;
mod schemes;
mod security;
mod servers;
mod styles;
mod variables;
mod verbs;
mod words;

use std::collections::BTreeMap;

use serde_json::Value;
use trunkline_core::Result;

pub use self::notes::LeftOut;
use self::{
    document::{Document, text},
    notes::Notes,
    operations::Operations,
};
use crate::{Action, Body, Connector, Manifest};

/// What a document does not say, or what shall be otherwise.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// The name of the manifest. Made of the document's title unless set.
    pub name: Option<String>,
    /// The base URL, in the place of the document's servers.
    pub base_url: Option<String>,
}

/// What a document was made into.
#[derive(Debug, Clone)]
pub struct Imported {
    /// The manifest. [`Connector::new`] takes it.
    pub manifest: Manifest,
    /// What of the document is not in it, is there in another way, or is a guess; in the order of the document.
    pub left_out: Vec<LeftOut>,
}

/// Makes a manifest of an OpenAPI document, YAML or JSON. Nothing is fetched.
///
/// # Errors
///
/// `invalid_config` where it is no such document, has references that lead in circles where nothing can be made of them, or
/// is too large.
pub fn import(document: &str, options: &Options) -> Result<Imported> {
    let document = Document::read(document)?;
    let notes = Notes::default();
    let root = document.root();
    notes.keys(root, &ROOT, "");
    let operations = Operations::read(&document, &notes)?;
    let server = servers::read(&operations, options.base_url.as_deref(), &notes);
    let auth = security::read(&document, &operations, &server, &notes);
    let mut made = actions::make(&operations, &server, &notes);
    let pages = made.lists.finish(&mut made.actions, &notes);
    if root.get("webhooks").and_then(Value::as_object).is_some_and(|hooks| !hooks.is_empty()) {
        notes.tell("webhooks", "what the service sends by itself is not carried over");
    }
    let title = document.info("title").unwrap_or("API").trim();
    let name = options.name.clone().unwrap_or_else(|| names::slug(title));
    let mut integration = serde_json::Map::new();
    integration.insert("base_url".to_owned(), server.base_url.into());
    let manifest = Manifest {
        name,
        title: title.to_owned(),
        description: document.info("description").map(words::sentence).unwrap_or_default(),
        categories: Vec::new(),
        docs: text(root.get("externalDocs"), "url").map(ToOwned::to_owned),
        inputs: server.inputs,
        auth,
        integration,
        body: usual_body(&made.actions),
        pages,
        actions: made.actions,
    };
    let manifest = settled(manifest);
    Connector::new(manifest.clone())?;
    Ok(Imported { manifest, left_out: notes.finish() })
}

/// Actions need not say what holds for all.
fn settled(mut manifest: Manifest) -> Manifest {
    for action in manifest.actions.values_mut() {
        action.body.take_if(|body| *body == manifest.body);
    }
    manifest
}

/// How most bodies are written.
fn usual_body(actions: &BTreeMap<String, Action>) -> Body {
    let count = |body| actions.values().filter(|action| action.body == Some(body)).count();
    let all = [Body::Json, Body::Form, Body::RepeatedForm, Body::Multipart];
    // The last of those that are as many wins.
    all.into_iter().rev().max_by_key(|body| count(*body)).unwrap_or_default()
}

/// The keys of a document.
const ROOT: [&str; 10] = [
    "openapi",
    "info",
    "jsonSchemaDialect",
    "servers",
    "paths",
    "webhooks",
    "components",
    "security",
    "tags",
    "externalDocs",
];

#[cfg(test)]
mod tests;
