//! What a configuration gives a connector: the way to authenticate that it chooses, and its inputs, checked.

use serde_json::{Map, Value};
use trunkline_core::{Error, Result, parse};

use super::Connector;
use crate::{Auth, Input, Manifest};

impl Connector {
    /// The inputs that a configuration leaves to its connections.
    pub fn missing(&self, document: &Map<String, Value>) -> Vec<&str> {
        let given = document.get("inputs").and_then(Value::as_object);
        let auth = self.auth(document).ok().flatten().map(|at| &self.manifest.auth[at]);
        let missing = all(&self.manifest, auth).filter(|input| {
            input.is_required() && given.is_none_or(|given| !given.contains_key(&input.name))
        });
        missing.map(|input| &*input.name).collect()
    }

    /// What a configuration gives, with defaults, and with placeholders for what connections have of their own.
    ///
    /// # Errors
    ///
    /// As [`Connector::complete`].
    pub fn given_inputs(&self, document: &Map<String, Value>) -> Result<Map<String, Value>> {
        self.given(document, self.auth(document)?)
    }

    /// Checks inputs of a configuration that a connection has filled in.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the input.
    pub fn check_inputs(&self, document: &Map<String, Value>, inputs: &Map<String, Value>) -> Result<()> {
        let mut checked = inputs.clone();
        checked.retain(|_, value| !value.as_str().is_some_and(is_elsewhere));
        self.inputs[place(self.auth(document)?)].check(&checked.into(), "inputs")
    }

    /// Which way to authenticate a configuration chooses; none where it has one of its own.
    pub(super) fn auth(&self, document: &Map<String, Value>) -> Result<Option<usize>> {
        let ways = &self.manifest.auth;
        match document.get("auth") {
            Some(Value::String(id)) => match ways.iter().position(|auth| auth.id == *id) {
                Some(at) => Ok(Some(at)),
                None => {
                    let ids = ways.iter().map(|auth| &*auth.id);
                    let near =
                        parse::nearest(id, ids.clone()).map(|near| format!(", did you mean `{near}`?"));
                    let (near, known) = (near.unwrap_or_default(), ids.collect::<Vec<_>>().join(", "));
                    Err(Error::invalid(format!(
                        "auth: {} has no such way{near}; there are: {known}",
                        self.manifest.title
                    )))
                }
            },
            Some(_) => Err(Error::invalid("auth: expected a string")),
            None if document.contains_key("auth_type") || ways.is_empty() => Ok(None),
            None => {
                // What is given says which is meant.
                let given = document.get("inputs").and_then(Value::as_object);
                let count = |auth: &Auth| {
                    let named = |input: &&Input| given.is_some_and(|given| given.contains_key(&input.name));
                    auth.inputs.iter().filter(named).count()
                };
                // Of those that as much is given for, the first: `max_by_key` takes the last.
                let counted = ways.iter().map(count).enumerate().rev();
                Ok(counted.max_by_key(|(_, count)| *count).map(|(at, _)| at))
            }
        }
    }

    /// The inputs of a configuration, checked, with defaults, and with what connections have of their own.
    pub(super) fn given(
        &self,
        document: &Map<String, Value>,
        auth: Option<usize>,
    ) -> Result<Map<String, Value>> {
        let mut given = match document.get("inputs") {
            None => Map::new(),
            Some(Value::Object(given)) => given.clone(),
            Some(_) => return Err(Error::invalid("inputs: expected an object")),
        };
        let chosen = auth.map(|at| &self.manifest.auth[at]);
        for input in all(&self.manifest, chosen) {
            if !given.contains_key(&input.name) {
                let later = || input.is_required().then(|| format!("{{{{connection.{}}}}}", input.name));
                let value = input.default.clone().or_else(later);
                given.extend(value.map(|value| (input.name.clone(), value.into())));
            }
        }
        // References and what connections have of their own are looked at when they are used; but not what they are for.
        let known = all(&self.manifest, chosen);
        if let Some(key) = given.keys().find(|key| !known.clone().any(|input| input.name == **key)) {
            return Err(self.no_input(key, chosen, document));
        }
        self.check_inputs(document, &given)?;
        Ok(given)
    }

    /// Why nothing takes an input of this name.
    fn no_input(&self, key: &str, chosen: Option<&Auth>, document: &Map<String, Value>) -> Error {
        let of = |auth: &&Auth| auth.inputs.iter().any(|input| input.name == key);
        if let Some(other) = self.manifest.auth.iter().find(of) {
            let why = match chosen {
                Some(chosen) => format!("and others are of `{}`; give the inputs of one way", chosen.id),
                None => "and the integration has an auth_type of its own; remove one of them".to_owned(),
            };
            return Error::invalid(format!(
                "inputs: `{key}` is of the way `{}` to authenticate, {why}",
                other.id
            ));
        }
        let known = all(&self.manifest, chosen).map(|input| &*input.name);
        // Who gives `api_key` where a token is wanted has heard another name of it, and has given nothing for it.
        let missing = self.missing(document);
        let near = parse::slip(key, known.clone())
            .or_else(|| parse::nearest(key, missing.iter().copied()))
            .or_else(|| missing.iter().copied().find(|name| self.is_secret(name)))
            .or_else(|| parse::nearest(key, known.clone()));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        let shown: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
        let list = known.collect::<Vec<_>>().join(", ");
        Error::invalid(format!("inputs: unknown key `{shown}`{near}; {} takes {list}", self.manifest.title))
    }

    fn is_secret(&self, name: &str) -> bool {
        self.inputs().any(|input| input.name == name && input.secret)
    }
}

/// The inputs of a manifest, and of one way to authenticate.
pub(super) fn all<'a>(
    manifest: &'a Manifest,
    auth: Option<&'a Auth>,
) -> impl Iterator<Item = &'a Input> + Clone {
    manifest.inputs.iter().chain(auth.into_iter().flat_map(|auth| &auth.inputs))
}

/// Where the checker of a way to authenticate is.
fn place(auth: Option<usize>) -> usize {
    auth.map_or(0, |at| at + 1)
}

/// Whether a value is a reference, or each connection has one of its own.
fn is_elsewhere(value: &str) -> bool {
    value.contains("${") || value.contains("{{connection.")
}
