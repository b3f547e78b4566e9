//! `Consent`: a scheme that acts on behalf of somebody who has to agree, in a browser or on another device.

use std::{collections::BTreeMap, fmt::Debug};

use futures_util::future::BoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{Context, Result, Secret};

/// How a scheme comes by somebody's consent, and what has become of it.
///
/// # Behavior
///
/// - Whatever fails leaves the consent that there was as it is.
/// - What succeeds is kept before it is said to have.
pub trait Consent: Debug + Send + Sync + 'static {
    /// Where to send the person's browser. It comes back to `redirect_uri` with `state` in its query. Nothing is
    /// sent, except to find out where the server is.
    ///
    /// # Errors
    ///
    /// `unsupported` where consent is not given in a browser.
    fn begin<'a>(
        &'a self,
        context: &'a Context,
        redirect_uri: &'a str,
        state: &'a str,
    ) -> BoxFuture<'a, Result<Begun>>;

    /// Takes what the browser came back with: the parameters of the callback's query. They go with `begun` because
    /// their `state` says so; whoever calls has checked it.
    ///
    /// # Errors
    ///
    /// What the provider said where it refused, in its own words.
    fn finish<'a>(
        &'a self,
        context: &'a Context,
        begun: &'a Begun,
        answer: &'a BTreeMap<String, String>,
    ) -> BoxFuture<'a, Result<()>>;

    /// Asks for a code that a person types in on another device (RFC 8628). The scheme waits for them in the
    /// background; [`Consent::standing`] says what has become of it.
    ///
    /// # Errors
    ///
    /// `unsupported` where the scheme has no such way.
    fn begin_device<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<DeviceCode>>;

    /// Takes tokens that were issued elsewhere, as a token endpoint answers them: `access_token`, `refresh_token`,
    /// `expires_in`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    fn import<'a>(&'a self, tokens: &'a Value) -> BoxFuture<'a, Result<()>>;

    /// How the consent stands. Nobody is asked.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when what is kept cannot be read.
    fn standing(&self) -> BoxFuture<'_, Result<Standing>>;

    /// Gives the consent up: tells the provider that its tokens are not needed any more (RFC 7009), as far as it can
    /// be told, and forgets them whatever it answers. Says whether it was told.
    ///
    /// # Errors
    ///
    /// `store_unavailable` when they cannot be forgotten.
    fn revoke<'a>(&'a self, context: &'a Context) -> BoxFuture<'a, Result<bool>>;
}

/// A consent that was asked for.
#[derive(Debug)]
pub struct Begun {
    /// Where the person's browser goes.
    pub url: String,
    /// Where it comes back to.
    pub redirect_uri: String,
    /// What shows that who asks for the tokens is who began (RFC 7636 section 4.1).
    pub verifier: Secret,
}

/// What a person types in on another device (RFC 8628 section 3.2).
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DeviceCode {
    /// What to type.
    pub user_code: String,
    /// Where.
    pub verification_uri: String,
    /// The same with the code in it, for a link or a QR code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verification_uri_complete: Option<String>,
    /// For how many seconds the code is good.
    pub expires_in: u64,
}

/// How a consent stands.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Standing {
    /// The state.
    pub state: ConsentState,
    /// Why, where somebody has to act.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What was agreed to, as far as the server said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<String>,
    /// When the present access token ends, in milliseconds since 1970, if that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at_ms: Option<i64>,
    /// Whether a new token can be had without anybody's help.
    pub renewable: bool,
    /// When the tokens last changed, in milliseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updated_at_ms: Option<i64>,
}

/// The state of a consent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ConsentState {
    /// Nobody has agreed yet.
    #[default]
    NotConnected,
    /// A person is being waited for, on another device.
    Pending,
    /// There are tokens.
    Connected,
    /// What there was is of no use any more: somebody has to connect the account again.
    NeedsReauth,
}
