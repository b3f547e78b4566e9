//! `Statements`: what a session has prepared at the server, found again by its text.

use std::sync::Arc;

use super::types::{Oid, Writer};
use crate::sql::{output::Header, scan::Scanned};

/// How many a session keeps; each costs the server some tens of kilobytes.
const MOST: usize = 100;

/// A longer text is prepared for one job: it is made by a program, and will not come again.
const LONGEST: usize = 16 * 1024;

/// A statement that the server knows.
#[derive(Debug)]
pub(super) struct Prepared {
    /// What the server calls it; empty for the one without a name.
    pub(super) name: String,
    /// The types of its parameters.
    pub(super) params: Vec<Oid>,
    /// Its columns, as the reply shows them.
    pub(super) header: Arc<Header>,
    /// What writes the value of each.
    pub(super) writers: Vec<Writer>,
}

/// The statements of one session.
#[derive(Debug, Default)]
pub(super) struct Statements {
    known: Vec<Entry>,
    clock: u64,
    named: u64,
}

#[derive(Debug)]
struct Entry {
    plan: Arc<Scanned>,
    prepared: Arc<Prepared>,
    used: u64,
}

impl Statements {
    /// The statement of this text, if it was prepared.
    pub(super) fn get(&mut self, plan: &Arc<Scanned>) -> Option<Arc<Prepared>> {
        let entry = self
            .known
            .iter_mut()
            .find(|entry| Arc::ptr_eq(&entry.plan, plan) || entry.plan.text == plan.text)?;
        self.clock += 1;
        entry.used = self.clock;
        Some(entry.prepared.clone())
    }

    /// A name that no statement of the session has had.
    pub(super) fn name(&mut self) -> String {
        self.named += 1;
        format!("t{}", self.named)
    }

    /// Whether one is to be kept.
    pub(super) fn takes(plan: &Scanned) -> bool {
        plan.text.len() <= LONGEST
    }

    /// Keeps a statement; gives back the one that has to be closed for it.
    pub(super) fn keep(&mut self, plan: &Arc<Scanned>, prepared: Arc<Prepared>) -> Option<Arc<Prepared>> {
        self.clock += 1;
        let entry = Entry { plan: plan.clone(), prepared, used: self.clock };
        if self.known.len() < MOST {
            self.known.push(entry);
            return None;
        }
        let oldest = self.known.iter_mut().min_by_key(|entry| entry.used)?;
        Some(std::mem::replace(oldest, entry).prepared)
    }

    /// Forgets one that is no longer what it was, and gives it back to be closed.
    pub(super) fn forget(&mut self, plan: &Scanned) -> Option<Arc<Prepared>> {
        let place = self.known.iter().position(|entry| entry.plan.text == plan.text)?;
        Some(self.known.swap_remove(place).prepared)
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.known.clear();
    }
}
