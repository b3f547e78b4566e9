//! `Breaker`: fails fast while the service is down, and lets single probes through to find out when it is
//! back.

mod circuit;
mod config;

use std::sync::Arc;

use trunkline_core::{BoxFuture, BreakerEffect, Call, Layer, Next, Reply, Result};

pub use self::{
    circuit::{BreakerState, Circuit},
    config::{BreakerConfig, Thresholds},
};

/// Makes no attempt while the circuit is open.
#[derive(Debug)]
pub struct Breaker {
    circuit: Arc<Circuit>,
}

impl Breaker {
    /// Guards with this circuit.
    pub fn new(circuit: Arc<Circuit>) -> Self {
        Self { circuit }
    }
}

impl Layer for Breaker {
    fn name(&self) -> &'static str {
        "breaker"
    }

    fn call<'a>(&'a self, call: &'a mut Call, next: Next<'a>) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            // A caller in a hurry is no measure of the service.
            let due = call.deadline.filter(|_| !call.hurried);
            let permit = self.circuit.enter(due).inspect_err(|_| call.attempt -= 1)?;
            let attempt = call.attempt;
            let result = next.run(call).await;
            permit.heard(
                match &result {
                    Ok(_) => BreakerEffect::Success,
                    // No attempt was made: that whoever issues tokens is down says nothing about the service.
                    Err(_) if call.attempt < attempt => BreakerEffect::Ignore,
                    Err(error) => error.kind().row().breaker,
                },
                call.began,
            );
            result
        })
    }
}

#[cfg(test)]
mod tests;
