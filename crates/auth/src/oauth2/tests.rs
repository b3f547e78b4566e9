//! What is configured and what servers answer, read by themselves and through a port that answers as it is told.

mod device;
mod keeping;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use http::{StatusCode, header};
use serde_json::{Value, json};
use trunkline_core::{
    BoxFuture, Egress, HttpRequest, Kind, MASK, Outcome, Profile, Reply, Scrub, Web, parse,
};

use super::{answer::Answer, *};

/// What was sent: where to, the header that shows the client, and the form.
type Sent = (String, Option<String>, String);

#[derive(Debug, Default)]
struct Port {
    answers: Mutex<VecDeque<Result<(u16, String)>>>,
    sent: Arc<Mutex<Vec<Sent>>>,
}

impl Web for Port {
    fn send<'a>(&'a self, url: &'a str, request: HttpRequest) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let shown =
                request.headers.get(header::AUTHORIZATION).map(|value| value.to_str().unwrap().to_owned());
            let form = request.body.collect(10_000).await?;
            let form = String::from_utf8(form.into()).unwrap();
            self.sent.lock().unwrap().push((url.to_owned(), shown, form));
            let (status, body) = self.answers.lock().unwrap().pop_front().expect("an answer")?;
            Ok(Reply::new(StatusCode::from_u16(status).unwrap(), body.into_bytes()))
        })
    }
}

fn open(more: &Value) -> Result<OAuth2> {
    let mut config =
        json!({ "token_url": "https://login.test/token", "client_id": "me", "client_secret": "s" });
    config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    OAuth2::open(parse::value(config, "auth_config")?, &Site::default())
}

async fn ask(
    more: Value,
    answers: impl IntoIterator<Item = (u16, Value)>,
) -> (Result<Option<String>>, Vec<Sent>) {
    let answers = answers.into_iter().map(|(status, body)| Ok((status, body.to_string())));
    let port = Port { answers: Mutex::new(answers.collect()), ..Port::default() };
    let sent = port.sent.clone();
    let context =
        Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap())).with_web(Arc::new(port));
    let scheme = open(&more).unwrap();
    let result = scheme.credential(&context).await.map(|credential| {
        let credential = credential?;
        Some(credential.header().unwrap()?.1.to_str().unwrap().to_owned())
    });
    let sent = std::mem::take(&mut *sent.lock().unwrap());
    (result, sent)
}

fn token() -> (u16, Value) {
    (200, json!({ "access_token": "t", "token_type": "Bearer", "expires_in": 3600 }))
}

#[tokio::test]
async fn the_request_says_who_asks_and_for_what() {
    let (result, sent) = ask(
        json!({
            "client_id": "me & co", "client_secret": "p@ss:word", "scope": ["a", "b c"], "audience": "api",
            "resource": "https://one.test", "params": { "tenant": "7" },
        }),
        [token()],
    )
    .await;
    assert_eq!(result.unwrap().as_deref(), Some("Bearer t"));
    let pair = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, "me+%26+co:p%40ss%3Aword");
    let form =
        "grant_type=client_credentials&scope=a+b+c&audience=api&resource=https%3A%2F%2Fone.test&tenant=7";
    assert_eq!(sent, [("https://login.test/token".into(), Some(format!("Basic {pair}")), form.into())]);
}

#[tokio::test]
async fn a_server_that_does_not_take_the_header_is_shown_the_secret_in_the_body() {
    let unknown = (401, json!({ "error": "invalid_client" }));
    let (result, sent) = ask(json!({}), [unknown.clone(), token()]).await;
    result.unwrap();
    assert_eq!(sent[1].1, None);
    assert!(sent[1].2.ends_with("&client_id=me&client_secret=s"), "{sent:?}");
    let (result, sent) = ask(json!({ "client_auth": "basic" }), [unknown]).await;
    assert_eq!((result.unwrap_err().kind(), sent.len()), (Kind::Unauthenticated, 1));
}

#[test]
fn a_configuration_that_cannot_work_names_its_key() {
    for (more, key) in [
        (json!({ "token_url": "http://login.test/token" }), "token_url"),
        (json!({ "token_url": "login.test" }), "token_url"),
        (json!({ "client_id": "" }), "client_id"),
        (json!({ "client_secret": null }), "client_secret"),
        (json!({ "client_auth": "none" }), "client_auth"),
        (json!({ "grant_type": "password" }), "auth_config: grant_type"),
        (json!({ "params": { "client_secret": "x" } }), "params"),
        (json!({ "params": { "grant_type": "x" } }), "params"),
        (json!({ "audiance": "x" }), "auth_config: unknown key `audiance`"),
    ] {
        let error = open(&more).unwrap_err();
        assert!(error.message().starts_with(key), "{more}: {error}");
    }
    open(&json!({ "token_url": "http://127.0.0.1:1/token" })).unwrap();
}

#[test]
fn what_a_server_answers_is_a_token_or_says_what_is_wrong() {
    let media = |text: &'static str| HeaderMap::from_iter([(header::CONTENT_TYPE, text.parse().unwrap())]);
    let read = |status: u16, media: &HeaderMap, body: &str| {
        let (status, types) = (StatusCode::from_u16(status).unwrap(), ["bot".to_owned()]);
        answer::read(status, media, body.as_bytes(), &Scrub::default(), &types)
    };
    let json = media("application/json");
    for (life, lives) in [
        ("3600", Some(3600)),
        ("\"3600\"", Some(3600)),
        ("1.5", Some(1)),
        ("0", Some(0)),
        ("-1", None),
        ("\"soon\"", None),
        ("null", None),
        ("1e18", Some(1_000_000_000_000_000_000)),
        ("1e300", Some(u64::MAX)),
    ] {
        let body = format!(r#"{{"access_token":"t","token_type":"bearer","expires_in":{life}}}"#);
        let Ok(Answer::Issued(issued)) = read(200, &json, &body) else { panic!("{body}") };
        assert_eq!(issued.lives.map(|life| life.as_secs()), lives, "{life}");
    }
    let form = media("application/x-www-form-urlencoded; charset=utf-8");
    assert!(matches!(read(200, &form, "access_token=t&scope=a"), Ok(Answer::Issued(_))));
    assert!(matches!(read(200, &json, r#"{"access_token":"t","token_type":"Bot"}"#), Ok(Answer::Issued(_))));
    for (status, body, kind, says) in [
        (200, "<html>Welcome</html>", Kind::Protocol, "neither JSON"),
        (200, "{}", Kind::Protocol, "neither JSON"),
        (200, r#"{"id_token":"x"}"#, Kind::Protocol, "no access_token"),
        (200, r#"{"access_token":"t","token_type":"mac"}"#, Kind::Protocol, "type \"mac\""),
        (302, "", Kind::Protocol, "no reason"),
        (404, "", Kind::Protocol, "no reason"),
        (429, "", Kind::RateLimited, "429"),
        (503, "<html>", Kind::Unavailable, "503"),
    ] {
        let error = read(status, &json, body).unwrap_err();
        assert_eq!(error.kind(), kind, "{body}");
        assert!(error.message().contains(says), "{body}: {error}");
    }
    let Ok(Answer::Refused(refusal)) = read(400, &json, r#"{"error":"invalid_grant"}"#) else {
        panic!("it is a refusal")
    };
    assert_eq!(refusal.explain().kind(), Kind::Unauthenticated, "it is asked for again when it was mended");
    let Ok(Answer::Refused(refusal)) =
        read(400, &json, "{\"error\":\"invalid_scope\",\"error_description\":\"no\\nsuch\"}")
    else {
        panic!("it is a refusal")
    };
    let error = refusal.explain();
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::NotSent));
    assert_eq!(error.message(), "token_url answered invalid_scope (nosuch); check scope");
}

#[test]
fn what_a_server_repeats_of_a_secret_is_hidden_before_its_words_are_cut() {
    let mut secrets = Scrub::default();
    secrets.text("hunter2-hunter2");
    let body =
        format!(r#"{{"error":"invalid_client","error_description":"{}hunter2-hunter2"}}"#, "x".repeat(290));
    let read = answer::read(StatusCode::UNAUTHORIZED, &HeaderMap::new(), body.as_bytes(), &secrets, &[]);
    let Ok(Answer::Refused(refusal)) = read else { panic!("it is a refusal") };
    let message = refusal.explain().message().to_owned();
    assert!(message.contains(MASK) && !message.contains("hunter2"), "{message}");
}
