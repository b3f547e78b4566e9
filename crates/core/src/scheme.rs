//! `Scheme`: an auth scheme, which yields credentials and hears when one was refused.

use std::{fmt::Debug, future::Future, sync::Arc};

use futures_util::future::BoxFuture;
use http::HeaderMap;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;

use crate::{Consent, Context, Credential, Kind, Result, Vault};

/// For whom a scheme is opened.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// Scheme, host and port of the address that its credentials go to, where there is one.
    pub origin: Option<String>,
    /// Where it keeps what it is granted; `None` where nothing outlives it.
    pub vault: Option<Arc<dyn Vault>>,
    /// Where it notes what people should know; `None` where nobody reads it.
    pub journal: Option<Arc<dyn Journal>>,
}

/// What happened to an integration that was no call.
pub trait Journal: Debug + Send + Sync + 'static {
    /// Notes an event, such as `reauth`, with the kind of error that it was; `None` where it went well.
    fn note(&self, event: &'static str, kind: Option<Kind>);
}

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

    /// Turns a configuration into something that works at `site`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn open(config: Self::Config, site: &Site) -> Result<Self>;

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

    /// Where somebody has to agree before there is a credential: how they do.
    fn consent(&self) -> Option<&dyn Consent> {
        None
    }

    /// Ends what is under way and must not be lost. Credentials may be asked for afterwards all the same.
    fn close(&self) -> impl Future<Output = ()> + Send {
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
    /// See [`Scheme::consent`].
    fn consent_dyn(&self) -> Option<&dyn Consent>;
    /// See [`Scheme::close`].
    fn close_dyn(&self) -> BoxFuture<'_, ()>;
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

    fn consent_dyn(&self) -> Option<&dyn Consent> {
        self.consent()
    }

    fn close_dyn(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close())
    }
}
