//! Values of PostgreSQL as JSON, and JSON as parameters of PostgreSQL. Both travel as text: the server's own output and
//! input functions know every type, those of extensions included.
//!
//! The session must have `DateStyle=ISO`, `IntervalStyle=iso_8601`, `TimeZone=UTC`, `bytea_output=hex`,
//! `client_encoding=UTF8` and `extra_float_digits=1` (3 before version 12).

mod builtin;
mod bytea;
mod catalog;
mod encode;
mod literal;
#[cfg(test)]
pub(super) mod samples;
mod writer;

pub(super) use self::{
    catalog::{Catalog, Oid},
    writer::Writer,
};

/// How the text of a type is understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Bool,
    /// Integers that a double always holds.
    Integer,
    /// Integers and decimals of any size.
    Digits,
    Float,
    Text,
    Bytea,
    Json,
    Jsonb,
    Timestamp,
    TimestampTz,
    /// `int2vector` and `oidvector`: integers with spaces between.
    Vector,
}

/// What a type is made of.
#[derive(Debug, Clone, Copy)]
enum Shape<'a> {
    Scalar(Class),
    /// Type of the elements, and what stands between them.
    Array(Oid, u8),
    /// Names and types of the attributes.
    Row(&'a [(String, Oid)]),
}
