//! Security schemes of a document, as the schemes of integrations. Those of OAuth 2 are in `flows.rs`.

use http::HeaderName;
use serde_json::{Map, Value, json};

use super::{
    document::text,
    notes::{Notes, shown},
    servers::{Server, input},
};
use crate::{Auth, Input};

/// One of the document's schemes.
#[derive(Debug)]
pub(super) struct Scheme<'a> {
    pub(super) scheme: &'a Value,
    /// Where the document has it.
    pub(super) place: &'a str,
    pub(super) notes: &'a Notes,
    pub(super) server: &'a Server,
}

impl Scheme<'_> {
    /// Notes what is left out of it: it is no way to authenticate.
    pub(super) fn tell(&self, what: impl Into<String>) -> Vec<(String, Auth)> {
        self.notes.tell(self.place, what);
        Vec::new()
    }

    /// What can be made of it, each with what tells its name from the others.
    pub(super) fn ways(&self) -> Vec<(String, Auth)> {
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
        let place = text(Some(self.scheme), "in");
        if place == Some("header") && name.parse::<HeaderName>().is_err() {
            return self.tell(format!("`{}` is not the name of a header; left out", shown(name)));
        }
        let is_cookie = name.bytes().all(|c| c.is_ascii_graphic() && !b"=;,\"".contains(&c));
        if place == Some("cookie") && !is_cookie {
            return self.tell(format!("`{}` is not the name of a cookie; left out", shown(name)));
        }
        let key = match place {
            Some("header") => "header",
            Some("query") => "query",
            Some("cookie") => "cookie",
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
}

fn one(title: &str, auth_type: &str, inputs: Vec<Input>, config: &Value) -> Vec<(String, Auth)> {
    let auth_config = config.as_object().cloned().unwrap_or_default();
    vec![(String::new(), Auth { auth_config, ..auth(title, auth_type, inputs) })]
}

/// A way to authenticate that has no keys yet.
pub(super) fn auth(title: &str, auth_type: &str, inputs: Vec<Input>) -> Auth {
    Auth {
        id: String::new(),
        title: title.to_owned(),
        help: String::new(),
        inputs,
        auth_type: auth_type.to_owned(),
        base_url: None,
        auth_config: Map::new(),
    }
}

/// An input that is shown to nobody.
pub(super) fn secret(name: &str, title: &str) -> Input {
    Input { secret: true, ..input(name, title) }
}

/// The expression for an input.
pub(super) fn asks(name: &str) -> Value {
    format!("{{{{ inputs.{name} }}}}").into()
}
