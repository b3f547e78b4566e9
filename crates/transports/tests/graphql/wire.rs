//! What goes over the wire.

use serde_json::{Value, json};
use trunkline_core::{Idempotency, Kind, Outcome, Query};

use crate::common::{Service, agreeable, params, says, sent};

#[tokio::test]
async fn a_request_goes_as_json_by_post() {
    let peer = agreeable().await;
    let service = Service::new(&peer, json!({"headers": {"x-team": "orders"}}));
    let request = json!({
        "query": "query A($id: ID!) { a(id: $id) } query B { b }", "variables": {"id": 7},
        "operation_name": "A", "extensions": {"trace": true},
    });
    let reply = service.json(request.clone()).await.unwrap();
    assert_eq!(reply.json::<Value>().await.unwrap(), json!({"data": {"a": 1}}));
    let received = peer.received().pop().unwrap();
    assert_eq!((received.method.as_str(), received.uri.path()), ("POST", "/graphql"));
    assert_eq!(received.header("content-type"), "application/json");
    assert_eq!(received.header("accept"), "application/graphql-response+json, application/json;q=0.9");
    assert_eq!(received.header("x-team"), "orders");
    assert_eq!(
        sent(&received),
        json!({"query": request["query"], "operationName": "A", "variables": {"id": 7},
            "extensions": {"trace": true}})
    );
}

#[tokio::test]
async fn what_cannot_be_right_is_not_sent() {
    let peer = agreeable().await;
    let service = Service::new(&peer, json!({"limits": {"cost": 10}}));
    for (request, words) in [
        (json!({"query": "{\n  a(\n}"}), "query: syntax error"),
        (json!({"query": "query($id: ID!) { a(id: $id) }"}), "variables: id is missing"),
        (json!({"query": "query A { a } query B { b }"}), "operation_name: "),
        (json!({"query": "{ a(first: 11) { b } }"}), "costs 12; this integration allows 10"),
        (
            json!({"batch": [{"query": "{ a(first: 5) { b } }"}, {"query": "{ a(first: 5) { b } }"}]}),
            "costs 12; this integration allows 10",
        ),
    ] {
        let error = service.json(request.clone()).await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::InvalidConfig, Outcome::NotSent), "{request}");
        assert!(error.message().contains(words), "{request}: {error}");
    }
    // Whoever makes the operation themselves hears the same.
    let error = service.call(Query::new("{ a").into()).await.unwrap_err();
    assert!(error.message().contains("at line 1 column"), "{error}");
    let stream = service.json(json!({"query": "subscription { a }"})).await.unwrap_err();
    assert_eq!(stream.kind(), Kind::InvalidConfig);
    assert!(stream.message().contains("/stream"), "{stream}");
    assert_eq!(peer.connections(), 0);
}

#[tokio::test]
async fn only_queries_may_be_repeated() {
    let service = Service::new(&agreeable().await, json!({}));
    for (request, idempotency) in [
        (json!({"query": "{ a }"}), Idempotency::Safe),
        (json!({"query": "mutation { a }"}), Idempotency::Unsafe),
        (json!({"query": "query A { a } mutation B { b }", "operation_name": "A"}), Idempotency::Safe),
        (json!({"query": "query A { a } mutation B { b }", "operation_name": "B"}), Idempotency::Unsafe),
        (json!({"batch": [{"query": "{ a }"}, {"query": "{ b }"}]}), Idempotency::Safe),
        (json!({"batch": [{"query": "{ a }"}, {"query": "mutation { b }"}]}), Idempotency::Unsafe),
    ] {
        assert_eq!(service.parse(&request).unwrap().idempotency(), idempotency, "{request}");
    }
    let mutation = Query::new("mutation { a }").read_only();
    let error = service.call(mutation.into()).await.unwrap_err();
    assert!(error.message().contains("is a mutation"), "{error}");
}

#[tokio::test]
async fn queries_go_by_get_where_asked_and_mutations_never() {
    let peer = agreeable().await;
    let service = Service::new(&peer, json!({"queries_by": "get"}));
    let query = "query A($s: String) { a(s: $s) }";
    service.json(json!({"query": query, "variables": {"s": "a&b \u{e9}"}})).await.unwrap();
    let received = peer.received().pop().unwrap();
    assert_eq!((received.method.as_str(), received.header("apollo-require-preflight")), ("GET", "true"));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(params(&received), [pair("query", query), pair("variables", "{\"s\":\"a&b \u{e9}\"}")]);
    service.json(json!({"query": "mutation { a }"})).await.unwrap();
    service.json(json!({"query": query, "variables": {"s": "x".repeat(9000)}})).await.unwrap();
    let methods: Vec<_> = peer.received().iter().map(|received| received.method.to_string()).collect();
    assert_eq!(methods, ["GET", "POST", "POST"], "what is too long for a URL goes by POST");
}

#[tokio::test]
async fn a_batch_is_one_request() {
    let peer = says(200, json!([{"data": {"a": 1}}, {"errors": [{"message": "no"}]}])).await;
    let service = Service::new(&peer, json!({"queries": {"b": "query($n: Int) { b(n: $n) }"}}));
    let batch = json!({"batch": [{"query": "{ a }"}, {"name": "b", "variables": {"n": 1}}]});
    let reply = service.json(batch).await.unwrap();
    assert_eq!(reply.headers["trunkline-partial-errors"], "1");
    assert!(reply.bytes().await.unwrap().starts_with(b"[{\"data\""));
    let wanted = json!([{"query": "{ a }"}, {"query": "query($n: Int) { b(n: $n) }", "variables": {"n": 1}}]);
    assert_eq!(sent(&peer.received().pop().unwrap()), wanted);
}

#[tokio::test]
async fn files_go_by_the_multipart_convention() {
    let peer = agreeable().await;
    let service = Service::new(&peer, json!({}));
    let request = json!({
        "query": "mutation($file: Upload!, $n: Int) { put(file: $file, n: $n) }", "variables": {"n": 1},
        "files": {"variables.file": {"name": "a.txt", "media": "text/plain", "text": "hello"}},
    });
    service.json(request).await.unwrap();
    let received = peer.received().pop().unwrap();
    assert!(received.header("content-type").starts_with("multipart/form-data; boundary="));
    assert_eq!(received.header("apollo-require-preflight"), "true");
    let text = String::from_utf8(received.body.to_vec()).unwrap();
    let operations = text.split("name=\"operations\"\r\n\r\n").nth(1).unwrap().split("\r\n").next().unwrap();
    let operations: Value = serde_json::from_str(operations).unwrap();
    assert_eq!(operations["variables"], json!({"n": 1, "file": null}));
    assert!(text.contains("name=\"map\"\r\n\r\n{\"0\":[\"variables.file\"]}\r\n"), "{text}");
    assert!(
        text.contains("name=\"0\"; filename=\"a.txt\"\r\nContent-Type: text/plain\r\n\r\nhello"),
        "{text}"
    );
}

#[tokio::test]
async fn where_only_named_documents_may_be_sent_others_are_refused() {
    let peer = agreeable().await;
    let service = Service::new(&peer, json!({"queries": {"a": "query A { a }"}, "only_queries": true}));
    service.json(json!({"name": "a"})).await.unwrap();
    for request in [
        json!({"query": "{ b }"}),
        json!({"query": "query A { a }"}),
        json!({"name": "b"}),
        json!({"name": "a", "extensions": {"persistedQuery": {"version": 1, "sha256Hash": "of another"}}}),
    ] {
        let error = service.json(request.clone()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::InvalidConfig, "{request}");
    }
    assert!(service.call(Query::new("{ b }").into()).await.is_err());
    assert_eq!(peer.received().len(), 1);
}

#[tokio::test]
async fn what_a_call_costs_in_memory_while_it_waits_is_bounded() {
    use trunkline_core::{Call, IntegrationId, Transport};
    let service = Service::new(&agreeable().await, json!({"schema": {"introspect": true}}));
    let operation = service.parse(&json!({"query": "{ a }"})).unwrap();
    let mut call = Call::new(IntegrationId::new("a").unwrap(), operation);
    let attempt = service.graphql.call(&service.context, &mut call);
    assert!(size_of_val(&attempt) <= 3000, "{} bytes", size_of_val(&attempt));
}
