//! `Target`: the integration that a message goes to, and what it is called with.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use trunkline_core::{
    Call, Error, Hops, Idempotency, IntegrationId, Kind, Operation, Outcome, Reply, Result,
};

use super::{message::Message, template::Template};
use crate::{DEFAULT_CONNECTION, Handle, Manager, connection_config::may_be_name};

/// The most that is read of what the service answers; nobody needs it.
const ANSWER: usize = 1 << 20;

/// A call that a message has become.
pub(crate) struct Passing {
    pub(crate) call: Call,
    pub(crate) again: Again,
}

impl Passing {
    /// The call may have been done under its key, which the service knows until then: no attempt begins once that may be
    /// forgotten.
    pub(crate) fn begun_before(&mut self, until_ms: i64, now_ms: i64) {
        if matches!(self.again, Again::For(_)) {
            let left = u64::try_from(until_ms.saturating_sub(now_ms)).unwrap_or_default();
            self.call.key_until = Instant::now().checked_add(Duration::from_millis(left));
        }
    }
}

/// What making a call again means that may have been done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// No harm: it may be done twice, or what answers there tells a repetition.
    Always,
    /// The service knows its key, and does it once, for so long after it began first.
    For(Duration),
    /// It would be done twice, and nobody could tell.
    Never,
}

impl Again {
    /// The time until which one that begins now may be made again; `None` where that does not matter.
    pub(crate) fn until(self, now_ms: i64) -> Option<i64> {
        match self {
            Self::Always => None,
            Self::For(lasts) => {
                Some(now_ms.saturating_add(i64::try_from(lasts.as_millis()).unwrap_or(i64::MAX)))
            }
            Self::Never => Some(i64::MIN),
        }
    }

    /// Whether what may have been done, and may be made again until then, is not made again now.
    pub(crate) fn is_over(self, until_ms: i64, now_ms: i64) -> bool {
        self == Self::Never || now_ms >= until_ms
    }
}

/// Where messages go.
pub(crate) struct Target {
    pub(crate) to: IntegrationId,
    pub(crate) connection: Option<String>,
    template: Template,
}

impl Target {
    /// Checks an entry that stands at `place`: the id of the integration, the name of its connection, and the request.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(crate) fn open(to: &str, connection: Option<&str>, request: &Value, place: &str) -> Result<Self> {
        let at = |key: &str, message: &str| Error::invalid(format!("{place}.{key}: {message}"));
        let to = IntegrationId::new(to)
            .map_err(|_| at("to", "is the id of no integration; name the one that is to be called"))?;
        let connection = connection.filter(|name| *name != DEFAULT_CONNECTION).map(str::to_owned);
        if connection.as_deref().is_some_and(|name| !may_be_name(name)) {
            return Err(at("connection", "no connection can have this name"));
        }
        let template = Template::parse(request, &format!("{place}.request"))?;
        Ok(Self { to, connection, template })
    }

    /// The headers of messages that decide what it is called with.
    pub(super) fn headers(&self) -> Vec<String> {
        self.template.headers()
    }

    /// The integration that is called.
    ///
    /// # Errors
    ///
    /// Why it cannot be.
    pub(crate) async fn handle(&self, manager: &Manager) -> Result<Arc<Handle>> {
        let name = self.connection.as_deref().unwrap_or(DEFAULT_CONNECTION);
        let handle = manager.connection(&self.to, name).await?;
        if let Some(trouble) = handle.trouble() {
            return Err(trouble);
        }
        if handle.needs_connection() {
            let message = "it has placeholders that only its connections have values for; name one of them as connection";
            return Err(Error::invalid(message));
        }
        match handle.enabled() {
            true => Ok(handle),
            false => Err(Error::new(Kind::Disabled, "the integration is disabled")),
        }
    }

    /// The call that a message becomes, which says how often the message was passed on. Where the service recognises
    /// repetitions by a key, that is `key`, unless the request has one of its own: it is to be the same when the message
    /// comes again.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the message does not do, however often it is tried; `rejected` where it was passed on too often.
    pub(crate) fn call(
        &self,
        handle: &Handle,
        message: &Message,
        key: Option<HeaderValue>,
    ) -> Result<Passing> {
        let hops = Hops::read(message.header(Hops::HEADER.as_str())).next()?;
        let mut call = self.template.fill(message).and_then(|request| handle.ask(&request))?;
        hops.onto(&mut call.operation);
        let own = match &call.operation {
            Operation::Http(request) => request.headers.clone(),
            _ => HeaderMap::new(),
        };
        let mut is_same = true;
        if let Some((header, _)) = handle.idempotency_key(&mut call)
            && !own.contains_key(&header)
            && let Operation::Http(request) = &mut call.operation
        {
            // Without one that is given it is another when the message comes again.
            is_same = key.is_some();
            if let Some(key) = key {
                request.headers.insert(header, key);
            }
        }
        let again = match (call.repeats, call.idempotency()) {
            // A key is no leave where the manifest of a connector says so.
            (Some(Idempotency::Unsafe), _) => Again::Never,
            (_, Idempotency::Keyed) if is_same => Again::For(handle.key_lasts()),
            // A vendor's service cannot tell a repetition by the id that goes along.
            (_, Idempotency::Unsafe | Idempotency::Keyed) if handle.vendor().is_some() => Again::Never,
            _ => Again::Always,
        };
        Ok(Passing { call, again })
    }
}

/// Makes a call, and hears that the service has done it.
pub(crate) async fn make(handle: &Handle, call: &mut Call) -> Result<()> {
    let Reply { headers, body, .. } = handle.call(call).await?;
    // It has said yes; a connection whose answer was read can be used again.
    let read = body.collect(ANSWER);
    match call.deadline {
        Some(end) => drop(timeout_at(end, read).await),
        None => drop(read.await),
    }
    if !headers.contains_key(Reply::PARTIAL_ERRORS) {
        return Ok(());
    }
    let mut message = "the service did only a part of it".to_owned();
    if let Some(said) = Reply::partial_message(&headers) {
        message = format!("{message}: {}", handle.scrub(Some(&*call)).hide(said));
    }
    Err(Error::new(Kind::Failed, message).outcome_is(Outcome::Unknown))
}
