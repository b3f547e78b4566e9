//! What is configured, what is sent and what is made of answers, through a port that answers as it is told.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use http::{HeaderMap, HeaderName, StatusCode};
use serde_json::{Value, json};
use tokio::time::advance;
use trunkline_core::{BoxFuture, Egress, Form, HttpRequest, Profile, Web};

use super::*;

/// A status, headers and a body.
type Said = (u16, Vec<(&'static str, String)>, String);

#[derive(Debug, Default)]
struct Port {
    answers: Mutex<VecDeque<Said>>,
    sent: Mutex<Vec<(String, HttpRequest)>>,
}

impl Web for Port {
    fn send<'a>(&'a self, url: &'a str, request: HttpRequest) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            self.sent.lock().unwrap().push((url.to_owned(), request));
            let (status, headers, body) = self.answers.lock().unwrap().pop_front().expect("an answer");
            let mut reply = Reply::new(StatusCode::from_u16(status).unwrap(), body);
            for (name, value) in headers {
                reply.headers.append(HeaderName::from_static(name), value.parse().unwrap());
            }
            Ok(reply)
        })
    }
}

/// A configuration that works, with changes.
fn login(more: Value) -> Value {
    let mut config = json!({
        "secrets": { "user": "the-user", "password": "pass/w\"rd 1" }, "values": { "tenant": "north & south" },
        "request": {
            "url": "https://shop.test/login", "json": { "user": "{{user}}", "password": "{{password}}" },
        },
        "token": { "pointer": "/session/token" },
    });
    merge(&mut config, more);
    config
}

fn merge(into: &mut Value, more: Value) {
    match (into, more) {
        (Value::Object(into), Value::Object(more)) => {
            for (key, value) in more {
                match (value, into.get_mut(&key)) {
                    (Value::Null, _) => drop(into.remove(&key)),
                    (value @ Value::Object(_), Some(there)) => merge(there, value),
                    (value, _) => drop(into.insert(key, value)),
                }
            }
        }
        (into, more) => *into = more,
    }
}

fn open(config: Value) -> Result<Custom> {
    Custom::open(parse::value(config, "auth_config")?, &Site::default())
}

struct Bench {
    port: Arc<Port>,
    context: Context,
    scheme: Custom,
}

fn bench(more: Value, answers: impl IntoIterator<Item = Said>) -> Bench {
    let port = Arc::new(Port { answers: Mutex::new(answers.into_iter().collect()), ..Port::default() });
    let egress = Arc::new(Egress::new(Profile::Guarded, &[]).unwrap());
    let context = Context::new(egress).with_web(port.clone());
    Bench { port, context, scheme: open(login(more)).unwrap() }
}

impl Bench {
    /// What a call sends.
    async fn credential(&self) -> Result<String> {
        let credential = self.scheme.credential(&self.context).await?.unwrap();
        Ok(match credential.form() {
            Form::Query { name, value } => format!("?{name}={}", value.expose()?),
            _ => {
                let (name, value) = credential.header()?.unwrap();
                format!("{name}: {}", value.to_str().unwrap())
            }
        })
    }

    fn asked(&self) -> usize {
        self.port.sent.lock().unwrap().len()
    }
}

#[allow(clippy::needless_pass_by_value, reason = "a body is written where it is answered")]
fn says(status: u16, body: impl ToString) -> Said {
    (status, vec![("content-type", "application/json".to_owned())], body.to_string())
}

fn token(token: &str) -> Said {
    says(200, json!({ "session": { "token": token, "ttl": 600 } }))
}

/// The request of a configuration: line, headers and body.
async fn sent(more: Value) -> (String, HeaderMap, String) {
    let bench = bench(more, [token("t")]);
    bench.credential().await.unwrap();
    let (url, request) = bench.port.sent.lock().unwrap().pop().unwrap();
    let params: Vec<_> = request.params.iter().map(|(name, value)| format!(" {name}={value}")).collect();
    let body = request.body.collect(10_000).await.unwrap();
    let body = String::from_utf8(body.into()).unwrap();
    (format!("{} {url}{}", request.method, params.concat()), request.headers, body)
}

#[tokio::test]
async fn a_request_is_made_of_what_is_configured_with_names_and_references_in_their_places() {
    let (line, headers, body) = sent(json!({})).await;
    assert_eq!(line, "POST https://shop.test/login");
    assert_eq!(body, r#"{"password":"pass/w\"rd 1","user":"the-user"}"#);
    assert_eq!(headers["content-type"], "application/json");
    assert_eq!(headers["accept"], "application/json");

    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&file, "{{user}}\n").unwrap();
    let reference = format!("${{file:{}}}", file.path().display());
    let (line, headers, body) = sent(json!({ "request": {
        "method": "PUT", "url": "https://shop.test/{{tenant}}/login?a={{ tenant }}",
        "headers": { "X-Tenant": "{{tenant}}", "Accept": "*/*", "X-Odd": format!("a {reference}") },
        "query": { "p": "{{password}}", "fixed": "1" }, "json": null,
        "form": { "user": "{{user}}@{{tenant}}", "pass word": "{{password}}", "file": reference },
    } }))
    .await;
    assert_eq!(
        line,
        "PUT https://shop.test/north%20%26%20south/login?a=north%20%26%20south fixed=1 p=pass/w\"rd 1"
    );
    assert_eq!(
        body, "file=%7B%7Buser%7D%7D&pass+word=pass%2Fw%22rd+1&user=the-user%40north+%26+south",
        "what a file holds is no template"
    );
    assert_eq!(headers["content-type"], "application/x-www-form-urlencoded");
    for (name, value) in [("x-tenant", "north & south"), ("accept", "*/*"), ("x-odd", "a {{user}}")] {
        assert_eq!(headers[name], value);
    }

    let raw = json!({ "request": {
        "method": "GET", "json": null, "body": "<login>{{user}}</login>", "headers": { "content-type": "text/xml" },
    } });
    let (line, headers, body) = sent(raw).await;
    assert_eq!((&*line, &*body), ("GET https://shop.test/login", "<login>the-user</login>"));
    assert_eq!(headers["content-type"], "text/xml");

    let dollar = json!({ "secrets": { "user": "a${env:HOME}b" } });
    let (_, _, body) = sent(dollar).await;
    assert!(body.contains("a${env:HOME}b"), "a secret that is no reference is as it is: {body}");

    let deep = json!({ "request": { "json": { "a": [{ "b": "{{user}}", "n": 1, "t": true }] } } });
    let (_, _, body) = sent(deep).await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["a"], json!([{ "b": "the-user", "n": 1, "t": true }]));
}

#[tokio::test]
async fn a_token_is_found_and_sent_where_the_configuration_says() {
    let header = |name: &'static str, value: &str| (200, vec![(name, value.to_owned())], String::new());
    let cookies = (
        302,
        vec![
            ("set-cookie", "sid=; Max-Age=0".to_owned()),
            ("set-cookie", "other=x".to_owned()),
            ("set-cookie", "sid=c1; Path=/; HttpOnly".to_owned()),
        ],
        String::new(),
    );
    for (more, said, credential) in [
        (json!({}), token("t"), "authorization: Bearer t"),
        (json!({ "send": { "header": "X-Session" } }), token("t"), "x-session: t"),
        (
            json!({ "send": { "header": "Authorization", "format": "Token token={token}" } }),
            token("t"),
            "authorization: Token token=t",
        ),
        (json!({ "send": { "query": "session" } }), token("t"), "?session=t"),
        (json!({ "send": { "cookie": "sid" } }), token("t"), "cookie: sid=t"),
        (
            json!({ "token": { "pointer": "/0/a~1b" } }),
            says(201, json!([{ "a/b": 17 }])),
            "authorization: Bearer 17",
        ),
        (
            json!({ "token": { "pointer": null, "header": "X-Subject-Token" } }),
            header("x-subject-token", "h"),
            "authorization: Bearer h",
        ),
        (json!({ "token": { "pointer": null, "cookie": "sid" } }), cookies, "authorization: Bearer c1"),
        (json!({ "token": "text" }), (200, vec![], " plain\n".to_owned()), "authorization: Bearer plain"),
    ] {
        let shown = more.to_string();
        assert_eq!(bench(more, [said]).credential().await.unwrap(), credential, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_ahead_of_the_end_that_is_said_and_kept_where_none_is() {
    let date = ("date", "Wed, 25 Nov 2026 12:00:00 GMT".to_owned());
    // 600 seconds later.
    let ends = [
        json!("2026-11-25T12:10:00Z"),
        json!("2026-11-25T13:10:00+01:00"),
        json!(1_795_608_600),
        json!("1795608600000"),
    ];
    let mut cases = vec![
        (json!({ "expires_in": "/life" }), json!(600), true),
        (json!({ "expires_in": "/life" }), json!("600"), true),
        (json!({ "lifetime": "10m" }), json!(null), true),
        (json!({}), json!(600), false),
        (json!({ "expires_in": "/life" }), json!(0), false),
        (json!({ "expires_in": "/life" }), json!("soon"), false),
        (json!({ "expires_in": "/nowhere" }), json!(600), false),
        (json!({ "expires_at": "/life" }), json!("tomorrow"), false),
        (json!({ "expires_at": "/life" }), json!(0), false),
    ];
    cases.extend(ends.map(|end| (json!({ "expires_at": "/life" }), end, true)));
    for (more, life, ends) in cases {
        let shown = format!("{more} {life}");
        let said = |token: &str| {
            let (status, mut headers, body) =
                says(200, json!({ "session": { "token": token }, "life": life }));
            headers.push(date.clone());
            (status, headers, body)
        };
        let bench = bench(more, [said("1"), said("2")]);
        assert_eq!(bench.credential().await.unwrap(), "authorization: Bearer 1", "{shown}");
        advance(Duration::from_secs(535)).await;
        assert!(bench.scheme.ready().is_some(), "{shown}");
        advance(Duration::from_secs(10)).await;
        assert_eq!(bench.scheme.ready().is_none(), ends, "{shown}");
        assert!(bench.scheme.at_hand().is_some(), "it is good for another 25 seconds");
        advance(Duration::from_secs(30)).await;
        let now = if ends { "authorization: Bearer 2" } else { "authorization: Bearer 1" };
        assert_eq!(bench.credential().await.unwrap(), now, "{shown}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_given_up_and_a_failure_is_not_asked_about_again_at_once() {
    let bench = bench(json!({}), [token("1"), says(503, ""), token("2")]);
    bench.credential().await.unwrap();
    let refused = bench.scheme.ready().unwrap();
    bench.scheme.rejected(&refused, &HeaderMap::new()).await;
    for _ in 0..3 {
        let error = bench.credential().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent));
        assert_eq!(error.wait(), Some(Duration::from_secs(30)));
    }
    assert_eq!(bench.asked(), 2);
    advance(Duration::from_secs(30)).await;
    assert_eq!(bench.credential().await.unwrap(), "authorization: Bearer 2");
}

#[tokio::test]
async fn what_is_no_token_says_what_it_is_and_what_to_do() {
    let html = (200, vec![("content-type", "text/html".to_owned())], "<html>Welcome</html>".to_owned());
    let json = |body: Value| says(200, body);
    let at = |pointer: &str| json!({ "token": { "pointer": pointer } });
    let busy = (429, vec![("retry-after", "60".to_owned())], String::new());
    let header = json!({ "token": { "pointer": null, "header": "x-token" } });
    let cookie = json!({ "token": { "pointer": null, "cookie": "sid" } });
    let past = json!({ "expires_at": "/end" });
    for (more, said, kind, part) in [
        (json!({}), html.clone(), Kind::Protocol, "with an HTML page where JSON was expected"),
        (json!({ "token": "text" }), html, Kind::Protocol, "a page"),
        (json!({}), says(200, "value-1"), Kind::Protocol, "with something else where JSON was expected"),
        (json!({}), says(200, ""), Kind::Protocol, "with nothing where JSON was expected"),
        (
            json!({}),
            json(json!({ "session": { "id": "value-1", "ttl": 2 } })),
            Kind::Protocol,
            "token.pointer \"/session/token\" finds nothing; /session has id, ttl",
        ),
        (
            json!({}),
            json(json!({ "error": "no", "a b": 1 })),
            Kind::Protocol,
            "finds nothing; the answer has error",
        ),
        (at("/0/token"), json(json!([])), Kind::Protocol, "the answer is a list of 0"),
        (at("/session/token/x"), token("value-1"), Kind::Protocol, "/session/token is a text"),
        (json!({}), json(json!({ "session": { "token": null } })), Kind::Protocol, "/session has token"),
        (
            json!({}),
            json(json!({ "session": { "token": { "a": "value-1" } } })),
            Kind::Protocol,
            "finds an object",
        ),
        (json!({}), token(""), Kind::Protocol, "an empty token"),
        (json!({}), token("value-1\nx: y"), Kind::Protocol, "may not stand in a header"),
        (header, json(json!({})), Kind::Protocol, "without the header \"x-token\""),
        (cookie, json(json!({})), Kind::Protocol, "without the cookie \"sid\""),
        (
            past,
            json(json!({ "session": { "token": "value-1" }, "end": 1_000_000_000 })),
            Kind::Protocol,
            "has ended already",
        ),
        (json!({}), (302, vec![], String::new()), Kind::Protocol, "302 Found; no redirect is followed"),
        (json!({}), says(404, ""), Kind::Protocol, "check request.url"),
        (
            json!({}),
            says(401, json!({ "message": "no such user" })),
            Kind::Unauthenticated,
            "401 Unauthorized with `{\"message\":\"no such user\"}`; check auth_config",
        ),
        (json!({}), says(400, "bad"), Kind::Unauthenticated, "with `bad`"),
        (json!({}), says(500, "x".repeat(400)), Kind::Unavailable, "x…`"),
        (json!({}), busy, Kind::RateLimited, "by and by"),
    ] {
        let shown = format!("{more} {said:?}");
        let error = bench(more, [said]).credential().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::NotSent), "{shown}");
        assert!(error.message().starts_with("asking request.url for a token: the "), "{error}");
        assert!(error.message().contains(part), "{shown}: {error}");
        assert!(!error.message().contains("value-1"), "{error}");
    }
}

#[tokio::test]
async fn what_a_service_says_is_shown_without_what_was_sent_in_any_spelling() {
    let secret = "hunter2/and \"more\"";
    let hex: String = secret.bytes().map(|byte| format!("{byte:02X}")).collect();
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, format!("u:{secret}"));
    for echo in [
        secret.to_owned(),
        json!({ "you": secret }).to_string(),
        json!({ "you": secret }).to_string().replace('h', "\\u0068"),
        "hunter2%2Fand".to_owned(),
        hex,
        base64,
        json!({ "hunter2": { "x": 1 } }).to_string(),
        json!({ "Literal-1": { "x": 1 } }).to_string(),
        "bare-Literal-1".to_owned(),
    ] {
        for status in [200, 401] {
            let more = json!({
                "secrets": { "password": secret }, "request": { "headers": { "X-Key": "Key Literal-1" } },
            });
            let error = bench(more, [says(status, &echo)]).credential().await.unwrap_err();
            let text = format!("{error} {error:?}");
            for word in ["hunter2", "Literal-1", &echo] {
                assert!(!text.contains(word), "{echo}: {text}");
            }
        }
    }
    let error =
        bench(json!({}), [says(401, "no user the-user, or pass/w\"rd 1 is wrong")]).credential().await;
    let text = error.unwrap_err().to_string();
    assert!(text.contains("`no user ********, or ******** is wrong`"), "{text}");
}

#[test]
fn a_configuration_that_cannot_work_names_its_key_and_no_secret() {
    let request = |more: Value| json!({ "request": more });
    for (more, says) in [
        (json!({ "request": null }), "auth_config: missing field `request`"),
        (json!({ "token": null }), "auth_config: missing field `token`"),
        (json!({ "tokn": 1 }), "auth_config: unknown key `tokn`, did you mean `token`?"),
        (json!({ "token": "txt" }), "auth_config: token: unknown value"),
        (json!({ "token": { "pointer": "session.token" } }), "token: pointer: is not a JSON pointer"),
        (json!({ "token": { "pointer": null, "header": "a b" } }), "token: header: is not the name"),
        (json!({ "token": { "pointer": null, "cookie": "" } }), "token: cookie: must not be empty"),
        (json!({ "expires_in": "ttl" }), "expires_in: is not a JSON pointer"),
        (json!({ "expires_at": "/~2" }), "expires_at: is not a JSON pointer"),
        (json!({ "expires_in": "/a", "lifetime": 5 }), "expires_in, expires_at, lifetime: give one"),
        (json!({ "lifetime": 0 }), "auth_config: lifetime: must be more than 0"),
        (json!({ "send": {} }), "send: name one of"),
        (json!({ "send": { "header": "a", "query": "b" } }), "send: name one of"),
        (json!({ "send": { "cookie": "a=b" } }), "send: cookie: is not"),
        (json!({ "send": { "header": "a", "format": "Bearer" } }), "send.format: must have {token}"),
        (json!({ "values": { "user": "x" } }), "values.user: is the name of a secret too"),
        (json!({ "values": { "a}": "x" } }), "secrets, values: \"a}\" cannot stand in"),
        (request(json!({ "url": "http://shop.test/login" })), "request: url: must begin with https://"),
        (request(json!({ "url": "shop.test" })), "request: url: is not a URL"),
        (request(json!({ "url": "https://u:hunter2@shop.test" })), "request: url: must not hold a user"),
        (request(json!({ "url": "https://shop.test/a#b" })), "request: url: has a fragment"),
        (
            request(json!({ "url": "https://shop.test/?api_key=hunter2" })),
            "request: url: the parameter \"api_key\"",
        ),
        (
            request(json!({ "url": "https://shop.test/{{password}}" })),
            "request: url: {{password}} is a secret, and URLs",
        ),
        (request(json!({ "url": "https://{{tenant}}.test/" })), "request: url: {{…}} may stand in the path"),
        (
            request(json!({ "url": "https://shop.test/{{tenent}}" })),
            "request: url: {{tenent}} is neither in secrets nor in values; did you mean {{tenant}}?",
        ),
        (request(json!({ "method": "G T" })), "request: method: is not"),
        (request(json!({ "form": { "a": "b" } })), "request: json, form, body: give one"),
        (
            request(json!({ "json": { "a": [{ "b": "{{pasword}}" }] } })),
            "request: json: a: b: {{pasword}} is neither",
        ),
        (
            request(json!({ "json": null, "form": { "a": "hunter2 {{" } })),
            "request: form.a: has {{ without }}",
        ),
        (request(json!({ "json": null, "body": "hunter2 {{x}}" })), "request: body: {{x}} is neither"),
        (request(json!({ "query": { "a": "{{x}}" } })), "request: query.a: {{x}} is neither"),
        (request(json!({ "headers": { "a b": "hunter2" } })), "request: headers.a b: is not the name"),
        (request(json!({ "headers": { "a": "{{x}}" } })), "request: headers.a: {{x}} is neither"),
        (request(json!({ "body": ["hunter2"] })), "auth_config: request.body: expected a string"),
    ] {
        let error = open(login(more.clone())).unwrap_err();
        assert!(error.message().starts_with(says), "{more}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
    open(login(request(json!({ "url": "http://127.0.0.1:1/login" })))).unwrap();
}

#[tokio::test]
async fn what_leads_nowhere_when_it_is_used_names_its_key() {
    for (more, says) in [
        (
            json!({ "secrets": { "password": "${env:NO_SUCH_VARIABLE}" } }),
            "json: secrets.password: ${env:NO_SUCH_VARIABLE}",
        ),
        (
            json!({ "request": { "query": { "a": "x${env:NO_SUCH_VARIABLE}" } } }),
            "query.a: ${env:NO_SUCH_VARIABLE}",
        ),
        (
            json!({ "secrets": { "password": "${env:TRUNKLINE_KEY}" } }),
            "json: secrets.password: ${env:TRUNKLINE_KEY} is Trunkline's own",
        ),
        (json!({ "request": { "headers": { "a": "hunter2\nb" } } }), "headers.a: has a character"),
    ] {
        let error = bench(more, []).credential().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidConfig, Outcome::NotSent));
        let message = error.message().strip_prefix("asking request.url for a token: ").unwrap();
        assert!(message.starts_with(says), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn what_is_configured_prints_without_its_secrets() {
    let more = json!({ "request": { "json": { "pin": "hunter2", "n": 24_816, "l": ["hunter2"] },
        "headers": { "x-key": "hunter2" }, "query": { "k": "hunter2" } } });
    let config: CustomConfig = parse::value(login(more.clone()), "").unwrap();
    let shown = format!("{config:?} {:?}", open(login(more)).unwrap());
    for word in ["hunter2", "24816", "the-user", "pass/w"] {
        assert!(!shown.contains(word), "{shown}");
    }
    assert!(shown.contains("https://shop.test/login"));
}
