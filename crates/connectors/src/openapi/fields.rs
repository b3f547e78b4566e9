//! `Fields`: an object's fields, gathered from a schema that says no more of it than which there are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{document::Document, keywords::strings};

/// No object is put together from more schemas.
const MOST: usize = 200;

/// The fields of an object.
#[derive(Debug, Default)]
pub(super) struct Fields<'a> {
    pub(super) fields: BTreeMap<&'a str, &'a Value>,
    pub(super) required: Vec<&'a str>,
    /// What else may be there.
    pub(super) more: Option<&'a Value>,
    /// `anyOf` and `oneOf` whose members say only what has to be there.
    pub(super) choices: Vec<(&'static str, &'a Value)>,
    /// Whether it says which fields there are, be it none.
    said: bool,
    /// Whether all of it was understood.
    all: bool,
    left: usize,
}

impl<'a> Fields<'a> {
    /// The fields of a schema, as far as they are known.
    pub(super) fn some(document: &'a Document, schema: &'a Value) -> Self {
        let mut fields = Self { all: true, left: MOST, ..Self::default() };
        fields.gather(document, schema);
        fields
    }

    /// The fields of a schema that says of an object which fields it has, and nothing else.
    pub(super) fn all(document: &'a Document, schema: &'a Value) -> Option<Self> {
        let fields = Self::some(document, schema);
        let open = fields.fields.is_empty() && fields.more.is_some_and(|more| *more != Value::Bool(false));
        (fields.all && fields.said && !open).then_some(fields)
    }

    fn gather(&mut self, document: &'a Document, schema: &'a Value) {
        if self.left == 0 {
            self.all = false;
            return;
        }
        self.left -= 1;
        let Ok(Value::Object(keywords)) = document.resolve(schema) else {
            self.all = false;
            return;
        };
        for (key, value) in keywords {
            match key.as_str() {
                "type" => self.all &= is_object(value),
                "properties" => self.properties(value),
                "required" => self.required.extend(strings(value).unwrap_or_default()),
                "additionalProperties" => {
                    self.more = Some(value).filter(|value| **value != Value::Bool(true));
                }
                "allOf" => {
                    value.as_array().into_iter().flatten().for_each(|member| self.gather(document, member));
                }
                "anyOf" | "oneOf" if only_required(value) => {
                    self.choices.push((if key == "anyOf" { "anyOf" } else { "oneOf" }, value));
                }
                "title" | "description" | "example" | "examples" | "default" | "discriminator" | "xml"
                | "externalDocs" | "deprecated" | "readOnly" | "writeOnly" | "nullable" | "$comment"
                | "$schema" | "$defs" => {}
                extension if extension.starts_with("x-") => {}
                _ => self.all = false,
            }
        }
    }

    fn properties(&mut self, value: &'a Value) {
        let Some(members) = value.as_object() else { return };
        self.said = true;
        for (name, member) in members {
            let before = self.fields.insert(name, member);
            self.all &= before.is_none_or(|before| before == member);
        }
    }
}

fn is_object(kind: &Value) -> bool {
    match kind {
        Value::Array(kinds) => {
            kinds.iter().any(|kind| kind == "object")
                && kinds.iter().all(|kind| kind == "object" || kind == "null")
        }
        kind => kind == "object",
    }
}

/// Whether the members of a choice say only what has to be there.
fn only_required(members: &Value) -> bool {
    let only = |member: &Value| {
        let keywords = member.as_object();
        keywords.is_some_and(|keywords| {
            keywords.iter().all(|(key, value)| key == "required" && strings(value).is_some())
        })
    };
    members.as_array().is_some_and(|members| !members.is_empty() && members.iter().all(only))
}
