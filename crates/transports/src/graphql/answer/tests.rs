//! What answers mean, by status, media type, code and what stands under `data`.

use super::*;

const QUERY: Question = Question { batch: None, reads: true, single: false };
const MUTATION: Question = Question { batch: None, reads: false, single: true };
const SEVERAL: Question = Question { batch: None, reads: false, single: false };
const BATCH: Question = Question { batch: Some(2), reads: true, single: false };

async fn judged(status: u16, media: &'static str, body: &'static str, asked: Question) -> Result<Reply> {
    let mut reply = Reply::new(StatusCode::from_u16(status).unwrap(), body);
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    Answer::read(reply, asked.batch.is_some(), 10_000).await?.judge(asked, &Codes::default())
}

const JSON: &str = "application/json; charset=utf-8";
const GRAPHQL: &str = "application/graphql-response+json";

#[tokio::test]
async fn errors_alone_are_of_the_kind_of_their_code_or_else_of_the_status() {
    for (status, media, body, kind) in [
        (200, JSON, r#"{"errors": [{"extensions": {"code": "FORBIDDEN"}}]}"#, Kind::Forbidden),
        (200, JSON, r#"{"errors": [{}, {"type": "RATE_LIMITED"}], "data": null}"#, Kind::RateLimited),
        (200, JSON, r#"{"errors": [{"message": "no such field"}]}"#, Kind::Rejected),
        (400, JSON, r#"{"errors": [{"message": "no such field"}]}"#, Kind::Rejected),
        (401, GRAPHQL, r#"{"errors": [{"message": "who are you"}]}"#, Kind::Unauthenticated),
        (500, JSON, r#"{"errors": [{"extensions": {"code": "UNAUTHENTICATED"}}]}"#, Kind::Unauthenticated),
        (500, GRAPHQL, r#"{"errors": [{}]}"#, Kind::Failed),
        (503, "text/html", "<html>", Kind::Unavailable),
        (502, JSON, r#"{"message": "bad gateway"}"#, Kind::Unavailable),
        (502, JSON, r#"{"data": {"a": 1}}"#, Kind::Unavailable),
        (200, "text/html", "<html>", Kind::Protocol),
        (200, JSON, "{}", Kind::Protocol),
        (302, JSON, "", Kind::Protocol),
    ] {
        let error = judged(status, media, body, QUERY).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {media} {body}: {error}");
        assert_eq!(error.reply().unwrap().status.as_u16(), status, "the error holds the reply");
    }
}

#[tokio::test]
async fn data_with_errors_is_a_success_that_says_so() {
    let body = r#"{"data": {"a": null}, "errors": [{"message": "no access to a"}, {"message": "ä"}]}"#;
    for (status, media) in [(200, JSON), (200, GRAPHQL), (422, GRAPHQL)] {
        let reply = judged(status, media, body, MUTATION).await.unwrap();
        assert_eq!(reply.status, StatusCode::OK);
        assert_eq!(reply.headers[Reply::PARTIAL_ERRORS], "2");
        assert_eq!(Reply::partial_message(&reply.headers).as_deref(), Some("no access to a; ä"));
        assert_eq!(reply.headers[header::CACHE_CONTROL], "no-store");
        assert_eq!(reply.bytes().await.unwrap(), body);
    }
    let whole = judged(200, JSON, r#"{"data": {"a": 1}}"#, QUERY).await.unwrap();
    assert!(!whole.headers.contains_key(Reply::PARTIAL_ERRORS));
}

#[tokio::test]
async fn only_what_the_service_refused_as_a_whole_was_not_applied() {
    use Outcome::{Rejected, Unknown};
    const NONE: &str = r#"{"errors": [{"extensions": {"code": "UNAUTHENTICATED"}}]}"#;
    const ROOT: &str =
        r#"{"data": null, "errors": [{"path": ["pay"], "extensions": {"code": "UNAUTHENTICATED"}}]}"#;
    const DEEP: &str =
        r#"{"data": null, "errors": [{"path": ["pay", "by"], "extensions": {"code": "FORBIDDEN"}}]}"#;
    for (body, asked, outcome) in [
        (NONE, MUTATION, Rejected),
        (NONE, SEVERAL, Rejected),
        (ROOT, MUTATION, Rejected),
        (ROOT, SEVERAL, Unknown),
        (ROOT, QUERY, Rejected),
        (DEEP, MUTATION, Unknown),
        (DEEP, QUERY, Rejected),
        (r#"{"data": null, "errors": [{"path": ["pay"]}]}"#, MUTATION, Unknown),
        (r#"{"errors": [{"message": "no such field"}]}"#, MUTATION, Rejected),
        (r#"{"errors": [{"extensions": {"code": "INTERNAL_SERVER_ERROR"}}]}"#, MUTATION, Unknown),
    ] {
        let error = judged(200, JSON, body, asked).await.unwrap_err();
        assert_eq!(error.outcome(), outcome, "{body} {asked:?}");
    }
    let failed = judged(502, JSON, r#"{"errors": [{}]}"#, MUTATION).await.unwrap_err();
    assert_eq!(failed.outcome(), Unknown);
}

#[tokio::test]
async fn a_batch_fails_where_all_of_it_does() {
    let reply = judged(200, JSON, r#"[{"data": {}}, {"errors": [{}]}]"#, BATCH).await.unwrap();
    assert_eq!(reply.headers[Reply::PARTIAL_ERRORS], "1");
    let failed = r#"[{"errors": [{"type": "FORBIDDEN"}]}, {"errors": [{}], "data": null}]"#;
    assert_eq!(judged(200, JSON, failed, BATCH).await.unwrap_err().kind(), Kind::Forbidden);
    let later = r#"[{"errors": [{"type": "NO_SUCH_CODE"}]}, {"errors": [{"type": "UNAUTHENTICATED"}]}]"#;
    assert_eq!(judged(200, JSON, later, BATCH).await.unwrap_err().kind(), Kind::Unauthenticated);
    let one = r#"{"errors": [{"message": "batching is off", "extensions": {"code": "BAD_REQUEST"}}]}"#;
    assert_eq!(judged(400, JSON, one, BATCH).await.unwrap_err().kind(), Kind::Rejected);
    assert_eq!(judged(200, JSON, r#"[{"a": 1}]"#, BATCH).await.unwrap_err().kind(), Kind::Protocol);
    assert_eq!(judged(200, JSON, r#"[{"data": {}}]"#, BATCH).await.unwrap_err().kind(), Kind::Protocol);
    assert_eq!(judged(200, JSON, r#"{"data": {}}"#, BATCH).await.unwrap_err().kind(), Kind::Protocol);
}
