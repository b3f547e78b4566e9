//! What is not taken, and how little its sender hears.

use aws_lc_rs::hmac;
use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{AT, SECRET, activity, event, now, read, send, send_at, shop, signature};
use crate::harness::{Answer, Server, connect, until, within};

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

async fn hook(server: &Server, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers: Vec<_> = headers.iter().copied().chain([("trunkline-token", "")]).collect();
    server.with("POST", path, &headers, body.to_owned()).await
}

#[tokio::test]
async fn a_webhook_without_a_good_signature_is_refused_alike_and_leaves_a_line() {
    let server = Server::begin().token(TOKEN).start().await;
    server.has(&shop(json!({}))).await;
    let body = event("evt_1");
    let old = signature(SECRET, now() - 400, &body);
    let early = signature(SECRET, now() + 400, &body);
    let (wrong, other) = (signature("whsec_other", now(), &body), signature(SECRET, now(), "{}"));
    let good = signature(SECRET, now(), &body);
    let timeless = good.split_once(',').unwrap().1;
    let mut answers = Vec::new();
    for signed in [&*old, &*early, &*wrong, &*other, timeless, "", "t=1,v1=0"] {
        let answer = hook(&server, "/hooks/shop", &[("stripe-signature", signed)], &body).await;
        answers.push(answer.problem(401, "unauthorized"));
    }
    answers.push(hook(&server, "/hooks/shop", &[], &body).await.problem(401, "unauthorized"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    let list = server.get(&format!("{AT}/events")).await.is(200).json();
    assert_eq!(list, json!([]));
    server.logs("it was signed 40").await;
    server.logs("it has no Stripe-Signature").await;
    let log = server.logs("no signature of it was made with a secret").await;
    assert!(!log.contains(SECRET), "{log}");
    until("the records", || async {
        let refused = activity(&server, "shop", "webhook_refused").await;
        (refused.len() == 8 && refused[0]["kind"] == "unauthenticated").then_some(())
    })
    .await;
    // The token is no signature.
    let headers = [("trunkline-token", TOKEN)];
    server.with("POST", "/hooks/shop", &headers, body.clone()).await.problem(401, "unauthorized");
    hook(&server, "/hooks/shop", &[("stripe-signature", &good)], &body).await.is(204);
}

#[tokio::test]
async fn an_integration_that_takes_none_looks_like_one_that_is_not_there() {
    let server = Server::begin().start().await;
    server.has(&shop(json!({}))).await;
    server.has(&json!({"integration_id": "plain", "type": "rest", "base_url": "http://127.0.0.1:9"})).await;
    let body = event("evt_1");
    let signed = signature(SECRET, now(), &body);
    let mut answers = Vec::new();
    for path in ["/hooks/plain", "/hooks/none", "/hooks/%00"] {
        answers.push(
            hook(&server, path, &[("stripe-signature", &signed)], &body).await.problem(404, "unknown_path"),
        );
    }
    server.json("PATCH", AT, &json!({"enabled": false})).await.is(200);
    answers.push(send(&server, "evt_1").await.problem(404, "unknown_path"));
    assert!(answers.iter().all(|answer| *answer == answers[0]), "{answers:?}");
    server.with("GET", "/hooks/shop", &[], "").await.is(405);
}

#[tokio::test]
async fn a_secret_is_replaced_without_a_gap_and_never_shown() {
    let server = Server::begin().start().await;
    server.has(&shop(json!({}))).await;
    let verify = json!({"secret": "whsec_new", "old_secrets": [SECRET]});
    server.json("PATCH", AT, &json!({"webhooks": {"verify": verify}})).await.is(200);
    let taken = async |secret: &str, id: &str| {
        let body = event(id);
        let signed = signature(secret, now(), &body);
        hook(&server, "/hooks/shop", &[("stripe-signature", &signed)], &body).await.status.as_u16()
    };
    assert_eq!((taken(SECRET, "evt_1").await, taken("whsec_new", "evt_2").await), (204, 204));
    let shown = server.get(AT).await.is(200).json();
    assert!(!shown.to_string().contains("whsec_"), "{shown}");
    assert_eq!(shown["webhooks"]["verify"]["secret"], "********", "{shown}");
    assert_eq!(shown["webhooks"]["verify"]["type"], "stripe", "{shown}");
    // What is sent back masked is kept.
    server.json("PUT", AT, &shown).await.is(200);
    assert_eq!((taken(SECRET, "evt_3").await, taken("whsec_new", "evt_4").await), (204, 204));
    server.json("PATCH", AT, &json!({"webhooks": {"verify": {"old_secrets": null}}})).await.is(200);
    assert_eq!((taken(SECRET, "evt_5").await, taken("whsec_new", "evt_6").await), (401, 204));
}

#[tokio::test]
async fn a_secret_that_cannot_be_read_is_our_fault_and_the_sender_comes_again() {
    let server = Server::begin().start().await;
    let verify = json!({"type": "stripe", "secret": "${env:NO_SUCH_VARIABLE}"});
    server.has(&shop(json!({"verify": verify}))).await;
    let answer = send(&server, "evt_1").await;
    assert_eq!(answer.header("retry-after"), "60");
    let problem = answer.problem(503, "store_unavailable");
    assert!(!problem.to_string().contains("NO_SUCH_VARIABLE"), "{problem}");
    server.logs("NO_SUCH_VARIABLE").await;
    // Those that can be read are tried all the same.
    let verify = json!({"type": "stripe", "secret": "${env:NO_SUCH_VARIABLE}", "old_secrets": [SECRET]});
    server.json("PATCH", AT, &json!({"webhooks": {"verify": verify}})).await.is(200);
    send(&server, "evt_1").await.is(204);
    send_at(&server, &event("evt_2"), now() - 3600).await.is(401);
    let body = event("evt_3");
    let signed = signature("whsec_other", now(), &body);
    hook(&server, "/hooks/shop", &[("stripe-signature", &signed)], &body).await.is(503);
}

#[tokio::test]
async fn large_bodies_are_refused_before_they_are_looked_at() {
    let server = Server::begin().start().await;
    server.has(&shop(json!({}))).await;
    let large = "x".repeat((1 << 20) + 1);
    let signed = signature("whsec_other", now(), &large);
    hook(&server, "/hooks/shop", &[("stripe-signature", &signed)], &large)
        .await
        .problem(413, "payload_too_large");
}

#[tokio::test]
async fn what_its_head_tells_to_be_unsigned_is_refused_before_its_body_comes() {
    let server = Server::begin().start().await;
    server.has(&shop(json!({}))).await;
    let old = format!("stripe-signature: {}\r\n", signature(SECRET, now() - 400, "{}"));
    for signed in ["", &old] {
        // A body that never comes.
        let head = format!(
            "POST /hooks/shop HTTP/1.1\r\nhost: localhost\r\n{signed}content-length: 1000000\r\n\r\n"
        );
        let mut raw = connect(server.address).await;
        raw.write_all(head.as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        within("the answer", raw.read_exact(&mut answer)).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 401", "{signed}");
    }
    server.logs("it has no Stripe-Signature").await;
    server.logs("it was signed 40").await;
}

#[tokio::test]
async fn no_more_are_taken_than_the_rate_says_and_nobody_uses_it_up_who_does_not_sign() {
    let server = Server::begin().start().await;
    server.has(&shop(json!({"rate": 1}))).await;
    for _ in 0..30 {
        assert_eq!(hook(&server, "/hooks/shop", &[], "{}").await.status, 401);
    }
    let mut taken = Vec::new();
    let refused = loop {
        let answer = send(&server, &format!("evt_{}", taken.len())).await;
        if answer.status != 204 {
            break answer;
        }
        taken.push(answer);
    };
    assert!(taken.len() >= 10, "{}", taken.len());
    assert_eq!((refused.status.as_u16(), refused.header("retry-after")), (429, "1"), "{refused:?}");
}

#[tokio::test]
async fn the_url_is_the_one_that_the_sender_knows() {
    let server = Server::begin().env("TRUNKLINE_PUBLIC_URL", "https://hooks.example.com/tl").start().await;
    let verify = json!({"type": "twilio", "secret": "token"});
    server.has(&shop(json!({"verify": verify, "id": "/MessageSid", "event_type": "/MessageStatus"}))).await;
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, b"token");
    let signed = |url: &str| {
        let text = format!("{url}MessageSidSM1MessageStatussent");
        STANDARD.encode(hmac::sign(&key, text.as_bytes()))
    };
    let form = "MessageStatus=sent&MessageSid=SM1";
    for (url, status) in [
        ("https://hooks.example.com/tl/hooks/shop?a=b", 204),
        ("https://hooks.example.com/hooks/shop?a=b", 401),
        ("https://hooks.example.com/tl/hooks/shop", 401),
    ] {
        let signature = signed(url);
        let headers =
            [("x-twilio-signature", &*signature), ("content-type", "application/x-www-form-urlencoded")];
        hook(&server, "/hooks/shop?a=b", &headers, form).await.is(status);
    }
    let event = read(&server, "SM1").await;
    assert_eq!((&event["type"], &event["text"]), (&json!("sent"), &json!(form)), "{event}");
}

#[tokio::test]
async fn a_wrong_configuration_is_told_by_the_key_that_is_wrong() {
    let server = Server::begin().start().await;
    let hmac = |keys: Value| json!({"verify": keys});
    for (webhooks, word) in [
        (hmac(json!({"type": "hmac", "secret": "s"})), "webhooks: verify: header"),
        (hmac(json!({"type": "strip", "secret": "s"})), "webhooks.verify.type"),
        (json!({"verify": {"type": "stripe"}, "to": [{"to": "a"}]}), "webhooks: verify.secret"),
        (json!({"to": [{"to": "a"}, {"to": "a"}]}), "to[1].name"),
        (json!({"to": [{"to": "a b"}]}), "to[0].to"),
        (json!({"to": [{"to": "a", "request": {"json": "{{mesage}}"}}]}), "did you mean `message`"),
        (json!({"id": "id"}), "webhooks: id"),
        (json!({"challenge": {"at": "type", "equals": "a", "answer": "/b"}}), "webhooks: challenge: at"),
        (json!({"keep": {"events": 0}}), "webhooks: keep: events"),
        (json!({"retry": {"attempts": 0}}), "webhooks: retry: attempts"),
        (json!({"rate": 0}), "webhooks: rate"),
        (json!({"verfy": {}}), "did you mean `verify`"),
        (
            json!({"verify": {"type": "stripe", "secret": "{{connection.secret}}"}}),
            "webhooks: are the integration's",
        ),
    ] {
        let problem = server.register(&shop(webhooks.clone())).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains(word), "{webhooks}: {problem}");
    }
}

#[tokio::test]
async fn webhooks_of_which_nobody_says_how_they_are_signed_are_none() {
    let server = Server::begin().start().await;
    for verify in [None, Some(Value::Null), Some(json!({}))] {
        let mut bare = shop(json!({}));
        let webhooks = bare["webhooks"].as_object_mut().unwrap();
        webhooks.remove("verify");
        webhooks.extend(verify.clone().map(|verify| ("verify".to_owned(), verify)));
        let problem = server.register(&bare).await.problem(422, "invalid_config");
        assert!(problem["detail"].as_str().unwrap().contains("verify"), "{verify:?}: {problem}");
    }
    hook(&server, "/hooks/shop", &[], &event("evt_1")).await.problem(404, "unknown_path");
}

#[tokio::test]
async fn who_recorded_a_webhook_of_github_cannot_send_it_again_under_another_id() {
    let server = Server::begin().start().await;
    let inputs = json!({"token": "ghp_1", "webhook_secret": SECRET});
    server.has(&json!({"integration_id": "shop", "connector": "github", "inputs": inputs})).await;
    let deliver = async |body: &str, id: &str| {
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET.as_bytes());
        let tag: String =
            hmac::sign(&key, body.as_bytes()).as_ref().iter().map(|b| format!("{b:02x}")).collect();
        let signed = format!("sha256={tag}");
        let headers =
            [("x-hub-signature-256", &*signed), ("x-github-delivery", id), ("x-github-event", "push")];
        hook(&server, "/hooks/shop", &headers, body).await.is(204);
    };
    for (body, id) in [("{\"after\": 1}", "1"), ("{\"after\": 1}", "2"), ("{\"after\": 2}", "2")] {
        deliver(body, id).await;
    }
    let events = server.get(&format!("{AT}/events")).await.is(200).json();
    assert_eq!(events.as_array().unwrap().len(), 2, "{events}");
    assert!(events.as_array().unwrap().iter().all(|event| event["type"] == "push"), "{events}");
}

#[tokio::test]
async fn a_connector_knows_how_its_vendor_signs() {
    let server = Server::begin().start().await;
    let mut stripe = json!({
        "integration_id": "shop", "connector": "stripe", "inputs": {"secret_key": "sk_test_1"},
    });
    server.has(&stripe).await;
    // Without the secret none are taken.
    send(&server, "evt_1").await.is(404);
    stripe["inputs"]["webhook_secret"] = SECRET.into();
    server.json("PUT", AT, &stripe).await.is(200);
    send(&server, "evt_1").await.is(204);
    assert_eq!(read(&server, "evt_1").await["type"], "charge.succeeded");
    let shown = server.get(AT).await.is(200).json();
    assert_eq!(shown["inputs"]["webhook_secret"], "********", "{shown}");
}

/// Sends a webhook as Slack does.
async fn send_as_slack(server: &Server, secret: &str, body: &Value) -> Answer {
    let (at, body) = (now(), body.to_string());
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("v0:{at}:{body}").as_bytes());
    let tag: String = tag.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
    let headers = [
        ("x-slack-signature", &*format!("v0={tag}")),
        ("x-slack-request-timestamp", &at.to_string()),
        ("content-type", "application/json"),
    ];
    hook(server, "/hooks/chat", &headers, &body).await
}

#[tokio::test]
async fn slack_hears_its_challenge_where_that_is_signed_and_it_is_no_event() {
    let server = Server::begin().token(TOKEN).start().await;
    let chat = json!({
        "integration_id": "chat", "connector": "slack",
        "inputs": {"bot_token": "xoxb-1", "signing_secret": "8f742231"},
    });
    server.has(&chat).await;
    let asked = json!({"token": "t", "challenge": "<b>3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7", "type": "url_verification"});
    send_as_slack(&server, "another", &asked).await.problem(401, "unauthorized");
    let heard = send_as_slack(&server, "8f742231", &asked).await.is(200);
    assert_eq!(heard.body, asked["challenge"].as_str().unwrap());
    assert_eq!(heard.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(heard.header("x-content-type-options"), "nosniff");
    // An event is one that has the type of the challenge within.
    let sent = json!({"type": "event_callback", "event_id": "Ev1", "event": {"type": "url_verification"}, "challenge": "no"});
    assert!(send_as_slack(&server, "8f742231", &sent).await.is(204).body.is_empty());
    let kept = server.get("/api/v1/integrations/chat/events").await.is(200).json();
    let ids: Vec<_> = kept.as_array().unwrap().iter().map(|event| event["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["Ev1"]);
    until("what happened", || async {
        let challenges = activity(&server, "chat", "webhook_challenge").await;
        (challenges.len() == 1).then_some(())
    })
    .await;
}
