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
    read(text).map_err(|error| {
        // Its first line says what is wrong, and where.
        Error::invalid(error.to_string().lines().next().unwrap_or("is no YAML").to_owned())
    })
}

/// Reads a document within the bounds that hold for all.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> std::result::Result<T, serde_saphyr::Error> {
    let options = serde_saphyr::options! {
        strict_booleans: true,
        budget: serde_saphyr::budget! { max_events: EVENTS, max_nodes: EVENTS, max_total_scalar_bytes: LONGEST },
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
}
