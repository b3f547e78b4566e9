//! What an operation answers, where all went well.

use serde_json::{Map, Value};

use super::{
    body::Media,
    document::{Document, members},
    notes::{Notes, shown},
};

/// An answer.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Answered<'a> {
    /// The response as the document has it.
    pub(super) response: Option<&'a Value>,
    /// The schema of its body.
    pub(super) schema: Option<&'a Value>,
}

/// The answer of an operation: that of the lowest status from 200 to 299 which has a body.
pub(super) fn read<'a>(
    document: &'a Document,
    operation: &'a Value,
    place: &str,
    notes: &Notes,
) -> Answered<'a> {
    let mut chosen = Answered::default();
    for (status, response) in members(operation, "responses") {
        let place = format!("{place}.responses.{}", shown(status));
        let response = match document.resolve(response) {
            Ok(response) => response,
            Err(what) => {
                notes.tell(place, what);
                continue;
            }
        };
        notes.keys(response, &["description", "headers", "content", "links"], &place);
        if response.get("links").and_then(Value::as_object).is_some_and(|links| !links.is_empty()) {
            notes.tell(&*place, "links are not carried over");
        }
        if !status.starts_with('2') {
            notes.often(place, "an answer that is no success is not described; `errors` under `integration` says what it means");
            continue;
        }
        if response.get("headers").and_then(Value::as_object).is_some_and(|headers| !headers.is_empty()) {
            notes.often(&*place, "headers of an answer are not described");
        }
        let content = members(response, "content").min_by_key(|(media, _)| Media::of(media));
        let Some((media, content)) = content else {
            chosen.response = chosen.response.or(Some(response));
            continue;
        };
        if matches!(Media::of(media), Media::Other | Media::Form) {
            let kinds = response["content"].as_object().into_iter().flat_map(Map::keys);
            let kinds = kinds.map(|media| shown(media)).collect::<Vec<_>>().join(", ");
            notes.tell(place, format!("the answer is no JSON but {kinds}, and has no schema here"));
            continue;
        }
        let beside = members(response, "content").map(|(other, _)| other).filter(|other| *other != media);
        let beside = beside.map(|other| shown(other)).collect::<Vec<_>>().join(", ");
        if !beside.is_empty() {
            notes.often(
                &*place,
                format!("an answer of {beside} is not described beside that of {}", shown(media)),
            );
        }
        match (chosen.schema, content.get("schema")) {
            (None, Some(schema)) => chosen = Answered { response: Some(response), schema: Some(schema) },
            (Some(before), Some(schema)) if before != schema => {
                notes.tell(place, "this other answer is not described");
            }
            _ => chosen.response = chosen.response.or(Some(response)),
        }
    }
    chosen
}
