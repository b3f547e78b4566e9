//! What is wrong with a document or a schema, in one message with lines and columns.

use apollo_compiler::{
    diagnostic::ToCliReport,
    parser::{SourceMap, SourceSpan},
    validation::DiagnosticList,
};
use trunkline_core::Error;

/// So many of what is wrong are told at most.
const TOLD: usize = 10;

/// One thing that is wrong.
pub(super) fn at(what: impl AsRef<str>, place: Option<SourceSpan>, sources: &SourceMap) -> Error {
    Error::invalid(located(what.as_ref(), place, sources))
}

/// All that is wrong, up to ten of it.
pub(super) fn all(found: &DiagnosticList) -> Error {
    let mut told: Vec<_> = found
        .iter()
        .take(TOLD)
        .map(|found| located(&plain(&found.error.to_string()), found.error.location(), found.sources))
        .collect();
    if found.len() > TOLD {
        told.push(format!("and {} more", found.len() - TOLD));
    }
    Error::invalid(told.join("; "))
}

fn located(what: &str, place: Option<SourceSpan>, sources: &SourceMap) -> String {
    match place.and_then(|place| place.line_column(sources)) {
        Some(place) => format!("{what}, at line {} column {}", place.line, place.column),
        None => what.to_owned(),
    }
}

/// On one line, of a length that a message can have: what is quoted may be long.
fn plain(text: &str) -> String {
    const LONGEST: usize = 300;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line = line.trim_end_matches('.');
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}
