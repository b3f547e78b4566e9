//! Queues in memory.

use crate::{common::unique, rules::Broker};

struct Memory(String);

impl Broker for Memory {
    async fn start() -> Option<Self> {
        Some(Self(unique("shelf")))
    }

    fn url(&self) -> String {
        format!("memory://{}", self.0)
    }
}

rules!(Memory);
