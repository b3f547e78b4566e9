//! Bodies of requests: which kind of them is chosen, and how it is sent.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    document::{Document, members},
    fields::Fields,
    forms,
    keywords::is_of_answers,
    notes::{Notes, shown},
    operations::Operation,
};
use crate::Body;

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

impl Sent<'_> {
    /// What the input calls the parts of it.
    pub(super) fn names(&self) -> BTreeSet<String> {
        match self {
            Self::Fields(fields, _) => {
                let given = fields.fields.iter().filter(|(_, field)| !is_of_answers(field));
                given.map(|(name, _)| (*name).to_owned()).collect()
            }
            Self::Whole(..) => BTreeSet::from(["body".to_owned()]),
            Self::Nothing | Self::Impossible => BTreeSet::new(),
        }
    }
}

/// How it is written.
#[derive(Debug)]
pub(super) struct Kind<'a> {
    pub(super) body: Body,
    /// The media type, where it is not the usual one for such a body.
    pub(super) media: Option<&'a str>,
    /// The media types of its parts, by their names.
    pub(super) parts: BTreeMap<String, String>,
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
    Multipart,
    Other,
}

impl Media {
    pub(super) fn of(media: &str) -> Self {
        let kind = media.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        match &*kind {
            "application/json" => Self::Json,
            "application/x-www-form-urlencoded" => Self::Form,
            "multipart/form-data" => Self::Multipart,
            "*/*" | "application/*" => Self::Any,
            kind if kind.ends_with("+json") => Self::OfJson,
            _ => Self::Other,
        }
    }
}

/// What an operation sends.
pub(super) fn read<'a>(document: &'a Document, operation: &Operation<'a>, notes: &Notes) -> Sent<'a> {
    let place = format!("{}.requestBody", operation.place);
    let Some(body) = operation.value.get("requestBody") else { return Sent::Nothing };
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
    let unmade = |what: String| {
        let left = if required { "the operation is left out" } else { "it is sent without" };
        notes.tell(&*place, format!("{what} cannot be made of an action's input; {left}"));
        if required { Sent::Impossible } else { Sent::Nothing }
    };
    let Some((media, content)) = content else { return unmade("a body of no kind".to_owned()) };
    let read = Media::of(media);
    if read == Media::Other {
        let others: Vec<_> = members(body, "content").map(|(media, _)| shown(media)).collect();
        return unmade(format!("a body of {}", others.join(", ")));
    }
    notes.keys(content, &["schema", "example", "examples", "encoding"], &place);
    let beside: Vec<_> =
        members(body, "content").map(|(other, _)| other).filter(|other| *other != media).collect();
    if !beside.is_empty() {
        let beside = beside.into_iter().map(|other| shown(other)).collect::<Vec<_>>().join(", ");
        notes.often(&*place, format!("is sent as {}, and never as {beside}", shown(media)));
    }
    let special = (read == Media::OfJson).then_some(media.as_str());
    let kind = |body, parts| Kind { body, media: special, parts, required };
    let no_parts = BTreeMap::new();
    let parts = matches!(read, Media::Form | Media::Multipart);
    let schema = match content.get("schema") {
        Some(schema) => schema,
        None if parts => return unmade("a form of which nothing is said".to_owned()),
        None => return Sent::Whole(&Value::Bool(true), kind(Body::Json, no_parts)),
    };
    let fields = Fields::all(document, schema);
    if let Some(fields) = fields.as_ref().filter(|fields| fields.fields.is_empty()) {
        if fields.more == Some(&Value::Bool(false)) {
            return Sent::Nothing;
        }
        // So some generators write that there is none.
        if !required && !operation.takes_body() {
            notes.often(&*place, "may be a body of any fields, which is not sent");
            return Sent::Nothing;
        }
    }
    match fields.filter(|fields| !fields.fields.is_empty()) {
        Some(fields) => {
            let what = match (required, fields.required.is_empty()) {
                (false, false) => "may be missing as a whole; what it requires is always asked for here",
                (true, true) => "has to be there, and is not sent where none of its fields is given",
                _ => "",
            };
            if !what.is_empty() {
                notes.often(&*place, what);
            }
            let (body, parts) = match read {
                Media::Form => (forms::read(document, &fields, content, &place, notes), no_parts),
                Media::Multipart => {
                    (Body::Multipart, forms::parts(document, &fields, content, &place, notes))
                }
                _ => (Body::Json, no_parts),
            };
            Sent::Fields(fields, kind(body, parts))
        }
        None if parts && !document.shape(schema).object => {
            notes.tell(place, "a form that is no object; the operation is left out");
            Sent::Impossible
        }
        None => Sent::Whole(
            schema,
            match read {
                Media::Form => kind(Body::Form, no_parts),
                Media::Multipart => {
                    let parts = forms::parts(document, &Fields::default(), content, &place, notes);
                    kind(Body::Multipart, parts)
                }
                _ => kind(Body::Json, no_parts),
            },
        ),
    }
}
