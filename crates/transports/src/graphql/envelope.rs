//! `Envelope`: a GraphQL response, of which only the errors are read.

use std::{borrow::Cow, fmt, time::Duration};

use serde::{
    Deserialize,
    de::{Deserializer, SeqAccess, Visitor},
};
use serde_json::value::RawValue;

/// A response (GraphQL specification section 7.1). Its data stays as it was written.
#[derive(Deserialize)]
struct Wire<'a> {
    #[serde(borrow, default, deserialize_with = "written")]
    data: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "written")]
    errors: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "written")]
    extensions: Option<&'a RawValue>,
}

/// What a response says.
#[derive(Debug)]
pub(super) struct Envelope {
    pub(super) data: Data,
    /// How many errors there are, and what the first of them say.
    pub(super) errors: usize,
    pub(super) told: Vec<Told>,
    /// How long a service that counts costs wants to be left alone.
    pub(super) wait: Option<Duration>,
}

/// What stands under `data`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Data {
    /// Nothing: the service refused the request before it began to execute it.
    Absent,
    /// Null: an error went all the way up.
    Null,
    There,
}

/// One error.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) message: String,
    pub(super) code: Option<String>,
    /// How many steps lead to the field that failed; `None` where it names none.
    pub(super) path: Option<usize>,
}

/// So many errors are looked at.
const TOLD: usize = 10;

impl Envelope {
    /// Reads a response.
    ///
    /// # Errors
    ///
    /// What is wrong with it as JSON, or that it is no GraphQL response.
    pub(super) fn read(json: &str) -> Result<Self, serde_json::Error> {
        let object = json.trim_start().starts_with('{');
        let wire: Wire<'_> = serde_json::from_str(json)?;
        let data = match wire.data.map(RawValue::get) {
            None => Data::Absent,
            Some("null") => Data::Null,
            Some(_) => Data::There,
        };
        let Errors { count, told } = match wire.errors.map(RawValue::get) {
            None | Some("null") => Errors::default(),
            Some(errors) => serde_json::from_str(errors)?,
        };
        if !object || data == Data::Absent && count == 0 {
            return Err(serde::de::Error::custom("it has neither data nor errors"));
        }
        let wait = wire.extensions.filter(|_| count > 0).and_then(|extensions| throttle(extensions.get()));
        Ok(Self { data, errors: count, told, wait })
    }

    /// Whether there is nothing but errors.
    pub(super) fn is_failure(&self) -> bool {
        self.errors > 0 && self.data != Data::There
    }
}

/// A value as it is written, null too.
fn written<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

#[derive(Default)]
struct Errors {
    count: usize,
    told: Vec<Told>,
}

impl<'de> Deserialize<'de> for Errors {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Errors;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of errors")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Errors, A::Error> {
                let mut errors = Errors::default();
                while let Some(error) = list.next_element::<&RawValue>()? {
                    errors.count += 1;
                    if errors.told.len() < TOLD {
                        errors.told.push(Told::read(error));
                    }
                }
                Ok(errors)
            }
        }
        from.deserialize_seq(All)
    }
}

/// An error on the wire. Services put what they like into it: what is not of the usual type is passed over.
#[derive(Default, Deserialize)]
#[serde(default)]
struct ErrorWire<'a> {
    #[serde(borrow)]
    message: Option<&'a RawValue>,
    #[serde(borrow)]
    path: Option<&'a RawValue>,
    #[serde(borrow)]
    extensions: Option<&'a RawValue>,
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
    #[serde(borrow, rename = "errorType")]
    error_type: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Extensions<'a> {
    #[serde(borrow)]
    code: Option<&'a RawValue>,
    #[serde(borrow)]
    r#type: Option<&'a RawValue>,
}

impl Told {
    fn read(error: &RawValue) -> Self {
        let wire: ErrorWire<'_> = serde_json::from_str(error.get()).unwrap_or_default();
        let extensions =
            wire.extensions.and_then(|raw| serde_json::from_str::<Extensions<'_>>(raw.get()).ok());
        let extensions = extensions.unwrap_or_default();
        let codes = [extensions.code, wire.r#type, wire.error_type, extensions.r#type];
        Self {
            message: wire.message.and_then(text).unwrap_or_default(),
            code: codes.into_iter().flatten().find_map(text),
            path: wire
                .path
                .and_then(|raw| Some(serde_json::from_str::<Vec<&RawValue>>(raw.get()).ok()?.len())),
        }
    }
}

/// A string, of which no more than a message can have is kept.
fn text(raw: &RawValue) -> Option<String> {
    const LONGEST: usize = 200;
    let text: Cow<'_, str> = serde_json::from_str(raw.get()).ok()?;
    let told = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    let mut told: String = told.take(LONGEST).collect();
    if told.len() < text.len() {
        told.push('…');
    }
    Some(told)
}

/// Shopify's calculated limits: what is missing for the request, at the rate at which it comes back
/// (shopify.dev/docs/api/usage/limits).
fn throttle(extensions: &str) -> Option<Duration> {
    #[derive(Deserialize)]
    struct Wire {
        cost: Cost,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Cost {
        requested_query_cost: f64,
        throttle_status: Status,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Status {
        currently_available: f64,
        restore_rate: f64,
    }
    let Wire { cost } = serde_json::from_str(extensions).ok()?;
    let missing = cost.requested_query_cost - cost.throttle_status.currently_available;
    Duration::try_from_secs_f64((missing / cost.throttle_status.restore_rate).max(0.0)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_has_data_or_errors_or_both() {
        for (json, data, errors) in [
            (r#"{"data": {"a": 1}}"#, Data::There, 0),
            (r#" {"data": {"a": null}, "errors": [{"message": "no"}, {}]}"#, Data::There, 2),
            (r#"{"errors": [{"message": "no"}], "data": null}"#, Data::Null, 1),
            (r#"{"errors": [{"message": "no"}]}"#, Data::Absent, 1),
            (r#"{"data": null}"#, Data::Null, 0),
            (r#"{"data": {}, "errors": null, "more": 1}"#, Data::There, 0),
        ] {
            let found = Envelope::read(json).unwrap();
            assert_eq!((found.data, found.errors), (data, errors), "{json}");
        }
        for json in [
            "",
            "{}",
            "[]",
            "1",
            r#"{"errors": []}"#,
            r#"{"errors": "no"}"#,
            r#"[{"a": 1}]"#,
            r#"{"data": {}"#,
        ] {
            assert!(Envelope::read(json).is_err(), "{json}");
        }
    }

    #[test]
    fn an_error_has_its_code_in_one_of_the_usual_places() {
        for (error, code) in [
            (r#"{"extensions": {"code": "A"}, "type": "B"}"#, Some("A")),
            (r#"{"extensions": {"code": 7}, "type": "B"}"#, Some("B")),
            (r#"{"extensions": [], "errorType": "C"}"#, Some("C")),
            (r#"{"message": 1}"#, None),
            (r#""text""#, None),
        ] {
            let found = Envelope::read(&format!(r#"{{"errors": [{error}]}}"#)).unwrap();
            assert_eq!(found.told[0].code.as_deref(), code, "{error}");
        }
        let deep = Envelope::read(r#"{"errors": [{"path": ["a", 0, "b"], "message": "no\n"}]}"#).unwrap();
        assert_eq!((deep.told[0].path, &*deep.told[0].message), (Some(3), "no "));
    }

    #[test]
    fn a_service_that_counts_costs_says_how_long_to_wait() {
        let json = |cost: &str| format!(r#"{{"errors": [{{}}], "extensions": {{"cost": {cost}}}}}"#);
        let status = r#"{"maximumAvailable": 1000.0, "currentlyAvailable": 52, "restoreRate": 50.0}"#;
        let cost =
            format!(r#"{{"requestedQueryCost": 152, "actualQueryCost": null, "throttleStatus": {status}}}"#);
        assert_eq!(Envelope::read(&json(&cost)).unwrap().wait, Some(Duration::from_secs(2)));
        assert_eq!(Envelope::read(&json(&cost.replace("50.0", "0"))).unwrap().wait, None);
        assert_eq!(Envelope::read(&json("1")).unwrap().wait, None);
    }

    #[test]
    fn thousands_of_errors_are_counted_and_the_first_are_read() {
        let errors = vec![r#"{"message": "no"}"#; 5000].join(",");
        let found = Envelope::read(&format!(r#"{{"data": {{}}, "errors": [{errors}]}}"#)).unwrap();
        assert_eq!((found.errors, found.told.len()), (5000, TOLD));
    }
}
