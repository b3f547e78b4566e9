//! Replaces named parameters by what an engine binds, and lists where the value of each placeholder comes from.

use std::{collections::BTreeMap, fmt::Write as _, ops::Range};

use trunkline_core::Result;

use super::{
    Dialect, Param, refuse,
    token::{Kind, Token},
};

/// Copies a text token by token.
pub(super) struct Binder<'a> {
    sql: &'a str,
    dialect: Dialect,
    text: String,
    params: Vec<Param>,
    /// The numbers of names, where an engine can bind one value in several places.
    numbers: BTreeMap<&'a str, usize>,
}

impl<'a> Binder<'a> {
    pub(super) fn new(sql: &'a str, dialect: Dialect) -> Self {
        let text = String::with_capacity(sql.len());
        Self { sql, dialect, text, params: Vec::new(), numbers: BTreeMap::new() }
    }

    /// Takes the next token; answers where it is in the new text.
    pub(super) fn take(&mut self, token: &Token) -> Result<Range<usize>> {
        let (start, source) = (self.text.len(), &self.sql[token.start..token.end]);
        match token.kind {
            Kind::Named => self.named(token, &source[1..])?,
            Kind::Numbered => {
                let number = source[1..].parse().unwrap_or(usize::MAX);
                self.position(token, number)?;
                self.text.push_str(source);
            }
            Kind::Mark => {
                self.position(token, self.params.len() + 1)?;
                self.text.push_str(source);
            }
            Kind::Escaped => self.text.push_str(&source[1..]),
            _ => self.text.push_str(source),
        }
        Ok(start..self.text.len())
    }

    /// The new text, and its parameters.
    pub(super) fn finish(self) -> (String, Vec<Param>) {
        (self.text, self.params)
    }

    fn named(&mut self, token: &Token, name: &'a str) -> Result<()> {
        if matches!(self.params.first(), Some(Param::Position(_))) {
            return Err(self.mixed(token));
        }
        let next = self.params.len() + 1;
        let number = match self.dialect {
            Dialect::MySql => next,
            Dialect::Postgres | Dialect::Sqlite => *self.numbers.entry(name).or_insert(next),
        };
        if number == next {
            self.within(token, number)?;
            self.params.push(Param::Named(name.into()));
        }
        // Writing to a string cannot fail.
        let _ = match self.dialect {
            Dialect::Postgres => write!(self.text, "${number}"),
            Dialect::MySql => self.text.write_char('?'),
            Dialect::Sqlite => write!(self.text, "?{number}"),
        };
        Ok(())
    }

    fn position(&mut self, token: &Token, number: usize) -> Result<()> {
        if matches!(self.params.first(), Some(Param::Named(_))) {
            return Err(self.mixed(token));
        }
        self.within(token, number)?;
        self.params.extend((self.params.len()..number).map(Param::Position));
        Ok(())
    }

    /// The protocols of PostgreSQL and MySQL count parameters in 16 bits; SQLite's `SQLITE_MAX_VARIABLE_NUMBER`.
    fn within(&self, token: &Token, number: usize) -> Result<()> {
        let most = if self.dialect == Dialect::Sqlite { 32_766 } else { 65_535 };
        if (1..=most).contains(&number) {
            return Ok(());
        }
        Err(refuse(
            self.sql,
            token.start,
            &format!("a parameter beyond the {most} that the engine counts from 1"),
        ))
    }

    fn mixed(&self, token: &Token) -> trunkline_core::Error {
        refuse(
            self.sql,
            token.start,
            "named and positional parameters in one statement; use one kind, such as `:name`",
        )
    }
}
