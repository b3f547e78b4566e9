//! `Document`: an OpenAPI document, and what its references lead to.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};
use trunkline_core::{Error, Result};

use super::notes::shown;
use crate::yaml;

/// A chain of references that is longer leads in a circle.
const CHAIN: usize = 32;

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    root: Value,
    /// Whether its schemas are those of 3.0, which are no JSON Schemas of today.
    pub(super) old: bool,
}

impl Document {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is none, or one of another version.
    pub(super) fn read(text: &str) -> Result<Self> {
        let root = yaml::parse(text)?;
        if root.get("swagger").is_some() {
            return Err(Error::invalid(
                "is Swagger 2.0; convert it to OpenAPI 3 first, with swagger2openapi or editor.swagger.io, say",
            ));
        }
        // In YAML, `3.0` without quotes is a number.
        let version = match root.get("openapi") {
            Some(Value::String(version)) => version.clone(),
            Some(Value::Number(version)) => version.to_string(),
            _ => return Err(Error::invalid("is no OpenAPI document: `openapi` is missing")),
        };
        let is = |known: &str| version == known || version.starts_with(&format!("{known}."));
        match (is("3.0") || version == "3", is("3.1")) {
            (false, false) => Err(Error::invalid(format!(
                "openapi: is of version {}; known are 3.0 and 3.1",
                shown(&version)
            ))),
            (old, _) => Ok(Self { root, old }),
        }
    }

    pub(super) fn root(&self) -> &Value {
        &self.root
    }

    /// A text of the document about itself.
    pub(super) fn info(&self, key: &str) -> Option<&str> {
        text(self.root.get("info"), key).filter(|text| !text.trim().is_empty())
    }

    /// What a reference leads to; or why it leads nowhere.
    pub(super) fn find(&self, reference: &str) -> Result<&Value, String> {
        let Some(pointer) = reference.strip_prefix('#') else {
            return Err(format!("`{}` is outside of the document, and nothing is fetched", shown(reference)));
        };
        let pointer = percent_decode_str(pointer).decode_utf8_lossy();
        self.root.pointer(&pointer).ok_or_else(|| format!("`{}` leads nowhere", shown(reference)))
    }

    /// What stands for a value that may be a reference; or why nothing does.
    pub(super) fn resolve<'a>(&'a self, mut value: &'a Value) -> Result<&'a Value, String> {
        for _ in 0..CHAIN {
            match value.get("$ref").and_then(Value::as_str) {
                None => return Ok(value),
                Some(reference) => value = self.find(reference)?,
            }
        }
        Err("references lead in a circle".to_owned())
    }

    /// What a schema lets through, as far as one can tell without looking deep.
    pub(super) fn shape<'a>(&'a self, schema: &'a Value) -> Shape {
        self.shape_within(schema, &mut 64)
    }

    fn shape_within<'a>(&'a self, schema: &'a Value, left: &mut usize) -> Shape {
        let mut shape = Shape::default();
        let Ok(schema) = self.resolve(schema) else { return shape };
        match schema.get("type") {
            Some(Value::String(kind)) => shape.add(kind),
            Some(Value::Array(kinds)) => {
                kinds.iter().filter_map(Value::as_str).for_each(|kind| shape.add(kind));
            }
            _ if schema.get("properties").is_some() => shape.object = true,
            _ if schema.get("items").is_some() => shape.array = true,
            _ => {
                for key in ["anyOf", "oneOf", "allOf"] {
                    for member in schema.get(key).and_then(Value::as_array).into_iter().flatten() {
                        if *left == 0 {
                            return shape;
                        }
                        *left -= 1;
                        let other = self.shape_within(member, left);
                        shape.array |= other.array;
                        shape.object |= other.object;
                        shape.scalar |= other.scalar;
                    }
                }
            }
        }
        shape
    }
}

/// What a schema lets through. Nothing is set where it does not say.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) array: bool,
    pub(super) object: bool,
    pub(super) scalar: bool,
}

impl Shape {
    fn add(&mut self, kind: &str) {
        match kind {
            "array" => self.array = true,
            "object" => self.object = true,
            "null" => {}
            _ => self.scalar = true,
        }
    }
}

/// A text of an object.
pub(super) fn text<'a>(object: Option<&'a Value>, key: &str) -> Option<&'a str> {
    object?.get(key)?.as_str()
}

/// The members of an object that is there.
pub(super) fn members<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    object.get(key).and_then(Value::as_object).into_iter().flat_map(Map::iter)
}
