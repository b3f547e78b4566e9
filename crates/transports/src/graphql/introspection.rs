//! The schema as a service describes it (GraphQL specification section 4), written in the schema language.

use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Error, Result};

/// What is asked. Only what servers of ten years know: newer fields would make the older ones refuse all of it.
pub(super) const QUERY: &str = "query Introspection { __schema { queryType { name } mutationType { name } subscriptionType { name } types { kind name description fields(includeDeprecated: true) { name description args { ...Input } type { ...Ref } isDeprecated deprecationReason } inputFields { ...Input } interfaces { ...Ref } enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason } possibleTypes { ...Ref } } directives { name description locations args { ...Input } } } } fragment Input on __InputValue { name description type { ...Ref } defaultValue } fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } }";

/// The same, with arguments and fields of inputs that are deprecated, which a service takes all the same: the argument for it
/// is younger (specification of September 2025, section 4.1).
pub(super) fn with_deprecated_inputs() -> String {
    let all = QUERY.replace(" args {", " args(includeDeprecated: true) {");
    all.replace(" inputFields {", " inputFields(includeDeprecated: true) {")
}

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    #[serde(rename = "__schema")]
    schema: Schema,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Schema {
    query_type: Named,
    mutation_type: Option<Named>,
    subscription_type: Option<Named>,
    types: Vec<Type>,
    directives: Vec<Directive>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Type {
    kind: String,
    name: String,
    description: Option<String>,
    fields: Option<Vec<Field>>,
    input_fields: Option<Vec<Input>>,
    interfaces: Option<Vec<Ref>>,
    enum_values: Option<Vec<EnumValue>>,
    possible_types: Option<Vec<Ref>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Field {
    name: String,
    description: Option<String>,
    args: Vec<Input>,
    r#type: Ref,
    #[serde(default)]
    is_deprecated: bool,
    deprecation_reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    name: String,
    description: Option<String>,
    r#type: Ref,
    default_value: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct EnumValue {
    name: String,
    description: Option<String>,
    #[serde(default)]
    is_deprecated: bool,
    deprecation_reason: Option<String>,
}

#[derive(Deserialize)]
struct Directive {
    name: String,
    description: Option<String>,
    locations: Vec<String>,
    args: Vec<Input>,
}

/// A type, or a list or the like of one.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Ref {
    kind: String,
    name: Option<String>,
    of_type: Option<Box<Ref>>,
}

/// Those that every schema has.
const SCALARS: [&str; 5] = ["Int", "Float", "String", "Boolean", "ID"];
const DIRECTIVES: [&str; 5] = ["skip", "include", "deprecated", "specifiedBy", "oneOf"];

/// Writes an answer to [`QUERY`] in the schema language.
///
/// # Errors
///
/// `protocol` where it is no such answer.
pub(super) fn sdl(answer: &[u8]) -> Result<String> {
    let bad =
        |error| Error::new(trunkline_core::Kind::Protocol, "the service's answer is no schema").source(error);
    let Answer { data: Data { schema } } = serde_json::from_slice(answer).map_err(bad)?;
    let mut out = format!("schema {{\n  query: {}\n", schema.query_type.name);
    for (does, root) in [("mutation", &schema.mutation_type), ("subscription", &schema.subscription_type)] {
        if let Some(root) = root {
            out.push_str(&format!("  {does}: {}\n", root.name));
        }
    }
    out.push_str("}\n");
    let own = |found: &&Directive| !DIRECTIVES.contains(&&*found.name);
    for directive in schema.directives.iter().filter(own) {
        describe(&mut out, "", directive.description.as_deref());
        out.push_str(&format!("directive @{}", directive.name));
        arguments(&mut out, &directive.args);
        // Whether it may stand there twice is not asked; to say that it may refuses nothing.
        out.push_str(&format!(" repeatable on {}\n", directive.locations.join(" | ")));
    }
    let own = |found: &&Type| !found.name.starts_with("__") && !SCALARS.contains(&&*found.name);
    schema.types.iter().filter(own).for_each(|found| found.write(&mut out));
    Ok(out)
}

impl Type {
    fn write(&self, out: &mut String) {
        let keyword = match &*self.kind {
            "SCALAR" => "scalar",
            "OBJECT" => "type",
            "INTERFACE" => "interface",
            "UNION" => "union",
            "ENUM" => "enum",
            "INPUT_OBJECT" => "input",
            _ => return,
        };
        out.push('\n');
        describe(out, "", self.description.as_deref());
        out.push_str(&format!("{keyword} {}", self.name));
        let names = |types: &[Ref], by| types.iter().map(Ref::text).collect::<Vec<_>>().join(by);
        match self.interfaces.as_deref() {
            None | Some([]) => {}
            Some(interfaces) => out.push_str(&format!(" implements {}", names(interfaces, " & "))),
        }
        match &*self.kind {
            "UNION" => {
                out.push_str(&format!(
                    " = {}",
                    names(self.possible_types.as_deref().unwrap_or_default(), " | ")
                ));
            }
            "ENUM" => block(out, self.enum_values.as_deref().unwrap_or_default(), |out, value| {
                describe(out, "  ", value.description.as_deref());
                out.push_str(&format!("  {}", value.name));
                deprecate(out, value.is_deprecated, value.deprecation_reason.as_deref());
            }),
            "INPUT_OBJECT" => block(out, self.input_fields.as_deref().unwrap_or_default(), |out, input| {
                describe(out, "  ", input.description.as_deref());
                out.push_str("  ");
                input.write(out);
            }),
            _ => block(out, self.fields.as_deref().unwrap_or_default(), |out, field| {
                describe(out, "  ", field.description.as_deref());
                out.push_str(&format!("  {}", field.name));
                arguments(out, &field.args);
                out.push_str(&format!(": {}", field.r#type.text()));
                deprecate(out, field.is_deprecated, field.deprecation_reason.as_deref());
            }),
        }
        out.push('\n');
    }
}

impl Input {
    fn write(&self, out: &mut String) {
        out.push_str(&format!("{}: {}", self.name, self.r#type.text()));
        if let Some(value) = &self.default_value {
            out.push_str(&format!(" = {value}"));
        }
    }
}

impl Ref {
    fn text(&self) -> String {
        let of = || self.of_type.as_ref().map_or_else(String::new, |of| of.text());
        match &*self.kind {
            "NON_NULL" => format!("{}!", of()),
            "LIST" => format!("[{}]", of()),
            _ => self.name.clone().unwrap_or_default(),
        }
    }
}

fn block<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    // Braces with nothing between them are an error in the language.
    if items.is_empty() {
        return;
    }
    out.push_str(" {\n");
    for item in items {
        write(out, item);
        out.push('\n');
    }
    out.push('}');
}

fn arguments(out: &mut String, args: &[Input]) {
    if args.is_empty() {
        return;
    }
    for (n, input) in args.iter().enumerate() {
        out.push_str(if n == 0 { "(" } else { ", " });
        if let Some(description) = &input.description {
            out.push_str(&format!("{} ", quoted(description)));
        }
        input.write(out);
    }
    out.push(')');
}

fn describe(out: &mut String, indent: &str, description: Option<&str>) {
    if let Some(description) = description.filter(|description| !description.is_empty()) {
        out.push_str(&format!("{indent}{}\n", quoted(description)));
    }
}

fn deprecate(out: &mut String, is: bool, reason: Option<&str>) {
    match reason {
        _ if !is => {}
        Some(reason) => out.push_str(&format!(" @deprecated(reason: {})", quoted(reason))),
        None => out.push_str(" @deprecated"),
    }
}

/// JSON's escapes are those of GraphQL (specification section 2.9.4).
fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests;
