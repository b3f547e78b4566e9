//! What becomes of accounts when the integration or the connection that they were connected for is removed: their
//! providers are told, as far as that is possible in a few seconds.

use std::{pin::pin, time::Duration};

use futures_util::{StreamExt, stream};
use tokio::time::timeout;
use trunkline_core::{ConsentState, Result};
use trunkline_store::PartKind;

use crate::{Handle, Manager};

/// How long providers may take, all together: who removes something waits for that.
const LIMIT: Duration = Duration::from_secs(5);
/// Accounts whose providers are told at the same time.
const AT_ONCE: usize = 16;
/// Grants that are read at a time.
const PAGE: u32 = 1_000;

/// What became of an integration or a connection that was removed.
#[derive(Debug, Clone, Copy)]
pub struct Removed {
    /// Whether the provider was told that the tokens are not needed any more: of each account that was connected, those
    /// of an integration's connections too. `None` where none was.
    pub revoked: Option<bool>,
}

/// What is known of all of them from what is known of some.
fn both(one: Option<bool>, other: Option<bool>) -> Option<bool> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one && other),
        (one, other) => one.or(other),
    }
}

/// Gives up the account of `handle`, if one is connected.
async fn give_up(handle: &Handle) -> Option<bool> {
    let consent = handle.consent().ok()?;
    match consent.standing().await {
        Ok(standing) if standing.state == ConsentState::Connected => {
            Some(consent.revoke(handle.context()).await.unwrap_or(false))
        }
        _ => None,
    }
}

impl Manager {
    /// Gives up the account of a connection that is about to be removed, unless that is going to be refused.
    pub(crate) async fn give_up_one(&self, id: &str, name: &str, expected: Option<u64>) -> Option<bool> {
        let given = async {
            let generation = self.connection_entry(id, name).await.ok()?.generation;
            if expected.is_some_and(|expected| expected != generation) {
                return None;
            }
            give_up(&*self.connection(id, name).await.ok()?).await
        };
        timeout(LIMIT, given).await.unwrap_or(Some(false))
    }

    /// The same of an integration, with the accounts of its connections.
    pub(crate) async fn give_up_all(&self, id: &str) -> Option<bool> {
        let mut told = None;
        match timeout(LIMIT, self.give_up_each(id, &mut told)).await {
            Ok(Ok(())) => told,
            // Some may not have been heard of.
            Ok(Err(_)) | Err(_) => Some(false),
        }
    }

    async fn give_up_each(&self, id: &str, told: &mut Option<bool>) -> Result<()> {
        *told = give_up(&*self.get(id)?).await;
        let mut after = String::new();
        loop {
            let page = self.registry().shared.store.parts(PartKind::Grant, id, &after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(()) };
            after.clone_from(&last.id);
            let connections = stream::iter(page).map(async |grant| {
                let connection = self.connection(id, &grant.id).await.ok()?;
                give_up(&connection).await
            });
            let mut connections = pin!(connections.buffer_unordered(AT_ONCE));
            while let Some(one) = connections.next().await {
                *told = both(*told, one);
            }
        }
    }
}
