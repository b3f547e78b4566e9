//! API tokens in memory.

use trunkline_core::{BoxFuture, Result, now_ms};

use super::MemoryStore;
use crate::{Stored, Tokens, tokens::taken};

impl Tokens for MemoryStore {
    fn list(&self) -> BoxFuture<'_, Result<Vec<Stored>>> {
        Box::pin(async {
            let state = self.state()?;
            let mut all: Vec<_> = state.tokens.iter().map(|(id, entry)| entry.stored(id)).collect();
            all.sort_by_key(|stored| stored.generation);
            Ok(all)
        })
    }

    fn add<'a>(&'a self, id: &'a str, document: &'a [u8]) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            let mut state = self.state()?;
            if state.tokens.contains_key(id) {
                return Err(taken());
            }
            let entry = state.entry(now_ms(), document);
            state.tokens.insert(id.to_owned(), entry);
            Ok(())
        })
    }

    fn remove<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<bool>> {
        Box::pin(async move { Ok(self.state()?.tokens.remove(id).is_some()) })
    }
}
