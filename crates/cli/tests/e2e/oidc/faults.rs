//! Token endpoints that answer what they should not: each is told clearly, and the grant stays as it was.

use serde_json::json;

use super::{
    config,
    grants::{given, granted, knows_provider},
    pair,
};

#[tokio::test]
async fn an_answer_that_is_no_token_says_what_it_is_and_costs_nothing() {
    let (provider, server) = pair().await;
    knows_provider(&server, &provider.url("")).await;
    for (fault, kind, says) in [
        ("html", "protocol", "neither JSON nor a form"),
        ("empty", "protocol", "neither JSON nor a form"),
        ("huge", "protocol", "longer than 65536 bytes"),
        ("bomb", "protocol", "longer than 65536 bytes"),
        ("redirect", "protocol", "307"),
        ("down", "unavailable", "503"),
    ] {
        let auth = granted(&server).await;
        server.has(&config(&provider, fault, auth.clone())).await;
        server.post(&format!("/api/v1/integrations/provider/proxy/fault?{fault}"), &json!({})).await.is(200);
        let before = given(&server, "asked").await["asked"].as_u64().unwrap();
        for _ in 0..20 {
            let answer = server.call(fault, &json!({ "endpoint": "/resource" })).await;
            let problem = answer.problem(502, kind);
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(says) && detail.contains("token_url"), "{fault}: {problem}");
        }
        assert_eq!(given(&server, "asked").await["asked"], before + 1, "{fault}: nobody asks again at once");
        // A new start asks again, with the very same refresh token.
        let same = config(&provider, fault, auth);
        server.json("PUT", &format!("/api/v1/integrations/{fault}"), &same).await.is(200);
        server.get(&format!("/api/v1/integrations/{fault}/proxy/resource")).await.is(200);
    }
}

#[tokio::test]
async fn a_life_that_makes_no_sense_lasts_until_the_token_is_refused() {
    let (provider, server) = pair().await;
    knows_provider(&server, &provider.url("")).await;
    for (fault, asks) in
        [("no_expiry", 1), ("negative", 1), ("string", 1), ("endless", 1), ("zero", 2), ("same", 1)]
    {
        let before = given(&server, "asked").await["asked"].as_u64().unwrap();
        server.post(&format!("/api/v1/integrations/provider/proxy/fault?{fault}"), &json!({})).await.is(200);
        server.has(&config(&provider, fault, json!({}))).await;
        for _ in 0..20 {
            server.get(&format!("/api/v1/integrations/{fault}/proxy/resource")).await.is(200);
        }
        assert_eq!(given(&server, "asked").await["asked"], before + asks, "{fault}");
    }
}

#[tokio::test]
async fn a_token_of_a_type_that_is_not_understood_is_not_sent() {
    let (provider, server) = pair().await;
    knows_provider(&server, &provider.url("")).await;
    server.post("/api/v1/integrations/provider/proxy/fault?mac", &json!({})).await.is(200);
    server.has(&config(&provider, "a", json!({}))).await;
    let problem = server.call("a", &json!({ "endpoint": "/resource" })).await.problem(502, "protocol");
    assert!(problem["detail"].as_str().unwrap().contains("type \"mac\""), "{problem}");
}
