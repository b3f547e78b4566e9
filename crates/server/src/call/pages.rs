//! Lists in pages: all records as one document, or each as a line of JSON while the pages come.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use http_body::Frame;
use http_body_util::StreamBody;
use serde::Serialize;
use serde_json::{Value, json, value::RawValue};
use tokio::sync::mpsc;
use trunkline::{Body, Call, Error, Handle, Walk};

use super::problem;
use crate::{ndjson, problem::Problem, trace::Trace, wishes::Wishes};

/// No further page is read into one document that has so many bytes.
const DOCUMENT: usize = 64 << 20;

/// A list as one document.
#[derive(Serialize)]
struct List<'a> {
    records: Vec<Box<RawValue>>,
    pages: u32,
    cursor: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// Whose list it is, and how its client wants it.
pub(crate) struct Lists {
    handle: Arc<Handle>,
    wishes: Wishes,
    trace: Option<Trace>,
    /// Line by line.
    lines: bool,
}

impl Lists {
    /// What the head of a request says of it, but for what was read already.
    pub(crate) fn new(handle: Arc<Handle>, wishes: Wishes, headers: &mut HeaderMap) -> Self {
        Self { handle, wishes, trace: Trace::take(headers), lines: ndjson::is_asked(headers) }
    }

    /// The integration.
    pub(crate) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// Whether each record is to be a line.
    pub(crate) fn lines(&self) -> bool {
        self.lines
    }

    fn onto(&self, call: &mut Call) {
        self.wishes.clone().onto(call);
        if let Some(trace) = &self.trace {
            trace.clone().onto(call);
        }
    }
}

/// Goes through the pages. What fails before anything came is a problem. After that, what came is given, with the cursor
/// that the walk can go on from, and what went wrong under `error`.
pub(crate) async fn walked(mut walk: Walk, asked: Lists) -> Response<Body> {
    // What is wished for a call is for all of the walk.
    if let Some(end) = asked.wishes.end() {
        walk.until(end);
    }
    let first = match step(&mut walk, &asked).await {
        Ok(first) => first,
        Err(problem) => return problem.response(),
    };
    if asked.lines {
        return lines(walk, asked, first);
    }
    let (mut records, mut failed) = (first.unwrap_or_default(), None);
    // What is one document is in memory; the cursor says that there is more. Without one no page is read, but the walk says
    // whether it came to its end.
    while walk.bytes() < DOCUMENT || walk.cursor().is_none() {
        match step(&mut walk, &asked).await {
            Ok(Some(page)) => records.extend(page),
            Ok(None) => break,
            Err(problem) => {
                failed = Some(problem);
                break;
            }
        }
    }
    let document = List { records, pages: walk.pages(), cursor: walk.cursor(), error: failed };
    // What it is made of always serialises.
    respond("application/json", serde_json::to_vec(&document).unwrap_or_default().into())
}

/// The next page; a failure as the problem that it is.
async fn step(walk: &mut Walk, asked: &Lists) -> Result<Option<Vec<Box<RawValue>>>, Problem> {
    let mut made = None;
    let page = walk.next(|call| {
        asked.onto(call);
        made = Some(call.request_id);
    });
    match page.await {
        Ok(page) => Ok(page),
        Err(error) => Err(told(error, &asked.handle, made).await),
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
fn lines(mut walk: Walk, asked: Lists, first: Option<Vec<Box<RawValue>>>) -> Response<Body> {
    let (send, mut receive) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let mut page = Ok(first);
        loop {
            let ended = !matches!(page, Ok(Some(_)));
            // Who has gone away reads no further page.
            if send.send(written(page, &walk)).await.is_err() || ended {
                return;
            }
            page = step(&mut walk, &asked).await;
        }
    });
    let frames = stream::poll_fn(move |cx| receive.poll_recv(cx)).map(|lines| Ok(Frame::data(lines)));
    respond("application/x-ndjson", Body::stream(StreamBody::new(frames)))
}

/// The lines of a page, or the last line.
fn written(page: Result<Option<Vec<Box<RawValue>>>, Problem>, walk: &Walk) -> Bytes {
    let line = |key: &str, value: &Value| format!("{}\n", json!({ key: value }));
    let lines = match page {
        // A record may be written over several lines; within texts there are none.
        Ok(Some(records)) => records
            .iter()
            .map(|record| format!("{{\"record\":{}}}\n", record.get().replace(['\n', '\r'], " ")))
            .collect(),
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
