//! Tokens and signatures of Trunkline's own making, checked as a service would.

use std::{
    sync::{Arc, Mutex},
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::{
    hmac,
    signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use http::{Response, StatusCode};
use rcgen::{KeyPair, PublicKeyData};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::Server;

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

fn answer(good: bool, says: impl Into<Body>) -> Response<Body> {
    let status = if good { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
    Response::builder().status(status).body(says.into()).unwrap()
}

/// The claims of a token that this public key verifies, and that is good now.
fn verified(received: &Received, public: &[u8]) -> Option<Value> {
    let token = received.header("authorization").strip_prefix("Bearer ")?;
    let (message, signature) = token.rsplit_once('.')?;
    let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).ok();
    let part = |part: &str| serde_json::from_slice::<Value>(&bytes(part)?).ok();
    let (header, claims) = message.split_once('.')?;
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, public)
        .verify(message.as_bytes(), &bytes(signature)?)
        .ok()?;
    let (header, claims) = (part(header)?, part(claims)?);
    let good = claims["nbf"].as_u64()? <= now() && now() < claims["exp"].as_u64()?;
    (good && header == json!({ "alg": "ES256", "typ": "JWT", "kid": "key-1" })).then_some(claims)
}

#[tokio::test]
async fn a_token_is_made_for_many_calls_and_a_new_one_when_the_service_wants_another_key() {
    let (old, new, wrong) =
        (KeyPair::generate().unwrap(), KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let trusted = Arc::new(Mutex::new(old.der_bytes().to_vec()));
    let public = trusted.clone();
    let peer = Peer::http(move |received| match verified(&received, &public.lock().unwrap()) {
        Some(claims) => answer(true, claims.to_string()),
        None => answer(false, "no"),
    })
    .await;
    let begin = Server::begin().allow(&peer);
    let file = begin.file("key.pem", &old.serialize_pem());
    let server = begin.start().await;
    for (id, key) in [("a", format!("${{file:{}}}", file.display())), ("wrong", wrong.serialize_pem())] {
        server
            .has(&json!({
                "integration_id": id, "type": "rest", "base_url": peer.url(), "auth_type": "jwt",
                "auth_config": {
                    "algorithm": "ES256", "key": key, "key_id": "key-1", "issuer": "me", "audience": "them",
                    "claims": { "scope": "read" }, "unique_id": true,
                },
                "probe": { "endpoint": "/" },
            }))
            .await;
    }
    let first = server.call("a", &json!({})).await.is(200).json();
    assert_eq!(
        (&first["iss"], &first["aud"], &first["scope"]),
        (&json!("me"), &json!("them"), &json!("read"))
    );
    assert_eq!(server.call("a", &json!({})).await.is(200).json()["jti"], first["jti"], "it is used again");
    server.get("/api/v1/integrations/a/proxy/x").await.is(200);
    let health = server.get("/api/v1/integrations/a/health").await.is(200).json();
    assert_eq!(health["state"], "healthy", "{health}");
    assert_eq!(server.test("a", &json!({ "endpoint": "/" })).await["status"], "success");

    std::fs::write(&file, new.serialize_pem()).unwrap();
    *trusted.lock().unwrap() = new.der_bytes().to_vec();
    assert_eq!(server.call("a", &json!({})).await.is(200).header("trunkline-attempts"), "2");
    assert_eq!(server.call("a", &json!({})).await.is(200).header("trunkline-attempts"), "1");

    let refused = server.call("wrong", &json!({})).await;
    assert_eq!(refused.header("trunkline-attempts"), "2", "once more with a fresh one, and no more");
    refused.problem(502, "unauthenticated");
}

/// Checks a signature in the manner of Bybit: headers, over the time, the id of the key, and the query or the body.
fn in_headers(received: &Received) -> bool {
    let header = |name: &str| received.header(&format!("x-bapi-{name}")).to_owned();
    let mut message =
        format!("{}{}{}", header("timestamp"), header("api-key"), header("recv-window")).into_bytes();
    message.extend(received.uri.query().unwrap_or_default().bytes());
    message.extend(&received.body);
    let signature: Vec<u8> = header("sign")
        .as_bytes()
        .chunks(2)
        .filter_map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect();
    let fresh = header("timestamp").parse::<u64>().is_ok_and(|time| now().abs_diff(time / 1000) < 60);
    fresh && hmac::verify(&hmac::Key::new(hmac::HMAC_SHA256, b"good"), &message, &signature).is_ok()
}

/// Checks one as Standard Webhooks has it, whose id may be used once.
fn as_webhook(received: &Received) -> bool {
    let header = |name: &str| received.header(&format!("webhook-{name}")).to_owned();
    let mut message = format!("{}.{}.", header("id"), header("timestamp")).into_bytes();
    message.extend(&received.body);
    let signature = header("signature");
    let signature = signature.strip_prefix("v1,").and_then(|text| STANDARD.decode(text).ok());
    let key = hmac::Key::new(hmac::HMAC_SHA256, b"good");
    signature.is_some_and(|signature| hmac::verify(&key, &message, &signature).is_ok())
}

/// Checks one in the manner of Binance: the last parameter of the query, over all before it.
fn in_query(received: &Received) -> bool {
    let query = received.uri.query().unwrap_or_default();
    let Some((message, signature)) = query.rsplit_once("&signature=") else { return false };
    let made = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, b"good"), message.as_bytes());
    message.contains("timestamp=")
        && signature == made.as_ref().iter().map(|b| format!("{b:02x}")).collect::<String>()
}

#[tokio::test]
async fn a_signature_is_taken_where_and_as_the_service_wants_it_and_only_with_the_right_secret() {
    let peer = Peer::http(|received| {
        let good = match received.uri.path() {
            "/headers" => in_headers(&received),
            "/webhook" => as_webhook(&received),
            _ => in_query(&received),
        };
        answer(good, "")
    })
    .await;
    let server = Server::begin().allow(&peer).start().await;
    let bybit = json!({
        "key_id": "k", "sign": "{timestamp_ms}{key_id}5000{query}{body}",
        "headers": {
            "X-BAPI-API-KEY": "{key_id}", "X-BAPI-TIMESTAMP": "{timestamp_ms}", "X-BAPI-RECV-WINDOW": "5000",
            "X-BAPI-SIGN": "{signature}",
        },
    });
    let webhook = json!({
        "sign": "{nonce}.{timestamp}.{body}", "output": "base64",
        "headers": { "webhook-id": "{nonce}", "webhook-timestamp": "{timestamp}", "webhook-signature": "v1,{signature}" },
    });
    let binance = json!({
        "sign": "{query}{body}", "query": { "timestamp": "{timestamp_ms}", "signature": "{signature}" },
    });
    for (path, auth) in [("headers", bybit), ("webhook", webhook), ("query", binance)] {
        for (secret, status) in [("good", 200), ("canary-4711", 502)] {
            let (id, mut auth) = (format!("{path}-{status}"), auth.clone());
            auth["secret"] = secret.into();
            server
                .has(&json!({
                    "integration_id": id, "type": "rest", "base_url": peer.url(), "auth_type": "hmac",
                    "auth_config": auth, "probe": { "endpoint": format!("/{path}") },
                }))
                .await;
            let get = json!({ "endpoint": format!("/{path}"), "params": { "a": "b c/d" } });
            let post = json!({ "endpoint": format!("/{path}"), "method": "POST", "json": { "a": "ü" } });
            // Binance would sign that body, which the check here leaves out.
            let requests = if path == "query" { vec![get] } else { vec![get, post] };
            for request in requests {
                let answer = server.call(&id, &request).await.is(status);
                assert!(!answer.text().contains("canary"), "{answer:?}");
            }
            let state =
                &server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200).json()["state"];
            assert_eq!(*state == "healthy", status == 200, "{id} is {state}");
        }
    }
    assert!(!server.log().contains("canary"), "the secret is in the log");
}

#[tokio::test]
async fn each_attempt_has_a_signature_of_its_own() {
    let peer = Peer::http(|_| Response::builder().status(503).body(Body::Empty).unwrap()).await;
    let server = Server::begin().allow(&peer).start().await;
    server
        .has(&json!({
            "integration_id": "a", "type": "rest", "base_url": peer.url(), "auth_type": "hmac",
            "auth_config": { "secret": "s", "sign": "{nonce}", "headers": { "X-Id": "{nonce}", "X-Sign": "{signature}" } },
            "retry_config": { "max_attempts": 3, "backoff": "1ms" },
        }))
        .await;
    server.call("a", &json!({})).await.is(502);
    let received = peer.received();
    assert_eq!(received.len(), 3);
    for (n, one) in received.iter().enumerate() {
        assert!(received[n + 1..].iter().all(|other| other.header("x-sign") != one.header("x-sign")));
    }
}
