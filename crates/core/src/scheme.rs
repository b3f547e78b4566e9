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
    /// Notes an event, such as `reauth`, with the kind of error that it was; `None` where it went well. After a
    /// `connect`, `import` or `disconnect` that went well calls are made for another account, or for none: what was
    /// kept for the one before is forgotten.
    fn note(&self, event: &'static str, kind: Option<Kind>);
}

/// An auth scheme: where the credential of each attempt comes from.
///
/// Authors write plain `async fn`s; the blanket [`SchemeDyn`] is the only place that boxes them. A program adds its own
/// with `Manager::builder().scheme::<Yours>()`, as `crates/trunkline/examples/own_scheme.rs` does.
///
/// # The configuration
///
/// [`Scheme::Config`] is what `auth_config` is read into, and its JSON Schema is what is shown of it: give it
/// `#[serde(deny_unknown_fields)]`, so that a slip of the pen is an error that names the key, and make every field that
/// is secret a [`Secret`](crate::Secret). What is of that type is masked wherever a configuration is shown, and may be
/// a reference, `${env:NAME}` or `${file:PATH}`, which [`Secret::expose`](crate::Secret::expose) reads each time. Doc
/// comments of the fields become their descriptions. Error messages begin with the key and never hold a secret.
///
/// # What becomes of a credential
///
/// Yield one of the forms of [`Credential`](crate::Form), and the same `Arc` for as long as the credential is the
/// same: who is told of a refusal, and whether another attempt makes sense, goes by that pointer. Transports know how
/// to place each form on their wire. One that depends on the request is a [`Sign`](crate::Sign).
///
/// For each attempt [`ready`](Scheme::ready) is asked first, on the fast path of every call: it must not block, and gives
/// `None` where something has to be done. Then [`credential`](Scheme::credential) is awaited, within the deadline of
/// the call and before any limit on the time of one attempt. An error of it ends the attempt, which was not sent: give
/// it the outcome [`NotSent`](crate::Outcome::NotSent), and a [`Kind`] by which it is repeated (`unavailable`) or not
/// (`invalid_config`).
///
/// If the answer says that the credential has expired (a 401, or what `expired_when` of the integration says), then
/// [`rejected`](Scheme::rejected) is called once, and `credential` again. Where that gives another one the call is
/// sent once more, else its caller gets the answer. A second refusal is not told.
///
/// Health probes use what is [`at hand`](Scheme::at_hand), ask for a credential only where there is none, and tell of
/// no refusal.
///
/// # Behavior
///
/// - `open` checks everything and performs no I/O.
/// - `credential` is cached; it is refreshed ahead of its end, by one caller for all. Callers go away at any time:
///   what must not be lost runs in a task of its own.
/// - After a failure nobody is asked again for a while: calls come by the thousand, and each asks.
/// - `rejected` is told which credential the service refused; it acts only if that one is still current. Whoever was
///   refused with an older one need only ask again.
/// - Requests of its own go through [`Context::web`], which passes the egress guard and follows no redirect, and
///   nowhere that others listen in: `https`, or this machine.
/// - What was granted and cannot be had again is kept in the [`Vault`] before it is used.
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

    /// The credential that calls use now, though another may be due, if it is there without asking anybody: what
    /// health probes use.
    fn at_hand(&self) -> Option<Arc<Credential>> {
        self.ready()
    }

    /// The current credential; `None` when the scheme sends nothing.
    fn credential(&self, context: &Context) -> impl Future<Output = Result<Option<Arc<Credential>>>> + Send;

    /// The service answered to `credential` that it has expired (a 401, or what the integration takes for one), with
    /// the headers `challenge`. Afterwards [`Scheme::credential`] yields another one,
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

    /// Whether something is under way that must not be lost, or that a person has to do with. A connection that is
    /// idle otherwise stays open for it, and one that is gone is still closed before a manager is.
    fn is_busy(&self) -> bool {
        false
    }

    /// Calls get another one from now on, or none: whoever is still waited for would agree to what holds no more.
    /// Calls that are under way may ask for credentials all the same.
    fn retire(&self) {}

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
    /// See [`Scheme::at_hand`].
    fn at_hand_dyn(&self) -> Option<Arc<Credential>>;
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
    /// See [`Scheme::is_busy`].
    fn is_busy_dyn(&self) -> bool;
    /// See [`Scheme::retire`].
    fn retire_dyn(&self);
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

    fn at_hand_dyn(&self) -> Option<Arc<Credential>> {
        self.at_hand()
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

    fn is_busy_dyn(&self) -> bool {
        self.is_busy()
    }

    fn retire_dyn(&self) {
        self.retire();
    }

    fn close_dyn(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.close())
    }
}
