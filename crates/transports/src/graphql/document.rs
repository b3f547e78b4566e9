//! `Document`: a GraphQL document that was read, with all that is asked of it before it is sent.

use std::{
    collections::HashSet,
    fmt::Write,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
};

use apollo_compiler::{
    ast::{self, Definition},
    parser::Parser,
};
use sha2::{Digest, Sha256};
use trunkline_core::{Error, Result, parse};

mod operation;

use self::operation::Asked;
use super::{
    explain::{all, at},
    known::Known,
    limits::Limits,
    reader::Reader,
    shape::{Fragments, Shape, Size},
    variables::Variables,
};

/// A document.
#[derive(Debug)]
pub(super) struct Document {
    text: Arc<str>,
    /// The text as a JSON string, as every request has it.
    json: Box<str>,
    /// The name by which services remember it.
    hash: OnceLock<Box<str>>,
    operations: Vec<Asked>,
    fragments: Fragments,
    /// The schema that it was last found valid for; 0 for none.
    valid_for: AtomicU64,
}

impl Document {
    /// Reads a document, within limits.
    ///
    /// # Errors
    ///
    /// `invalid_config` with line and column where it is no document of operations, and for one beyond the limits.
    pub(super) fn read(text: &Arc<str>, limits: &Limits) -> Result<Self> {
        let parsed = Parser::new().token_limit(limits.tokens).parse_ast(&**text, "query");
        let parsed = parsed.map_err(|found| all(&found.errors))?;
        let mut reader = Reader::of(&parsed)?;
        let mut operations = Vec::new();
        let mut names = HashSet::new();
        for definition in &parsed.definitions {
            match definition {
                Definition::FragmentDefinition(_) => {}
                Definition::OperationDefinition(operation) => {
                    let name = operation.name.as_ref();
                    if !names.insert(name.map(|name| name.as_str())) {
                        let what = match name {
                            Some(name) => format!("there are two operations of the name {name}"),
                            None => "there are two operations without a name".to_owned(),
                        };
                        return Err(at(what, operation.location(), &parsed.sources));
                    }
                    operations.push(Asked::read(operation, &mut reader, &parsed, limits)?);
                }
                other => {
                    let what = "holds a definition of a schema, which is nothing to ask a service";
                    return Err(at(what, other.location(), &parsed.sources));
                }
            }
        }
        if operations.is_empty() {
            return Err(Error::invalid("holds no operation"));
        }
        let fragments = reader.into_fragments();
        for operation in &mut operations {
            limits.unfolded(fragments.count(&operation.shape, &|_| 1))?;
            let varies = operation.shape.varies() || fragments.shapes.iter().any(Shape::varies);
            operation.cost = (!varies).then(|| fragments.count(&operation.shape, &number));
        }
        let json = serde_json::to_string(&**text).expect("a text can be written as JSON").into();
        let (hash, valid_for) = (OnceLock::new(), AtomicU64::new(0));
        Ok(Self { text: text.clone(), json, hash, operations, fragments, valid_for })
    }

    /// The text as a JSON string.
    pub(super) fn json(&self) -> &str {
        &self.json
    }

    /// The text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// The SHA-256 of the text, in hexadecimal digits: what it is called where services remember documents.
    pub(super) fn hash(&self) -> &str {
        self.hash.get_or_init(|| {
            Sha256::digest(self.text.as_bytes())
                .iter()
                .fold(String::with_capacity(64), |mut hash, byte| {
                    let _ = write!(hash, "{byte:02x}");
                    hash
                })
                .into()
        })
    }

    /// The operation that is asked for.
    ///
    /// # Errors
    ///
    /// `invalid_config` where there is none of this name, and where there are several and none is named.
    pub(super) fn operation(&self, name: Option<&str>) -> Result<&Asked> {
        let names = || {
            let names = self.operations.iter().filter_map(|operation| operation.name.as_deref());
            names.take(20).collect::<Vec<_>>()
        };
        match (name, &*self.operations) {
            (None, [only]) => Ok(only),
            (None, _) => Err(Error::invalid(format!(
                "operation_name: the document holds several operations; name one of {}",
                names().join(", ")
            ))),
            (Some(name), operations) => {
                let found = operations.iter().find(|operation| operation.name.as_deref() == Some(name));
                found.ok_or_else(|| match (parse::nearest(name, names()), &*names()) {
                    (Some(near), _) => Error::invalid(format!(
                        "operation_name: the document has no operation of this name, did you mean {near}?"
                    )),
                    (None, []) => Error::invalid(
                        "operation_name: the operation of the document has no name; leave it out",
                    ),
                    (None, names) => Error::invalid(format!(
                        "operation_name: the document has no operation of this name, only {}",
                        names.join(", ")
                    )),
                })
            }
        }
    }

    /// Checks variables against those that an operation declares, without those in `files`.
    ///
    /// # Errors
    ///
    /// `invalid_config` for one that is missing or null and must not be, and one that no operation has.
    pub(super) fn check(&self, operation: &Asked, variables: &Variables<'_>) -> Result<()> {
        for declared in &operation.variables {
            let Some(wanted) = &declared.never_null else { continue };
            let name = &declared.name;
            match variables.is_null(name) {
                None if !declared.has_default => {
                    return Err(Error::invalid(format!(
                        "variables: {name} is missing; it is of type {wanted}"
                    )));
                }
                Some(true) => {
                    return Err(Error::invalid(format!("variables.{name}: is of type {wanted}, not null")));
                }
                _ => {}
            }
        }
        // Tools send the variables of all operations with each of them.
        let all =
            || self.operations.iter().flat_map(|operation| &operation.variables).map(|known| &*known.name);
        let Some(name) = variables.names().find(|name| all().all(|known| known != *name)) else {
            return Ok(());
        };
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        let near = parse::nearest(name, all()).map(|near| format!(", did you mean {near}?"));
        let near = near.unwrap_or_default();
        Err(Error::invalid(format!("variables: the document declares no ${shown}{near}")))
    }

    /// What an operation costs with these variables.
    pub(super) fn cost(&self, operation: &Asked, variables: &Variables<'_>) -> u64 {
        let size = |size: &Size| match size {
            Size::Number(number) => *number,
            Size::Variable(name) => variables.number(name).unwrap_or_else(|| {
                let declared = operation.variables.iter().find(|declared| declared.name == *name);
                declared.and_then(|declared| declared.number).unwrap_or(1)
            }),
        };
        operation.cost.unwrap_or_else(|| self.fragments.count(&operation.shape, &size))
    }

    /// Checks the document against a schema, once.
    ///
    /// # Errors
    ///
    /// `invalid_config` with all that is wrong with it, up to ten of it.
    pub(super) fn validate(&self, known: &Known) -> Result<()> {
        if self.valid_for.load(Ordering::Relaxed) == known.number {
            return Ok(());
        }
        let parsed = ast::Document::parse(&*self.text, "query").map_err(|found| all(&found.errors))?;
        parsed.to_executable_validate(&known.schema).map_err(|found| all(&found.errors))?;
        self.valid_for.store(known.number, Ordering::Relaxed);
        Ok(())
    }
}

/// A list argument that is no variable; there are no others where this is asked.
fn number(size: &Size) -> u64 {
    match size {
        Size::Number(number) => *number,
        Size::Variable(_) => 1,
    }
}

#[cfg(test)]
mod tests;
