//! Databases: PostgreSQL, MySQL and MariaDB, SQLite.

mod arg;
mod json;
mod postgres;
