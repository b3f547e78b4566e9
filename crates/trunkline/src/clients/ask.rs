//! `Ask`: an action of a vendor that is about to be asked for.

use std::{marker::PhantomData, sync::Arc, time::Duration};

use http::HeaderValue;
use serde::de::DeserializeOwned;
use serde_json::{
    Map, Value, json,
    value::{RawValue, to_raw_value},
};
use tokio::time::Instant;
use trunkline_core::{Call, Error, Kind, Operation, Outcome, Result};

use crate::{Handle, IntegrationConfig, Manager};

/// Opens an integration with this connector for a client.
pub(super) fn open(manager: &Manager, vendor: &str, mut config: Value) -> Result<Arc<Handle>> {
    let Some(keys) = config.as_object_mut() else {
        return Err(Error::invalid("expected an object with keys of an integration"));
    };
    keys.entry("integration_id").or_insert_with(|| vendor.into());
    keys.insert("connector".to_owned(), vendor.into());
    let config: IntegrationConfig = manager.read(config)?;
    manager.open(&config)
}

/// The integration that a client takes, which has to have this connector.
pub(super) fn check(handle: Arc<Handle>, vendor: &str) -> Result<Arc<Handle>> {
    match handle.connector() {
        Some(connector) if connector.manifest().name == vendor => Ok(handle),
        _ => Err(Error::invalid(format!("connector: is not `{vendor}`, which this client is for"))
            .at(handle.id())
            .with("integration", &**handle.id())),
    }
}

/// An action that is about to be asked for, and gives a `T`.
pub(super) struct Ask<T> {
    handle: Arc<Handle>,
    action: &'static str,
    input: Map<String, Value>,
    key: Option<String>,
    timeout: Option<Duration>,
    gives: PhantomData<fn() -> T>,
}

impl<T> Ask<T> {
    pub(super) fn new(handle: &Arc<Handle>, action: &'static str) -> Self {
        Self {
            handle: handle.clone(),
            action,
            input: Map::new(),
            key: None,
            timeout: None,
            gives: PhantomData,
        }
    }

    pub(super) fn give(&mut self, name: &str, value: impl Into<Value>) {
        self.input.insert(name.to_owned(), value.into());
    }

    pub(super) fn key(&mut self, key: String) {
        self.key = Some(key);
    }

    pub(super) fn within(&mut self, timeout: Duration) {
        self.timeout = Some(timeout);
    }

    pub(super) fn handle(&self) -> &Arc<Handle> {
        &self.handle
    }

    /// How long a call of it may take.
    pub(super) fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Whether it has a key of its own.
    pub(super) fn is_keyed(&self) -> bool {
        self.key.is_some()
    }

    /// The JSON that asks for it.
    pub(super) fn request(&self) -> Value {
        json!({ "action": self.action, "input": self.input })
    }

    fn call(&self) -> Result<Call> {
        let mut call = self.handle.ask(&raw(&self.request())?)?;
        if let Some(key) = &self.key {
            let unusable = |_| Error::invalid("the idempotency key is not the value of a header");
            let mut key = HeaderValue::from_str(key).map_err(unusable)?;
            key.set_sensitive(true);
            let Some((name, _)) = self.handle.idempotency_key(&mut call) else {
                return Err(Error::new(Kind::Unsupported, "the action takes no idempotency key"));
            };
            if let Operation::Http(request) = &mut call.operation {
                request.headers.insert(name, key);
            }
        }
        if let Some(timeout) = self.timeout {
            let end = Instant::now() + timeout;
            call.deadline = Some(call.deadline.map_or(end, |own| own.min(end)));
        }
        Ok(call)
    }
}

impl<T: DeserializeOwned> Ask<T> {
    pub(super) async fn send(self) -> Result<T> {
        let reply = self.handle.call(&mut self.call()?).await?;
        let bytes = reply.bytes().await?;
        // Some answer with nothing where there is nothing to say.
        let given = match bytes.is_empty() {
            true => serde_json::from_str("null").or_else(|_| serde_json::from_str("{}")),
            false => serde_json::from_slice(&bytes),
        };
        given.map_err(|error| {
            let message =
                format!("the service did it, and its answer is of another shape: {}", place(&error));
            Error::new(Kind::Protocol, message).outcome_is(Outcome::Applied)
        })
    }
}

/// Where JSON is of another shape, without any of it.
pub(super) fn place(error: &serde_json::Error) -> String {
    format!("line {}, column {}", error.line(), error.column())
}

/// JSON as text.
pub(super) fn raw(request: &Value) -> Result<Box<RawValue>> {
    to_raw_value(request).map_err(|error| Error::invalid("the request is no JSON").source(error))
}
