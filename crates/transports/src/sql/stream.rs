//! Rows that are sent while they come: the statement runs in a task of its own, which ends with its reader.

use std::{
    pin::Pin,
    task::{Context as Task, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use http_body::Frame;
use serde_json::json;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use trunkline_core::{Body, Error, Kind, Query, Reply, Result};

use super::{Client, engine::Engine, output::Output, pool::Lease};

/// What is under way to a reader who takes his time: pieces of 32 KiB.
const PIECES: usize = 2;

/// Runs a query whose rows are sent while they come. An error before the first of them is an error of the call, one
/// after that is the last line.
pub(super) async fn stream<E: Engine>(
    client: &Client<E>,
    mut lease: Lease<E>,
    query: &Query,
) -> Result<Reply> {
    let (pipe, mut pieces) = mpsc::channel(PIECES);
    let (client, query) = (client.clone(), query.clone());
    let task = tokio::spawn(async move {
        let job = client.job(&query)?;
        let mut output = Output::lines(client.rules.bounded(query.wanted), job.together, pipe);
        lease.run(&job, &mut output).await?;
        Ok(output.finish())
    });
    let mut task = AbortOnDropHandle::new(task);
    let body = match pieces.recv().await {
        Some(first) => Body::stream(Lines { first: Some(first), pieces, task: Some(task) }),
        None => (&mut task).await.unwrap_or_else(|_| Err(ended()))?.into(),
    };
    let mut reply = Reply::new(StatusCode::OK, body);
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
    Ok(reply)
}

fn ended() -> Error {
    Error::new(Kind::Internal, "the task of the statement ended by itself")
}

/// The body of the reply. Dropped, it ends the task, and with it the statement.
struct Lines {
    first: Option<Bytes>,
    pieces: mpsc::Receiver<Bytes>,
    task: Option<AbortOnDropHandle<Result<Bytes>>>,
}

impl http_body::Body for Lines {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Task<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Some(first) = self.first.take() {
            return Poll::Ready(Some(Ok(Frame::data(first))));
        }
        if let Some(piece) = ready!(self.pieces.poll_recv(cx)) {
            return Poll::Ready(Some(Ok(Frame::data(piece))));
        }
        let Some(task) = &mut self.task else { return Poll::Ready(None) };
        let last = ready!(Pin::new(task).poll(cx)).unwrap_or_else(|_| Err(ended()));
        self.task = None;
        Poll::Ready(Some(Ok(Frame::data(last.unwrap_or_else(|error| last_line(&error))))))
    }
}

/// What a reader finds in the place of the end.
fn last_line(error: &Error) -> Bytes {
    let context: serde_json::Map<_, _> =
        error.context().iter().map(|(name, value)| ((*name).to_owned(), value.as_str().into())).collect();
    let told = json!({
        "kind": error.kind().code(), "detail": error.message(), "outcome": error.outcome(), "context": context,
    });
    format!("{}\n", json!({ "error": told })).into()
}
