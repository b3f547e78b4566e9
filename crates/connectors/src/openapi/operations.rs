//! `Operations`: what the document says can be done.

use serde_json::{Map, Value};
use trunkline_core::{Error, Result};

use super::{
    document::{Document, members, text},
    names,
    notes::{Notes, shown},
    verbs, words,
};

/// No manifest has more actions.
const MOST: usize = 10_000;

/// Methods of requests that an action can make.
const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];
/// The other keys of a path.
const OF_PATH: [&str; 6] = ["$ref", "summary", "description", "servers", "parameters", "trace"];
/// The keys of an operation.
const OF_OPERATION: [&str; 12] = [
    "tags",
    "summary",
    "description",
    "externalDocs",
    "operationId",
    "parameters",
    "requestBody",
    "responses",
    "callbacks",
    "deprecated",
    "security",
    "servers",
];

/// The operations of a document.
#[derive(Debug)]
pub(super) struct Operations<'a> {
    pub(super) document: &'a Document,
    pub(super) list: Vec<Operation<'a>>,
}

/// An operation.
#[derive(Debug, Clone)]
pub(super) struct Operation<'a> {
    pub(super) path: &'a str,
    pub(super) method: &'a str,
    /// What holds for all operations of the path.
    pub(super) item: &'a Value,
    pub(super) value: &'a Value,
    pub(super) place: String,
}

impl<'a> Operations<'a> {
    /// Reads them.
    ///
    /// # Errors
    ///
    /// `invalid_config` where there are too many.
    pub(super) fn read(document: &'a Document, notes: &Notes) -> Result<Self> {
        let mut list = Vec::new();
        for (path, item) in members(document.root(), "paths") {
            if notes.extension(path) {
                continue;
            }
            let place = format!("paths.{}", shown(path));
            beside(item, &place, notes);
            let item = match document.resolve(item) {
                Ok(item) => item,
                Err(what) => {
                    notes.tell(place, format!("{what}; its operations are left out"));
                    continue;
                }
            };
            notes.keys(item, &[&METHODS[..], &OF_PATH].concat(), &place);
            if item.get("trace").is_some() {
                notes.tell(format!("{place}.trace"), "TRACE cannot be called; the operation is left out");
            }
            for method in METHODS {
                let Some(value) = item.get(method).filter(|value| value.is_object()) else { continue };
                if list.len() == MOST {
                    return Err(Error::invalid(format!(
                        "paths: has more than {MOST} operations; import a part of it"
                    )));
                }
                let place = format!("{place}.{method}");
                notes.keys(value, &OF_OPERATION, &place);
                if members(value, "callbacks").next().is_some() {
                    notes.tell(&*place, "callbacks are not carried over");
                }
                list.push(Operation { path, method, item, value, place });
            }
        }
        Ok(Self { document, list })
    }
}

/// Notes what stands beside the reference of a path: it is what that leads to, and no more.
fn beside(item: &Value, place: &str, notes: &Notes) {
    let keys = item.as_object().filter(|item| item.contains_key("$ref")).into_iter().flat_map(Map::keys);
    for key in keys.filter(|key| !matches!(key.as_str(), "$ref" | "summary" | "description")) {
        if METHODS.contains(&key.as_str()) {
            notes.tell(format!("{place}.{key}"), "stands beside a $ref; the operation is left out");
        } else if !notes.extension(key) {
            notes.tell(place, format!("`{}` stands beside a $ref, and is passed over", shown(key)));
        }
    }
}

impl Operation<'_> {
    /// Whether its method has a body as a rule. With others none is sent unless an action says what is in it.
    pub(super) fn takes_body(&self) -> bool {
        matches!(self.method, "post" | "put" | "patch")
    }

    /// The name of its action, which another one may have too; and one that is longer and seldom another's.
    pub(super) fn names(&self) -> [String; 2] {
        let id = text(Some(self.value), "operationId").map(names::snake).filter(|id| !id.is_empty());
        let said = id.filter(|id| !verbs::is_literal(id, self.method, self.path)).map(names::begun);
        [said.unwrap_or_else(|| verbs::name(self.method, self.path)), verbs::literal(self.method, self.path)]
    }

    /// What it does.
    pub(super) fn description(&self, notes: &Notes) -> String {
        let said = text(Some(self.value), "description").or_else(|| text(Some(self.item), "description"));
        let (said, is_cut) = words::description(said.unwrap_or_default());
        if is_cut {
            notes.often(&*self.place, words::CUT);
        }
        match self.value.get("deprecated") == Some(&Value::Bool(true)) {
            true => format!("Deprecated. {said}").trim_end().to_owned(),
            false => said,
        }
    }
}
