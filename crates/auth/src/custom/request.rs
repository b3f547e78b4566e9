//! `Request`: what is sent for a token, made anew each time from what is configured.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Error, HttpRequest, Result, Secret, is_sensitive_name, parse};
use url::{Url, form_urlencoded::Serializer};

use super::template::{Names, Sent, Template, split};
use crate::endpoint::safe_url;

/// The request for a token. In `headers`, `query` and the body, `{{NAME}}` stands for what has this name under
/// `secrets` or `values`, and references are read each time.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestConfig {
    /// The method; `POST` unless set.
    #[serde(default)]
    method: Option<String>,
    /// Where it goes, such as `https://api.example.com/login`. No redirect is followed. `{{NAME}}` may stand in the path
    /// and the query, for what is under `values`.
    url: String,
    /// Its headers.
    #[serde(default)]
    headers: BTreeMap<String, Secret>,
    /// Parameters of the query.
    #[serde(default)]
    query: BTreeMap<String, Secret>,
    /// A body of JSON. Fields that are null are left out, as everywhere in a configuration.
    #[serde(default)]
    json: Option<Json>,
    /// A body as a form is sent.
    #[serde(default)]
    form: Option<BTreeMap<String, Secret>>,
    /// Any other body, as it is. Name its media type in `headers`.
    #[serde(default)]
    body: Option<Secret>,
}

/// JSON that may hold secrets anywhere.
#[derive(Deserialize)]
#[serde(transparent)]
struct Json(Value);

impl std::fmt::Debug for Json {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{…}")
    }
}

impl JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }

    fn inline_schema() -> bool {
        true
    }

    /// `writeOnly` is what the masking of configurations goes by.
    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "writeOnly": true })
    }
}

/// The request, checked.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) url: String,
    method: Method,
    headers: Vec<(HeaderName, Template)>,
    query: Vec<(String, Template)>,
    body: Option<Body>,
}

#[derive(Debug)]
enum Body {
    Json(Tree),
    Form(Vec<(String, Template)>),
    Raw(Template),
}

/// JSON with templates in the place of its texts.
enum Tree {
    Text(Template),
    List(Vec<Tree>),
    Object(Vec<(String, Tree)>),
    Other(Value),
}

impl std::fmt::Debug for Tree {
    /// Without what it holds: a number may be a secret too.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("{…}")
    }
}

/// What a value may not bring into a URL: all but the unreserved characters of RFC 3986 section 2.3.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

impl RequestConfig {
    pub(super) fn open(self, names: &Names) -> Result<Request> {
        let method = self.method.as_deref().unwrap_or("POST").parse();
        let method =
            method.map_err(|_| Error::invalid("method: is not the name of a method, such as POST"))?;
        let headers = self.headers.into_iter().map(|(name, value)| {
            let at = format!("headers.{}", name.escape_default());
            let known = name.parse().map_err(|_| Error::invalid("is not the name of a header").at(&at))?;
            Ok((known, Template::new(value, names).map_err(|error| error.at(&at))?))
        });
        let headers = headers.collect::<Result<_>>()?;
        let body = match (self.json, self.form, self.body) {
            (None, None, None) => None,
            (Some(Json(json)), None, None) => {
                Some(Body::Json(Tree::new(json, names).map_err(|error| error.at("json"))?))
            }
            (None, Some(form), None) => Some(Body::Form(templates("form", form, names)?)),
            (None, None, Some(body)) => {
                Some(Body::Raw(Template::new(body, names).map_err(|error| error.at("body"))?))
            }
            _ => return Err(Error::invalid("json, form, body: give one of them, or none")),
        };
        let query = templates("query", self.query, names)?;
        Ok(Request { url: url(&self.url, names)?, method, headers, query, body })
    }
}

fn templates(key: &str, pairs: BTreeMap<String, Secret>, names: &Names) -> Result<Vec<(String, Template)>> {
    let pairs = pairs.into_iter().map(|(name, value)| {
        let at = |error: Error| error.at(&format!("{key}.{}", name.escape_default()));
        let template = Template::new(value, names).map_err(at)?;
        Ok((name, template))
    });
    pairs.collect()
}

/// Checks the URL, with values in it.
fn url(text: &str, names: &Names) -> Result<String> {
    let bad = |what: &str| Error::invalid(format!("url: {what}"));
    let text = parse::resolve(text).map_err(|error| error.at("url"))?;
    let mut whole = String::new();
    for (before, name) in split(&text).map_err(|error| error.at("url"))? {
        whole.push_str(before);
        let Some(name) = name else { continue };
        if !whole.split_once("://").is_some_and(|(_, rest)| rest.contains(['/', '?'])) {
            return Err(bad("{{…}} may stand in the path and the query, not in the host"));
        }
        let value = names.value(name).map_err(|error| error.at("url"))?;
        whole.extend(utf8_percent_encode(&value, ENCODED));
    }
    let whole = safe_url("url", &whole)?;
    let url = Url::parse(&whole).map_err(|_| bad("is not a URL"))?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(bad("must not hold a user or password; put them into headers or the body"));
    }
    if url.fragment().is_some() {
        return Err(bad("has a fragment, which is never sent; remove what follows the #"));
    }
    if let Some((name, _)) = url.query_pairs().find(|(name, _)| is_sensitive_name(name)) {
        let name = name.escape_default();
        return Err(bad(&format!("the parameter \"{name}\" looks like a credential; put it into query")));
    }
    Ok(url.into())
}

impl Request {
    /// The request as it is sent now, and what of it is not to be said back.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key, where a reference leads nowhere or a value cannot stand in a header.
    pub(super) fn render(&self, names: &Names, wants_json: bool) -> Result<(HttpRequest, Sent)> {
        let mut sent = Sent::default();
        let mut request = HttpRequest::new(self.method.clone(), "");
        let mut media = None;
        request = match &self.body {
            None => request,
            Some(Body::Json(tree)) => {
                media = Some("application/json");
                request.body(tree.render(names, &mut sent).map_err(|error| error.at("json"))?.to_string())
            }
            Some(Body::Form(pairs)) => {
                media = Some("application/x-www-form-urlencoded");
                let mut form = Serializer::new(String::new());
                for (name, template) in pairs {
                    let at = |error: Error| error.at(&format!("form.{}", name.escape_default()));
                    form.append_pair(name, &template.render(names, &mut sent).map_err(at)?);
                }
                request.body(form.finish())
            }
            Some(Body::Raw(template)) => {
                let text = template.render(names, &mut sent).map_err(|error| error.at("body"))?;
                sent.words(&text);
                request.body(text)
            }
        };
        for (name, template) in &self.query {
            let at = |error: Error| error.at(&format!("query.{}", name.escape_default()));
            request = request.param(name, template.render(names, &mut sent).map_err(at)?);
        }
        // Unless the configuration says otherwise.
        let media = media.map(|media| (header::CONTENT_TYPE, media));
        let accept = wants_json.then_some((header::ACCEPT, "application/json"));
        for (name, value) in media.into_iter().chain(accept) {
            request = request.header(name, HeaderValue::from_static(value));
        }
        for (name, template) in &self.headers {
            let mut common = Sent::default();
            let harmless = matches!(*name, header::ACCEPT | header::CONTENT_TYPE | header::USER_AGENT);
            let sent = if harmless { &mut common } else { &mut sent };
            let at = |error: Error| error.at(&format!("headers.{name}"));
            let text = template.render(names, sent).map_err(at)?;
            sent.words(&text);
            let value = HeaderValue::try_from(text).map_err(|_| {
                at(Error::invalid(
                    "has a character that may not stand in a header; was a line break pasted with it?",
                ))
            });
            request.headers.insert(name.clone(), value?);
        }
        Ok((request, sent))
    }
}

impl Tree {
    fn new(json: Value, names: &Names) -> Result<Self> {
        Ok(match json {
            Value::String(text) => Self::Text(Template::new(Secret::new(text), names)?),
            Value::Array(values) => {
                Self::List(values.into_iter().map(|value| Self::new(value, names)).collect::<Result<_>>()?)
            }
            Value::Object(fields) => {
                let fields = fields.into_iter().map(|(key, value)| {
                    let at = |error: Error| error.at(&key.escape_default().to_string());
                    let tree = Self::new(value, names).map_err(at)?;
                    Ok((key, tree))
                });
                Self::Object(fields.collect::<Result<_>>()?)
            }
            other => Self::Other(other),
        })
    }

    fn render(&self, names: &Names, sent: &mut Sent) -> Result<Value> {
        Ok(match self {
            Self::Text(template) => template.render(names, sent)?.into(),
            Self::List(trees) => {
                let values = trees.iter().map(|tree| tree.render(names, sent));
                Value::Array(values.collect::<Result<_>>()?)
            }
            Self::Object(fields) => {
                let fields = fields.iter().map(|(key, tree)| Ok((key.clone(), tree.render(names, sent)?)));
                Value::Object(fields.collect::<Result<_>>()?)
            }
            Self::Other(value) => {
                sent.words(&value.to_string());
                value.clone()
            }
        })
    }
}
