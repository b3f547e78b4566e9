//! Rows that are sent while they come: the same for every engine.

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use serde_json::{Value, json};
use tokio::time::{Duration, Instant};

use super::{Engine, Shop, memory, requests::NOTE};
use crate::harness::within;

impl<E: Engine> Shop<E> {
    /// Asks for lines, and gives the answer while they are on the way.
    async fn lines(&self, request: &Value) -> Response<Incoming> {
        let request = Request::post("/api/v1/integrations/db/call")
            .header("content-type", "application/json")
            .header("accept", "application/x-ndjson")
            .body(Full::new(Bytes::from(request.to_string())))
            .unwrap();
        self.server.open(request).await
    }

    /// All the lines of an answer.
    async fn all_lines(&self, request: &Value) -> Vec<Value> {
        let answer = self.lines(request).await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()["content-type"], "application/x-ndjson");
        let body = within("all lines", answer.into_body().collect()).await.unwrap().to_bytes();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.ends_with('\n'), "{text}");
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

pub(super) async fn many_rows_pass_with_little_memory<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({})).await else { return };
    shop.query("select 1").await.is(200);
    let before = memory(&shop.server);
    let mut body =
        shop.lines(&json!({ "query": E::MANY.replace('@', &E::ROWS.to_string()) })).await.into_body();
    let (mut lines, mut most, mut last) = (0, before, Bytes::new());
    let read = async {
        while let Some(frame) = body.frame().await {
            let data = frame.unwrap().into_data().unwrap();
            lines += data.iter().filter(|byte| **byte == b'\n').count();
            if lines % 64 == 0 {
                most = most.max(memory(&shop.server));
            }
            last = data;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), read).await.unwrap();
    assert_eq!(lines, E::ROWS + 2);
    let end =
        format!("{{\"end\":{{\"row_count\":{},\"affected_rows\":null,\"truncated\":null}}}}\n", E::ROWS);
    assert!(last.ends_with(end.as_bytes()));
    most = most.max(memory(&shop.server));
    assert!(most < before + 48, "{before} MiB, then {most}");
}

pub(super) async fn a_reader_that_stops_holds_the_rows_up<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "pool": { "max": 1 } })).await else { return };
    shop.query("select 1").await.is(200);
    let before = memory(&shop.server);
    let many = E::MANY.replace('@', "50000000");
    let mut body = shop.lines(&json!({ "query": many })).await.into_body();
    within("a line", body.frame()).await.unwrap().unwrap();
    // Time enough to read a lot, if somebody did.
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(700) {
        shop.rows("select 1").await;
    }
    let waits = memory(&shop.server);
    assert!(waits < before + 48, "{before} MiB, then {waits}");
    assert!(shop.runs(&many).await, "it waits");
    // The reader comes back, and reads on.
    within("more lines", body.frame()).await.unwrap().unwrap();
    drop(body);
    shop.still(&many).await;
}

pub(super) async fn a_reader_that_goes_away_ends_the_statement<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "pool": { "max": 1 } })).await else { return };
    let many = E::MANY.replace('@', "50000000");
    let mut body = shop.lines(&json!({ "query": many })).await.into_body();
    within("a line", body.frame()).await.unwrap().unwrap();
    assert!(shop.runs(&many).await);
    let gone = Instant::now();
    drop(body);
    shop.still(&many).await;
    shop.query("select 1").await.is(200);
    assert!(gone.elapsed() < Duration::from_secs(1), "{:?}", gone.elapsed());

    // The same for one who waits for an answer as a whole.
    let long = json!({ "query": E::LONG });
    tokio::select! {
        _ = shop.server.call("db", &long) => panic!("it takes a minute"),
        () = shop.busy(E::LONG) => {}
    }
    let gone = Instant::now();
    shop.still(E::LONG).await;
    shop.query("select 1").await.is(200);
    assert!(gone.elapsed() < Duration::from_secs(1), "{:?}", gone.elapsed());
}

pub(super) async fn an_error_in_the_middle_is_the_last_line<E: Engine>() {
    let settings = json!({ "pool": { "max": 1 }, "max_rows": 1_000_000, "max_bytes": 64 << 20 });
    let Some(shop) = Shop::<E>::open(settings).await else { return };
    let lines = shop.all_lines(&json!({ "query": E::FAILS_LATE })).await;
    let last = lines.last().unwrap();
    assert!(lines.len() > 1000, "{}", lines.len());
    assert!(last["error"]["kind"].is_string() && last["error"]["detail"].is_string(), "{last}");
    assert_ne!(last["error"]["outcome"], "unknown", "it only reads: {last}");
    assert!(!lines.iter().any(|line| !line["end"].is_null()));
    assert!(lines[1]["row"]["n"] == 1, "{}", lines[1]);
    shop.query("select 1").await.is(200);
    // As a document it is an error, and nothing else.
    let answer = shop.server.call("db", &json!({ "query": E::FAILS_LATE })).await;
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.status);
    // What fails at once is an error of the call.
    let answer = shop.lines(&json!({ "query": "select * from no_such_table" })).await;
    assert_eq!(answer.status(), 422);
}

pub(super) async fn a_stream_says_what_it_changed<E: Engine>() {
    let Some(shop) = Shop::<E>::open(json!({ "max_rows": 5 })).await else { return };
    shop.query(NOTE).await.is(200);
    let insert = "insert into note (id, body) values (:id, :body)";
    let one = json!({ "query": insert, "params": { "id": 1, "body": "a" } });
    let lines = shop.all_lines(&one).await;
    assert_eq!(lines.last().unwrap()["end"]["affected_rows"], 1, "{lines:?}");
    let batch = json!({ "query": insert, "batch": [{ "id": 2, "body": "b" }, { "id": 3, "body": "c" }] });
    let lines = shop.all_lines(&batch).await;
    assert_eq!(lines.iter().filter(|line| !line["end"].is_null()).count(), 2, "{lines:?}");
    // Only the caller bounds a stream.
    let rows = |lines: &[Value]| lines.iter().filter(|line| !line["row"].is_null()).count();
    let select = "select genre_id, name from genre order by genre_id";
    let lines = shop.all_lines(&json!({ "query": select })).await;
    assert_eq!(rows(&lines), 25);
    let lines = shop.all_lines(&json!({ "query": select, "max_rows": 3, "rows": "arrays" })).await;
    assert_eq!((rows(&lines), &lines[1]), (3, &json!({ "row": [1, "Rock"] })));
    assert_eq!(lines.last().unwrap()["end"]["truncated"], "max_rows");
}
