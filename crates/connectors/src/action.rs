//! `Action`: something that can be done with a service, by name and with typed input.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Something that can be done.
#[derive(Debug, Clone, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Action {
    /// The name for people.
    pub title: String,
    /// What it does.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What the vendor says of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// The method, for those that are HTTP requests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// The path below the base URL. What an expression yields there is one segment: its slashes are escaped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Query parameters.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub query: BTreeMap<String, Value>,
    /// Headers.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// How the body is written, if not as the manifest says for all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// What is in the body. Unless set, all of the input that is in neither path nor query nor headers; nothing for GET,
    /// HEAD and DELETE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub send: Option<Value>,
    /// Media types of the parts of a `multipart` body, by their names, such as `{photo: image/png}`: what a part goes out as where
    /// its `content_type` does not say otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parts: BTreeMap<String, String>,
    /// The request in the shape that the integration's type takes it in, in the place of all of the above: a `query` and
    /// its `variables`, say, or a `message`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<Map<String, Value>>,
    /// What it is given: the JSON Schema of an object. An empty object unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// What it gives: a JSON Schema. Nothing is checked by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// What of the answer it gives, as a JSON pointer such as `/id`. All of it unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub returns: Option<String>,
    /// What doing it twice means, where the method does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub repeats: Option<Repeats>,
    /// In which of the manifest's ways its list comes in pages. Unless set `default`, if there is one, the action is a GET, and
    /// `output` and `returns` do not tell that its answer has no list there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<String>,
}

/// How a body is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// As JSON.
    #[default]
    Json,
    /// As a form, nested values as `a[b]=c` and `a[0]=b`.
    Form,
    /// As a form whose lists repeat their name, `a=b&a=c`.
    RepeatedForm,
    /// In parts (RFC 7578), one for each value, and for each item of a list. An object with `base64` is a file, which may have
    /// `filename` and `content_type`.
    Multipart,
}

/// What doing it twice means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeats {
    /// It changes nothing: a search that is a POST.
    Safely,
    /// Twice is as once: an update that says what shall be.
    AsOnce,
    /// It would be done twice.
    Never,
}

/// An action's request, ready to be parsed by the integration's transport, and what to make of the answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The request, with numbers as [`exact`](trunkline_core::exact) keeps them.
    pub request: Value,
    /// What of the answer is given.
    pub returns: Option<String>,
    /// What doing it twice means, where that is known better than from the method.
    pub repeats: Option<Repeats>,
}
