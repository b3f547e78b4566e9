//! `IntegrationConfig`: the JSON that describes an integration, checked.

mod warnings;

use std::{fmt, path::PathBuf, sync::Arc};

use http::{Uri, uri::Scheme};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use trunkline_core::{Error, IntegrationId, Kind, Result, Seconds, parse};
use trunkline_layers::{
    BreakerConfig, CacheConfig, ConcurrencyConfig, ErrorsConfig, ExpiredWhen, RateLimitConfig, RetryConfig,
};
use zeroize::{Zeroize, Zeroizing};

use crate::{
    addresses::{Engine, first_server},
    catalog::Catalog,
    hooks::Webhooks,
    mask,
    vendor::Vendor,
};

/// How an integration is configured: one shape for the API, for files and for the library.
///
/// It keeps the document as it was given, with its secrets, so it prints masked.
#[derive(Clone)]
pub struct IntegrationConfig {
    /// With all that its connector says, where it has one.
    document: Confidential,
    common: Common,
    /// The document as it was given, where a connector has completed it.
    given: Option<Confidential>,
    /// Its connector.
    vendor: Option<Box<Vendor>>,
    /// What masks it, where a manager knows more than this build does.
    catalog: Option<Arc<Catalog>>,
}

/// The keys that every type of integration has. All others are the transport's own.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub(crate) struct Common {
    /// The name of the integration in URLs and logs.
    pub(crate) integration_id: IntegrationId,
    /// A name for people; the id unless set.
    #[serde(default)]
    pub(crate) name: Option<String>,
    /// What it is for.
    #[serde(default)]
    pub(crate) description: Option<String>,
    /// What it speaks. What its connector says, where it has one.
    pub(crate) r#type: String,
    /// What it connects to, of those that Trunkline knows: the connector says how the service is reached, what can be done
    /// with it and what its answers mean. Whatever the integration says itself wins.
    #[serde(default)]
    #[expect(dead_code, reason = "checked and described here, read before")]
    pub(crate) connector: Option<String>,
    /// What the connector asks for. What is left out, each connection has of its own, among its `values`.
    #[serde(default)]
    #[expect(dead_code, reason = "as connector")]
    pub(crate) inputs: Option<Confidential>,
    /// Which of the connector's ways to authenticate is meant. Unless set, the one that `inputs` are given for, or the
    /// first.
    #[serde(default)]
    #[expect(dead_code, reason = "as connector")]
    pub(crate) auth: Option<String>,
    /// Whether it takes calls.
    #[serde(default = "yes")]
    pub(crate) enabled: bool,
    /// How it authenticates.
    #[serde(default = "none")]
    pub(crate) auth_type: String,
    /// The keys of the auth scheme.
    #[serde(default)]
    pub(crate) auth_config: Option<Confidential>,
    /// Which answers say that the credential has expired: a list of conditions, of which any suffices; what one of
    /// them names must all hold. Unless set: a 401, and a 403 whose `WWW-Authenticate` says `Bearer` and
    /// `invalid_token`. Such an answer says that the service did not act, also where it is a 200 and the call a POST:
    /// the call is made once more with another credential, where the scheme has one.
    #[serde(default)]
    pub(crate) expired_when: Option<ExpiredWhen>,
    /// What the answers of the service mean, where it says more than its statuses do.
    #[serde(default)]
    pub(crate) errors: Option<ErrorsConfig>,
    /// Total time of a call with everything it waits for, at most 300 seconds. 30 unless set.
    #[serde(default)]
    pub(crate) timeout: Option<Seconds>,
    /// Time of one attempt, if that is to end before the whole call.
    #[serde(default)]
    pub(crate) attempt_timeout: Option<Seconds>,
    /// How often a call is attempted, and with which pauses. Up to three times unless set.
    #[serde(default)]
    pub(crate) retry_config: Option<RetryConfig>,
    /// Our own limits on the rate of calls: one, or a list. Without any, those that the service speaks of in
    /// its replies are obeyed.
    #[serde(default)]
    pub(crate) rate_limit: Option<RateLimitConfig>,
    /// When calls fail at once because the service is down. On unless `enabled` is false.
    #[serde(default)]
    pub(crate) breaker: Option<BreakerConfig>,
    /// How many attempts may be under way at the same time. 128 unless set.
    #[serde(default)]
    pub(crate) concurrency: Option<ConcurrencyConfig>,
    /// Caching of replies.
    #[serde(default)]
    pub(crate) cache_config: Option<CacheConfig>,
    /// Webhooks that come in at `POST /hooks/{integration}`: how they are checked, and where they are forwarded.
    #[serde(default)]
    pub(crate) webhooks: Option<Webhooks>,
    /// Whatever the owner wants to keep with it. Not for secrets: it is shown.
    #[serde(default)]
    #[expect(dead_code, reason = "checked and described here, shown from the document")]
    pub(crate) metadata: Option<Map<String, Value>>,
}

/// A JSON object that may hold secrets: it prints as nothing, and is zeroed when dropped.
#[derive(Clone, Default, Deserialize, JsonSchema)]
pub(crate) struct Confidential(pub(crate) Map<String, Value>);

impl Drop for Confidential {
    fn drop(&mut self) {
        fn wipe(value: &mut Value) {
            match value {
                Value::String(text) => text.zeroize(),
                Value::Array(values) => values.iter_mut().for_each(wipe),
                Value::Object(fields) => fields.values_mut().for_each(wipe),
                _ => {}
            }
        }
        self.0.values_mut().for_each(wipe);
    }
}

impl fmt::Debug for Confidential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{…}")
    }
}

pub(crate) fn yes() -> bool {
    true
}

fn none() -> String {
    "none".to_owned()
}

/// No call takes longer, whatever is configured.
const MAX_TIMEOUT: Seconds = Seconds::new(300);

impl IntegrationConfig {
    /// Reads a configuration. What belongs to a transport or a scheme is checked when it is opened.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub fn from_json(json: Value) -> Result<Self> {
        let Value::Object(mut document) = json else {
            return Err(Error::invalid(
                "an integration is a JSON object with integration_id, type and base_url",
            ));
        };
        // A key that is null is a key that is not there: clients in many languages write absent fields so.
        // What the owner keeps in metadata is none of our business.
        document.retain(|_, value| !value.is_null());
        document.iter_mut().filter(|(key, _)| *key != "metadata").for_each(|(_, value)| drop_nulls(value));
        Self::read(document, None)
    }

    /// Reads a document without nulls, with the connectors of a catalog.
    fn read(given: Map<String, Value>, catalog: Option<Arc<Catalog>>) -> Result<Self> {
        // What `unmask` found nothing for would be sent to the service as if it were the secret.
        if let Some(path) = mask::left_over(&given) {
            return Err(Error::invalid(format!("{path}: is the mask of a secret; send the secret itself")));
        }
        let (document, given, vendor) = match Vendor::of(&given, catalog.as_deref())? {
            Some((complete, vendor)) => (complete, Some(Confidential(given)), Some(Box::new(vendor))),
            None => (given, None, None),
        };
        let common: Common = parse::described(Value::Object(document.clone()), "")?;
        for (key, timeout) in [("timeout", common.timeout), ("attempt_timeout", common.attempt_timeout)] {
            if timeout.is_some_and(|timeout| timeout > MAX_TIMEOUT) {
                return Err(Error::invalid(format!("{key}: must be at most 300 seconds")));
            }
        }
        Ok(Self { document: Confidential(document), common, given, vendor, catalog })
    }

    /// Reads a configuration from JSON text.
    ///
    /// # Errors
    ///
    /// As [`IntegrationConfig::from_json`], and `invalid_config` with line and column for bad JSON.
    pub fn from_slice(json: &[u8]) -> Result<Self> {
        Self::from_json(parse::text(json)?)
    }

    /// The id.
    pub fn id(&self) -> &IntegrationId {
        &self.common.integration_id
    }

    /// The name for people.
    pub fn name(&self) -> &str {
        self.common.name.as_deref().unwrap_or(&self.common.integration_id)
    }

    /// What it is for.
    pub fn description(&self) -> &str {
        self.common.description.as_deref().unwrap_or_default()
    }

    /// What it speaks.
    pub fn r#type(&self) -> &str {
        &self.common.r#type
    }

    /// Whether it takes calls.
    pub fn enabled(&self) -> bool {
        self.common.enabled
    }

    /// The same, switched on or off.
    #[must_use]
    pub fn with_enabled(mut self, enabled: bool) -> Self {
        self.common.enabled = enabled;
        self.document.0.insert("enabled".to_owned(), enabled.into());
        if let Some(given) = &mut self.given {
            given.0.insert("enabled".to_owned(), enabled.into());
        }
        self
    }

    /// The document with every secret masked: what may be shown. What a program's own transports and schemes keep
    /// secret is known once it is registered with their manager: [`Handle::config`](crate::Handle::config).
    pub fn masked(&self) -> Value {
        match &self.vendor {
            None => mask::masked(&self.document.0, self.catalog()),
            Some(vendor) => vendor.masked(self.given(), &self.common, self.catalog()),
        }
    }

    /// What its type and its auth scheme are known by.
    pub(crate) fn catalog(&self) -> &Catalog {
        self.catalog.as_deref().unwrap_or_else(|| Catalog::get())
    }

    /// The same, with the connectors of a catalog, and masked by it.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it does not know the connector, or that wants something else.
    pub(crate) fn of(self, catalog: Option<Arc<Catalog>>) -> Result<Self> {
        match (&self.vendor, &self.given, &catalog) {
            (Some(vendor), Some(given), Some(known)) if !vendor.is_of(known) => {
                Self::read(given.0.clone(), catalog)
            }
            _ => Ok(Self { catalog, ..self }),
        }
    }

    /// Its connector, and what that is given.
    pub(crate) fn vendor(&self) -> Option<&Vendor> {
        self.vendor.as_deref()
    }

    /// The same for a connection, whose document is complete, with the connector of its integration.
    pub(crate) fn with_vendor(self, vendor: Vendor) -> Self {
        Self { vendor: Some(Box::new(vendor)), ..self }
    }

    /// The document as it was given.
    pub(crate) fn given(&self) -> &Map<String, Value> {
        self.given.as_ref().map_or(&self.document.0, |given| &given.0)
    }

    /// The document with its secrets: for the store, which seals it, and for merging a change into it.
    pub fn expose(&self) -> Value {
        Value::Object(self.given().clone())
    }

    /// The same as text, as it is stored and compared.
    pub(crate) fn text(&self) -> Zeroizing<Box<str>> {
        // Writing a map with text as keys cannot fail.
        let text = Zeroizing::new(serde_json::to_string(self.given()).unwrap_or_default());
        // As large as it is and no larger: one stays in memory for each integration.
        Zeroizing::new(Box::from(text.as_str()))
    }

    /// Where the service is, for those types that say so under this key, with references read.
    pub(crate) fn base_url(&self) -> Option<String> {
        let text = self.document.0.get("base_url")?.as_str()?;
        parse::resolve(text).ok().map(|text| text.to_string())
    }

    /// Scheme, host and port of the base URL.
    pub(crate) fn origin(&self) -> Option<String> {
        let uri: Uri = self.base_url()?.parse().ok()?;
        Some(format!(
            "{}://{}",
            uri.scheme_str()?,
            uri.authority()?.as_str().rsplit('@').next()?.to_ascii_lowercase()
        ))
    }

    /// The document itself, with all that its connector says.
    pub(crate) fn document(&self) -> &Map<String, Value> {
        &self.document.0
    }

    pub(crate) fn common(&self) -> &Common {
        &self.common
    }

    /// The keys that are the transport's own.
    pub(crate) fn own(&self, catalog: &Catalog) -> Result<Value> {
        let known = catalog.own_keys(self.r#type());
        let mut own = self.document.0.clone();
        // Some transports derive limits of their own from the total time of a call.
        own.retain(|key, _| !catalog.is_common(key) || (key == "timeout" && known.contains_key(key)));
        if let Some(key) = own.keys().find(|key| !known.contains_key(*key)) {
            let common = catalog.common_keys().filter(|key| !known.contains_key(*key));
            let all = known.keys().map(String::as_str).chain(common);
            let near = nearest(key, all.clone()).map(|near| format!(", did you mean `{near}`?"));
            let shown: String = key.chars().filter(|c| !c.is_control()).take(64).collect();
            return Err(Error::invalid(format!(
                "unknown key `{shown}`{}; known for type {}: {}",
                near.unwrap_or_default(),
                self.r#type(),
                all.collect::<Vec<_>>().join(", ")
            )));
        }
        Ok(Value::Object(own))
    }

    /// The files that are read when the integration is opened: what they hold may change. Schemes and webhooks read
    /// theirs again by themselves.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        fn search(value: &Value, found: &mut Vec<PathBuf>) {
            match value {
                Value::String(text) => {
                    let named = text.split("${file:").skip(1).filter_map(|rest| rest.split_once('}'));
                    found.extend(named.map(|(path, _)| PathBuf::from(path)));
                }
                Value::Array(values) => values.iter().for_each(|value| search(value, found)),
                Value::Object(fields) => fields.values().for_each(|value| search(value, found)),
                _ => {}
            }
        }
        let mut found = Vec::new();
        let again = |key: &str| matches!(key, "auth_config" | "webhooks") || is_words(key);
        for (_, value) in self.document.0.iter().filter(|(key, _)| !again(key)) {
            search(value, &mut found);
        }
        found
    }

    /// Whether calls lead to the same service as those of `other`.
    pub(crate) fn same_service(&self, other: &Self) -> bool {
        let address = |config: &Self| config.document.0.get("base_url").cloned();
        self.r#type() == other.r#type() && address(self) == address(other)
    }

    /// The keys of the auth scheme.
    pub(crate) fn auth(&self) -> Value {
        Value::Object(self.common.auth_config.as_ref().map(|auth| auth.0.clone()).unwrap_or_default())
    }
}

impl fmt::Debug for IntegrationConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.masked(), f)
    }
}

/// Whether a key holds words of the owner's, which nothing reads.
pub(crate) fn is_words(key: &str) -> bool {
    matches!(key, "name" | "description" | "metadata")
}

pub(crate) fn drop_nulls(value: &mut Value) {
    if let Value::Object(fields) = value {
        fields.retain(|_, value| !value.is_null());
        fields.values_mut().for_each(drop_nulls);
    }
}

/// Host and port of the base URL, and no more of it: the rest may hold secrets.
pub(crate) fn host_and_port(config: &IntegrationConfig) -> Option<(Box<str>, u16)> {
    let text = config.base_url()?;
    if Engine::of(text.split(':').next().unwrap_or_default()).is_some() {
        return first_server(&text).map(|(host, port)| (host.into(), port));
    }
    let uri: Uri = text.parse().ok()?;
    let implied = if uri.scheme() == Some(&Scheme::HTTPS) { 443 } else { 80 };
    let host = uri.host()?.trim_matches(['[', ']']);
    Some((host.into(), uri.port_u16().unwrap_or(implied)))
}

/// The known word that was probably meant, in whichever case it was typed.
fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    parse::nearest(&word.to_ascii_lowercase(), known)
}

/// `name` is none of `known`: says which there are.
pub(crate) fn not_known<'a>(key: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let near = nearest(name, known.clone()).map(|near| format!("did you mean `{near}`? "));
    let list = known.collect::<Vec<_>>().join(", ");
    Error::new(
        Kind::Unsupported,
        format!("{key}: not one this build knows; {}known: {list}", near.unwrap_or_default()),
    )
}
