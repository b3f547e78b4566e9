//! One more attempt for a credential that was refused, played to a script; and which answers are a refusal.

use std::sync::Mutex;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::StatusCode;
use http_body::Frame;
use http_body_util::StreamBody;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::sleep;
use trunkline_core::{
    Body, Context, Credential, Egress, Form, HttpRequest, IntegrationId, Kind, Outcome, Pipeline, Profile,
    Scheme, Secret, Site, parse,
};
use trunkline_testkit::{Script, Step};

use super::*;

/// A scheme whose credential changes when it is told of a refusal, if it has another.
#[derive(Debug)]
struct Rotating {
    tokens: Mutex<Vec<Arc<Credential>>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
struct Tokens(Vec<String>);

impl Scheme for Rotating {
    const NAME: &'static str = "rotating";
    type Config = Tokens;

    fn open(Tokens(tokens): Tokens, _: &Site) -> Result<Self> {
        let tokens =
            tokens.into_iter().rev().map(|token| Arc::new(Credential::new(Form::Bearer(Secret::new(token)))));
        Ok(Self { tokens: Mutex::new(tokens.collect()) })
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        let current = self.tokens.lock().unwrap().last().cloned();
        if let Some(Form::Bearer(token)) = current.as_deref().map(Credential::form)
            && token.expose()? == "slow"
        {
            sleep(Duration::from_secs(20)).await;
        }
        Ok(current)
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        let mut tokens = self.tokens.lock().unwrap();
        if tokens.len() > 1 && tokens.last().is_some_and(|last| Arc::ptr_eq(last, credential)) {
            tokens.pop();
        }
    }
}

fn refused() -> Step {
    Step::Answers(StatusCode::UNAUTHORIZED, Kind::Unauthenticated)
}

async fn call(
    tokens: &[&str],
    steps: impl IntoIterator<Item = Step>,
    request: HttpRequest,
) -> (Result<Reply>, Vec<String>) {
    call_by(&Value::Null, tokens, steps, request).await
}

/// The same with rules of its own, unless they are null, and 10 seconds of time.
async fn call_by(
    rules: &Value,
    tokens: &[&str],
    steps: impl IntoIterator<Item = Step>,
    request: HttpRequest,
) -> (Result<Reply>, Vec<String>) {
    let tokens = Tokens(tokens.iter().map(|&token| token.to_owned()).collect());
    let scheme = Arc::new(Rotating::open(tokens, &Site::default()).unwrap());
    let expired = (!rules.is_null()).then(|| Box::new(open(rules).unwrap()));
    let layers: Vec<Arc<dyn Layer>> = vec![Arc::new(Authenticate::new(scheme, None, expired))];
    let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
    let script = Script::new(steps);
    let mut call = Call::new(IntegrationId::new("a").unwrap(), request);
    call.deadline = Some(Instant::now() + Duration::from_secs(10));
    let result = Pipeline::new(context, layers, Arc::new(script.clone())).run(&mut call).await;
    let sent = script.credentials().into_iter().flatten();
    (result, sent.map(|sent| sent.header().unwrap().unwrap().1.to_str().unwrap().to_owned()).collect())
}

fn open(rules: &Value) -> Result<Expired> {
    parse::value::<ExpiredWhen>(rules.clone(), "expired_when")?.open()
}

fn json_reply(status: u16, body: impl Into<Body>) -> Reply {
    let mut reply = Reply::new(StatusCode::from_u16(status).unwrap(), body);
    reply.headers.insert(header::CONTENT_TYPE, "application/json; charset=utf-8".parse().unwrap());
    reply
}

fn pieces(pieces: &[&'static str]) -> Body {
    let frames: Vec<_> =
        pieces.iter().map(|piece| Ok(Frame::data(Bytes::from_static(piece.as_bytes())))).collect();
    Body::stream(StreamBody::new(stream::iter(frames)))
}

#[tokio::test]
async fn each_attempt_carries_the_current_credential() {
    let (result, sent) = call(&["one"], [], HttpRequest::get("/")).await;
    result.unwrap();
    assert_eq!(sent, ["Bearer one"]);
}

#[tokio::test]
async fn a_refused_credential_is_replaced_once_and_the_call_made_again() {
    let (result, sent) = call(&["old", "new"], [refused()], HttpRequest::post("/")).await;
    result.unwrap();
    assert_eq!(sent, ["Bearer old", "Bearer new"]);
}

#[tokio::test]
async fn what_may_have_been_applied_is_not_sent_again_unless_that_does_no_harm() {
    for (request, attempts) in [(HttpRequest::post("/"), 1), (HttpRequest::get("/"), 2)] {
        let step = Step::Fails(Kind::Unauthenticated, Outcome::Unknown);
        let (_, sent) = call(&["old", "new"], [step], request).await;
        assert_eq!(sent.len(), attempts);
    }
}

#[tokio::test]
async fn a_service_that_always_refuses_is_asked_twice_and_its_answer_given_back() {
    let (result, sent) =
        call(&["a", "b", "c"], [refused(), refused(), refused()], HttpRequest::get("/")).await;
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.reply().unwrap().status),
        (Kind::Unauthenticated, StatusCode::UNAUTHORIZED)
    );
    assert_eq!(sent, ["Bearer a", "Bearer b"]);
}

#[tokio::test]
async fn nothing_is_sent_again_with_the_same_credential_or_a_stream_that_is_gone() {
    let (result, sent) = call(&["only"], [refused()], HttpRequest::get("/")).await;
    assert_eq!((result.unwrap_err().kind(), sent.len()), (Kind::Unauthenticated, 1));

    let stream = Body::stream(StreamBody::new(stream::empty()));
    let (result, sent) =
        call(&["a", "b"], [refused()], HttpRequest { body: stream, ..HttpRequest::post("/") }).await;
    assert_eq!((result.unwrap_err().kind(), sent.len()), (Kind::Unauthenticated, 1));
}

#[tokio::test]
async fn a_scheme_hears_of_a_refusal_though_the_stream_is_gone() {
    let tokens = Tokens(vec!["old".to_owned(), "new".to_owned()]);
    let scheme = Arc::new(Rotating::open(tokens, &Site::default()).unwrap());
    let layers: Vec<Arc<dyn Layer>> = vec![Arc::new(Authenticate::new(scheme.clone(), None, None))];
    let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
    let script = Script::new([refused()]);
    let upload = HttpRequest { body: pieces(&["ab"]), ..HttpRequest::post("/") };
    let mut call = Call::new(IntegrationId::new("a").unwrap(), upload);
    Pipeline::new(context, layers, Arc::new(script.clone())).run(&mut call).await.unwrap_err();
    assert_eq!((script.attempts(), scheme.tokens.lock().unwrap().len()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_answer_is_not_given_up_for_a_credential_that_comes_too_late() {
    let began = Instant::now();
    let (result, sent) = call(&["old", "slow"], [refused()], HttpRequest::post("/")).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::Rejected));
    assert_eq!((began.elapsed().as_millis(), sent.len()), (9950, 1));
}

#[tokio::test]
async fn a_403_is_a_refusal_where_it_says_that_the_token_is_invalid() {
    for (challenges, attempts) in [
        (&[r#"Bearer error="invalid_token""#][..], 2),
        (&[r#"Bearer realm="a, b", error="invalid_token", error_description="The token expired""#], 2),
        (&["bearer ERROR=invalid_token"], 2),
        (&["Basic realm=\"x\"", "Bearer error=\"invalid_token\""], 2),
        (&[r#"Negotiate, Bearer error="invalid_token""#], 2),
        (&[r#"Bearer error="insufficient_scope""#], 1),
        (&[r#"Bearer realm="invalid_token""#], 1),
        (&[r#"DPoP error="invalid_token""#], 1),
        (&[], 1),
    ] {
        let headers =
            challenges.iter().map(|&challenge| ("www-authenticate", challenge.to_owned())).collect();
        let step = Step::Replies(StatusCode::FORBIDDEN, headers, Some(Kind::Forbidden));
        let (result, sent) = call(&["old", "new"], [step], HttpRequest::get("/")).await;
        assert_eq!(sent.len(), attempts, "{challenges:?}");
        assert_eq!(result.is_ok(), attempts == 2, "{challenges:?}");
    }
}

#[tokio::test]
async fn an_answer_is_a_refusal_if_it_is_all_that_one_of_the_rules_says() {
    let session = json!({ "body": { "pointer": "/0/errorCode", "in": ["INVALID_SESSION_ID", 7] } });
    let status = json!({ "status": [440, 419] });
    let header = json!({ "status": 302, "header": { "Location": { "contains": "/LOGIN" } } });
    let said = json!({ "header": { "X-Session": "expired" }, "status": [200, 403] });
    let there = json!({ "header": { "X-Expired": true } });
    let any = json!({ "status": 200, "body": { "pointer": "/error" } });
    let with = |status: u16, name: &'static str, value: &str| {
        let mut reply = Reply::new(StatusCode::from_u16(status).unwrap(), "");
        reply.headers.insert(name, value.parse().unwrap());
        reply
    };
    for (rule, reply, refused) in [
        (&session, json_reply(200, r#"[{"errorCode":"INVALID_SESSION_ID"}]"#), true),
        (&session, json_reply(403, r#"[{"errorCode":"INVALID_SESSION_ID"}]"#), true),
        (&session, json_reply(200, r#"[{"errorCode":7}]"#), true),
        (&session, json_reply(200, r#"[{"errorCode":"OTHER"}]"#), false),
        (&session, json_reply(200, r#"{"errorCode":"INVALID_SESSION_ID"}"#), false),
        (&session, json_reply(200, "not JSON"), false),
        (&session, json_reply(204, ""), false),
        (&session, Reply::new(StatusCode::OK, r#"[{"errorCode":"INVALID_SESSION_ID"}]"#), false),
        (&session, json_reply(200, pieces(&[r#"[{"errorCode":"INV"#, r#"ALID_SESSION_ID"}]"#])), true),
        (&session, json_reply(401, ""), false),
        (&status, json_reply(440, ""), true),
        (&status, json_reply(401, ""), false),
        (&header, with(302, "location", "https://example.com/login?next=/"), true),
        (&header, with(302, "location", "https://example.com/"), false),
        (&header, with(301, "location", "https://example.com/login"), false),
        (&said, with(200, "x-session", "Expired "), true),
        (&said, with(200, "x-session", "not expired"), false),
        (&said, with(500, "x-session", "expired"), false),
        (&there, with(404, "x-expired", ""), true),
        (&there, with(404, "x-other", ""), false),
        (&any, json_reply(200, r#"{"error":{"code":1}}"#), true),
        (&any, json_reply(200, r#"{"error":null}"#), false),
    ] {
        // Beside another that never suits.
        let rules = json!([{ "status": 599 }, rule]);
        let shown = format!("{rule} {reply:?}");
        let (result, sent) =
            call_by(&rules, &["old", "new"], [Step::Gives(reply)], HttpRequest::post("/")).await;
        assert_eq!(sent.len(), if refused { 2 } else { 1 }, "{shown} {result:?}");
    }
    let (_, sent) = call_by(&json!([]), &["old", "new"], [refused()], HttpRequest::get("/")).await;
    assert_eq!(sent.len(), 1, "an empty list: nothing says so");
}

#[tokio::test]
async fn a_success_that_says_twice_that_the_credential_has_expired_is_an_error_that_holds_it() {
    let rules = json!([{ "body": { "pointer": "/error", "equals": "expired" } }]);
    let text = r#"{"error":"expired"}"#;
    let steps = || (0..3).map(|_| Step::Gives(json_reply(200, text)));
    for (tokens, attempts) in [(&["old", "new", "newer"][..], 2), (&["only"], 1)] {
        let (result, sent) = call_by(&rules, tokens, steps(), HttpRequest::post("/")).await;
        let mut error = result.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::Rejected));
        let reply = error.reply_mut().unwrap();
        assert_eq!((reply.status, sent.len()), (StatusCode::OK, attempts));
        assert_eq!(std::mem::take(&mut reply.body).collect(100).await.unwrap(), text);
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_read_of_a_body_is_delivered_with_the_rest() {
    let rules = json!([{ "body": { "pointer": "/error" } }]);
    let ask = async |body: Body| {
        let steps = [Step::Gives(json_reply(200, body))];
        let (result, sent) = call_by(&rules, &["old", "new"], steps, HttpRequest::get("/")).await;
        assert_eq!(sent.len(), 1);
        result.unwrap()
    };
    let reply = ask(pieces(&["{\"a\":", "1}"])).await;
    assert_eq!(reply.text().await.unwrap(), "{\"a\":1}");
    // Longer than is looked at: 70,000 bytes that begin as an error does.
    let long: Vec<_> =
        std::iter::once("{\"error\":\"").chain(vec!["0123456789"; 7000]).chain(["\"}"]).collect();
    let reply = ask(pieces(&long)).await;
    assert_eq!(reply.text().await.unwrap(), long.concat());
    let reply = ask(Body::from(long.concat())).await;
    assert_eq!(reply.text().await.unwrap(), long.concat());
    // One that takes its time is passed on as it comes.
    let began = Instant::now();
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"{\"a\":")))]);
    let last = stream::once(async {
        sleep(Duration::from_secs(8)).await;
        Ok(Frame::data(Bytes::from_static(b"1}")))
    });
    let reply = ask(Body::stream(StreamBody::new(
        Box::pin(first.chain(last)) as std::pin::Pin<Box<dyn stream::Stream<Item = _> + Send + Sync>>
    )))
    .await;
    assert_eq!(began.elapsed().as_secs(), 5);
    assert_eq!(reply.text().await.unwrap(), "{\"a\":1}");
    assert_eq!(began.elapsed().as_secs(), 8);
    // One that is cut short is cut short for its reader.
    let cut = stream::iter([
        Ok(Frame::data(Bytes::from_static(b"{\"error\":1}"))),
        Err(Error::new(Kind::Protocol, "cut short")),
    ]);
    let reply = ask(Body::stream(StreamBody::new(cut))).await;
    assert_eq!(reply.bytes().await.unwrap_err().message(), "cut short");
}

#[tokio::test]
async fn what_is_passed_on_comes_unencoded_only_where_bodies_are_looked_into() {
    for (rules, relay, asked) in [
        (json!([{ "body": { "pointer": "/error" } }]), true, "identity"),
        (json!([{ "body": { "pointer": "/error" } }]), false, "gzip"),
        (json!([{ "status": 440 }]), true, "gzip"),
        (Value::Null, true, "gzip"),
    ] {
        let scheme = Arc::new(Rotating::open(Tokens(vec!["t".to_owned()]), &Site::default()).unwrap());
        let expired = (!rules.is_null()).then(|| Box::new(open(&rules).unwrap()));
        let layers: Vec<Arc<dyn Layer>> = vec![Arc::new(Authenticate::new(scheme, None, expired))];
        let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let script = Script::new([]);
        let request = HttpRequest { relay, ..HttpRequest::get("/") };
        let request = request.header(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        let mut call = Call::new(IntegrationId::new("a").unwrap(), request);
        Pipeline::new(context, layers, Arc::new(script.clone())).run(&mut call).await.unwrap();
        assert_eq!(script.headers()[0][header::ACCEPT_ENCODING], asked, "{rules}");
    }
}

#[test]
fn a_rule_that_cannot_work_names_its_key() {
    for (rules, says) in [
        (json!({ "status": 401 }), "expired_when: expected a list"),
        (json!([{}]), "expired_when[0]: is empty"),
        (json!([{ "status": 401 }, { "status": [] }]), "expired_when[1]: status: is an empty list"),
        (json!([{ "status": 42 }]), "expired_when[0]: status: must be from 100 to 599"),
        (json!([{ "status": 600 }]), "expired_when[0]: status: must be from 100 to 599"),
        (json!([{ "status": "401" }]), "expired_when: [0].status: a status such as 401"),
        (json!([{ "status": [401, 200] }]), "expired_when[0]: status: a success by itself"),
        (json!([{ "stauts": 401 }]), "expired_when: [0]: unknown key `stauts`, did you mean `status`?"),
        (json!([{ "header": { "a b": true } }]), "expired_when[0]: header.a b: is not the name"),
        (json!([{ "header": { "a": false } }]), "expired_when[0]: header.a: is true where"),
        (json!([{ "header": { "a": 1 } }]), "expired_when: [0].header.a: true, the header's value"),
        (json!([{ "header": { "a": { "contains": "" } } }]), "expired_when[0]: header.a: contains: is empty"),
        (json!([{ "body": {} }]), "expired_when: [0].body: missing field `pointer`"),
        (
            json!([{ "body": { "pointer": "error" } }]),
            "expired_when[0]: body: pointer: is not a JSON pointer",
        ),
        (json!([{ "body": { "pointer": "/a", "in": [] } }]), "expired_when[0]: body: in: is an empty list"),
        (
            json!([{ "body": { "pointer": "/a", "in": [1], "equals": 1 } }]),
            "expired_when[0]: body: equals: is there",
        ),
        (
            json!([{ "body": { "pointer": "/a", "equals": {} } }]),
            "expired_when: [0].body.equals: a text, a number",
        ),
    ] {
        let error = open(&rules).unwrap_err();
        assert!(error.message().starts_with(says), "{rules}: {error}");
    }
}
