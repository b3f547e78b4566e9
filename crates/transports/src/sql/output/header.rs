//! `Header`: the columns of a result, rendered once for a statement that is run often.

use std::collections::{HashMap, HashSet};

use crate::sql::json;

/// The columns of a result.
#[derive(Debug, Default)]
pub(crate) struct Header {
    /// The column map: `[{"name":"id","type":"int8"}]`.
    pub(super) columns: Vec<u8>,
    /// What stands before the value of each column in a row that is an object: `{"id":`, `,"name":`.
    pub(super) keys: Vec<Box<[u8]>>,
}

impl Header {
    /// For columns by name and type, both as the engine has them. A name that has been there gets a key of its own,
    /// `id_2`, so that no value is lost; the column map tells both.
    pub(crate) fn new<'a>(columns: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let columns: Vec<_> = columns.into_iter().collect();
        let mut header = Self { columns: b"[".to_vec(), keys: Vec::with_capacity(columns.len()) };
        let mut keys = Keys::new(columns.iter().map(|(name, _)| *name));
        for (n, (name, r#type)) in columns.iter().enumerate() {
            let key = keys.of(name);
            let map = &mut header.columns;
            map.extend_from_slice(if n == 0 { br#"{"name":"# } else { br#",{"name":"# });
            json::text(map, name);
            if key != *name {
                map.extend_from_slice(br#","key":"#);
                json::text(map, &key);
            }
            map.extend_from_slice(br#","type":"#);
            json::text(map, r#type);
            map.push(b'}');
            let mut prefix = vec![if n == 0 { b'{' } else { b',' }];
            json::text(&mut prefix, &key);
            prefix.push(b':');
            header.keys.push(prefix.into());
        }
        header.columns.push(b']');
        header
    }

    /// Of a statement that yields no rows.
    pub(crate) fn none() -> Self {
        Self::new([])
    }
}

/// Gives each column a key of its own. Thousands may have the same name.
struct Keys<'a> {
    /// Names of columns, and keys that were made up: no other column gets one of these.
    taken: HashSet<String>,
    /// How often each name has been there.
    seen: HashMap<&'a str, usize>,
}

impl<'a> Keys<'a> {
    fn new(names: impl Iterator<Item = &'a str>) -> Self {
        Self { taken: names.map(str::to_owned).collect(), seen: HashMap::new() }
    }

    fn of(&mut self, name: &'a str) -> String {
        let seen = self.seen.entry(name).or_insert(0);
        *seen += 1;
        if *seen == 1 {
            return name.to_owned();
        }
        loop {
            let key = format!("{name}_{seen}");
            if self.taken.insert(key.clone()) {
                return key;
            }
            *seen += 1;
        }
    }
}
