//! The filters and tests of expressions, which the engine itself looks for only when an expression is evaluated.

use minijinja::{Environment, ErrorKind};
use trunkline_core::{Error, Result, parse};

/// What is suggested for one that is not known.
const FILTERS: &[&str] = &[
    "abs",
    "batch",
    "bool",
    "capitalize",
    "default",
    "dictsort",
    "first",
    "float",
    "format",
    "groupby",
    "int",
    "items",
    "join",
    "last",
    "length",
    "lines",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
];

/// The same of tests.
const TESTS: &[&str] = &[
    "defined",
    "divisibleby",
    "eq",
    "even",
    "false",
    "float",
    "ge",
    "gt",
    "in",
    "integer",
    "iterable",
    "le",
    "lower",
    "lt",
    "mapping",
    "ne",
    "none",
    "number",
    "odd",
    "sequence",
    "string",
    "true",
    "undefined",
    "upper",
];

/// Whether the engine has all that an expression asks for.
///
/// # Errors
///
/// `invalid_config`, with all that are not there and the nearest that are.
pub(crate) fn check(engine: &Environment<'_>, source: &str) -> Result<()> {
    let mut wrong: Vec<String> = Vec::new();
    for (what, name) in found(source) {
        // It says so itself, once it is asked.
        let (asked, unknown, known) = match what {
            What::Filter => (format!("0 | {name}"), ErrorKind::UnknownFilter, FILTERS),
            What::Test => (format!("0 is {name}"), ErrorKind::UnknownTest, TESTS),
        };
        let answer = engine.compile_expression(&asked).and_then(|asked| asked.eval(()));
        if answer.is_err_and(|error| error.kind() == unknown) {
            let near = parse::nearest(name, known.iter().copied());
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            let told = format!("there is no {} `{name}`{near}", what.word());
            if !wrong.contains(&told) {
                wrong.push(told);
            }
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::invalid(wrong.join("; "))) }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum What {
    Filter,
    Test,
}

impl What {
    fn word(self) -> &'static str {
        match self {
            Self::Filter => "filter",
            Self::Test => "test",
        }
    }
}

/// The filters and tests of an expression: what follows a `|`, and an `is` or `is not`.
fn found(source: &str) -> Vec<(What, &str)> {
    let (mut found, mut before) = (Vec::new(), "");
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '\'' | '"' => string(rest),
            c if is_of_a_name(c) => rest.find(|c: char| !is_of_a_name(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        let (token, after) = rest.split_at(length);
        rest = after;
        if token.chars().all(char::is_whitespace) {
            continue;
        }
        let what = match before {
            "|" => Some(What::Filter),
            "is" if token != "not" => Some(What::Test),
            _ => None,
        };
        found.extend(what.filter(|_| first.is_alphabetic() || first == '_').map(|what| (what, token)));
        // `is not` asks for the test that follows it; `x.is` is a key.
        before = match (before, token) {
            ("is", "not") => "is",
            (".", "is") => "",
            _ => token,
        };
    }
    found
}

/// The length of the string that a text begins with, quotes included.
fn string(text: &str) -> usize {
    let mut chars = text.char_indices();
    let quote = chars.next().map(|(_, quote)| quote);
    while let Some((at, c)) = chars.next() {
        if c == '\\' {
            chars.next();
        } else if Some(c) == quote {
            return at + c.len_utf8();
        }
    }
    text.len()
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_named_with_the_nearest() {
        let engine = Environment::new();
        for source in [
            "x | upper",
            "x|default('a | nothing', true) | lower",
            "x.is.odd or y['| nope'] or \"it\\\" is nope\"",
            "x is not defined and y is none or z is in [1]",
            "x if x is string else y|join(',')",
            "x is divisibleby 3",
        ] {
            check(&engine, source).unwrap_or_else(|error| panic!("{source}: {error}"));
        }
        for (source, says) in [
            ("x | uper", "there is no filter `uper`, did you mean `upper`?"),
            ("x if y else z|b64encode", "there is no filter `b64encode`"),
            ("x is not definde", "there is no test `definde`, did you mean `defined`?"),
            ("(x | trim) is empty", "there is no test `empty`"),
            (
                "x | uper | lowr is empty or y | uper",
                "there is no filter `uper`, did you mean `upper`?; there is no filter `lowr`, did you mean `lower`?; \
                 there is no test `empty`",
            ),
        ] {
            let error = check(&engine, source).unwrap_err();
            assert_eq!(error.message(), says, "{source}");
        }
    }

    #[test]
    fn what_is_suggested_is_there() {
        let engine = Environment::new();
        for name in FILTERS {
            check(&engine, &format!("x | {name}")).unwrap();
        }
        for name in TESTS {
            check(&engine, &format!("x is {name}")).unwrap();
        }
    }
}
