//! `Exchanges`: what goes over the wire when a connector is used, recorded beside its manifest as `NAME.exchanges.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    path::{Path, PathBuf},
};

use http::{Method, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use trunkline_core::{Error, Kind, Result, parse};

use crate::{published, yaml};

/// What a file of exchanges has between its name and its ending.
const MARK: &str = ".exchanges";

/// What goes over the wire when a connector is used: what it is asked for, what it sends, what is answered, and what comes of
/// it. Replayed, each shows that the manifest still does what it did.
///
/// A text that is expected and stands in angle brackets, such as `<key>`, is any text: the same one wherever an exchange
/// has that name.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchanges {
    /// What integrations of all exchanges give. Made up, secrets too.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// The way in which they authenticate, if it does not follow from `inputs`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Headers that every request has to have, unless it says otherwise itself.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Option<String>>,
    /// The exchanges.
    pub exchanges: Vec<Exchange>,
}

/// Something that a connector is asked for, and all that becomes of it. It has one of `action`, `call` and `probe`.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Exchange {
    /// The rule that it shows, in words.
    pub name: String,
    /// What the integration gives beside what all give, or in its place; `null` for what it does not give.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub inputs: Map<String, Value>,
    /// The way in which this one authenticates.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth: Option<String>,
    /// Where the browser of somebody is sent who connects an account before all else. It comes back to
    /// `https://trunkline.example/callback` with the code `a-code`; what is sent for the code is the first of `wire`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connect: Option<String>,
    /// The action that is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// What it is given.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub input: Map<String, Value>,
    /// `true` where all pages of its list are asked for, or an object that says how far to go, as over the API.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pages: Option<Value>,
    /// A request that is no action, as `/call` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub call: Option<Map<String, Value>>,
    /// Whether it is asked how the service is. It gives the state, such as `healthy`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub probe: bool,
    /// What goes over the wire, in its order. Nothing where what is asked for is wrong.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub wire: Vec<Turn>,
    /// What the caller gets. The body of the last reply unless set. Of a list in pages an object of `records`, `pages` and
    /// `cursor`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gives: Option<Value>,
    /// How many parts of it failed, where the service answers with success all the same.
    #[serde(default, skip_serializing_if = "is_none_of_it")]
    pub partial: u64,
    /// How it fails, where it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fails: Option<Failure>,
}

/// A request and what is answered.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// What is sent.
    pub request: Expected,
    /// What comes back.
    pub reply: Recorded,
    /// How often this happens, one right after the other. Once unless set.
    #[serde(default = "once", skip_serializing_if = "is_once")]
    #[schemars(range(min = 1, max = 5))]
    pub times: u8,
}

/// A request as it has to be. What it says otherwise than by its order and its spelling counts, and no more.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// The method, in capitals.
    pub method: String,
    /// The whole URL, query included.
    pub url: String,
    /// Headers that it has to have; `null` for those that it may not have. Others may be there.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, Option<String>>,
    /// The body, where it is JSON. With neither this nor `form` there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The fields of the body, where it is a form, named as they are sent: `metadata[order]`. A list is a field that is there
    /// several times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<BTreeMap<String, Value>>,
}

/// What a service answered.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Recorded {
    /// The status. 200 unless set.
    #[serde(default = "ok")]
    #[schemars(range(min = 200, max = 599))]
    pub status: u16,
    /// The headers. `content-type` follows from the body unless set.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// The body, where it is JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub json: Option<Value>,
    /// The body, where it is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether nothing came back: the request was read, and the connection ended.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub lost: bool,
}

/// How something fails: what is said here has to be so.
#[derive(Debug, Clone, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// The kind of error, by its code.
    pub kind: String,
    /// Whether the service can have acted: `not_sent`, `rejected`, `applied` or `unknown`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<String>,
    /// The service's own code for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_code: Option<String>,
    /// What the service says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub upstream_message: Option<String>,
    /// How many seconds to wait before another try.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<u64>,
}

fn once() -> u8 {
    1
}

fn is_once(times: &u8) -> bool {
    *times == once()
}

fn is_none_of_it(partial: &u64) -> bool {
    *partial == 0
}

fn ok() -> u16 {
    200
}

impl Exchanges {
    /// Reads a file, YAML or JSON, and checks what no type does.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the path to what is wrong.
    pub fn parse(text: &str) -> Result<Self> {
        let exchanges: Self = published::read(&yaml::parse(text)?, &published::EXCHANGES)?;
        let mut names = BTreeSet::new();
        for (n, exchange) in exchanges.exchanges.iter().enumerate() {
            let at = |error: Error| error.at(&format!("exchanges[{n}]"));
            if !names.insert(&exchange.name) {
                return Err(at(Error::invalid("name: is there twice")));
            }
            exchange.check().map_err(at)?;
        }
        Ok(exchanges)
    }

    /// Where those of a manifest are.
    pub fn beside(manifest: &Path) -> PathBuf {
        let kind = manifest.extension().and_then(OsStr::to_str).unwrap_or("yaml");
        manifest.with_extension(format!("{}.{kind}", &MARK[1..]))
    }

    /// Whether a file is one of exchanges, by its name.
    pub fn is_one(path: &Path) -> bool {
        path.file_stem().and_then(OsStr::to_str).is_some_and(|stem| stem.ends_with(MARK))
    }
}

impl Exchange {
    fn check(&self) -> Result<()> {
        let asked = [self.action.is_some(), self.call.is_some(), self.probe];
        if asked.iter().filter(|asked| **asked).count() != 1 {
            return Err(Error::invalid("needs one of action, call and probe"));
        }
        if self.action.is_none() && !(self.input.is_empty() && self.pages.is_none()) {
            return Err(Error::invalid("input and pages: are for an action; put them into call"));
        }
        if self.gives.is_some() && self.fails.is_some() {
            return Err(Error::invalid("gives: is there beside fails; remove one of them"));
        }
        // Its query may have texts in angle brackets.
        let place = self.connect.as_ref().and_then(|url| url.split('?').next());
        if place.is_some_and(|url| !is_whole(url)) {
            return Err(Error::invalid("connect: is no URL with scheme and host"));
        }
        for (n, turn) in self.wire.iter().enumerate() {
            turn.check().map_err(|error| error.at(&format!("wire[{n}]")))?;
        }
        self.fails.as_ref().map_or(Ok(()), Failure::check)
    }
}

impl Turn {
    fn check(&self) -> Result<()> {
        let (request, reply) = (&self.request, &self.reply);
        let known = Method::from_bytes(request.method.as_bytes()).is_ok();
        if !known || request.method != request.method.to_ascii_uppercase() {
            return Err(Error::invalid("request.method: is not an HTTP method in capitals"));
        }
        if !is_whole(&request.url) {
            return Err(Error::invalid("request.url: is no URL with scheme and host"));
        }
        if request.json.is_some() && request.form.is_some() {
            return Err(Error::invalid("request.form: is there beside json; remove one of them"));
        }
        if usize::from(reply.json.is_some()) + usize::from(reply.text.is_some()) + usize::from(reply.lost) > 1
        {
            return Err(Error::invalid("reply: has at most one of json, text and lost"));
        }
        Ok(())
    }
}

/// Whether a text is a URL with scheme and host.
fn is_whole(url: &str) -> bool {
    let whole = |url: Uri| matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some();
    url.parse().is_ok_and(whole)
}

impl Failure {
    fn check(&self) -> Result<()> {
        let known = Kind::ALL.iter().map(|kind| kind.code());
        one_of("fails.kind", &self.kind, known)?;
        let outcome = self.outcome.as_deref().unwrap_or("unknown");
        one_of("fails.outcome", outcome, ["not_sent", "rejected", "applied", "unknown"].into_iter())
    }
}

fn one_of<'a>(place: &str, word: &str, known: impl Iterator<Item = &'a str> + Clone) -> Result<()> {
    if known.clone().any(|one| one == word) {
        return Ok(());
    }
    let near = parse::nearest(word, known.clone()).map(|near| format!(", did you mean `{near}`?"));
    let list = known.collect::<Vec<_>>().join(", ");
    Err(Error::invalid(format!("{place}: is none{}; there are: {list}", near.unwrap_or_default())))
}

#[cfg(test)]
mod tests;
