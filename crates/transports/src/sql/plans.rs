//! `Plans`: texts as the scanner sees them, found again by the text, so that one that is sent often is read once.

use std::{fmt, sync::Arc};

use quick_cache::sync::Cache;
use trunkline_core::{Error, Result};

use super::scan::{Dialect, Scanned, scan, split};

/// The statements of a text.
pub(super) type Plan = Arc<[Arc<Scanned>]>;

/// How many texts are remembered, and how long one may be: what is longer was likely made for one call.
const TEXTS: usize = 256;
const LONGEST: usize = 16 << 10;

/// Texts that were read.
pub(super) struct Plans {
    read: Cache<Arc<str>, Plan>,
    dialect: Dialect,
    multiple: bool,
}

impl Plans {
    /// For texts of a dialect, each of one statement unless there may be `multiple`.
    pub(super) fn new(dialect: Dialect, multiple: bool) -> Self {
        Self { read: Cache::new(TEXTS), dialect, multiple }
    }

    /// The statements of a text that may be run.
    ///
    /// # Errors
    ///
    /// As [`read`].
    pub(super) fn of(&self, text: &Arc<str>) -> Result<Plan> {
        if let Some(plan) = self.read.get(text) {
            return Ok(plan);
        }
        let plan: Plan = read(text, self.dialect, self.multiple)?.into_iter().map(Arc::new).collect();
        if text.len() <= LONGEST {
            self.read.insert(text.clone(), plan.clone());
        }
        Ok(plan)
    }
}

/// Reads the statements of a text: one, unless there may be `multiple`.
///
/// # Errors
///
/// `invalid_config` for a text without a statement, one with several of them where it must be one, one that begins or
/// ends a transaction, and what the scanner refuses.
pub(super) fn read(text: &str, dialect: Dialect, multiple: bool) -> Result<Vec<Scanned>> {
    let found = if multiple { split(text, dialect)? } else { vec![scan(text, dialect)?] };
    match found.first().map_or(0, |first| first.statements) {
        0 => return Err(Error::invalid("query: holds no statement")),
        1 => {}
        more => {
            return Err(Error::invalid(format!(
                "query: holds {more} statements; send one, or a transaction with each of them, or set \
                 multiple_statements of the integration"
            )));
        }
    }
    if found.iter().any(|statement| statement.facts.control) {
        return Err(Error::invalid(
            "query: begins or ends a transaction, which would outlive the call; send all of its statements as \
             transaction: [{\"query\": …}, …]",
        ));
    }
    Ok(found)
}

impl fmt::Debug for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Plans").field("read", &self.read.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_statement_unless_there_may_be_more() {
        for (text, multiple, found) in [
            ("select 1", false, Some(1)),
            ("select 1;", true, Some(1)),
            ("select 1; select :a;", true, Some(2)),
            ("select 1; select 2", false, None),
            ("", true, None),
            (" ; -- nothing", false, None),
            ("begin", false, None),
            ("select 1; commit", true, None),
        ] {
            let statements = read(text, Dialect::Sqlite, multiple).ok().map(|statements| statements.len());
            assert_eq!(statements, found, "{text}");
        }
    }

    #[test]
    fn statements_of_one_text_count_their_own_parameters() {
        let found = read("select :a; /* x */ select :b, :a ;", Dialect::Postgres, true).unwrap();
        assert_eq!(found[0].text, "select $1");
        assert_eq!(found[1].text, "/* x */ select $1, $2");
    }

    #[test]
    fn a_text_is_read_once_unless_it_is_long() {
        let plans = Plans::new(Dialect::Sqlite, false);
        let short: Arc<str> = "select 1".into();
        assert!(Arc::ptr_eq(&plans.of(&short).unwrap(), &plans.of(&short).unwrap()));
        let long: Arc<str> = format!("select '{}'", "x".repeat(LONGEST)).into();
        assert!(!Arc::ptr_eq(&plans.of(&long).unwrap(), &plans.of(&long).unwrap()));
    }
}
