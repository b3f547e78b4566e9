//! `Part`: what belongs to an integration and is stored under a name of its own.

use std::ops::Range;

/// The connection that every integration has.
const DEFAULT: &str = "default";

/// What belongs to an integration and changes by itself.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What it is.
    pub kind: PartKind,
    /// The integration's id.
    pub integration: &'a str,
    /// The connection's name.
    pub connection: &'a str,
}

/// What a [`Part`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PartKind {
    /// The configuration of a connection.
    Connection,
    /// What was granted to a connection, such as tokens.
    Grant,
}

impl PartKind {
    pub(crate) const ALL: [Self; 2] = [Self::Connection, Self::Grant];

    fn prefix(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Grant => "grant",
        }
    }

    /// Before the name of every such part of an integration. No id of an integration has a slash in it.
    pub(crate) fn of(self, integration: &str) -> String {
        format!("{}/{integration}/", self.prefix())
    }

    /// The keys of all such parts of an integration that come after a connection.
    pub(crate) fn after(self, integration: &str, connection: &str) -> Range<String> {
        // `0` is what follows the slash; no name is empty.
        let (prefix, start) = (self.prefix(), format!("{}{connection}", self.of(integration)));
        start..format!("{prefix}/{integration}0")
    }
}

impl Part<'_> {
    /// The key that it is stored under.
    pub(crate) fn key(&self) -> String {
        format!("{}{}", self.kind.of(self.integration), self.connection)
    }

    /// The connection that must be there for this to begin. `default` is every integration's own, and those that are
    /// not in the store have it too.
    pub(crate) fn owner(self) -> Option<Self> {
        let owned = self.kind == PartKind::Grant && self.connection != DEFAULT;
        owned.then_some(Self { kind: PartKind::Connection, ..self })
    }

    /// What was granted to the same connection.
    pub(crate) fn grant(self) -> Self {
        Self { kind: PartKind::Grant, ..self }
    }
}
