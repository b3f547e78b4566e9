//! `OAuth2Config`: the keys of `auth_config`, and what is made of them.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use trunkline_core::{Error, Result, Secret, Site};

use super::{
    assertion::{Assertion, ClientKey, GrantAssertion},
    client::{self, Client, ClientAuth},
    endpoints::{Endpoint, Endpoints},
    keep::Keep,
    server::{How, Server},
};

/// Gets access tokens from an authorization server and sends them as `Authorization: Bearer TOKEN`. One is asked for
/// with the first call, and replaced before it ends.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2Config {
    /// What a token is given for. `client_credentials` unless set.
    #[serde(default)]
    grant_type: Grant,
    /// Who issues tokens, such as `https://login.example.com`, where it says by itself which endpoints it has (OpenID
    /// Connect Discovery, RFC 8414). Those that are set here win.
    #[serde(default)]
    issuer: Option<String>,
    /// Where tokens are issued, such as `https://login.example.com/oauth/token`.
    #[serde(default)]
    token_url: Option<String>,
    /// Where a person's browser is sent to agree.
    #[serde(default)]
    authorization_url: Option<String>,
    /// Where a code for another device is asked for (RFC 8628).
    #[serde(default)]
    device_authorization_url: Option<String>,
    /// Where tokens are given back (RFC 7009).
    #[serde(default)]
    revocation_url: Option<String>,
    /// Who asks.
    #[serde(default)]
    client_id: String,
    /// The client's secret.
    #[serde(default)]
    client_secret: Option<Secret>,
    /// The key that the client signs with, instead of a secret.
    #[serde(default)]
    client_key: Option<ClientKey>,
    /// How the client shows that it is who it says. `auto` unless set: its secret in a header, and in the body where
    /// the server does not take that; or a signature where there is a `client_key`.
    #[serde(default)]
    client_auth: ClientAuth,
    /// What the token is to be good for: a list, or words with spaces between.
    #[serde(default)]
    scope: Option<Words>,
    /// For whom the token is, where the server wants to know.
    #[serde(default)]
    audience: Option<String>,
    /// The services that the token is for, as absolute URIs (RFC 8707).
    #[serde(default)]
    resource: Option<Words>,
    /// More parameters of the request for a token.
    #[serde(default)]
    params: BTreeMap<String, String>,
    /// More parameters of the page where a person agrees, such as `prompt: consent` or `access_type: offline`.
    #[serde(default)]
    authorization_params: BTreeMap<String, String>,
    /// The assertion that stands for a grant of type `jwt_bearer`.
    #[serde(default)]
    assertion: Option<GrantAssertion>,
    /// A refresh token that was issued elsewhere, to begin with. What it is replaced by is kept in the store.
    #[serde(default)]
    refresh_token: Option<Secret>,
    /// Where the answer of the token endpoint says at which origin the service is, as a JSON pointer such as
    /// `/instance_url`. The path of `base_url` stays.
    #[serde(default)]
    origin_from: Option<String>,
    /// What else the server calls a token that is sent as a bearer token, such as `bot` of Slack. A token of another
    /// type is not sent.
    #[serde(default)]
    token_types: Vec<String>,
}

/// What a token is given for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Grant {
    /// The client's own account (RFC 6749 section 4.4).
    #[default]
    ClientCredentials,
    /// A person who agrees in a browser (section 4.1), with PKCE (RFC 7636).
    AuthorizationCode,
    /// A person who agrees on another device (RFC 8628).
    #[serde(alias = "urn:ietf:params:oauth:grant-type:device_code")]
    DeviceCode,
    /// A refresh token that was issued elsewhere (RFC 6749 section 6).
    RefreshToken,
    /// An assertion that is signed here (RFC 7523 section 2.1).
    #[serde(alias = "urn:ietf:params:oauth:grant-type:jwt-bearer")]
    JwtBearer,
}

/// One or several words. `x-apart` tells those who draw forms what may stand between them in one text.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[schemars(extend("x-apart" = " "))]
#[serde(untagged)]
enum Words {
    One(String),
    Several(Vec<String>),
}

impl Words {
    fn iter(&self) -> impl Iterator<Item = &str> {
        let all = match self {
            Self::One(all) => std::slice::from_ref(all),
            Self::Several(words) => words,
        };
        all.iter().flat_map(|words| words.split_ascii_whitespace())
    }
}

impl OAuth2Config {
    /// A server that is asked as this says, for what is at `site`.
    pub(super) fn open(self, site: &Site) -> Result<Server> {
        let endpoints = Endpoints::new(
            self.issuer.as_deref(),
            [
                (Endpoint::Token, self.token_url.as_deref()),
                (Endpoint::Authorization, self.authorization_url.as_deref()),
                (Endpoint::Device, self.device_authorization_url.as_deref()),
                (Endpoint::Revocation, self.revocation_url.as_deref()),
            ],
        )?;
        let needs = |endpoint: Endpoint| match endpoints.may_have(endpoint) {
            true => Ok(()),
            false => Err(Error::invalid(format!("{}: is missing; set it, or issuer", endpoint.key()))),
        };
        needs(Endpoint::Token)?;
        let has_assertion = self.assertion.is_some();
        let how = match self.grant_type {
            Grant::ClientCredentials => How::Itself,
            Grant::AuthorizationCode => needs(Endpoint::Authorization).map(|()| How::Browser)?,
            Grant::DeviceCode => needs(Endpoint::Device).map(|()| How::Device)?,
            Grant::RefreshToken if self.refresh_token.is_none() => {
                return Err(Error::invalid("refresh_token: is needed for this grant_type"));
            }
            Grant::RefreshToken => How::Pasted,
            Grant::JwtBearer => {
                let assertion = self.assertion.ok_or_else(|| {
                    Error::invalid(
                        "assertion: is needed for grant_type jwt_bearer: algorithm, private_key, subject",
                    )
                })?;
                let assertion = Assertion::of_grant(assertion, &self.client_id);
                How::Assertion(Box::new(assertion.map_err(|error| error.at("assertion"))?))
            }
        };
        let useless = [
            ("assertion", has_assertion && !matches!(how, How::Assertion(_))),
            ("refresh_token", self.refresh_token.is_some() && !how.asks_a_person()),
            ("authorization_params", !self.authorization_params.is_empty() && !matches!(how, How::Browser)),
        ];
        if let Some((key, _)) = useless.into_iter().find(|(_, given)| *given) {
            return Err(Error::invalid(format!("{key}: is of no use with this grant_type; remove it")));
        }
        let nobody = matches!(how, How::Assertion(_));
        let client =
            Client::new(self.client_id, self.client_secret, self.client_auth, self.client_key, nobody)?;
        if matches!(how, How::Itself) && !client.is_confidential() {
            return Err(Error::invalid(
                "client_secret: is needed for grant_type client_credentials, which is the client's own account",
            ));
        }
        if self.origin_from.as_ref().is_some_and(|pointer| !pointer.starts_with('/')) {
            return Err(Error::invalid("origin_from: is not a JSON pointer such as /instance_url"));
        }
        let scope = self.scope.iter().flat_map(Words::iter).collect::<Vec<_>>().join(" ");
        let scope = Some(scope).filter(|scope| !scope.is_empty());
        let mut wanted: Vec<_> =
            self.audience.into_iter().map(|audience| ("audience".to_owned(), audience)).collect();
        wanted.extend(
            self.resource.iter().flat_map(Words::iter).map(|one| ("resource".to_owned(), one.to_owned())),
        );
        let params = more("params", self.params)?;
        // What a person has agreed to stays good where something else is asked for the next time. What is asked for
        // without anybody's help is another token then.
        let asked = match &how {
            How::Itself => json!(["itself", scope, wanted, params]),
            How::Assertion(assertion) => json!(["assertion", scope, wanted, params, assertion.says()]),
            How::Browser | How::Device | How::Pasted => json!("person"),
        };
        let bound_to =
            json!([endpoints.issuer, endpoints.token, client.id(), site.origin, asked]).to_string();
        Ok(Server {
            keep: Keep::new(site.vault.clone(), bound_to),
            journal: site.journal.clone(),
            params,
            authorization_params: more("authorization_params", self.authorization_params)?,
            pasted: self.refresh_token,
            origin_from: self.origin_from,
            token_types: self.token_types,
            endpoints,
            client,
            how,
            scope,
            wanted,
        })
    }
}

/// Parameters that have no key of their own.
fn more(key: &str, params: BTreeMap<String, String>) -> Result<Vec<(String, String)>> {
    const OWN: [&str; 12] = [
        "grant_type",
        "scope",
        "audience",
        "resource",
        "assertion",
        "refresh_token",
        "code",
        "code_verifier",
        "code_challenge",
        "redirect_uri",
        "response_type",
        "state",
    ];
    if let Some(name) = params.keys().find(|name| OWN.contains(&&***name) || client::is_own(name)) {
        return Err(Error::invalid(format!(
            "{key}: {:?} has a key of its own, or follows; remove it here",
            name.escape_default().to_string()
        )));
    }
    Ok(params.into_iter().collect())
}
