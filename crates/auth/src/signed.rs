//! `Signed`: the scheme of all that sign each request by itself, with secrets that are read when it is signed.

use std::{fmt, marker::PhantomData, sync::Arc};

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use trunkline_core::{Context, Credential, Form, Result, Scheme, Sign, Site};

/// The `auth_config` of a scheme that signs.
pub trait Signer: DeserializeOwned + JsonSchema + 'static {
    /// The `auth_type` in a configuration.
    const NAME: &'static str;

    /// Makes what signs.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn open(self) -> Result<impl Sign>;
}

/// The scheme that is configured with `C`. What signs is one credential for good: each signature is a new one.
pub struct Signed<C>(Arc<Credential>, PhantomData<fn() -> C>);

impl<C: Signer> Scheme for Signed<C> {
    const NAME: &'static str = C::NAME;
    type Config = C;

    fn open(config: C, _: &Site) -> Result<Self> {
        let signer = config.open()?;
        Ok(Self(Arc::new(Credential::new(Form::Sign(Arc::new(signer)))), PhantomData))
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        Some(self.0.clone())
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        Ok(Some(self.0.clone()))
    }
}

impl<C> fmt::Debug for Signed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}
