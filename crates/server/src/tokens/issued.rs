//! `Issued`: the API tokens that hold, found by their digests without the store and without a lock.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::{
    clock::now_ms,
    random::{Digest, digest},
};

/// What every token begins with, so that people and scanners of secrets know one where they see it.
pub(super) const PREFIX: &str = "tl_";

/// Bytes of a token: the prefix, and 32 bytes in base64url without padding.
const LENGTH: usize = PREFIX.len() + 43;

/// Milliseconds between two notes of when a token was used: not every request writes to memory that all cores share.
const COARSE: i64 = 60_000;

/// All that hold, as a snapshot that is replaced whole.
#[derive(Default)]
pub(crate) struct Issued(ArcSwap<HashMap<Digest, Arc<Token>>>);

impl Issued {
    /// The token that is shown, also one that has expired.
    ///
    /// How long it takes to find it tells nothing: it is looked for by its digest, which is as good as random to whoever does
    /// not have the token.
    pub(crate) fn find(&self, shown: &[u8]) -> Option<Arc<Token>> {
        if shown.len() != LENGTH || !shown.starts_with(PREFIX.as_bytes()) {
            return None;
        }
        self.0.load().get(&digest(shown)).cloned()
    }

    /// The one of this id.
    pub(super) fn get(&self, id: &str) -> Option<Arc<Token>> {
        self.0.load().values().find(|token| token.id == id).cloned()
    }

    /// Lets a token in. Writers take turns elsewhere.
    pub(super) fn insert(&self, digest: Digest, token: Token) {
        let mut all = HashMap::clone(&self.0.load());
        all.insert(digest, Arc::new(token));
        self.0.store(Arc::new(all));
    }

    /// Lets a token in no more, and ends what lasts only as long as it does. Writers take turns elsewhere.
    pub(super) fn remove(&self, id: &str) {
        let mut all = HashMap::clone(&self.0.load());
        let gone: Vec<_> = all.extract_if(|_, token| token.id == id).collect();
        self.0.store(Arc::new(all));
        for (_, token) in gone {
            token.revoked.cancel();
        }
    }
}

impl fmt::Debug for Issued {
    /// Without digests: whoever has one knows a token when they see it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Issued").field(&self.0.load().len()).finish()
    }
}

/// A token that was made, as far as requests are judged by it. Times are in milliseconds of Unix time.
#[derive(Debug)]
pub(crate) struct Token {
    id: String,
    expires_at_ms: Option<i64>,
    /// 0 where it was not used since the server was started.
    used_at_ms: AtomicI64,
    revoked: CancellationToken,
}

impl Token {
    pub(super) fn new(id: String, expires_at_ms: Option<i64>) -> Self {
        Self { id, expires_at_ms, used_at_ms: AtomicI64::new(0), revoked: CancellationToken::new() }
    }

    /// Whether its time is over.
    pub(crate) fn is_expired(&self, now_ms: i64) -> bool {
        self.expires_at_ms.is_some_and(|expires| expires <= now_ms)
    }

    /// Notes that it let somebody in.
    pub(crate) fn used(&self, now_ms: i64) {
        if now_ms - self.used_at_ms.load(Ordering::Relaxed) >= COARSE {
            self.used_at_ms.store(now_ms, Ordering::Relaxed);
        }
    }

    /// When it was last used, at most a minute too early; nothing where that was before the server was started.
    pub(super) fn last_used_at_ms(&self) -> Option<i64> {
        Some(self.used_at_ms.load(Ordering::Relaxed)).filter(|used| *used > 0)
    }

    /// Waits until it is revoked or expires.
    pub(crate) async fn over(self: Arc<Self>) {
        match self.expires_at_ms {
            None => self.revoked.cancelled().await,
            Some(expires) => {
                let left = u64::try_from(expires - now_ms()).unwrap_or(0);
                tokio::select! {
                    () = self.revoked.cancelled() => {}
                    () = sleep(Duration::from_millis(left)) => {}
                }
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) const TOKEN: &str = "tl_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// These tokens, each with the time when it expires.
    pub(crate) fn issued(tokens: &[(&str, Option<i64>)]) -> Arc<Issued> {
        let issued = Issued::default();
        for (token, expires) in tokens {
            issued.insert(digest(token), Token::new((*token).to_owned(), *expires));
        }
        Arc::new(issued)
    }

    #[test]
    fn a_token_is_found_whole_until_it_is_removed() {
        let issued = issued(&[(TOKEN, None)]);
        assert_eq!(issued.find(TOKEN.as_bytes()).unwrap().id, TOKEN);
        for other in ["", "tl_", &TOKEN[..TOKEN.len() - 1], &TOKEN.to_lowercase(), &format!("{TOKEN}A")] {
            assert!(issued.find(other.as_bytes()).is_none(), "{other}");
        }
        let debug = format!("{issued:?}");
        assert_eq!(debug, "Issued(1)");
        issued.remove(TOKEN);
        assert!(issued.find(TOKEN.as_bytes()).is_none());
    }

    #[test]
    fn the_last_use_is_known_to_the_minute() {
        let token = Token::new("a".to_owned(), None);
        assert_eq!(token.last_used_at_ms(), None);
        for (now, known) in [(1_000_000, 1_000_000), (1_059_999, 1_000_000), (1_060_000, 1_060_000)] {
            token.used(now);
            assert_eq!(token.last_used_at_ms(), Some(known));
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_lasts_as_long_as_a_token_ends_with_it() {
        let issued = issued(&[(TOKEN, None)]);
        let over = tokio::spawn(issued.find(TOKEN.as_bytes()).unwrap().over());
        issued.remove(TOKEN);
        over.await.unwrap();
        // The clock is paused, and goes on by itself where all wait for it.
        Arc::new(Token::new("a".to_owned(), Some(now_ms() + 3_600_000))).over().await;
        Arc::new(Token::new("a".to_owned(), Some(0))).over().await;
    }
}
