//! How the value of a parameter is written (`style` and `explode`), as expressions.

use super::{
    document::{Document, Shape, text},
    fields::Fields,
    keywords::named,
    names,
    notes::Notes,
    params::Param,
};

/// A name of the query or of a header, and the expression for what it has.
#[derive(Debug)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) text: String,
}

/// How a header is written: lists with commas (style `simple`).
pub(super) fn header(document: &Document, param: &Param<'_>) -> Written {
    one(param.name, &simple(document, param))
}

/// What a parameter of the path is, as a part of a text.
pub(super) fn path(document: &Document, param: &Param<'_>, notes: &Notes) -> String {
    if !matches!(text(Some(param.value), "style"), None | Some("simple")) {
        notes.tell(&*param.place, "its style is not known for paths; its value goes there as it is");
    }
    braces(&simple(document, param))
}

/// A value of style `simple`.
fn simple(document: &Document, param: &Param<'_>) -> String {
    let shape = param.schema.map(|schema| document.shape(schema)).unwrap_or_default();
    match shape.array || shape.object {
        true => joined(shape, &of(param), ","),
        false => of(param),
    }
}

/// How a query parameter is written; `None` where it cannot be.
pub(super) fn query<'a>(document: &'a Document, param: &Param<'a>, notes: &Notes) -> Option<Vec<Written>> {
    let style = text(Some(param.value), "style").unwrap_or("form");
    let explode = param.value.get("explode").and_then(serde_json::Value::as_bool).unwrap_or(style == "form");
    if param.value.get("allowReserved") == Some(&true.into()) {
        notes.tell(&*param.place, "reserved characters are escaped all the same");
    }
    let shape = param.schema.map(|schema| document.shape(schema)).unwrap_or_default();
    let fields = match param.schema {
        Some(schema) if shape.object => members(document, schema),
        _ => Vec::new(),
    };
    if shape.object && fields.is_empty() {
        return None;
    }
    let input = of(param);
    let plain = |text: String| vec![one(param.name, &text)];
    Some(match (style, explode) {
        ("deepObject", _) => {
            let mut written = deep(document, param, &fields, notes);
            if shape.array {
                // It says nothing of lists; this is how those who use it for them have them.
                let name = format!("{}[]", param.name);
                notes.often(&*param.place, format!("a list is sent as {}, which is a guess", named(&name)));
                written.push(one(&name, &format!("{input} if {input} is sequence")));
            }
            if shape.scalar {
                written.push(one(
                    param.name,
                    &format!("{input} if {input} is string or {input} is number or {input} is boolean"),
                ));
            }
            written
        }
        ("form", true) if shape.object => {
            fields.iter().map(|(name, _)| one(name, &names::below(&input, name))).collect()
        }
        _ if shape.object => return None,
        ("form", true) => plain(input),
        _ if !shape.array => plain(input),
        ("form", false) => plain(joined(shape, &input, ",")),
        ("spaceDelimited", false) => plain(joined(shape, &input, " ")),
        ("pipeDelimited", false) => plain(joined(shape, &input, "|")),
        _ => {
            notes.tell(
                &*param.place,
                "its style is not known; a list is sent as one parameter for each value",
            );
            plain(input)
        }
    })
}

/// The fields of an object as `name[field]`.
fn deep<'a>(
    document: &'a Document,
    param: &Param<'_>,
    fields: &[(&'a str, &'a serde_json::Value)],
    notes: &Notes,
) -> Vec<Written> {
    let input = of(param);
    let mut written = Vec::new();
    for (field, schema) in fields {
        if document.shape(schema).object {
            notes.tell(
                &*param.place,
                format!("its field {} is an object within an object; left out", named(field)),
            );
            continue;
        }
        written.push(one(&format!("{}[{field}]", param.name), &names::below(&input, field)));
    }
    written
}

/// The fields of a parameter that its style has no way to send.
pub(super) fn unsent<'a>(document: &'a Document, param: &Param<'a>) -> Vec<&'a str> {
    let deep = text(Some(param.value), "style") == Some("deepObject");
    let fields = param.schema.filter(|_| deep).map(|schema| members(document, schema)).unwrap_or_default();
    let unsent = fields.into_iter().filter(|(_, schema)| document.shape(schema).object);
    unsent.map(|(name, _)| name).collect()
}

/// The fields of an object, also of one that is among several things that a value can be.
fn members<'a>(
    document: &'a Document,
    schema: &'a serde_json::Value,
) -> Vec<(&'a str, &'a serde_json::Value)> {
    let mut all: Vec<_> = Fields::some(document, schema).fields.into_iter().collect();
    if let Ok(schema) = document.resolve(schema) {
        for key in ["anyOf", "oneOf"] {
            for member in schema.get(key).and_then(serde_json::Value::as_array).into_iter().flatten().take(50)
            {
                all.extend(Fields::some(document, member).fields);
            }
        }
    }
    all.sort_by_key(|(name, _)| *name);
    all.dedup_by_key(|(name, _)| *name);
    all
}

/// What asks for a parameter.
fn of(param: &Param<'_>) -> String {
    format!("input.{}", param.input)
}

/// A list as one text; what is none as it is.
fn joined(shape: Shape, input: &str, with: &str) -> String {
    match shape.scalar || shape.object {
        false => format!("{input} | join('{with}') if {input} is defined"),
        true => {
            format!("({input} | join('{with}') if {input} is sequence else {input}) if {input} is defined")
        }
    }
}

fn one(name: &str, text: &str) -> Written {
    Written { name: name.to_owned(), text: braces(text) }
}

fn braces(text: &str) -> String {
    format!("{{{{ {text} }}}}")
}
