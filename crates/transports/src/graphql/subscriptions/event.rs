//! What those who are subscribed get of what a service sends: events that are named alike whatever the protocol.

use bytes::Bytes;
use serde_json::value::RawValue;
use trunkline_core::{Error, Event, Kind, Reply};

use super::super::{
    answer::{self, Question},
    codes::Codes,
    envelope::{Data, Envelope},
};

/// A subscription reads.
const READS: Question = Question { batch: None, reads: true, single: true };

/// A response.
pub(super) fn next(response: Bytes) -> Event {
    // In JSON it can only stand between two tokens, and here it would end a line.
    match response.contains(&b'\r') {
        false => Event::named("next", response),
        true => {
            let line = response.iter().map(|&byte| if byte == b'\r' { b' ' } else { byte });
            Event::named("next", line.collect::<Bytes>())
        }
    }
}

/// The service has no more.
pub(super) fn complete() -> Event {
    Event::named("complete", "")
}

/// The connection was lost and made anew.
pub(super) fn reconnected() -> Event {
    Event::named("reconnected", "{}")
}

/// The service refuses the subscription: of the kind of the first code that is known, with all that it says in `errors`.
pub(super) fn refused(errors: &[u8], codes: &Codes) -> Event {
    let error = error(errors, codes);
    let mut data = serde_json::json!({ "kind": error.kind().code(), "message": error.message() });
    if let Ok(errors @ (serde_json::Value::Array(_) | serde_json::Value::Object(_))) =
        serde_json::from_slice(errors)
    {
        data["errors"] = match errors {
            serde_json::Value::Object(mut response) => response.remove("errors").unwrap_or_default(),
            errors => errors,
        };
    }
    Event::named(Event::ERROR, data.to_string())
}

/// Whether a response has errors, and no `data`: then the service refused the request before it began with it (GraphQL
/// specification section 7.1.2).
pub(super) fn is_refusal(response: &[u8]) -> bool {
    // Few responses have errors; the others need not be read for that.
    memchr::memmem::find(response, b"\"errors\"").is_some()
        && std::str::from_utf8(response)
            .ok()
            .and_then(|text| Envelope::read(text).ok())
            .is_some_and(|envelope| envelope.errors > 0 && envelope.data == Data::Absent)
}

/// A list of errors, or a response that has one, as an error.
pub(super) fn error(errors: &[u8], codes: &Codes) -> Error {
    let text = std::str::from_utf8(errors).unwrap_or_default();
    let text = match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) if raw.get().starts_with('[') => format!("{{\"errors\":{raw}}}"),
        Ok(raw) if raw.get().starts_with('{') => raw.get().to_owned(),
        _ => String::new(),
    };
    match Envelope::read(&text) {
        Ok(envelope) if envelope.errors > 0 => {
            answer::error(&envelope, true, READS, codes, Reply::new(http::StatusCode::OK, ""))
        }
        _ => Error::new(Kind::Rejected, "the service refused the subscription, and does not say why"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn a_refusal_has_the_kind_of_its_code_and_all_that_the_service_says() {
        let codes = Codes::open(&[("QUOTA".to_owned(), "rate_limited".to_owned())].into()).unwrap();
        let list = json!([{"message": "no", "extensions": {"code": "FORBIDDEN"}}, {"path": ["a"]}]);
        for (said, kind, errors) in [
            (list.clone(), "forbidden", list.clone()),
            (json!({"errors": list}), "forbidden", list),
            (
                json!([{"extensions": {"code": "QUOTA"}}]),
                "rate_limited",
                json!([{"extensions": {"code": "QUOTA"}}]),
            ),
            (json!([{"message": "no such field"}]), "rejected", json!([{"message": "no such field"}])),
            (json!([]), "rejected", json!([])),
            (json!("no"), "rejected", Value::Null),
        ] {
            let event = refused(said.to_string().as_bytes(), &codes);
            let data: Value = serde_json::from_slice(&event.data).unwrap();
            assert_eq!((&*event.name, &data["kind"], &data["errors"]), ("error", &kind.into(), &errors));
        }
    }

    #[test]
    fn a_response_with_errors_and_without_data_is_a_refusal() {
        for (response, refusal) in [
            (r#"{"errors": [{"message": "no"}]}"#, true),
            (r#"{"data": null, "errors": [{"message": "no"}]}"#, false),
            (r#"{"data": {"errors": 1}}"#, false),
            (r#"{"data": {"a": 1}}"#, false),
            (r#"{"errors": []}"#, false),
            ("", false),
        ] {
            assert_eq!(is_refusal(response.as_bytes()), refusal, "{response}");
        }
    }

    #[test]
    fn a_response_is_left_as_it_was_written_but_for_what_would_end_a_line() {
        assert_eq!(next("{\"data\":\r\n1.0}".into()).data, "{\"data\": \n1.0}");
        assert_eq!(next("{\"data\":\"\\r\"}".into()).data, "{\"data\":\"\\r\"}");
    }
}
