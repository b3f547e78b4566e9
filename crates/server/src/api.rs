//! The management API, one resource a file. [`ROUTES`] is the table that the router and the OpenAPI
//! document are made from.

pub(crate) mod activity;
mod breaker;
mod connections;
mod connectors;
pub(crate) mod events;
pub(crate) mod extract;
mod integrations;
mod keys;
pub(crate) mod marks;
pub(crate) mod oauth;
mod operations;
mod schema;
mod test;
mod tested;
pub(crate) mod tokens;
mod trial;

use axum::{
    Router,
    response::IntoResponse,
    routing::{MethodRouter, delete, get, patch, post, put},
};
use http::StatusCode;
use trunkline::{Error, Kind, Manager, Result};

use crate::{docs, oauth as visit, problem::Problem, ui};

/// A route as the router and the documentation see it.
pub(crate) struct Route {
    /// In lower case; `any` for all that are passed on.
    pub(crate) method: &'static str,
    pub(crate) path: &'static str,
    pub(crate) summary: &'static str,
    /// The component that the request's body is, if it has one.
    pub(crate) request: Option<&'static str>,
    /// The status and component of the usual answer.
    pub(crate) answer: (u16, &'static str),
    /// Names of query parameters.
    pub(crate) query: &'static [&'static str],
    /// `None` for what never reaches the router.
    handler: Option<fn() -> MethodRouter<Manager>>,
}

macro_rules! routes {
    ($($method:ident $path:literal, $summary:literal, $request:expr, $answer:expr, $query:expr, $handler:expr;)*) => {
        /// Every path of the API.
        pub(crate) const ROUTES: &[Route] = &[$(Route {
            method: stringify!($method), path: $path, summary: $summary, request: $request, answer: $answer,
            query: &$query, handler: $handler,
        }),*];
    };
}

routes! {
    post "/api/v1/integrations/register", "Register an integration", Some("Integration"), (201, "Registered"), [], Some(|| post(integrations::register));
    post "/api/v1/integrations/try", "Try a configuration before it is registered, step by step; nothing is stored", Some("Trial"), (200, "Tested"), [], Some(|| post(trial::run));
    get "/api/v1/integrations/list", "List all integrations", None, (200, "List"), [], Some(|| get(integrations::list));
    get "/api/v1/integrations/health", "Probe all integrations", None, (200, "HealthOfAll"), ["details"], Some(|| get(integrations::health_all));
    get "/api/v1/integrations/{id}", "Read an integration, secrets masked, and what limits it now", None, (200, "Read"), [], Some(|| get(integrations::read));
    put "/api/v1/integrations/{id}", "Replace an integration; a masked secret keeps what is stored", Some("Integration"), (200, "Registered"), [], Some(|| put(integrations::replace));
    patch "/api/v1/integrations/{id}", "Change some keys of an integration (RFC 7396)", Some("Patch"), (200, "Registered"), [], Some(|| patch(integrations::change));
    delete "/api/v1/integrations/{id}", "Remove an integration", None, (200, "Registered"), [], Some(|| delete(integrations::remove));
    delete "/api/v1/integrations/{id}/cache", "Forget the replies that are kept for an integration", None, (200, "Registered"), [], Some(|| delete(integrations::clear_cache));
    get "/api/v1/integrations/{id}/health", "Probe an integration", None, (200, "Health"), [], Some(|| get(integrations::health));
    get "/api/v1/integrations/{id}/schema", "What can be asked for: of a database its tables and columns", None, (200, "Anything"), [], Some(|| get(schema::schema));
    post "/api/v1/integrations/{id}/breaker/reset", "Close the circuit", None, (200, "State"), [], Some(|| post(breaker::reset));
    post "/api/v1/integrations/{id}/breaker/open", "Open the circuit until it is reset", None, (200, "State"), [], Some(|| post(breaker::open));
    get "/api/v1/integrations/{id}/connections", "List the connections of an integration, by name", None, (200, "ConnectionList"), ["after", "limit", "accounts", "health"], Some(|| get(connections::list));
    post "/api/v1/integrations/{id}/connections", "Add a connection: what one tenant has of its own", Some("Connection"), (201, "Connected"), [], Some(|| post(connections::add));
    get "/api/v1/integrations/{id}/connections/{connection}", "Read a connection, secrets masked, and what limits it now if it is open", None, (200, "ConnectionRead"), [], Some(|| get(connections::read));
    put "/api/v1/integrations/{id}/connections/{connection}", "Replace a connection; a masked secret keeps what is stored", Some("Connection"), (200, "Connected"), [], Some(|| put(connections::replace));
    patch "/api/v1/integrations/{id}/connections/{connection}", "Change some keys of a connection (RFC 7396)", Some("Patch"), (200, "Connected"), [], Some(|| patch(connections::change));
    delete "/api/v1/integrations/{id}/connections/{connection}", "Remove a connection", None, (200, "Connected"), [], Some(|| delete(connections::remove));
    get "/api/v1/integrations/{id}/connections/{connection}/health", "Probe a connection", None, (200, "Health"), [], Some(|| get(connections::health));
    get "/api/v1/integrations/{id}/connections/{connection}/schema", "What can be asked for with a connection", None, (200, "Anything"), [], Some(|| get(schema::schema_of_connection));
    post "/api/v1/integrations/{id}/connections/{connection}/test", "Try a request with a connection, or probe with an empty one", Some("Request"), (200, "Tested"), [], Some(|| post(test::test_connection));
    get "/api/v1/integrations/{id}/oauth", "How the account that calls are made for stands", None, (200, "Standing"), ["connection"], Some(|| get(oauth::read));
    delete "/api/v1/integrations/{id}/oauth", "Forget the account, and tell the provider", None, (200, "Disconnected"), ["connection"], Some(|| delete(oauth::revoke));
    get "/api/v1/integrations/{id}/oauth/authorize", "Begin to connect an account: a link for a person's browser; a browser that asks for HTML is sent on at once", None, (200, "Link"), ["connection"], Some(|| get(oauth::authorize));
    post "/api/v1/integrations/{id}/oauth/device", "Begin to connect an account on another device (RFC 8628)", None, (200, "DeviceCode"), ["connection"], Some(|| post(oauth::device));
    post "/api/v1/integrations/{id}/oauth/tokens", "Take tokens that were issued elsewhere", Some("Tokens"), (200, "Standing"), ["connection"], Some(|| post(oauth::import));
    post "/api/v1/integrations/{id}/test", "Try a request, or probe with an empty one", Some("Request"), (200, "Tested"), [], Some(|| post(test::test));
    post "/api/v1/integrations/{id}/call", "Call an integration; the reply's body comes back unparsed", Some("Request"), (200, "Anything"), [], Some(|| post(elsewhere));
    get "/api/v1/integrations/{id}/actions", "What can be done with an integration by name: the actions of its connector", None, (200, "Anything"), [], Some(|| get(connectors::of_integration));
    post "/api/v1/integrations/{id}/actions/{action}", "Do something by name; the body is the action's input. With `pages=all` a list is read to its end", Some("Input"), (200, "Anything"), ["pages", "max_pages", "max_records", "max_time", "cursor"], Some(|| post(elsewhere));
    get "/api/v1/integrations/{id}/stream", "Subscribe: what the service sends by itself, as server-sent events or over a WebSocket", None, (200, "Events"), ["request"], Some(|| get(elsewhere));
    post "/api/v1/integrations/{id}/stream", "Subscribe with a request in JSON", Some("Request"), (200, "Events"), [], Some(|| post(elsewhere));
    any "/api/v1/integrations/{id}/proxy/{path}", "Pass an HTTP request of any method on, with the credential added; an Idempotency-Key is the service's", None, (200, "Anything"), [], None;
    get "/api/v1/integrations/{id}/events", "List webhooks that came, the newest first, and how far they are on their way", None, (200, "WebhookEvents"), ["before", "limit"], Some(|| get(events::list));
    get "/api/v1/integrations/{id}/events/{event}", "Read a webhook that came", None, (200, "WebhookEvent"), [], Some(|| get(events::read));
    post "/api/v1/integrations/{id}/events/{event}/redeliver", "Forward a webhook once more: to what it has not reached, or to one entry that is named", Some("Redelivery"), (200, "Redelivered"), [], Some(|| post(events::redeliver));
    post "/hooks/{id}", "Take a webhook: checked, stored, then forwarded; asks for a signature and no token", Some("Anything"), (204, "Anything"), [], Some(|| post(elsewhere));
    get "/api/v1/oauth/start/{ticket}", "Open a link to connect an account, once; asks for no token", None, (303, "Page"), [], Some(|| get(visit::start));
    get "/api/v1/oauth/callback/{id}", "Where the provider sends the browser back to; asks for no token", None, (200, "Page"), ["state", "code", "iss", "error", "error_description"], Some(|| get(visit::callback));
    get "/api/v1/connectors", "List the vendors that are known", None, (200, "Anything"), [], Some(|| get(connectors::list));
    get "/api/v1/connectors/{name}", "Read what a connector asks for, and what can be done with it", None, (200, "Anything"), [], Some(|| get(connectors::read));
    get "/api/v1/schemas", "What can be configured, as JSON Schemas: keys of all integrations, of each type, and of auth_config by auth_type", None, (200, "Schemas"), [], Some(|| get(connectors::schemas));
    get "/api/v1/activity", "What happened lately, newest first", None, (200, "ActivityList"), ["integration", "connection", "action", "kind", "status", "request_id", "since_ms", "until_ms", "before", "after", "limit"], Some(|| get(activity::query));
    get "/api/v1/activity/stream", "Follow what happens: a server-sent event for each record, from Last-Event-ID on", None, (200, "Events"), ["integration", "connection", "action", "kind", "status", "request_id", "since_ms"], Some(|| get(elsewhere));
    get "/api/v1/activity/summary", "What happened in a period, counted by integration and by steps of time", None, (200, "ActivitySummary"), ["integration", "connection", "since_ms", "until_ms", "step_ms"], Some(|| get(activity::summary));
    get "/api/v1/keys", "List the master keys by their ids, and how many envelopes each seals", None, (200, "Keys"), [], Some(|| get(keys::list));
    post "/api/v1/keys/rotate", "Put a new master key in front and move everything stored to it", None, (200, "Rotated"), [], Some(|| post(keys::rotate));
    get "/api/v1/keys/rotation", "How far everything stored has moved to the newest master key", None, (200, "Rotation"), [], Some(|| get(keys::rotation));
    delete "/api/v1/keys/rotation", "Stop the rotation that is under way: what is moved stays so, both keys are needed, and the next rotation or start goes on", None, (200, "Rotation"), [], Some(|| delete(keys::stop));
    delete "/api/v1/keys/{id}", "Remove an older master key that nothing is sealed with any more", None, (200, "Removed"), [], Some(|| delete(keys::remove));
    get "/api/v1/tokens", "List the API tokens that were made for programs; none is shown whole", None, (200, "ApiTokens"), [], Some(|| get(tokens::list));
    post "/api/v1/tokens", "Make an API token, which is shown this once", Some("NewApiToken"), (201, "MadeApiToken"), [], Some(|| post(tokens::make));
    delete "/api/v1/tokens/{id}", "Revoke an API token: from now on it is refused", None, (200, "Removed"), [], Some(|| delete(tokens::revoke));
    get "/api/v1/version", "Which version runs, and for how long", None, (200, "Version"), [], Some(|| get(operations::version));
    get "/metrics", "Metrics in the format that Prometheus reads", None, (200, "Text"), [], Some(|| get(operations::metrics));
    get "/healthz", "Whether the process lives; asks for no token", None, (200, "Text"), [], Some(|| get(operations::alive));
    get "/readyz", "Whether the server takes requests; asks for no token", None, (200, "Text"), [], Some(|| get(operations::ready));
    get "/connector.schema.json", "The JSON Schema of manifests, for editors; asks for no token", None, (200, "Anything"), [], Some(|| get(connectors::schema));
    get "/openapi.json", "This document; asks for no token", None, (200, "Anything"), [], Some(|| get(operations::openapi));
}

/// The router of everything but calls and proxied requests.
pub(crate) fn router(manager: Manager) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        if let Some(handler) = route.handler {
            router = router.route(route.path, handler());
        }
    }
    router
        .merge(docs::router())
        .merge(ui::router())
        .fallback(|| async { nothing().into_response() })
        .method_not_allowed_fallback(|| async {
            Problem::plain(
                StatusCode::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "the path knows other methods; see /docs",
            )
            .into_response()
        })
        .with_state(manager)
}

/// Never asked: `edge` takes these calls before the router. It is here so that other methods are told
/// which one there is.
async fn elsewhere() -> Problem {
    nothing()
}

/// Runs a change to its end, also if the client goes away.
async fn to_its_end<T: Send + 'static>(
    change: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let ended = tokio::spawn(change).await;
    ended.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the change did not run to its end")))
}

pub(crate) fn nothing() -> Problem {
    Problem::plain(
        StatusCode::NOT_FOUND,
        "unknown_path",
        "there is nothing at this path; see /docs for what there is",
    )
}
