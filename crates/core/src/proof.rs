//! `Proof`: what a probe found out about a service.

/// What a probe found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What was proved: `answered`, or `reachable_only` where nobody was asked anything.
    pub reason: &'static str,
    /// What the service says of itself, such as its `version` and its `role` in a replication.
    pub facts: Vec<(&'static str, String)>,
    /// What somebody should know though it works, such as a role that may do more than it has to.
    pub warning: Option<String>,
}

impl Proof {
    /// The service answered a question.
    pub const ANSWERED: Self = Self { reason: "answered", facts: Vec::new(), warning: None };

    /// A connection could be made, and nothing was asked.
    pub const REACHABLE_ONLY: Self = Self { reason: "reachable_only", facts: Vec::new(), warning: None };

    /// The same, with what the service says of itself.
    #[must_use]
    pub fn fact(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((name, value.into()));
        self
    }
}
