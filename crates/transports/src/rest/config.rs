//! The keys of a configuration that are `rest`'s own.

use std::{collections::BTreeMap, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use trunkline_core::{Context, Credential, Error, Form, Result, Seconds, Secret, is_sensitive_name, parse};

use super::{
    Rest,
    headers::{Defaults, is_reserved},
};
use crate::http::{Base, Client, Proxy, Settings, TlsConfig};

/// What an integration of type `rest` is configured with.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RestConfig {
    /// Where the API is, such as `https://api.example.com/v1`. Endpoints are joined to it.
    pub(crate) base_url: String,
    /// Headers sent with every request; a caller's header of the same name wins.
    #[serde(default)]
    pub(crate) headers: BTreeMap<String, String>,
    /// Total time of a call. It is used here only as the default of `timeouts.first_byte`.
    #[serde(default)]
    pub(crate) timeout: Option<Seconds>,
    /// Finer time limits.
    #[serde(default)]
    pub(crate) timeouts: Timeouts,
    /// TLS settings: a private authority, a client certificate.
    #[serde(default)]
    pub(crate) tls: TlsConfig,
    /// An HTTP proxy to go through. Proxies named in the environment are not used.
    #[serde(default)]
    pub(crate) proxy: Option<ProxyConfig>,
    /// Which redirects are followed. The proxy endpoint never follows any.
    #[serde(default)]
    pub(crate) redirects: Redirects,
    /// Which HTTP version is spoken.
    #[serde(default)]
    pub(crate) http_version: HttpVersion,
    /// A safe request that proves the service answers and takes the credential. Without it the health
    /// check only connects, and says so.
    #[serde(default)]
    pub(crate) probe: Option<ProbeConfig>,
}

/// Time limits within the total time of a call.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Timeouts {
    /// For a connection to be made. 5 seconds unless set.
    connect: Option<Seconds>,
    /// For the first byte of an answer, once the service has the request; and for the service to take
    /// more of a request that streams. `timeout` where that is set, otherwise 15 seconds.
    first_byte: Option<Seconds>,
    /// For a reply to stay silent once it flows. 15 seconds unless set.
    idle: Option<Seconds>,
}

/// An HTTP proxy.
#[derive(Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProxyConfig {
    /// Its URL, `http://host:port`.
    url: String,
    /// The user it wants, if any.
    #[serde(default)]
    username: Option<String>,
    /// The password of that user.
    #[serde(default)]
    password: Option<Secret>,
}

/// Which redirects are followed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Redirects {
    /// None: a redirect is an ordinary reply.
    None,
    /// Those that stay on the same scheme, host and port.
    #[default]
    SameOrigin,
    /// Also those to other hosts, which get neither credential nor headers nor body nor the client's
    /// certificate. Never from https to http.
    Any,
}

/// Which HTTP version is spoken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HttpVersion {
    /// HTTP/2 where TLS negotiates it, otherwise HTTP/1.1.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only, in clear text too.
    Http2,
}

/// A safe request for the health check.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ProbeConfig {
    /// `GET`, `HEAD` or `OPTIONS`.
    #[serde(default)]
    method: Option<String>,
    /// The endpoint, such as `/me`.
    endpoint: String,
    /// Statuses of errors that prove as much as a success, such as 403 where a credential that is good may still not see this
    /// endpoint.
    #[serde(default)]
    ok: Vec<u16>,
}

/// What the health check asks.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) method: Method,
    pub(super) endpoint: String,
    pub(super) ok: Vec<StatusCode>,
}

impl RestConfig {
    /// Checks everything and makes the transport. Performs no I/O but reading references.
    pub(crate) fn open(self, context: &Context) -> Result<Rest> {
        let base = Base::parse(&parse::resolve(&self.base_url).map_err(|error| error.at("base_url"))?)?;
        let settings = self.settings()?;
        let probe = self.probe.as_ref().map(|probe| probe.open(&base)).transpose()?;
        let first_byte =
            self.timeouts.first_byte.or(self.timeout).map_or(Duration::from_secs(15), Seconds::get);
        let abroad = settings.tls.anonymous().map(|tls| Settings { tls, ..settings.clone() });
        let client = Client::of(context, settings);
        Ok(Rest {
            defaults: Defaults::new(headers(&self.headers)?),
            abroad: abroad.map_or_else(|| client.clone(), |settings| Client::of(context, settings)),
            origin: client.origin(&base.origin()),
            client,
            redirects: self.redirects,
            first_byte,
            idle: self.timeouts.idle.map_or(Duration::from_secs(15), Seconds::get),
            probe,
            base,
        })
    }

    /// How connections are made.
    pub(crate) fn settings(&self) -> Result<Settings> {
        Ok(Settings {
            tls: self.tls.open()?,
            proxy: self.proxy.as_ref().map(ProxyConfig::open).transpose()?,
            connect: self.timeouts.connect.map_or(Duration::from_secs(5), Seconds::get),
            http1_only: self.http_version == HttpVersion::Http1,
            http2_only: self.http_version == HttpVersion::Http2,
        })
    }

    /// The same, for replies that may be silent for so long.
    pub(crate) fn with_idle(mut self, idle: Seconds) -> Self {
        self.timeouts.idle = Some(idle);
        self
    }
}

impl std::fmt::Debug for RestConfig {
    /// Nothing of it: URLs and headers that were not checked yet may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RestConfig").finish_non_exhaustive()
    }
}

/// The headers of a configuration, checked.
pub(crate) fn headers(configured: &BTreeMap<String, String>) -> Result<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(configured.len());
    for (name, value) in configured {
        let bad =
            |what: &str| Error::invalid(format!("headers: {:?} {what}", name.escape_default().to_string()));
        let parsed: HeaderName = name.parse().map_err(|_| bad("is not the name of a header"))?;
        if is_reserved(&parsed) {
            return Err(bad("is set by Trunkline itself; remove it"));
        }
        let text = parse::resolve(value).map_err(|error| error.at("headers"))?;
        let mut value = HeaderValue::from_str(&text)
            .map_err(|_| bad("has a value with a line break or control character"))?;
        value.set_sensitive(is_sensitive_name(parsed.as_str()));
        if headers.insert(parsed, value).is_some() {
            return Err(bad("is there twice, in different spelling"));
        }
    }
    Ok(headers)
}

impl ProxyConfig {
    /// Checks it.
    pub(crate) fn open(&self) -> Result<Proxy> {
        let bad = || {
            Error::invalid(
                "proxy.url: is not a URL such as http://proxy.example.com:3128, without user and path",
            )
        };
        let uri: Uri = parse::resolve(&self.url)?.parse().map_err(|_| bad())?;
        let plain =
            uri.scheme_str() == Some("http") && matches!(uri.path(), "" | "/") && uri.query().is_none();
        if !plain || uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(bad());
        }
        let authorization = match &self.username {
            None => None,
            Some(user) => {
                let password = self.password.clone().unwrap_or_else(|| Secret::new(""));
                let credential = Credential::new(Form::Basic { user: user.clone(), password });
                credential.header()?.map(|(_, value)| value.clone())
            }
        };
        Ok(Proxy { uri, authorization })
    }
}

impl ProbeConfig {
    fn open(&self, base: &Base) -> Result<Probe> {
        let method = self.method.as_deref().unwrap_or("GET");
        let method = match method.to_ascii_uppercase().as_str() {
            "GET" => Method::GET,
            "HEAD" => Method::HEAD,
            "OPTIONS" => Method::OPTIONS,
            _ => return Err(Error::invalid("probe.method: use GET, HEAD or OPTIONS, which change nothing")),
        };
        base.join(&self.endpoint, []).map_err(|error| error.at("probe"))?;
        let failure = |status: &u16| {
            let status = StatusCode::from_u16(*status).ok();
            let status = status.filter(|status| status.is_client_error() || status.is_server_error());
            status.ok_or_else(|| Error::invalid("probe.ok: takes statuses of errors, from 400 to 599"))
        };
        let ok = self.ok.iter().map(failure).collect::<Result<_>>()?;
        Ok(Probe { method, endpoint: self.endpoint.clone(), ok })
    }
}
