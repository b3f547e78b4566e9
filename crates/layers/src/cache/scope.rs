//! `CacheScope`: one integration in the store, as it was opened, and what its calls invalidate.

use std::{
    borrow::Cow,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use http::{HeaderMap, HeaderName, header};
use trunkline_core::{Call, Error, Fingerprint, Next, Operation, Outcome, Reply, Result};
use url::Url;

use super::{
    CacheConfig, CacheStore,
    entry::Stored,
    policy::Policy,
    store::{Key, KeyRef},
    tally::{CacheState, Tally},
};

/// One integration, as it was opened. What replaces it has another scope, so it never sees what was kept before;
/// and what was kept goes when the scope does.
#[derive(Debug)]
pub struct CacheScope {
    pub(super) store: Arc<CacheStore>,
    pub(super) policy: Policy,
    id: AtomicU64,
    /// Whether anything was ever kept in it.
    used: AtomicBool,
    tally: Arc<Tally>,
    /// What paths are below of, to know which of them a `Location` names.
    base: Option<Url>,
}

impl CacheScope {
    /// A scope of its own in `store`. `base` is the URL that endpoints are joined to.
    pub fn new(store: Arc<CacheStore>, config: &CacheConfig, base: Option<&str>) -> Self {
        Self {
            policy: Policy::new(config),
            id: AtomicU64::new(store.scope()),
            used: AtomicBool::new(false),
            tally: Arc::default(),
            base: base.and_then(|base| Url::parse(base).ok()),
            store,
        }
    }

    /// Forgets all that is kept.
    pub fn clear(&self) {
        let before = self.id.swap(self.store.scope(), Ordering::AcqRel);
        if self.used.swap(false, Ordering::AcqRel) {
            self.store.forget(before);
        }
    }

    /// How much is kept, of how much.
    pub fn state(&self) -> CacheState {
        CacheState {
            entries: self.tally.entries(),
            bytes: self.tally.bytes(),
            all_bytes: self.store.bytes(),
            max_bytes: self.store.most(),
        }
    }

    /// What the reply to a call is kept under, if it is at all.
    pub(super) fn key<'a>(&self, call: &'a Call) -> Option<KeyRef<'a>> {
        let mut print = call.operation.fingerprint()?;
        if matches!(call.operation, Operation::Http(_)) {
            print.text = self.rooted(print.text);
        }
        let scope = self.id.load(Ordering::Acquire);
        Some(KeyRef { scope, connection: call.connection.as_ref(), print })
    }

    /// Where the base ends with a slash, an empty path and `/` are the same.
    fn rooted<'a>(&self, text: Cow<'a, str>) -> Cow<'a, str> {
        let slash = self.base.as_ref().is_some_and(|base| base.path().ends_with('/'));
        match slash && !text.starts_with('/') {
            true => format!("/{text}").into(),
            false => text,
        }
    }

    pub(super) fn put(&self, key: &Key, stored: Stored, asked: &HeaderMap, mark: u32) {
        self.used.store(true, Ordering::Relaxed);
        // Kept under an id that is gone it would only take room.
        if key.scope == self.id.load(Ordering::Acquire) {
            self.store.put(key, stored, asked, mark, &self.tally);
        }
    }

    /// What a reply names by `Location` or `Content-Location`, if it is of the same origin and below the base
    /// (RFC 9111 section 4.4).
    fn named(&self, key: &Key, headers: &HeaderMap, name: &HeaderName) -> Option<Key> {
        let base = self.base.as_ref()?;
        let value = headers.get(name)?.to_str().ok()?;
        let root = base.path().trim_end_matches('/');
        let (path, query) = key.print.text.split_once('?').unwrap_or((&key.print.text, ""));
        let mut asked = base.clone();
        asked.set_path(&format!("{root}{path}"));
        asked.set_query(Some(query).filter(|query| !query.is_empty()));
        let named = asked.join(value).ok().filter(|named| named.origin() == base.origin())?;
        let below =
            named.path().strip_prefix(root).filter(|below| below.is_empty() || below.starts_with('/'))?;
        let mut target = below.to_owned();
        // The base's own parameters are in no key.
        let own = base.query().unwrap_or_default();
        let query = named.query().unwrap_or_default();
        let query = query.strip_prefix(own).map_or(query, |rest| rest.trim_start_matches('&'));
        if !query.is_empty() {
            target.push('?');
            target.push_str(query);
        }
        let text = Fingerprint::of_target(&target, false).text.into_owned();
        let text = self.rooted(text.into());
        Some(Key { print: Fingerprint { text, relay: false }, ..key.clone() })
    }
}

impl Drop for CacheScope {
    fn drop(&mut self) {
        self.clear();
    }
}

/// Runs a call that changes something, and forgets what it may have changed (RFC 9111 section 4.4).
pub(super) async fn forgetting(scope: &CacheScope, call: &mut Call, next: Next<'_>) -> Result<Reply> {
    let Some(key) = scope.key(call).map(|key| key.to_key()) else { return next.run(call).await };
    let mut change = Change { scope, key, happened: true };
    let result = next.run(call).await;
    change.happened = match &result {
        Ok(reply) => {
            // After a redirect it speaks of another URI than ours.
            let names = [header::LOCATION, header::CONTENT_LOCATION];
            let named = names.iter().filter(|_| !reply.redirected);
            for key in named.filter_map(|name| scope.named(&change.key, &reply.headers, name)) {
                scope.store.invalidate(&key);
            }
            true
        }
        Err(error) => may_have_changed(error),
    };
    result
}

/// An answer that is an error says that nothing was changed. Where there is none, nobody knows.
fn may_have_changed(error: &Error) -> bool {
    match error.outcome() {
        Outcome::Applied => true,
        Outcome::Unknown => error.reply().is_none(),
        Outcome::NotSent | Outcome::Rejected => false,
    }
}

/// A change under way. Dropped before its end, by a caller that goes away, it may have happened.
struct Change<'a> {
    scope: &'a CacheScope,
    key: Key,
    /// Whether it happened, or may have.
    happened: bool,
}

impl Drop for Change<'_> {
    fn drop(&mut self) {
        if self.happened {
            self.scope.store.invalidate(&self.key);
        }
    }
}
