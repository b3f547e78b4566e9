//! `Notes`: what of a document could not be carried over, once each.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet, HashSet},
};

use serde::Serialize;
use serde_json::Value;

/// More than this is read by nobody; the rest is counted.
const MOST: usize = 50_000;
/// How much of a name that the document made up is shown, in characters.
const SHOWN: usize = 200;

/// Something of a document that is not in the manifest, is there in another way, or is a guess.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
pub struct LeftOut {
    /// Where it is in the document, such as `paths./pets.get.parameters.tags`; empty for the document as a whole.
    pub place: String,
    /// What it is, and what holds instead.
    pub what: String,
}

/// What was noted so far.
#[derive(Debug, Default)]
pub(super) struct Notes(RefCell<Noted>);

#[derive(Debug, Default)]
struct Noted {
    list: Vec<LeftOut>,
    known: HashSet<LeftOut>,
    more: usize,
    /// What holds at many places in the same way: where first, and at how many more.
    often: BTreeMap<String, (String, usize)>,
    extensions: BTreeSet<String>,
}

impl Notes {
    /// Notes something.
    pub(super) fn tell(&self, place: impl Into<String>, what: impl Into<String>) {
        let note = LeftOut { place: place.into(), what: what.into() };
        let noted = &mut *self.0.borrow_mut();
        if noted.list.len() == MOST {
            noted.more += 1;
        } else if noted.known.insert(note.clone()) {
            noted.list.push(note);
        }
    }

    /// Notes something that is the same at many places, and takes nothing away: all of them are one note.
    pub(super) fn often(&self, place: impl Into<String>, what: impl Into<String>) {
        let often = &mut self.0.borrow_mut().often;
        often.entry(what.into()).and_modify(|(_, more)| *more += 1).or_insert_with(|| (place.into(), 0));
    }

    /// Notes the keys of an object that are not among these.
    pub(super) fn keys(&self, object: &Value, known: &[&str], place: &str) {
        let keys = object.as_object().into_iter().flat_map(|object| object.keys());
        for key in keys.filter(|key| !known.contains(&key.as_str())) {
            if !self.extension(key) {
                self.tell(place, format!("`{}` is not known, and passed over", shown(key)));
            }
        }
    }

    /// Whether a key is one that vendors make up for themselves. They are told of together.
    pub(super) fn extension(&self, key: &str) -> bool {
        let is = key.starts_with("x-");
        if is {
            let extensions = &mut self.0.borrow_mut().extensions;
            if extensions.len() < MOST && !extensions.contains(key) {
                extensions.insert(shown(key));
            }
        }
        is
    }

    /// Notes all that others noted.
    pub(super) fn append(&self, other: Self) {
        let other = other.0.into_inner();
        other.list.into_iter().for_each(|note| self.tell(note.place, note.what));
        let noted = &mut *self.0.borrow_mut();
        noted.more += other.more;
        noted.extensions.extend(other.extensions);
        for (what, (place, more)) in other.often {
            noted.often.entry(what).or_insert((place, 0)).1 += more;
        }
    }

    /// All of them.
    pub(super) fn finish(self) -> Vec<LeftOut> {
        let Noted { mut list, more, often, extensions, .. } = self.0.into_inner();
        list.extend(often.into_iter().map(|(what, (place, more))| match more {
            0 => LeftOut { place, what },
            more => LeftOut { place, what: format!("{what}; so it is at {more} more places") },
        }));
        let mut whole = |what| list.push(LeftOut { place: String::new(), what });
        if !extensions.is_empty() {
            let names = extensions.into_iter().collect::<Vec<_>>().join(", ");
            whole(format!("extensions of vendors are not read: {names}"));
        }
        if more > 0 {
            whole(format!("{more} more such notes"));
        }
        list
    }
}

/// A name as far as it is shown.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| !c.is_control()).take(SHOWN).collect()
}
