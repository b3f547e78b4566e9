//! Security schemes of OAuth 2 and OpenID Connect: one way to authenticate for each flow that is still used.

use serde_json::{Map, Value, json};

use super::{
    document::{members, text},
    notes::shown,
    schemes::{Scheme, asks, auth, secret},
    servers::input,
};
use crate::{Auth, Input};

/// Where a provider of OpenID Connect says what it has (OpenID Connect Discovery, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// How many scopes a person is shown.
const SCOPES: usize = 30;

impl Scheme<'_> {
    /// A way for each flow, each with what tells its name from the others.
    pub(super) fn oauth2(&self) -> Vec<(String, Auth)> {
        let mut made = Vec::new();
        for (name, flow) in members(self.scheme, "flows") {
            let place = format!("{}.flows.{}", self.place, shown(name));
            let (grant, title, suffix) = match name.as_str() {
                "clientCredentials" => {
                    ("client_credentials", "OAuth 2: the client's own account", "_client_credentials")
                }
                "authorizationCode" => {
                    ("authorization_code", "OAuth 2: a person agrees in a browser", "_authorization_code")
                }
                extension if extension.starts_with("x-") => continue,
                _ => {
                    self.notes.tell(place, "is a flow that is not used any more, or not known; left out");
                    continue;
                }
            };
            let mut config = Map::new();
            config.insert("grant_type".to_owned(), grant.into());
            let mut urls = vec![("tokenUrl", "token_url")];
            if grant == "authorization_code" {
                urls.push(("authorizationUrl", "authorization_url"));
            }
            let found = urls.into_iter().all(|(key, ours)| {
                let url = text(Some(flow), key).and_then(|url| self.absolute(url));
                url.map(|url| config.insert(ours.to_owned(), url.into())).is_some()
            });
            if !found {
                self.notes.tell(place, "has URLs that are missing, or to which no secret is sent: they begin with https://; left out");
                continue;
            }
            let refresh = text(Some(flow), "refreshUrl").and_then(|url| self.absolute(url));
            if refresh.is_some_and(|url| config["token_url"] != url.as_str()) {
                self.notes.tell(&*place, "tokens are refreshed at its tokenUrl, not at its refreshUrl");
            }
            let scopes: Vec<_> = members(flow, "scopes").map(|(scope, _)| &**scope).collect();
            let auth = client(title, grant, &scopes, config);
            // It comes first where there are several, as it needs nobody.
            made.push((suffix.to_owned(), auth));
        }
        made.sort_by(|(a, _), (b, _)| b.cmp(a));
        if made.len() == 1 {
            made[0].0.clear();
        }
        made
    }

    /// Both ways that there may be: a person agrees, or the client is its own account.
    pub(super) fn open_id(&self) -> Vec<(String, Auth)> {
        let url = text(Some(self.scheme), "openIdConnectUrl").and_then(|url| self.absolute(url));
        let Some(issuer) = url.as_deref().and_then(|url| url.strip_suffix(DISCOVERY)) else {
            return self
                .tell(format!("its URL does not begin with https:// and end with {DISCOVERY}; left out"));
        };
        let ways = [
            ("authorization_code", "OpenID Connect: a person agrees in a browser"),
            ("client_credentials", "OpenID Connect: the client's own account"),
        ];
        let made = ways.map(|(grant, title)| {
            let config = json!({ "grant_type": grant, "issuer": issuer });
            let config = config.as_object().cloned().unwrap_or_default();
            (format!("_{grant}"), client(title, grant, &[], config))
        });
        made.into()
    }

    /// A URL that a secret may be sent to.
    fn absolute(&self, url: &str) -> Option<String> {
        let base = &self.server.base_url;
        let url = match url.starts_with('/') && !base.contains("{{") {
            true => {
                let (scheme, rest) = base.split_once("://")?;
                format!("{scheme}://{}{url}", rest.split('/').next()?)
            }
            false => url.to_owned(),
        };
        let local = ["http://localhost", "http://127.0.0.1", "http://[::1]"];
        let local = local.iter().any(|host| {
            url.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '/']))
        });
        let safe = url.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) || local;
        (safe && !url.contains("{{") && !url.contains("${")).then_some(url)
    }
}

/// A client of an authorization server.
fn client(title: &str, grant: &str, scopes: &[&str], mut config: Map<String, Value>) -> Auth {
    let mut inputs = vec![input("client_id", "Client ID")];
    // A client in which a person agrees may have none.
    inputs
        .push(Input { optional: grant == "authorization_code", ..secret("client_secret", "Client secret") });
    let mut help = "What the token is to be good for, with spaces between".to_owned();
    if !scopes.is_empty() {
        let more = scopes.len().saturating_sub(SCOPES);
        let some = scopes.iter().take(SCOPES).copied().collect::<Vec<_>>().join(" ");
        help.push_str(&format!(", of: {some}"));
        if more > 0 {
            help.push_str(&format!(" and {more} more, which the document has"));
        }
    }
    inputs.push(Input { optional: true, help, ..input("scope", "Scope") });
    for key in ["client_id", "client_secret", "scope"] {
        config.insert(key.to_owned(), asks(key));
    }
    Auth { auth_config: config, ..auth(title, "oauth2", inputs) }
}
