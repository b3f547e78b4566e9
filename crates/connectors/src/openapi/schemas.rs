//! `Schemas`: schemas of what is given to a service, as one JSON Schema of today that stands by itself: what it refers to is in `$defs`.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashMap, VecDeque},
};

use serde_json::{Map, Value, json};

use super::{
    cycles::{self, DEFS},
    document::Document,
    inline::inline,
    names,
    notes::Notes,
};

/// How many schemas lie within one another, and with all that they refer to. A manifest has at most 64 levels of YAML, of which
/// a schema is two; and what checks by a schema goes as deep as that does.
const WITHIN: usize = 20;
const DEPTH: usize = 50;

/// What is the same for all schemas that are made of a document.
#[derive(Debug)]
pub(super) struct Workshop<'a> {
    pub(super) document: &'a Document,
    pub(super) notes: &'a Notes,
    /// Patterns, and whether they are regular expressions.
    patterns: RefCell<HashMap<String, bool>>,
}

/// One schema in the making.
#[derive(Debug)]
pub(super) struct Schemas<'a, 'w> {
    pub(super) shop: &'w Workshop<'a>,
    /// Where the document has it.
    pub(super) place: String,
    /// The keys below that place.
    pub(super) path: Vec<&'a str>,
    /// Definitions by what refers to them.
    defs: HashMap<&'a str, String>,
    taken: BTreeSet<String>,
    /// Each with how deep it lies.
    left: VecDeque<(&'a str, String, usize)>,
    /// How many schemas the one that is being made lies within, references followed, and in its own definition alone.
    depth: usize,
    within: usize,
    /// How many schemas it consists of, values of enumerations included, and how many it may.
    size: usize,
    most: usize,
}

impl<'a> Workshop<'a> {
    pub(super) fn new(document: &'a Document, notes: &'a Notes) -> Self {
        Self { document, notes, patterns: RefCell::default() }
    }

    /// Whether the checker knows what to do with a pattern.
    pub(super) fn is_pattern(&self, pattern: &str) -> bool {
        if let Some(known) = self.patterns.borrow().get(pattern) {
            return *known;
        }
        let is = jsonschema::options().build(&json!({ "pattern": pattern })).is_ok();
        self.patterns.borrow_mut().insert(pattern.to_owned(), is);
        is
    }
}

impl<'a, 'w> Schemas<'a, 'w> {
    /// One that has at most so many parts, and is at `place` in the document.
    pub(super) fn new(shop: &'w Workshop<'a>, most: usize, place: &str) -> Self {
        Self {
            shop,
            place: place.to_owned(),
            path: Vec::new(),
            defs: HashMap::new(),
            taken: BTreeSet::new(),
            left: VecDeque::new(),
            depth: 0,
            within: 0,
            size: 0,
            most,
        }
    }

    /// Notes something about the part that is being made.
    pub(super) fn tell(&self, what: impl Into<String>) {
        let mut place = self.place.clone();
        for key in &self.path {
            place.push('.');
            place.push_str(key);
        }
        self.shop.notes.tell(place, what);
    }

    /// Room for so many parts more; `false` where there is none.
    pub(super) fn take(&mut self, parts: usize) -> bool {
        self.size = self.size.saturating_add(parts);
        !self.is_full()
    }

    pub(super) fn is_full(&self) -> bool {
        self.size > self.most
    }

    /// Goes into a schema within the one that is being made; `false` where that lies too deep to be read again.
    pub(super) fn enter(&mut self) -> bool {
        let fits = self.within < WITHIN && self.depth < DEPTH;
        if fits {
            self.within += 1;
            self.depth += 1;
        } else {
            self.tell("lies too deep; anything goes there");
        }
        fits
    }

    /// Comes back from there.
    pub(super) fn leave(&mut self) {
        self.within -= 1;
        self.depth -= 1;
    }

    /// How many parts it has.
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The reference in this schema for one in the document.
    pub(super) fn reference(&mut self, to: &'a str) -> Option<String> {
        if let Some(name) = self.defs.get(to) {
            return Some(format!("{DEFS}{name}"));
        }
        if let Err(what) = self.shop.document.find(to) {
            self.tell(format!("{what}; anything goes there"));
            return None;
        }
        let last = to.rsplit('/').next().unwrap_or_default();
        let kept = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
        let name: String = last.chars().map(kept).take(100).collect();
        let name = names::unique(if name.is_empty() { "root".to_owned() } else { name }, &mut self.taken);
        self.defs.insert(to, name.clone());
        self.left.push_back((to, name.clone(), self.depth));
        Some(format!("{DEFS}{name}"))
    }

    /// Completes a schema with the definitions that it refers to.
    pub(super) fn finish(&mut self, schema: &mut Map<String, Value>) {
        let whole = self.place.clone();
        let mut defs = Map::new();
        while let Some((to, name, depth)) = self.left.pop_front() {
            (self.depth, self.within) = (depth, 0);
            self.place = to.trim_start_matches(['#', '/']).replace('/', ".");
            self.path.clear();
            let made = match self.shop.document.find(to) {
                Ok(found) if !self.is_full() => self.schema(found),
                _ => json!({ "title": name }),
            };
            defs.insert(name, made);
        }
        for name in cycles::circles(&defs) {
            let to = format!("components.schemas.{name}");
            self.shop.notes.tell(to, "leads back to itself in a circle; anything goes there");
            defs.insert(name, json!({}));
        }
        self.place = whole;
        self.path.clear();
        if self.is_full() {
            self.tell(format!("is larger than {} schemas; what lies deeper is not described", self.most));
        }
        inline(schema, &mut defs);
        if !defs.is_empty() {
            schema.insert("$defs".to_owned(), defs.into());
        }
    }
}
