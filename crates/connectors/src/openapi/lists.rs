//! `Lists`: in which ways the lists of actions come in pages, each way once.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::{names, notes::Notes};
use crate::{Action, Pages};

/// The name of the way that holds for whatever else is asked for in pages.
const USUAL: &str = "default";

/// Ways by their names, and the actions whose lists come so.
#[derive(Debug, Default)]
pub(super) struct Lists(BTreeMap<String, (Pages, BTreeSet<String>)>);

impl Lists {
    /// That the list of an action comes so.
    pub(super) fn add(&mut self, action: &str, name: String, pages: Pages) {
        let same = self.0.values_mut().find(|(known, _)| json!(known) == json!(pages));
        if let Some((_, actions)) = same {
            actions.insert(action.to_owned());
            return;
        }
        let name = names::unique(name, &mut self.0.keys().cloned().collect());
        self.0.insert(name, (pages, BTreeSet::from([action.to_owned()])));
    }

    /// Tells the actions, and what of it is a guess. The way of most lists is the usual one.
    pub(super) fn finish(
        self,
        actions: &mut BTreeMap<String, Action>,
        notes: &Notes,
    ) -> BTreeMap<String, Pages> {
        let all: usize = self.0.values().map(|(_, actions)| actions.len()).sum();
        let named = self.0.into_iter().map(|(name, (pages, of))| {
            let name = if of.len() * 2 > all { USUAL.to_owned() } else { name };
            let some = of.iter().take(3).map(|action| format!("`{action}`")).collect::<Vec<_>>().join(", ");
            let more = if of.len() > 3 { format!(" and {} more", of.len() - 3) } else { String::new() };
            notes.tell(
                "paths",
                format!("that lists come in pages as `{name}` says is a guess by names, for {some}{more}"),
            );
            for action in of {
                if let Some(action) = actions.get_mut(&action) {
                    action.pages = Some(name.clone());
                }
            }
            (name, pages)
        });
        named.collect()
    }
}
