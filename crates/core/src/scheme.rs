//! `Scheme`: an auth scheme, which yields credentials and hears when one was refused.

use std::{fmt::Debug, future::Future, sync::Arc};

use futures_util::future::BoxFuture;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Context, Credential, Result};

/// An auth scheme.
///
/// # Behavior
///
/// - `open` checks everything and performs no I/O.
/// - `credential` is cached; it is refreshed ahead of its end, by one caller for all.
/// - `rejected` is told which credential the service refused; it acts only if that one is still current.
pub trait Scheme: Debug + Send + Sync + Sized + 'static {
    /// The `auth_type` in a configuration, such as `api_key`.
    const NAME: &'static str;

    /// The keys of `auth_config`.
    type Config: DeserializeOwned + JsonSchema;

    /// Turns a configuration into something that works.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn open(config: Self::Config) -> Result<Self>;

    /// The credential, if it is at hand without waiting: the fast path of every call.
    fn ready(&self) -> Option<Arc<Credential>> {
        None
    }

    /// The current credential; `None` when the scheme sends nothing.
    fn credential(&self, context: &Context) -> impl Future<Output = Result<Option<Arc<Credential>>>> + Send;

    /// The service answered 401 to `credential`. Afterwards [`Scheme::credential`] yields another one,
    /// or the same if nothing better is to be had.
    fn rejected(
        &self,
        credential: &Arc<Credential>,
        challenge: &HeaderMap,
    ) -> impl Future<Output = ()> + Send {
        let _ = (credential, challenge);
        async {}
    }
}

/// The object-safe side of [`Scheme`].
pub trait SchemeDyn: Debug + Send + Sync + 'static {
    /// See [`Scheme::NAME`].
    fn name(&self) -> &'static str;
    /// See [`Scheme::ready`].
    fn ready_dyn(&self) -> Option<Arc<Credential>>;
    /// See [`Scheme::credential`].
    fn credential_dyn<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Option<Arc<Credential>>>>;
    /// See [`Scheme::rejected`].
    fn rejected_dyn<'a>(
        &'a self,
        credential: &'a Arc<Credential>,
        challenge: &'a HeaderMap,
    ) -> BoxFuture<'a, ()>;
}

impl<T: Scheme> SchemeDyn for T {
    fn name(&self) -> &'static str {
        T::NAME
    }

    fn ready_dyn(&self) -> Option<Arc<Credential>> {
        self.ready()
    }

    fn credential_dyn<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<Option<Arc<Credential>>>> {
        Box::pin(self.credential(context))
    }

    fn rejected_dyn<'a>(
        &'a self,
        credential: &'a Arc<Credential>,
        challenge: &'a HeaderMap,
    ) -> BoxFuture<'a, ()> {
        Box::pin(self.rejected(credential, challenge))
    }
}
