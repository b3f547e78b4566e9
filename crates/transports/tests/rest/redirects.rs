//! Redirects: which are followed, and what goes along.

use std::sync::{Arc, Mutex};

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::json;
use trunkline_core::{
    Body, Context, Credential, Egress, Form, HttpRequest, Kind, Outcome, Profile, Result, Secret, Sign,
    WireRequest,
};
use trunkline_testkit::{Authority, Peer, Received};

use crate::common::{Service, bearer, closed_port};

fn to(status: u16, location: &str) -> Response<Body> {
    Response::builder().status(status).header("location", location).body("moved".into()).unwrap()
}

fn ok(received: Received) -> Response<Body> {
    Response::new(Body::from(format!("{} {}", received.method, received.uri)))
}

/// Answers `/STATUS` with that status and the location, and anything else with what was asked.
async fn redirects(location: impl Into<String>) -> Peer {
    let location = location.into();
    Peer::http(move |received| match received.uri.path()[1..].parse() {
        Ok(status) => to(status, &location),
        Err(_) => ok(received),
    })
    .await
}

fn following(peer: &Peer) -> Service {
    Service::new(&peer.url(), json!({"redirects": "any", "headers": {"x-config": "ours"}}))
}

fn secrets() -> [Form; 4] {
    let value = || Secret::new("hunter2");
    [
        Form::Bearer(value()),
        Form::Header { name: HeaderName::from_static("x-key"), value: value() },
        Form::Query { name: "k".into(), value: value() },
        Form::Cookie { name: "sid".into(), value: value() },
    ]
}

#[tokio::test]
async fn a_redirect_on_the_same_origin_is_followed_with_everything() {
    let peer = redirects("/there?a=1").await;
    let service = Service::new(&peer.url(), json!({"headers": {"x-config": "ours"}}));
    for form in secrets() {
        let request = HttpRequest::get("/302").header(header::ACCEPT, HeaderValue::from_static("x/y"));
        let reply = service.call_as(request, Some(form)).await.unwrap();
        assert!(reply.text().await.unwrap().starts_with("GET /there?a=1"));
        let [.., first, second] = &peer.received()[..] else { panic!("two requests") };
        assert_eq!((second.header("x-config"), second.header("accept")), ("ours", "x/y"));
        let sent = |received: &Received| {
            ["authorization", "x-key", "cookie"].map(|name| received.header(name).to_owned())
        };
        assert_eq!(sent(first), sent(second));
        let query = |received: &Received| received.uri.query().is_some_and(|q| q.contains("k=hunter2"));
        assert_eq!(query(first), query(second));
    }
}

#[tokio::test]
async fn another_origin_is_not_followed_unless_asked_for() {
    let other = Peer::http(ok).await;
    for location in [format!("{}/x", other.url()), format!("//{}/x", other.address()), "mailto:a@b".into()] {
        let peer = redirects(&location).await;
        let reply = Service::of(&peer).get("/302").await.unwrap();
        assert_eq!(
            (reply.status, reply.headers["location"].to_str().unwrap()),
            (StatusCode::FOUND, &*location)
        );
    }
    assert_eq!(other.connections(), 0);
}

#[tokio::test]
async fn none_and_relay_follow_nothing() {
    let peer = redirects("/there").await;
    let none = Service::new(&peer.url(), json!({"redirects": "none"}));
    assert_eq!(none.get("/302").await.unwrap().status, StatusCode::FOUND);
    let relay = HttpRequest { relay: true, ..HttpRequest::get("/302") };
    assert_eq!(Service::of(&peer).call(relay).await.unwrap().text().await.unwrap(), "moved");
    assert_eq!(peer.received().len(), 2);
}

#[tokio::test]
async fn another_origin_gets_neither_credential_nor_headers_nor_body() {
    let other = Peer::http(ok).await;
    // The service repeats the query, credential and all, as many do.
    let peer = redirects(format!("{}/x?a=1&k=hunter2", other.url())).await;
    let service = following(&peer);
    for form in secrets() {
        for (method, status) in [(Method::GET, 302), (Method::GET, 307), (Method::POST, 303)] {
            let mut request = HttpRequest::new(method.clone(), format!("/{status}"))
                .header(HeaderName::from_static("x-caller"), HeaderValue::from_static("theirs"))
                .header(header::COOKIE, HeaderValue::from_static("session=theirs"))
                .header(header::AUTHORIZATION, HeaderValue::from_static("theirs"));
            if method == Method::POST {
                request = request.json(&json!({"secret": "hunter2"})).unwrap();
            }
            let form = match &form {
                Form::Bearer(_) => bearer("hunter2").unwrap(),
                Form::Header { name, value } => Form::Header { name: name.clone(), value: value.clone() },
                Form::Query { name, value } => Form::Query { name: name.clone(), value: value.clone() },
                _ => Form::Cookie { name: "sid".into(), value: Secret::new("hunter2") },
            };
            let query = matches!(form, Form::Query { .. });
            service.call_as(request, Some(form)).await.unwrap();
            let received = other.received().pop().unwrap();
            assert_eq!((received.method, received.body.len()), (Method::GET, 0));
            let mut names: Vec<_> = received.headers.keys().map(HeaderName::as_str).collect();
            names.sort_unstable();
            assert_eq!(names, ["accept-encoding", "host", "user-agent"]);
            if query {
                assert_eq!(received.uri, "/x?a=1");
            }
        }
    }
}

/// Signs with what it sees: the method, the target and a header that the configuration sets.
#[derive(Debug)]
struct Stamp;

impl Sign for Stamp {
    fn sign(&self, request: &mut WireRequest<'_>) -> Result<()> {
        let seen = format!("{} {} {:?}", request.method, request.uri, request.headers["x-config"]);
        request.headers.insert("x-signature", HeaderValue::from_str(&seen).unwrap());
        let (uri, separator) =
            (request.uri.to_string(), if request.uri.query().is_some() { '&' } else { '?' });
        *request.uri = format!("{uri}{separator}sig={}", seen.len()).parse().unwrap();
        Ok(())
    }
}

#[tokio::test]
async fn each_hop_at_home_is_signed_anew_and_no_signature_goes_elsewhere() {
    // Services that redirect repeat the query, signature and all.
    let away = Peer::http(ok).await;
    let target = format!("{}/end", away.url());
    let peer = Peer::http(move |received| match (received.uri.path(), received.uri.query()) {
        ("/a", Some(query)) => to(307, &format!("/b?{query}")),
        (_, query) => to(302, &format!("{target}?{}", query.unwrap_or_default())),
    })
    .await;
    let request = HttpRequest::get("/a?x=1");
    following(&peer).call_as(request, Some(Form::Sign(Arc::new(Stamp)))).await.unwrap();
    let [first, second] = <[_; 2]>::try_from(peer.received()).unwrap();
    for (received, uri) in [(&first, "/a?x=1"), (&second, "/b?x=1")] {
        let seen = format!("GET {}{uri} \"ours\"", peer.url());
        assert_eq!(received.header("x-signature"), seen);
        assert_eq!(received.uri.to_string(), format!("{uri}&sig={}", seen.len()));
    }
    let last = away.received().pop().unwrap();
    assert_eq!((last.uri.to_string().as_str(), last.header("x-signature")), ("/end?x=1", ""));
}

#[tokio::test]
async fn nothing_confidential_comes_back_after_a_detour() {
    let home = Arc::new(Mutex::new(String::new()));
    let back = home.clone();
    let other = Peer::http(move |_| to(302, &format!("{}/end", back.lock().unwrap()))).await;
    let peer = redirects(other.url()).await;
    *home.lock().unwrap() = peer.url();
    following(&peer).call_as(HttpRequest::get("/302"), bearer("hunter2")).await.unwrap();
    let received = peer.received().pop().unwrap();
    assert_eq!(received.uri, "/end");
    assert_eq!((received.header("authorization"), received.header("x-config")), ("", ""));
}

#[tokio::test]
async fn the_same_call_can_be_made_again_after_a_detour() {
    use trunkline_core::{Call, IntegrationId, Operation, Transport};
    let other = Peer::http(ok).await;
    let peer = redirects(other.url()).await;
    let service = following(&peer);
    let request = HttpRequest::get("/302").header(header::ACCEPT, HeaderValue::from_static("x/y"));
    let mut call = Call::new(IntegrationId::new("a").unwrap(), request);
    for _ in 0..2 {
        service.rest.call(&service.context, &mut call).await.unwrap();
        assert_eq!(peer.received().pop().unwrap().header("accept"), "x/y");
    }
    assert!(matches!(&call.operation, Operation::Http(request) if request.headers.len() == 1));
}

#[tokio::test]
async fn a_303_becomes_a_get_without_what_described_the_body() {
    let peer = redirects("/there").await;
    let post = HttpRequest::post("/303").json(&json!({"a": 1})).unwrap();
    assert_eq!(Service::of(&peer).call(post).await.unwrap().text().await.unwrap(), "GET /there");
    let received = peer.received().pop().unwrap();
    assert_eq!((received.header("content-type"), received.header("content-length")), ("", ""));
}

#[tokio::test]
async fn a_307_sends_the_body_again_on_the_same_origin_and_a_stream_never() {
    let peer = redirects("/there").await;
    let service = Service::of(&peer);
    for status in [307, 308] {
        let post = HttpRequest::post(format!("/{status}")).body("body");
        assert_eq!(service.call(post).await.unwrap().text().await.unwrap(), "POST /there");
        assert_eq!(peer.received().pop().unwrap().body, "body");
    }
    let mut post = HttpRequest::post("/307");
    post.body = crate::streams::pieces(["one", "two"]);
    assert_eq!(service.call(post).await.unwrap().status, StatusCode::TEMPORARY_REDIRECT);
    let other = redirects(format!("{}/there", peer.url())).await;
    let sent = peer.received().len();
    let reply = following(&other).call(HttpRequest::post("/307").body("body")).await.unwrap();
    assert_eq!((reply.status, peer.received().len()), (StatusCode::TEMPORARY_REDIRECT, sent));
}

#[tokio::test]
async fn a_post_answered_with_301_or_302_is_returned() {
    let peer = redirects("/there").await;
    for status in [301, 302] {
        let reply = Service::of(&peer).call(HttpRequest::post(format!("/{status}")).body("x")).await.unwrap();
        assert_eq!(reply.status.as_u16(), status);
    }
    assert_eq!(peer.received().len(), 2);
}

#[tokio::test]
async fn more_than_five_redirects_are_an_error() {
    let peer = redirects("/302").await;
    let error = Service::of(&peer).get("/302").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Protocol);
    assert_eq!((error.reply().unwrap().status, peer.received().len()), (StatusCode::FOUND, 6));
}

#[tokio::test]
async fn https_never_leads_to_http() {
    let (authority, clear) = (Authority::new(), Peer::http(ok).await);
    let location = clear.url();
    let peer = Peer::https(move |_| to(302, &location), authority.server(false)).await;
    let base = format!("https://127.0.0.1:{}", peer.address().port());
    let service = Service::new(&base, json!({"redirects": "any", "tls": {"ca": authority.pem()}}));
    assert_eq!(service.get("/").await.unwrap().status, StatusCode::FOUND);
    assert_eq!(clear.connections(), 0);
}

#[tokio::test]
async fn another_origin_is_not_shown_the_client_certificate() {
    let authority = Authority::new();
    let other = Peer::https(ok, authority.server(true)).await;
    let location = format!("https://127.0.0.1:{}/", other.address().port());
    let peer = Peer::https(move |_| to(302, &location), authority.server(true)).await;
    let (cert, key) = authority.client();
    let tls = json!({"ca": authority.pem(), "client_cert": cert, "client_key": key});
    let base = format!("https://127.0.0.1:{}", peer.address().port());
    let service = Service::new(&base, json!({"redirects": "any", "tls": tls}));
    service.get("/").await.unwrap_err();
    assert_eq!((peer.received().len(), other.received().len()), (1, 0));
}

#[tokio::test]
async fn no_redirect_leads_past_the_guard() {
    let second = Peer::http(ok).await;
    for (location, kind) in [
        (second.url(), Kind::Blocked),
        (format!("//{}/x", second.address()), Kind::Blocked),
        ("http://169.254.169.254/latest/meta-data".into(), Kind::Blocked),
        ("//10.0.0.1".into(), Kind::Blocked),
        (format!("http://localhost:{}", second.address().port()), Kind::Blocked),
        (format!("http://2130706433:{}", second.address().port()), Kind::Blocked),
        (format!("http://[::ffff:127.0.0.1]:{}", second.address().port()), Kind::Blocked),
        ("file:///etc/passwd".into(), Kind::Protocol),
        (format!("http://user:pass@{}", second.address()), Kind::Protocol),
    ] {
        let first = redirects(&location).await;
        let egress = Egress::new(Profile::Guarded, &[first.address().to_string()]).unwrap();
        let context = Context::new(Arc::new(egress));
        let service = Service::within(context, &first.url(), json!({"redirects": "any"}));
        assert_eq!(service.get("/302").await.unwrap_err().kind(), kind, "{location}");
        assert_eq!(first.received().len(), 1);
    }
    assert_eq!(second.connections(), 0);
}

/// The service has taken the POST. Whatever happens to the GET for its answer, the POST must not look as
/// if it could be sent again.
#[tokio::test]
async fn a_post_that_was_answered_with_303_never_looks_unsent() {
    let gone = redirects(format!("http://127.0.0.1:{}", closed_port())).await;
    let error = following(&gone).call(HttpRequest::post("/303").body("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::Applied), "{error}");

    let refusing = Peer::http(|received| match received.method {
        Method::POST => to(303, "/there"),
        _ => Response::builder().status(401).body("no".into()).unwrap(),
    })
    .await;
    let error = Service::of(&refusing).call(HttpRequest::post("/").body("x")).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::Applied), "{error}");
    assert_eq!(error.reply().unwrap().status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_credential_that_says_where_it_is_good_takes_the_call_there_with_its_path() {
    let (configured, real) = (redirects("/").await, redirects("/v1/there").await);
    let service = Service::new(&format!("{}/v1", configured.url()), json!({}));
    let credential = || Credential::new(Form::Bearer(Secret::new("t"))).for_origin(&real.url());
    let reply = service.call_with(HttpRequest::get("/x"), Some(credential())).await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "GET /v1/x");
    assert_eq!(real.received()[0].header("authorization"), "Bearer t");
    // There it is at home: a redirect takes it along, one to where the configuration points does not.
    let service = Service::new(&configured.url(), json!({}));
    service.call_with(HttpRequest::get("/302"), Some(credential())).await.unwrap();
    assert_eq!(real.received()[2].header("authorization"), "Bearer t");
    let back = redirects(configured.url()).await;
    let service = Service::new(&configured.url(), json!({ "redirects": "any" }));
    let credential = Credential::new(Form::Bearer(Secret::new("t"))).for_origin(&back.url());
    service.call_with(HttpRequest::get("/302"), Some(credential)).await.unwrap();
    assert_eq!(configured.received().len(), 1);
    assert_eq!(configured.received()[0].header("authorization"), "");
}
