//! `Layer`, `Pipeline` and `Next`: a stage, all stages of an integration, and what comes below one.

use std::{fmt::Debug, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{Call, Context, Reply, Result, TransportDyn};

/// One stage of the pipeline around every call.
///
/// # Behavior
///
/// - A layer may run `next` any number of times: none (an answer of its own), one, or more (a retry).
/// - A gate that has nothing to do afterwards returns `next.run(call)` itself and costs no allocation.
/// - Dropping the future cancels the work below and gives back what the layer took. Work that has to go on
///   without its caller runs on [`Next::detach`], with a call of its own.
pub trait Layer: Debug + Send + Sync + 'static {
    /// The name in lists, docs and traces.
    fn name(&self) -> &'static str;

    /// Handles `call`, usually by running `next`.
    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>>;
}

/// What the calls of an integration go through: layers, outermost first, around a transport.
#[derive(Debug)]
pub struct Pipeline {
    context: Context,
    layers: Box<[Arc<dyn Layer>]>,
    transport: Arc<dyn TransportDyn>,
}

impl Pipeline {
    /// A pipeline of `layers`, outermost first, around `transport`.
    pub fn new(
        context: Context,
        layers: impl Into<Box<[Arc<dyn Layer>]>>,
        transport: Arc<dyn TransportDyn>,
    ) -> Arc<Self> {
        Arc::new(Self { context, layers: layers.into(), transport })
    }

    /// Resources of the layers and the transport.
    pub fn context(&self) -> &Context {
        &self.context
    }

    /// The layers, outermost first.
    pub fn layers(&self) -> &[Arc<dyn Layer>] {
        &self.layers
    }

    /// What is below all layers.
    pub fn transport(&self) -> &dyn TransportDyn {
        &*self.transport
    }

    /// Sends a call through all of it.
    pub fn run<'a>(self: &'a Arc<Self>, call: &'a mut Call) -> BoxFuture<'a, Result<Reply>> {
        Next { pipeline: self, at: 0 }.run(call)
    }
}

/// The rest of the pipeline below a layer. Copy it to run it again.
#[derive(Debug, Clone, Copy)]
pub struct Next<'a> {
    pipeline: &'a Arc<Pipeline>,
    at: usize,
}

impl<'a> Next<'a> {
    /// Resources for layers that need them, such as schemes fetching a token.
    pub fn context(&self) -> &'a Context {
        &self.pipeline.context
    }

    /// Runs the rest of the pipeline: the next layer, or one attempt by the transport.
    pub fn run<'b>(self, call: &'b mut Call) -> BoxFuture<'b, Result<Reply>>
    where
        'a: 'b,
    {
        match self.pipeline.layers.get(self.at) {
            Some(layer) => layer.call(call, Next { at: self.at + 1, ..self }),
            None if call.schema => self.pipeline.transport.schema_dyn(&self.pipeline.context, call),
            None => self.pipeline.transport.call_dyn(&self.pipeline.context, call),
        }
    }

    /// The same, for a task that outlives the call.
    pub fn detach(self) -> Rest {
        Rest { pipeline: self.pipeline.clone(), at: self.at }
    }
}

/// The rest of a pipeline, owned. While it is held, so are the integration's layers and its transport.
#[derive(Debug, Clone)]
pub struct Rest {
    pipeline: Arc<Pipeline>,
    at: usize,
}

impl Rest {
    /// To be run.
    pub fn next(&self) -> Next<'_> {
        Next { pipeline: &self.pipeline, at: self.at }
    }
}
