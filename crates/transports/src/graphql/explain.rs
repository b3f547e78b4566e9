//! What is wrong with a document or a schema, in one message with lines and columns.

use apollo_compiler::{
    diagnostic::ToCliReport,
    parser::{SourceMap, SourceSpan},
    validation::DiagnosticList,
};
use trunkline_core::Error;

/// So many of what is wrong are told at most.
const TOLD: usize = 10;

/// What the parser calls the signs of the language.
const SIGNS: [(&str, &str); 13] = [
    ("L_CURLY", "`{`"),
    ("R_CURLY", "`}`"),
    ("L_PAREN", "`(`"),
    ("R_PAREN", "`)`"),
    ("L_BRACK", "`[`"),
    ("R_BRACK", "`]`"),
    ("COLON", "`:`"),
    ("EQ", "`=`"),
    ("BANG", "`!`"),
    ("AT", "`@`"),
    ("DOLLAR", "`$`"),
    ("SPREAD", "`...`"),
    ("EOF", "the end"),
];

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
    // At the end of a text each bracket that is open is missed by itself.
    told.dedup();
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
    let word = |word| SIGNS.iter().find(|(name, _)| *name == word).map_or(word, |(_, sign)| *sign);
    // A comma follows the name of a sign that was expected.
    let words = text.trim_end_matches('.').split_whitespace().map(|text| match text.strip_suffix(',') {
        Some(text) => format!("{},", word(text)),
        None => word(text).to_owned(),
    });
    let line = words.collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_that_calls_signs_what_they_are() {
        assert_eq!(plain("expected R_CURLY, got\n EOF."), "expected `}`, got the end");
        assert_eq!(plain(&"x".repeat(1000)).chars().count(), 301);
    }
}
