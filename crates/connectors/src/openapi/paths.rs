//! Paths, with expressions in the place of parameters.

use std::collections::BTreeSet;

use super::{
    document::Document,
    names,
    notes::{Notes, shown},
    operations::Operation,
    params::Param,
    styles,
};

/// The path of an action.
#[derive(Debug, Default)]
pub(super) struct Path<'a> {
    pub(super) text: String,
    /// Names of parameters that are in it.
    pub(super) used: BTreeSet<&'a str>,
    /// What the input calls those that are in it, and that the document does not speak of.
    pub(super) more: Vec<String>,
}

/// The path of an operation, with what stands before it.
pub(super) fn read<'a>(
    operation: &Operation<'a>,
    before: &str,
    params: &[Param<'a>],
    document: &Document,
    notes: &Notes,
) -> Path<'a> {
    let mut path = Path { text: before.to_owned(), ..Path::default() };
    let mut rest = match operation.path.split_once('#') {
        None => operation.path,
        Some((path, _)) => {
            notes.tell(&*operation.place, "what follows the # of its path is not sent");
            path
        }
    };
    if !rest.starts_with('/') {
        path.text.push('/');
    }
    let mut taken: BTreeSet<_> = params.iter().map(|param| param.input.clone()).collect();
    while let Some((plain, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        path.text.push_str(&literal(plain));
        rest = after;
        path.used.insert(name);
        match params.iter().find(|param| param.is_of_path() && param.name == name) {
            Some(param) => path.text.push_str(&styles::path(document, param, notes)),
            None => {
                let input = names::unique(names::identifier(name), &mut taken);
                let what = format!(
                    "its path has `{{{}}}`, which is no parameter; the input has it as text",
                    shown(name)
                );
                notes.tell(&*operation.place, what);
                path.text.push_str(&format!("{{{{ input.{input} }}}}"));
                path.more.push(input);
            }
        }
    }
    path.text.push_str(&literal(rest));
    path
}

/// A part of a path that is no parameter.
fn literal(text: &str) -> String {
    text.replace('{', "%7B").replace('}', "%7D").replace(' ', "%20")
}
