//! `Operations`: what the document says can be done, and the actions that are made of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use trunkline_core::{Error, Result};

use super::{
    answers,
    body::{self, Kind, Sent},
    document::{Document, members, text},
    fields::Fields,
    guess, names,
    notes::{Notes, shown},
    params::{self, Into, Param},
    schemas::{Schemas, Way, Workshop},
    servers::Server,
    styles,
};
use crate::{Action, Body, Pages, schema::Checker};

/// No manifest has more actions.
const MOST: usize = 10_000;
/// The largest input of an action, in schemas.
const INPUT: usize = 20_000;
/// All inputs together.
const INPUTS: usize = 1_000_000;
/// The largest description of an answer, in schemas. Nothing is checked by it.
const OUTPUT: usize = 150;
/// All descriptions of answers together.
const OUTPUTS: usize = 150_000;

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
    method: &'a str,
    /// What holds for all operations of the path.
    pub(super) item: &'a Value,
    pub(super) value: &'a Value,
    pub(super) place: String,
}

/// What was made of the operations.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) actions: BTreeMap<String, Action>,
    pub(super) pages: BTreeMap<String, Pages>,
    /// How many bodies are forms, and how many are not.
    pub(super) forms: usize,
    pub(super) others: usize,
    inputs: usize,
    outputs: usize,
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
            let item = match document.resolve(item) {
                Ok(item) => item,
                Err(what) => {
                    notes.tell(place, format!("{what}; its operations are left out"));
                    continue;
                }
            };
            notes.keys(item, &[&METHODS[..], &OF_PATH].concat(), &place);
            if item.get("trace").is_some() {
                notes.tell(format!("{place}.trace"), "TRACE cannot be called");
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
                if value
                    .get("callbacks")
                    .and_then(Value::as_object)
                    .is_some_and(|callbacks| !callbacks.is_empty())
                {
                    notes.tell(&*place, "callbacks are not carried over");
                }
                list.push(Operation { path, method, item, value, place });
            }
        }
        Ok(Self { document, list })
    }

    /// Makes an action of each.
    ///
    /// # Errors
    ///
    /// `invalid_config` where they are too large together.
    pub(super) fn actions(&self, server: &Server, notes: &'a Notes) -> Result<Made> {
        let shop = Workshop::new(self.document, notes);
        let mut made = Made::default();
        let mut taken = BTreeSet::new();
        for operation in &self.list {
            let Some(before) = server.before(self.document, operation, notes) else { continue };
            let sent = body::read(self.document, operation.value, &operation.place, notes);
            if matches!(sent, Sent::Impossible) {
                continue;
            }
            let wanted = operation.name();
            let name = names::unique(wanted.clone(), &mut taken);
            if name != wanted {
                notes.tell(
                    &*operation.place,
                    format!("`{wanted}` is the name of another action; this one is `{name}`"),
                );
            }
            let action = operation.action(&shop, &before, &name, sent, &mut made);
            if made.inputs > INPUTS {
                return Err(Error::invalid(format!(
                    "is too large for one manifest: the inputs of its actions have more than {INPUTS} schemas; import a part of it"
                )));
            }
            made.actions.insert(name, action);
        }
        Ok(made)
    }
}

impl<'a> Operation<'a> {
    /// The name of its action, which another one may have too.
    fn name(&self) -> String {
        let id = text(Some(self.value), "operationId").map(names::snake).filter(|id| !id.is_empty());
        names::begun(id.unwrap_or_else(|| names::snake(&format!("{} {}", self.method, self.path))))
    }

    fn action(
        &self,
        shop: &Workshop<'a>,
        before: &str,
        name: &str,
        sent: Sent<'a>,
        made: &mut Made,
    ) -> Action {
        let (document, notes) = (shop.document, shop.notes);
        let mut params = params::read(document, self.item, self.value, &self.place, notes);
        let fields = match &sent {
            Sent::Fields(fields, _) => fields
                .fields
                .iter()
                .filter(|(_, field)| !is_of_answers(field))
                .map(|(name, _)| (*name).to_owned())
                .collect(),
            Sent::Whole(..) => BTreeSet::from(["body".to_owned()]),
            Sent::Nothing | Sent::Impossible => BTreeSet::new(),
        };
        params::name(&mut params, fields, notes);
        let summary = text(Some(self.value), "summary").map(str::trim).filter(|summary| !summary.is_empty());
        let mut action = Action {
            title: summary.map_or_else(|| names::title(name), ToOwned::to_owned),
            description: self.description(),
            docs: text(self.value.get("externalDocs"), "url").map(ToOwned::to_owned),
            method: Some(self.method.to_ascii_uppercase()),
            ..Action::default()
        };
        let mut schemas = Schemas::new(shop, Way::In, INPUT, &self.place);
        let (mut input, mut properties, mut required) = (Map::new(), Map::new(), Vec::new());
        params::put(&params, &mut action, &mut schemas, &mut properties, &mut required);
        action.path = Some(self.path(before, &params, document, notes, &mut properties, &mut required));
        self.send(sent, &mut action, &mut schemas, made, (&mut input, &mut properties, &mut required));
        input.insert("type".to_owned(), "object".into());
        input.insert("properties".to_owned(), properties.into());
        if !required.is_empty() {
            input.insert("required".to_owned(), required.into());
        }
        schemas.place = format!("{}.requestBody", self.place);
        schemas.path.clear();
        schemas.finish(&mut input);
        made.inputs += schemas.size();
        // What nobody could give would make the action useless.
        let input = Value::Object(input);
        let input = match Checker::new(input.clone()).compile() {
            Ok(_) => input,
            Err(error) => {
                notes.tell(&*self.place, format!("the input {}; anything is taken", error.message()));
                json!({ "type": "object", "properties": unchecked(&input) })
            }
        };
        action.input = Some(input);
        self.answer(&params, &mut action, shop, made);
        action
    }

    fn description(&self) -> String {
        let said = text(Some(self.value), "description").or_else(|| text(Some(self.item), "description"));
        let said = said.unwrap_or_default().trim();
        match self.value.get("deprecated") == Some(&Value::Bool(true)) {
            true => format!("Deprecated. {said}").trim_end().to_owned(),
            false => said.to_owned(),
        }
    }

    /// The path with expressions in the place of parameters.
    fn path(
        &self,
        before: &str,
        params: &[Param<'a>],
        document: &Document,
        notes: &Notes,
        properties: &mut Map<String, Value>,
        required: &mut Vec<Value>,
    ) -> String {
        let mut path = before.to_owned();
        let whole = match self.path.split_once('#') {
            None => self.path,
            Some((path, _)) => {
                notes.tell(&*self.place, "what follows the # of its path is not sent");
                path
            }
        };
        if !whole.starts_with('/') {
            path.push('/');
        }
        let mut used = BTreeSet::new();
        let mut rest = whole;
        while let Some((plain, after)) = rest.split_once('{') {
            let Some((name, after)) = after.split_once('}') else { break };
            path.push_str(&literal(plain));
            rest = after;
            let found = params.iter().find(|param| param.into == Into::Path && param.name == name);
            used.insert(name);
            match found {
                Some(param) => path.push_str(&styles::path(document, param, notes)),
                None => {
                    let input =
                        names::unique(names::identifier(name), &mut properties.keys().cloned().collect());
                    notes.tell(
                        &*self.place,
                        format!(
                            "its path has `{{{}}}`, which is no parameter; the input has it as text",
                            shown(name)
                        ),
                    );
                    properties.insert(input.clone(), json!({ "type": "string" }));
                    required.push(input.clone().into());
                    path.push_str(&format!("{{{{ input.{input} }}}}"));
                }
            }
        }
        path.push_str(&literal(rest));
        for param in params.iter().filter(|param| param.into == Into::Path && !used.contains(param.name)) {
            notes.tell(&*param.place, "is not in the path, and left out");
            properties.remove(&param.input);
            required.retain(|name| *name != *param.input);
        }
        path
    }

    /// Puts the body into an action and its input.
    fn send(
        &self,
        sent: Sent<'a>,
        action: &mut Action,
        schemas: &mut Schemas<'a, '_>,
        made: &mut Made,
        (input, properties, required): (&mut Map<String, Value>, &mut Map<String, Value>, &mut Vec<Value>),
    ) {
        let usual = matches!(self.method, "post" | "put" | "patch");
        schemas.place = format!("{}.requestBody", self.place);
        let Kind { form, media, required: needed } = match &sent {
            Sent::Nothing | Sent::Impossible => {
                input.insert("additionalProperties".to_owned(), false.into());
                // All of the input would be sent that goes nowhere else; none does.
                return;
            }
            Sent::Fields(_, kind) | Sent::Whole(_, kind) => *kind,
        };
        action.body = Some(if form { Body::Form } else { Body::Json });
        *(if form { &mut made.forms } else { &mut made.others }) += 1;
        if let Some(media) = media {
            action.headers.insert("Content-Type".to_owned(), media.replace("{{", "{"));
        }
        if !usual {
            let method = self.method.to_ascii_uppercase();
            schemas.tell(format!("{method} has a body here, which many servers pass over"));
        }
        match sent {
            Sent::Fields(fields, _) => {
                let names = put(fields, schemas, input, properties, required);
                if !usual {
                    let each = names.iter().map(|name| {
                        let text = format!("{{{{ {} }}}}", names::below("input", name));
                        ((*name).to_owned(), Value::from(text))
                    });
                    action.send = Some(each.collect::<Map<_, _>>().into());
                }
            }
            Sent::Whole(schema, _) => {
                input.insert("additionalProperties".to_owned(), false.into());
                properties.insert("body".to_owned(), schemas.schema(schema));
                if needed {
                    required.push("body".into());
                }
                action.send = Some("{{ input.body }}".into());
            }
            Sent::Nothing | Sent::Impossible => {}
        }
    }

    /// Puts what is answered into an action.
    fn answer(&self, params: &[Param<'a>], action: &mut Action, shop: &Workshop<'a>, made: &mut Made) {
        let answered = answers::read(shop.document, self.value, &self.place, shop.notes);
        if self.method == "get"
            && let Some((name, pages)) = guess::pages(shop.document, self.path, params, answered)
        {
            let name = named(name, pages, &mut made.pages);
            shop.notes.tell(
                &*self.place,
                format!("that its list comes in pages as `{name}` says is a guess by names"),
            );
            action.pages = Some(name);
        }
        let Some(schema) = answered.schema else { return };
        let place = format!("{}.responses", self.place);
        if made.outputs > OUTPUTS {
            shop.notes.tell(place, format!("is not described: all answers have more than {OUTPUTS} schemas"));
            return;
        }
        let mut schemas = Schemas::new(shop, Way::Out, OUTPUT, &place);
        let mut output = match schemas.schema(schema) {
            Value::Object(output) => output,
            _ => Map::new(),
        };
        schemas.finish(&mut output);
        made.outputs += schemas.size();
        action.output = Some(output.into()).filter(|output| *output != json!({}));
    }
}

/// Puts the fields of a body into an input. Which those are.
fn put<'a>(
    fields: Fields<'a>,
    schemas: &mut Schemas<'a, '_>,
    input: &mut Map<String, Value>,
    properties: &mut Map<String, Value>,
    required: &mut Vec<Value>,
) -> Vec<&'a str> {
    let mut names = Vec::new();
    for (name, field) in fields.fields {
        if is_of_answers(field) {
            continue;
        }
        schemas.path.push(name);
        properties.insert(name.to_owned(), schemas.schema(field));
        schemas.path.pop();
        names.push(name);
    }
    let mut wanted: Vec<_> = fields.required.into_iter().filter(|name| names.contains(name)).collect();
    wanted.sort_unstable();
    wanted.dedup();
    required.extend(wanted.into_iter().map(Value::from));
    if let Some(more) = fields.more {
        input.insert("additionalProperties".to_owned(), schemas.schema(more));
    }
    let choices: Vec<_> = fields.choices.iter().map(|(key, members)| json!({ *key: members })).collect();
    if !choices.is_empty() {
        input.insert("allOf".to_owned(), choices.into());
    }
    names
}

/// Whether only the service says it.
fn is_of_answers(field: &Value) -> bool {
    field.get("readOnly") == Some(&Value::Bool(true))
}

/// The same properties, of which nothing is asked.
fn unchecked(input: &Value) -> Map<String, Value> {
    members(input, "properties").map(|(name, _)| (name.clone(), json!({}))).collect()
}

/// The name of these pages: that of others which are the same, or one of its own.
fn named(name: String, pages: Pages, all: &mut BTreeMap<String, Pages>) -> String {
    let same = all.iter().find(|(_, known)| json!(known) == json!(pages)).map(|(name, _)| name.clone());
    same.unwrap_or_else(|| {
        let name = names::unique(name, &mut all.keys().cloned().collect());
        all.insert(name.clone(), pages);
        name
    })
}

/// A part of a path that is no parameter.
fn literal(text: &str) -> String {
    text.replace('{', "%7B").replace('}', "%7D").replace(' ', "%20")
}
