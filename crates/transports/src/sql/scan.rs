//! Reads a SQL text once, without a grammar: finds its parameters, its statements, and what they can leave behind.
//!
//! Only what decides where a token ends is recognised, since that decides what is code and what is not:
//!
//! - PostgreSQL (manual, 4.1 "Lexical Structure", and its `scan.l`): `'…'` with `standard_conforming_strings` on,
//!   `E'…'` with its backslashes and its continuation on a next line, `U&'…'`, `B'…'`, `X'…'`, `$tag$…$tag$`,
//!   `"…"`, `U&"…"`, `--` to the end of a line, `/* … */` nested. `?` is an operator.
//! - MySQL and MariaDB (manual, 11.1 "Literal Values", 11.7 "Comments"): `'…'` and `"…"` with backslashes, which
//!   holds unless `sql_mode` has `NO_BACKSLASH_ESCAPES` or `ANSI_QUOTES`; `` `…` ``; `#`; `--` before a blank or a
//!   control character; `/* … */` not nested; `/*! … */` and `/*M! … */`, which are code.
//! - SQLite (`lang_expr.html`, `lang_comment.html`, `lang_keywords.html`, and its `tokenize.c`): `'…'`, `X'…'`,
//!   `"…"`, `` `…` ``, `[…]`, `--`, `/* … */` not nested, which the end of the text closes too.
//!
//! What servers of different versions could read differently is refused: a `;`, a parameter or a comment within an
//! executable comment, and a literal there that holds `*/`. So is what would be bound unseen: `$name`, `@name` and
//! stray colons in SQLite.
//!
//! Bodies of routines and triggers (`BEGIN …; END` outside a literal) are cut at their semicolons, since only a
//! grammar could tell: [`Scanned::statements`] then is too high, never too low.

mod facts;
mod harmless;
mod params;
mod span;
#[cfg(test)]
mod tests;
mod token;

use std::ops::Range;

use trunkline_core::{Error, Result};

pub(crate) use self::facts::Facts;
use self::{
    facts::Judge,
    params::Binder,
    token::{Kind, Lexer},
};

/// Whose SQL a text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// PostgreSQL, and what speaks as it does.
    Postgres,
    /// MySQL and MariaDB.
    MySql,
    /// SQLite.
    Sqlite,
}

/// Where the value of a placeholder comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Param {
    /// From the value of this name.
    Named(Box<str>),
    /// From the value at this place, counted from 0.
    Position(usize),
}

/// What a text of SQL is, as [`scan`] found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// The text with its named parameters replaced by what the engine binds: `$1` (PostgreSQL, a repeated name has
    /// the same number), `?` (MySQL, a repeated name is bound again), `?1` (SQLite). Without any, the text as it came.
    pub(crate) text: String,
    /// For each placeholder to bind, in the engine's order, where its value comes from.
    pub(crate) params: Vec<Param>,
    /// How many statements hold more than blanks and comments.
    pub(crate) statements: usize,
    /// Where in `text` each of them is: with its comments, without its `;` and without blanks around it.
    pub(crate) pieces: Vec<Range<usize>>,
    /// The same in the text that was scanned.
    pub(crate) sources: Vec<Range<usize>>,
    /// What all of them do, taken together.
    pub(crate) facts: Facts,
}

/// Scans `sql`. Refuses, as `invalid_config`, what is not closed, mixes named and positional parameters, holds a NUL
/// byte, or could be read in two ways; the message says where, and quotes nothing of the text.
pub(crate) fn scan(sql: &str, dialect: Dialect) -> Result<Scanned> {
    if let Some(nul) = memchr::memchr(0, sql.as_bytes()) {
        return Err(refuse(sql, nul, "a NUL byte; no engine takes one"));
    }
    let mut lexer = Lexer::new(sql, dialect);
    let mut binder = Binder::new(sql, dialect);
    let mut judge = Judge::new(sql, dialect);
    let (mut pieces, mut sources) = (Vec::with_capacity(1), Vec::with_capacity(1));
    // Of the statement being read: where in the new text and in the old it begins and ends, and whether there is code
    // in it.
    let (mut piece, mut code) = (None::<(Range<usize>, Range<usize>)>, false);
    let mut keep = |piece: Option<(Range<usize>, Range<usize>)>| {
        if let Some((piece, source)) = piece {
            pieces.push(piece);
            sources.push(source);
        }
    };
    while let Some(token) = lexer.next()? {
        let place = binder.take(&token)?;
        if token.kind == Kind::Semicolon {
            judge.end();
            keep(piece.take().filter(|_| code));
            code = false;
            continue;
        }
        if token.kind == Kind::Blank {
            continue;
        }
        match &mut piece {
            Some((piece, source)) => (piece.end, source.end) = (place.end, token.end),
            None => piece = Some((place, token.start..token.end)),
        }
        if token.kind != Kind::Comment {
            code = true;
            judge.take(&token);
        }
    }
    judge.end();
    keep(piece.filter(|_| code));
    let (text, params) = binder.finish();
    Ok(Scanned { text, params, statements: pieces.len(), pieces, sources, facts: judge.finish() })
}

/// Scans each statement of `sql` by itself, so that each counts its own parameters. Refuses what [`scan`] refuses.
pub(crate) fn split(sql: &str, dialect: Dialect) -> Result<Vec<Scanned>> {
    let whole = scan(sql, dialect)?;
    match whole.statements {
        1 => Ok(vec![whole]),
        _ => whole.sources.iter().map(|source| scan(&sql[source.clone()], dialect)).collect(),
    }
}

/// The error that `what` stands at the byte `at` of `sql`.
fn refuse(sql: &str, at: usize, what: &str) -> Error {
    let before = &sql.as_bytes()[..at];
    let line = memchr::memchr_iter(b'\n', before).count() + 1;
    let begin = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
    // Bytes that begin a character, so that this holds within one too.
    let column = before[begin..].iter().filter(|&&byte| byte & 0xC0 != 0x80).count() + 1;
    Error::invalid(format!("line {line}, column {column} of the statement: {what}"))
}
