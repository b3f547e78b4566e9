//! `Job`: what an engine is to run: statements that were scanned, and their parameters in the order of binding.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::value::RawValue;
use trunkline_core::{Error, Result, parse};

use super::{
    arg::Arg,
    scan::{Param, Scanned},
};

/// What an engine is to run.
#[derive(Debug)]
pub(crate) struct Job<'a> {
    /// In this order.
    pub(crate) steps: Vec<Step<'a>>,
    /// In one transaction: all of it or nothing. Otherwise it is one statement.
    pub(crate) together: bool,
    /// The database has to refuse anything that writes.
    pub(crate) read_only: bool,
    /// It takes as long as its reader does: `statement_timeout` is set by nobody, and what stands for it otherwise, the
    /// time of a call, does not bound rows that are streamed.
    pub(crate) unhurried: bool,
}

/// One statement.
#[derive(Debug)]
pub(crate) struct Step<'a> {
    /// What the scanner found.
    pub(crate) plan: Arc<Scanned>,
    /// A value for each of `plan.params`.
    pub(crate) args: Vec<Arg<'a>>,
}

impl Job<'_> {
    /// Whether nothing of it can have changed anything, whatever became of it.
    pub(crate) fn only_reads(&self) -> bool {
        self.read_only || self.steps.iter().all(|step| step.plan.facts.reads)
    }

    /// Whether it certainly leaves nothing behind in the session.
    pub(crate) fn is_clean(&self) -> bool {
        self.steps.iter().all(|step| step.plan.facts.clean)
    }
}

impl<'a> Step<'a> {
    /// Takes the values of a statement from what the caller sent: an object for named parameters, an array for
    /// positions.
    ///
    /// # Errors
    ///
    /// `invalid_config` for a parameter without a value, and a value without a parameter.
    pub(crate) fn new(plan: Arc<Scanned>, params: Option<&'a RawValue>) -> Result<Self> {
        let params = params.filter(|params| params.get() != "null");
        let args = match (params.map(|params| params.get().as_bytes()[0]), params) {
            (_, None) => named(&plan, &BTreeMap::new())?,
            (Some(b'{'), Some(params)) => named(&plan, &read(params)?)?,
            (Some(b'['), Some(params)) => positional(&plan, &read::<Vec<&RawValue>>(params)?)?,
            _ => {
                let message =
                    "params: expected an object such as {\"id\": 7} for :id, or an array for $1 or ?";
                return Err(Error::invalid(message));
            }
        };
        Ok(Self { plan, args })
    }

    /// Takes the values of several statements of one text, each of which takes those that it names.
    ///
    /// # Errors
    ///
    /// As [`Step::new`]; and for positions, which nobody could count over several statements.
    pub(crate) fn several(plans: &[Arc<Scanned>], params: Option<&'a RawValue>) -> Result<Vec<Self>> {
        let counts = |param: &Param| matches!(param, Param::Position(_));
        if plans.iter().any(|plan| plan.params.iter().any(counts)) {
            return Err(Error::invalid(
                "query: several statements in one text take named parameters; write :name and send an object",
            ));
        }
        let values: BTreeMap<Cow<'_, str>, &'a RawValue> = match params {
            None => BTreeMap::new(),
            Some(params) if params.get() == "null" => BTreeMap::new(),
            Some(params) if params.get().starts_with('{') => read(params)?,
            Some(_) => {
                let message =
                    "params: several statements in one text take an object such as {\"id\": 7} for :id";
                return Err(Error::invalid(message));
            }
        };
        refuse_unknown(&values, plans)?;
        let step = |plan: &Arc<Scanned>| Ok(Self { plan: plan.clone(), args: taken(plan, &values)? });
        plans.iter().map(step).collect()
    }

    /// What a message calls a parameter.
    pub(crate) fn name(&self, index: usize) -> String {
        match self.plan.params.get(index) {
            Some(Param::Named(name)) => format!("params.{name}"),
            Some(Param::Position(place)) => format!("params.{place}"),
            None => "params".to_owned(),
        }
    }
}

fn read<'a, T: Deserialize<'a>>(params: &'a RawValue) -> Result<T> {
    serde_json::from_str(params.get()).or_else(|_| parse::text(params.get().as_bytes()))
}

fn named<'a>(plan: &Arc<Scanned>, values: &BTreeMap<Cow<'_, str>, &'a RawValue>) -> Result<Vec<Arg<'a>>> {
    let args = taken(plan, values)?;
    refuse_unknown(values, std::slice::from_ref(plan))?;
    Ok(args)
}

/// The values that a statement names.
fn taken<'a>(plan: &Scanned, values: &BTreeMap<Cow<'_, str>, &'a RawValue>) -> Result<Vec<Arg<'a>>> {
    let value = |param: &Param| match param {
        Param::Named(name) => match values.get(&**name) {
            Some(value) => Ok(Arg::of(value)),
            None => Err(missing(name, values.keys().map(|name| &**name))),
        },
        Param::Position(_) => Err(Error::invalid(
            "params: the statement counts its parameters; send an array with a value for each",
        )),
    };
    plan.params.iter().map(value).collect()
}

/// A value that no statement names was meant for something.
fn refuse_unknown(values: &BTreeMap<Cow<'_, str>, &RawValue>, plans: &[Arc<Scanned>]) -> Result<()> {
    let is = |param: &Param, name: &str| matches!(param, Param::Named(known) if **known == *name);
    let knows = |name: &str| plans.iter().any(|plan| plan.params.iter().any(|param| is(param, name)));
    match values.keys().find(|name| !knows(name)) {
        Some(name) => Err(Error::invalid(format!("params.{name}: the statement has no :{name}"))),
        None => Ok(()),
    }
}

fn missing<'a>(name: &str, given: impl Iterator<Item = &'a str>) -> Error {
    let hint = parse::nearest(name, given).map(|given| format!("; did you mean it by {given}?"));
    Error::invalid(format!(
        "params.{name}: the statement has :{name}, and no value was sent{}",
        hint.unwrap_or_default()
    ))
}

fn positional<'a>(plan: &Scanned, values: &[&'a RawValue]) -> Result<Vec<Arg<'a>>> {
    let place = |param: &Param| match param {
        Param::Position(place) => Ok(*place),
        Param::Named(name) => {
            Err(Error::invalid(format!("params: the statement has :{name}; send an object with its value")))
        }
    };
    let places = plan.params.iter().map(place).collect::<Result<Vec<_>>>()?;
    let wanted = places.iter().max().map_or(0, |place| place + 1);
    if wanted != values.len() {
        return Err(Error::invalid(format!(
            "params: the statement has {wanted} parameters, and {} values were sent",
            values.len()
        )));
    }
    Ok(places.into_iter().map(|place| Arg::of(values[place])).collect())
}
