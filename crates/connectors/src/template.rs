//! `Template`: a tree of JSON in whose texts expressions may stand, compiled once.

use std::{borrow::Cow, collections::BTreeSet, sync::LazyLock};

use minijinja::{Environment, Expression, UndefinedBehavior, Value as Jinja, value::ValueKind};
use serde_json::{Map, Value};
use trunkline_core::{Error, Result, exact};

use crate::{place::Place, words};

/// What expressions are compiled by: the engine's own filters and tests, no templates, no globals of ours. It never changes.
static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    // What a service leaves out of an answer is nothing, however deep one asks.
    engine.set_undefined_behavior(UndefinedBehavior::Chainable);
    engine
});

/// What begins and ends an expression.
const BRACES: (&str, &str) = ("{{", "}}");
/// What begins a value that each connection has of its own: filled in later, so it passes as it is.
const CONNECTION: &str = "{{connection.";

/// A tree of JSON with expressions in it.
#[derive(Debug)]
pub(crate) enum Template {
    /// As it is.
    Plain(Value),
    /// What an expression yields.
    One(Formula),
    /// A text with expressions in it.
    Text(Vec<Part>),
    Array(Vec<Template>),
    Object(Vec<(String, Template)>),
}

/// A part of a text.
#[derive(Debug)]
pub(crate) enum Part {
    Plain(String),
    Formula(Formula),
}

/// An expression.
pub(crate) struct Formula {
    source: String,
    compiled: Expression<'static, 'static>,
}

/// What expressions know.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    known: Jinja,
    /// The same with marks ([`exact`]), where it has any.
    marked: Option<Jinja>,
}

impl Scope {
    /// Made of an object whose keys are the names.
    pub(crate) fn new(names: &Value) -> Self {
        Self {
            known: Jinja::from_serialize(exact::plain(names)),
            marked: exact::is_marked(names).then(|| Jinja::from_serialize(names)),
        }
    }
}

impl Formula {
    /// Compiles one, without braces around it.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with what is wrong.
    pub(crate) fn parse(source: &str) -> Result<Self> {
        let source = source.trim();
        let compiled = ENGINE.compile_expression_owned(source.to_owned()).map_err(|error| {
            let what = error.detail().unwrap_or("it is not one").to_owned();
            Error::invalid(format!("{{{{ {source} }}}}: is no expression: {what}"))
        })?;
        words::check(&ENGINE, source).map_err(|error| error.at(&format!("{{{{ {source} }}}}")))?;
        Ok(Self { source: source.to_owned(), compiled })
    }

    /// What it yields, with numbers as [`exact`] keeps them; `None` for nothing.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the expression.
    pub(crate) fn value(&self, scope: &Scope) -> Result<Option<Value>> {
        let Some(value) = self.yields(&scope.known)? else { return Ok(None) };
        // A number that was handed on is the one that was written. What was reckoned with it is what a machine reckons: marks
        // make nothing of it, or something else.
        let marked = scope.marked.as_ref().filter(|_| has_fraction(&value));
        let marked = marked.and_then(|marked| self.yields(marked).ok().flatten());
        Ok(Some(match marked {
            Some(marked) if *exact::plain(&marked) == value => marked,
            _ => exact::unmarked(value),
        }))
    }

    fn yields(&self, names: &Jinja) -> Result<Option<Value>> {
        let wrong = |what: String| Error::invalid(format!("{{{{ {} }}}}: {what}", self.source));
        let value = self.compiled.eval(names).map_err(|error| {
            wrong(error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned))
        })?;
        match value.kind() {
            ValueKind::Undefined | ValueKind::None => Ok(None),
            _ => serde_json::to_value(&value).map(Some).map_err(|error| wrong(error.to_string())),
        }
    }

    /// The names it asks for, such as `inputs.region`.
    fn names(&self) -> impl Iterator<Item = String> {
        let of_the_engine = |name: &String| ENGINE.globals().any(|(known, _)| known == *name);
        self.compiled.undeclared_variables(true).into_iter().filter(move |name| !of_the_engine(name))
    }

    /// As a part of a text.
    fn text(&self, scope: &Scope) -> Result<String> {
        let value =
            self.value(scope)?.ok_or_else(|| Error::invalid(format!("{}: is missing", self.source)))?;
        exact::text(&value).map(Cow::into_owned).ok_or_else(|| {
            Error::invalid(format!(
                "{{{{ {} }}}}: is a list or an object, and no part of a text",
                self.source
            ))
        })
    }
}

impl std::fmt::Debug for Formula {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.source)
    }
}

impl Template {
    /// An object with nothing in it.
    pub(crate) fn nothing() -> Self {
        Self::Object(Vec::new())
    }

    /// Whether an expression is in it.
    pub(crate) fn asks(&self) -> bool {
        let mut any = false;
        self.formulas(&mut |_| any = true);
        any
    }

    /// Compiles all expressions of a tree that stands at `place`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the path to the text and the expression that is wrong.
    pub(crate) fn parse(value: &Value, place: &str) -> Result<Self> {
        Ok(match value {
            Value::String(text) => Self::text(text, place)?,
            Value::Array(items) => {
                let items =
                    items.iter().enumerate().map(|(n, item)| Self::parse(item, &format!("{place}[{n}]")));
                Self::Array(items.collect::<Result<_>>()?)
            }
            Value::Object(fields) => Self::object(fields.iter(), place)?,
            plain => Self::Plain(plain.clone()),
        })
    }

    /// The same for the fields of an object.
    pub(crate) fn object<'a>(
        fields: impl Iterator<Item = (&'a String, &'a Value)>,
        place: &str,
    ) -> Result<Self> {
        let fields = fields.map(|(key, value)| Ok((key.clone(), Self::parse(value, &below(place, key))?)));
        fields.collect::<Result<_>>().map(Self::Object)
    }

    /// The same for a text.
    pub(crate) fn text(text: &str, place: &str) -> Result<Self> {
        let mut parts = parts(text).map_err(|error| error.at(place))?;
        Ok(match parts.len() {
            0 => Self::Plain(Value::from(text)),
            1 => match parts.remove(0) {
                Part::Plain(text) => Self::Plain(text.into()),
                Part::Formula(formula) => Self::One(formula),
            },
            _ => Self::Text(parts),
        })
    }

    /// What it is with these names. `None` where it is nothing: whatever has it leaves it out.
    ///
    /// # Errors
    ///
    /// `invalid_config` where a part of a text is missing, or may not stand there.
    pub(crate) fn render(&self, scope: &Scope, place: Place) -> Result<Option<Value>> {
        Ok(Some(match self {
            Self::Plain(value) => value.clone(),
            Self::One(formula) => match formula.value(scope)? {
                None => return Ok(None),
                Some(value) => place.whole(value)?,
            },
            Self::Text(parts) => {
                let mut out = String::new();
                for part in parts {
                    match part {
                        Part::Plain(text) => out.push_str(text),
                        Part::Formula(formula) => {
                            let put = place.put(&mut out, &formula.text(scope)?);
                            put.map_err(|error| error.at(&formula.source))?;
                        }
                    }
                }
                out.into()
            }
            Self::Array(items) => {
                let items = items.iter().map(|item| item.render(scope, place));
                items.filter_map(Result::transpose).collect::<Result<Vec<_>>>()?.into()
            }
            Self::Object(fields) => {
                let mut out = Map::new();
                for (key, template) in fields {
                    let value = template.render(scope, place)?;
                    out.extend(value.map(|value| (key.clone(), value)));
                }
                out.into()
            }
        }))
    }

    /// The names that its expressions ask for, such as `inputs.region`.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        self.formulas(&mut |formula| names.extend(formula.names()));
        names
    }

    fn formulas(&self, found: &mut impl FnMut(&Formula)) {
        match self {
            Self::Plain(_) => {}
            Self::One(formula) => found(formula),
            Self::Text(parts) => parts.iter().for_each(|part| match part {
                Part::Plain(_) => {}
                Part::Formula(formula) => found(formula),
            }),
            Self::Array(items) => items.iter().for_each(|item| item.formulas(found)),
            Self::Object(fields) => fields.iter().for_each(|(_, field)| field.formulas(found)),
        }
    }
}

/// Whether numbers are in it that may have been written otherwise.
fn has_fraction(value: &Value) -> bool {
    match value {
        Value::Number(number) => number.is_f64(),
        Value::Array(items) => items.iter().any(has_fraction),
        Value::Object(fields) => fields.values().any(has_fraction),
        _ => false,
    }
}

/// The path of a key.
pub(crate) fn below(place: &str, key: &str) -> String {
    if place.is_empty() { key.to_owned() } else { format!("{place}.{key}") }
}

/// The parts of a text.
fn parts(text: &str) -> Result<Vec<Part>> {
    let (mut parts, mut plain, mut rest) = (Vec::new(), String::new(), text);
    while let Some(start) = rest.find(BRACES.0) {
        plain.push_str(&rest[..start]);
        rest = &rest[start..];
        if rest.starts_with(CONNECTION) {
            let end = rest.find(BRACES.1).map_or(rest.len(), |end| end + BRACES.1.len());
            plain.push_str(&rest[..end]);
            rest = &rest[end..];
            continue;
        }
        let (formula, after) = formula(&rest[BRACES.0.len()..])?;
        if !plain.is_empty() {
            parts.push(Part::Plain(std::mem::take(&mut plain)));
        }
        parts.push(Part::Formula(formula));
        rest = after;
    }
    plain.push_str(rest);
    if !plain.is_empty() {
        parts.push(Part::Plain(plain));
    }
    Ok(parts)
}

/// The expression that a text begins with, and what follows its braces. A string in it may hold braces too.
fn formula(text: &str) -> Result<(Formula, &str)> {
    let mut first = None;
    for (end, _) in text.match_indices(BRACES.1) {
        match Formula::parse(&text[..end]) {
            Ok(formula) => return Ok((formula, &text[end + BRACES.1.len()..])),
            Err(error) => drop(first.get_or_insert(error)),
        }
    }
    Err(first.unwrap_or_else(|| Error::invalid("has {{ without }} after it")))
}

#[cfg(test)]
mod tests;
