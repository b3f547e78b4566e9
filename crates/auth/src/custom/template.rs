//! `Template`: a text with `{{NAME}}` for what has a name, and references for what is kept elsewhere; and `Sent`, what
//! of it must not be said back.

use std::{borrow::Cow, collections::BTreeMap};

use trunkline_core::{Error, Result, Secret, parse};

/// What has a name.
#[derive(Debug)]
pub(super) struct Names {
    secrets: BTreeMap<String, Secret>,
    values: BTreeMap<String, Secret>,
}

/// A text, read once.
#[derive(Debug)]
pub(super) struct Template(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// As it is written: it may be a secret.
    Text(Secret),
    Name(String),
}

/// The words that a request was made of and that may be secret.
#[derive(Default)]
pub(super) struct Sent(Vec<String>);

/// Shorter secrets would hide words that mean nothing …
const SHORTEST: usize = 4;
/// … and so would shorter words of which nobody says whether they are secret.
const SHORTEST_WORD: usize = 6;

impl Names {
    pub(super) fn new(secrets: BTreeMap<String, Secret>, values: BTreeMap<String, String>) -> Result<Self> {
        let odd = |name: &&String| name.is_empty() || name.trim() != **name || name.contains(['{', '}']);
        if let Some(name) = secrets.keys().chain(values.keys()).find(odd) {
            let name = name.escape_default();
            return Err(Error::invalid(format!("secrets, values: \"{name}\" cannot stand in {{{{…}}}}")));
        }
        if let Some(name) = values.keys().find(|name| secrets.contains_key(*name)) {
            let name = name.escape_default();
            return Err(Error::invalid(format!("values.{name}: is the name of a secret too")));
        }
        let values = values.into_iter().map(|(name, value)| (name, Secret::new(value))).collect();
        Ok(Self { secrets, values })
    }

    /// The value of what is no secret.
    pub(super) fn value(&self, name: &str) -> Result<String> {
        if let Some(value) = self.values.get(name) {
            return plain(value).map_err(|error| error.at(&format!("values.{name}")));
        }
        Err(match self.secrets.contains_key(name) {
            true => Error::invalid(format!(
                "{{{{{name}}}}} is a secret, and URLs are written into logs; put it into query, headers or the body"
            )),
            false => self.unknown(name),
        })
    }

    fn get(&self, name: &str) -> Result<(Cow<'_, str>, bool)> {
        if let Some(secret) = self.secrets.get(name) {
            let exposed = secret.expose().map_err(|error| error.at(&format!("secrets.{name}")))?;
            return Ok((exposed.into_owned().into(), true));
        }
        self.value(name).map(|value| (value.into(), false))
    }

    fn check(&self, name: &str) -> Result<()> {
        let known = self.secrets.contains_key(name) || self.values.contains_key(name);
        if known { Ok(()) } else { Err(self.unknown(name)) }
    }

    fn unknown(&self, name: &str) -> Error {
        let known = || self.secrets.keys().chain(self.values.keys()).map(String::as_str);
        let near = parse::nearest(name, known()).map(|near| format!("did you mean {{{{{near}}}}}? "));
        let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        Error::invalid(format!(
            "{{{{{shown}}}}} is neither in secrets nor in values; {}known: {}",
            near.unwrap_or_default(),
            known().collect::<Vec<_>>().join(", ")
        ))
    }
}

/// A text with its references read.
fn plain(text: &Secret) -> Result<String> {
    let exposed = text.expose()?;
    match text.is_reference() {
        // What it leads to is no text of the configuration.
        true => Ok(exposed.into_owned()),
        false => parse::resolve(&exposed).map(Cow::into_owned),
    }
}

/// Splits a text into what stands as it is and the names between braces.
pub(super) fn split(text: &str) -> Result<Vec<(&str, Option<&str>)>> {
    let (mut parts, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once("{{") {
        let Some((name, after)) = after.split_once("}}") else {
            return Err(Error::invalid("has {{ without }}; to send braces, put them into values"));
        };
        parts.push((before, Some(name.trim())));
        rest = after;
    }
    parts.push((rest, None));
    Ok(parts)
}

impl Template {
    /// Reads a text.
    ///
    /// # Errors
    ///
    /// `invalid_config` where a name is none of `names`.
    pub(super) fn new(text: Secret, names: &Names) -> Result<Self> {
        if text.is_reference() {
            return Ok(Self(vec![Part::Text(text)]));
        }
        let mut parts = Vec::new();
        for (before, name) in split(&text.expose()?)? {
            if !before.is_empty() {
                parts.push(Part::Text(Secret::literal(before)));
            }
            if let Some(name) = name {
                names.check(name)?;
                parts.push(Part::Name(name.to_owned()));
            }
        }
        Ok(Self(parts))
    }

    /// The text as it is sent.
    ///
    /// # Errors
    ///
    /// `invalid_config` where a reference leads nowhere.
    pub(super) fn render(&self, names: &Names, sent: &mut Sent) -> Result<String> {
        let (mut text, mut own) = (String::new(), false);
        for part in &self.0 {
            match part {
                Part::Text(part) => {
                    text.push_str(&plain(part)?);
                    own = true;
                }
                Part::Name(name) => {
                    let (value, secret) = names.get(name)?;
                    text.push_str(&value);
                    if secret {
                        sent.secret(value.into_owned());
                    }
                }
            }
        }
        if own {
            sent.word(&text);
        }
        Ok(text)
    }
}

impl Sent {
    fn secret(&mut self, secret: String) {
        if secret.len() >= SHORTEST {
            self.0.push(secret);
        }
    }

    /// A word of the configuration.
    fn word(&mut self, word: &str) {
        if word.len() >= SHORTEST_WORD {
            self.0.push(word.to_owned());
        }
    }

    /// A text in which the words are that may be secret.
    pub(super) fn words(&mut self, text: &str) {
        let between = |c: char| c.is_whitespace() || "\"'<>&=:;,(){}[]".contains(c);
        text.split(between).for_each(|word| self.word(word));
    }

    /// All of them, the longest first: one may be a part of another.
    pub(super) fn longest_first(mut self) -> Vec<String> {
        self.0.sort_unstable_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        self.0.dedup();
        self.0
    }
}
