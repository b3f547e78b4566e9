//! `digest`: user and password, shown without sending the password (RFC 7616).

mod answer;
mod challenge;

use std::sync::Arc;

use arc_swap::ArcSwap;
use http::{HeaderMap, header};
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Context, Credential, Error, Form, Result, Scheme, Secret, Sign, Site, WireRequest};

use self::{answer::Answer, challenge::Challenge};

/// Answers the service's challenge with user and password. The first request goes without; once the service has sent
/// its challenge, that request is sent again with an answer, and all later ones have theirs from the start.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DigestConfig {
    /// The user.
    username: Secret,
    /// The password.
    password: Secret,
}

/// The scheme.
#[derive(Debug)]
pub struct Digest {
    account: Arc<DigestConfig>,
    /// What answers the last challenge.
    current: ArcSwap<Credential>,
}

/// What goes out before there was a challenge: nothing.
#[derive(Debug)]
struct Bare;

impl Sign for Bare {
    fn sign(&self, request: &mut WireRequest<'_>) -> Result<()> {
        request.headers.remove(header::AUTHORIZATION);
        Ok(())
    }
}

impl Scheme for Digest {
    const NAME: &'static str = "digest";
    type Config = DigestConfig;

    fn open(config: DigestConfig, _: &Site) -> Result<Self> {
        if !config.username.is_reference() && config.username.expose()?.is_empty() {
            return Err(Error::invalid("username: must not be empty"));
        }
        // RFC 7616 section 3.4.2: the colon is what ends a user where it is hashed.
        if !config.username.is_reference() && config.username.expose()?.contains(':') {
            return Err(Error::invalid("username: a colon cannot stand in the username"));
        }
        let bare = Credential::new(Form::Sign(Arc::new(Bare)));
        Ok(Self { account: Arc::new(config), current: ArcSwap::from_pointee(bare) })
    }

    fn ready(&self) -> Option<Arc<Credential>> {
        Some(self.current.load_full())
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        Ok(Some(self.current.load_full()))
    }

    /// Whatever was refused, the answer to the new challenge may not be: a nonce ends without notice, and not every
    /// server says that it is stale. Of many calls that were refused together, the first one's challenge serves all.
    async fn rejected(&self, credential: &Arc<Credential>, challenge: &HeaderMap) {
        let Some(challenge) = Challenge::strongest(challenge) else {
            return tracing::warn!(
                "the service refused a request, with no digest challenge that is known here"
            );
        };
        let answer = Answer::new(self.account.clone(), challenge);
        let next = Arc::new(Credential::new(Form::Sign(Arc::new(answer))));
        self.current.compare_and_swap(credential, next);
    }
}

#[cfg(test)]
mod tests;
