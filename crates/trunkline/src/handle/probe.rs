//! The cheapest question that proves that a service answers.

use std::sync::Arc;

use trunkline_core::{Call, Credential, HttpRequest, Proof, Result};

use super::Handle;
use crate::flow::Flow;

impl Handle {
    /// Asks the service the cheapest question that proves something, with the credential but without the
    /// other layers, and says what it proves. It pays for the rate limit without waiting for its turn, and an
    /// answer closes the circuit.
    ///
    /// The credential is the one at hand. Only where there is none the scheme is asked for it, as by a call, since
    /// without one nobody knows whether calls would succeed; while an earlier failure keeps the scheme from asking, its
    /// error is the answer. A refusal is not told to the scheme: no probe makes it give a credential up.
    ///
    /// # Errors
    ///
    /// Whatever the scheme or the transport says; `rate_limited` while the service wants nothing sent.
    pub async fn probe(&self) -> Result<Proof> {
        self.may_probe().await?;
        let proof = self.probe_with(self.credential_for_probes().await?).await?;
        self.proved(&proof);
        Ok(proof)
    }

    /// Pays for a probe.
    pub(crate) async fn may_probe(&self) -> Result<()> {
        match &self.flow {
            Some(flow) => flow.limiter.probe().await,
            None => Ok(()),
        }
    }

    /// The credential at hand, or where there is none the one that the scheme gives.
    pub(crate) async fn credential_for_probes(&self) -> Result<Option<Arc<Credential>>> {
        let Some(scheme) = &self.scheme else { return Ok(None) };
        match scheme.at_hand_dyn() {
            Some(credential) => Ok(Some(credential)),
            None => scheme.credential_dyn(self.context()).await,
        }
    }

    /// Closes the circuit, if a probe proves that the service answers.
    pub(crate) fn proved(&self, proof: &Proof) {
        if proof.reason != Proof::REACHABLE_ONLY.reason
            && let Some(circuit) = self.flow.as_deref().and_then(Flow::circuit)
        {
            circuit.proved();
        }
    }

    /// Asks that question with this credential, or with none.
    pub(crate) async fn probe_with(&self, credential: Option<Arc<Credential>>) -> Result<Proof> {
        let mut call = Call::new(self.id.clone(), HttpRequest::get(""));
        call.credential = credential;
        self.pipeline.transport().probe_dyn(self.context(), &mut call).await
    }
}
