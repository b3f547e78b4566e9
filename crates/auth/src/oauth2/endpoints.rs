//! `Endpoints`: where an authorization server is asked for what: as configured, or as the server itself says
//! (OpenID Connect Discovery 1.0, RFC 8414).

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use tokio::time::Instant;
use trunkline_core::{Context, Error, HttpRequest, Kind, Outcome, Result};
use url::Url;

use crate::endpoint::safe_url;

/// For how long what a server says of itself is believed.
const FRESH: Duration = Duration::from_secs(3600);
/// How long it may take to say it, and how much of it is read.
const WAIT: Duration = Duration::from_secs(20);
const MOST: usize = 256 << 10;

/// The endpoints of a server.
#[derive(Debug)]
pub(super) struct Endpoints {
    pub(super) issuer: Option<String>,
    pub(super) token: Option<String>,
    pub(super) authorization: Option<String>,
    pub(super) device: Option<String>,
    pub(super) revocation: Option<String>,
    found: ArcSwapOption<(Instant, Metadata)>,
}

/// What a server says of itself, as far as it is used here (RFC 8414 section 2).
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    #[serde(default)]
    token_endpoint: Option<String>,
    #[serde(default)]
    authorization_endpoint: Option<String>,
    #[serde(default)]
    device_authorization_endpoint: Option<String>,
    #[serde(default)]
    revocation_endpoint: Option<String>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// An endpoint.
#[derive(Debug, Clone, Copy)]
pub(super) enum Endpoint {
    Token,
    Authorization,
    Device,
    Revocation,
}

impl Endpoint {
    /// The key that it is configured with.
    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Token => "token_url",
            Self::Authorization => "authorization_url",
            Self::Device => "device_authorization_url",
            Self::Revocation => "revocation_url",
        }
    }
}

impl Endpoints {
    /// Checks what is configured; what is not is asked for when it is needed.
    pub(super) fn new(issuer: Option<&str>, urls: [(Endpoint, Option<&str>); 4]) -> Result<Self> {
        let mut this = Self {
            issuer: issuer.map(|issuer| safe_url("issuer", issuer)).transpose()?,
            token: None,
            authorization: None,
            device: None,
            revocation: None,
            found: ArcSwapOption::empty(),
        };
        for (endpoint, url) in urls {
            let url = url.map(|url| safe_url(endpoint.key(), url)).transpose()?;
            match endpoint {
                Endpoint::Token => this.token = url,
                Endpoint::Authorization => this.authorization = url,
                Endpoint::Device => this.device = url,
                Endpoint::Revocation => this.revocation = url,
            }
        }
        Ok(this)
    }

    fn configured(&self, endpoint: Endpoint) -> Option<&String> {
        match endpoint {
            Endpoint::Token => self.token.as_ref(),
            Endpoint::Authorization => self.authorization.as_ref(),
            Endpoint::Device => self.device.as_ref(),
            Endpoint::Revocation => self.revocation.as_ref(),
        }
    }

    /// Whether there is one, or the server may have one.
    pub(super) fn may_have(&self, endpoint: Endpoint) -> bool {
        self.configured(endpoint).is_some() || self.issuer.is_some()
    }

    /// Where `endpoint` is; `None` where the server has none.
    pub(super) async fn find(&self, context: &Context, endpoint: Endpoint) -> Result<Option<String>> {
        if let Some(url) = self.configured(endpoint) {
            return Ok(Some(url.clone()));
        }
        let Some(found) = self.metadata(context).await? else { return Ok(None) };
        let metadata = &found.1;
        let url = match endpoint {
            Endpoint::Token => &metadata.token_endpoint,
            Endpoint::Authorization => &metadata.authorization_endpoint,
            Endpoint::Device => &metadata.device_authorization_endpoint,
            Endpoint::Revocation => &metadata.revocation_endpoint,
        };
        let place = || format!("what the issuer says of its {}", endpoint.key());
        url.as_deref().map(|url| safe_url("it", url).map_err(|error| error.at(&place()))).transpose()
    }

    /// The same of one that is needed.
    pub(super) async fn need(&self, context: &Context, endpoint: Endpoint) -> Result<String> {
        self.find(context, endpoint).await?.ok_or_else(|| {
            let key = endpoint.key();
            Error::invalid(match self.issuer {
                Some(_) => format!("{key}: the issuer names none; set it"),
                None => format!("{key}: is not set"),
            })
        })
    }

    /// Whether an answer of the authorization endpoint says who gave it (RFC 9207), and who should have: `true` where
    /// it has to.
    pub(super) async fn answers_as(&self, context: &Context) -> Result<Option<(String, bool)>> {
        let found = self.metadata(context).await?;
        Ok(found
            .map(|found| (found.1.issuer.clone(), found.1.authorization_response_iss_parameter_supported)))
    }

    async fn metadata(&self, context: &Context) -> Result<Option<Arc<(Instant, Metadata)>>> {
        let Some(issuer) = &self.issuer else { return Ok(None) };
        if let Some(found) = self.found.load_full().filter(|found| found.0.elapsed() < FRESH) {
            return Ok(Some(found));
        }
        let metadata = discover(context, issuer).await;
        let metadata = metadata.map_err(|error| error.at("asking issuer where its endpoints are"));
        let found = Arc::new((Instant::now(), metadata.map_err(|error| error.outcome_is(Outcome::NotSent))?));
        self.found.store(Some(found.clone()));
        Ok(Some(found))
    }
}

async fn discover(context: &Context, issuer: &str) -> Result<Metadata> {
    let base = issuer.trim_end_matches('/');
    let oauth = {
        // RFC 8414 section 3.1: between host and path.
        let mut url = Url::parse(base).map_err(|_| Error::invalid("is not a URL"))?;
        let path = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("/.well-known/oauth-authorization-server{path}"));
        url.to_string()
    };
    let mut said = StatusCode::OK;
    for url in [format!("{base}/.well-known/openid-configuration"), oauth] {
        let request =
            HttpRequest::get("").header(header::ACCEPT, HeaderValue::from_static("application/json"));
        let asked = async {
            let reply = context.web()?.send(&url, request).await?;
            let status = reply.status;
            Ok::<_, Error>((
                status,
                if status.is_success() { reply.body.collect(MOST).await? } else { bytes::Bytes::new() },
            ))
        };
        let timed_out = |_| Err(Error::new(Kind::Timeout, format!("no answer within {WAIT:?}")));
        let (status, body) = tokio::time::timeout(WAIT, asked).await.unwrap_or_else(timed_out)?;
        said = status;
        if !status.is_success() {
            continue;
        }
        let metadata: Metadata = serde_json::from_slice(&body).map_err(|_| {
            Error::new(Kind::Protocol, format!("{url} is no metadata of an authorization server"))
        })?;
        // Otherwise one server could pass itself off as another (OpenID Connect Discovery section 4.3).
        if metadata.issuer.trim_end_matches('/') != base {
            let found: String = metadata.issuer.chars().filter(|c| !c.is_control()).take(200).collect();
            return Err(Error::new(
                Kind::Protocol,
                format!("it calls itself {found:?}; set issuer to the very same"),
            ));
        }
        return Ok(metadata);
    }
    let kind = if said.is_server_error() { Kind::Unavailable } else { Kind::Protocol };
    Err(Error::new(
        kind,
        format!("{base}/.well-known/openid-configuration answers {said}; is this the issuer?"),
    ))
}
