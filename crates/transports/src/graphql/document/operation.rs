//! `Asked`: an operation of a document, with its variables and what it costs.

use apollo_compiler::ast::{Document, OperationDefinition, OperationType, Selection, Type, Value};
use trunkline_core::Result;

use super::super::{explain::at, limits::Limits, reader::Reader, shape::Shape};

/// An operation.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) name: Option<Box<str>>,
    pub(crate) does: OperationType,
    pub(crate) variables: Vec<Declared>,
    pub(crate) shape: Shape,
    /// What it costs, where no variable has a say in it.
    pub(crate) cost: Option<u64>,
    /// Whether it has one selection that is a field.
    pub(crate) single: bool,
}

/// A variable.
#[derive(Debug)]
pub(crate) struct Declared {
    pub(crate) name: Box<str>,
    /// Its type, where that says that it must not be null.
    pub(crate) never_null: Option<Box<str>>,
    pub(crate) has_default: bool,
    /// Its default, where that is a number.
    pub(crate) number: Option<u64>,
}

impl Asked {
    /// Reads one.
    ///
    /// # Errors
    ///
    /// `invalid_config` for variables that are declared twice or not at all, and for what is too deep.
    pub(crate) fn read(
        operation: &OperationDefinition,
        reader: &mut Reader<'_>,
        parsed: &Document,
        limits: &Limits,
    ) -> Result<Self> {
        let part = reader.part(&operation.selection_set, &operation.directives)?;
        limits.deep(part.depth)?;
        let mut variables = Vec::with_capacity(operation.variables.len());
        for variable in &operation.variables {
            if variables.iter().any(|known: &Declared| *known.name == *variable.name.as_str()) {
                let what = format!("${} is declared twice", variable.name);
                return Err(at(what, variable.location(), &parsed.sources));
            }
            let never_null = matches!(&*variable.ty, Type::NonNullNamed(_) | Type::NonNullList(_));
            let number = match variable.default_value.as_deref() {
                Some(Value::Int(number)) => number.as_str().parse().ok(),
                _ => None,
            };
            variables.push(Declared {
                name: variable.name.as_str().into(),
                never_null: never_null.then(|| variable.ty.to_string().into()),
                has_default: variable.default_value.is_some(),
                number,
            });
        }
        let unknown = |(name, _): &&&(apollo_compiler::Name, _)| {
            variables.iter().all(|known: &Declared| *known.name != *name.as_str())
        };
        if let Some((name, place)) = reader.uses(&part).iter().find(unknown) {
            let operation =
                operation.name.as_ref().map_or_else(|| "operation".to_owned(), ToString::to_string);
            let what = format!("${name} is used, but {operation} does not declare it");
            return Err(at(what, *place, &parsed.sources));
        }
        let single = matches!(&*operation.selection_set, [Selection::Field(_)]);
        Ok(Self {
            name: operation.name.as_ref().map(|name| name.as_str().into()),
            does: operation.operation_type,
            variables,
            shape: part.shape,
            cost: None,
            single,
        })
    }
}
