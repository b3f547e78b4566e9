//! `Checker`: a JSON Schema, compiled when it is first needed, whose errors name the key and show no value.

use std::sync::OnceLock;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;
use trunkline_core::{Error, Result, parse};

/// A JSON Schema.
#[derive(Debug)]
pub(crate) struct Checker {
    schema: Value,
    compiled: OnceLock<std::result::Result<Validator, String>>,
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
    /// `invalid_config`, with what is wrong.
    pub(crate) fn compile(&self) -> Result<&Validator> {
        let compiled = self.compiled.get_or_init(|| {
            // No reference leads out of the document: nothing is fetched.
            jsonschema::options().build(&self.schema).map_err(|error| error.masked().to_string())
        });
        compiled.as_ref().map_err(|error| Error::invalid(format!("is no JSON Schema: {error}")))
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
    pub(crate) fn all(&self, value: &Value) -> Result<Vec<Error>> {
        let mut wrong = Vec::new();
        self.compile()?.iter_errors(value).for_each(|error| self.nearest(&error, &mut wrong));
        Ok(wrong)
    }

    /// What may be `null` is wrong in what it is where it is not.
    fn nearest(&self, error: &ValidationError<'_>, wrong: &mut Vec<Error>) {
        match error.kind() {
            ValidationErrorKind::AnyOf { context } if !context.is_empty() && !context[0].is_empty() => {
                context[0].iter().for_each(|error| self.nearest(error, wrong));
            }
            _ => wrong.push(self.explain(error, "")),
        }
    }

    fn explain(&self, error: &ValidationError<'_>, place: &str) -> Error {
        let path = format!("{place}{}", error.instance_path().as_str().replace('/', "."));
        let path = path.trim_start_matches('.');
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match error.kind() {
            ValidationErrorKind::Required { property } => {
                Error::invalid(format!("{}: is missing", below(property.as_str().unwrap_or_default())))
            }
            ValidationErrorKind::AdditionalProperties { unexpected } => {
                let key: String = unexpected
                    .first()
                    .into_iter()
                    .flat_map(|key| key.chars())
                    .filter(|c| !c.is_control())
                    .take(64)
                    .collect();
                let schema = error.schema_path().as_str().strip_suffix("/additionalProperties");
                let known = schema.and_then(|path| self.schema.pointer(path)?.get("properties")?.as_object());
                let near = known.and_then(|known| parse::nearest(&key, known.keys().map(String::as_str)));
                let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
                Error::invalid(format!("{}: is not known{near}", below(&key)))
            }
            _ => Error::invalid(error.masked_with("what was given").to_string()).at(path),
        }
    }
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
