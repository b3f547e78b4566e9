//! Tokens by an exchange of one's own, and which answers say that a credential has expired.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Answer, Server, until};

const PASSWORD: &str = "canary-p/w \"4711\"";

/// A service with sessions: `POST /login` opens one, in the place of the one before.
#[derive(Clone, Default)]
struct Shop(Arc<Mutex<Sessions>>);

#[derive(Default)]
struct Sessions {
    current: Option<String>,
    logins: usize,
    /// For how many seconds they are said to be good.
    life: Option<u32>,
}

fn reply(status: u16, body: &Value) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(Body::from(body.to_string())).unwrap()
}

impl Shop {
    async fn open(life: Option<u32>) -> (Self, Peer, Server) {
        let shop = Self::default();
        shop.0.lock().unwrap().life = life;
        let answering = shop.clone();
        let peer = Peer::http(move |request| answering.answer(&request)).await;
        let server = Server::beside(&peer).await;
        (shop, peer, server)
    }

    fn answer(&self, request: &Received) -> Response<Body> {
        let mut sessions = self.0.lock().unwrap();
        let known = sessions.current.as_deref().is_some_and(|id| request.header("x-session") == id);
        match request.uri.path() {
            "/login" => {
                sessions.logins += 1;
                let login: Value = serde_json::from_slice(&request.body).unwrap();
                if login != json!({ "user": "me", "password": PASSWORD }) {
                    return reply(401, &json!({ "message": "no such user", "you_sent": login }));
                }
                let id = format!("session-{}", sessions.logins);
                sessions.current = Some(id.clone());
                reply(200, &json!({ "session": { "token": id, "ttl": sessions.life } }))
            }
            "/page" => Response::builder().header("content-type", "text/html").body("<html>".into()).unwrap(),
            "/401" if !known => reply(401, &json!({ "error": "who are you?" })),
            "/200" if !known => reply(200, &json!({ "errorCode": "INVALID_SESSION_ID" })),
            "/403" if !known => {
                let mut refused = reply(403, &json!({}));
                let challenge = "Bearer error=\"invalid_token\"".parse().unwrap();
                refused.headers_mut().insert("www-authenticate", challenge);
                refused
            }
            "/denied" => reply(403, &json!({ "error": "not for you" })),
            "/never" => reply(401, &json!({ "error": "never" })),
            "/never-200" => reply(200, &json!({ "errorCode": "INVALID_SESSION_ID" })),
            _ if known => reply(200, &json!({ "method": request.method.as_str() })),
            path => panic!("{path} is not for strangers"),
        }
    }

    /// Ends the session that is open, and says nothing.
    fn forget(&self) {
        self.0.lock().unwrap().current = None;
    }

    fn logins(&self) -> usize {
        self.0.lock().unwrap().logins
    }
}

fn session(peer: &Peer) -> Value {
    json!({
        "integration_id": "a", "type": "rest", "base_url": peer.url(), "auth_type": "custom",
        "auth_config": {
            "secrets": { "password": PASSWORD }, "values": { "user": "me" },
            "request": {
                "url": format!("{}/login", peer.url()),
                "json": { "user": "{{user}}", "password": "{{password}}" },
            },
            "token": { "pointer": "/session/token" }, "expires_in": "/session/ttl", "send": { "header": "X-Session" },
        },
        "probe": { "endpoint": "/401" }, "concurrency": { "enabled": false },
    })
}

const PROXY: &str = "/api/v1/integrations/a/proxy";

/// How often a path was asked for.
fn asked(peer: &Peer, path: &str) -> usize {
    peer.received().iter().filter(|request| request.uri.path() == path).count()
}

async fn post(server: &Server, path: &str) -> Answer {
    server.post(&format!("{PROXY}{path}"), &json!({ "order": 1 })).await
}

#[tokio::test]
async fn a_thousand_calls_make_one_exchange() {
    let (shop, peer, server) = Shop::open(Some(3600)).await;
    server.has(&session(&peer)).await;
    assert_eq!(shop.logins(), 0, "nobody has called yet");
    let request = json!({ "endpoint": "/401" });
    let answers = join_all((0..1000).map(|_| server.call("a", &request))).await;
    answers.into_iter().for_each(|answer| drop(answer.is(200)));
    assert_eq!((shop.logins(), asked(&peer, "/401")), (1, 1000));
    assert_eq!(server.get("/api/v1/integrations/a/health").await.is(200).json()["state"], "healthy");
    assert_eq!(shop.logins(), 1);
}

#[tokio::test]
async fn a_token_that_ends_is_replaced_ahead_and_no_call_notices() {
    let (shop, peer, server) = Shop::open(Some(3)).await;
    server.has(&session(&peer)).await;
    until("the third session", || async {
        let answer = server.get(&format!("{PROXY}/401")).await.is(200);
        assert!(shop.logins() < 4);
        // A session that was replaced while a call with it was under way is refused: that is this service's way.
        assert!(["1", "2"].contains(&answer.header("trunkline-attempts")), "{answer:?}");
        (shop.logins() == 3).then_some(())
    })
    .await;
}

#[tokio::test]
async fn an_answer_that_the_session_has_expired_leads_to_another_and_one_more_attempt() {
    let rules = json!([{ "status": [401, 403] }, { "body": { "pointer": "/errorCode", "in": ["INVALID_SESSION_ID"] } }]);
    for (path, rules) in
        [("/401", Value::Null), ("/403", Value::Null), ("/401", rules.clone()), ("/200", rules)]
    {
        let (shop, peer, server) = Shop::open(None).await;
        let mut config = session(&peer);
        config["expired_when"] = rules;
        // What is sent twice carries the same key.
        config["retry_config"] = json!({ "idempotency_header": "X-Key" });
        server.has(&config).await;
        post(&server, path).await.is(200);
        shop.forget();
        let answer = post(&server, path).await.is(200);
        assert_eq!(
            (answer.json(), answer.header("trunkline-attempts")),
            (json!({ "method": "POST" }), "2"),
            "{path}"
        );
        assert_eq!((shop.logins(), asked(&peer, path)), (2, 3), "{path}");
        let received = peer.received();
        let calls: Vec<_> = received.iter().filter(|request| request.uri.path() == path).collect();
        assert_eq!(calls[1].header("x-key"), calls[2].header("x-key"));
        assert_eq!(calls[1].body, calls[2].body);
        let metrics = server.get("/metrics").await.is(200);
        assert!(!metrics.text().contains("trunkline_retries_total{integration=\"a\"} 1"), "it is no retry");
    }
}

#[tokio::test]
async fn a_service_that_refuses_every_session_is_asked_twice_and_its_answer_given_back() {
    let (shop, peer, server) = Shop::open(None).await;
    let mut config = session(&peer);
    config["expired_when"] = json!([{ "status": 401 }, { "body": { "pointer": "/errorCode" } }]);
    server.has(&config).await;
    assert_eq!(post(&server, "/never").await.is(401).json(), json!({ "error": "never" }));
    assert_eq!((shop.logins(), asked(&peer, "/never")), (2, 2));
    // Within half a minute there is no third session: whoever is refused hears it at once.
    let answer = post(&server, "/never-200").await.is(200);
    assert_eq!(answer.json(), json!({ "errorCode": "INVALID_SESSION_ID" }), "passed on as it came");
    assert_eq!((shop.logins(), asked(&peer, "/never-200")), (2, 1));
    let problem =
        server.call("a", &json!({ "endpoint": "/never-200" })).await.problem(502, "unauthenticated");
    assert_eq!(problem["outcome"], "rejected");
    assert_eq!(problem["upstream"], json!({ "status": 200, "body": { "errorCode": "INVALID_SESSION_ID" } }));
    let (shop, peer, server) = Shop::open(None).await;
    server.has(&session(&peer)).await;
    post(&server, "/denied").await.is(403);
    let soft = server.call("a", &json!({ "endpoint": "/never-200" })).await.is(200);
    assert_eq!(soft.json()["errorCode"], "INVALID_SESSION_ID", "nobody has said what it means");
    assert_eq!((shop.logins(), asked(&peer, "/denied"), asked(&peer, "/never-200")), (1, 1, 1));
}

#[tokio::test]
async fn a_probe_opens_a_session_where_there_is_none_and_gives_none_up() {
    let (shop, peer, server) = Shop::open(None).await;
    let health = async |id: &str| {
        let health = server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200).json();
        health["reason_code"].as_str().unwrap().to_owned()
    };
    server.has(&session(&peer)).await;
    post(&server, "/401").await.is(200);
    shop.forget();
    assert_eq!((health("a").await, shop.logins()), ("auth_expired".to_owned(), 1));
    assert_eq!(asked(&peer, "/401"), 2, "the probe was sent, once");
    assert_eq!(post(&server, "/401").await.is(200).header("trunkline-attempts"), "2");
    let mut other = session(&peer);
    other["integration_id"] = "b".into();
    server.has(&other).await;
    assert_eq!((health("b").await, shop.logins()), ("answered".to_owned(), 3));
}

#[tokio::test]
async fn what_goes_wrong_at_the_login_is_said_without_what_was_sent() {
    let (shop, peer, server) = Shop::open(None).await;
    for (id, at, value, kind, says) in [
        ("wrong", "/auth_config/secrets/password", json!("canary-wrong"), "unauthenticated", "no such user"),
        (
            "page",
            "/auth_config/request/url",
            json!(format!("{}/page", peer.url())),
            "protocol",
            "an HTML page",
        ),
        (
            "nothing",
            "/auth_config/token/pointer",
            json!("/session/id"),
            "protocol",
            "/session has token, ttl",
        ),
        ("refused", "/auth_config/request/url", json!("http://127.0.0.1:1/"), "blocked", "egress.allow"),
        (
            "env",
            "/auth_config/secrets/password",
            json!("${env:NO_SUCH}"),
            "invalid_config",
            "secrets.password",
        ),
    ] {
        let mut config = session(&peer);
        config["integration_id"] = id.into();
        *config.pointer_mut(at).unwrap() = value;
        let registered = server.register(&config).await.is(201);
        let warned = registered.text().contains("auth_config.secrets.password: ${env:NO_SUCH} is not set");
        assert_eq!(warned, id == "env", "{registered:?}");
        let before = shop.logins();
        for _ in 0..3 {
            let answer = server.call(id, &json!({ "endpoint": "/401" })).await;
            let problem = answer.json();
            assert_eq!(
                (&problem["kind"], &problem["outcome"]),
                (&json!(kind), &json!("not_sent")),
                "{problem}"
            );
            let detail = problem["detail"].as_str().unwrap();
            assert!(detail.contains(says) && !detail.contains("canary"), "{id}: {problem}");
        }
        assert!(shop.logins() <= before + 1, "not asked again at once");
        assert_eq!(asked(&peer, "/401"), 0, "without a session nothing is sent");
        let health = server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200).json();
        assert_ne!(health["state"], "healthy", "{health}");
        assert!(shop.logins() <= before + 1, "health asks no more often");
    }
    assert!(!server.log().contains("canary"), "{}", server.log());
}

#[tokio::test]
async fn what_is_shown_has_no_secret_and_can_be_sent_back() {
    let (_, peer, server) = Shop::open(None).await;
    let config = session(&peer);
    server.has(&config).await;
    let path = "/api/v1/integrations/a";
    let mut shown = server.get(path).await.is(200).json();
    let auth = &shown["auth_config"];
    assert_eq!(auth["secrets"]["password"], "********");
    assert_eq!(auth["request"]["json"]["password"], "********", "templates may hold secrets");
    for known in ["values", "token", "expires_in", "send"] {
        assert_eq!(auth[known], config["auth_config"][known]);
    }
    assert_eq!(auth["request"]["url"], config["auth_config"]["request"]["url"]);
    shown.as_object_mut().unwrap().remove("state");
    server.json("PUT", path, &shown).await.is(200);
    post(&server, "/401").await.is(200);
    // Whoever may read no secret may not send it elsewhere.
    for patch in [
        json!({ "auth_config": { "request": { "url": "https://evil.example.com/login" } } }),
        json!({ "auth_config": { "request": { "url": "https:/evil.example.com/login" } } }),
        json!({ "auth_config": { "request": { "url": "https:/evil.example.com/login" }, "values": { "user": peer.url() } } }),
        json!({ "auth_config": { "secrets": { "password": "********" }, "request": { "url": "https://evil.example.com" } } }),
        json!({ "base_url": "https://evil.example.com" }),
        json!({ "proxy": { "url": "http://evil.example.com:3128" } }),
    ] {
        let problem = server.json("PATCH", path, &patch).await.problem(422, "invalid_config");
        let detail = problem["detail"].as_str().unwrap();
        assert!(
            detail.contains("leads elsewhere") && detail.contains("send auth_config."),
            "{patch}: {problem}"
        );
    }
    let same = format!("{}/other", peer.url());
    let patch = json!({ "auth_config": { "request": { "url": same } } });
    server.json("PATCH", path, &patch).await.is(200);
}

#[tokio::test]
async fn bad_input_is_refused_with_the_name_of_its_key() {
    let (shop, peer, server) = Shop::open(None).await;
    for (at, value, says) in [
        (
            "/auth_config/token",
            json!({ "pointer": "session" }),
            "auth_config: token: pointer: is not a JSON pointer",
        ),
        ("/auth_config/token", json!("x"), "auth_config: token: unknown value"),
        (
            "/auth_config/request/url",
            json!("http://example.com"),
            "auth_config: request: url: must begin with https://",
        ),
        (
            "/auth_config/request/url",
            json!("https://h/{{password}}"),
            "auth_config: request: url: {{password}} is a secret",
        ),
        (
            "/auth_config/request/json",
            json!({ "a": "{{b}}" }),
            "auth_config: request: json: a: {{b}} is neither",
        ),
        ("/auth_config/send", json!({ "header": "a b" }), "auth_config: send: header: is not"),
        ("/auth_config/expires_in", json!(3600), "auth_config: expires_in: expected a string"),
        ("/expired_when", json!([{ "status": 200 }]), "expired_when[0]: status: a success by itself"),
        ("/expired_when", json!({ "status": 401 }), "expired_when: expected a list"),
        ("/expired_when", json!([{ "body": { "pointer": "x" } }]), "expired_when[0]: body: pointer:"),
        ("/expired_when", json!([{ "header": { "x": false } }]), "expired_when[0]: header.x: "),
        ("/expired_when", json!([{ "code": 1 }]), "expired_when[0]: unknown key `code`"),
    ] {
        let mut config = session(&peer);
        config["expired_when"] = json!([]);
        *config.pointer_mut(at).unwrap() = value;
        let answer = server.register(&config).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{config}");
        let problem = answer.json();
        assert!(problem["detail"].as_str().unwrap().starts_with(says), "{problem}");
        assert!(!problem.to_string().contains("4711"), "{problem}");
    }
    assert_eq!(shop.logins(), 0);
}
