//! `Connector`: a manifest that was checked, ready to complete configurations and to make requests.

mod checks;
mod given;
mod ready;

use std::{collections::BTreeMap, sync::Arc};

use serde_json::{Map, Value, json};
use trunkline_core::{Error, Result, exact, parse};

use self::{given::all, ready::Ready};
use crate::{
    Answer, Auth, Input, Manifest, Paging, Repeats, body, input,
    merge::merge,
    place::Place,
    published,
    schema::Checker,
    template::{Scope, Template, below},
    yaml,
};

/// Keys of a configuration that are for the connector, and gone when it is complete.
const OWN: [&str; 3] = ["connector", "inputs", "auth"];
/// The type of an integration whose connector names none.
const TYPE: &str = "rest";
/// Where the address of a service is in a configuration.
const BASE: &str = "base_url";

/// Keys of a request that say how it is made. With any other one it does something else than its action.
const HOW: [&str; 4] = ["headers", "params", "timeout", "ttl"];

/// What is known of a vendor, checked.
#[derive(Debug)]
pub struct Connector {
    manifest: Manifest,
    /// What an integration inherits, but for the address.
    integration: Template,
    base_url: Option<Template>,
    auth: Vec<Way>,
    /// Inputs of an integration with an auth scheme of its own, then of each way to authenticate. None has to be there: what
    /// is missing, connections have.
    inputs: Vec<Checker>,
    pages: BTreeMap<String, Arc<Paging>>,
    actions: BTreeMap<String, Ready>,
}

/// A way to authenticate, compiled.
#[derive(Debug)]
struct Way {
    config: Template,
    base_url: Option<Template>,
}

impl Way {
    /// What stands for one that is wrong.
    fn nothing() -> Self {
        Self { config: Template::nothing(), base_url: None }
    }

    fn new(auth: &Auth) -> Result<Self> {
        let place = |key: &str| format!("auth.{}.{key}", auth.id);
        let base = auth.base_url.as_ref().map(|url| Template::text(url, &place(BASE)));
        let config = Template::object(auth.auth_config.iter(), &place("auth_config"))?;
        Ok(Self { config, base_url: base.transpose()? })
    }
}

/// A call of an action, as its caller made it, with numbers as [`exact`] keeps them.
#[derive(Debug, Clone, Default)]
pub struct Asked {
    /// What the action is given.
    pub input: Map<String, Value>,
    /// What of the request the caller says itself, such as `headers` and `timeout`.
    pub over: Map<String, Value>,
}

impl Connector {
    /// Reads a manifest, YAML or JSON, and checks all of it.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the path to what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        Self::new(published::read(&yaml::parse(text)?, &published::MANIFEST)?)
    }

    /// Checks a manifest.
    ///
    /// # Errors
    ///
    /// As [`Connector::parse`].
    pub fn new(manifest: Manifest) -> Result<Self> {
        Self::checked(manifest).map_err(|mut wrong| wrong.swap_remove(0))
    }

    /// Checks a manifest, or says all that is wrong with it.
    pub(crate) fn checked(manifest: Manifest) -> Result<Self, Vec<Error>> {
        let (connector, wrong) = Self::drafted(manifest);
        if wrong.is_empty() { Ok(connector) } else { Err(wrong) }
    }

    /// What can be made of a manifest, and all that is wrong with it.
    pub(crate) fn drafted(manifest: Manifest) -> (Self, Vec<Error>) {
        let mut wrong = crate::lint::lint(&manifest);
        let (base, rest): (Vec<_>, Vec<_>) = manifest.integration.iter().partition(|(key, _)| *key == BASE);
        let integration = kept(Template::object(rest.into_iter(), "integration"), &mut wrong);
        let integration = integration.unwrap_or_else(Template::nothing);
        let base_url = base.first().map(|(_, url)| Template::parse(url, &below("integration", BASE)));
        let base_url = kept(base_url.transpose(), &mut wrong).flatten();
        let auth = manifest.auth.iter().map(Way::new);
        let auth = auth.map(|way| kept(way, &mut wrong).unwrap_or_else(Way::nothing)).collect();
        let ways = std::iter::once(None).chain(manifest.auth.iter().map(Some));
        let inputs = ways.map(|auth| Checker::new(input::lenient(all(&manifest, auth)))).collect();
        let mut pages = BTreeMap::new();
        for (name, way) in &manifest.pages {
            let way = kept(way.open(&format!("pages.{name}")), &mut wrong);
            pages.extend(way.map(|way| (name.clone(), Arc::new(way))));
        }
        let mut actions = BTreeMap::new();
        for (name, action) in &manifest.actions {
            let action = kept(Ready::new(action, &format!("actions.{name}")), &mut wrong);
            actions.extend(action.map(|action| (name.clone(), action)));
        }
        let connector = Self { integration, base_url, auth, inputs, pages, actions, manifest };
        wrong.extend(connector.names());
        (connector, wrong)
    }

    /// The manifest.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Whether it is made of the same manifest, however that is written.
    pub(crate) fn says_what(&self, other: &Self) -> bool {
        let said = |connector: &Self| serde_json::to_value(&connector.manifest).ok();
        said(self).is_some_and(|own| said(other).is_some_and(|other| own == other))
    }

    /// The JSON Schema of `inputs` for one of the ways to authenticate, the usual one unless named: it draws a form.
    pub fn input_schema(&self, auth: Option<&str>) -> Value {
        let named = auth.and_then(|id| self.manifest.auth.iter().find(|auth| auth.id == id));
        input::schema(all(&self.manifest, named.or(self.manifest.auth.first())))
    }

    /// All inputs that there are, those of ways to authenticate included.
    pub fn inputs(&self) -> impl Iterator<Item = &Input> {
        self.manifest.inputs.iter().chain(self.manifest.auth.iter().flat_map(|auth| &auth.inputs))
    }

    /// The JSON Schema of what an action is given.
    pub fn action_schema(&self, action: &str) -> Option<&Value> {
        self.actions.get(action).map(|action| action.input.schema())
    }

    /// The configuration of an integration that names this connector, completed: what it says itself wins over what the
    /// manifest says. Inputs that it needs and lacks are what each connection has of its own.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn complete(&self, document: &Map<String, Value>) -> Result<Map<String, Value>> {
        let auth = self.auth(document)?;
        let scope = Scope::new(&json!({ "inputs": self.given(document, auth)? }));
        let mut complete = match self.integration.render(&scope, Place::Free)? {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        // A host and a path are no place for just anything.
        let of_way = auth.and_then(|auth| self.auth[auth].base_url.as_ref());
        if let Some(base) = of_way.or(self.base_url.as_ref()) {
            let base = base.render(&scope, Place::Address).map_err(|error| error.at("inputs"))?;
            complete.extend(base.map(|base| (BASE.to_owned(), base)));
        }
        complete.entry("type").or_insert_with(|| TYPE.into());
        if let Some(auth) = auth {
            complete.insert("auth_type".to_owned(), self.manifest.auth[auth].auth_type.clone().into());
            let config = self.auth[auth].config.render(&scope, Place::Free)?;
            complete.extend(config.map(|config| ("auth_config".to_owned(), config)));
        }
        let title =
            document.get("name").is_none().then(|| ("name".to_owned(), self.manifest.title.clone().into()));
        let mut own = document.clone();
        own.extend(title);
        own.retain(|key, _| !OWN.contains(&key.as_str()));
        merge(&mut complete, own);
        Ok(complete)
    }

    /// The request for an action, where these inputs are given.
    ///
    /// # Errors
    ///
    /// `unsupported` where there is no such action; `invalid_config`, naming the key of the input.
    pub fn request(&self, inputs: &Map<String, Value>, name: &str, asked: Asked) -> Result<Answer> {
        let (Some(action), Some(ready)) = (self.manifest.actions.get(name), self.actions.get(name)) else {
            return Err(self.no_action(name));
        };
        let input = Value::Object(asked.input);
        ready.input.check(&exact::plain(&input), "input")?;
        let scope = Scope::new(&json!({ "inputs": inputs, "input": input }));
        let mut request = match ready.rest.render(&scope, Place::Free)? {
            Some(Value::Object(fields)) => fields,
            _ => Map::new(),
        };
        // What is all left out is not there.
        request.retain(|_, value| *value != json!({}));
        if let Some(path) = &ready.path {
            let path = path.render(&scope, Place::Path)?;
            request.extend(path.map(|path| ("endpoint".to_owned(), path)));
        }
        if action.request.is_none() {
            let body = match &ready.send {
                // A body of a method that need not have one is there where something is in it.
                Some(send) => {
                    let body = send.render(&scope, Place::Free)?;
                    body.filter(|body| action.takes_body() || *body != json!({}))
                }
                None if action.takes_body() => Some(ready.unused(input)).filter(|body| *body != json!({})),
                None => None,
            };
            if let Some(body) = body {
                body::put(&mut request, action.body.unwrap_or(self.manifest.body), body, &action.parts);
            }
        }
        // What an action says of repeating it holds for what it does itself; that it may never be repeated, for all.
        let does_the_same = asked.over.keys().all(|key| HOW.contains(&&**key));
        let repeats = action.repeats.filter(|repeats| does_the_same || *repeats == Repeats::Never);
        merge(&mut request, asked.over);
        Ok(Answer { request: request.into(), returns: action.returns.clone(), repeats })
    }

    /// How the list that an action gives comes in pages; `None` where it gives none. One that names no way has `default`, if it
    /// is a GET, and nothing that it says of its answer tells that there is no list in it.
    pub fn paging(&self, action: &str) -> Option<&Arc<Paging>> {
        let action = self.manifest.actions.get(action)?;
        match &action.pages {
            Some(way) => self.pages.get(way),
            None => self.usual_paging().filter(|usual| action.may_list(usual.items())),
        }
    }

    /// How lists come in pages that no action is named for.
    pub fn usual_paging(&self) -> Option<&Arc<Paging>> {
        self.pages.get("default")
    }

    fn no_action(&self, name: &str) -> Error {
        let known = self.manifest.actions.keys().map(String::as_str);
        let near = parse::nearest(name, known.clone()).map(|near| format!(", did you mean `{near}`?"));
        let list = known.collect::<Vec<_>>().join(", ");
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        let message = format!(
            "{} has no action `{shown}`{}; there are: {list}",
            self.manifest.title,
            near.unwrap_or_default()
        );
        Error::new(trunkline_core::Kind::Unsupported, message)
    }
}

/// What came of something; what is wrong with it is kept for later.
fn kept<T>(result: Result<T>, wrong: &mut Vec<Error>) -> Option<T> {
    result.map_err(|error| wrong.push(error)).ok()
}

#[cfg(test)]
mod tests;
