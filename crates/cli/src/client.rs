//! `Server`: the server that a command talks to. It is called the way everything is called here: as an
//! integration.

use clap::Args;
use http::{Method, StatusCode};
use serde_json::{Value, json};
use trunkline::{
    Egress, Error, HttpRequest, IntegrationConfig, IntegrationId, Kind, Manager, Profile, Reply,
};

use crate::{exit::Exit, output::plain};

/// The server to talk to.
#[derive(Debug, Args)]
pub(crate) struct Server {
    /// The address of the server. The API token for it is taken from TRUNKLINE_API_TOKEN.
    #[arg(long, global = true, env = "TRUNKLINE_URL", default_value = "http://127.0.0.1:8700")]
    url: String,
}

impl Server {
    /// Sends a request to the API and gives its answer, whatever its status.
    pub(crate) async fn send(&self, request: HttpRequest) -> Result<Reply, Exit> {
        let mut config = json!({
            "integration_id": "trunkline", "type": "rest", "base_url": self.url, "timeout": 300,
            // Of a stream there is a sign of life every 15 seconds.
            "timeouts": { "idle": 60 },
        });
        if let Ok(token) = std::env::var("TRUNKLINE_API_TOKEN") {
            config["auth_type"] = "api_key".into();
            config["auth_config"] = json!({ "header": "Trunkline-Token", "key": token.trim() });
        }
        let egress = Egress::new(Profile::Lab, &[])?;
        let manager = Manager::builder().egress(egress).build().await?;
        let config = IntegrationConfig::from_json(config)?;
        manager.register(config).await.map_err(|error| error.at("--url"))?;
        manager.call("trunkline", request).await.or_else(Error::into_reply).map_err(|error| {
            if matches!(error.kind(), Kind::InvalidConfig | Kind::Unsupported) {
                return error.into();
            }
            let url = &self.url;
            Exit::no_server(format!(
                "no server answers at {url}: {error}; start one with `trunkline serve`, or name it with --url"
            ))
        })
    }

    /// The JSON that the API answers; a problem is a failure.
    pub(crate) async fn json(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value, Exit> {
        let mut request = HttpRequest::new(method, path);
        if let Some(body) = body {
            request = request.json(body)?;
        }
        let reply = self.send(request).await?;
        let status = reply.status;
        let value: Value = reply.json().await?;
        if status.is_success() { Ok(value) } else { Err(problem(status, &value)) }
    }
}

/// The path of something of an integration, such as `/call`.
pub(crate) fn path(id: &str, rest: &str) -> Result<String, Exit> {
    // What is no id could be another path.
    let id = IntegrationId::new(id)?;
    Ok(format!("/api/v1/integrations/{id}{rest}"))
}

/// What a problem says.
pub(crate) fn problem(status: StatusCode, value: &Value) -> Exit {
    let text = |key: &str| value.get(key).and_then(Value::as_str).map(plain);
    if value.get("kind").is_some_and(|kind| kind == "unauthorized") {
        return Exit::failed(
            "the server asks for an API token; set TRUNKLINE_API_TOKEN to the one it was started with, or to one that was made with \
             `trunkline token create`",
        );
    }
    let mut message = text("detail").unwrap_or_else(|| format!("the server answered {status}"));
    if let Some(kind) = text("kind") {
        message = format!("{kind}: {message}");
    }
    if let Some(body) = value.pointer("/upstream/body") {
        message.push_str(&format!("\n{}", plain(&body.to_string())));
    }
    match value.get("kind").and_then(Value::as_str) {
        Some(
            "invalid_config"
            | "unsupported"
            | "unknown_integration"
            | "unknown_connection"
            | "unknown_event"
            | "unknown_token"
            | "conflict"
            | "idempotency_mismatch",
        ) => Exit::input(message),
        _ => Exit::failed(message),
    }
}
