//! `Layer` and `Next`: a stage of the pipeline, and what comes below it.

use std::{fmt::Debug, sync::Arc};

use futures_util::future::BoxFuture;

use crate::{Call, Context, Reply, Result, TransportDyn};

/// One stage of the pipeline around every call.
///
/// # Behavior
///
/// - A layer may run `next` any number of times: none (an answer of its own), one, or more (a retry).
/// - A gate that has nothing to do afterwards returns `next.run(call)` itself and costs no allocation.
/// - Dropping the future cancels the work below and gives back what the layer took.
pub trait Layer: Debug + Send + Sync + 'static {
    /// The name in lists, docs and traces.
    fn name(&self) -> &'static str;

    /// Handles `call`, usually by running `next`.
    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>>;
}

/// The rest of the pipeline below a layer. Copy it to run it again.
#[derive(Debug, Clone, Copy)]
pub struct Next<'a> {
    context: &'a Context,
    layers: &'a [Arc<dyn Layer>],
    transport: &'a dyn TransportDyn,
}

impl<'a> Next<'a> {
    /// A pipeline: `layers`, outermost first, around `transport`.
    pub fn new(context: &'a Context, layers: &'a [Arc<dyn Layer>], transport: &'a dyn TransportDyn) -> Self {
        Self { context, layers, transport }
    }

    /// Resources for layers that need them, such as schemes fetching a token.
    pub fn context(&self) -> &'a Context {
        self.context
    }

    /// Runs the rest of the pipeline: the next layer, or one attempt by the transport.
    pub fn run<'b>(self, call: &'b mut Call) -> BoxFuture<'b, Result<Reply>>
    where
        'a: 'b,
    {
        match self.layers.split_first() {
            Some((layer, layers)) => layer.call(call, Next { layers, ..self }),
            None => self.transport.call_dyn(self.context, call),
        }
    }
}
