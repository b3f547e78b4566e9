//! YAML, or JSON, into a tree.

use serde::de::DeserializeOwned;
use serde_json::Value;
use trunkline_core::{Error, Result};

use crate::Manifest;

/// No manifest is larger. Those made of the largest OpenAPI documents have a few megabytes.
const LONGEST: usize = 32 << 20;

/// Keys, values and their ends: as many as the largest documents have. How deep it nests and what aliases multiply is bounded by
/// the library's own limits.
const EVENTS: usize = 4_000_000;

/// How deep a document nests: the library's own limit, said here so that it can be named.
const DEEPEST: usize = 64;

/// Reads a document.
///
/// # Errors
///
/// `invalid_config`, with line and column.
pub(crate) fn parse(text: &str) -> Result<Value> {
    if text.len() > LONGEST {
        return Err(Error::invalid(format!("is larger than {} MiB", LONGEST >> 20)));
    }
    if text.trim_start().starts_with('{')
        && let Ok(value) = serde_json::from_str(text)
    {
        return Ok(value);
    }
    read(text).map_err(|error| Error::invalid(explain(&error)))
}

/// What is wrong, and where, in the words of people who write YAML and not of those who wrote the library.
fn explain(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::{Error as Yaml, budget::BudgetBreach};
    let at = error.location().map(|at| format!("line {} column {}: ", at.line(), at.column()));
    let at = at.unwrap_or_default();
    match error.without_snippet() {
        Yaml::Budget { breach: BudgetBreach::Depth { .. }, .. } => {
            format!("{at}nests deeper than the {DEEPEST} levels that are read")
        }
        Yaml::Budget { .. } => format!("{at}is larger, with its aliases, than what is read"),
        Yaml::DuplicateMappingKey { key, .. } => {
            let key: String =
                key.iter().flat_map(|key| key.chars()).filter(|c| !c.is_control()).take(64).collect();
            format!("{at}the key `{key}` is there twice")
        }
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => {
            format!("{at}an alias leads to what it is in itself")
        }
        // Its first line says what is wrong, and where.
        _ => error.to_string().lines().next().unwrap_or("is no YAML").to_owned(),
    }
}

/// Reads a document within the bounds that hold for all.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> std::result::Result<T, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_depth: DEEPEST, max_events: EVENTS, max_nodes: EVENTS, max_total_scalar_bytes: LONGEST },
    };
    serde_saphyr::from_str_with_options(text, options)
}

/// A manifest as YAML that a person can edit. It reads back as the same manifest.
pub fn to_yaml(manifest: &Manifest) -> String {
    serde_saphyr::to_string(manifest).expect("texts, numbers and lists, with texts for keys, are all YAML")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nests_without_end_or_multiplies_itself_is_refused() {
        let deep = "[".repeat(100_000);
        let deep_json = format!("{{\"a\": {deep}");
        let mut bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for n in 1..12 {
            let before = format!("*a{}, ", n - 1).repeat(10);
            bomb.push_str(&format!("a{n}: &a{n} [{before}]\n"));
        }
        for text in [&deep, &deep_json, &bomb, &"- ".repeat(100_000)] {
            assert!(parse(text).is_err());
        }
    }

    #[test]
    fn what_is_wrong_is_said_without_names_of_the_library() {
        let deep = format!("a: {}1{}", "[".repeat(70), "]".repeat(70));
        for (text, words) in [
            (&*deep, "nests deeper than the 64 levels that are read"),
            ("a: 1\nb: 2\na: 3\n", "line 3 column 1: the key `a` is there twice"),
            ("a: &a\n  b: *a\n", "an alias leads to what it is in itself"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.message().ends_with(words), "{error}");
        }
    }
}
