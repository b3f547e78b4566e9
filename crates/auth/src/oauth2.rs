//! `oauth2`: tokens of an authorization server (RFC 6749), sent as bearer tokens (RFC 6750).
//!
//! | file | what is in it |
//! |---|---|
//! | `config.rs` | the keys of `auth_config` |
//! | `server.rs` | how a token is asked for, and what is written down before and after |
//! | `consent.rs`, `device.rs`, `pkce.rs` | how a person agrees, in a browser or on another device |
//! | `grant.rs`, `keep.rs` | what is kept of that, and how nothing of it is lost |
//! | `client.rs`, `assertion.rs` | how a client shows that it is who it says |
//! | `endpoints.rs` | where the server is asked for what |
//! | `answer.rs` | what it answers |

mod answer;
mod assertion;
mod client;
mod config;
mod consent;
mod device;
mod endpoints;
mod grant;
mod keep;
mod pkce;
mod server;

use std::{fmt, sync::Arc};

use http::HeaderMap;
use trunkline_core::{Consent, Context, Credential, Result, Scheme, Site};

use self::{config::OAuth2Config, device::Device, server::Server};
use crate::tokens::Tokens;

/// The scheme.
#[derive(Clone)]
pub struct OAuth2(Arc<Inner>);

struct Inner {
    tokens: Tokens<Server>,
    /// The person who is waited for, on another device.
    device: Device,
}

impl OAuth2 {
    fn server(&self) -> &Server {
        self.0.tokens.issuer()
    }
}

impl Scheme for OAuth2 {
    const NAME: &'static str = "oauth2";
    type Config = OAuth2Config;

    fn open(config: OAuth2Config, site: &Site) -> Result<Self> {
        let tokens = Tokens::new(config.open(site)?);
        Ok(Self(Arc::new(Inner { tokens, device: Device::default() })))
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        self.0.tokens.ready()
    }

    fn at_hand(&self) -> Option<Arc<Credential>> {
        self.0.tokens.at_hand()
    }

    async fn credential(&self, context: &Context) -> Result<Option<Arc<Credential>>> {
        self.0.tokens.get(context).await.map(Some)
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        self.0.tokens.rejected(credential);
    }

    fn consent(&self) -> Option<&dyn Consent> {
        self.server().asks_a_person().then_some(self)
    }

    fn is_busy(&self) -> bool {
        self.0.tokens.is_busy() || self.server().keep.is_busy() || self.0.device.is_waiting()
    }

    fn retire(&self) {
        self.0.device.retire();
    }

    async fn close(&self) {
        self.0.tokens.settle().await;
        self.server().settle().await;
    }
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OAuth2").field(&self.0.tokens).finish()
    }
}

#[cfg(test)]
mod tests;
