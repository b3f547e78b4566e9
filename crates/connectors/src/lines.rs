//! `Lines`: at which line of a document its keys are.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::Spanned;

use crate::yaml;

/// A document, of which no more is known than where its parts are.
#[derive(Debug)]
pub(crate) enum Lines {
    /// A text, or something else that has no parts.
    Leaf(Option<String>),
    /// Keys with their lines.
    Map(Vec<(String, u64, Lines)>),
    /// Items with their lines.
    List(Vec<(u64, Lines)>),
}

impl Lines {
    /// Those of a document that can be read.
    pub(crate) fn of(text: &str) -> Self {
        yaml::read(text).unwrap_or(Self::Leaf(None))
    }

    /// The line of what stands at a path such as `actions.list.query` or `auth[0].inputs.api_key`, or of as much of it as
    /// is there. An item is found by its number, its `name` or its `id`.
    pub(crate) fn find(&self, path: &str) -> Option<u64> {
        let (mut at, mut line) = (self, None);
        for step in path.split(['.', '[', ']']).filter(|step| !step.is_empty()) {
            let Some((found, below)) = at.below(step) else { break };
            (line, at) = (Some(found), below);
        }
        line
    }

    /// Whether something stands at a path.
    pub(crate) fn has(&self, path: &str) -> bool {
        let mut steps = path.split(['.', '[', ']']).filter(|step| !step.is_empty());
        steps.try_fold(self, |at, step| at.below(step).map(|(_, below)| below)).is_some()
    }

    fn below(&self, step: &str) -> Option<(u64, &Self)> {
        match self {
            Self::Leaf(_) => None,
            Self::Map(keys) => {
                keys.iter().find(|(key, ..)| key == step).map(|(_, line, below)| (*line, below))
            }
            Self::List(items) => {
                let named = items.iter().find(|(_, item)| item.is_called(step));
                let found = named.or_else(|| items.get(step.parse::<usize>().ok()?));
                found.map(|(line, item)| (*line, item))
            }
        }
    }

    fn is_called(&self, name: &str) -> bool {
        ["name", "id"].iter().any(|key| {
            let found = if let Self::Map(_) = self { self.below(key) } else { None };
            matches!(found, Some((_, Self::Leaf(Some(text)))) if text == name)
        })
    }
}

impl<'de> Deserialize<'de> for Lines {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = Lines;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a document")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Lines, A::Error> {
                let mut keys = Vec::new();
                while let Some(key) = map.next_key::<Spanned<String>>()? {
                    keys.push((key.value, key.referenced.line(), map.next_value()?));
                }
                Ok(Lines::Map(keys))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Lines, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = list.next_element::<Spanned<Lines>>()? {
                    items.push((item.referenced.line(), item.value));
                }
                Ok(Lines::List(items))
            }

            fn visit_str<E>(self, text: &str) -> Result<Lines, E> {
                Ok(Lines::Leaf(Some(text.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Lines, E> {
                Ok(Lines::Leaf(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Lines, E> {
                Ok(Lines::Leaf(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Lines, E> {
                Ok(Lines::Leaf(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<Lines, E> {
                Ok(Lines::Leaf(None))
            }

            fn visit_unit<E>(self) -> Result<Lines, E> {
                Ok(Lines::Leaf(None))
            }
        }

        deserializer.deserialize_any(Parts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_leads_to_the_line_of_its_key_or_as_far_as_there_is_one() {
        let lines = Lines::of(
            "name: acme\nauth:\n  - id: key\n    inputs:\n      - {name: api_key, title: K}\n      - name: other\nactions:\n  list: {title: L,\n    path: /x}\n",
        );
        for (path, line) in [
            ("name", Some(1)),
            ("auth.key.inputs", Some(4)),
            ("auth[0].inputs.api_key", Some(5)),
            ("auth.0.inputs.1", Some(6)),
            ("actions.list.path", Some(9)),
            ("actions.list.nothing", Some(8)),
            ("nothing", None),
        ] {
            assert_eq!(lines.find(path), line, "{path}");
        }
        assert_eq!(Lines::of("{\"a\":\n 1}").find("a"), Some(1));
    }
}
