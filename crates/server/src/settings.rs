//! `Settings`: what the server is told on the command line, in the environment and in its file.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    num::NonZeroU32,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use trunkline::{
    Egress, Error, IntegrationConfig, KeySource, Profile, Result, Seconds, Secret, WithoutRedis, parse,
};

use crate::public::Public;

/// Where the server listens unless it is told otherwise.
pub(crate) const LISTEN: &str = "127.0.0.1:8700";

/// Everything that [`crate::start`] needs to know.
#[derive(Debug)]
pub struct Settings {
    /// The configuration file, which is watched.
    pub config: Option<PathBuf>,
    /// Overrides `server.listen`.
    pub listen: Option<SocketAddr>,
    /// Overrides `server.public_url`.
    pub public_url: Option<String>,
    /// Overrides `server.data`.
    pub data: Option<PathBuf>,
    /// What API calls must show. Without it the server answers on loopback only.
    pub token: Option<Secret>,
    /// Overrides `server.redis`.
    pub redis: Option<Secret>,
    /// Where the master key comes from.
    pub key: KeySource,
    /// Overrides `egress.profile`.
    pub profile: Option<Profile>,
    /// Added to `egress.allow`.
    pub allow: Vec<String>,
    /// Serves the example API and registers the samples that call it.
    pub demo: bool,
    /// Reads a variable of the environment, for those that OpenTelemetry defines.
    pub variable: fn(&str) -> Option<String>,
}

/// The configuration file, `trunkline.yaml`.
#[derive(Debug, Default, Clone)]
pub struct File {
    /// The server itself. Changes take effect at the next start.
    pub server: ServerSettings,
    /// Which addresses integrations may reach.
    pub egress: EgressSettings,
    /// Integrations that live in the file.
    pub integrations: Vec<IntegrationConfig>,
}

/// The file as it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Raw {
    server: ServerSettings,
    egress: EgressSettings,
    integrations: Vec<Value>,
}

/// The server itself.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ServerSettings {
    /// Address and port; `127.0.0.1:8700` unless set.
    pub listen: Option<String>,
    /// The URL under which browsers reach the server, such as `https://trunkline.example.com`: where people who connect
    /// an account come back to. Where the server listens on loopback it is that address unless set.
    pub public_url: Option<String>,
    /// The folder of the database and the master key; `data` unless set.
    pub data: Option<PathBuf>,
    /// The only folder in which databases that are files (type `sqlite`) may be; relative paths are relative to it.
    /// `databases` in the data folder unless set.
    pub databases: Option<PathBuf>,
    /// A folder of connectors, each the manifest of a vendor; they take the place of built-in ones of their names. A change
    /// is taken over within seconds. None unless set.
    pub connectors: Option<PathBuf>,
    /// Threads that serve requests, each with a runtime of its own; one per core unless set.
    pub workers: Option<usize>,
    /// Names under which browsers and clients reach a server that asks for no token, besides
    /// `localhost` and loopback addresses.
    pub hosts: Vec<String>,
    /// Addresses and networks of the proxies in front of the server, such as `10.0.0.0/8`: what they say in `X-Forwarded-For` is believed
    /// of who sends a webhook. A proxy on this machine always is.
    pub proxies: Vec<String>,
    /// How long requests may go on after a signal to stop; 30 seconds unless set.
    pub drain: Option<Seconds>,
    /// How long requests are still taken after that signal, for load balancers that lag; 2 seconds unless
    /// set, none where the server listens on loopback.
    pub drain_delay: Option<Seconds>,
    /// Connections at the same time; 4,096 unless set. Up to 16 more are taken for one request each that is no
    /// call, so that an operator can always get in; calls over these are answered with 503 and `Retry-After`.
    pub connections: Option<usize>,
    /// Calls and proxied requests that are under way at the same time; 1,024 unless set. Others wait for up to a
    /// second, 256 of them, and are then answered with 503 and `Retry-After`.
    pub calls: Option<NonZeroU32>,
    /// Bytes of a request's body that is read into memory; 4 MiB unless set. Proxied bodies stream.
    pub body: Option<usize>,
    /// Bytes of the body of a webhook; 1 MiB unless set.
    pub webhook: Option<usize>,
    /// How many records of activity are kept; 50,000 unless set.
    pub activity: Option<usize>,
    /// Bytes of replies that are kept, over all integrations; 64 MiB unless set, and none with 0.
    pub cache: Option<u64>,
    /// The Redis in which servers count rate limits together, such as `redis://:password@host:6379/0`, or `rediss://`
    /// for TLS. Each server counts for itself unless set.
    pub redis: Option<Secret>,
    /// Who counts while that Redis is out of reach: each server its share of a limit (`local_share`), each server
    /// the whole of it (`open`), or nobody, so that nothing passes (`closed`). `local_share` unless set.
    pub without_redis: Option<WithoutRedis>,
    /// Traces of calls.
    pub telemetry: TelemetrySettings,
}

/// Traces of calls, exported over OTLP/HTTP. The variables of the environment that OpenTelemetry defines win.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TelemetrySettings {
    /// Where a collector takes OTLP over HTTP, such as `http://127.0.0.1:4318`; `/v1/traces` is added to it.
    /// Nothing is recorded unless set.
    pub otlp_endpoint: Option<String>,
    /// Headers that the collector wants.
    pub headers: BTreeMap<String, Secret>,
    /// The part of the traces that begin here which is recorded, from 0 to 1; all of them unless set. Of a
    /// caller's trace that is recorded if its caller does so.
    pub sample: Option<f64>,
}

/// Which addresses integrations may reach.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EgressSettings {
    /// How much is open without a rule.
    pub profile: Option<Profile>,
    /// Further hosts and networks, such as `billing.corp.local:8443` or `10.2.0.0/16:443`.
    pub allow: Vec<String>,
}

impl File {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the file and the key.
    pub fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).map_err(|error| {
            Error::invalid(format!("{}: cannot be read: {}", path.display(), error.kind()))
        })?;
        Self::parse(&text).map_err(|error| error.at(&path.display().to_string()))
    }

    /// Reads and checks the text of a file, YAML or JSON.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key, or the line of bad YAML.
    pub fn parse(text: &str) -> Result<Self> {
        let mut value = document(text)?;
        if value.is_null() {
            return Ok(Self::default());
        }
        for key in ["server", "egress"] {
            value.get_mut(key).map_or(Ok(()), resolve)?;
        }
        let raw: Raw = parse::value(value, "")?;
        let mut integrations = Vec::with_capacity(raw.integrations.len());
        for (at, json) in raw.integrations.into_iter().enumerate() {
            let name = json.get("integration_id").and_then(Value::as_str).unwrap_or_default().to_owned();
            let place = if name.is_empty() {
                format!("integrations[{at}]")
            } else {
                format!("integrations[{at}] ({name})")
            };
            integrations.push(IntegrationConfig::from_json(json).map_err(|error| error.at(&place))?);
        }
        if raw.server.telemetry.sample.is_some_and(|share| !(0.0..=1.0).contains(&share)) {
            return Err(Error::invalid("server.telemetry.sample: must be from 0 to 1"));
        }
        raw.server.public_url.as_deref().map(Public::parse).transpose()?;
        Egress::new(Profile::default(), &raw.egress.allow).map_err(|error| error.at("egress.allow"))?;
        Ok(Self { server: raw.server, egress: raw.egress, integrations })
    }
}

/// Reads JSON or YAML in which no key is there twice. An empty text is null.
///
/// # Errors
///
/// `invalid_config`, naming the line. No word of the text is repeated: it may hold secrets.
pub fn document(text: &str) -> Result<Value> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    // Nearly all JSON is YAML too, but not that with a character beyond U+FFFF as two escapes.
    if let Ok(parse::Unique(value)) = parse::text(text.as_bytes()) {
        return Ok(value);
    }
    // `no` is a word, and so is `y`: YAML 1.2 has two booleans.
    let options = serde_saphyr::options! { strict_booleans: true };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        let place = error.location().map(|at| format!(" at line {} column {}", at.line(), at.column()));
        Error::invalid(format!("is neither valid YAML nor JSON{}", place.unwrap_or_default()))
    })
}

/// Replaces references in all strings below `value`.
fn resolve(value: &mut Value) -> Result<()> {
    match value {
        Value::String(text) => *text = parse::resolve(text)?.into_owned(),
        Value::Array(values) => values.iter_mut().try_for_each(resolve)?,
        Value::Object(fields) => fields.values_mut().try_for_each(resolve)?,
        _ => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_yaml_with_three_parts() {
        let file = File::parse(
            "server:\n  listen: 127.0.0.1:9000\n  drain: 5s\negress:\n  profile: lab\n  allow: ['10.0.0.0/8:443']\n\
             integrations:\n  - integration_id: a\n    type: rest\n    base_url: https://h\n",
        )
        .unwrap();
        assert_eq!(file.server.listen.as_deref(), Some("127.0.0.1:9000"));
        assert_eq!((file.egress.profile, file.integrations.len()), (Some(Profile::Lab), 1));
        let words = "integrations: [{integration_id: no, type: rest, base_url: 'https://h', name: yes, enabled: false}]";
        let words = File::parse(words).unwrap();
        assert_eq!((&**words.integrations[0].id(), words.integrations[0].name()), ("no", "yes"));
        let json = r#"{"integrations": [{"integration_id": "a", "type": "rest", "base_url": "https://h", "name": "\ud83d\ude80"}]}"#;
        assert_eq!(File::parse(json).unwrap().integrations[0].name(), "\u{1f680}");
        assert!(File::parse("").unwrap().integrations.is_empty());
        assert!(File::parse("# nothing\n").unwrap().integrations.is_empty());
    }

    #[test]
    fn a_bad_file_names_the_key_and_shows_no_value() {
        for (text, word) in [
            ("servr: {}", "did you mean `server`"),
            ("server: {lisen: x}", "did you mean `listen`"),
            ("server: {telemetry: {sample: 1.5}}", "server.telemetry.sample"),
            ("server: {public_url: 'http://me:hunter2@tl.example'}", "server.public_url"),
            ("egress: {allow: ['*']}", "egress.allow"),
            ("egress: {profile: hunter2}", "egress.profile"),
            (
                "integrations:\n  - {integration_id: a, type: rest, timeout: hunter2}",
                "integrations[0] (a): timeout",
            ),
            ("integrations:\n  - {type: rest}", "integration_id"),
            ("integrations: hunter2", "integrations"),
            ("a: [1, hunter2", "YAML"),
            ("server: {data: a}\nserver: {data: hunter2}", "line 2"),
            ("{\"server\": {}, \"server\": {\"data\": \"hunter2\"}}", "line 1"),
            ("server: {data: '${env:NO_SUCH_VARIABLE}'}", "NO_SUCH_VARIABLE"),
        ] {
            let error = File::parse(text).unwrap_err();
            assert!(
                error.to_string().contains(word) && !format!("{error:?}").contains("hunter2"),
                "{text}: {error}"
            );
        }
    }
}
