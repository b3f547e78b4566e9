//! PostgreSQL.

mod types;
