//! `Known`: a schema that is known, once for all whose services have the same: those of thousands of tenants are one.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use apollo_compiler::{Schema, validation::Valid};
use trunkline_core::Result;

use super::explain::all;

/// A schema that is known.
pub(super) struct Known {
    pub(super) schema: Valid<Schema>,
    pub(super) sdl: String,
    /// Which one it is, among all of this process.
    pub(super) number: u64,
}

/// The schemas of a context. One that nobody uses any more is forgotten.
#[derive(Debug, Default)]
pub(super) struct Schemas(Mutex<Vec<Weak<Known>>>);

impl Known {
    /// Reads a schema.
    ///
    /// # Errors
    ///
    /// `invalid_config` with all that is wrong with it, up to ten of it.
    pub(super) fn read(sdl: &str) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let schema = Schema::parse_and_validate(sdl, "schema").map_err(|found| all(&found.errors))?;
        Ok(Self { schema, sdl: sdl.to_owned(), number: NUMBER.fetch_add(1, Ordering::Relaxed) })
    }
}

impl Schemas {
    /// The schema of this text.
    ///
    /// # Errors
    ///
    /// As [`Known::read`].
    pub(super) fn of(&self, sdl: &str) -> Result<Arc<Known>> {
        let all = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = all().iter().filter_map(Weak::upgrade).find(|known| known.sdl == sdl);
        if let Some(known) = known {
            return Ok(known);
        }
        let known = Arc::new(Known::read(sdl)?);
        let mut all = all();
        all.retain(|known| known.strong_count() > 0);
        all.push(Arc::downgrade(&known));
        Ok(known)
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Known").field("number", &self.number).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_schema_is_read_once_and_forgotten_when_nobody_uses_it() {
        let schemas = Schemas::default();
        let first = schemas.of("type Query { a: Int }").unwrap();
        assert!(Arc::ptr_eq(&first, &schemas.of("type Query { a: Int }").unwrap()));
        let other = schemas.of("type Query { b: Int }").unwrap();
        assert_ne!(first.number, other.number);
        drop(first);
        let _third = schemas.of("type Query { c: Int }").unwrap();
        assert_eq!(schemas.0.lock().unwrap().len(), 2);
    }
}
