//! `Trial`: an integration that is tried, before anything of it is stored or once more, apart from all that there are.

use std::sync::Arc;

use trunkline_core::{Credential, Error, Kind, Passage, Proof, Result, Witness};
use trunkline_layers::{Metrics, Recorder};
use trunkline_store::MemoryStore;

use crate::{Catalog, Handle, IntegrationConfig, Source, files::Files, shared::Shared, version::Version};

/// An integration, or a connection of one, that is tried: it shares no connection, limit, token or cache with another, is neither listed nor seen
/// in metrics and activity, and keeps nothing. What its connections come through is noted.
#[derive(Debug)]
pub struct Trial {
    handle: Handle,
    witness: Arc<Witness>,
    /// What is stored, where that is tried: its credential is the one that calls have, and its limits are kept.
    stored: Option<Arc<Handle>>,
}

/// How a trial comes by its credential.
#[derive(Debug)]
pub enum Asked {
    /// It needs none.
    Nothing,
    /// It is there.
    Credential(Arc<Credential>),
    /// A person gives it once the integration is stored, or it may be good only once: nobody was asked.
    Later,
}

impl Trial {
    /// Opens a configuration, switched on. Nothing is sent.
    pub(crate) fn open(config: &IntegrationConfig, shared: &Shared) -> Result<Self> {
        Self::opened(config, None, shared)
    }

    /// Opens what is stored once more. Nothing is sent.
    pub(crate) fn of(stored: &Arc<Handle>, shared: &Shared) -> Result<Self> {
        Self::opened(&stored.config()?, Some(stored), shared)
    }

    fn opened(config: &IntegrationConfig, stored: Option<&Arc<Handle>>, shared: &Shared) -> Result<Self> {
        let witness = Arc::new(Witness::default());
        let version = Version { source: Source::Store, generation: 0, updated_at_ms: 0 };
        let config = config.clone().with_enabled(true);
        let tenant = stored.and_then(|stored| stored.tenant()).cloned();
        let handle = Handle::open_for(tenant, &config, &apart(shared, &witness), version, None)?;
        handle.adopt();
        Ok(Self { handle, witness, stored: stored.cloned() })
    }

    /// What is tried: probes and calls go through it.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// What became of the connections that were made to the service, in the order in which they began.
    pub fn passages(&self) -> Vec<Passage> {
        self.witness.passages()
    }

    /// Asks for the credential that calls would have, or have. Where a person's consent stands behind one that is not stored
    /// nobody is asked: what was pasted may be good only once.
    ///
    /// # Errors
    ///
    /// What the scheme says, or who issues its tokens.
    pub async fn credential(&self) -> Result<Asked> {
        if let Some(stored) = &self.stored {
            let credential = stored.credential_for_probes().await?;
            return Ok(credential.map_or(Asked::Nothing, Asked::Credential));
        }
        let Some(scheme) = self.handle.scheme() else { return Ok(Asked::Nothing) };
        if scheme.consent_dyn().is_some() {
            return Ok(Asked::Later);
        }
        let credential = scheme.credential_dyn(self.handle.context()).await?;
        Ok(credential.map_or(Asked::Nothing, Asked::Credential))
    }

    /// Asks the service what [`Handle::probe`] does, with that credential.
    ///
    /// # Errors
    ///
    /// As [`Handle::probe`].
    pub async fn probe(&self, credential: Option<Arc<Credential>>) -> Result<Proof> {
        let Some(stored) = &self.stored else {
            return self.handle.probe().await;
        };
        stored.may_probe().await?;
        let proof = self.handle.probe_with(credential).await?;
        stored.proved(&proof);
        Ok(proof)
    }

    /// Connects without a credential, as far as that goes, and asks the service nothing that has to succeed.
    ///
    /// # Errors
    ///
    /// Why the service cannot be reached. That it refuses who shows nothing is none.
    pub async fn reach(&self) -> Result<()> {
        match self.handle.probe_with(None).await {
            Err(error) if !refuses(&error) => Err(error),
            _ => Ok(()),
        }
    }

    /// Gives back what was opened for it.
    pub async fn close(self) {
        self.handle.settle().await;
        self.handle.close().await;
    }
}

/// Whether the service answered that it wants another credential, or none of this.
fn refuses(error: &Error) -> bool {
    error.reply().is_some()
        || matches!(error.kind(), Kind::Unauthenticated | Kind::Forbidden | Kind::Rejected)
}

/// What a trial has instead of what all integrations share. Only the guard, the port for tokens and what is known of
/// types, schemes and connectors are the same.
fn apart(shared: &Shared, witness: &Arc<Witness>) -> Shared {
    let egress = shared.context.egress.watched(witness.clone());
    let context = shared.context.apart(Arc::new(egress));
    if !Arc::ptr_eq(&shared.catalog, Catalog::shared()) {
        shared.catalog.clone().keep(&context);
    }
    Shared {
        context,
        store: Arc::new(MemoryStore::new(0)),
        metrics: Arc::new(Metrics::new()),
        recorder: Arc::new(Recorder::new(1)),
        spans: None,
        cache: None,
        catalog: shared.catalog.clone(),
        admission: shared.admission.clone(),
        transports: shared.transports.clone(),
        schemes: shared.schemes.clone(),
        layers: shared.layers.clone(),
        counter: None,
        files: Files::default(),
    }
}
