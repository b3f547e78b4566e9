//! `Disk`: a directory as a disk has it, whose power may fail.

use std::{
    collections::{BTreeMap, HashMap},
    fs::OpenOptions,
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use fastrand::Rng;

use crate::trace::Event;

/// The unit that is written whole or not at all.
const SECTOR: usize = 512;

/// Files and their names: what is on the disk for good, and what nobody has waited for yet.
#[derive(Default)]
pub(crate) struct Disk {
    files: HashMap<u64, File>,
    names: BTreeMap<String, u64>,
    /// Changes of names since the directory was synchronised.
    renaming: Vec<Naming>,
}

#[derive(Default)]
struct File {
    content: Vec<u8>,
    /// What was done since the file was synchronised.
    pending: Vec<Change>,
}

enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Truncate { length: usize },
}

enum Naming {
    Add(String, u64),
    Rename(String, String),
    Remove(String),
}

impl Disk {
    /// Takes part in what happened.
    pub(crate) fn apply(&mut self, event: &Event) {
        let size = |number: u64| usize::try_from(number).unwrap();
        match event {
            Event::Create { name, inode } => {
                let known = self.names_now().get(name) == Some(inode);
                if !known {
                    // A number that was given back may come again.
                    self.files.insert(*inode, File::default());
                    self.renaming.push(Naming::Add(name.clone(), *inode));
                }
            }
            Event::Write { inode, at, bytes } => {
                self.of(*inode).push(Change::Write { at: size(*at), bytes: bytes.clone() });
            }
            Event::Truncate { inode, length } => {
                self.of(*inode).push(Change::Truncate { length: size(*length) });
            }
            Event::Sync { inode } => {
                let file = self.files.entry(*inode).or_default();
                file.pending.drain(..).for_each(|change| change.apply(&mut file.content));
            }
            Event::Rename { from, to } => self.renaming.push(Naming::Rename(from.clone(), to.clone())),
            Event::Remove { name } => self.renaming.push(Naming::Remove(name.clone())),
            Event::SyncDirectory => {
                self.names = self.names_now();
                self.renaming.clear();
            }
            Event::Said(_) => {}
        }
    }

    fn of(&mut self, inode: u64) -> &mut Vec<Change> {
        &mut self.files.entry(inode).or_default().pending
    }

    fn names_now(&self) -> BTreeMap<String, u64> {
        let mut names = self.names.clone();
        self.renaming.iter().for_each(|naming| naming.apply(&mut names));
        names
    }

    /// Writes into `dir` what the disk may hold when the power fails now.
    ///
    /// What was synchronised is there. Of what was not, names changed in order up to some point, as journals
    /// of file systems do it; of the content any sectors, whichever the disk happened to get to.
    pub(crate) fn fail(&self, rng: &mut Rng, dir: &Path) {
        let mut names = self.names.clone();
        self.renaming[..rng.usize(..=self.renaming.len())].iter().for_each(|naming| naming.apply(&mut names));
        for (name, inode) in names {
            let file = &self.files[&inode];
            let mut content = file.content.clone();
            // All in order up to a point, or any: the first is what mostly happens, the second what may.
            let reached = if rng.bool() { rng.usize(..=file.pending.len()) } else { usize::MAX };
            let any = reached == usize::MAX;
            for (number, change) in file.pending.iter().enumerate() {
                match change {
                    _ if number > reached => {}
                    Change::Write { at, bytes } if any || number == reached => {
                        for part in sectors(*at, bytes).filter(|_| rng.bool()) {
                            part.apply(&mut content);
                        }
                    }
                    Change::Truncate { .. } if any && rng.bool() => {}
                    change => change.apply(&mut content),
                }
            }
            let mut private = OpenOptions::new();
            private.write(true).create_new(true).mode(0o600);
            private.open(dir.join(name)).unwrap().write_all(&content).unwrap();
        }
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Truncate { length } => content.resize(*length, 0),
        }
    }
}

impl Naming {
    fn apply(&self, names: &mut BTreeMap<String, u64>) {
        match self {
            Self::Add(name, inode) => drop(names.insert(name.clone(), *inode)),
            Self::Rename(from, to) => {
                let inode = names.remove(from).unwrap();
                names.insert(to.clone(), inode);
            }
            Self::Remove(name) => drop(names.remove(name)),
        }
    }
}

/// A write cut along the sectors of the disk.
fn sectors(at: usize, bytes: &[u8]) -> impl Iterator<Item = Change> {
    let first = (SECTOR - at % SECTOR).min(bytes.len());
    let (head, rest) = bytes.split_at(first);
    let rest = rest.chunks(SECTOR).enumerate().map(move |(n, part)| (at + first + n * SECTOR, part));
    std::iter::once((at, head)).chain(rest).map(|(at, part)| Change::Write { at, bytes: part.to_vec() })
}
