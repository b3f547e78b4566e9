//! Connecting an account: a person signs in at a certified authorization server, agrees, and comes back.

use serde_json::{Value, json};
use trunkline_testkit::OidcProvider;

use super::spec::{begin, passes};
use crate::harness::Server;

/// An integration whose service is the provider's resource, and whose calls need a person's account.
async fn has_shop(server: &Server, provider: &OidcProvider) {
    server.has(&json!({ "integration_id": "provider", "type": "rest", "base_url": provider.url("") })).await;
    let back = format!("http://{}/api/v1/oauth/callback/shop", server.address);
    let metadata = json!({
        "redirect_uris": [back], "grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"],
        "token_endpoint_auth_method": "client_secret_basic", "scope": "read write",
    });
    let registration = server.post("/api/v1/integrations/provider/proxy/reg", &metadata).await;
    let client: Value = registration.is(201).json();
    server
        .has(&json!({
            "integration_id": "shop", "name": "The shop", "type": "rest", "base_url": provider.url(""),
            "auth_type": "oauth2", "probe": { "endpoint": "/resource" },
            "auth_config": {
                "grant_type": "authorization_code", "scope": "read",
                "client_id": client["client_id"], "client_secret": client["client_secret"],
                "authorization_url": provider.url("/auth"), "token_url": provider.url("/token"),
                "revocation_url": provider.url("/token/revocation"),
            },
        }))
        .await;
    server.post("/api/v1/integrations/provider/proxy/in-person", &json!({})).await.is(200);
}

#[tokio::test]
async fn an_account_is_connected_given_up_withdrawn_and_connected_again() {
    let provider = OidcProvider::start(3600);
    let server = begin().allow_at(provider.address()).start().await;
    has_shop(&server, &provider).await;
    passes(&server, "connect", &[("PROVIDER_URL", &provider.url(""))]).await;
}
