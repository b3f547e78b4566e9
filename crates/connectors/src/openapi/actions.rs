//! Actions, one of each operation.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{
    answers,
    body::{self, Kind, Sent},
    document::{Document, members, text},
    fields::Fields,
    forms, guess,
    keywords::is_of_answers,
    lists::Lists,
    names,
    notes::Notes,
    operations::{Operation, Operations},
    outline,
    params::{self, Param},
    paths, placed,
    schemas::{Schemas, Workshop},
    servers::Server,
};
use crate::{Action, Body, schema::Checker};

/// The largest input of an action, in schemas: the first of these with which all inputs together are of a size that a person
/// can go through.
const INPUT: [usize; 4] = [5_000, 1_000, 300, 100];
/// All inputs together.
const INPUTS: usize = 50_000;

/// What was made of the operations.
#[derive(Debug, Default)]
pub(super) struct Made {
    pub(super) actions: BTreeMap<String, Action>,
    pub(super) lists: Lists,
    /// How large the inputs are together, in schemas.
    inputs: usize,
    /// Where the document has them.
    places: BTreeMap<String, String>,
}

/// Makes them.
pub(super) fn make(operations: &Operations<'_>, server: &Server, notes: &Notes) -> Made {
    let [first, smaller @ ..] = INPUT;
    let mut told = Notes::default();
    let mut made = all(operations, server, first, &told);
    for most in smaller {
        if made.inputs <= INPUTS {
            break;
        }
        told = Notes::default();
        made = all(operations, server, most, &told);
    }
    notes.append(told);
    checked(&mut made, notes);
    if made.actions.values().any(|action| action.output.is_some()) {
        let what = "answers are described in outline, by fields and types as deep as that stays small; what else is said of \
                    them is left out";
        notes.tell("", what);
    }
    made
}

/// Makes all, with inputs of at most so many schemas.
fn all<'a>(operations: &Operations<'a>, server: &Server, most: usize, notes: &'a Notes) -> Made {
    let shop = Workshop::new(operations.document, notes);
    let mut made = Made::default();
    let mut taken = BTreeSet::new();
    for operation in &operations.list {
        let Some(before) = server.before(shop.document, operation, notes) else { continue };
        let sent = body::read(shop.document, operation, notes);
        if matches!(sent, Sent::Impossible) {
            continue;
        }
        let name = named(operation, &mut taken, notes);
        let mut params =
            params::read(shop.document, operation.item, operation.value, &operation.place, notes);
        params::name(&mut params, sent.names(), notes);
        let mut making = Making::new(operation, &shop, most, &name);
        making.placed(&params, &before);
        making.send(sent);
        making.answer(&params, &name, &mut made);
        making.finish(name, &mut made);
    }
    made
}

/// The name of the action of an operation.
fn named(operation: &Operation<'_>, taken: &mut BTreeSet<String>, notes: &Notes) -> String {
    let [wanted, longer] = operation.names();
    if taken.insert(wanted.clone()) {
        return wanted;
    }
    let name = names::unique(longer, taken);
    notes.tell(&*operation.place, format!("`{wanted}` is the name of another action; this one is `{name}`"));
    name
}

/// An action in the making.
struct Making<'a, 'w> {
    operation: &'w Operation<'a>,
    action: Action,
    schemas: Schemas<'a, 'w>,
    /// The schema of its input, but for the two below.
    input: Map<String, Value>,
    properties: Map<String, Value>,
    required: Vec<Value>,
}

impl<'a, 'w> Making<'a, 'w> {
    fn new(operation: &'w Operation<'a>, shop: &'w Workshop<'a>, most: usize, name: &str) -> Self {
        let summary = text(Some(operation.value), "summary").map(str::trim).filter(|text| !text.is_empty());
        let action = Action {
            title: summary.map_or_else(|| names::title(name), ToOwned::to_owned),
            description: operation.description(shop.notes),
            docs: text(operation.value.get("externalDocs"), "url").map(ToOwned::to_owned),
            method: Some(operation.method.to_ascii_uppercase()),
            ..Action::default()
        };
        Self {
            operation,
            action,
            schemas: Schemas::new(shop, most, &operation.place),
            input: Map::from_iter([("type".to_owned(), "object".into())]),
            properties: Map::new(),
            required: Vec::new(),
        }
    }

    fn document(&self) -> &'a Document {
        self.schemas.shop.document
    }

    fn notes(&self) -> &'a Notes {
        self.schemas.shop.notes
    }

    /// Puts the parameters into the path, the query and the headers.
    fn placed(&mut self, params: &[Param<'a>], before: &str) {
        let (document, notes) = (self.document(), self.notes());
        let path = paths::read(self.operation, before, params, document, notes);
        for param in params {
            if param.is_of_path() && !path.used.contains(param.name) {
                notes.tell(&*param.place, "is not in the path, and left out");
            } else if placed::put(param, &mut self.action, document, notes) {
                self.properties.insert(param.input.clone(), placed::schema(param, &mut self.schemas));
                if param.is_required() {
                    self.required.push(param.input.clone().into());
                }
            }
        }
        for input in path.more {
            self.properties.insert(input.clone(), json!({ "type": "string" }));
            self.required.push(input.into());
        }
        self.action.path = Some(path.text);
    }

    /// Puts the body into the action and its input.
    fn send(&mut self, sent: Sent<'a>) {
        self.schemas.place = format!("{}.requestBody", self.operation.place);
        let (fields, kind) = match sent {
            Sent::Nothing | Sent::Impossible => {
                // All of the input would be sent that goes nowhere else; none does.
                self.input.insert("additionalProperties".to_owned(), false.into());
                return;
            }
            Sent::Fields(fields, kind) => (Some(fields), kind),
            Sent::Whole(schema, kind) => {
                self.whole(schema, kind.required);
                (None, kind)
            }
        };
        let Kind { body, media, parts, .. } = kind;
        self.action.body = Some(body);
        self.action.parts = parts;
        if let Some(media) = media {
            self.action.headers.insert("Content-Type".to_owned(), media.replace("{{", "{"));
        }
        let usual = self.operation.takes_body();
        if !usual {
            let method = self.operation.method.to_ascii_uppercase();
            self.schemas.tell(format!("{method} has a body here, which many servers pass over"));
        }
        let Some(fields) = fields else { return };
        let names = self.fields(fields, body);
        if !usual {
            let each = names.iter().map(|name| {
                let text = format!("{{{{ {} }}}}", names::below("input", name));
                ((*name).to_owned(), Value::from(text))
            });
            self.action.send = Some(each.collect::<Map<_, _>>().into());
        }
    }

    /// A body that is no object: the input has it as `body`.
    fn whole(&mut self, schema: &'a Value, required: bool) {
        self.input.insert("additionalProperties".to_owned(), false.into());
        self.properties.insert("body".to_owned(), self.schemas.schema(schema));
        if required {
            self.required.push("body".into());
        }
        self.action.send = Some("{{ input.body }}".into());
    }

    /// Puts the fields of a body into the input. Which those are.
    fn fields(&mut self, fields: Fields<'a>, body: Body) -> Vec<&'a str> {
        let mut names = Vec::new();
        for (name, field) in fields.fields {
            if is_of_answers(field) {
                continue;
            }
            self.schemas.path.push(name);
            let file = (body == Body::Multipart).then(|| forms::file(self.document(), field)).flatten();
            let schema = file.unwrap_or_else(|| self.schemas.schema(field));
            self.properties.insert(name.to_owned(), schema);
            self.schemas.path.pop();
            names.push(name);
        }
        let mut wanted: Vec<_> = fields.required.into_iter().filter(|name| names.contains(name)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        self.required.extend(wanted.into_iter().map(Value::from));
        if let Some(more) = fields.more {
            self.input.insert("additionalProperties".to_owned(), self.schemas.schema(more));
        }
        let choices: Vec<_> = fields.choices.iter().map(|(key, members)| json!({ *key: members })).collect();
        if !choices.is_empty() {
            self.input.insert("allOf".to_owned(), choices.into());
        }
        names
    }

    /// Puts what is answered into the action.
    fn answer(&mut self, params: &[Param<'a>], name: &str, made: &mut Made) {
        let answered =
            answers::read(self.document(), self.operation.value, &self.operation.place, self.notes());
        if self.operation.method == "get"
            && let Some((way, pages)) = guess::pages(self.document(), self.operation.path, params, answered)
        {
            made.lists.add(name, way, pages);
        }
        let Some(schema) = answered.schema else { return };
        let outline = outline::of(self.document(), schema);
        self.action.output = Some(outline).filter(|output| *output != json!({}));
    }

    /// Completes the input, and puts the action to the others.
    fn finish(mut self, name: String, made: &mut Made) {
        self.input.insert("properties".to_owned(), self.properties.into());
        if !self.required.is_empty() {
            self.input.insert("required".to_owned(), self.required.into());
        }
        self.schemas.place = format!("{}.requestBody", self.operation.place);
        self.schemas.path.clear();
        self.schemas.finish(&mut self.input);
        made.inputs += self.schemas.size();
        self.action.input = Some(self.input.into());
        made.places.insert(name.clone(), self.operation.place.clone());
        made.actions.insert(name, self.action);
    }
}

/// Lets anything through where the schema of an input is none: what nobody could give would make the action useless.
fn checked(made: &mut Made, notes: &Notes) {
    for (name, action) in &mut made.actions {
        let Some(input) = &mut action.input else { continue };
        if let Err(error) = Checker::new(input.clone()).compile() {
            notes.tell(&*made.places[name], format!("the input {}; anything is taken", error.message()));
            *input = json!({ "type": "object", "properties": unchecked(input) });
        }
    }
}

/// The same properties, of which nothing is asked.
fn unchecked(input: &Value) -> Map<String, Value> {
    members(input, "properties").map(|(name, _)| (name.clone(), json!({}))).collect()
}
