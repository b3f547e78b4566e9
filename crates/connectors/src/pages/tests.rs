//! Each way through pages, with the answers of a service.

use std::sync::Arc;

use http::{HeaderMap, header};
use serde_json::{
    Value, json,
    value::{RawValue, to_raw_value},
};
use trunkline_core::exact;

use super::*;

fn paging(pages: Value) -> Arc<Paging> {
    Arc::new(serde_json::from_value::<Pages>(pages).unwrap().open("").unwrap())
}

fn raw(value: &Value) -> Box<RawValue> {
    to_raw_value(value).unwrap()
}

/// The requests that lead through these answers, and all records.
fn walk(pages: Value, request: Value, answers: &[(Value, &str)]) -> (Vec<Value>, Vec<Value>) {
    let paging = paging(pages);
    let mut started = paging.start(request, "https://h/v1", None).unwrap();
    let (mut requests, mut records) = (vec![started.request().clone()], Vec::new());
    for (body, link) in answers {
        let body = &raw(body);
        let mut headers = HeaderMap::new();
        if !link.is_empty() {
            headers.insert(header::LINK, link.parse().unwrap());
        }
        let next = started.read(body, &headers).unwrap();
        records
            .extend(next.records.iter().map(|record| serde_json::from_str::<Value>(record.get()).unwrap()));
        let Some(cursor) = next.cursor.unwrap() else { break };
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
    // In whichever order they come.
    for next in [
        "<https://h/v1/x?page=2>; rel=\"next\", <https://h/v1/x?page=9>; rel=\"last\"",
        "</v1/x?page=2>;rel=next,</v1/x>;rel=first",
    ] {
        let (requests, _) =
            walk(json!({"type": "link"}), list.clone(), &[(json!([1]), next), (json!([2]), "")]);
        assert_eq!(requests[1..], [json!({"endpoint": "/x?page=2"})], "{next}");
    }

    let (requests, records) = walk(
        json!({"type": "offset", "items": "/v", "query": "startAt", "size": {"query": "max", "max": 2}}),
        list.clone(),
        // A page that is not full is not the last.
        &[
            (json!({"v": [1, 2]}), ""),
            (json!({"v": [3]}), ""),
            (json!({"v": [4]}), ""),
            (json!({"v": []}), ""),
        ],
    );
    assert_eq!(requests[1], json!({"endpoint": "/x", "params": {"max": 2, "startAt": 2}}));
    assert_eq!(requests[3], json!({"endpoint": "/x", "params": {"max": 2, "startAt": 4}}));
    assert_eq!((requests.len(), records.len()), (4, 4));

    let (requests, _) = walk(
        json!({"type": "page", "query": "page", "next": "{{ body | length == 2 }}"}),
        list,
        &[(json!([1, 2]), ""), (json!([3]), "")],
    );
    assert_eq!(requests[1..], [json!({"endpoint": "/x", "params": {"page": 2}})]);
}

#[test]
fn an_answer_without_a_list_is_an_error_and_a_next_page_elsewhere_takes_no_records_away() {
    let url = paging(json!({"type": "url", "items": "/r", "next": "{{ body.next }}"}));
    let started = url.start(json!({"endpoint": "/x"}), "https://h/v1", None).unwrap();
    for (next, words) in [
        (json!("/v2/x"), "outside"),
        (json!("https://h/v10/x"), "outside"),
        (json!("https://evil.example/v1/x"), "another host"),
        (json!({"href": "/v1/x"}), "no URL"),
    ] {
        let page = started.read(&raw(&json!({"r": [1], "next": next})), &HeaderMap::new()).unwrap();
        assert_eq!(page.records.len(), 1, "{next}");
        let error = page.cursor.unwrap_err();
        assert!(error.message().contains(words), "{next}: {error}");
    }
    for (body, words) in
        [(json!({"r": {}}), "no list"), (json!({"error": "none"}), "no list"), (json!([]), "no list")]
    {
        let error = started.read(&raw(&body), &HeaderMap::new()).unwrap_err();
        assert!(error.message().contains(words), "{body}: {error}");
    }
}

#[test]
fn records_and_cursors_are_as_they_are_written() {
    let way = paging(json!({"type": "cursor", "items": "/r", "next": "{{ body.next }}", "send": "/after"}));
    let mut started = way.start(json!({"endpoint": "/x"}), "https://h", None).unwrap();
    let body = r#"{"r": [12345678901234567890123, {"b": 1.10, "a": 1}], "next": 98765432109876543210}"#;
    let page = started.read(&RawValue::from_string(body.to_owned()).unwrap(), &HeaderMap::new()).unwrap();
    let records: Vec<_> = page.records.iter().map(|record| record.get()).collect();
    assert_eq!(records, ["12345678901234567890123", r#"{"b": 1.10, "a": 1}"#]);
    started.go(&page.cursor.unwrap().unwrap());
    let request = exact::written(started.request()).unwrap();
    assert_eq!(request.get(), r#"{"endpoint":"/x","json":{"after":98765432109876543210}}"#);
}

#[test]
fn a_cursor_in_a_url_is_what_the_way_and_the_input_say() {
    let input = json!({"properties": {"after": {"type": "integer"}, "from": {"type": ["string", "null"]}}});
    let next = "{{ body.next }}";
    for (way, given, cursor) in [
        (json!({"type": "cursor", "next": next, "query": "after"}), json!("1e5"), Some(json!("1e5"))),
        (json!({"type": "cursor", "next": next, "send": "/from"}), json!("200"), Some(json!("200"))),
        (json!({"type": "cursor", "next": next, "send": "/other"}), json!("200"), Some(json!("200"))),
        (json!({"type": "cursor", "next": next, "send": "/after"}), json!("200"), Some(json!(200))),
        (json!({"type": "cursor", "next": next, "send": "/after"}), json!("x"), Some(json!("x"))),
        (json!({"type": "page", "query": "page"}), json!("3"), Some(json!(3))),
        (json!({"type": "offset", "query": "from"}), json!("null"), None),
        (json!({"type": "page", "query": "page"}), json!(-1), None),
        (json!({"type": "link"}), json!("/x?page=2"), Some(json!("/x?page=2"))),
        (json!({"type": "link"}), json!(2), None),
    ] {
        assert_eq!(paging(way.clone()).cursor(given, Some(&input)).ok(), cursor, "{way}");
    }
}

#[test]
fn what_asks_for_one_page_by_itself_is_refused_with_its_name() {
    let way = paging(json!({"type": "cursor", "items": "/data", "next": "{{ body.next }}", "query": "after",
                            "conflicts_with": ["before"]}));
    for (request, refused) in [
        (json!({"endpoint": "/x", "params": {"before": "a"}}), true),
        (json!({"endpoint": "/x?limit=1&before=a"}), true),
        (json!({"endpoint": "/x?b%65fore"}), true),
        (json!({"endpoint": "/x", "params": {"before": null}}), false),
        (json!({"endpoint": "/before?not=before", "params": {"after": "a"}}), false),
    ] {
        let started = way.start(request.clone(), "https://h", None).err();
        let says = started.map(|error| error.message().starts_with("pages: `before` asks for one page"));
        assert_eq!(says, refused.then_some(true), "{request}");
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
        (json!({"type": "page", "query": "x", "conflicts_with": ["x"]}), "conflicts_with: names"),
    ] {
        let error = serde_json::from_value::<Pages>(pages.clone()).unwrap().open("").unwrap_err();
        assert!(error.message().starts_with(words), "{pages}: {error}");
    }
}
