//! Bodies of requests: which kind of them is chosen, and how it is sent.

use serde_json::Value;

use super::{
    document::{Document, members, text},
    fields::Fields,
    keywords::named,
    notes::{Notes, shown},
};

/// What is sent with a request.
#[derive(Debug)]
pub(super) enum Sent<'a> {
    /// Nothing.
    Nothing,
    /// An object, whose fields are those of the input.
    Fields(Fields<'a>, Kind<'a>),
    /// Anything else: the input has it as `body`.
    Whole(&'a Value, Kind<'a>),
    /// Something that has to be there, and cannot be made.
    Impossible,
}

/// How it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kind<'a> {
    pub(super) form: bool,
    /// The media type, where it is neither `application/json` nor that of forms.
    pub(super) media: Option<&'a str>,
    pub(super) required: bool,
}

/// What a reader of media types makes of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Media {
    Json,
    /// One of the kinds of JSON, such as `application/scim+json`.
    OfJson,
    Any,
    Form,
    Other,
}

impl Media {
    pub(super) fn of(media: &str) -> Self {
        let kind = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match &*kind {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            "*/*" | "application/*" => Self::Any,
            kind if kind.ends_with("+json") => Self::OfJson,
            _ => Self::Other,
        }
    }
}

/// What an operation sends.
pub(super) fn read<'a>(document: &'a Document, operation: &'a Value, place: &str, notes: &Notes) -> Sent<'a> {
    let place = format!("{place}.requestBody");
    let Some(body) = operation.get("requestBody") else { return Sent::Nothing };
    let body = match document.resolve(body) {
        Ok(body) => body,
        Err(what) => {
            notes.tell(place, format!("{what}; the operation is left out"));
            return Sent::Impossible;
        }
    };
    notes.keys(body, &["description", "content", "required"], &place);
    let required = body.get("required") == Some(&Value::Bool(true));
    let content = members(body, "content").min_by_key(|(media, _)| Media::of(media));
    let Some((media, content)) = content else { return Sent::Nothing };
    let read = Media::of(media);
    let others = || members(body, "content").map(|(media, _)| shown(media)).collect::<Vec<_>>().join(", ");
    if read == Media::Other {
        let left = if required { "the operation is left out" } else { "it is sent without" };
        notes.tell(place, format!("a body of {} cannot be made of an action's input; {left}", others()));
        return if required { Sent::Impossible } else { Sent::Nothing };
    }
    notes.keys(content, &["schema", "example", "examples", "encoding"], &place);
    let form = read == Media::Form;
    let special = (read == Media::OfJson).then_some(media.as_str());
    let kind = Kind { form, media: special, required };
    let Some(schema) = content.get("schema") else { return Sent::Whole(&Value::Bool(true), kind) };
    match Fields::all(document, schema) {
        Some(fields) => {
            if form {
                encoded(document, &fields, content, &place, notes);
            }
            if !required && !fields.required.is_empty() {
                notes.tell(place, "may be missing as a whole; what it requires is always asked for here");
            }
            match fields.fields.is_empty() && fields.more.is_none_or(|more| *more == Value::Bool(false)) {
                true => Sent::Nothing,
                false => Sent::Fields(fields, kind),
            }
        }
        None if form && !document.shape(schema).object => {
            notes.tell(place, "a form that is no object; the operation is left out");
            Sent::Impossible
        }
        None => Sent::Whole(schema, kind),
    }
}

/// Notes the fields of a form that go out in another way than the document says.
fn encoded(document: &Document, fields: &Fields<'_>, content: &Value, place: &str, notes: &Notes) {
    for (name, schema) in &fields.fields {
        let encoding = content.get("encoding").and_then(|encoding| encoding.get(*name));
        let shape = document.shape(schema);
        if !(shape.array || shape.object) || text(encoding, "style") == Some("deepObject") {
            continue;
        }
        let (here, there) = match (text(encoding, "contentType"), shape.object) {
            (Some(media), _) if media.contains("json") => {
                ("as brackets, `name[field]=…` and `name[0]=…`", "a JSON text")
            }
            (_, true) => ("as brackets, `name[field]=…`", "otherwise"),
            (_, false) => ("as `name[0]=…&name[1]=…`", "`name=…&name=…`"),
        };
        notes.tell(
            format!("{place}.{}", shown(name)),
            format!("{} goes out {here}; the document has {there}", named(name)),
        );
    }
}
