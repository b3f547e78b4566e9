//! SQLite.

mod errors;
mod files;
mod jobs;
mod streams;
mod values;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::common::{Db, context};

/// A database in memory.
fn memory() -> Db {
    Db::open(context(), "sqlite://", json!({})).unwrap()
}

/// A folder for databases, and one in it.
struct Files(TempDir);

impl Files {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    /// A database in the folder.
    fn open(&self, base_url: &str, more: Value) -> Db {
        self.try_open(base_url, more).unwrap()
    }

    fn try_open(&self, base_url: &str, more: Value) -> trunkline_core::Result<Db> {
        Db::open(context().with_databases(self.0.path().to_owned()), base_url, more)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.0.path().join(name)
    }
}

/// Counts to a million million, which takes until somebody ends it.
const ENDLESS: &str =
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000000000000)";
