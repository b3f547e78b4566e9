//! Passwords, asked for by a server that others wrote.

use serde_json::{Value, json};
use trunkline_testkit::Httpbin;

use crate::harness::Server;

async fn pair() -> (Httpbin, Server) {
    let httpbin = Httpbin::start();
    let server = Server::begin().allow_at(httpbin.address()).start().await;
    (httpbin, server)
}

fn config(httpbin: &Httpbin, id: &str, scheme: &str, password: &str, resource: &str) -> Value {
    json!({
        "integration_id": id, "type": "rest", "base_url": httpbin.url(""), "auth_type": scheme,
        "auth_config": { "username": "user", "password": password }, "probe": { "endpoint": resource },
    })
}

#[tokio::test]
async fn basic_is_taken_with_the_right_password_alone() {
    let (httpbin, server) = pair().await;
    let resource = "/basic-auth/user/p%40ss:word";
    server.has(&config(&httpbin, "right", "basic", "p@ss:word", resource)).await;
    server.has(&config(&httpbin, "wrong", "basic", "canary-4711", resource)).await;
    assert_eq!(server.call("right", &json!({ "endpoint": resource })).await.is(200).json()["user"], "user");
    let problem =
        server.call("wrong", &json!({ "endpoint": resource })).await.problem(502, "unauthenticated");
    assert!(!problem.to_string().contains("canary"), "{problem}");
}

#[tokio::test]
async fn digest_answers_each_algorithm_and_needs_to_be_asked_once() {
    let (httpbin, server) = pair().await;
    for (n, (qop, algorithm)) in
        [("auth", "MD5"), ("auth", "SHA-256"), ("auth-int", "MD5"), ("auth-int", "SHA-256")]
            .into_iter()
            .enumerate()
    {
        let resource = format!("/digest-auth/{qop}/user/passwd/{algorithm}");
        let id = format!("i{n}");
        server.has(&config(&httpbin, &id, "digest", "passwd", &resource)).await;
        for attempts in ["2", "1", "1"] {
            // A body, which `auth-int` hashes. (With a query httpbin fails: it joins bytes to text.)
            let request = json!({ "endpoint": resource, "data": "a body" });
            let answer = server.call(&id, &request).await.is(200);
            assert_eq!(answer.json()["authenticated"], true, "{resource}");
            assert_eq!(answer.header("trunkline-attempts"), attempts, "{resource}");
        }
        server.get(&format!("/api/v1/integrations/{id}/proxy{resource}")).await.is(200);
        let health = server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200).json();
        assert_eq!(health["state"], "healthy", "{health}");
        let tested = server.test(&id, &json!({ "endpoint": resource })).await;
        assert_eq!(tested["status"], "success", "{tested}");
    }
}

#[tokio::test]
async fn a_wrong_password_ends_a_digest_after_one_more_attempt_and_is_not_shown() {
    let (httpbin, server) = pair().await;
    let resource = "/digest-auth/auth/user/passwd/SHA-256";
    server.has(&config(&httpbin, "wrong", "digest", "canary-4711", resource)).await;
    for _ in 0..2 {
        let answer = server.call("wrong", &json!({ "endpoint": resource })).await;
        assert_eq!(answer.header("trunkline-attempts"), "2");
        let problem = answer.problem(502, "unauthenticated");
        assert!(!problem.to_string().contains("canary"), "{problem}");
    }
    let health = server.get("/api/v1/integrations/wrong/health").await.is(200).json();
    assert_ne!(health["state"], "healthy", "{health}");
    let tested = server.test("wrong", &json!({ "endpoint": resource })).await;
    assert_eq!(tested["status"], "error", "{tested}");
    assert!(!server.log().contains("canary"), "the password is in the log");
}

#[tokio::test]
async fn many_calls_at_once_share_the_first_challenge() {
    let (httpbin, server) = pair().await;
    let resource = "/digest-auth/auth/user/passwd/MD5";
    server.has(&config(&httpbin, "a", "digest", "passwd", resource)).await;
    let request = json!({ "endpoint": resource });
    let answers = futures_util::future::join_all((0..20).map(|_| server.call("a", &request))).await;
    answers.into_iter().for_each(|answer| drop(answer.is(200)));
    assert_eq!(server.call("a", &request).await.is(200).header("trunkline-attempts"), "1");
}
