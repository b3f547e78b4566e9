//! Each way through pages, with the answers of a service.

use std::sync::Arc;

use http::{HeaderMap, header};
use serde_json::{Value, json};

use super::*;

fn paging(pages: Value) -> Arc<Paging> {
    Arc::new(serde_json::from_value::<Pages>(pages).unwrap().open("").unwrap())
}

/// The requests that lead through these answers, and all records.
fn walk(pages: Value, request: Value, answers: &[(Value, &str)]) -> (Vec<Value>, Vec<Value>) {
    let paging = paging(pages);
    let mut started = paging.start(request, "/v1", None);
    let (mut requests, mut records) = (vec![started.request().clone()], Vec::new());
    for (body, link) in answers {
        let mut headers = HeaderMap::new();
        if !link.is_empty() {
            headers.insert(header::LINK, link.parse().unwrap());
        }
        let next = started.read(body, &headers).unwrap();
        records.extend(next.records);
        let Some(cursor) = next.cursor else { break };
        started.go(&cursor);
        requests.push(started.request().clone());
    }
    (requests, records)
}

#[test]
fn each_way_leads_to_the_end_and_no_further() {
    let list = json!({"endpoint": "/x"});
    let (requests, records) = walk(
        json!({"type": "cursor", "items": "/data", "next": "{{ body.data[-1].id if body.has_more }}",
               "query": "starting_after", "size": {"query": "limit", "max": 2}}),
        list.clone(),
        &[
            (json!({"data": [{"id": "a"}, {"id": "b"}], "has_more": true}), ""),
            (json!({"data": [{"id": "c"}], "has_more": false}), ""),
        ],
    );
    assert_eq!(requests[0], json!({"endpoint": "/x", "params": {"limit": 2}}));
    assert_eq!(requests[1], json!({"endpoint": "/x", "params": {"limit": 2, "starting_after": "b"}}));
    assert_eq!((requests.len(), records.len()), (2, 3));

    let (requests, _) = walk(
        json!({"type": "cursor", "items": "/results", "next": "{{ body.paging.next.after }}", "send": "/after"}),
        json!({"endpoint": "/search", "json": {"filter": 1}}),
        &[(json!({"results": [1], "paging": {"next": {"after": "10"}}}), ""), (json!({"results": [2]}), "")],
    );
    assert_eq!(requests[1..], [json!({"endpoint": "/search", "json": {"filter": 1, "after": "10"}})]);

    let (requests, _) = walk(
        json!({"type": "url", "items": "/records", "next": "{{ body.next }}"}),
        json!({"endpoint": "/x", "params": {"q": "1"}}),
        &[
            (json!({"records": [1], "next": "/v1/x/2?token=a%20b"}), ""),
            (json!({"records": [2], "next": null}), ""),
        ],
    );
    assert_eq!(requests[1..], [json!({"endpoint": "/x/2?token=a%20b"})]);

    let (requests, _) = walk(
        json!({"type": "link"}),
        list.clone(),
        &[
            (json!([1]), "<https://h/v1/x?page=1>; rel=\"prev\", <https://h/v1/x?page=2>; rel=\"next\""),
            (json!([2]), "<https://h/v1/x?page=1>; rel=\"first\""),
        ],
    );
    assert_eq!(requests[1..], [json!({"endpoint": "/x?page=2"})]);

    let (requests, records) = walk(
        json!({"type": "offset", "items": "/v", "query": "startAt", "size": {"query": "max", "max": 2}}),
        list.clone(),
        &[(json!({"v": [1, 2]}), ""), (json!({"v": [3]}), "")],
    );
    assert_eq!(requests[1], json!({"endpoint": "/x", "params": {"max": 2, "startAt": 2}}));
    assert_eq!((requests.len(), records.len()), (2, 3));

    let (requests, _) = walk(
        json!({"type": "page", "query": "page", "next": "{{ body | length == 2 }}"}),
        list,
        &[(json!([1, 2]), ""), (json!([3]), "")],
    );
    assert_eq!(requests[1..], [json!({"endpoint": "/x", "params": {"page": 2}})]);
}

#[test]
fn a_next_page_elsewhere_and_an_answer_without_a_list_are_errors() {
    let url = paging(json!({"type": "url", "items": "/r", "next": "{{ body.next }}"}));
    let started = url.start(json!({"endpoint": "/x"}), "/v1", None);
    for (body, words) in [
        (json!({"r": [], "next": "/v2/x"}), "outside"),
        (json!({"r": [], "next": "https://h/v10/x"}), "outside"),
        (json!({"r": {}}), "no list"),
        (json!({"error": "none"}), "no list"),
        (json!([]), "no list"),
    ] {
        let error = started.read(&body, &HeaderMap::new()).unwrap_err();
        assert!(error.message().contains(words), "{body}: {error}");
    }
}

#[test]
fn a_way_that_leads_nowhere_is_refused() {
    for (pages, words) in [
        (json!({"type": "cursor", "query": "after"}), "next: is missing"),
        (json!({"type": "cursor", "next": "{{ body.x }}"}), "query: is missing"),
        (json!({"type": "link", "query": "x"}), "query: is for"),
        (json!({"type": "page", "query": "x", "send": "/x"}), "send: is there"),
        (json!({"type": "page", "query": "x", "size": {"query": "n", "max": 0}}), "size: needs"),
        (json!({"type": "page", "query": "x", "items": "x"}), "items: "),
    ] {
        let error = serde_json::from_value::<Pages>(pages.clone()).unwrap().open("").unwrap_err();
        assert!(error.message().starts_with(words), "{pages}: {error}");
    }
}
