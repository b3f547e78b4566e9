//! Judges what statements can do, from their words and calls alone. In doubt they are not harmless.
//!
//! What no text shows stays unseen: views, rules, triggers, row security, and user-defined operators, casts and
//! overloads of built-in functions, which can call anything. PostgreSQL's `SELECT t.f FROM t`, a call without
//! parentheses, is of these.

use super::{
    Dialect,
    harmless::{self, Effect},
    token::{Kind, Token},
};

/// What all statements of a text do, taken together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The first keyword of the first statement in upper case, parentheses before it skipped; empty where no word is.
    pub(crate) first: Box<str>,
    /// They read and do nothing else.
    pub(crate) reads: bool,
    /// They read, and call nothing that answers differently for the same rows.
    pub(crate) stable: bool,
    /// They leave nothing behind in the session: no setting, variable, temporary table, lock or prepared statement.
    /// (What `currval` and `last_insert_id` answer does not count.)
    pub(crate) clean: bool,
    /// One of them begins, ends or configures a transaction.
    pub(crate) control: bool,
}

/// Reads tokens and keeps what they say.
pub(super) struct Judge<'a> {
    sql: &'a str,
    dialect: Dialect,
    facts: Facts,
    any: bool,
    /// The first word of the statement, once something stands in it.
    first: Option<Word>,
    /// A name or string that is judged once it is known whether a parenthesis follows.
    pending: Option<Pending>,
    /// What stood before `pending`'s dotted name, if it was a bare word.
    lead: Word,
    last: Option<Kind>,
    /// Whether the name so far is `pg_catalog` and a dot.
    catalog: bool,
    /// Whether a query has begun within the statement, after which what `CREATE` allows ends.
    query: bool,
    index: bool,
    /// Whether an executable comment stands in the statement: nobody knows whether it runs.
    doubtful: bool,
}

#[derive(Clone, Copy)]
struct Pending {
    kind: Kind,
    word: Word,
    /// After a dot, so no keyword.
    dotted: bool,
    catalog: bool,
}

impl<'a> Judge<'a> {
    pub(super) fn new(sql: &'a str, dialect: Dialect) -> Self {
        let facts = Facts { first: "".into(), reads: true, stable: true, clean: true, control: false };
        Self {
            sql,
            dialect,
            facts,
            any: false,
            first: None,
            pending: None,
            lead: Word::EMPTY,
            last: None,
            catalog: false,
            query: false,
            index: false,
            doubtful: false,
        }
    }

    /// Takes the next token that is neither a blank nor a comment nor a semicolon.
    pub(super) fn take(&mut self, token: &Token) {
        let before = self.pending.take();
        if let Some(name) = before {
            self.settle(&name, Some(token.kind));
        }
        let dotted = self.last == Some(Kind::Dot);
        match token.kind {
            Kind::Word | Kind::Quoted | Kind::Literal => {
                if !dotted {
                    self.lead = match before {
                        Some(name) if name.kind == Kind::Word && !name.dotted => name.word,
                        _ => Word::EMPTY,
                    };
                }
                let word = Word::of(self.source(token));
                self.pending =
                    Some(Pending { kind: token.kind, word, dotted, catalog: dotted && self.catalog });
            }
            Kind::Dot => {
                self.catalog = before.is_some_and(|name| !name.dotted && name.word.as_str() == "pg_catalog");
            }
            Kind::Assign | Kind::Variable => self.effect(Effect::Unknown),
            // An assignment that was escaped.
            Kind::Escaped if token.end - token.start == 3 => self.effect(Effect::Unknown),
            Kind::Executable => self.doubtful = true,
            _ => {}
        }
        // The number is the version of an executable comment.
        let skipped = matches!(token.kind, Kind::Word | Kind::Open | Kind::Executable)
            || self.doubtful && token.kind == Kind::Number;
        if self.first.is_none() && !skipped {
            self.first = Some(Word::EMPTY);
        }
        self.last = Some(token.kind);
    }

    /// Ends the statement.
    pub(super) fn end(&mut self) {
        if let Some(name) = self.pending.take() {
            self.settle(&name, None);
        }
        if self.last.is_none() {
            return;
        }
        let first = self.first.unwrap_or(Word::EMPTY);
        let first = first.as_str();
        self.facts.reads &= !self.doubtful && harmless::READS.contains(&first);
        self.facts.clean &=
            !self.doubtful && (harmless::READS.contains(&first) || harmless::CLEAN.contains(&first));
        self.facts.control |= harmless::CONTROL.contains(&first);
        if !self.any {
            self.facts.first = first.to_ascii_uppercase().into();
        }
        self.any = true;
        (self.first, self.last, self.lead) = (None, None, Word::EMPTY);
        (self.catalog, self.query, self.index, self.doubtful) = (false, false, false, false);
    }

    /// What was found; nothing good of a text without statements.
    pub(super) fn finish(mut self) -> Facts {
        self.facts.reads &= self.any;
        self.facts.clean &= self.any;
        self.facts.stable &= self.facts.reads;
        self.facts
    }

    /// Judges a name now that what follows it is known.
    fn settle(&mut self, name: &Pending, next: Option<Kind>) {
        let word = name.word.as_str();
        let called = next == Some(Kind::Open);
        if name.kind != Kind::Word {
            return self.settle_quoted(name, called, next == Some(Kind::Dot));
        }
        if !name.dotted {
            let Some(first) = self.first else {
                self.first = Some(name.word);
                self.query = matches!(word, "select" | "with" | "values");
                return;
            };
            self.keyword(word, called);
            if (self.doubtful && harmless::CONTROL.contains(&word))
                || ((self.doubtful || matches!(first.as_str(), "set" | "prepare"))
                    && (word.contains("transaction") || word == "autocommit"))
            {
                self.facts.control = true;
            }
        }
        // MariaDB's `sequence.nextval`, in its mode for Oracle.
        self.facts.reads &= word != "nextval";
        self.facts.clean &= !word.starts_with("pg_temp");
        if called && !self.names_a_table() {
            let known = !name.dotted || name.catalog;
            self.effect(if known { harmless::effect(word) } else { Effect::Unknown });
        } else if !name.dotted && harmless::CLOCKS.contains(&word) {
            self.effect(Effect::Varies);
        }
        // SQLite's functions of time read the clock when they are told `now`, or nothing.
        if called && self.dialect == Dialect::Sqlite && harmless::TIMES.contains(&word) {
            self.effect(Effect::Varies);
        }
    }

    fn settle_quoted(&mut self, name: &Pending, called: bool, qualifies: bool) {
        let word = name.word.as_str();
        let inner = word.get(1..word.len().saturating_sub(1)).unwrap_or_default();
        if called && !self.names_a_table() {
            self.effect(Effect::Unknown);
        }
        // The schema of temporary tables, or a name too long or too strange to tell.
        if qualifies && (inner.is_empty() || inner.starts_with("temp") || inner.starts_with("pg_temp")) {
            self.facts.clean = false;
        }
        let first = self.first.unwrap_or(Word::EMPTY);
        self.facts.control |= first.as_str() == "set" && name.kind == Kind::Quoted;
    }

    /// Judges a bare word that is not the first of its statement.
    fn keyword(&mut self, word: &str, called: bool) {
        let (first, lead) = (self.first.unwrap_or(Word::EMPTY), self.lead);
        let (first, lead) = (first.as_str(), lead.as_str());
        self.query |= matches!(word, "select" | "with" | "values");
        self.index |= word == "index";
        let locks = lead == "for" && matches!(word, "update" | "share" | "no" | "key");
        // MariaDB's `NEXT VALUE FOR sequence`.
        let next = lead == "value" && word == "for";
        let charset = lead == "character" && word == "set";
        let writes =
            (!called || word == "set") && first != "show" && !charset && harmless::WRITES.contains(&word);
        if locks || next || writes {
            self.facts.reads = false;
        }
        let into = word == "into" && !harmless::INSERTS.contains(&lead);
        if into || harmless::LEAVES.contains(&word) {
            self.facts.clean = false;
        }
    }

    /// Does a list of columns follow the name, since it stands where a table is named?
    fn names_a_table(&self) -> bool {
        let first = self.first.unwrap_or(Word::EMPTY);
        let creates = matches!(first.as_str(), "create" | "alter" | "drop") && !self.query;
        match self.lead.as_str() {
            "into" | "table" | "exists" | "references" | "as" | "recursive" => true,
            "with" => first.as_str() == "with" || !creates,
            "key" | "index" | "view" | "function" | "procedure" | "constraint" => creates,
            "on" => creates && self.index,
            _ => false,
        }
    }

    fn effect(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Varies => self.facts.stable = false,
            Effect::Sequence => self.facts.reads = false,
            Effect::Unknown => (self.facts.reads, self.facts.clean) = (false, false),
        }
    }

    fn source(&self, token: &Token) -> &'a str {
        let text = &self.sql[token.start..token.end];
        // `U&"…"` can spell any name; nothing is told of it.
        let unicode = self.dialect == Dialect::Postgres && self.sql[..token.start].ends_with('&');
        if unicode { "" } else { text }
    }
}

/// A word in lower case, to compare with keywords; empty where it is longer than any or holds more than ASCII.
#[derive(Clone, Copy)]
struct Word {
    bytes: [u8; Self::MOST],
    len: u8,
}

impl Word {
    const MOST: usize = 40;
    const EMPTY: Self = Self { bytes: [0; Self::MOST], len: 0 };

    fn of(source: &str) -> Self {
        let mut word = Self::EMPTY;
        if source.is_ascii()
            && let Some(bytes) = word.bytes.get_mut(..source.len())
        {
            bytes.copy_from_slice(source.as_bytes());
            bytes.make_ascii_lowercase();
            word.len = source.len() as u8;
        }
        word
    }

    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.len)]).expect("only ASCII is kept")
    }
}
