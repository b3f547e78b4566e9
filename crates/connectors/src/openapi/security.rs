//! Security schemes, as ways to authenticate.

use std::collections::{BTreeMap, BTreeSet};

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::{
    document::{Document, members, text},
    names,
    notes::{Notes, shown},
    operations::Operations,
    servers::{Server, input},
};
use crate::{Auth, Input};

/// Where a provider of OpenID Connect says what it has (OpenID Connect Discovery, section 4).
const DISCOVERY: &str = "/.well-known/openid-configuration";

/// Schemes that are enough, each with others that are needed beside it.
type Ways<'a> = BTreeSet<BTreeSet<&'a str>>;

/// The ways to authenticate, those that most operations ask for first.
pub(super) fn read(
    document: &Document,
    operations: &Operations<'_>,
    server: &Server,
    notes: &Notes,
) -> Vec<Auth> {
    let empty = Value::Null;
    let schemes = document.root().get("components").unwrap_or(&empty);
    let common = common(operations);
    tell(operations, &common, notes);
    let alone = common.iter().filter(|way| way.len() == 1).flatten().copied();
    let mut order: Vec<&str> = alone.collect();
    for (name, _) in members(schemes, "securitySchemes") {
        if !order.contains(&name.as_str()) {
            order.push(name);
        }
    }
    let mut taken: BTreeSet<String> = server.inputs.iter().map(|input| input.name.clone()).collect();
    let mut ids = BTreeSet::new();
    let mut all = Vec::new();
    for name in order {
        let place = format!("components.securitySchemes.{}", shown(name));
        let Some((_, scheme)) = members(schemes, "securitySchemes").find(|(known, _)| *known == name) else {
            notes.tell("security", format!("asks for `{}`, which is no security scheme", shown(name)));
            continue;
        };
        let made = match document.resolve(scheme) {
            Ok(scheme) => Scheme { scheme, place: &place, notes, server }.ways(),
            Err(what) => {
                notes.tell(&*place, what);
                continue;
            }
        };
        let renamed = apart(&names::identifier(name), &made, &mut taken);
        for (suffix, mut auth) in made {
            auth.id = names::unique(names::identifier(&format!("{name}{suffix}")), &mut ids);
            auth.help = text(Some(scheme), "description").unwrap_or_default().trim().to_owned();
            all.push(rename(auth, &renamed));
        }
    }
    all
}

/// The names of inputs that others have already, and those that they get.
fn apart(scheme: &str, made: &[(String, Auth)], taken: &mut BTreeSet<String>) -> BTreeMap<String, String> {
    let own: BTreeSet<_> =
        made.iter().flat_map(|(_, auth)| &auth.inputs).map(|input| input.name.clone()).collect();
    let clash = own.iter().any(|name| taken.contains(name));
    own.into_iter()
        .map(|name| {
            let wanted = if clash { format!("{scheme}_{name}") } else { name.clone() };
            (name, names::unique(wanted, taken))
        })
        .collect()
}

/// The same with other names of inputs.
fn rename(mut auth: Auth, names: &BTreeMap<String, String>) -> Auth {
    for input in &mut auth.inputs {
        let old = format!("{{{{ inputs.{} }}}}", input.name);
        if let Some(new) = names.get(&input.name) {
            input.name.clone_from(new);
        }
        for value in auth.auth_config.values_mut().filter(|value| *value == old.as_str()) {
            *value = asks(&input.name);
        }
    }
    auth
}

/// What most operations ask for: what the document says of all, unless it says nothing.
fn common<'a>(operations: &Operations<'a>) -> Ways<'a> {
    if let Some(all) = operations.document.root().get("security") {
        return ways(all);
    }
    let mut counted: BTreeMap<Ways<'a>, usize> = BTreeMap::new();
    for own in operations.list.iter().filter_map(|operation| operation.value.get("security")) {
        *counted.entry(ways(own)).or_default() += 1;
    }
    counted.into_iter().max_by_key(|(_, count)| *count).map(|(ways, _)| ways).unwrap_or_default()
}

/// Notes what is asked for in another way than usual, or together.
fn tell(operations: &Operations<'_>, common: &Ways<'_>, notes: &Notes) {
    for way in common.iter().filter(|way| way.len() > 1) {
        notes.tell("security", format!("wants {} together; an integration has one of them", list(way)));
    }
    for operation in &operations.list {
        let own = match operation.value.get("security") {
            Some(own) => ways(own),
            None if operations.document.root().get("security").is_some() => continue,
            None => Ways::new(),
        };
        if own == *common {
            continue;
        }
        let open = own.is_empty() || own.contains(&BTreeSet::new());
        let what = match open {
            true => "needs no credential; the integration's goes with it all the same".to_owned(),
            false => {
                format!("wants {}, unlike others", own.iter().map(list).collect::<Vec<_>>().join(" or "))
            }
        };
        notes.tell(&*operation.place, what);
    }
}

fn list(way: &BTreeSet<&str>) -> String {
    way.iter().map(|name| shown(name)).collect::<Vec<_>>().join(" and ")
}

fn ways(security: &Value) -> Ways<'_> {
    let each = security.as_array().into_iter().flatten().filter_map(Value::as_object);
    each.map(|way| way.keys().map(String::as_str).collect()).collect()
}

/// One of the document's schemes.
struct Scheme<'a> {
    scheme: &'a Value,
    place: &'a str,
    notes: &'a Notes,
    server: &'a Server,
}

impl Scheme<'_> {
    fn tell(&self, what: impl Into<String>) -> Vec<(String, Auth)> {
        self.notes.tell(self.place, what);
        Vec::new()
    }

    /// What can be made of it, each with what tells its name from the others.
    fn ways(&self) -> Vec<(String, Auth)> {
        match text(Some(self.scheme), "type") {
            Some("apiKey") => self.api_key(),
            Some("http") => self.http(),
            Some("oauth2") => self.oauth2(),
            Some("openIdConnect") => self.open_id(),
            Some("mutualTLS") => self
                .tell("a client certificate is part of `tls` of the integration: client_cert and client_key"),
            _ => self.tell("is of a type that is not known; left out"),
        }
    }

    fn api_key(&self) -> Vec<(String, Auth)> {
        let Some(name) =
            text(Some(self.scheme), "name").filter(|name| !name.is_empty() && !name.contains("{{"))
        else {
            return self.tell("names no place for its key; left out");
        };
        let key = match text(Some(self.scheme), "in") {
            Some("header") if name.parse::<HeaderName>().is_ok() => "header",
            Some("query") => "query",
            Some("cookie") if name.bytes().all(|c| c.is_ascii_graphic() && !b"=;,\"".contains(&c)) => {
                "cookie"
            }
            _ => return self.tell("has its key in a place that is not known; left out"),
        };
        if name.eq_ignore_ascii_case("authorization") {
            self.tell(
                "is sent as it is given: where `Bearer` or the like stands before the key, add `format`",
            );
        }
        let inputs = vec![secret("api_key", "API key")];
        one("API key", "api_key", inputs, &json!({ "key": asks("api_key"), key: name }))
    }

    fn http(&self) -> Vec<(String, Auth)> {
        let scheme = text(Some(self.scheme), "scheme").unwrap_or_default().to_ascii_lowercase();
        let login = || vec![input("username", "User"), secret("password", "Password")];
        let config = || json!({ "username": asks("username"), "password": asks("password") });
        match &*scheme {
            "basic" => one("User and password", "basic", login(), &config()),
            "digest" => one("User and password (digest)", "digest", login(), &config()),
            "bearer" => {
                one("Token", "bearer", vec![secret("token", "Token")], &json!({ "token": asks("token") }))
            }
            _ => self.tell(format!("http with scheme `{}` is not known; left out", shown(&scheme))),
        }
    }

    fn oauth2(&self) -> Vec<(String, Auth)> {
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
            let scopes: Vec<_> = members(flow, "scopes").map(|(scope, _)| scope.clone()).collect();
            let auth = client(title, grant, &scopes.join(" "), config);
            // It comes first where there are several, as it needs nobody.
            made.push((suffix.to_owned(), auth));
        }
        made.sort_by(|(a, _), (b, _)| b.cmp(a));
        if made.len() == 1 {
            made[0].0.clear();
        }
        made
    }

    fn open_id(&self) -> Vec<(String, Auth)> {
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
            (format!("_{grant}"), client(title, grant, "", config))
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
fn client(title: &str, grant: &str, scopes: &str, mut config: Map<String, Value>) -> Auth {
    let mut inputs = vec![input("client_id", "Client ID")];
    // A client in which a person agrees may have none.
    inputs
        .push(Input { optional: grant == "authorization_code", ..secret("client_secret", "Client secret") });
    let help = match scopes.is_empty() {
        true => "What the token is to be good for, with spaces between".to_owned(),
        false => format!("What the token is to be good for, with spaces between, of: {scopes}"),
    };
    inputs.push(Input { optional: true, help, ..input("scope", "Scope") });
    for key in ["client_id", "client_secret", "scope"] {
        config.insert(key.to_owned(), asks(key));
    }
    Auth { auth_config: config, ..auth(title, "oauth2", inputs) }
}

fn one(title: &str, auth_type: &str, inputs: Vec<Input>, config: &Value) -> Vec<(String, Auth)> {
    let auth_config = config.as_object().cloned().unwrap_or_default();
    vec![(String::new(), Auth { auth_config, ..auth(title, auth_type, inputs) })]
}

fn auth(title: &str, auth_type: &str, inputs: Vec<Input>) -> Auth {
    Auth {
        id: String::new(),
        title: title.to_owned(),
        help: String::new(),
        inputs,
        base_url: None,
        auth_type: auth_type.to_owned(),
        auth_config: Map::new(),
    }
}

fn secret(name: &str, title: &str) -> Input {
    Input { secret: true, ..input(name, title) }
}

fn asks(name: &str) -> Value {
    format!("{{{{ inputs.{name} }}}}").into()
}
