//! How somebody agrees, in a browser, to what calls do in their name: a link to open, the way to the provider and
//! back, and a page that says what came of it.
//!
//! ```text
//!  GET …/oauth/authorize ──▶ a link that one browser may open, once, within ten minutes
//!  GET …/oauth/start/{ticket} ──▶ a cookie, and 303 to the provider with a state
//!  GET …/oauth/callback/{id} ◀── the provider, with that state and a code
//! ```
//!
//! | file | what is in it |
//! |---|---|
//! | `account.rs` | what is being connected |
//! | `once.rs` | tickets and states: secrets that are good once, and for ten minutes |
//! | `cookie.rs` | what ties a state to the browser that was sent off with it |
//! | `visit.rs` | what a browser gets when it opens a link, and when it comes back |
//! | `pages.rs` | what the person reads |
//! | `allowance.rs` | how often strangers get a line in the activity |
//! | `attempts.rs` | how the last one ended, for whoever sent the link |
//!
//! Everything is in the memory of one process: who comes back to another one, or after a restart, begins again.

mod account;
mod allowance;
mod attempts;
mod cookie;
mod once;
mod pages;
mod visit;

use tokio_util::task::TaskTracker;
use trunkline::{Begun, Error, Handle, Manager, Result};

use self::{allowance::Allowance, attempts::Attempts, once::Once};
use crate::{
    public::Public,
    random::{self, Digest},
};

pub(crate) use self::{
    account::Account,
    attempts::Attempt,
    once::KEPT,
    visit::{callback, send_off, start},
};

/// Where links lead; a ticket follows.
const START: &str = "/api/v1/oauth/start/";
/// Where providers send browsers back to; the id of the integration follows. Each has a URI of its own, so that an
/// answer of one provider cannot pass for that of another (RFC 9700 section 4.4).
const CALLBACK: &str = "/api/v1/oauth/callback/";

/// Whether this is one of the two pages that a browser opens with nothing to show but what it was sent off with.
pub(crate) fn is_visit(path: &str) -> bool {
    [START, CALLBACK]
        .iter()
        .any(|page| path.strip_prefix(page).is_some_and(|rest| !rest.is_empty() && !rest.contains('/')))
}

/// Whether a browser that opens this begins to connect an account.
pub(crate) fn begins(path: &str) -> bool {
    let rest = path.strip_prefix("/api/v1/integrations/").and_then(|rest| rest.split_once('/'));
    rest.is_some_and(|(_, rest)| rest == "oauth/authorize")
}

/// The consents that are being asked for.
#[derive(Debug)]
pub(crate) struct Consents {
    public: Option<Public>,
    /// Links that nobody has opened yet, by their tickets.
    links: Once<Asked>,
    /// Browsers that are with a provider, by their states.
    away: Once<Away>,
    attempts: Attempts,
    /// How often strangers get a line in the activity.
    strangers: Allowance,
    /// Exchanges of codes: they go on when the browser is gone.
    exchanges: TaskTracker,
}

/// The version of a configuration: that of the connection, and that of the integration that it is merged over.
type Version = [(u64, i64); 2];

/// What `handle` was opened with, as far as that can be told from what there is now.
fn version(manager: &Manager, handle: &Handle) -> Result<Version> {
    // A generation never comes back. Those that a file has are all the same: there the time tells.
    let of = |handle: &Handle| match handle.generation() {
        0 => (0, handle.updated_at_ms()),
        generation => (generation, 0),
    };
    Ok([of(handle), of(&*manager.get(handle.id())?)])
}

/// A consent that was asked for.
#[derive(Debug)]
pub(crate) struct Asked {
    account: Account,
    version: Version,
    begun: Begun,
    state: String,
}

/// A browser that is with a provider.
#[derive(Debug)]
struct Away {
    account: Account,
    version: Version,
    begun: Begun,
    /// The cookie of that browser.
    session: Digest,
}

impl Consents {
    pub(crate) fn new(public: Option<Public>) -> Self {
        Self {
            public,
            links: Once::default(),
            away: Once::default(),
            attempts: Attempts::default(),
            strangers: Allowance::default(),
            exchanges: TaskTracker::new(),
        }
    }

    fn public(&self) -> Result<&Public> {
        self.public.as_ref().ok_or_else(|| {
            Error::invalid(
                "server.public_url: is not set, so nobody knows where browsers reach this server; set it in the file, with --public-url or TRUNKLINE_PUBLIC_URL, such as https://trunkline.example.com",
            )
        })
    }

    /// The URI to register at the provider, if it is known where browsers reach the server.
    pub(crate) fn redirect_uri(&self, handle: &Handle) -> Option<String> {
        let public = self.public.as_ref()?;
        Some(public.at(&format!("{CALLBACK}{}", handle.id())))
    }

    /// Asks for a consent.
    ///
    /// # Errors
    ///
    /// `invalid_config` where nobody knows where browsers reach the server; as
    /// [`Consent::begin`](trunkline::Consent::begin).
    pub(crate) async fn ask(&self, account: Account, manager: &Manager, handle: &Handle) -> Result<Asked> {
        let version = version(manager, handle)?;
        let consent = handle.consent()?;
        let redirect_uri = self.public()?.at(&format!("{CALLBACK}{}", handle.id()));
        let state = random::secret()?;
        let begun = consent.begin(handle.context(), &redirect_uri, &state).await?;
        Ok(Asked { account, version, begun, state })
    }

    /// A link that a person opens to agree.
    ///
    /// # Errors
    ///
    /// As [`Consents::ask`].
    pub(crate) fn link(&self, asked: Asked) -> Result<String> {
        let ticket = random::secret()?;
        self.links.keep(&ticket, asked);
        Ok(self.public()?.at(&format!("{START}{ticket}")))
    }

    /// How the last attempt to connect an account ended.
    pub(crate) fn last_attempt(&self, account: &Account) -> Option<Attempt> {
        self.attempts.of(account)
    }

    /// Whether this is what a browser that comes by the public URL writes into `Host`.
    pub(crate) fn is_at(&self, host: &str) -> bool {
        self.public.as_ref().is_some_and(|public| public.is_at(host))
    }

    /// Waits for the exchanges that are under way: what they bring is there only once.
    pub(crate) async fn ended(&self) {
        self.exchanges.close();
        self.exchanges.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use trunkline::{ConnectionConfig, IntegrationConfig};

    use super::*;

    #[tokio::test]
    async fn a_version_is_that_of_both_configurations_however_often_they_are_opened() {
        let manager = Manager::builder().open_connections(1).build().await.unwrap();
        let shop = json!({ "integration_id": "shop", "type": "rest", "base_url": "https://shop.test" });
        manager.register(IntegrationConfig::from_json(shop).unwrap()).await.unwrap();
        let connection = |name: &str| ConnectionConfig::from_json(json!({ "connection": name })).unwrap();
        for name in ["a", "b", "c"] {
            manager.add_connection("shop", connection(name)).await.unwrap();
        }
        let of = async |name| version(&manager, &manager.connection("shop", name).await.unwrap()).unwrap();
        let first = of("a").await;
        manager.replace_connection("shop", connection("a"), None).await.unwrap();
        let second = of("a").await;
        assert_ne!(first, second);
        for name in ["b", "c", "b", "c"] {
            of(name).await;
        }
        assert_eq!(of("a").await, second, "it was opened again from the store");
        manager.set_enabled("shop", false).await.unwrap();
        assert_ne!(of("a").await, second);
    }

    #[test]
    fn only_the_two_pages_are_open() {
        for (path, open) in [
            ("/api/v1/oauth/start/abc", true),
            ("/api/v1/oauth/callback/shop", true),
            ("/api/v1/oauth/callback/shop/", false),
            ("/api/v1/oauth/callback/shop/../../activity", false),
            ("/api/v1/oauth/callback/", false),
            ("/api/v1/oauth/callback", false),
            ("/api/v1/oauth/", false),
            ("/api/v1/oauth/starts/abc", false),
            ("//api/v1/oauth/start/abc", false),
            ("/api/v1/integrations/shop/oauth/authorize", false),
        ] {
            assert_eq!(is_visit(path), open, "{path}");
        }
    }
}
