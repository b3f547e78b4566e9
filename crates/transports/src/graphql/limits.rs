//! How large a document may be, and what it may ask for.

use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result};

/// Limits of what documents may ask for. They are checked here, so that what is beyond them costs no request.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitsConfig {
    /// Fields within fields, fragments in their places. 50 unless set, 150 at most.
    #[serde(default)]
    depth: Option<u64>,
    /// What an operation may cost: the number of its fields with all fragments in their places, those below a field with
    /// an argument `first`, `last` or `limit` multiplied by it. A batch costs what all of it does. Unlimited unless set.
    #[serde(default)]
    cost: Option<u64>,
    /// Tokens of a document: its words, numbers, signs, blanks and comments. 15,000 unless set, 1,000,000 at most.
    #[serde(default)]
    tokens: Option<u64>,
}

/// The limits, checked.
#[derive(Debug)]
pub(super) struct Limits {
    depth: u32,
    cost: Option<u64>,
    pub(super) tokens: usize,
}

/// Fields that a document may unfold into whatever is configured: checking it against a schema takes time for each.
const UNFOLDED: u64 = 100_000;

impl LimitsConfig {
    /// Checks them.
    pub(super) fn open(&self) -> Result<Limits> {
        let within = |key: &str, value: Option<u64>, default: u64, most: u64| match value.unwrap_or(default) {
            value if (1..=most).contains(&value) => Ok(value),
            _ => Err(Error::invalid(format!("limits.{key}: must be from 1 to {most}"))),
        };
        let tokens = within("tokens", self.tokens, 15_000, 1_000_000)?;
        Ok(Limits {
            depth: u32::try_from(within("depth", self.depth, 50, 150)?).unwrap_or(u32::MAX),
            cost: self.cost.map(|cost| within("cost", Some(cost), 1, u64::MAX)).transpose()?,
            tokens: usize::try_from(tokens).unwrap_or(usize::MAX),
        })
    }
}

impl Limits {
    /// Whether an operation may be so deep.
    pub(super) fn deep(&self, depth: u32) -> Result<()> {
        match depth > self.depth {
            true => Err(Error::invalid(format!(
                "is {depth} fields deep; this integration allows {} (limits.depth)",
                self.depth
            ))),
            false => Ok(()),
        }
    }

    /// Whether an operation may unfold into so many fields.
    pub(super) fn unfolded(&self, fields: u64) -> Result<()> {
        match fields > UNFOLDED {
            true => Err(Error::invalid(format!("its fragments unfold into more than {UNFOLDED} fields"))),
            false => Ok(()),
        }
    }

    /// Whether anybody asks what an operation costs.
    pub(super) fn counts(&self) -> bool {
        self.cost.is_some()
    }

    /// Whether a request may cost so much.
    pub(super) fn costly(&self, cost: u64) -> Result<()> {
        match self.cost {
            Some(most) if cost > most => Err(Error::invalid(format!(
                "query: costs {cost}; this integration allows {most} (limits.cost)"
            ))),
            _ => Ok(()),
        }
    }
}
