//! `Vendor`: the connector of an integration, and what that is given.

use std::sync::Arc;

use serde_json::{Map, Value};
use trunkline_connectors::Connector;
use trunkline_core::{Error, MASK, Result, parse};

use crate::{
    catalog::Catalog,
    config::{Common, Confidential},
    mask,
    placeholder::{self, Values},
};

/// The connector of an integration, and what that is given.
#[derive(Clone)]
pub(crate) struct Vendor {
    name: Box<str>,
    /// Not there where it is not known yet: a folder of the server may have it.
    connector: Option<Arc<Connector>>,
    /// What expressions of actions know.
    inputs: Confidential,
}

impl Vendor {
    /// The document of an integration completed by its connector; `None` where it names none. The connectors are those of
    /// a catalog, or of this build.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(crate) fn of(
        given: &Map<String, Value>,
        catalog: Option<&Catalog>,
    ) -> Result<Option<(Map<String, Value>, Self)>> {
        let name = match given.get("connector") {
            None => {
                let lonely = ["inputs", "auth"].into_iter().find(|key| given.contains_key(*key));
                let slip = || given.keys().find(|key| parse::nearest(key, ["connector"]).is_some());
                return match lonely {
                    Some(_) if slip().is_some() => {
                        let key = slip().map(String::as_str).unwrap_or_default();
                        let key: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
                        Err(Error::invalid(format!("unknown key `{key}`, did you mean `connector`?")))
                    }
                    Some(key) => {
                        Err(Error::invalid(format!("{key}: is for a connector, and connector names none")))
                    }
                    None => Ok(None),
                };
            }
            Some(Value::String(name)) => name,
            Some(_) => return Err(Error::invalid("connector: expected a string")),
        };
        let known = catalog.unwrap_or_else(|| Catalog::get()).connectors();
        let connector = match known.find(name) {
            Ok(connector) => connector.clone(),
            Err(error) if catalog.is_some() => return Err(error),
            // Whoever opens it knows more: what is merged with what the connector says may be no whole without that.
            Err(_) => {
                let mut document = given.clone();
                document.retain(|key, value| {
                    !matches!(&**key, "connector" | "inputs" | "auth") && !value.is_object()
                });
                document.entry("type").or_insert_with(|| "rest".into());
                let vendor =
                    Self { name: name.as_str().into(), connector: None, inputs: Confidential::default() };
                return Ok(Some((document, vendor)));
            }
        };
        let complete = connector.complete(given)?;
        let inputs = Confidential(connector.given_inputs(given)?);
        let vendor = Self { name: name.as_str().into(), connector: Some(connector), inputs };
        Ok(Some((complete, vendor)))
    }

    /// The connector.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is not known.
    pub(crate) fn connector(&self) -> Result<&Arc<Connector>> {
        self.connector.as_ref().ok_or_else(|| Error::invalid("connector: there is none of this name"))
    }

    /// What its expressions know.
    pub(crate) fn inputs(&self) -> &Map<String, Value> {
        &self.inputs.0
    }

    /// Whether a catalog has the very same connector.
    pub(crate) fn is_of(&self, catalog: &Catalog) -> bool {
        match (catalog.connectors().get(&self.name), &self.connector) {
            (Some(known), Some(own)) => Arc::ptr_eq(known, own),
            _ => false,
        }
    }

    /// The same for a connection of an integration that this was given, with its own values.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming a value that is missing, or that the connector does not take.
    pub(crate) fn filled(&self, given: &Map<String, Value>, values: &Values) -> Result<Self> {
        let mut vendor = self.clone();
        for (name, value) in &mut vendor.inputs.0 {
            // Where it stands in a document: some keys of one are not filled in.
            let mut one = fields("inputs", fields(name, value.take()).into());
            let asked = placeholder::all(&one)?;
            placeholder::fill(&mut one, values)?;
            let Some(Value::Object(mut one)) = one.remove("inputs") else { continue };
            if let (Some((asked, _)), Some(connector)) = (asked.first(), &self.connector) {
                let checked = connector.check_inputs(given, &one);
                checked.map_err(|error| error.at(&format!("values.{asked}")))?;
            }
            *value = one.remove(name).unwrap_or_default();
        }
        Ok(vendor)
    }

    /// The names of the values that connections have for its inputs.
    pub(crate) fn asked(&self) -> Vec<String> {
        let asked = placeholder::all(&fields("inputs", self.inputs.0.clone().into())).unwrap_or_default();
        asked.into_iter().map(|(name, _)| name).collect()
    }

    /// Says which inputs connections have to have, where this was given.
    pub(crate) fn missing(&self, given: &Map<String, Value>) -> impl Iterator<Item = String> {
        let missing = self.connector.iter().flat_map(|connector| connector.missing(given));
        missing
            .map(|name| format!("inputs.{name}: is not given, so each connection needs it among its values"))
    }

    /// What was given, with every secret masked.
    pub(crate) fn masked(&self, given: &Map<String, Value>, common: &Common, catalog: &Catalog) -> Value {
        let mut document = given.clone();
        // What the connector says decides what the rest means.
        let said = [("type", &common.r#type), ("auth_type", &common.auth_type)];
        let added = said.map(|(key, value)| {
            let added = !document.contains_key(key);
            document.entry(key).or_insert_with(|| value.clone().into());
            (key, added)
        });
        let mut masked = mask::masked(&document, catalog);
        let Value::Object(fields) = &mut masked else { return masked };
        for (key, _) in added.into_iter().filter(|(_, added)| *added) {
            fields.remove(key);
        }
        if let Some(Value::Object(inputs)) = fields.get_mut("inputs") {
            for (name, value) in inputs {
                let input = self
                    .connector
                    .iter()
                    .flat_map(|connector| connector.inputs())
                    .find(|input| input.name == *name);
                let open = input.is_some_and(|input| !input.secret) && value.is_string();
                if !open && !value.as_str().is_some_and(is_elsewhere) {
                    *value = MASK.into();
                }
            }
        }
        masked
    }
}

/// An object with one field.
fn fields(name: &str, value: Value) -> Map<String, Value> {
    std::iter::once((name.to_owned(), value)).collect()
}

/// Whether a text says where a secret is, and not what it is.
fn is_elsewhere(text: &str) -> bool {
    placeholder::is_one(text) || trunkline_core::Secret::new(text).is_reference()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_without_a_connector_say_what_is_missing_or_misspelt() {
        for (document, words) in [
            (r#"{"conector": "acme", "inputs": {}}"#, "unknown key `conector`, did you mean `connector`?"),
            (r#"{"auth": "key", "base_url": "https://a.example"}"#, "auth: is for a connector"),
        ] {
            let given: Map<String, Value> = serde_json::from_str(document).unwrap();
            let error = Vendor::of(&given, None).err().unwrap();
            assert!(error.message().starts_with(words), "{error}");
        }
    }
}
