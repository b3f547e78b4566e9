//! What goes over the wire and comes back: methods, URLs, headers, credentials, bodies, statuses.

use http::{HeaderName, HeaderValue, Method, Response, StatusCode, header};
use serde_json::{Value, json};
use trunkline_core::{Body, Form, HttpRequest, Kind, Outcome, Proof, Reply, Secret, Transport};
use trunkline_testkit::{Peer, Received};

use crate::common::{Service, bearer, lab, open};

fn ok(_: Received) -> Response<Body> {
    Response::new(Body::from("ok"))
}

async fn last(peer: &Peer) -> Received {
    peer.received().pop().unwrap()
}

#[tokio::test]
async fn the_method_and_the_joined_url_arrive_as_they_were_asked_for() {
    let peer = Peer::http(ok).await;
    let service = Service::new(&format!("{}/v1?a=1", peer.url()), json!({}));
    for (method, endpoint, target) in [
        ("GET", "users/7", "/v1/users/7?a=1"),
        ("post", "/users?b=2", "/v1/users?a=1&b=2"),
        ("DELETE", "a%2Fb c", "/v1/a%2Fb%20c?a=1"),
        ("PURGE", "", "/v1?a=1"),
    ] {
        service
            .json(json!({"method": method, "endpoint": endpoint, "params": {"t": ["x&y", 1]}}))
            .await
            .unwrap();
        let received = last(&peer).await;
        assert_eq!(received.method.as_str(), method.to_uppercase());
        assert_eq!(received.uri.to_string(), format!("{target}&t=x%26y&t=1"));
        assert_eq!(received.header("host"), peer.address().to_string());
    }
}

#[tokio::test]
async fn a_callers_header_wins_over_the_integrations_whatever_its_case() {
    let peer = Peer::http(ok).await;
    let service = Service::new(
        &peer.url(),
        json!({"headers": {"X-Team": "config", "x-only": "config", "USER-AGENT": "mine/1"}}),
    );
    service.json(json!({"headers": {"x-TEAM": "caller", "X-N": 5}})).await.unwrap();
    let received = last(&peer).await;
    assert_eq!(received.headers.get_all("x-team").iter().count(), 1);
    for (name, value) in [("x-team", "caller"), ("x-only", "config"), ("x-n", "5"), ("user-agent", "mine/1")]
    {
        assert_eq!(received.header(name), value);
    }
}

#[tokio::test]
async fn nobody_overrides_the_credential() {
    let peer = Peer::http(ok).await;
    let service = Service::new(
        &format!("{}/?z=1", peer.url()),
        json!({"headers": {"authorization": "Bearer config", "x-key": "config"}}),
    );
    let request = || {
        HttpRequest::get("/x?k=caller&b=2&%6B=again")
            .param("k", "caller")
            .header(header::AUTHORIZATION, HeaderValue::from_static("Bearer caller"))
            .header(header::COOKIE, HeaderValue::from_static("sid=caller; theme=dark"))
    };
    let secret = || Secret::new("ours");
    service.call_as(request(), bearer("ours")).await.unwrap();
    assert_eq!(last(&peer).await.header("authorization"), "Bearer ours");
    let name = HeaderName::from_static("x-key");
    service.call_as(request(), Some(Form::Header { name, value: secret() })).await.unwrap();
    assert_eq!(last(&peer).await.header("x-key"), "ours");
    service.call_as(request(), Some(Form::Query { name: "k".into(), value: secret() })).await.unwrap();
    assert_eq!(last(&peer).await.uri, "/x?z=1&b=2&k=ours");
    service.call_as(request(), Some(Form::Cookie { name: "sid".into(), value: secret() })).await.unwrap();
    assert_eq!(last(&peer).await.header("cookie"), "sid=ours; theme=dark");
    service.call_as(request(), Some(Form::Basic { user: "u".into(), password: secret() })).await.unwrap();
    assert_eq!(last(&peer).await.header("authorization"), "Basic dTpvdXJz");
}

#[tokio::test]
async fn headers_of_the_connection_are_ours_even_for_callers_in_rust() {
    let peer = Peer::http(ok).await;
    let mut request = HttpRequest::post("/").body("four");
    for (name, value) in
        [("host", "evil"), ("content-length", "1"), ("connection", "close"), ("transfer-encoding", "chunked")]
    {
        request.headers.insert(name, HeaderValue::from_static(value));
    }
    Service::of(&peer).call(request).await.unwrap();
    let received = last(&peer).await;
    assert_eq!(received.header("host"), peer.address().to_string());
    assert_eq!((received.header("content-length"), &received.body[..]), ("4", &b"four"[..]));
    assert_eq!((received.header("connection"), received.header("transfer-encoding")), ("", ""));
}

#[tokio::test]
async fn each_kind_of_body_arrives_with_its_media_type_and_length() {
    let peer = Peer::http(ok).await;
    let service = Service::of(&peer);
    for (request, media, body) in [
        (json!({"json": {"a": 1}}), "application/json", "{\"a\":1}"),
        (json!({"data": {"a": ["b", "c d"]}}), "application/x-www-form-urlencoded", "a[0]=b&a[1]=c+d"),
        (json!({"data": "text"}), "text/plain; charset=utf-8", "text"),
        (json!({"base64": "AAEC"}), "application/octet-stream", "\0\u{1}\u{2}"),
    ] {
        let mut whole = json!({"method": "PUT"});
        whole.as_object_mut().unwrap().extend(request.as_object().unwrap().clone());
        service.json(whole).await.unwrap();
        let received = last(&peer).await;
        assert_eq!((received.header("content-type"), &received.body[..]), (media, body.as_bytes()));
        assert_eq!(received.header("content-length"), body.len().to_string());
    }
    service.json(json!({"method": "POST", "multipart": [{"name": "f", "value": "v"}]})).await.unwrap();
    let received = last(&peer).await;
    let boundary = received.header("content-type").split_once("boundary=").unwrap().1.to_owned();
    let text = String::from_utf8(received.body.into()).unwrap();
    assert!(text.starts_with(&format!("--{boundary}\r\n")) && text.ends_with(&format!("--{boundary}--\r\n")));
}

#[tokio::test]
async fn a_post_without_a_body_says_that_it_has_none() {
    let peer = Peer::http(ok).await;
    let service = Service::of(&peer);
    for (method, length) in [(Method::POST, "0"), (Method::PUT, "0"), (Method::GET, ""), (Method::DELETE, "")]
    {
        service.call(HttpRequest::new(method, "/")).await.unwrap();
        assert_eq!(last(&peer).await.header("content-length"), length);
    }
}

#[tokio::test]
async fn an_empty_or_foreign_reply_is_a_reply() {
    let peer = Peer::http(|received| match received.uri.path() {
        "/204" => Response::builder().status(204).body(Body::Empty).unwrap(),
        "/html" => Response::builder().header("content-type", "text/html").body("<p>".into()).unwrap(),
        "/304" => Response::builder().status(304).body(Body::Empty).unwrap(),
        _ => Response::new(Body::from(vec![0xff, 0])),
    })
    .await;
    let service = Service::of(&peer);
    let patch = service.call(HttpRequest::new(Method::PATCH, "/204").body("{}")).await.unwrap();
    assert_eq!((patch.status, patch.bytes().await.unwrap().len()), (StatusCode::NO_CONTENT, 0));
    let html = service.get("/html").await.unwrap();
    assert_eq!(html.media(), Some("text/html"));
    assert_eq!(html.text().await.unwrap(), "<p>");
    assert_eq!(service.get("/304").await.unwrap().status, StatusCode::NOT_MODIFIED);
    assert_eq!(service.get("/raw").await.unwrap().bytes().await.unwrap(), &[0xff, 0][..]);
    let head = service.call(HttpRequest::new(Method::HEAD, "/html")).await.unwrap();
    assert!(matches!(head.body, Body::Empty));
    assert_eq!(peer.received().len(), 5, "each call was sent once");
}

#[tokio::test]
async fn an_error_status_becomes_an_error_that_holds_the_reply_and_was_sent_once() {
    let peer = Peer::http(|received| {
        let status: u16 = received.uri.path()[1..].parse().unwrap();
        Response::builder().status(status).header("retry-after", "7").body("why".into()).unwrap()
    })
    .await;
    let service = Service::of(&peer);
    for (status, kind, outcome) in [
        (400, Kind::Rejected, Outcome::Rejected),
        (401, Kind::Unauthenticated, Outcome::Rejected),
        (403, Kind::Forbidden, Outcome::Rejected),
        (404, Kind::Rejected, Outcome::Rejected),
        (409, Kind::Rejected, Outcome::Rejected),
        (422, Kind::Rejected, Outcome::Rejected),
        (429, Kind::RateLimited, Outcome::Rejected),
        (408, Kind::RequestTimeout, Outcome::Unknown),
        (500, Kind::Failed, Outcome::Unknown),
        (503, Kind::Unavailable, Outcome::Unknown),
    ] {
        let sent = peer.received().len();
        let error = service.call(HttpRequest::post(format!("/{status}")).body("{}")).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{status}");
        assert_eq!(error.wait().unwrap().as_secs(), 7);
        let reply: Reply = error.into_reply().unwrap();
        assert_eq!((reply.status.as_u16(), reply.text().await.unwrap().as_str()), (status, "why"));
        assert_eq!(peer.received().len(), sent + 1);
    }
}

#[tokio::test]
async fn no_endpoint_reaches_another_host_or_adds_a_request() {
    let (peer, evil) = tokio::join!(Peer::http(ok), Peer::http(ok));
    let service = Service::of(&peer);
    for endpoint in [
        format!("@{}", evil.address()),
        format!("//{}", evil.address()),
        evil.url(),
        format!("\\{}", evil.address()),
        "/..;/x".into(),
        "/%2e%2e/x".into(),
        "/x\r\n\r\nGET /evil HTTP/1.1\r\nHost: evil".into(),
    ] {
        let _ = service.json(json!({"endpoint": endpoint})).await;
    }
    assert_eq!(evil.connections(), 0);
    assert!(peer.received().iter().all(|received| received.header("host") == peer.address().to_string()));
    assert!(!peer.received().iter().any(|received| received.uri.path().contains("..")));
}

#[tokio::test]
async fn a_bad_configuration_names_its_key_and_shows_no_secret() {
    for (config, word) in [
        (json!({"base_url": "https://u:hunter2@h"}), "base_url"),
        (json!({"base_url": "h"}), "base_url"),
        (json!({"base_url": "http://h", "headers": {"Host": "hunter2"}}), "host"),
        (json!({"base_url": "http://h", "headers": {"X-A": "hunter2\r\nx"}}), "X-A"),
        (json!({"base_url": "http://h", "headers": {"X-A": "1", "x-a": "2"}}), "twice"),
        (json!({"base_url": "http://h", "timeouts": {"connect": 0}}), "timeouts.connect"),
        (json!({"base_url": "http://h", "redirects": "hunter2"}), "redirects"),
        (json!({"base_url": "http://h", "proxy": {"url": "http://u:hunter2@p"}}), "proxy.url"),
        (json!({"base_url": "http://h", "proxy": {"url": "socks5://p"}}), "proxy.url"),
        (json!({"base_url": "http://h", "probe": {"method": "POST", "endpoint": "/"}}), "probe.method"),
        (json!({"base_url": "http://h", "probe": {"endpoint": "/../x"}}), "probe"),
        (json!({"base_url": "http://h", "probe": {"endpoint": "/", "ok": [403, 200]}}), "probe.ok"),
        (json!({"base_url": "http://h", "probe": {"endpoint": "/", "ok": [4030]}}), "probe.ok"),
        (json!({"base_url": "http://h", "hedaers": {}}), "did you mean `headers`"),
    ] {
        let error = open(&lab(), config).unwrap_err();
        assert!(error.message().to_lowercase().contains(&word.to_lowercase()), "{word}: {error}");
        assert!(!format!("{error:?}").contains("hunter2"), "{error}");
    }
}

#[tokio::test]
async fn what_is_printed_of_an_open_integration_holds_no_secret() {
    let config = json!({
        "base_url": "http://h", "headers": {"x-api-key": "hunter2"},
        "proxy": {"url": "http://p:1", "username": "u", "password": "hunter2"},
    });
    let rest = open(&lab(), config).unwrap();
    let shown = format!("{rest:?}");
    assert!(!shown.contains("hunter2") && !shown.contains("dTpodW50ZXIy"), "{shown}");
}

#[tokio::test]
async fn a_probe_says_what_it_proves() {
    let peer = Peer::http(|received| {
        let status = if received.header("authorization").is_empty() { 401 } else { 200 };
        Response::builder().status(status).body(Body::Empty).unwrap()
    })
    .await;
    let ask = |config: Value, form| {
        let service = Service::new(&peer.url(), config);
        async move {
            let mut call = trunkline_core::Call::new(
                trunkline_core::IntegrationId::new("a").unwrap(),
                HttpRequest::get("/"),
            );
            call.credential =
                Option::map(form, |form| std::sync::Arc::new(trunkline_core::Credential::new(form)));
            service.rest.probe(&service.context, &mut call).await
        }
    };
    assert_eq!(ask(json!({}), None).await.unwrap(), Proof::REACHABLE_ONLY);
    assert!(peer.received().is_empty());
    let probe = json!({"probe": {"endpoint": "/me"}});
    assert_eq!(ask(probe.clone(), bearer("t")).await.unwrap(), Proof::ANSWERED);
    assert_eq!(ask(probe, None).await.unwrap_err().kind(), Kind::Unauthenticated);
}
