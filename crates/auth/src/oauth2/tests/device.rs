//! A code for another device, and a server that is asked where its endpoints are, in paused time.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use trunkline_core::{Consent, ConsentState, Error};

use super::*;

/// What a server says, one answer after the other, and when it was asked.
#[derive(Debug, Default)]
struct Told {
    answers: Mutex<VecDeque<Result<(u16, Value)>>>,
    asked: Mutex<Vec<(String, Instant)>>,
}

#[derive(Debug)]
struct Line(Arc<Told>);

impl Web for Line {
    fn send<'a>(&'a self, url: &'a str, _: HttpRequest) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            self.0.asked.lock().unwrap().push((url.to_owned(), Instant::now()));
            let (status, body) = self.0.answers.lock().unwrap().pop_front().expect("an answer")?;
            Ok(Reply::new(StatusCode::from_u16(status).unwrap(), body.to_string().into_bytes()))
        })
    }
}

struct Bench {
    told: Arc<Told>,
    scheme: OAuth2,
    context: Context,
}

impl Bench {
    fn new(config: Value, answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let answers = answers.into_iter().map(Ok).collect();
        let told = Arc::new(Told { answers: Mutex::new(answers), ..Told::default() });
        let scheme = OAuth2::open(parse::value(config, "auth_config").unwrap(), &Site::default()).unwrap();
        let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        Self { context: context.with_web(Arc::new(Line(told.clone()))), told, scheme }
    }

    fn device(answers: impl IntoIterator<Item = (u16, Value)>) -> Self {
        let config = json!({
            "grant_type": "device_code", "client_id": "tv", "token_url": "https://login.test/token",
            "device_authorization_url": "https://login.test/device",
        });
        let code = json!({
            "device_code": "d", "user_code": "ABCD-EFGH", "verification_uri": "https://login.test/activate",
            "expires_in": 600, "interval": 5,
        });
        Self::new(config, [(200, code)].into_iter().chain(answers))
    }

    async fn state(&self) -> (ConsentState, String) {
        let standing = Consent::standing(&self.scheme).await.unwrap();
        (standing.state, standing.reason.unwrap_or_default())
    }

    /// Seconds between one question and the next.
    fn pauses(&self) -> Vec<u64> {
        let asked = self.told.asked.lock().unwrap();
        asked.windows(2).map(|pair| (pair[1].1 - pair[0].1).as_secs()).collect()
    }
}

fn refused(code: &str) -> (u16, Value) {
    (400, json!({ "error": code, "error_description": "so it is" }))
}

#[tokio::test(start_paused = true)]
async fn a_person_on_another_device_is_waited_for_as_slowly_as_the_server_wants() {
    let bench = Bench::device([
        refused("authorization_pending"),
        refused("slow_down"),
        refused("authorization_pending"),
        token(),
    ]);
    assert_eq!(bench.state().await.0, ConsentState::NotConnected);
    let code = Consent::begin_device(&bench.scheme, &bench.context).await.unwrap();
    assert_eq!((&*code.user_code, code.expires_in), ("ABCD-EFGH", 600));
    assert_eq!(bench.state().await.0, ConsentState::Pending);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.state().await.0, ConsentState::Connected);
    assert_eq!(bench.pauses(), [5, 5, 10, 10]);
    assert!(bench.scheme.credential(&bench.context).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_person_who_refuses_or_comes_too_late_is_waited_for_no_more() {
    for (answer, says) in
        [("access_denied", "refused: access_denied (so it is)"), ("expired_token", "expired")]
    {
        let bench = Bench::device([refused("authorization_pending"), refused(answer)]);
        Consent::begin_device(&bench.scheme, &bench.context).await.unwrap();
        sleep(Duration::from_secs(3600)).await;
        let (state, reason) = bench.state().await;
        assert_eq!(state, ConsentState::NotConnected);
        assert!(reason.contains(says), "{reason}");
        assert_eq!(bench.pauses().len(), 2, "{answer}");
    }
    // A server that never says that its code has expired is not asked for ever.
    let bench = Bench::device((0..1000).map(|_| refused("authorization_pending")));
    Consent::begin_device(&bench.scheme, &bench.context).await.unwrap();
    sleep(Duration::from_secs(3600)).await;
    assert!(bench.state().await.1.contains("expired"));
    assert_eq!(bench.pauses().len(), 119);
}

#[tokio::test(start_paused = true)]
async fn a_second_code_takes_the_place_of_the_first() {
    let second = json!({ "device_code": "e", "user_code": "2", "verification_url": "https://login.test/a" });
    let bench = Bench::device([(200, second), token()]);
    Consent::begin_device(&bench.scheme, &bench.context).await.unwrap();
    let code = Consent::begin_device(&bench.scheme, &bench.context).await.unwrap();
    assert_eq!((&*code.user_code, &*code.verification_uri), ("2", "https://login.test/a"));
    sleep(Duration::from_secs(60)).await;
    assert_eq!((bench.state().await.0, bench.pauses()), (ConsentState::Connected, vec![0, 5]));
}

#[tokio::test(start_paused = true)]
async fn who_agrees_to_a_configuration_that_holds_no_more_is_not_heard() {
    let bench = Bench::device([refused("authorization_pending"), token()]);
    Consent::begin_device(&bench.scheme, &bench.context).await.unwrap();
    assert!(bench.scheme.is_busy());
    sleep(Duration::from_secs(7)).await;
    bench.scheme.retire();
    assert!(!bench.scheme.is_busy());
    sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.state().await.0, ConsentState::NotConnected);
    assert_eq!(bench.pauses(), [5], "the server is not asked any more");
    // Whoever was just asking for a code is told.
    let bench = Bench::device([]);
    bench.scheme.retire();
    let error = Consent::begin_device(&bench.scheme, &bench.context).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Conflict);
    assert!(!bench.scheme.is_busy());
}

#[tokio::test(start_paused = true)]
async fn a_device_endpoint_that_gives_no_code_says_what_it_gave() {
    for (answer, says) in [
        ((200, json!("hello")), "200 OK and no code"),
        ((404, json!({})), "404"),
        (refused("invalid_scope"), "invalid_scope (so it is); check scope"),
    ] {
        let config = json!({
            "grant_type": "device_code", "client_id": "tv", "token_url": "https://login.test/token",
            "device_authorization_url": "https://login.test/device",
        });
        let bench = Bench::new(config, [answer]);
        let error: Error = Consent::begin_device(&bench.scheme, &bench.context).await.unwrap_err();
        assert!(error.message().contains(says), "{error}");
        assert_eq!(bench.state().await.0, ConsentState::NotConnected);
    }
}

fn metadata(issuer: &str) -> (u16, Value) {
    (200, json!({ "issuer": issuer, "token_endpoint": format!("{issuer}/t"), "more": [1] }))
}

#[tokio::test(start_paused = true)]
async fn a_server_is_asked_where_its_endpoints_are_once_an_hour() {
    let config = json!({ "issuer": "https://login.test/tenant", "client_id": "me", "client_secret": "s" });
    let bench =
        Bench::new(config, [(404, json!({})), metadata("https://login.test/tenant"), token(), token()]);
    for _ in 0..3 {
        bench.scheme.credential(&bench.context).await.unwrap();
        bench.scheme.0.tokens.reset();
        // What is kept is good: it is not asked for again.
    }
    let urls: Vec<_> = bench.told.asked.lock().unwrap().iter().map(|(url, _)| url.clone()).collect();
    assert_eq!(
        urls,
        [
            "https://login.test/tenant/.well-known/openid-configuration",
            "https://login.test/.well-known/oauth-authorization-server/tenant",
            "https://login.test/tenant/t",
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_speaks_for_another_is_not_believed() {
    let config = || json!({ "issuer": "https://login.test", "client_id": "me", "client_secret": "s" });
    for (answers, says) in [
        (vec![metadata("https://evil.test")], "calls itself \"https://evil.test\""),
        (vec![(200, json!({ "issuer": "https://login.test" }))], "token_url: the issuer names none"),
        (
            vec![(200, json!({ "issuer": "https://login.test", "token_endpoint": "http://login.test/t" }))],
            "must begin with https://",
        ),
        (vec![(200, json!("<html>"))], "no metadata"),
        (vec![(404, json!({})), (404, json!({}))], "is this the issuer?"),
        (vec![(404, json!({})), (503, json!({}))], "503"),
    ] {
        let bench = Bench::new(config(), answers);
        let error = bench.scheme.credential(&bench.context).await.unwrap_err();
        assert!(error.message().contains(says), "{error}");
        assert_eq!(error.outcome(), Outcome::NotSent);
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_the_browser_that_another_server_gave_is_refused() {
    let config = || {
        json!({
            "grant_type": "authorization_code", "issuer": "https://login.test", "client_id": "me",
            "authorization_url": "https://login.test/auth", "token_url": "https://login.test/token",
        })
    };
    let says = |required: bool| {
        let mut says = metadata("https://login.test");
        says.1["authorization_response_iss_parameter_supported"] = required.into();
        says
    };
    for (required, answer, good) in [
        (true, json!({ "code": "c", "iss": "https://login.test" }), true),
        (true, json!({ "code": "c" }), false),
        (true, json!({ "code": "c", "iss": "https://evil.test" }), false),
        (false, json!({ "code": "c", "iss": "https://evil.test" }), false),
        (false, json!({ "code": "c" }), true),
    ] {
        let bench = Bench::new(config(), [says(required), token()]);
        let begun = Consent::begin(&bench.scheme, &bench.context, "https://me.test", "s").await.unwrap();
        let answer = parse::value(answer, "").unwrap();
        let finished = Consent::finish(&bench.scheme, &bench.context, &begun, &answer).await;
        assert_eq!(finished.is_ok(), good, "{required} {answer:?} {finished:?}");
    }
}
