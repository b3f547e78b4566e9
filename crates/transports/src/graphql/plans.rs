//! `Plans`: documents that were read, found again by their text, so that one that is sent often is read once.

use std::{fmt, sync::Arc};

use quick_cache::sync::Cache;
use trunkline_core::Result;

use super::{document::Document, limits::Limits};

/// How many documents are remembered, and how long one may be: what is longer was likely made for one call.
const DOCUMENTS: usize = 256;
const LONGEST: usize = 16 << 10;

/// Documents that were read.
pub(super) struct Plans {
    read: Cache<Arc<str>, Arc<Document>>,
    limits: Limits,
}

impl Plans {
    pub(super) fn new(limits: Limits) -> Self {
        Self { read: Cache::new(DOCUMENTS), limits }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The document of a text.
    ///
    /// # Errors
    ///
    /// As [`Document::read`].
    pub(super) fn of(&self, text: &Arc<str>) -> Result<Arc<Document>> {
        if let Some(document) = self.read.get(text) {
            return Ok(document);
        }
        let document = Arc::new(Document::read(text, &self.limits)?);
        if text.len() <= LONGEST {
            self.read.insert(text.clone(), document.clone());
        }
        Ok(document)
    }
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans").field("read", &self.read.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::limits::LimitsConfig, *};

    #[test]
    fn a_document_is_read_once_unless_it_is_long() {
        let plans = Plans::new(LimitsConfig::default().open().unwrap());
        let short: Arc<str> = "{ a }".into();
        assert!(Arc::ptr_eq(&plans.of(&short).unwrap(), &plans.of(&short).unwrap()));
        let long: Arc<str> = format!("{{ a(b: \"{}\") }}", "x".repeat(LONGEST)).into();
        assert!(!Arc::ptr_eq(&plans.of(&long).unwrap(), &plans.of(&long).unwrap()));
    }
}
