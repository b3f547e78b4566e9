//! `Condition`: what an answer of a service has to be, as it is configured.

mod peek;
mod rule;

use std::collections::BTreeMap;

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use trunkline_core::{Error, Result, parse};

use self::rule::{Is, Said};
pub(crate) use self::{
    peek::peek,
    rule::{Found, Rule, suiting},
};

/// What an answer has to be; all that is named must hold.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Condition {
    /// One status, or a list of which it has one.
    #[serde(default)]
    status: Option<Statuses>,
    /// Headers by name: `true` where it is enough that they are there, or what they say.
    #[serde(default)]
    header: BTreeMap<String, Says>,
    /// Something in a JSON body of at most 64 KiB.
    #[serde(default)]
    body: Option<Within>,
}

/// One status or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a status such as 401, or a list of them")]
enum Statuses {
    One(u16),
    Several(Vec<u16>),
}

/// What a header says, in letters of either case.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "true, the header's value, or {\"contains\": a part of it}")]
enum Says {
    /// Anything; `false` is refused.
    Anything(bool),
    /// Just this.
    This(String),
    /// This among other things.
    Among {
        /// The part.
        contains: String,
    },
}

/// Something in a body.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Within {
    /// Where it is (RFC 6901), such as `/0/errorCode`.
    pointer: String,
    /// What it is. Without this, `in` and `contains` it is enough that something is there.
    #[serde(default)]
    equals: Option<Scalar>,
    /// What it is one of.
    #[serde(default)]
    r#in: Option<Vec<Scalar>>,
    /// A part of the text that it is, in ASCII letters of either case: what services say in words alone.
    #[serde(default)]
    contains: Option<String>,
}

/// A text, a number, or true or false.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "a text, a number, true or false")]
enum Scalar {
    Text(String),
    Number(serde_json::Number),
    Truth(bool),
}

impl Condition {
    /// Checks it.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the key.
    pub(crate) fn open(&self) -> Result<Rule> {
        let statuses = match &self.status {
            None => &[][..],
            Some(Statuses::One(status)) => std::slice::from_ref(status),
            Some(Statuses::Several(statuses)) if statuses.is_empty() => {
                return Err(Error::invalid("status: is an empty list; name one, or leave it out for any"));
            }
            Some(Statuses::Several(statuses)) => statuses,
        };
        let status = |&status| {
            let known = StatusCode::from_u16(status).ok().filter(|_| status < 600);
            known.ok_or_else(|| Error::invalid("status: must be from 100 to 599"))
        };
        let statuses = statuses.iter().map(status).collect::<Result<Box<[_]>>>()?;
        let headers = self.header.iter().map(|(name, says)| {
            let at = || format!("header.{}", name.escape_default());
            let known = name.parse().map_err(|_| Error::invalid("is not the name of a header").at(&at()))?;
            let said = match says {
                Says::Anything(true) => Said::Anything,
                Says::Anything(false) => {
                    return Err(
                        Error::invalid("is true where the header is there; false says nothing").at(&at())
                    );
                }
                Says::This(text) => Said::This(text.trim().to_owned()),
                Says::Among { contains } if contains.is_empty() => {
                    return Err(Error::invalid("contains: is empty; write true for anything").at(&at()));
                }
                Says::Among { contains } => Said::Among(contains.to_ascii_lowercase()),
            };
            Ok((known, said))
        });
        let headers = headers.collect::<Result<Box<[_]>>>()?;
        let body = self.body.as_ref().map(Within::open).transpose().map_err(|error| error.at("body"))?;
        if headers.is_empty() && body.is_none() && statuses.is_empty() {
            return Err(Error::invalid("is empty; name a status, a header or something in the body"));
        }
        Ok(Rule { statuses, headers, body })
    }
}

impl Within {
    fn open(&self) -> Result<Found> {
        parse::pointer(&self.pointer).map_err(|error| error.at("pointer"))?;
        let value = |scalar: &Scalar| match scalar {
            Scalar::Text(text) => Value::from(text.as_str()),
            Scalar::Number(number) => Value::Number(number.clone()),
            Scalar::Truth(truth) => Value::from(*truth),
        };
        let is = match (&self.equals, &self.r#in, &self.contains) {
            (Some(_), Some(_), _) => {
                return Err(Error::invalid("equals: is there beside in; remove one of them"));
            }
            (Some(_), ..) | (_, Some(_), _) if self.contains.is_some() => {
                return Err(Error::invalid("contains: is there beside equals or in; remove one of them"));
            }
            (_, Some(values), _) if values.is_empty() => {
                return Err(Error::invalid("in: is an empty list; leave it out for anything"));
            }
            (.., Some(part)) if part.is_empty() => {
                return Err(Error::invalid("contains: is empty; leave it out for anything"));
            }
            (Some(one), ..) => Is::OneOf([value(one)].into()),
            (_, Some(values), _) => Is::OneOf(values.iter().map(value).collect()),
            (.., Some(part)) => Is::Among(part.to_ascii_lowercase()),
            (None, None, None) => Is::Anything,
        };
        Ok(Found { pointer: self.pointer.clone(), is })
    }
}
