//! `Reader`: goes through a document that was parsed, once, and finds what is asked for, how deep, and with which
//! variables.

use std::collections::HashMap;

use apollo_compiler::{
    Name, Node,
    ast::{Argument, Definition, Directive, Document, FragmentDefinition, Selection, Value},
    parser::SourceSpan,
};
use trunkline_core::Result;

use super::{
    explain::at,
    shape::{Fragments, Shape, Size},
};

/// Selection sets and fragments within each other; nobody writes so many, and each takes room on the stack.
const NESTED: usize = 200;

/// List arguments by which services bound how many they give: of Relay's connections, and the plain one.
const SIZES: [&str; 3] = ["first", "last", "limit"];

/// Where a variable is used.
pub(super) type Use = (Name, Option<SourceSpan>);

/// What stands in an operation or a fragment.
#[derive(Debug, Default)]
pub(super) struct Part {
    pub(super) shape: Shape,
    /// Fields within fields.
    pub(super) depth: u32,
    pub(super) uses: Vec<Use>,
    /// Fragments that are spread anywhere in it, by number.
    pub(super) spreads: Vec<usize>,
}

/// Goes through a document.
pub(super) struct Reader<'a> {
    document: &'a Document,
    numbers: HashMap<&'a str, usize>,
    fragments: Vec<(&'a FragmentDefinition, State)>,
    order: Vec<usize>,
    nested: usize,
}

enum State {
    New,
    Begun,
    Read(Part),
}

impl<'a> Reader<'a> {
    /// Reads all fragments of a document.
    ///
    /// # Errors
    ///
    /// `invalid_config` for fragments that are there twice, contain themselves or are not there, and for what is nested
    /// too deep.
    pub(super) fn of(document: &'a Document) -> Result<Self> {
        let (mut numbers, mut fragments) = (HashMap::new(), Vec::new());
        for definition in &document.definitions {
            let Definition::FragmentDefinition(fragment) = definition else { continue };
            if numbers.insert(fragment.name.as_str(), fragments.len()).is_some() {
                let what = format!("there are two fragments of the name {}", fragment.name);
                return Err(at(what, fragment.name.location(), &document.sources));
            }
            fragments.push((&**fragment, State::New));
        }
        let mut reader = Self { document, numbers, fragments, order: Vec::new(), nested: 0 };
        (0..reader.fragments.len()).try_for_each(|n| reader.fragment(n, None).map(drop))?;
        Ok(reader)
    }

    /// Reads what an operation asks for.
    ///
    /// # Errors
    ///
    /// As [`Self::of`].
    pub(super) fn part(&mut self, selections: &[Selection], directives: &[Node<Directive>]) -> Result<Part> {
        let mut part = Part::default();
        let mut shape = Shape::default();
        used(&mut part.uses, &[], directives);
        part.depth = self.selections(selections, &mut shape, &mut part)?;
        part.shape = shape;
        Ok(part)
    }

    /// Where each variable is used by an operation that has `part`.
    pub(super) fn uses<'b>(&'b self, part: &'b Part) -> Vec<&'b Use> {
        let mut seen = vec![false; self.fragments.len()];
        let mut waiting = part.spreads.clone();
        let mut uses: Vec<_> = part.uses.iter().collect();
        while let Some(n) = waiting.pop() {
            if !std::mem::replace(&mut seen[n], true)
                && let State::Read(part) = &self.fragments[n].1
            {
                uses.extend(&part.uses);
                waiting.extend(&part.spreads);
            }
        }
        uses
    }

    /// The fragments, for counting.
    pub(super) fn into_fragments(self) -> Fragments {
        let shape = |(_, state)| match state {
            State::Read(Part { shape, .. }) => shape,
            State::New | State::Begun => Shape::default(),
        };
        Fragments { shapes: self.fragments.into_iter().map(shape).collect(), order: self.order }
    }

    /// How deep a fragment is.
    fn fragment(&mut self, n: usize, spread: Option<SourceSpan>) -> Result<u32> {
        let (definition, state) = &mut self.fragments[n];
        let definition = *definition;
        match state {
            State::Read(part) => return Ok(part.depth),
            State::Begun => {
                let what = format!("the fragment {} contains itself", definition.name);
                return Err(at(what, spread, &self.document.sources));
            }
            State::New => *state = State::Begun,
        }
        let part = self.part(&definition.selection_set, &definition.directives)?;
        let depth = part.depth;
        self.fragments[n].1 = State::Read(part);
        self.order.push(n);
        Ok(depth)
    }

    fn selections(&mut self, selections: &[Selection], shape: &mut Shape, part: &mut Part) -> Result<u32> {
        self.nested += 1;
        let mut depth = 0;
        for selection in selections {
            if self.nested > NESTED {
                let what = format!("is nested deeper than {NESTED} levels");
                return Err(at(what, location(selection), &self.document.sources));
            }
            let below = match selection {
                Selection::Field(field) => {
                    used(&mut part.uses, &field.arguments, &field.directives);
                    shape.fields = shape.fields.saturating_add(1);
                    let sizes = match field.selection_set.is_empty() {
                        true => Vec::new(),
                        false => sizes(&field.arguments),
                    };
                    1 + if sizes.is_empty() {
                        self.selections(&field.selection_set, shape, part)?
                    } else {
                        let mut below = Shape::default();
                        let depth = self.selections(&field.selection_set, &mut below, part)?;
                        shape.lists.push((sizes, below));
                        depth
                    }
                }
                Selection::InlineFragment(inline) => {
                    used(&mut part.uses, &[], &inline.directives);
                    self.selections(&inline.selection_set, shape, part)?
                }
                Selection::FragmentSpread(spread) => {
                    used(&mut part.uses, &[], &spread.directives);
                    let name = spread.fragment_name.as_str();
                    let Some(&n) = self.numbers.get(name) else {
                        let what = format!("there is no fragment {name}");
                        return Err(at(what, location(selection), &self.document.sources));
                    };
                    shape.spreads.push(n);
                    part.spreads.push(n);
                    self.fragment(n, location(selection))?
                }
            };
            depth = depth.max(below);
        }
        self.nested -= 1;
        Ok(depth)
    }
}

fn location(selection: &Selection) -> Option<SourceSpan> {
    match selection {
        Selection::Field(field) => field.location(),
        Selection::FragmentSpread(spread) => spread.location(),
        Selection::InlineFragment(inline) => inline.location(),
    }
}

/// How many a field wants, where its arguments say so.
fn sizes(arguments: &[Node<Argument>]) -> Vec<Size> {
    let wanted = arguments.iter().filter(|argument| SIZES.contains(&argument.name.as_str()));
    wanted
        .filter_map(|argument| match &*argument.value {
            // One that is larger than any service takes is no way round a limit.
            Value::Int(number) if !number.as_str().starts_with('-') => {
                Some(Size::Number(number.as_str().parse().unwrap_or(u64::MAX)))
            }
            Value::Variable(name) => Some(Size::Variable(name.as_str().into())),
            _ => None,
        })
        .collect()
}

/// Notes the variables in arguments and directives.
fn used(uses: &mut Vec<Use>, arguments: &[Node<Argument>], directives: &[Node<Directive>]) {
    let of_directives = directives.iter().flat_map(|directive| &directive.arguments);
    arguments.iter().chain(of_directives).for_each(|argument| used_in(uses, &argument.value));
}

/// The parser bounds how deep values are nested.
fn used_in(uses: &mut Vec<Use>, value: &Node<Value>) {
    match &**value {
        Value::Variable(name) => uses.push((name.clone(), value.location())),
        Value::List(values) => values.iter().for_each(|value| used_in(uses, value)),
        Value::Object(fields) => fields.iter().for_each(|(_, value)| used_in(uses, value)),
        _ => {}
    }
}
