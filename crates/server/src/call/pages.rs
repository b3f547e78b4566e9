//! Lists in pages: all records as one document, or each as a line of JSON while the pages come.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use trunkline::{Body, Call, Error, Handle, Walk};

use super::problem;
use crate::{problem::Problem, trace::Trace, wishes::Wishes};

/// No further page is read into one document that has so many bytes.
const DOCUMENT: usize = 64 << 20;

/// How the client wants it.
pub(super) struct Asked {
    pub(super) wishes: Wishes,
    pub(super) trace: Option<Trace>,
    /// Line by line.
    pub(super) lines: bool,
}

impl Asked {
    fn onto(&self, call: &mut Call) {
        self.wishes.clone().onto(call);
        if let Some(trace) = &self.trace {
            trace.clone().onto(call);
        }
    }
}

/// Goes through the pages. What fails before anything came is a problem. After that, what came is given, with the cursor
/// that the walk can go on from, and what went wrong under `error`.
pub(super) async fn walked(mut walk: Walk, handle: Arc<Handle>, asked: Asked) -> Response<Body> {
    // What is wished for a call is for all of the walk.
    if let Some(end) = asked.wishes.end() {
        walk.until(end);
    }
    let first = match step(&mut walk, &handle, &asked).await {
        Ok(first) => first,
        Err(problem) => return problem.response(),
    };
    if asked.lines {
        return lines(walk, handle, asked, first);
    }
    let (mut records, mut failed) = (first.unwrap_or_default(), None);
    // What is one document is in memory; the cursor says that there is more.
    while walk.bytes() < DOCUMENT {
        match step(&mut walk, &handle, &asked).await {
            Ok(Some(page)) => records.extend(page),
            Ok(None) => break,
            Err(problem) => {
                failed = Some(problem);
                break;
            }
        }
    }
    let mut document = json!({ "records": records, "pages": walk.pages(), "cursor": walk.cursor() });
    if let Some(failed) = failed {
        document["error"] = serde_json::to_value(&failed).unwrap_or_default();
    }
    respond("application/json", document.to_string().into())
}

/// The next page; a failure as the problem that it is.
async fn step(walk: &mut Walk, handle: &Handle, asked: &Asked) -> Result<Option<Vec<Value>>, Problem> {
    let mut made = None;
    let page = walk.next(|call| {
        asked.onto(call);
        made = Some(call.request_id);
    });
    match page.await {
        Ok(page) => Ok(page),
        Err(error) => Err(told(error, handle, made).await),
    }
}

async fn told(error: Error, handle: &Handle, request: Option<trunkline::RequestId>) -> Problem {
    let mut call = Call::new(handle.id().clone(), trunkline::HttpRequest::get(""));
    if let Some(request) = request {
        call.request_id = request;
    }
    problem(error, handle, &call).await
}

/// Each record as a line, and a last one that says how it ended. Pages are read no faster than the client reads.
fn lines(mut walk: Walk, handle: Arc<Handle>, asked: Asked, first: Option<Vec<Value>>) -> Response<Body> {
    let (send, mut receive) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let mut page = Ok(first);
        loop {
            let ended = !matches!(page, Ok(Some(_)));
            // Who has gone away reads no further page.
            if send.send(written(page, &walk)).await.is_err() || ended {
                return;
            }
            page = step(&mut walk, &handle, &asked).await;
        }
    });
    let frames = stream::poll_fn(move |cx| receive.poll_recv(cx)).map(|lines| Ok(Frame::data(lines)));
    respond("application/x-ndjson", Body::stream(StreamBody::new(frames)))
}

/// The lines of a page, or the last line.
fn written(page: Result<Option<Vec<Value>>, Problem>, walk: &Walk) -> Bytes {
    let line = |key: &str, value: &Value| format!("{}\n", json!({ key: value }));
    let lines = match page {
        Ok(Some(records)) => records.iter().map(|record| line("record", record)).collect(),
        Ok(None) => line("end", &json!({ "pages": walk.pages(), "cursor": walk.cursor() })),
        Err(problem) => {
            // Strings and numbers always serialise.
            let mut error = serde_json::to_value(&problem).unwrap_or_default();
            error["cursor"] = json!(walk.cursor());
            line("error", &error)
        }
    };
    Bytes::from(lines)
}

fn respond(media: &'static str, body: Body) -> Response<Body> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::OK;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    response
}
