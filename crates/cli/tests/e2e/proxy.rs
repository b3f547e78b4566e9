//! `/proxy`: what goes through is not touched, streams both ways, and breaks where the service breaks.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    sync::{mpsc, oneshot},
};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Server, exchange, until, within};

fn config(url: &str) -> Value {
    json!({"integration_id": "a", "type": "rest", "base_url": url, "auth_type": "bearer", "auth_config": {"token": "t-123456"}})
}

fn proxied(path: &str) -> String {
    format!("/api/v1/integrations/a/proxy{path}")
}

/// A body that flows as it is sent into the channel, and breaks off with `Err`.
fn flowing() -> (mpsc::Sender<Result<&'static str, trunkline::Error>>, Body) {
    let (sender, receiver) = mpsc::channel(8);
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async {
        let next: Result<&str, trunkline::Error> = receiver.recv().await?;
        Some((next.map(|text| Frame::data(Bytes::from_static(text.as_bytes()))), receiver))
    });
    (sender, Body::stream(StreamBody::new(frames)))
}

async fn next(body: &mut Incoming) -> Option<Result<Bytes, hyper::Error>> {
    let frame = within("a piece of the body", body.frame()).await?;
    Some(frame.map(|frame| frame.into_data().unwrap_or_default()))
}

/// A service that hands its one answer's body to the test.
async fn handed(body: Body) -> Peer {
    let body = std::sync::Mutex::new(Some(body));
    Peer::http(move |_| Response::new(body.lock().unwrap().take().unwrap_or(Body::Empty))).await
}

#[tokio::test]
async fn a_download_arrives_before_the_service_has_finished_it() {
    let (sender, body) = flowing();
    let peer = handed(body).await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let mut response =
        server.open(Request::get(proxied("/big")).body(Full::<Bytes>::default()).unwrap()).await;
    for piece in ["one", "two", "three"] {
        sender.send(Ok(piece)).await.unwrap();
        assert_eq!(next(response.body_mut()).await.unwrap().unwrap(), piece);
    }
    drop(sender);
    assert!(next(response.body_mut()).await.is_none());
}

#[tokio::test]
async fn an_upload_reaches_the_service_before_the_client_has_finished_it() {
    let (seen, mut arrived) = mpsc::channel(8);
    let peer = Peer::live(move |mut request| {
        let seen = seen.clone();
        async move {
            while let Some(piece) = next(request.body_mut()).await {
                seen.send(piece.unwrap()).await.unwrap();
            }
            Response::new(Body::from("done"))
        }
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let (sender, body) = flowing();
    let request = Request::post(proxied("/upload")).body(body).unwrap();
    let sent = async {
        for piece in ["one", "two"] {
            sender.send(Ok(piece)).await.unwrap();
            assert_eq!(within("the piece", arrived.recv()).await.unwrap(), piece);
        }
        drop(sender);
    };
    let (response, ()) = tokio::join!(server.open(request), sent);
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn a_large_body_goes_through_both_ways_unchanged() {
    let peer = Peer::live(|request: Request<Incoming>| async move {
        let bytes = request.into_body().collect().await.unwrap().to_bytes();
        Response::new(Body::from(bytes))
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let bytes: Bytes = (0..8 << 20).map(|n: u32| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let answer = server.with("PUT", &proxied("/blob"), &[], bytes.clone()).await.is(200);
    assert!(answer.body == bytes);
}

#[tokio::test]
async fn headers_of_the_connection_end_here_and_all_others_go_on() {
    let peer = Peer::http(|_| {
        let mut response = Response::new(Body::from("x"));
        for (name, value) in [
            ("connection", "x-reply-hop"),
            ("x-reply-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("proxy-authenticate", "Basic"),
            ("trunkline-error", "fake"),
            ("trunkline-request-id", "fake"),
            ("trunkline-made-up", "fake"),
            ("set-cookie", "a=1"),
            ("set-cookie", "b=2"),
            ("x-kept", "yes"),
            ("server", "theirs"),
            ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
            ("cache-control", "max-age=60"),
        ] {
            response.headers_mut().append(name, value.parse().unwrap());
        }
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let headers = [
        ("connection", "X-Hop, keep-alive"),
        ("x-hop", "1"),
        ("keep-alive", "1"),
        ("te", "gzip"),
        ("upgrade", "websocket"),
        ("proxy-authorization", "Basic x"),
        ("proxy-connection", "keep-alive"),
        ("trunkline-token", "mine"),
        ("x-forwarded-for", "1.2.3.4"),
        ("forwarded", "for=1.2.3.4"),
        ("authorization", "Bearer callers-own"),
        ("accept", "text/plain"),
        ("accept", "text/html"),
        ("user-agent", "me/1"),
        ("x-kept", "1"),
    ];
    let answer = server.with("GET", &proxied("/"), &headers, "").await.is(200);
    let received = &peer.received()[0];
    let mut names: Vec<_> = received.headers.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "authorization", "host", "user-agent", "x-kept"]);
    assert_eq!(received.headers.get_all("accept").iter().count(), 2);
    assert_eq!(received.header("authorization"), "Bearer t-123456");
    assert_eq!(received.header("host"), peer.address().to_string());

    for gone in [
        "connection",
        "x-reply-hop",
        "keep-alive",
        "proxy-authenticate",
        "trunkline-error",
        "trunkline-made-up",
    ] {
        assert!(!answer.headers.contains_key(gone), "{gone}");
    }
    assert_ne!(answer.header("trunkline-request-id"), "fake");
    assert_eq!(answer.header("trunkline-attempts"), "1");
    assert_eq!(answer.headers.get_all("set-cookie").iter().collect::<Vec<_>>(), ["a=1", "b=2"]);
    for (name, value) in [
        ("x-kept", "yes"),
        ("server", "theirs"),
        ("date", "Thu, 01 Jan 1970 00:00:00 GMT"),
        ("cache-control", "max-age=60"),
        ("content-length", "1"),
    ] {
        assert_eq!(answer.header(name), value);
    }
    // What guards pages of our own is not put on theirs.
    assert!(!answer.headers.contains_key("content-security-policy"));
}

fn status(received: Received) -> Response<Body> {
    let status: StatusCode = received.uri.path()[1..].parse().unwrap();
    let mut response = Response::new(Body::from("{\"theirs\": true }"));
    *response.status_mut() = status;
    if matches!(status.as_u16(), 204 | 304) {
        *response.body_mut() = Body::Empty;
    }
    let headers = response.headers_mut();
    headers.insert("etag", "\"v1\"".parse().unwrap());
    headers.insert("location", "/elsewhere".parse().unwrap());
    headers.insert("retry-after", "7".parse().unwrap());
    response
}

#[tokio::test]
async fn every_status_is_passed_on_as_it_is() {
    let peer = Peer::http(status).await;
    let server = Server::beside(&peer).await;
    let mut once = config(&peer.url());
    once["retry_config"] = json!({"max_attempts": 1});
    once["rate_limit"] = json!({"learn": false});
    once["breaker"] = json!({"enabled": false});
    server.has(&once).await;
    for code in [
        200, 201, 204, 299, 301, 302, 304, 307, 400, 401, 403, 404, 407, 409, 410, 418, 429, 500, 502, 503,
        504, 599,
    ] {
        let answer = server.get(&proxied(&format!("/{code}"))).await.is(code);
        let body = if matches!(code, 204 | 304) { "" } else { "{\"theirs\": true }" };
        assert_eq!(answer.text(), body, "{code}");
        for (name, value) in [("etag", "\"v1\""), ("location", "/elsewhere"), ("retry-after", "7")] {
            assert_eq!(answer.header(name), value, "{code}");
        }
        assert!(!answer.headers.contains_key("trunkline-error"), "{code}");
    }
    assert_eq!(peer.received().len(), 22, "nothing was sent twice, no redirect was followed");
}

#[tokio::test]
async fn every_method_is_passed_on_but_two_that_have_no_business_here() {
    let peer = Peer::http(|received| {
        let mut response = Response::new(Body::Empty);
        response.headers_mut().insert("x-method", received.method.as_str().parse().unwrap());
        response.headers_mut().insert("content-length", "0".parse().unwrap());
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "PURGE"] {
        assert_eq!(server.with(method, &proxied("/"), &[], "").await.is(200).header("x-method"), method);
    }
    server.with("TRACE", &proxied("/"), &[], "").await.problem(405, "method_not_allowed");
    assert_eq!(peer.received().len(), 9);
}

#[tokio::test]
async fn a_head_keeps_the_length_that_the_body_would_have() {
    let peer = Peer::raw(|mut stream| async move {
        let mut request = [0; 4096];
        let _ = stream.read(&mut request).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 12345\r\n\r\n").await;
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let answer = server.with("HEAD", &proxied("/"), &[], "").await.is(200);
    assert_eq!((answer.header("content-length"), answer.body.len()), ("12345", 0));
}

#[tokio::test]
async fn encodings_ranges_and_conditions_are_the_clients_business() {
    let peer = Peer::http(|received| {
        let mut response = Response::new(Body::from(Bytes::from_static(b"\x1f\x8b not really gzip")));
        response.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        response.headers_mut().insert("content-range", "bytes 0-1/99".parse().unwrap());
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        assert!(received.headers.get("accept-encoding").is_none());
        assert_eq!((received.header("range"), received.header("if-none-match")), ("bytes=0-1", "\"v\""));
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let headers = [("range", "bytes=0-1"), ("if-none-match", "\"v\"")];
    let answer = server.with("GET", &proxied("/"), &headers, "").await.is(206);
    assert_eq!((answer.header("content-encoding"), &answer.body[..3]), ("gzip", &b"\x1f\x8b "[..]));
}

#[tokio::test]
async fn the_path_and_the_query_are_passed_on_letter_by_letter() {
    let peer = Peer::http(|received| Response::new(Body::from(received.uri.to_string()))).await;
    let server = Server::beside(&peer).await;
    server.has(&config(&format!("{}/v1", peer.url()))).await;
    for target in [
        "/a%2Fb%20c",
        "/a%2fb",
        "/x?q=a+b&r=%7e&empty=&&z",
        "/x?",
        "/x?a=1?b=2",
        "/?x",
        "/a//b/",
        "/%E2%82%AC/caf%c3%a9",
        "/:80/@me/a;b=c,d!$'()*",
        "/x?url=http://evil/../%2e%2e",
        "/...",
        "/.well-known/x",
    ] {
        let answer = server.get(&proxied(target)).await.is(200);
        // A question mark with nothing behind it asks nothing.
        assert_eq!(answer.text(), format!("/v1{}", target.strip_suffix('?').unwrap_or(target)));
    }
    assert_eq!(server.get(&proxied("")).await.text(), "/v1");
    assert_eq!(server.get(&proxied("?a=1")).await.text(), "/v1?a=1");
}

#[tokio::test]
async fn our_own_errors_say_so_and_are_problems() {
    let server = Server::begin().arg("--egress-allow").arg("127.0.0.1:9").start().await;
    server.has(&config("http://127.0.0.1:9")).await;
    let answer = server.get(&proxied("/")).await;
    let id = answer.header("trunkline-request-id").to_owned();
    let problem = answer.problem(502, "unavailable");
    assert_eq!(
        (&problem["integration"], &problem["outcome"], &problem["attempts"], &problem["request_id"]),
        (&json!("a"), &json!("not_sent"), &json!(3), &json!(id))
    );
}

#[tokio::test]
async fn a_client_that_goes_away_closes_the_connection_to_the_service() {
    for answered in [false, true] {
        let (gone, mut noticed) = mpsc::channel(1);
        let peer = Peer::raw(move |mut stream| {
            let gone = gone.clone();
            async move {
                let mut bytes = vec![0; 4096];
                let _ = stream.read(&mut bytes).await;
                if answered {
                    let _ =
                        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9999999\r\n\r\nhello").await;
                }
                while stream.read(&mut bytes).await.is_ok_and(|read| read > 0) {}
                let _ = gone.send(()).await;
            }
        })
        .await;
        let server = Server::beside(&peer).await;
        server.has(&config(&peer.url())).await;
        let request = format!("GET {} HTTP/1.1\r\nhost: localhost\r\n\r\n", proxied("/"));
        let mut client = crate::harness::connect(server.address).await;
        client.write_all(request.as_bytes()).await.unwrap();
        if answered {
            assert!(within("the head", client.read(&mut [0; 1024])).await.unwrap() > 0);
        } else {
            until("the request to arrive", || async { (peer.connections() > 0).then_some(()) }).await;
        }
        drop(client);
        within("the service to notice", noticed.recv()).await.unwrap();
        let found =
            until("the record", || async { server.get("/api/v1/activity").await.json().get(0).cloned() })
                .await;
        assert_eq!(found["kind"], "cancelled");
    }
}

#[tokio::test]
async fn a_reply_that_is_cut_is_never_complete_for_the_client() {
    for head in ["content-length: 10\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"] {
        let peer = Peer::raw(move |mut stream| async move {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}").as_bytes()).await;
        })
        .await;
        let server = Server::beside(&peer).await;
        server.has(&config(&peer.url())).await;
        let request = Request::get(proxied("/")).body(Full::<Bytes>::default()).unwrap();
        // A small body of known length is read first, and then nothing was promised to the client yet.
        let mut response = server.open(request).await;
        if response.status() == 200 {
            let mut body = Vec::new();
            let broke = loop {
                match next(response.body_mut()).await {
                    Some(Ok(piece)) => body.extend_from_slice(&piece),
                    Some(Err(_)) => break true,
                    None => break false,
                }
            };
            assert!(broke, "complete with {body:?} after {head:?}");
        } else {
            assert_eq!(response.status(), 502, "{head:?}");
        }
    }
}

#[tokio::test]
async fn an_upload_that_its_client_cuts_is_not_complete_for_the_service() {
    let (seen, mut outcome) = mpsc::channel(1);
    let (began, begun) = oneshot::channel();
    let began = std::sync::Mutex::new(Some(began));
    let peer = Peer::live(move |request: Request<Incoming>| {
        let (seen, began) = (seen.clone(), began.lock().unwrap().take());
        async move {
            let mut body = request.into_body();
            let first = next(&mut body).await;
            began.map(|began| began.send(first.is_some()));
            let complete = body.collect().await.is_ok();
            let _ = seen.send(complete).await;
            Response::new(Body::Empty)
        }
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let mut client = crate::harness::connect(server.address).await;
    let head =
        format!("POST {} HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n", proxied("/"));
    client.write_all(format!("{head}5\r\nhello\r\n").as_bytes()).await.unwrap();
    assert!(within("the first piece", begun).await.unwrap());
    drop(client);
    assert!(!within("the end of the upload", outcome.recv()).await.unwrap());
}

#[tokio::test]
async fn a_service_that_never_stops_sending_is_read_only_as_fast_as_the_client_reads() {
    let (sent, counted) = (std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0)), 1 << 16);
    let count = sent.clone();
    let peer = Peer::http(move |_| {
        let count = count.clone();
        let endless = futures_util::stream::repeat_with(move || {
            count.fetch_add(counted, std::sync::atomic::Ordering::SeqCst);
            Ok::<_, trunkline::Error>(Frame::data(Bytes::from(vec![0; counted])))
        });
        Response::new(Body::stream(StreamBody::new(endless)))
    })
    .await;
    let server = Server::beside(&peer).await;
    server.has(&config(&peer.url())).await;
    let request = Request::get(proxied("/")).body(Full::<Bytes>::default()).unwrap();
    let mut response = server.open(request).await;
    assert!(next(response.body_mut()).await.unwrap().is_ok());
    // Socket buffers fill, and then nothing moves: the count stands still.
    let mut last = 0;
    until("the flow to stand still", || {
        let now = sent.load(std::sync::atomic::Ordering::SeqCst);
        let still = now == std::mem::replace(&mut last, now);
        async move {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
            still.then_some(())
        }
    })
    .await;
    assert!(last < 64 << 20, "{last} bytes were taken from a service whose client does not read");
}

#[tokio::test]
async fn a_path_that_would_leave_the_base_is_refused_as_it_stands_on_the_wire() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&config(&format!("{}/v1", peer.url()))).await;
    for path in [
        "/../x",
        "/a/../../x",
        "/%2e%2e/x",
        "/%2E%2e/x",
        "/.%2e/x",
        "/..",
        "/.",
        "/..;/x",
        "/a/..%2fx",
        "/..%5cx",
        "//evil.example/x",
        "/\\evil.example/x",
        "\\evil.example",
        "/x#y",
    ] {
        let answer = exchange(
            server.address,
            format!("GET {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n", proxied(path)),
        )
        .await;
        let refused = answer.starts_with("HTTP/1.1 4");
        // A fragment never leaves a well-behaved client, and the parser drops it.
        assert!(refused || path.contains('#'), "{path}: {answer}");
    }
    assert!(peer.received().iter().all(|request| request.uri.path() == "/v1/x"), "{:?}", peer.received());
    for path in ["/@evil.example/x", "/.evil.example", "/:80", "/http://evil.example/"] {
        server.get(&proxied(path)).await;
    }
    assert!(peer.received().iter().all(|request| request.uri.path().starts_with("/v1/")));
}
