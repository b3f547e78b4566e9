//! What answers mean, played to a script.

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header};
use serde_json::{Value, json};
use trunkline_core::{HttpRequest, Kind, Layer, Outcome, Reply};
use trunkline_testkit::Step;

use super::*;
use crate::{
    Budget, Policy, Retry,
    testing::{Bench, metrics},
};

fn judge(config: Value) -> Result<Judge> {
    serde_json::from_value::<ErrorsConfig>(config).unwrap().open()
}

/// An answer of this status, in JSON.
fn answer(status: u16, body: &Value, header: Option<(&'static str, &'static str)>) -> Step {
    let mut reply = Reply::new(StatusCode::from_u16(status).unwrap(), body.to_string());
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Some((name, value)) = header {
        reply.headers.insert(name, HeaderValue::from_static(value));
    }
    Step::Gives(reply)
}

fn bench(config: Value, retry: bool, steps: Vec<Step>) -> Bench {
    let errors: Arc<dyn Layer> = Arc::new(Errors::new(judge(config).unwrap()));
    let again: Arc<dyn Layer> = Arc::new(Retry::new(Policy::default(), Arc::new(Budget::new()), metrics()));
    Bench::new(retry.then_some(again).into_iter().chain([errors]), steps)
}

fn rules() -> Value {
    json!({
        "message": "/error/message", "code": "/error/code",
        "rules": [
            {"when": {"header": {"should-retry": "false"}}, "repeat": false},
            {"when": {"status": 409, "header": {"should-retry": "true"}}, "kind": "contended"},
            {"when": {"status": 403, "body": {"pointer": "/error/code", "equals": "limit"}}, "kind": "rate_limited"},
            {"when": {"status": 200, "body": {"pointer": "/ok", "equals": false}}},
            {"when": {"status": 403, "body": {"pointer": "/message", "contains": "Secondary rate limit"}}, "kind": "rate_limited"},
        ],
    })
}

#[tokio::test(start_paused = true)]
async fn an_answer_means_what_its_rule_says_and_tells_what_the_service_said() {
    for (status, body, header, kind, outcome) in [
        (409, json!({}), None, Kind::Rejected, Outcome::Rejected),
        (409, json!({}), Some(("should-retry", "true")), Kind::Contended, Outcome::Rejected),
        (403, json!({"error": {"code": "limit"}}), None, Kind::RateLimited, Outcome::Rejected),
        (403, json!({"error": {"code": "other"}}), None, Kind::Rejected, Outcome::Rejected),
        (200, json!({"ok": false}), None, Kind::Rejected, Outcome::Rejected),
        (
            403,
            json!({"message": "You have exceeded a secondary Rate Limit."}),
            None,
            Kind::RateLimited,
            Outcome::Rejected,
        ),
        (403, json!({"message": "A rate limit"}), None, Kind::Rejected, Outcome::Rejected),
        // What is no text has no part.
        (403, json!({"message": ["secondary rate limit"]}), None, Kind::Rejected, Outcome::Rejected),
    ] {
        let bench = bench(rules(), false, vec![answer(status, &body, header)]);
        let error = bench.get().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (kind, outcome), "{status} {body}");
        // Whoever passes it on has it whole.
        assert_eq!(error.into_reply().unwrap().text().await.unwrap(), body.to_string());
    }
    let said = json!({"error": {"code": "card_declined", "message": "The card was declined."}});
    let error = bench(rules(), false, vec![answer(402, &said, None)]).get().await.unwrap_err();
    let context = error.context();
    assert!(context.contains(&("upstream_code", "card_declined".to_owned())), "{context:?}");
    assert!(context.contains(&("upstream_message", "The card was declined.".to_owned())), "{context:?}");
    let fine = bench(rules(), false, vec![answer(200, &json!({"ok": true}), None)]).get().await.unwrap();
    assert_eq!(fine.text().await.unwrap(), r#"{"ok":true}"#);
}

#[tokio::test(start_paused = true)]
async fn what_would_be_answered_in_the_same_way_is_not_asked_again_and_what_passes_is() {
    let failed = |advice| answer(503, &json!({}), advice);
    let stopped = bench(rules(), true, vec![failed(Some(("should-retry", "false"))), failed(None)]);
    assert_eq!(stopped.get().await.unwrap_err().kind(), Kind::Unavailable);
    assert_eq!(stopped.script.attempts(), 1);
    let again =
        bench(rules(), true, vec![failed(None), answer(409, &json!({}), Some(("should-retry", "true")))]);
    again.get().await.unwrap();
    assert_eq!(again.script.attempts(), 3);
}

#[test]
fn a_rule_that_cannot_be_is_named() {
    for (config, words) in [
        (json!({"message": "error"}), "errors.message: "),
        (json!({"rules": [{"when": {}}]}), "errors.rules[0].when: is empty"),
        (json!({"rules": [{"when": {"status": 200}}]}), "errors.rules[0].when.status: a success"),
        (json!({"rules": [{"when": {"status": 207}, "partial": "errors"}]}), "errors.rules[0].partial: "),
        (
            json!({"rules": [{"when": {"status": 207}, "partial": "", "wait": 1}]}),
            "errors.rules[0].partial: is there beside",
        ),
        (
            json!({"rules": [{"when": {"status": 207}, "partial": "/n", "reasons": {"list": "errors"}}]}),
            "errors.rules[0].reasons.list: ",
        ),
        (
            json!({"rules": [{"when": {"status": 207}, "partial": "/n", "reasons": {"message": "message"}}]}),
            "errors.rules[0].reasons.message: ",
        ),
        (
            json!({"rules": [{"when": {"status": 400}, "reasons": {"list": "/errors"}}]}),
            "errors.rules[0].reasons: is for answers",
        ),
        (
            json!({"rules": [{"when": {"status": [207, 400]}, "partial": "/e"}]}),
            "errors.rules[0].when.status: partial is for",
        ),
        (
            json!({"rules": [{"when": {"body": {"pointer": "/e"}}, "partial": "/e"}]}),
            "errors.rules[0].when.status: partial is for",
        ),
        (
            json!({"rules": [{"when": {"status": 400}, "kind": "rate_limit"}]}),
            "errors.rules[0].kind: is none, did you mean `rate_limited`?",
        ),
        (
            json!({"rules": [{"when": {"body": {"pointer": "/m", "contains": ""}}}]}),
            "errors.rules[0].when: body: contains: is empty",
        ),
        (
            json!({"rules": [{"when": {"body": {"pointer": "/m", "contains": "x", "equals": "y"}}}]}),
            "errors.rules[0].when: body: contains: is there beside",
        ),
        (
            json!({"rules": [{"when": {"status": 400}, "wait": 3601}]}),
            "errors.rules[0].wait: must be at most an hour",
        ),
        (
            json!({"rules": [{"when": {"status": 400}, "kind": "circuit_open"}]}),
            "errors.rules[0].kind: is none",
        ),
    ] {
        let error = judge(config.clone()).unwrap_err();
        assert!(error.message().starts_with(words), "{config}: {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_service_advises_to_ask_again_is_asked_again_unless_it_would_be_done_twice() {
    let rules = || {
        json!({"rules": [
            {"when": {"header": {"should-retry": "true"}}, "repeat": true},
            {"when": {"status": 429}, "outcome": "rejected", "repeat": true},
        ]})
    };
    let advice = Some(("should-retry", "true"));
    for (status, header, posts, attempts) in [
        (400, advice, false, 2),
        (400, None, false, 1),
        // It was refused, so it is not done twice.
        (400, advice, true, 2),
        (500, advice, true, 1),
        // It was not processed, and nobody said how long to wait.
        (429, None, true, 2),
    ] {
        let bench = bench(rules(), true, vec![answer(status, &json!({}), header)]);
        let result =
            if posts { bench.call(HttpRequest::new(Method::POST, "/")).await } else { bench.get().await };
        assert_eq!(
            (bench.script.attempts(), result.is_ok()),
            (attempts, attempts == 2),
            "{status} {header:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_first_place_that_leads_to_words_is_told_and_those_of_fields_together() {
    let config = json!({"message": ["/messages/0", "/errors"], "code": "/code"});
    for (body, told) in [
        (json!({"messages": ["no such issue"], "errors": {}}), Some("no such issue")),
        (
            json!({"messages": [], "errors": {"summary": "is required", "type": "is unknown", "n": 7}}),
            Some("summary: is required; type: is unknown"),
        ),
        (json!({"messages": [], "errors": {}, "code": ""}), None),
    ] {
        let error = bench(config.clone(), false, vec![answer(400, &body, None)]).get().await.unwrap_err();
        let said: Vec<_> = error.context().iter().map(|(key, said)| (*key, &**said)).collect();
        assert_eq!(
            said,
            told.map(|told| ("upstream_message", told)).into_iter().collect::<Vec<_>>(),
            "{body}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn where_the_service_does_not_say_how_long_to_wait_its_rule_does() {
    let config = json!({"rules": [
        {"when": {"body": {"pointer": "/message", "contains": "too much"}}, "kind": "rate_limited", "wait": 60},
    ]});
    let much = json!({"message": "too much"});
    for (status, header, wait) in [
        (403, None, 60),
        (403, Some(("retry-after", "7")), 7),
        // A success says it in the same header.
        (200, None, 60),
        (200, Some(("retry-after", "7")), 7),
    ] {
        let error =
            bench(config.clone(), false, vec![answer(status, &much, header)]).get().await.unwrap_err();
        assert_eq!((error.kind(), error.wait().unwrap().as_secs()), (Kind::RateLimited, wait), "{status}");
        // Nothing was done, so that it is sent again after that time, also where it changes something.
        let bench = bench(config.clone(), true, vec![answer(status, &much, header)]);
        let began = tokio::time::Instant::now();
        bench.call(HttpRequest::new(Method::POST, "/")).await.unwrap();
        let took = began.elapsed().as_secs();
        assert!(bench.script.attempts() == 2 && (wait..wait + 10).contains(&took), "{status}: {took}");
    }
}

#[tokio::test]
async fn a_success_of_which_a_part_failed_says_how_many_and_stays_as_it_is() {
    let rules = json!({"rules": [
        {"when": {"status": 207}, "partial": "/numErrors"},
        {"when": {"status": 201, "body": {"pointer": "/errors/0"}}, "partial": "/errors"},
    ]});
    for (status, body, failed) in [
        (207, json!({"results": [1], "numErrors": 2}), Some("2")),
        (207, json!({"results": [1]}), Some("1")),
        (207, json!({"results": [1], "numErrors": 0}), None),
        (207, json!({"results": ["x".repeat(70_000)], "numErrors": 2}), Some("1")),
        (201, json!({"errors": [1, 2, 3]}), Some("3")),
        (201, json!({"errors": []}), None),
        (200, json!({"numErrors": 2, "errors": [1]}), None),
    ] {
        let reply = bench(rules.clone(), false, vec![answer(status, &body, None)]).get().await.unwrap();
        let says = reply.headers.get(Reply::PARTIAL_ERRORS).map(|count| count.to_str().unwrap().to_owned());
        assert_eq!((reply.status.as_u16(), says.as_deref()), (status, failed), "{body}");
        assert_eq!(reply.text().await.unwrap(), body.to_string());
    }
}

#[tokio::test]
async fn a_success_of_which_a_part_failed_says_why_in_the_words_of_the_service() {
    let rules = json!({"rules": [
        {"when": {"status": 207}, "partial": "/numErrors", "reasons": {"list": "/errors", "message": ["/message", "/category"]}},
        {"when": {"status": 201}, "partial": "/errors"},
    ]});
    for (status, body, said) in [
        (
            207,
            json!({"numErrors": 3, "errors": [{"message": "No ‹email›"}, {"category": "VALIDATION"}, {"message": "No ‹email›"}]}),
            Some("No ‹email›; VALIDATION"),
        ),
        (207, json!({"numErrors": 1, "errors": [{"id": {}}]}), None),
        (207, json!({"numErrors": 1}), None),
        (207, json!({"numErrors": 0, "errors": [{"message": "a warning"}]}), None),
        (
            201,
            json!({"errors": ["too long", {"name": "is missing", "at": 3}]}),
            Some("too long; name: is missing"),
        ),
        (201, json!({"errors": [[1]]}), None),
    ] {
        let reply = bench(rules.clone(), false, vec![answer(status, &body, None)]).get().await.unwrap();
        assert_eq!(Reply::partial_message(&reply.headers).as_deref(), said, "{body}");
        assert_eq!(reply.text().await.unwrap(), body.to_string());
    }
}
