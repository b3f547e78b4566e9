//! Cuts a text of SQL into tokens, as finely as finding parameters, statements and calls needs.

use memchr::memmem;
use trunkline_core::{Error, Result};

use super::{Dialect, refuse, span};

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// White space.
    Blank,
    /// A comment that no engine executes.
    Comment,
    /// A keyword or an identifier without quotes.
    Word,
    /// An identifier in quotes; in MySQL also `"…"`, which is one under `ANSI_QUOTES`.
    Quoted,
    /// A string, of whatever form.
    Literal,
    /// A number.
    Number,
    /// `(`
    Open,
    /// `.`
    Dot,
    /// `;`
    Semicolon,
    /// `:name`
    Named,
    /// `$1` or `?1`
    Numbered,
    /// `?` where it is a placeholder.
    Mark,
    /// `\:`, which stands for a colon; before a `=`, `\:=`.
    Escaped,
    /// `:=`
    Assign,
    /// The `@` of a variable of MySQL.
    Variable,
    /// `/*!` or `/*M!`, from where the text is code.
    Executable,
    /// Anything else, such as an operator or a part of one.
    Other,
}

/// A token, and which bytes of the text it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// Yields the tokens of a text, which together are the text.
pub(super) struct Lexer<'a> {
    sql: &'a str,
    dialect: Dialect,
    at: usize,
    /// Where the executable comment opened that `at` is in.
    executable: Option<usize>,
    /// Whether the token before would swallow a placeholder, or a colon belongs to it: `a[1:n]`.
    glued: bool,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(sql: &'a str, dialect: Dialect) -> Self {
        Self { sql, dialect, at: 0, executable: None, glued: false }
    }

    /// The next token, or `None` at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Token>> {
        let start = self.at;
        let Some(&byte) = self.sql.as_bytes().get(start) else {
            return match self.executable {
                Some(open) => Err(self.open(open, "an executable comment")),
                None => Ok(None),
            };
        };
        let (kind, end) = self.token(byte, start)?;
        if self.executable.is_some() {
            self.certain(kind, start, end)?;
        }
        self.at = end;
        self.glued = matches!(kind, Kind::Word | Kind::Number | Kind::Named | Kind::Numbered | Kind::Mark);
        Ok(Some(Token { kind, start, end }))
    }

    fn token(&mut self, byte: u8, start: usize) -> Result<(Kind, usize)> {
        use Dialect::{MySql, Postgres, Sqlite};
        let bytes = self.sql.as_bytes();
        let next = bytes.get(start + 1).copied();
        Ok(match (byte, self.dialect) {
            (byte, _) if span::blank(byte) => {
                let run = bytes[start..].iter().take_while(|&&byte| span::blank(byte)).count();
                (Kind::Blank, start + run)
            }
            (b'\'', dialect) => {
                let end = span::quoted(bytes, start, dialect == MySql);
                (Kind::Literal, end.ok_or_else(|| self.open(start, "a string literal"))?)
            }
            (b'"', dialect) => {
                let end = span::quoted(bytes, start, dialect == MySql);
                (Kind::Quoted, end.ok_or_else(|| self.open(start, "a double quote"))?)
            }
            (b'`', MySql | Sqlite) => {
                let end = span::quoted(bytes, start, false);
                (Kind::Quoted, end.ok_or_else(|| self.open(start, "a quoted identifier"))?)
            }
            (b'[', Sqlite) => {
                let end = memchr::memchr(b']', &bytes[start..]);
                (Kind::Quoted, start + 1 + end.ok_or_else(|| self.open(start, "a quoted identifier"))?)
            }
            (b'-', dialect) if next == Some(b'-') && dashes(dialect, bytes.get(start + 2)) => {
                (Kind::Comment, span::line(bytes, start, dialect == Postgres))
            }
            (b'#', MySql) => (Kind::Comment, span::line(bytes, start, false)),
            (b'/', _) if next == Some(b'*') => self.comment(start)?,
            (b'*', MySql) if next == Some(b'/') && self.executable.take().is_some() => {
                (Kind::Other, start + 2)
            }
            (b';', _) => (Kind::Semicolon, start + 1),
            (b'(', _) => (Kind::Open, start + 1),
            (b'.', _) => (Kind::Dot, start + 1),
            (b':', _) => self.colon(start, next)?,
            (b'\\', Postgres | MySql) if next == Some(b':') => {
                (Kind::Escaped, start + 2 + usize::from(bytes.get(start + 2) == Some(&b'=')))
            }
            (b'$', Postgres) => self.dollar(start, next)?,
            (b'@', MySql) if next == Some(b'@') => (Kind::Other, start + 2),
            (b'@', MySql) => (Kind::Variable, start + 1),
            (b'$' | b'@' | b'#', Sqlite) => {
                return Err(refuse(self.sql, start, "a parameter of SQLite's own; write it as `:name`"));
            }
            (b'?', MySql) => (Kind::Mark, start + 1),
            (b'?', Sqlite) if next.is_some_and(|next| next.is_ascii_digit()) => {
                (Kind::Numbered, self.digits(start))
            }
            (b'?', Sqlite) => (Kind::Mark, start + 1),
            (b'0'..=b'9', _) => (Kind::Number, span::number(bytes, start)),
            (byte, _) if span::word(byte) => self.word(start)?,
            _ => (Kind::Other, start + 1),
        })
    }

    fn word(&self, start: usize) -> Result<(Kind, usize)> {
        let bytes = self.sql.as_bytes();
        let end = start + bytes[start..].iter().take_while(|&&byte| span::word(byte)).count();
        if self.dialect == Dialect::Postgres
            && matches!(bytes[start..end], [b'e' | b'E'])
            && bytes.get(end) == Some(&b'\'')
        {
            let end = span::escaped(bytes, end);
            return Ok((Kind::Literal, end.ok_or_else(|| self.open(start, "a string literal"))?));
        }
        Ok((Kind::Word, end))
    }

    fn comment(&mut self, start: usize) -> Result<(Kind, usize)> {
        let bytes = self.sql.as_bytes();
        let executable = match (self.dialect, &bytes[start + 2..]) {
            (Dialect::MySql, [b'!', ..]) => 1,
            (Dialect::MySql, [b'M', b'!', ..]) => 2,
            _ => 0,
        };
        if let Some(outer) = self.executable {
            return Err(refuse(
                self.sql,
                outer,
                "an executable comment with a comment in it; take one of them out",
            ));
        }
        if executable > 0 {
            self.executable = Some(start);
            return Ok((Kind::Executable, start + 2 + executable));
        }
        match span::comment(bytes, start, self.dialect == Dialect::Postgres) {
            Some(end) => Ok((Kind::Comment, end)),
            None if self.dialect == Dialect::Sqlite => Ok((Kind::Comment, bytes.len())),
            None => Err(self.open(start, "a comment")),
        }
    }

    fn colon(&self, start: usize, next: Option<u8>) -> Result<(Kind, usize)> {
        let sqlite = self.dialect == Dialect::Sqlite;
        let end = span::name(self.sql, start + 1);
        let doubled = start > 0 && self.sql.as_bytes()[start - 1] == b':';
        // SQLite binds every name after a colon, also one that is glued to something.
        if end > start + 1 && (sqlite || !self.glued && !doubled) {
            return Ok((Kind::Named, end));
        }
        match next {
            _ if sqlite => Err(refuse(self.sql, start, "a colon without a name; a parameter is `:name`")),
            Some(b'=') => Ok((Kind::Assign, start + 2)),
            Some(b':') => Ok((Kind::Other, start + 2)),
            _ => Ok((Kind::Other, start + 1)),
        }
    }

    fn dollar(&self, start: usize, next: Option<u8>) -> Result<(Kind, usize)> {
        if next.is_some_and(|next| next.is_ascii_digit()) {
            return Ok((Kind::Numbered, self.digits(start)));
        }
        let bytes = self.sql.as_bytes();
        // A `$` by itself is no SQL, and `$:name` would become `$$1`, which opens a quote.
        let Some(open) = span::delimiter(bytes, start) else {
            return Err(refuse(
                self.sql,
                start,
                "a `$` that begins neither `$1` nor a dollar quote; a named parameter is `:name`",
            ));
        };
        let close = memmem::find(&bytes[open..], &bytes[start..open]);
        let close = close.ok_or_else(|| self.open(start, "a dollar quote"))?;
        Ok((Kind::Literal, open + close + open - start))
    }

    fn digits(&self, start: usize) -> usize {
        let rest = &self.sql.as_bytes()[start + 1..];
        start + 1 + rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    }

    /// Servers that skip an executable comment end it at the first `*/`, and those that run it do not count that in a
    /// literal: refuses what would end at two places, or would bind a parameter only here or there.
    fn certain(&self, kind: Kind, start: usize, end: usize) -> Result<()> {
        let bytes = &self.sql.as_bytes()[start..end];
        let what = match kind {
            Kind::Semicolon => "an executable comment with a `;` in it; write it as a statement of its own",
            Kind::Named | Kind::Mark => {
                "a parameter in an executable comment, which some servers skip; take it out"
            }
            Kind::Literal | Kind::Quoted | Kind::Comment
                if memmem::find(bytes, b"*/").or_else(|| memmem::find(bytes, b"/*")).is_some() =>
            {
                "a `*/` or `/*` that only some servers count as the end of an executable comment; take it out"
            }
            _ => return Ok(()),
        };
        Err(refuse(self.sql, start, what))
    }

    fn open(&self, start: usize, what: &str) -> Error {
        refuse(self.sql, start, &format!("{what} that is not closed"))
    }
}

/// Do two dashes begin a comment before this byte?
fn dashes(dialect: Dialect, next: Option<&u8>) -> bool {
    dialect != Dialect::MySql || next.is_none_or(|&next| span::blank(next) || next.is_ascii_control())
}
