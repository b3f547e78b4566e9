//! `Access`: what a connection that outlives calls logs in with, and where the next credential comes from.

use std::sync::Arc;

use trunkline_core::{Call, Context, Credential, Error, Result, SchemeDyn};

/// What a connection shakes hands with.
#[derive(Debug, Clone, Default)]
pub(crate) struct Access {
    pub(crate) credential: Option<Arc<Credential>>,
    /// Where the next one comes from.
    pub(crate) scheme: Option<Arc<dyn SchemeDyn>>,
}

impl Access {
    /// What a call brings along.
    pub(crate) fn of(call: &Call) -> Self {
        Self { credential: call.credential.clone(), scheme: call.scheme.clone() }
    }

    /// Asks the scheme for the credential that is good now.
    ///
    /// # Errors
    ///
    /// Those of the scheme.
    pub(crate) async fn renew(&mut self, context: &Context) -> Result<()> {
        if let Some(scheme) = &self.scheme {
            self.credential = scheme.credential_dyn(context).await?;
        }
        Ok(())
    }

    /// Tells the scheme that the credential was refused, and says whether there is another one now.
    ///
    /// # Errors
    ///
    /// Those of the scheme.
    pub(crate) async fn replace(&mut self, context: &Context, refusal: &Error) -> Result<bool> {
        let (Some(scheme), Some(refused)) = (self.scheme.clone(), self.credential.clone()) else {
            return Ok(false);
        };
        let challenge = refusal.reply().map(|reply| reply.headers.clone()).unwrap_or_default();
        scheme.rejected_dyn(&refused, &challenge).await;
        self.renew(context).await?;
        Ok(self.credential.as_ref().is_some_and(|fresh| !Arc::ptr_eq(fresh, &refused)))
    }
}
