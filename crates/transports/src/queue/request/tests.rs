//! Requests as callers write them.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::{Ack, Start, Verdict};

use super::{receive::start, *};

fn request(json: &Value) -> Result<Operation> {
    parse(&serde_json::value::to_raw_value(json).unwrap())
}

#[test]
fn a_message_is_json_as_it_is_written_text_or_bytes() {
    for (json, body, media) in [
        (json!({"queue": "q", "message": {"n": 1}}), "{\"n\":1}", Some("application/json")),
        (json!({"queue": "q", "message": null}), "null", Some("application/json")),
        (json!({"topic": "q", "text": "hi"}), "hi", Some("text/plain; charset=utf-8")),
        (json!({"subject": "q", "base64": "aGk="}), "hi", None),
        (json!({"queue": "q", "base64": "aGk=", "content_type": "image/png"}), "hi", Some("image/png")),
    ] {
        let Operation::Publish(publish) = request(&json).unwrap() else { panic!("{json}") };
        let message = &publish.messages[0];
        assert_eq!((&*message.destination, &*message.body), ("q", body.as_bytes()), "{json}");
        assert_eq!(message.content_type.as_deref(), media, "{json}");
        assert!(!publish.wants_reply && !publish.batch, "{json}");
    }
}

#[test]
fn a_batch_has_a_queue_for_all_who_name_none() {
    let json = json!({"queue": "q", "messages": [{"text": "a"}, {"queue": "r", "text": "b"}]});
    let Operation::Publish(publish) = request(&json).unwrap() else { panic!() };
    let all: Vec<_> = publish.messages.iter().map(|message| &*message.destination).collect();
    assert_eq!(all, ["q", "r"]);
    assert!(publish.batch);
}

#[test]
fn a_pull_says_how_much_and_may_acknowledge_what_came_before() {
    let json = json!({
        "queue": "q", "receive": {"max": 10, "wait": "5s", "group": "g", "from": "earliest", "ack": "auto"},
        "ack": ["a"], "nack": ["b"], "dead_letter": ["c"], "reason": "bad",
    });
    let Operation::Receive(receive) = request(&json).unwrap() else { panic!() };
    assert_eq!((receive.max, receive.wait, receive.ack), (10, Duration::from_secs(5), Ack::Auto));
    assert_eq!((receive.group.as_deref(), receive.start), (Some("g"), Some(Start::Earliest)));
    let verdicts: Vec<_> = receive.settle.iter().map(|one| (&*one.token, one.verdict.clone())).collect();
    assert_eq!(
        verdicts,
        [("a", Verdict::Ack), ("b", Verdict::Requeue), ("c", Verdict::DeadLetter("bad".to_owned()))]
    );
}

#[test]
fn a_start_is_a_word_an_offset_or_a_time() {
    for (text, expected) in [
        (json!("earliest"), Start::Earliest),
        (json!("latest"), Start::Latest),
        (json!(17), Start::Offset(17)),
        (json!("17"), Start::Offset(17)),
        (json!("2026-01-31T12:00:00Z"), Start::Time(1_769_860_800_000)),
    ] {
        let from = serde_json::from_value(text.clone()).unwrap();
        assert_eq!(start(Some(from)).unwrap(), Some(expected), "{text}");
    }
}

#[test]
fn bad_requests_name_the_key() {
    for (json, word) in [
        (json!({}), "queue"),
        (json!({"queue": "q"}), "message"),
        (json!({"message": 1}), "queue"),
        (json!({"queue": "q", "message": 1, "text": "x"}), "not several"),
        (json!({"queue": "q", "base64": "%"}), "base64"),
        (json!({"queue": "q", "mesage": 1}), "did you mean `message`"),
        (json!({"queue": "q", "messages": []}), "messages"),
        (json!({"queue": "q", "messages": [{"text": "a"}, {}]}), "messages[1]"),
        (json!({"queue": "q", "messages": [{"text": "a", "ack": ["t"]}]}), "messages[0]"),
        (json!({"queue": "q", "receive": {"max": 0}}), "receive"),
        (json!({"queue": "q", "receive": {"wait": "5m"}}), "wait"),
        (json!({"queue": "q", "receive": {"from": "newest"}}), "from"),
        (json!({"receive": {}}), "queue"),
        (json!({"queue": "q", "message": 1, "ack": ["t"]}), "own"),
        (json!({"ack": ["t"], "reason": "x"}), "reason"),
        (json!([]), "expected"),
    ] {
        let error = request(&json).unwrap_err();
        assert!(error.message().contains(word), "{json}: {error}");
    }
}

#[test]
fn what_is_no_start_no_number_and_no_text_is_called_by_its_key() {
    let pull = |receive: Value| request(&json!({"queue": "q", "receive": receive})).unwrap_err();
    for from in [json!(-1), json!(1000.0), json!({}), json!(""), json!(true)] {
        let error = pull(json!({ "from": from }));
        assert!(error.message().starts_with("receive: from: must be earliest, latest"), "{error}");
    }
    assert!(pull(json!({"group": ""})).message().starts_with("receive: group: is empty"));
    for prefetch in [json!(-1), json!("many"), json!(0), json!([])] {
        let listen = serde_json::value::to_raw_value(&json!({"queue": "q", "prefetch": prefetch})).unwrap();
        let error = parse_stream(&listen).unwrap_err();
        assert!(error.message().starts_with("prefetch: must be a number from 1 to"), "{error}");
    }
    let error = request(&json!({"queue": "q", "text": "a", "headers": {"a": null}})).unwrap_err();
    assert!(error.message().starts_with("headers.a: must be text"), "{error}");
}

#[test]
fn that_no_message_was_dealt_with_can_be_said() {
    let Operation::Receive(receive) = request(&json!({"ack": []})).unwrap() else { panic!() };
    assert_eq!((receive.max, receive.settle.len()), (0, 0));
    request(&json!({"queue": "q", "receive": {}, "ack": []})).unwrap();
    assert!(request(&json!({"queue": "q", "text": "a", "ack": []})).is_err());
}
