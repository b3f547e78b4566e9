//! `Errors`: what the answers of a service mean that says more than its statuses do. It stands innermost, so that all
//! layers hear the same of an attempt.

mod config;
mod partial;
#[cfg(test)]
mod tests;

use std::time::Duration;

use http::{HeaderValue, header};
use serde_json::Value;
use trunkline_core::{
    BoxFuture, Call, Error, Kind, Layer, Next, Operation, Outcome, Reply, Result, retry_after,
};

pub use self::config::ErrorsConfig;
use self::partial::Partial;
use crate::answer::{Rule, peek, suiting};

/// What answers mean, checked.
#[derive(Debug)]
pub struct Judge {
    rules: Box<[Rule]>,
    verdicts: Box<[Verdict]>,
    /// Where an error says in words what is wrong, and by which code, as JSON pointers.
    message: Box<[String]>,
    code: Box<[String]>,
}

/// What an answer means that suits a rule.
#[derive(Debug)]
enum Verdict {
    /// It is an error.
    Fails(Failure),
    /// It is a success of which a part failed.
    Partial(Partial),
}

/// An answer that is an error.
#[derive(Debug, Clone, Copy)]
struct Failure {
    kind: Option<Kind>,
    outcome: Option<Outcome>,
    /// `false` where the same request would be answered in the same way, `true` where it is worth making again.
    repeat: Option<bool>,
    /// How long to wait where the service does not say.
    wait: Option<Duration>,
}

/// Judges the answers to attempts.
#[derive(Debug)]
pub struct Errors(Judge);

impl Errors {
    /// Judges by these rules.
    pub fn new(judge: Judge) -> Self {
        Self(judge)
    }
}

impl Layer for Errors {
    fn name(&self) -> &'static str {
        "errors"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let relayed = self.0.ask_plainly(call);
            self.0.judged(next.run(call).await, relayed).await
        })
    }
}

impl Judge {
    /// A body that is to be looked into must not come encoded, as those may that are passed on. Says whether this one is.
    fn ask_plainly(&self, call: &mut Call) -> bool {
        let Operation::Http(request) = &mut call.operation else { return false };
        let partial = |verdict: &Verdict| matches!(verdict, Verdict::Partial(_));
        let reads = self.rules.iter().any(Rule::reads_body) || self.verdicts.iter().any(partial);
        if request.relay && request.headers.contains_key(header::ACCEPT_ENCODING) && reads {
            request.headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        }
        request.relay
    }

    async fn judged(&self, mut result: Result<Reply>, relayed: bool) -> Result<Reply> {
        let reply = match &mut result {
            Ok(reply) => reply,
            Err(error) => match error.reply_mut() {
                Some(reply) => reply,
                None => return result,
            },
        };
        let verdict = suiting(self.rules.iter(), reply).await.map(|at| &self.verdicts[at]);
        if let Some(Verdict::Partial(partial)) = verdict {
            partial.tell(reply).await;
        }
        let error = match (verdict, result) {
            (Some(Verdict::Fails(failure)), result) => failure.of(result)?,
            (_, Err(error)) => error,
            (_, Ok(reply)) => return Ok(reply),
        };
        // Whoever passes it on reads it there.
        Err(if relayed { error } else { self.told(error).await })
    }

    /// The error with what the service says of it.
    async fn told(&self, mut error: Error) -> Error {
        if self.message.is_empty() && self.code.is_empty() {
            return error;
        }
        let body = match error.reply_mut() {
            Some(reply) => peek(reply).await,
            None => None,
        };
        for (name, pointers) in [("upstream_code", &self.code), ("upstream_message", &self.message)] {
            let said = body
                .as_ref()
                .and_then(|body| pointers.iter().find_map(|pointer| text(body.pointer(pointer)?)));
            if let Some(said) = said {
                error = error.with(name, said);
            }
        }
        error
    }
}

/// No more of what a service says is quoted.
const LONGEST: usize = 500;

/// What people can read of a value; of an object that says what is wrong with each field, all of that.
fn text(value: &Value) -> Option<String> {
    let whole = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        Value::Object(fields) => {
            let said = fields.iter().filter_map(|(field, said)| Some(format!("{field}: {}", said.as_str()?)));
            said.collect::<Vec<_>>().join("; ")
        }
        _ => return None,
    };
    Some(whole.chars().take(LONGEST).collect()).filter(|text: &String| !text.is_empty())
}

impl Failure {
    /// The answer as it says; one of success as the error that it is.
    fn of(self, result: Result<Reply>) -> Result<Error> {
        let before = match &result {
            Ok(_) => None,
            Err(error) => Some((error.kind(), error.outcome(), error.wait(), error.message().to_owned())),
        };
        let reply = match result {
            Ok(reply) => reply,
            Err(error) => match error.into_reply() {
                Ok(reply) => reply,
                Err(error) => return Ok(error),
            },
        };
        let kind = self.kind.or(before.as_ref().map(|before| before.0)).unwrap_or(Kind::Rejected);
        let message = match &before {
            Some((.., message)) => message.clone(),
            None => format!("the service answered {} and that it failed", reply.status.as_u16()),
        };
        // A kind that is named brings what is usual for it; else what was known stays.
        let outcome = self.outcome.or_else(|| match (self.kind, &before) {
            (None, Some(before)) => Some(before.1),
            (Some(kind), Some(before)) if kind.row().outcome == Outcome::Unknown => Some(before.1),
            _ => None,
        });
        let mut error = Error::new(kind, message);
        if let Some(outcome) = outcome {
            error = error.outcome_is(outcome);
        }
        let said = before.and_then(|before| before.2);
        // An answer of success says it in the same header.
        let said = said.or_else(|| retry_after::read(&reply.headers, &header::RETRY_AFTER));
        if let Some(wait) = said.or(self.wait) {
            error = error.retry_after(wait);
        }
        error = match self.repeat {
            None => error,
            Some(false) => error.lasting(),
            Some(true) => error.passing(),
        };
        Ok(error.replied(reply))
    }
}
