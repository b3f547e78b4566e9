//! The error of every crate: a kind, an outcome, what was known where it happened, and nothing secret.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Kind, Reply, Scrub};

/// A result with Trunkline's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Could the service have acted on a call that failed?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Nothing left this process.
    NotSent,
    /// The service says that it did not act.
    Rejected,
    /// The service says that it acted.
    Applied,
    /// Nobody here can tell: the request may have arrived.
    Unknown,
}

/// An error of a call, a configuration or the store.
///
/// One pointer wide. Messages are lower case, say what to do next, and hold neither secrets nor
/// URLs with credentials.
pub struct Error(Box<Inner>);

struct Inner {
    kind: Kind,
    outcome: Outcome,
    message: Cow<'static, str>,
    context: Vec<(&'static str, String)>,
    retry_after: Option<Duration>,
    /// What is known of asking again, where it is known better than from the kind.
    repeats: Option<bool>,
    attempts: u32,
    reply: Option<Reply>,
    results: Option<Box<RawValue>>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of `kind` with the outcome that the kind's row assumes.
    pub fn new(kind: Kind, message: impl Into<Cow<'static, str>>) -> Self {
        Self(Box::new(Inner {
            kind,
            outcome: kind.row().outcome,
            message: message.into(),
            context: Vec::new(),
            retry_after: None,
            repeats: None,
            attempts: 0,
            reply: None,
            results: None,
            source: None,
        }))
    }

    /// An [`Kind::InvalidConfig`] error.
    pub fn invalid(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Kind::InvalidConfig, message)
    }

    /// Adds a fact, such as the key at fault. The value must not be a secret.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.context.push((key, value.into()));
        self
    }

    /// States whether the service can have acted, where that is known better than the kind's row.
    #[must_use]
    pub fn outcome_is(mut self, outcome: Outcome) -> Self {
        self.0.outcome = outcome;
        self
    }

    /// Adds how long the service, or a limiter, asked to wait.
    #[must_use]
    pub fn retry_after(mut self, wait: Duration) -> Self {
        self.0.retry_after = Some(wait);
        self
    }

    /// Says that the same request would fail in the same way: no attempt is made again, whatever the kind.
    #[must_use]
    pub fn lasting(mut self) -> Self {
        self.0.repeats = Some(false);
        self
    }

    /// Says that the same request is worth making again, whatever the kind. One that may have been applied and would be
    /// done twice is not made again all the same.
    #[must_use]
    pub fn passing(mut self) -> Self {
        self.0.repeats = Some(true);
        self
    }

    /// Keeps what the service answered, so that a proxy can pass it on untouched.
    #[must_use]
    pub fn replied(mut self, reply: Reply) -> Self {
        self.0.reply = Some(reply);
        self
    }

    /// Keeps what became of each part of a request of which none was done, as JSON. It must not hold a secret.
    #[must_use]
    pub fn listing(mut self, results: Box<RawValue>) -> Self {
        self.0.results = Some(results);
        self
    }

    /// Keeps the cause. Its text must not hold a secret.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// Puts `prefix` and a colon before the message, to say where in a larger input the error is.
    #[must_use]
    pub fn at(mut self, prefix: &str) -> Self {
        self.0.message = format!("{prefix}: {}", self.0.message).into();
        self
    }

    /// Hides secrets that a service may have echoed into what it says of itself, which the message or a fact quotes.
    #[must_use]
    pub fn scrubbed(mut self, scrub: &Scrub) -> Self {
        self.0.message = scrub.hide(self.0.message.into_owned()).into();
        for (_, value) in &mut self.0.context {
            *value = scrub.hide(std::mem::take(value));
        }
        self
    }

    /// Records how many attempts were made.
    #[must_use]
    pub fn attempted(mut self, attempts: u32) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The class of the error.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether the service can have acted.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// What happened and what to do, in one lower-case sentence.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Facts that were added on the way.
    pub fn context(&self) -> &[(&'static str, String)] {
        &self.0.context
    }

    /// How long to wait before another try, where somebody said so.
    pub fn wait(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the same request would fail in the same way.
    pub fn is_lasting(&self) -> bool {
        self.0.repeats == Some(false)
    }

    /// Whether the same request is worth making again, whatever the kind.
    pub fn is_passing(&self) -> bool {
        self.0.repeats == Some(true)
    }

    /// How many attempts were made before giving up.
    pub fn attempts(&self) -> u32 {
        self.0.attempts
    }

    /// What became of each part of a request of which none was done, as JSON, where it had parts.
    pub fn results(&self) -> Option<&RawValue> {
        self.0.results.as_deref()
    }

    /// What the service answered, if it did.
    pub fn reply(&self) -> Option<&Reply> {
        self.0.reply.as_ref()
    }

    /// What the service answered, to read its body.
    pub fn reply_mut(&mut self) -> Option<&mut Reply> {
        self.0.reply.as_mut()
    }

    /// Takes what the service answered out of the error, or gives the error back.
    pub fn into_reply(mut self) -> Result<Reply> {
        self.0.reply.take().ok_or(self)
    }
}

impl fmt::Display for Error {
    /// One line: kind, message, facts, causes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.0.kind, self.0.message)?;
        for (key, value) in &self.0.context {
            write!(f, ", {key}={value}")?;
        }
        let mut cause = self.0.source.as_deref().map(|source| source as &dyn StdError);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({self}, outcome={:?})", self.0.outcome)
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_prints_one_line_with_facts_and_causes() {
        let error = Error::new(Kind::Unavailable, "cannot connect")
            .with("host", "api.example.com")
            .source(std::io::Error::other("connection refused"));
        assert_eq!(
            error.to_string(),
            "unavailable: cannot connect, host=api.example.com: connection refused"
        );
    }

    #[test]
    fn an_error_is_one_pointer_wide() {
        assert_eq!(size_of::<Error>(), size_of::<usize>());
        assert_eq!(size_of::<Result<()>>(), size_of::<usize>());
    }
}
