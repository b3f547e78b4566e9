//! `Manifest`: the file that describes a vendor, as it is written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    action::{Action, Body},
    input::Input,
    pages::Pages,
};

/// What is known of a vendor.
///
/// Texts may have expressions in double braces, such as `{{ inputs.region }}`, in the syntax of Jinja; there are no
/// statements. In `integration` and `auth` they know `inputs`, what an integration gives this connector; in actions
/// `input` too, what a call gives the action. A text that is one expression is what that yields, a number or an object as
/// well; where it yields nothing, its key is left out.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// The name that an integration chooses it by: 1 to 64 of the characters a-z 0-9 _ -.
    pub name: String,
    /// The name for people.
    pub title: String,
    /// What the service is for, in a sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// What it is found by, such as `crm` or `payments`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub categories: Vec<String>,
    /// The vendor's own documentation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub docs: Option<String>,
    /// What an integration has to give, in the order in which it is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// Ways to authenticate, the usual one first. An integration names another one with `auth`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auth: Vec<Auth>,
    /// Keys of an integration's configuration: what holds unless it says otherwise itself. `type` is one of them, `rest`
    /// unless set.
    pub integration: Map<String, Value>,
    /// How bodies of actions are written where they do not say it themselves.
    #[serde(default)]
    pub body: Body,
    /// Ways in which lists come in pages, by names that actions choose them by. `default` is that of actions which name
    /// none but are a GET that may answer with such a list, and of whatever else is asked for in pages.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub pages: BTreeMap<String, Pages>,
    /// What can be done, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub actions: BTreeMap<String, Action>,
}

/// A way to authenticate.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Auth {
    /// The name that an integration chooses it by.
    pub id: String,
    /// The name for people.
    pub title: String,
    /// What it is good for, and where its parts are found.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub help: String,
    /// What it needs beside what all need.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input>,
    /// The address of the service, where it is another one for what authenticates so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_url: Option<String>,
    /// The auth scheme of the integration.
    pub auth_type: String,
    /// The keys of that scheme.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub auth_config: Map<String, Value>,
}
