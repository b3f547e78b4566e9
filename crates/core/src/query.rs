//! `Query`: a GraphQL document or SQL statements, and what is wanted of the result.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::{Error, Result};

/// A GraphQL document, or SQL statements, with their parameters.
#[derive(Debug, Clone)]
pub struct Query {
    /// The document, or the statement; several of them are one transaction in SQL, all of it or nothing, and one batch
    /// in GraphQL.
    pub statements: Vec<Statement>,
    /// Files that variables of a GraphQL document stand for.
    pub files: Vec<File>,
    /// Whether it certainly only reads: the transport sees to that, or could tell when it parsed it.
    pub read_only: bool,
    /// How long the caller wants to wait for the call at most. The integration's own time limit holds as well.
    pub timeout: Option<Duration>,
    /// How long the reply may be kept for others, if the caller said so; what the integration is configured with holds
    /// where it did not.
    pub ttl: Option<Duration>,
    /// How much of the result is wanted, and in which shape.
    pub wanted: Wanted,
}

/// A statement and its parameters.
#[derive(Debug, Clone)]
pub struct Statement {
    /// The document or statement.
    pub text: Arc<str>,
    /// Its variables or parameters, as the caller wrote them.
    pub params: Option<Box<RawValue>>,
    /// Which operation of a GraphQL document to run.
    pub operation_name: Option<Box<str>>,
    /// What goes along with a GraphQL document, as the caller wrote it.
    pub extensions: Option<Box<RawValue>>,
}

impl Statement {
    /// A document or statement without parameters.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self { text: text.into(), params: None, operation_name: None, extensions: None }
    }
}

/// A file that goes along with a GraphQL document.
#[derive(Debug, Clone)]
pub struct File {
    /// Which variable it is, as a path such as `variables.file` or `variables.files.0`.
    pub path: String,
    /// The name it has for the service.
    pub name: String,
    /// Its media type.
    pub media: String,
    /// What is in it.
    pub content: Bytes,
}

/// How much of a result is wanted, and in which shape.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    /// At most so many rows.
    pub max_rows: Option<u64>,
    /// At most so many bytes.
    pub max_bytes: Option<u64>,
    /// Rows as arrays in the order of the columns, not as objects.
    pub arrays: bool,
    /// Rows one by one as they come (NDJSON), not as one document.
    pub stream: bool,
    /// Events as they happen ([`Events`](crate::Events)), for as long as somebody reads: a GraphQL subscription.
    pub events: bool,
    /// The service itself is to refuse anything that writes.
    pub read_only: bool,
}

impl Query {
    /// A document or statement without parameters.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self {
            statements: vec![Statement::new(text)],
            files: Vec::new(),
            read_only: false,
            timeout: None,
            ttl: None,
            wanted: Wanted::default(),
        }
    }

    /// Sets the variables or parameters of the last statement.
    ///
    /// # Errors
    ///
    /// `invalid_config` when the value cannot be written as JSON.
    pub fn params(mut self, params: &impl Serialize) -> Result<Self> {
        let params = serde_json::value::to_raw_value(params)
            .map_err(|error| Error::invalid("params: cannot be written as JSON").source(error))?;
        if let Some(statement) = self.statements.last_mut() {
            statement.params = Some(params);
        }
        Ok(self)
    }

    /// Says that it only reads. A database is then asked to refuse anything else.
    #[must_use]
    pub fn read_only(mut self) -> Self {
        self.read_only = true;
        self.wanted.read_only = true;
        self
    }

    /// The text of the document, or of the first statement.
    pub fn text(&self) -> &str {
        self.statements.first().map_or("", |statement| &statement.text)
    }
}
