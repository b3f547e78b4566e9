//! What an answer of the service means: a success, a success that says that some of it failed, or an error.

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::value::RawValue;
use trunkline_core::{Body, Error, Kind, Outcome, Reply, Result, retry_after};

use super::{
    codes::Codes,
    envelope::{Data, Envelope, Told},
};
use crate::http::classify;

/// The media type that has rules for its status (GraphQL over HTTP, section 6.4.2).
const MEDIA: &str = "application/graphql-response+json";

/// What was asked.
#[derive(Debug, Clone, Copy)]
pub(super) struct Question {
    /// How many requests a batch has; `None` for one that is no batch.
    pub(super) batch: Option<usize>,
    /// Whether it only reads.
    pub(super) reads: bool,
    /// Whether an operation that changes something has one field at its root: then it is refused as a whole or not.
    pub(super) single: bool,
}

/// An answer whose body was read.
pub(super) struct Answer {
    reply: Reply,
    body: Bytes,
    said: Said,
}

/// What its body says.
enum Said {
    /// Nothing in GraphQL, and why.
    Nothing(String),
    One(Envelope),
    Each(Vec<Envelope>),
}

impl Answer {
    /// Reads the body of a reply, at most `limit` bytes.
    ///
    /// # Errors
    ///
    /// Those of its status where the body says nothing in GraphQL; those of reading.
    pub(super) async fn read(reply: Reply, batch: bool, limit: usize) -> Result<Self> {
        let failed = !reply.status.is_success();
        // What services behind a proxy that fails say is HTML, and of any length.
        if failed && !essence(&reply).ends_with("json") {
            return Err(unasked(reply));
        }
        let Reply { status, headers, body, redirected } = reply;
        let redirected = |body| Reply { status, headers, body, redirected };
        let body = match body.collect(limit).await {
            Err(_) if failed => return Err(unasked(redirected(Body::Empty))),
            body => body?,
        };
        let said = said(&body, batch);
        Ok(Self { reply: redirected(Body::Empty), body, said })
    }

    /// Whether nothing was executed, for an error with this code, or this message.
    pub(super) fn refuses(&self, code: &str, message: &str) -> bool {
        let Said::One(envelope) = &self.said else { return false };
        envelope.data == Data::Absent
            && envelope.told.iter().any(|told| told.code.as_deref() == Some(code) || told.message == message)
    }

    /// Whether it is a response in GraphQL to a request that was read, whatever it says.
    pub(super) fn is_graphql(&self) -> bool {
        let read = self.reply.status.is_success() || self.reply.status == StatusCode::BAD_REQUEST;
        read && !matches!(self.said, Said::Nothing(_))
    }

    /// What it means.
    ///
    /// # Errors
    ///
    /// Where there is no data: of the kind of the first code that is known, or else of the status.
    pub(super) fn judge(self, asked: Question, codes: &Codes) -> Result<Reply> {
        let Self { mut reply, body, said } = self;
        let graphql = essence(&reply) == MEDIA;
        let success = reply.status.is_success();
        reply.body = Body::from_bytes(body);
        match said {
            Said::Nothing(_) if !success => Err(unasked(reply)),
            Said::Nothing(why) => {
                let what = format!("the service's answer is no GraphQL response: {why}");
                Err(Error::new(Kind::Protocol, what).outcome_is(Outcome::Unknown).replied(reply))
            }
            Said::One(envelope) if envelope.is_failure() => {
                let refused = refused(&envelope, asked, codes);
                Err(error(&envelope, refused, asked, codes, reply))
            }
            // What is in the usual media type can be of anybody between us and the service.
            Said::One(_) if !success && !graphql => Err(unasked(reply)),
            Said::One(_) if asked.batch.is_some() => {
                let what = "the service answered a batch with one response; does it take batches?";
                Err(Error::new(Kind::Protocol, what).outcome_is(Outcome::Unknown).replied(reply))
            }
            Said::One(envelope) => Ok(partly(reply, envelope.errors, std::slice::from_ref(&envelope))),
            Said::Each(all) if asked.batch != Some(all.len()) => {
                let what = format!("the service answered {} of the requests of the batch", all.len());
                Err(Error::new(Kind::Protocol, what).outcome_is(Outcome::Unknown).replied(reply))
            }
            Said::Each(all) => match all.iter().find(|envelope| !envelope.is_failure()) {
                None if !all.is_empty() => {
                    let refused = all.iter().all(|envelope| refused(envelope, asked, codes));
                    let telling =
                        all.iter().find(|envelope| known(envelope, codes).is_some()).unwrap_or(&all[0]);
                    Err(error(telling, refused, asked, codes, reply))
                }
                _ if !success => Err(unasked(reply)),
                _ => {
                    let errors = all.iter().filter(|envelope| envelope.errors > 0).count();
                    Ok(partly(reply, errors, &all))
                }
            },
        }
    }
}

fn said(body: &[u8], batch: bool) -> Said {
    let Ok(text) = std::str::from_utf8(body) else { return Said::Nothing("it is not UTF-8".to_owned()) };
    let read = match batch && text.trim_start().starts_with('[') {
        false => Envelope::read(text).map(Said::One),
        true => serde_json::from_str::<Vec<&RawValue>>(text).and_then(|each| {
            let each: Result<_, _> = each.into_iter().map(|one| Envelope::read(one.get())).collect();
            each.map(Said::Each)
        }),
    };
    read.unwrap_or_else(|error| {
        Said::Nothing(match error.classify() {
            // Its words hold nothing of what was sent.
            serde_json::error::Category::Data if error.line() == 0 => error.to_string(),
            serde_json::error::Category::Data => "it is JSON of another shape".to_owned(),
            _ => format!("it is no JSON at line {} column {}", error.line(), error.column()),
        })
    })
}

/// An answer that is none to a question in GraphQL.
fn unasked(reply: Reply) -> Error {
    let code = reply.status.as_u16();
    classify(reply).map_or_else(
        |error| error,
        |reply| {
            let what =
                format!("the service answered {code}, which is no GraphQL response; is base_url right?");
            Error::new(Kind::Protocol, what).replied(reply)
        },
    )
}

/// Data, and how many errors came with it; of a batch, how many of its responses have some. The status of a response with data says nothing more.
fn partly(mut reply: Reply, errors: usize, said: &[Envelope]) -> Reply {
    reply.status = StatusCode::OK;
    if errors > 0 {
        let told = said.iter().flat_map(|envelope| &envelope.told);
        reply.failed_in_part(errors as u64, told.map(|told| &*told.message));
        // The next one may be whole: nobody keeps this one for others.
        reply.headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    reply
}

/// Whether the service says that it did nothing. Without `data` it refused the request before it began with it (GraphQL
/// specification section 7.1.2). With null an error went all the way up from a field, and where that field is one of a
/// mutation others may have been done before it, or the mutation itself before one of the fields that it returns.
fn refused(envelope: &Envelope, asked: Question, codes: &Codes) -> bool {
    let known = known(envelope, codes).map(|(kind, _)| kind.row().outcome);
    match envelope.data {
        Data::There => false,
        // Some services fail while they execute, and still leave it out.
        Data::Absent => known.unwrap_or(Outcome::Rejected) == Outcome::Rejected,
        Data::Null if asked.reads => known.unwrap_or(Outcome::Rejected) == Outcome::Rejected,
        Data::Null => {
            let at_root = envelope.told.iter().all(|told| told.path.is_none_or(|steps| steps <= 1));
            let all_told = envelope.told.len() == envelope.errors;
            asked.single && at_root && all_told && known == Some(Outcome::Rejected)
        }
    }
}

/// The first error with a code that is known, and its kind.
fn known<'a>(envelope: &'a Envelope, codes: &Codes) -> Option<(Kind, &'a Told)> {
    let kind = |told: &'a Told| Some((codes.kind(told.code.as_deref()?)?, told));
    envelope.told.iter().find_map(kind)
}

/// The error that a response without data is.
pub(super) fn error(
    envelope: &Envelope,
    refused: bool,
    asked: Question,
    codes: &Codes,
    reply: Reply,
) -> Error {
    let (known, told) = known(envelope, codes).unzip();
    let by_status = match reply.status.is_success() {
        true => None,
        // The body is put back below.
        false => classify(Reply { headers: reply.headers.clone(), ..Reply::new(reply.status, "") }).err(),
    };
    let kind = known.or(by_status.as_ref().map(Error::kind)).unwrap_or(Kind::Rejected);
    let outcome = match (&by_status, known) {
        // A status that leaves open what became of the request has the last word where no code says more.
        (Some(error), None) => error.outcome(),
        _ if refused => Outcome::Rejected,
        _ => Outcome::Unknown,
    };
    // A redirect may have led from a service that had acted.
    let outcome = if reply.redirected && !asked.reads { Outcome::Unknown } else { outcome };
    let told = told.or(envelope.told.first());
    let message = told.map(|told| told.message.trim()).filter(|message| !message.is_empty());
    let code = told.and_then(|told| told.code.as_deref());
    let what = match (message, code) {
        (Some(message), Some(code)) => format!("the service answered with an error: {message} ({code})"),
        (Some(message), None) => format!("the service answered with an error: {message}"),
        (None, Some(code)) => format!("the service answered with an error: {code}"),
        (None, None) => "the service answered with an error that says nothing".to_owned(),
    };
    let mut error = Error::new(kind, what).outcome_is(outcome);
    if let Some(code) = code {
        error = error.with("code", code);
    }
    if envelope.errors > 1 {
        error = error.with("errors", envelope.errors.to_string());
    }
    let wait = retry_after::read(&reply.headers, &header::RETRY_AFTER);
    let wait = wait.or(envelope.wait.filter(|_| kind == Kind::RateLimited));
    let error = match wait {
        Some(wait) => error.retry_after(wait),
        None => error,
    };
    error.replied(reply)
}

/// The media type without its parameters, in lower case.
fn essence(reply: &Reply) -> String {
    let media = reply.media().and_then(|media| media.split(';').next()).unwrap_or_default();
    media.trim().to_ascii_lowercase()
}

#[cfg(test)]
mod tests;
