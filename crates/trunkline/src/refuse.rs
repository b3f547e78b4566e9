//! `Refuse`: stands in the pipeline of an integration that takes no calls, as a layer where it is switched
//! off, as the transport where it could not be opened.

use std::borrow::Cow;

use serde_json::value::RawValue;
use trunkline_core::{
    BoxFuture, Call, Context, Error, Kind, Layer, Next, Operation, Proof, Reply, Result, TransportDyn,
};

/// Answers every call with one error.
#[derive(Debug, Clone)]
pub(crate) struct Refuse {
    kind: Kind,
    message: Cow<'static, str>,
    /// What the error said of itself, such as what the store is in trouble with.
    facts: Vec<(&'static str, String)>,
    why: Why,
}

/// Why no calls are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    Off,
    Broken,
    Asking,
}

impl Refuse {
    /// The integration is switched off.
    pub(crate) fn disabled() -> Self {
        Self::plain(Why::Off, Kind::Disabled, "the integration is disabled; enable it to call it")
    }

    /// The connection is.
    pub(crate) fn connection_disabled() -> Self {
        Self::plain(Why::Off, Kind::Disabled, "the connection is disabled; enable it to call it")
    }

    /// The integration has placeholders, and only connections have values for them.
    pub(crate) fn asking() -> Self {
        let message = "connection: the integration has placeholders that only its connections have values for; choose \
                       one, with `connection` in the request, the header Trunkline-Connection, or --connection NAME";
        Self::plain(Why::Asking, Kind::InvalidConfig, message)
    }

    fn plain(why: Why, kind: Kind, message: &'static str) -> Self {
        Self { kind, message: message.into(), facts: Vec::new(), why }
    }

    /// Whether it stands for an integration that could not be opened.
    pub(crate) fn is_broken(&self) -> bool {
        self.why == Why::Broken
    }

    /// Whether it stands for one that asks for a connection.
    pub(crate) fn is_asking(&self) -> bool {
        self.why == Why::Asking
    }

    /// The integration is stored and cannot be opened.
    pub(crate) fn broken(error: &Error) -> Self {
        let message = error.message().to_owned().into();
        Self { kind: error.kind(), message, facts: error.context().to_vec(), why: Why::Broken }
    }

    pub(crate) fn error(&self) -> Error {
        let error = Error::new(self.kind, self.message.clone());
        self.facts.iter().fold(error, |error, (key, value)| error.with(key, value))
    }
}

impl Layer for Refuse {
    fn name(&self) -> &'static str {
        "refuse"
    }

    fn call<'a>(&'a self, call: &'a mut Call, _: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        // None was made.
        call.attempt = 0;
        Box::pin(std::future::ready(Err(self.error())))
    }
}

impl TransportDyn for Refuse {
    fn name(&self) -> &'static str {
        "refuse"
    }

    fn parse_dyn(&self, _: &RawValue) -> Result<Operation> {
        Err(self.error())
    }

    fn parse_stream_dyn(&self, _: &RawValue) -> Result<Operation> {
        Err(self.error())
    }

    fn call_dyn<'a>(&'a self, _: &'a Context, call: &'a mut Call) -> BoxFuture<'a, Result<Reply>> {
        call.attempt = 0;
        Box::pin(std::future::ready(Err(self.error())))
    }

    fn probe_dyn<'a>(&'a self, _: &'a Context, _: &'a mut Call) -> BoxFuture<'a, Result<Proof>> {
        Box::pin(std::future::ready(Err(self.error())))
    }

    fn schema_dyn<'a>(&'a self, _: &'a Context, _: &'a mut Call) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(std::future::ready(Err(self.error())))
    }

    fn close_dyn(&self) -> BoxFuture<'_, ()> {
        Box::pin(std::future::ready(()))
    }
}
