//! `Checker`: a JSON Schema, compiled when it is first needed, whose errors name the key and show no value.

mod said;

use std::sync::OnceLock;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;
use trunkline_core::{Error, Result, parse};

pub(crate) use self::said::Broken;
use self::said::{expected, takes_text, unknown, words};

/// A JSON Schema.
#[derive(Debug)]
pub(crate) struct Checker {
    schema: Value,
    compiled: OnceLock<std::result::Result<Validator, Broken>>,
}

impl Checker {
    pub(crate) fn new(schema: Value) -> Self {
        Self { schema, compiled: OnceLock::new() }
    }

    /// The schema.
    pub(crate) fn schema(&self) -> &Value {
        &self.schema
    }

    /// Whether it is one.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with what is wrong and the path to it.
    pub(crate) fn compile(&self) -> Result<&Validator> {
        let compiled = self.compiled.get_or_init(|| {
            // No reference leads out of the document: nothing is fetched.
            jsonschema::options().build(&self.schema).map_err(|error| Broken::new(&error))
        });
        compiled.as_ref().map_err(|broken| broken.at(""))
    }

    /// Where it is none, and why; `None` where it is one.
    pub(crate) fn broken(&self) -> Option<&Broken> {
        self.compile().err()?;
        self.compiled.get()?.as_ref().err()
    }

    /// Checks a value that stands at `place`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the path of the first thing that is wrong.
    pub(crate) fn check(&self, value: &Value, place: &str) -> Result<()> {
        match self.compile()?.iter_errors(value).next() {
            None => Ok(()),
            Some(error) => Err(self.explain(&error, place)),
        }
    }

    /// All that is wrong with a value, in the same words.
    ///
    /// # Errors
    ///
    /// `invalid_config` where this is no schema.
    pub(crate) fn all(&self, value: &Value) -> Result<Vec<Wrong>> {
        let mut wrong = Vec::new();
        self.compile()?.iter_errors(value).for_each(|error| self.nearest(&error, &mut wrong));
        Ok(wrong)
    }

    /// What may be `null` is wrong in what it is where it is not.
    fn nearest(&self, error: &ValidationError<'_>, wrong: &mut Vec<Wrong>) {
        match error.kind() {
            ValidationErrorKind::AnyOf { context } if !context.is_empty() && !context[0].is_empty() => {
                context[0].iter().for_each(|error| self.nearest(error, wrong));
            }
            kind => wrong.push(Wrong {
                at: error.instance_path().as_str().to_owned(),
                what: match kind {
                    ValidationErrorKind::Required { property } => {
                        What::Missing(property.as_str().unwrap_or_default().to_owned())
                    }
                    ValidationErrorKind::AdditionalProperties { unexpected } => {
                        let near = |key: &String| self.near(error, key).map(ToOwned::to_owned);
                        What::Unknown(unexpected.iter().map(|key| (key.clone(), near(key))).collect())
                    }
                    ValidationErrorKind::Type { kind } if takes_text(kind) => What::NoText,
                    _ => What::Value(self.word(error).map(ToOwned::to_owned)),
                },
                error: self.explain(error, ""),
            }),
        }
    }

    /// The known key that is nearest to one that is not known.
    fn near(&self, error: &ValidationError<'_>, key: &str) -> Option<&str> {
        let schema = error.schema_path().as_str().strip_suffix("/additionalProperties")?;
        let known = self.schema.pointer(schema)?.get("properties")?.as_object()?;
        parse::nearest(key, known.keys().map(String::as_str))
    }

    /// The known word that is nearest to a value that is none of them.
    fn word(&self, error: &ValidationError<'_>) -> Option<&str> {
        let known = words(self.schema.pointer(error.schema_path().as_str())?)?;
        parse::nearest(error.instance().as_str()?, known)
    }

    fn explain(&self, error: &ValidationError<'_>, place: &str) -> Error {
        let path = format!("{place}{}", error.instance_path().as_str().replace('/', "."));
        let path = path.trim_start_matches('.');
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        let message = match error.kind() {
            ValidationErrorKind::Required { property } => {
                return Error::invalid(format!(
                    "{}: is missing",
                    below(property.as_str().unwrap_or_default())
                ));
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let key: String = unexpected
                    .first()
                    .into_iter()
                    .flat_map(|key| key.chars())
                    .filter(|c| !c.is_control())
                    .take(64)
                    .collect();
                let near = self.near(error, &key);
                let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
                return Error::invalid(format!("{}: is not known{near}", below(&key)));
            }
            ValidationErrorKind::Type { kind } => expected(kind),
            ValidationErrorKind::Enum { .. } | ValidationErrorKind::OneOfNotValid { .. } => {
                let schema = self.schema.pointer(error.schema_path().as_str());
                match schema.and_then(words) {
                    Some(known) => unknown(error.instance(), &known),
                    None => error.masked_with("what was given").to_string(),
                }
            }
            ValidationErrorKind::FalseSchema => "cannot be given".to_owned(),
            _ => error.masked_with("what was given").to_string(),
        };
        let error = Error::invalid(message);
        if path.is_empty() { error } else { error.at(path) }
    }
}

/// Something that is wrong with a value.
#[derive(Debug)]
pub(crate) struct Wrong {
    /// Where it is, as a JSON pointer.
    pub(crate) at: String,
    pub(crate) what: What,
    /// The same in words.
    pub(crate) error: Error,
}

/// What is wrong there.
#[derive(Debug)]
pub(crate) enum What {
    /// These keys are not known; each with the nearest that is.
    Unknown(Vec<(String, Option<String>)>),
    /// This key is missing.
    Missing(String),
    /// It is no text.
    NoText,
    /// The value itself; with the nearest that it can have.
    Value(Option<String>),
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_error_names_the_key_and_shows_no_value() {
        let checker = Checker::new(json!({
            "type": "object", "required": ["email"], "additionalProperties": false,
            "properties": { "email": { "type": "string", "pattern": "@" }, "tags": { "type": "array", "items": { "type": "string" } } },
        }));
        checker.check(&json!({"email": "a@b"}), "input").unwrap();
        for (value, words) in [
            (json!({}), "input.email: is missing"),
            (json!({"email": "hunter2"}), "input.email: "),
            (json!({"email": "a@b", "tag": 1}), "input.tag: is not known, did you mean `tags`?"),
            (json!({"email": "a@b", "tags": ["hunter2", 7]}), "input.tags.1: "),
        ] {
            let error = checker.check(&value, "input").unwrap_err();
            assert!(error.message().starts_with(words), "{error}");
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
