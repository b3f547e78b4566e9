//! Lists in pages over real HTTP: each way from page to page, where it ends, and services that lead astray.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::SeqCst},
};

use bytes::Bytes;
use futures_util::stream;
use http::{Response, StatusCode};
use http_body_util::StreamBody;
use hyper::body::Frame;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Answer, Server};

/// A service, and a server that knows it as `pets`, with a path below its base.
async fn listed(service: impl Fn(&Received) -> Response<Body> + Send + Sync + 'static) -> (Peer, Server) {
    let peer = Peer::http(move |received: Received| service(&received)).await;
    let server = Server::beside(&peer).await;
    let base = format!("{}/v1", peer.url());
    server.has(&json!({ "integration_id": "pets", "type": "rest", "base_url": base })).await;
    (peer, server)
}

/// The list at an endpoint, which comes in this way.
async fn walk(server: &Server, endpoint: &str, way: Value, bounds: Value) -> Answer {
    let mut pages = bounds;
    pages["way"] = way;
    server.call("pets", &json!({ "endpoint": endpoint, "pages": pages })).await
}

fn reply(body: &Value) -> Response<Body> {
    Response::builder().header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
}

/// An answer that begins and does not go on.
fn silent() -> Response<Body> {
    Response::new(Body::stream(StreamBody::new(stream::pending::<trunkline::Result<Frame<Bytes>>>())))
}

/// The number in a parameter of the request.
fn number(received: &Received, name: &str) -> Option<u64> {
    let query = received.uri.query()?;
    query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
}

fn paths(peer: &Peer) -> Vec<String> {
    peer.received().iter().map(|one| one.uri.path_and_query().unwrap().to_string()).collect()
}

#[tokio::test]
async fn what_leads_to_the_next_page_is_read_as_the_page_means_it() {
    let (peer, server) = listed(|received| {
        let page = number(received, "page").unwrap_or(1);
        let next = format!("{}page={}", if page == 1 { "?" } else { "url?" }, page + 1);
        let mut response = reply(&json!({ "r": [page], "next": (page < 3).then_some(&next) }));
        if page < 3 && received.uri.path().ends_with("link") {
            let link = format!("<?page={}>; rel=\"next\"", page + 1);
            response.headers_mut().insert("link", link.parse().unwrap());
        }
        response
    })
    .await;
    let url = json!({ "type": "url", "items": "/r", "next": "{{ body.next }}" });
    for (endpoint, way) in [("/a/url", url), ("/a/link", json!({ "type": "link", "items": "/r" }))] {
        let all = walk(&server, endpoint, way, json!({})).await.is(200).json();
        assert_eq!(all, json!({ "records": [1, 2, 3], "pages": 3, "cursor": null }));
        let asked: Vec<_> = paths(&peer).into_iter().filter(|path| path.contains(endpoint)).collect();
        let page = |n: u32| format!("/v1{endpoint}?page={n}");
        assert_eq!(asked, [format!("/v1{endpoint}"), page(2), page(3)]);
    }
}

#[tokio::test]
async fn a_page_that_came_is_given_where_it_leads_elsewhere_and_nobody_is_asked() {
    let (peer, server) = listed(|received| {
        let (next, page) = (received.uri.path().rsplit('/').next().unwrap(), number(received, "page"));
        let next = match (next, page) {
            ("late", None) => "?page=2",
            ("outside", _) => "/v2/outside?page=2",
            ("broken", _) => "http://[",
            _ => "http://evil.example/v1/list?page=2",
        };
        reply(&json!({ "r": [page.unwrap_or(1)], "next": next }))
    })
    .await;
    let way = json!({ "type": "url", "items": "/r", "next": "{{ body.next }}" });
    for (endpoint, records, words) in [
        ("/evil", json!([1]), "another host"),
        ("/late", json!([1, 2]), "evil.example"),
        ("/outside", json!([1]), "outside"),
        ("/broken", json!([1]), "no URL"),
    ] {
        let before = peer.received().len();
        let some = walk(&server, endpoint, way.clone(), json!({})).await.is(200).json();
        assert_eq!((&some["records"], &some["cursor"]), (&records, &Value::Null), "{endpoint}");
        assert_eq!(some["error"]["kind"], "protocol", "{some}");
        assert!(some["error"]["detail"].as_str().unwrap().contains(words), "{some}");
        assert_eq!(peer.received().len() - before, records.as_array().unwrap().len());
        // Nor is it taken for the end by who wants no more than that.
        let one =
            walk(&server, endpoint, way.clone(), json!({ "max_pages": records.as_array().unwrap().len() }));
        assert_eq!(one.await.is(200).json()["error"]["kind"], "protocol");
    }
    let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let asked = json!({ "endpoint": "/evil", "pages": { "way": way } }).to_string();
    let lines = server
        .with("POST", "/api/v1/integrations/pets/call", &headers, asked)
        .await
        .is(200)
        .text()
        .to_owned();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[0]), (2, &json!({ "record": 1 })));
    assert_eq!(
        (&lines[1]["error"]["kind"], &lines[1]["error"]["cursor"]),
        (&json!("protocol"), &Value::Null)
    );
}

/// Each way, for a service that answers as [`endless`] does.
fn ways() -> [(&'static str, Value); 5] {
    let two = json!({ "query": "max", "max": 2 });
    [
        ("cursor", json!({ "type": "cursor", "items": "/r", "next": "{{ body.next }}", "query": "page" })),
        ("url", json!({ "type": "url", "items": "/r", "next": "?page={{ body.next }}" })),
        ("link", json!({ "type": "link", "items": "/r" })),
        ("page", json!({ "type": "page", "items": "/r", "query": "page", "first": 0 })),
        ("offset", json!({ "type": "offset", "items": "/r", "query": "offset", "size": two })),
    ]
}

/// A page of two records, from the number that is asked for, and how the next one is asked for.
fn endless(received: &Received) -> Response<Body> {
    let page = number(received, "page").or(number(received, "offset").map(|from| from / 2)).unwrap_or(0);
    let mut response = reply(&json!({ "r": [2 * page, 2 * page + 1], "next": (page + 1).to_string() }));
    let link = format!("<?page={}>; rel=\"next\"", page + 1);
    response.headers_mut().insert("link", link.parse().unwrap());
    response
}

#[tokio::test]
async fn a_walk_ends_where_its_bounds_say_and_goes_on_from_there_whichever_way_it_goes() {
    let (peer, server) = listed(endless).await;
    for (name, way) in ways() {
        let endpoint = format!("/{name}");
        let bounded = |bounds: Value| walk(&server, &endpoint, way.clone(), bounds);
        let some = bounded(json!({ "max_pages": 2 })).await.is(200).json();
        assert_eq!((&some["records"], &some["pages"]), (&json!([0, 1, 2, 3]), &json!(2)), "{name}");
        // Whole pages: what came is given.
        let rest = bounded(json!({ "max_records": 3, "cursor": some["cursor"] })).await.is(200).json();
        assert_eq!((&rest["records"], &rest["error"]), (&json!([4, 5, 6, 7]), &Value::Null), "{name}");
        // In a URL it is text, whatever it is.
        let text = match &rest["cursor"] {
            Value::String(text) => text.clone(),
            cursor => cursor.to_string(),
        };
        let last = bounded(json!({ "max_pages": 1, "cursor": text })).await.is(200).json();
        assert_eq!(last["records"], json!([8, 9]), "{name}");
    }
    assert_eq!(peer.received().len(), 5 * 5);
    for (bounds, words) in [
        (json!({ "max_pages": 0 }), "pages.max_pages: must be from 1"),
        (json!({ "max_records": 2_000_000 }), "pages.max_records: must be from 1"),
        (json!({ "max_time": 301 }), "pages.max_time: must be at most 300 seconds"),
        (json!({ "cursor": true }), "pages.cursor: expected a text"),
    ] {
        let refused =
            walk(&server, "/x", json!({ "type": "link" }), bounds).await.problem(422, "invalid_config");
        assert!(refused["detail"].as_str().unwrap().contains(words), "{refused}");
    }
}

#[tokio::test]
async fn a_walk_ends_when_its_time_is_over_and_says_where_to_go_on() {
    let (_peer, server) = listed(|received| {
        let path = received.uri.path();
        if path.ends_with("never") || number(received, "page") == Some(2) {
            return silent();
        }
        endless(received)
    })
    .await;
    let way = json!({ "type": "page", "items": "/r", "query": "page", "first": 0 });
    let bounds = json!({ "max_time": "1500ms" });
    let some = walk(&server, "/x", way.clone(), bounds).await.is(200).json();
    assert_eq!(some, json!({ "records": [0, 1, 2, 3], "pages": 2, "cursor": 2 }));
    let none = walk(&server, "/never", way, json!({ "max_time": "300ms" })).await.problem(504, "timeout");
    assert!(none["detail"].as_str().unwrap().contains("pages.max_time"), "{none}");
}

#[tokio::test]
async fn a_service_that_leads_in_a_circle_or_looks_at_no_number_ends_the_walk_with_an_error() {
    let (peer, server) = listed(|_| {
        let mut response = reply(&json!({ "r": [0, 1], "next": "1" }));
        response.headers_mut().insert("link", "<?page=1>; rel=\"next\"".parse().unwrap());
        response
    })
    .await;
    for (name, way) in ways() {
        let before = peer.received().len();
        let some = walk(&server, "/x", way, json!({})).await.is(200).json();
        let (records, words) = match name {
            "page" | "offset" => (json!([0, 1]), format!("twice in a row; it seems not to look at `{name}`")),
            _ => (json!([0, 1, 0, 1]), "where the walk has been".to_owned()),
        };
        // Whoever follows cursors and looks at no error would go on for ever.
        assert_eq!((&some["records"], &some["cursor"]), (&records, &Value::Null), "{name}");
        let error = &some["error"];
        assert_eq!(error["kind"], "protocol", "{name}: {some}");
        assert!(error["detail"].as_str().unwrap().contains(&words), "{name}: {some}");
        assert_eq!(peer.received().len() - before, 2, "{name}");
    }
}

#[tokio::test]
async fn two_pages_that_are_the_same_end_a_walk_and_it_is_told_where_the_second_is() {
    let (_peer, server) = listed(|received| {
        let page = number(received, "page").unwrap_or(1);
        reply(&json!({ "r": match page { 1 | 2 => vec![0, 0], 3 => vec![7], _ => vec![] } }))
    })
    .await;
    let way = json!({ "type": "page", "items": "/r", "query": "page" });
    let some = walk(&server, "/x", way.clone(), json!({})).await.is(200).json();
    assert_eq!(some["error"]["kind"], "protocol", "{some}");
    assert_eq!((&some["records"], &some["cursor"]), (&json!([0, 0]), &Value::Null), "{some}");
    assert!(some["error"]["detail"].as_str().unwrap().ends_with("go on at the cursor 2"), "{some}");
    let rest = walk(&server, "/x", way.clone(), json!({ "cursor": 2 })).await.is(200).json();
    assert_eq!(rest, json!({ "records": [0, 0, 7], "pages": 3, "cursor": null }));

    let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let asked = json!({ "endpoint": "/x", "pages": { "way": way } }).to_string();
    let lines = server.with("POST", "/api/v1/integrations/pets/call", &headers, asked).await.is(200);
    let last: Value = serde_json::from_str(lines.text().lines().last().unwrap()).unwrap();
    assert!(last["error"].is_object() && last["error"]["cursor"].is_null(), "{last}");
}

#[tokio::test]
async fn pages_that_have_fewer_records_than_are_asked_for_are_not_the_last() {
    const ALL: [u64; 5] = [0, 1, 2, 3, 4];
    // It gives two at most, whatever it is asked for.
    let (peer, server) = listed(|received| {
        let from =
            number(received, "from").or(number(received, "page").map(|page| 2 * (page - 1))).unwrap_or(0);
        let some: Vec<_> = ALL.into_iter().skip(usize::try_from(from).unwrap()).take(2).collect();
        reply(&json!({ "r": some, "from": from, "total": ALL.len() }))
    })
    .await;
    let hundred = json!({ "query": "limit", "max": 100 });
    let total = "{{ body.from + (body.r | length) < body.total }}";
    for (way, pages) in [
        (json!({ "type": "offset", "items": "/r", "query": "from", "size": hundred }), 4),
        (json!({ "type": "page", "items": "/r", "query": "page", "size": hundred }), 4),
        // Who is told how many there are asks no further.
        (json!({ "type": "offset", "items": "/r", "query": "from", "size": hundred, "next": total }), 3),
        (json!({ "type": "page", "items": "/r", "query": "page", "next": total }), 3),
    ] {
        let before = peer.received().len();
        let all = walk(&server, "/x", way.clone(), json!({})).await.is(200).json();
        assert_eq!(all, json!({ "records": ALL, "pages": pages, "cursor": null }), "{way}");
        assert_eq!(peer.received().len() - before, pages, "{way}");
    }
}

#[tokio::test]
async fn numbers_of_records_and_cursors_are_the_services_own() {
    let (peer, server) = listed(|received| {
        let body = match received.uri.query() {
            None => {
                "{\"r\": [{\"n\": 12345678901234567890123,\n \"d\": 1.10}], \"next\": 98765432109876543210}"
            }
            Some(_) => "{\"r\": [1e2], \"next\": null}",
        };
        Response::builder().header("content-type", "application/json").body(Body::from(body)).unwrap()
    })
    .await;
    let way = json!({ "type": "cursor", "items": "/r", "next": "{{ body.next }}", "query": "after" });
    let all = walk(&server, "/x", way.clone(), json!({})).await.is(200).text().to_owned();
    assert!(all.contains("12345678901234567890123,") && all.contains("1.10") && all.contains("1e2"), "{all}");
    assert_eq!(paths(&peer)[1], "/v1/x?after=98765432109876543210");
    let some = walk(&server, "/x", way.clone(), json!({ "max_pages": 1 })).await.is(200).text().to_owned();
    assert!(some.contains("\"cursor\":98765432109876543210"), "{some}");
    let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    let asked = json!({ "endpoint": "/x", "pages": { "way": way } }).to_string();
    let lines = server
        .with("POST", "/api/v1/integrations/pets/call", &headers, asked)
        .await
        .is(200)
        .text()
        .to_owned();
    let lines: Vec<_> = lines.lines().collect();
    assert_eq!(
        lines[..2],
        ["{\"record\":{\"n\": 12345678901234567890123,  \"d\": 1.10}}", "{\"record\":1e2}"]
    );
}

#[tokio::test]
async fn all_pages_of_a_proxied_get_are_read_where_a_header_asks_for_them() {
    let (peer, server) = listed(|received| {
        let mut response = endless(received);
        if number(received, "page") == Some(2) {
            response.headers_mut().remove("link");
        }
        response
    })
    .await;
    let at = "/api/v1/integrations/pets/proxy/a?kept=1";
    let way = json!({ "way": { "type": "link", "items": "/r" } }).to_string();
    let get = |pages: &str, headers: &[(&'static str, &'static str)]| {
        let own: Vec<(String, String)> =
            headers.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        let pages = pages.to_owned();
        let server = &server;
        async move {
            let mut all = vec![("trunkline-pages", &*pages)];
            all.extend(own.iter().map(|(name, value)| (&**name, &**value)));
            server.with("GET", at, &all, "").await
        }
    };
    let all = get(&way, &[("x-own", "mine"), ("if-none-match", "\"e\""), ("accept-encoding", "br")])
        .await
        .is(200)
        .json();
    assert_eq!(all, json!({ "records": [0, 1, 2, 3, 4, 5], "pages": 3, "cursor": null }));
    assert_eq!(paths(&peer), ["/v1/a?kept=1", "/v1/a?page=1", "/v1/a?page=2"]);
    for sent in peer.received() {
        assert_eq!((sent.header("x-own"), sent.header("trunkline-pages")), ("mine", ""));
        assert_eq!(sent.header("if-none-match"), "", "it is for one answer");
    }
    let lines = get(&way, &[("accept", "application/x-ndjson")]).await.is(200).text().to_owned();
    assert_eq!(lines.lines().count(), 7);
    assert_eq!(peer.received().last().unwrap().header("accept"), "application/json");

    let before = peer.received().len();
    let wrong = get("some", &[]).await.problem(422, "invalid_config");
    assert!(wrong["detail"].as_str().unwrap().starts_with("trunkline-pages: can be `all`"), "{wrong}");
    // Nobody knows how this one comes.
    get("all", &[]).await.problem(422, "unsupported");
    let headers = [("trunkline-pages", "all")];
    server.with("POST", at, &headers, "").await.problem(422, "unsupported");
    assert_eq!(peer.received().len(), before);
    // Without the header the service answers.
    assert_eq!(server.get(at).await.is(200).json()["next"], "1");
}

#[tokio::test]
async fn what_the_query_of_an_endpoint_says_of_pages_is_said_once_on_each_of_them() {
    let (peer, server) = listed(endless).await;
    let size = json!({ "query": "max", "max": 100 });
    for (name, way) in ways() {
        let from = match name {
            "offset" => "offset=8",
            "url" | "link" => continue,
            _ => "page=4",
        };
        let mut way = way.clone();
        way["size"] = size.clone();
        let before = peer.received().len();
        let bounds = json!({ "max_pages": 2, "way": way });
        let endpoint = format!("/x?m%61x=2&kept=1&{from}&kept=2");
        let called = server.call("pets", &json!({ "endpoint": endpoint, "pages": bounds })).await;
        let at = format!("/api/v1/integrations/pets/proxy{endpoint}");
        let proxied = server.with("GET", &at, &[("trunkline-pages", &bounds.to_string())], "").await;
        for list in [called, proxied] {
            let list = list.is(200).json();
            assert_eq!((&list["records"], &list["pages"]), (&json!([8, 9, 10, 11]), &json!(2)), "{name}");
        }
        let next = if name == "offset" { "offset=10" } else { "page=5" };
        let asked = [from, next].map(|page| format!("/v1/x?kept=1&kept=2&max=2&{page}"));
        assert_eq!(paths(&peer)[before..], [asked.clone(), asked].concat(), "{name}");
    }
    // What is said beside the endpoint holds.
    let way = json!({ "type": "link", "items": "/r", "size": size });
    let pages = json!({ "max_pages": 1, "way": way });
    let asked = json!({ "endpoint": "/x?max=2", "params": { "max": 3 }, "pages": pages });
    server.call("pets", &asked).await.is(200);
    assert_eq!(paths(&peer).last().unwrap(), "/v1/x?max=3");
}

#[tokio::test]
async fn a_failure_in_the_middle_gives_what_came_and_a_cursor_that_goes_on_where_it_was() {
    let broken = Arc::new(AtomicBool::new(false));
    let is_broken = broken.clone();
    let (_peer, server) = listed(move |received| {
        let mut page = endless(received);
        let number = number(received, "page").or(number(received, "offset").map(|from| from / 2));
        if number == Some(2) && is_broken.load(SeqCst) {
            *page.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        }
        page
    })
    .await;
    for (name, way) in ways() {
        broken.store(true, SeqCst);
        let some = walk(&server, "/x", way.clone(), json!({})).await.is(200).json();
        assert_eq!((&some["records"], &some["pages"]), (&json!([0, 1, 2, 3]), &json!(2)), "{name}");
        assert_eq!((&some["error"]["kind"], some["cursor"].is_null()), (&json!("rejected"), false), "{some}");

        let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
        let asked = json!({ "endpoint": "/x", "pages": { "way": way } }).to_string();
        let lines = server.with("POST", "/api/v1/integrations/pets/call", &headers, asked).await.is(200);
        let last: Value = serde_json::from_str(lines.text().lines().last().unwrap()).unwrap();
        assert_eq!(
            (&last["error"]["kind"], &last["error"]["cursor"]),
            (&json!("rejected"), &some["cursor"]),
            "{name}"
        );

        broken.store(false, SeqCst);
        let bounds = json!({ "max_pages": 1, "cursor": some["cursor"] });
        let rest = walk(&server, "/x", way, bounds).await.is(200).json();
        assert_eq!((&rest["records"], &rest["error"]), (&json!([4, 5]), &Value::Null), "{name}");
    }
}
