//! Signatures of AWS, checked by a server that others wrote.

use serde_json::{Value, json};
use trunkline_testkit::Moto;

use crate::harness::Server;

async fn pair() -> (Moto, Server) {
    let moto = Moto::start();
    let server = Server::begin().allow_at(moto.address()).start().await;
    (moto, server)
}

fn config(moto: &Moto, id: &str, service: &str, auth: Value) -> Value {
    let mut config = json!({
        "integration_id": id, "type": "rest", "base_url": moto.url(), "auth_type": "aws_sigv4",
        "auth_config": {
            "access_key_id": moto.access_key_id, "secret_access_key": moto.secret_access_key,
            "region": "us-east-1", "service": service,
        },
        "probe": { "endpoint": "/" },
    });
    config["auth_config"].as_object_mut().unwrap().extend(auth.as_object().unwrap().clone());
    config
}

#[tokio::test]
async fn s3_takes_what_is_signed_whatever_its_name() {
    let (moto, server) = pair().await;
    server.has(&config(&moto, "s3", "s3", json!({}))).await;
    server.call("s3", &json!({ "method": "PUT", "endpoint": "/bucket" })).await.is(200);
    for name in ["plain.txt", "a b/c+d=e.txt", "dir//x~(1)!.txt", "%C3%BC.txt", "a%2Fb%20c"] {
        let put = json!({ "method": "PUT", "endpoint": format!("/bucket/{name}"), "data": "what is kept" });
        server.call("s3", &put).await.is(200);
        let got = server.call("s3", &json!({ "endpoint": format!("/bucket/{name}") })).await.is(200);
        assert_eq!(got.text(), "what is kept", "{name}");
    }
    let list =
        json!({ "endpoint": "/bucket", "params": { "list-type": "2", "prefix": "a b/", "delimiter": "/" } });
    assert!(server.call("s3", &list).await.is(200).text().contains("<Key>a b/c+d=e.txt</Key>"));
    let health = server.get("/api/v1/integrations/s3/health").await.is(200).json();
    assert_eq!(health["state"], "healthy", "{health}");
    let tested = server.test("s3", &json!({ "endpoint": "/bucket/plain.txt" })).await;
    assert_eq!(tested["status"], "success", "{tested}");
}

#[tokio::test]
async fn an_upload_that_streams_goes_to_s3_with_its_body_unsigned() {
    let (moto, server) = pair().await;
    server.has(&config(&moto, "s3", "s3", json!({}))).await;
    server.has(&config(&moto, "other", "execute-api", json!({}))).await;
    server.call("s3", &json!({ "method": "PUT", "endpoint": "/bucket" })).await.is(200);
    let large = "x".repeat(3 << 20);
    server.with("PUT", "/api/v1/integrations/s3/proxy/bucket/large", &[], large.clone()).await.is(200);
    let got = server.get("/api/v1/integrations/s3/proxy/bucket/large").await.is(200);
    assert_eq!(got.body.len(), large.len());
    let problem = server
        .with("PUT", "/api/v1/integrations/other/proxy/x", &[], large)
        .await
        .problem(422, "invalid_config");
    assert!(problem["detail"].as_str().unwrap().contains("streams"), "{problem}");
}

#[tokio::test]
async fn other_services_take_a_form_that_is_signed() {
    let (moto, server) = pair().await;
    server.has(&config(&moto, "sts", "sts", json!({}))).await;
    let asked = json!({
        "method": "POST", "endpoint": "/", "data": { "Action": "GetCallerIdentity", "Version": "2011-06-15" },
    });
    let answer = server.call("sts", &asked).await.is(200);
    assert!(answer.text().contains(":user/tester</Arn>"), "{}", answer.text());
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_not_shown() {
    let (moto, server) = pair().await;
    for (id, auth, says) in [
        ("wrong", json!({ "secret_access_key": "canary-4711" }), "SignatureDoesNotMatch"),
        ("unknown", json!({ "access_key_id": "AKIACANARY4711" }), "InvalidAccessKeyId"),
    ] {
        server.has(&config(&moto, id, "s3", auth)).await;
        let problem = server.call(id, &json!({ "endpoint": "/" })).await.problem(502, "forbidden");
        assert!(problem.to_string().contains(says), "{problem}");
        assert!(!problem.to_string().contains("canary-4711"), "{problem}");
        let health = server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200).json();
        assert_ne!(health["state"], "healthy", "{health}");
    }
    assert!(!server.log().contains("canary-4711"), "the key is in the log");
}
