//! `Transport`: speaks one protocol and performs one attempt of a call.

use std::{fmt::Debug, future::Future};

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::{Call, Context, Error, Kind, Occupancy, Operation, Proof, Reply, Result};

/// Speaks one protocol.
///
/// Authors write plain `async fn`s; the blanket [`TransportDyn`] is the only place that boxes them.
///
/// # Behavior
///
/// - `open` parses and checks everything, and performs no I/O: a service that is down can be registered.
/// - `call` performs ONE attempt. It never retries, sleeps, caches or logs: layers do.
/// - An error says whether the service can have acted ([`crate::Outcome`]): `not_sent` only when nothing
///   can have left this process.
/// - Every address is dialled through the egress guard of the context.
/// - A dropped future cancels the attempt; nothing half-used goes back to a pool.
/// - An answer of the service that is an error is an [`crate::Error`] that holds the reply.
///
/// `trunkline_testkit::conformance` checks this for any transport, and what the methods promise too.
pub trait Transport: Debug + Send + Sync + Sized + 'static {
    /// The `type` in a configuration, such as `rest`.
    const NAME: &'static str;

    /// The keys of a configuration that are this transport's own.
    type Config: DeserializeOwned + JsonSchema;

    /// Turns a configuration into something that works.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn open(config: Self::Config, context: &Context) -> Result<Self>;

    /// Turns the JSON that a caller sends for this type into an operation.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn parse(&self, request: &RawValue) -> Result<Operation>;

    /// Turns the JSON that a caller sends to subscribe to something into an operation whose reply is a stream of
    /// [`Events`](crate::Events).
    ///
    /// # Errors
    ///
    /// `unsupported` where there is nothing to subscribe to; `invalid_config`, naming the key.
    fn parse_stream(&self, request: &RawValue) -> Result<Operation> {
        let _ = request;
        let none = format!("an integration of type {} has nothing to subscribe to", Self::NAME);
        Err(Error::new(Kind::Unsupported, none))
    }

    /// Performs one attempt.
    fn call(&self, context: &Context, call: &mut Call) -> impl Future<Output = Result<Reply>> + Send;

    /// Asks the cheapest question that proves the service answers, and says what it proves.
    fn probe(&self, context: &Context, call: &mut Call) -> impl Future<Output = Result<Proof>> + Send;

    /// What can be asked for, such as the tables and columns of a database, as JSON.
    ///
    /// # Errors
    ///
    /// `unsupported` where nothing of the kind is known.
    fn schema(&self, context: &Context, call: &mut Call) -> impl Future<Output = Result<Reply>> + Send {
        let _ = (context, call);
        async {
            Err(Error::new(Kind::Unsupported, format!("an integration of type {} has no schema", Self::NAME)))
        }
    }

    /// What is spoken to, as OpenTelemetry's semantic conventions name it, such as `postgresql`.
    fn system(&self) -> &'static str {
        Self::NAME
    }

    /// How full the pool of connections is, where the transport has one.
    fn occupancy(&self) -> Option<Occupancy> {
        None
    }

    /// Gives back what the transport holds. Calls under way may still end.
    fn close(&self) -> impl Future<Output = ()> + Send {
        async {}
    }
}

/// The object-safe side of [`Transport`].
pub trait TransportDyn: Debug + Send + Sync + 'static {
    /// See [`Transport::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Transport::parse`].
    ///
    /// # Errors
    ///
    /// As there.
    fn parse_dyn(&self, request: &RawValue) -> Result<Operation>;
    /// See [`Transport::parse_stream`].
    ///
    /// # Errors
    ///
    /// As there.
    fn parse_stream_dyn(&self, request: &RawValue) -> Result<Operation>;
    /// See [`Transport::call`].
    fn call_dyn<'a>(&'a self, context: &'a Context, call: &'a mut Call) -> BoxFuture<'a, Result<Reply>>;
    /// See [`Transport::probe`].
    fn probe_dyn<'a>(&'a self, context: &'a Context, call: &'a mut Call) -> BoxFuture<'a, Result<Proof>>;
    /// See [`Transport::schema`].
    fn schema_dyn<'a>(&'a self, context: &'a Context, call: &'a mut Call) -> BoxFuture<'a, Result<Reply>>;
    /// See [`Transport::system`].
    fn system(&self) -> &'static str {
        self.name()
    }
    /// See [`Transport::occupancy`].
    fn occupancy(&self) -> Option<Occupancy> {
        None
    }
    /// See [`Transport::close`].
    fn close_dyn(&self) -> BoxFuture<'_, ()>;
}

impl<T: Transport> TransportDyn for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn parse_dyn(&self, request: &RawValue) -> Result<Operation> {
        self.parse(request)
    }

    fn parse_stream_dyn(&self, request: &RawValue) -> Result<Operation> {
        self.parse_stream(request)
    }

    fn call_dyn<'a>(&'a self, context: &'a Context, call: &'a mut Call) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(self.call(context, call))
    }

    fn probe_dyn<'a>(&'a self, context: &'a Context, call: &'a mut Call) -> BoxFuture<'a, Result<Proof>> {
        Box::pin(self.probe(context, call))
    }

    fn schema_dyn<'a>(&'a self, context: &'a Context, call: &'a mut Call) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(self.schema(context, call))
    }

    fn system(&self) -> &'static str {
        Transport::system(self)
    }

    fn occupancy(&self) -> Option<Occupancy> {
        Transport::occupancy(self)
    }

    fn close_dyn(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close())
    }
}
