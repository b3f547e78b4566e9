//! Databases, spoken to as callers do.

mod common;
mod sqlite;
