//! `wss`: the authority that `tls.ca` names, and no other.

use serde_json::json;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{Authority, Feed};

use crate::common::Client;

#[tokio::test]
async fn a_certificate_is_checked_before_anything_is_said() {
    let authority = Authority::new();
    let feed = Feed::secure(authority.server(false)).await;
    let url = feed.url().replace("127.0.0.1", "localhost");
    let trusting = Client::of(&url, json!({ "tls": { "ca": authority.pem() } }));
    let ask = json!({ "message": { "op": "echo" } });
    assert_eq!(trusting.call(&ask).await.unwrap(), ask["message"]);
    let error = Client::of(&url, json!({})).fails(&ask).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent), "{error}");
    // Who comes without TLS is not understood.
    let error = Client::of(&url.replace("wss:", "ws:"), json!({})).fails(&ask).await;
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
    assert_eq!(feed.heard().len(), 1);
}

#[tokio::test]
async fn a_client_certificate_is_shown_where_the_service_asks_for_one() {
    let authority = Authority::new();
    let feed = Feed::secure(authority.server(true)).await;
    let url = feed.url().replace("127.0.0.1", "localhost");
    let (certificate, key) = authority.client();
    let tls = json!({ "ca": authority.pem(), "client_cert": certificate, "client_key": key });
    let ask = json!({ "message": { "op": "echo" } });
    assert_eq!(Client::of(&url, json!({ "tls": tls })).call(&ask).await.unwrap(), ask["message"]);
    let error = Client::of(&url, json!({ "tls": { "ca": authority.pem() } })).fails(&ask).await;
    assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
}
