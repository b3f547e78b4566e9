//! What of a document is neither in the manifest nor listed: parameters, bodies and their fields, credentials.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use trunkline_connectors::Action;

use super::{Read, followed, object, shape};

const METHODS: [&str; 7] = ["get", "put", "post", "delete", "options", "head", "patch"];

impl Read {
    /// The places of all that vanished.
    pub(super) fn vanished(&self) -> Vec<String> {
        let mut actions: BTreeMap<(String, String), &Action> = BTreeMap::new();
        for action in self.imported.manifest.actions.values() {
            let path = shape(action.path.as_ref().unwrap());
            actions.insert((action.method.clone().unwrap(), path), action);
        }
        let mut vanished = Vec::new();
        for (path, item) in object(&self.document["paths"]) {
            let item = followed(&self.document, &item).clone();
            for method in METHODS.into_iter().filter(|method| item[*method].is_object()) {
                let place = format!("paths.{path}.{method}");
                if self.notes(&place, "the operation is left out") {
                    continue;
                }
                let action = actions[&(method.to_uppercase(), shape(&path))];
                vanished.extend(self.parameters(action, &item, &item[method], &place));
                vanished.extend(self.body(action, &item[method], &place));
                vanished.extend(self.security(&item[method], &place));
            }
        }
        vanished
    }

    /// Parameters that are neither sent nor listed.
    fn parameters(&self, action: &Action, item: &Value, operation: &Value, place: &str) -> Vec<String> {
        let mut all: BTreeMap<(&str, &str), &Value> = BTreeMap::new();
        for list in [item, operation] {
            for parameter in list["parameters"].as_array().into_iter().flatten() {
                let parameter = followed(&self.document, parameter);
                all.insert((text(&parameter["in"]), text(&parameter["name"])), parameter);
            }
        }
        let path = action.path.as_ref().unwrap();
        let holes = path.matches("{{").count();
        let in_path = all.keys().filter(|(at, _)| *at == "path").count();
        let missed = |((at, name), parameter): (&(&str, &str), &&Value)| {
            let own = format!("{place}.parameters.{name}");
            let is_sent = match *at {
                "path" => holes >= in_path,
                "query" => {
                    let fields = self.fields(&parameter["schema"]);
                    action.query.keys().any(|sent| {
                        sent == name || sent.starts_with(&format!("{name}[")) || fields.contains(sent)
                    })
                }
                "header" => action.headers.keys().any(|sent| sent.eq_ignore_ascii_case(name)),
                _ => false,
            };
            (!is_sent && !self.notes(&own, "")).then_some(own)
        };
        all.iter().filter_map(missed).collect()
    }

    /// Bodies, and fields of them, that are neither in the input nor listed.
    fn body(&self, action: &Action, operation: &Value, place: &str) -> Vec<String> {
        let body = followed(&self.document, &operation["requestBody"]);
        let kinds: Vec<_> = object(&body["content"]).into_iter().collect();
        let place = format!("{place}.requestBody");
        if kinds.is_empty() {
            let is_told = operation["requestBody"].is_null() || self.notes(&place, "");
            return if is_told { Vec::new() } else { vec![place] };
        }
        let input = object(&action.input.as_ref().unwrap()["properties"]);
        let mut vanished = Vec::new();
        if kinds.len() > 1 && !self.told("and never as") && !self.notes(&place, "cannot be made") {
            vanished.push(format!("{place}: of several kinds"));
        }
        // It is the input's `body` as a whole, or one of its kinds has all of its fields there.
        let of_kind = |content: &Value| {
            let fields = self.fields(&content["schema"]);
            let missed = fields.iter().filter(|field| !input.contains_key(*field));
            let own = missed.map(|field| format!("{place}.{field}"));
            own.filter(|own| !self.notes(own, "")).collect::<Vec<_>>()
        };
        let is_whole = input.contains_key("body") && action.send.is_some();
        let missed = kinds.iter().map(|(_, content)| of_kind(content)).min_by_key(Vec::len);
        let is_told =
            self.notes(&place, "it is sent without") || self.told("a body of any fields, which is not sent");
        let has_fields = kinds.iter().any(|(_, content)| !self.fields(&content["schema"]).is_empty());
        if !is_whole && has_fields && !self.notes(&place, "it is sent without") {
            vanished.extend(missed.unwrap_or_default());
        } else if !is_whole && !has_fields && !is_told && !says_nothing(&kinds) {
            vanished.push(place);
        }
        vanished
    }

    /// What an operation wants to be shown that is no way to authenticate, and not listed; or where it wants something else
    /// than all others, and that is not listed.
    fn security(&self, operation: &Value, place: &str) -> Vec<String> {
        let root = &self.document["security"];
        let own = &operation["security"];
        let wanted = if own.is_null() { root } else { own };
        let known: BTreeSet<_> = self.imported.manifest.auth.iter().map(|auth| plain(&auth.id)).collect();
        let each = wanted.as_array().into_iter().flatten();
        let names: BTreeSet<_> = each.flat_map(|way| object(way).into_iter().map(|(name, _)| name)).collect();
        let is_there = |name: &String| {
            known.iter().any(|id| id.starts_with(&plain(name)))
                || self.notes(&format!("components.securitySchemes.{name}"), "")
                || self.notes("security", name)
        };
        let differs = !own.is_null() && !root.is_null() && own != root;
        let is_told = self.notes(place, "wants ")
            || self.told("needs no credential")
            || self.told("which scopes it wants is not carried over");
        let fine = names.iter().all(is_there) && (!differs || is_told);
        if fine { Vec::new() } else { vec![format!("{place}.security")] }
    }

    /// Whether something is listed once for all places where it is so.
    fn told(&self, words: &str) -> bool {
        self.imported.left_out.iter().any(|left| left.what.contains(words))
    }

    /// The fields of a schema, but for those that only answers have.
    fn fields(&self, schema: &Value) -> BTreeSet<String> {
        let schema = followed(&self.document, schema);
        let of_answers = |field: &Value| followed(&self.document, field)["readOnly"] == true;
        let own = object(&schema["properties"]).into_iter();
        let mut fields: BTreeSet<_> =
            own.filter(|(_, field)| !of_answers(field)).map(|(name, _)| name).collect();
        for member in schema["allOf"].as_array().into_iter().flatten() {
            fields.extend(self.fields(member));
        }
        fields
    }
}

/// Whether a body of one of these kinds is an object without a field.
fn says_nothing(kinds: &[(String, Value)]) -> bool {
    let empty = |schema: &Value| {
        let keys: Map<String, Value> = object(schema);
        object(&schema["properties"]).is_empty()
            && keys.get("additionalProperties") == Some(&Value::Bool(false))
    };
    kinds.iter().any(|(_, content)| empty(&content["schema"]))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

/// A name as it is whatever signs stand between its letters.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect()
}
