//! `trunkline connect`: connects an account that calls of an integration are made for.

use std::time::Duration;

use clap::Args;
use http::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{connections, read};
use crate::{
    client::{Server, path},
    exit::Exit,
    output::{Output, plain},
};

/// How often the server is asked whether somebody has agreed.
const LOOK: Duration = Duration::from_secs(1);

/// Connects the account that calls are made for (auth type oauth2).
///
/// Prints a link for the browser of the person who is to agree, and waits until they have. Fails if they refuse, or
/// do not come back in time. With --json the link is printed first, and then how the account stands.
#[derive(Debug, Args)]
pub(crate) struct Connect {
    /// The integration.
    id: String,
    /// Prints a code to type in on another device instead, as it does by itself for the grant type `device_code`.
    #[arg(long, conflicts_with = "import")]
    device: bool,
    /// One of its connections: whose account it is.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Takes tokens that were issued elsewhere from a file, or - for standard input: JSON with `access_token`,
    /// `refresh_token`, or both.
    #[arg(long, value_name = "FILE")]
    import: Option<String>,
}

impl Connect {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let account = Account { id: &self.id, connection: self.connection.as_deref() };
        let standing = match &self.import {
            Some(file) => {
                let tokens = trunkline_server::document(&read(file)?).map_err(|error| error.at(file))?;
                server.json(Method::POST, &account.at("/tokens")?, Some(&tokens)).await?
            }
            None if self.device || self.is_for_devices(server).await? => {
                self.device(server, output, &account).await?
            }
            None => self.browser(server, output, &account).await?,
        };
        if output.is_json() {
            output.value(&standing);
        } else {
            let whose = self.connection.as_ref().map(|name| format!(" for {name}")).unwrap_or_default();
            let scope = text(&standing, "scope").map(|scope| format!("; it may: {scope}"));
            output.line(format!("{} is connected{whose}{}", self.id, scope.unwrap_or_default()));
        }
        Ok(())
    }

    async fn is_for_devices(&self, server: &Server) -> Result<bool, Exit> {
        let config = server.json(Method::GET, &path(&self.id, "")?, None).await?;
        let grant = config.pointer("/auth_config/grant_type").and_then(Value::as_str);
        Ok(grant.is_some_and(|grant| grant.ends_with("device_code")))
    }

    async fn browser(&self, server: &Server, output: &Output, account: &Account<'_>) -> Result<Value, Exit> {
        let when = |standing: &Value| standing.pointer("/last_attempt/at_ms").and_then(Value::as_u64);
        let before = when(&server.json(Method::GET, &account.at("")?, None).await?);
        let link = server.json(Method::GET, &account.at("/authorize")?, None).await?;
        if output.is_json() {
            output.value(&link);
        } else {
            let (url, redirect_uri) = (text(&link, "url"), text(&link, "redirect_uri"));
            output.line(format!(
                "Open this in the browser of whoever is to agree:\n  {}",
                url.unwrap_or_default()
            ));
            output.line(format!(
                "The provider has to know this redirect URI:\n  {}",
                redirect_uri.unwrap_or_default()
            ));
        }
        // A link that is opened at the last moment is good for as long again.
        let end = Instant::now() + 2 * lifetime(&link);
        loop {
            sleep(LOOK).await;
            let standing = server.json(Method::GET, &account.at("")?, None).await?;
            if when(&standing) != before {
                let attempt = &standing["last_attempt"];
                return match attempt["kind"].as_str() {
                    Some("ok") => Ok(standing),
                    _ => Err(Exit::failed(text(attempt, "detail").unwrap_or_default())),
                };
            }
            if Instant::now() >= end {
                return Err(Exit::failed("nobody came back in time; ask for another link"));
            }
        }
    }

    async fn device(&self, server: &Server, output: &Output, account: &Account<'_>) -> Result<Value, Exit> {
        let issued = |standing: &Value| standing["updated_at_ms"].as_i64();
        let before = issued(&server.json(Method::GET, &account.at("")?, None).await?);
        let code = server.json(Method::POST, &account.at("/device")?, None).await?;
        if output.is_json() {
            output.value(&code);
        } else {
            let shown = |key| text(&code, key).unwrap_or_default();
            output.line(format!("Type {} at {}", shown("user_code"), shown("verification_uri")));
            if let Some(link) = text(&code, "verification_uri_complete") {
                output.line(format!("  or open {link}"));
            }
        }
        let end = Instant::now() + lifetime(&code) + Duration::from_secs(60);
        loop {
            sleep(LOOK).await;
            let standing = server.json(Method::GET, &account.at("")?, None).await?;
            match standing["state"].as_str() {
                Some("pending") if Instant::now() < end => {}
                Some("connected") if issued(&standing) != before => return Ok(standing),
                _ => {
                    let reason = text(&standing, "reason");
                    return Err(Exit::failed(
                        reason.unwrap_or_else(|| {
                            "nobody agreed; what was connected before still is".to_owned()
                        }),
                    ));
                }
            }
        }
    }
}

/// Where the server has an account.
pub(super) struct Account<'a> {
    pub(super) id: &'a str,
    pub(super) connection: Option<&'a str>,
}

impl Account<'_> {
    /// What is at `tail` of it.
    pub(super) fn at(&self, tail: &str) -> Result<String, Exit> {
        let path = path(self.id, &format!("/oauth{tail}"))?;
        Ok(match self.connection {
            Some(name) => format!("{path}?connection={}", connections::checked(name)?),
            None => path,
        })
    }
}

/// What others say, fit for a terminal.
fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(plain)
}

fn lifetime(value: &Value) -> Duration {
    Duration::from_secs(value["expires_in"].as_u64().unwrap_or(600))
}
