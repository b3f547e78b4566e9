//! `Lookups`: how often the cache was asked, by what came of it.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
};
use trunkline_core::CacheStatus;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(crate) struct ByResult {
    result: &'static str,
}

/// The words of [`CacheStatus::word`], the most frequent first.
const WORDS: [&str; 6] = ["hit", "miss", "bypass", "revalidated", "collapsed", "stale"];

/// Counters by result, looked up once.
#[derive(Debug)]
pub(super) struct Lookups {
    family: Family<ByResult, Counter>,
    held: [Counter<u64, AtomicU64>; WORDS.len()],
}

impl Default for Lookups {
    fn default() -> Self {
        let family = Family::<ByResult, Counter>::default();
        let held = WORDS.map(|result| family.get_or_create(&ByResult { result }).clone());
        Self { family, held }
    }
}

impl Lookups {
    pub(super) fn count(&self, status: &CacheStatus) {
        let word = status.word();
        if let Some(counter) = WORDS.iter().zip(&self.held).find(|(known, _)| **known == word) {
            counter.1.inc();
        }
    }

    /// To be registered.
    pub(super) fn family(&self) -> Family<ByResult, Counter> {
        self.family.clone()
    }
}
