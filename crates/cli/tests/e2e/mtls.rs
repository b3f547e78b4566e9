//! Services that ask for a client's certificate.

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Authority, Peer};

use crate::harness::Server;

#[tokio::test]
async fn a_service_that_wants_a_certificate_takes_the_right_one_alone() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let peer = Peer::https(|_| Response::new(Body::from("hello")), authority.server(true)).await;
    let server = Server::begin().allow(&peer).start().await;
    let (certificate, key) = authority.client();
    let (foreign, foreign_key) = stranger.client();
    let has = async |id: &str, mut tls: Value| {
        tls["ca"] = authority.pem().into();
        let url = format!("https://127.0.0.1:{}", peer.address().port());
        let config = json!({ "integration_id": id, "type": "rest", "base_url": url, "tls": tls });
        server.has(&config).await;
    };
    has("right", json!({ "client_cert": certificate, "client_key": key })).await;
    has("none", json!({})).await;
    has("foreign", json!({ "client_cert": foreign, "client_key": foreign_key })).await;

    for _ in 0..2 {
        assert_eq!(server.call("right", &json!({ "endpoint": "/x" })).await.is(200).text(), "hello");
    }
    server.get("/api/v1/integrations/right/proxy/x").await.is(200);
    assert_eq!(server.test("right", &json!({ "endpoint": "/x" })).await["status"], "success");
    let arrived = peer.received().len();
    for id in ["none", "foreign"] {
        let problem = server.call(id, &json!({ "endpoint": "/x" })).await.problem(502, "protocol");
        assert!(problem["detail"].as_str().unwrap().contains("tls.client_cert"), "{id}: {problem}");
        let tested = server.test(id, &json!({ "endpoint": "/x" })).await;
        assert_eq!(tested["status"], "error", "{id}: {tested}");
    }
    assert_eq!(peer.received().len(), arrived, "nothing was said to strangers");
    let shown = server.get("/api/v1/integrations/right").await.is(200).json();
    assert_eq!(shown["tls"]["client_key"], "********", "{shown}");
}
