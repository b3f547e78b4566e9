//! `Target`: the integration that a message goes to, and what it is called with.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use serde_json::Value;
use tokio::time::timeout_at;
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
    /// Whether it is not made again where it may have been done: it would be done twice, and nobody could tell.
    pub(crate) once: bool,
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
        let mut lasts = true;
        if let Some((header, _)) = handle.idempotency_key(&mut call)
            && !own.contains_key(&header)
            && let Operation::Http(request) = &mut call.operation
        {
            // Without one that is given it is another when the message comes again.
            lasts = key.is_some();
            if let Some(key) = key {
                request.headers.insert(header, key);
            }
        }
        let once = match call.repeats {
            // A key is no leave where the manifest of a connector says so.
            Some(Idempotency::Unsafe) => true,
            // A vendor's service cannot tell a repetition by the id that goes along.
            _ => handle.vendor().is_some() && (call.idempotency() == Idempotency::Unsafe || !lasts),
        };
        Ok(Passing { call, once })
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
    match headers.contains_key(Reply::PARTIAL_ERRORS) {
        false => Ok(()),
        true => {
            Err(Error::new(Kind::Failed, "the service did only a part of it").outcome_is(Outcome::Unknown))
        }
    }
}
