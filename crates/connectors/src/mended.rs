//! `mended`: a document without what has no place in it, so that all else that is wrong with it is found in the same look.

use serde_json::{Map, Value};

use crate::schema::{Checker, What, Wrong};

/// What is wrong below something that was wrong itself is found in so many steps at most.
const STEPS: usize = 20;
/// What stands for a text that is missing.
const MISSING: &str = "missing";

/// A document that has the shape that a schema asks for, as far as that can be reached: what is misspelt is spelt right, and what
/// is wrong without a known word near it is left out. Says, too, whether all of it still means what it did.
pub(crate) fn mended(mut value: Value, schema: &Checker) -> Option<(Value, bool)> {
    let mut same = true;
    for step in 0..STEPS {
        let mut wrong = schema.all(&value).ok()?;
        if wrong.is_empty() {
            return Some((value, same));
        }
        // What is missing may be there in another spelling.
        wrong.sort_by_key(|wrong| matches!(wrong.what, What::Missing(_)));
        let mut left_out: Vec<String> = Vec::new();
        for wrong in &wrong {
            same &= mend(&mut value, wrong, step == 0, &mut left_out)?;
        }
        // The last items of a list first, so that those before them stay where they are.
        left_out.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| b.cmp(a)));
        for at in left_out {
            leave_out(&mut value, &at)?;
        }
    }
    None
}

/// Mends one thing, or says what has to be left out.
fn mend(value: &mut Value, wrong: &Wrong, first: bool, left_out: &mut Vec<String>) -> Option<bool> {
    // What it is in may be gone.
    let Some(found) = value.pointer_mut(&wrong.at) else { return Some(true) };
    match &wrong.what {
        What::Unknown(keys) => {
            let fields = found.as_object_mut()?;
            for (key, near) in keys {
                let Some(value) = fields.remove(key) else { continue };
                if let Some(near) = near {
                    fields.entry(near).or_insert(value);
                }
            }
            Some(true)
        }
        What::Missing(key) if first => {
            let text = || MISSING.into();
            let put = if key == "integration" { Value::Object(Map::new()) } else { text() };
            found.as_object_mut()?.entry(key).or_insert(put);
            Some(matches!(&**key, "title" | "description"))
        }
        // It was left out as it cannot be anything: so must be what needs it.
        What::Missing(_) => {
            left_out.push(wrong.at.clone());
            Some(false)
        }
        What::NoText => {
            *found = MISSING.into();
            Some(false)
        }
        What::Value(Some(near)) => {
            *found = near.clone().into();
            Some(true)
        }
        What::Value(None) => {
            left_out.push(wrong.at.clone());
            Some(false)
        }
    }
}

/// Takes a value out; `None` where it is the whole document.
fn leave_out(value: &mut Value, at: &str) -> Option<()> {
    let (parent, key) = at.rsplit_once('/')?;
    match value.pointer_mut(parent) {
        Some(Value::Object(fields)) => drop(fields.remove(&key.replace("~1", "/").replace("~0", "~"))),
        Some(Value::Array(items)) => {
            if let Some(at) = key.parse().ok().filter(|at: &usize| *at < items.len()) {
                items.remove(at);
            }
        }
        _ => {}
    }
    Some(())
}
