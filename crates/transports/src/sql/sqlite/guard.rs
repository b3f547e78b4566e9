//! `Guard`: what statements may not do, whatever they are: reach another file, or change how the connection works.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering::Relaxed},
};

use rusqlite::hooks::{Action, AuthAction, AuthContext, Authorization};

/// Asked by SQLite while it compiles a statement.
#[derive(Debug, Default)]
pub(super) struct Guard {
    /// Whether the statement is ours.
    trusting: AtomicBool,
    /// What was refused last.
    refused: Mutex<Option<String>>,
    /// Whether a row with a rowid was inserted.
    inserted: AtomicBool,
}

/// Pragmas that tell something when they are asked without a value.
const ASKED: &[&str] = &[
    "application_id",
    "auto_vacuum",
    "busy_timeout",
    "cache_size",
    "collation_list",
    "compile_options",
    "data_version",
    "defer_foreign_keys",
    "encoding",
    "foreign_key_check",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "integrity_check",
    "journal_mode",
    "module_list",
    "optimize",
    "page_count",
    "page_size",
    "pragma_list",
    "query_only",
    "quick_check",
    "schema_version",
    "synchronous",
    "table_list",
    "user_version",
    "wal_checkpoint",
];

/// Those that take a value: what to tell of, or something that belongs to the file or ends with the transaction.
const WITH_VALUE: &[&str] = &[
    "application_id",
    "defer_foreign_keys",
    "foreign_key_check",
    "foreign_key_list",
    "index_info",
    "index_list",
    "index_xinfo",
    "integrity_check",
    "optimize",
    "quick_check",
    "table_info",
    "table_list",
    "table_xinfo",
    "user_version",
];

/// Functions that load code.
const FUNCTIONS: &[&str] = &["fts3_tokenizer", "load_extension"];

impl Guard {
    /// Judges one step of a statement.
    pub(super) fn judge(&self, asked: &AuthContext<'_>) -> Authorization {
        if self.trusting.load(Relaxed) {
            return Authorization::Allow;
        }
        let what = match asked.action {
            AuthAction::Attach { .. } => "ATTACH and VACUUM, which open other files".to_owned(),
            AuthAction::Detach { .. } => "DETACH".to_owned(),
            AuthAction::Transaction { .. } | AuthAction::Savepoint { .. } => {
                "transactions that a statement begins or ends".to_owned()
            }
            AuthAction::Function { function_name } if listed(FUNCTIONS, function_name) => {
                format!("the function {function_name}")
            }
            AuthAction::Pragma { pragma_name, pragma_value } => {
                let list = if pragma_value.is_some() { WITH_VALUE } else { ASKED };
                match listed(list, pragma_name) {
                    true => return Authorization::Allow,
                    false => format!("this use of PRAGMA {pragma_name}"),
                }
            }
            AuthAction::Unknown { .. } => "what this version does not know".to_owned(),
            _ => return Authorization::Allow,
        };
        *self.refused() = Some(what);
        Authorization::Deny
    }

    /// A statement begins: what was before it does not count.
    pub(super) fn begin(&self) {
        self.inserted.store(false, Relaxed);
        *self.refused() = None;
    }

    /// What was refused since it was last asked for.
    pub(super) fn take_refused(&self) -> Option<String> {
        self.refused().take()
    }

    /// Does something with a statement of ours.
    pub(super) fn trusting<T>(&self, work: impl FnOnce() -> T) -> T {
        self.trusting.store(true, Relaxed);
        let done = work();
        self.trusting.store(false, Relaxed);
        done
    }

    /// A row was changed.
    pub(super) fn saw(&self, action: Action) {
        if action == Action::SQLITE_INSERT {
            self.inserted.store(true, Relaxed);
        }
    }

    /// Whether a row with a rowid was inserted since it was last asked.
    pub(super) fn take_inserted(&self) -> bool {
        self.inserted.swap(false, Relaxed)
    }

    fn refused(&self) -> std::sync::MutexGuard<'_, Option<String>> {
        self.refused.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn listed(list: &[&str], name: &str) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(name))
}
