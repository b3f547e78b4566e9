//! `Finding`: something that is wrong with a manifest or its exchanges, and where.

use trunkline_core::Error;

use crate::{lines::Lines, template::below};

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line where it is, or begins, as far as that is known. The first is 1.
    pub line: Option<u64>,
    /// What it is, after the path to it.
    pub message: String,
}

/// Where findings are in a text.
#[derive(Debug)]
pub struct Places(Lines);

impl Places {
    /// Those of a document that can be read.
    pub fn of(text: &str) -> Self {
        Self(Lines::of(text))
    }

    /// The findings that errors are, in the order of their lines.
    pub(crate) fn all(&self, wrong: &[Error]) -> Vec<Finding> {
        let mut all: Vec<_> = wrong.iter().map(|error| self.find(error)).collect();
        all.sort_by_key(|finding| finding.line);
        all
    }

    /// The finding that an error is whose message begins with a path.
    pub fn find(&self, error: &Error) -> Finding {
        let message = error.message().to_owned();
        // `auth.key: inputs: …` is at `auth.key.inputs`. A step with spaces is one where it is there.
        let mut path = String::new();
        for step in message.split(": ") {
            let longer = below(&path, step);
            if step.is_empty() || step.contains(' ') && !self.0.has(&longer) {
                break;
            }
            path = longer;
        }
        Finding { line: self.0.find(&path), message }
    }
}
