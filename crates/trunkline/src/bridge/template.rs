//! `Template`: the request that is made of each message: the JSON of a call with placeholders in its strings.

use std::{borrow::Cow, fmt::Write};

use serde_json::{Value, value::RawValue};
use trunkline_core::{Error, Result, parse};

use super::message::{Message, quoted};

const OPEN: &str = "{{";
const CLOSE: &str = "}}";
/// What placeholders begin with.
const KNOWN: [&str; 5] = ["message", "message_id", "key", "queue", "headers"];
/// Where a text is a program, which a message must not become a part of; indexes are left out.
const PROGRAMS: [&str; 3] = ["query", "batch.query", "transaction.query"];

/// A request with placeholders.
pub(crate) struct Template {
    root: Node,
}

enum Node {
    /// JSON that is the same for all messages.
    Fixed(String),
    /// A string that is one placeholder: the value itself.
    Value(What),
    /// A longer string.
    Text(Text),
    Array(Vec<Node>),
    /// Names as JSON.
    Object(Vec<(String, Node)>),
}

struct Text {
    pieces: Vec<Piece>,
    /// Whether it is the path of a URL, in which a message is a part and nothing more.
    path: bool,
    /// Where it stands.
    place: String,
}

enum Piece {
    Fixed(String),
    What(What),
}

/// What a placeholder stands for.
enum What {
    Message(Vec<String>),
    Id,
    Key,
    Queue,
    Header(String),
}

impl Template {
    /// Checks a request that stands at `place`.
    ///
    /// # Errors
    ///
    /// `invalid_config`, with the path of the string at fault.
    pub(super) fn parse(request: &Value, place: &str) -> Result<Self> {
        node(request, place, "").map(|root| Self { root })
    }

    /// The headers of messages that it names.
    pub(super) fn headers(&self) -> Vec<String> {
        let mut named = Vec::new();
        self.root.headers(&mut named);
        named
    }

    /// The request for a message.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the message lacks what a string needs, or has something that cannot stand there.
    pub(super) fn fill(&self, message: &Message) -> Result<Box<RawValue>> {
        let mut out = String::new();
        self.root.fill(message, &mut out)?;
        RawValue::from_string(out).map_err(|error| Error::invalid("the request is no JSON").source(error))
    }
}

/// `path` is that below the request, without indexes.
fn node(value: &Value, place: &str, path: &str) -> Result<Node> {
    Ok(match value {
        Value::String(text) if text.contains(OPEN) => {
            string(text, place, path).map_err(|error| error.at(place))?
        }
        Value::Array(items) => {
            let items = items.iter().enumerate();
            Node::Array(
                items.map(|(n, item)| node(item, &format!("{place}[{n}]"), path)).collect::<Result<_>>()?,
            )
        }
        Value::Object(members) => {
            let members = members.iter().map(|(key, value)| {
                if key.contains(OPEN) {
                    return Err(Error::invalid("a name cannot have placeholders, only a value").at(place));
                }
                let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                Ok((quoted(key), node(value, &format!("{place}.{key}"), &path)?))
            });
            Node::Object(members.collect::<Result<_>>()?)
        }
        fixed => Node::Fixed(fixed.to_string()),
    })
}

fn string(text: &str, place: &str, path: &str) -> Result<Node> {
    let (mut pieces, mut rest) = (Vec::new(), text);
    while let Some((before, after)) = rest.split_once(OPEN) {
        let Some((name, after)) = after.split_once(CLOSE) else {
            return Err(Error::invalid(format!("`{OPEN}` has no `{CLOSE}`")));
        };
        if !before.is_empty() {
            pieces.push(Piece::Fixed(before.to_owned()));
        }
        pieces.push(Piece::What(What::parse(name.trim())?));
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Fixed(rest.to_owned()));
    }
    if let [Piece::What(_)] = &*pieces
        && let Some(Piece::What(what)) = pieces.pop()
    {
        return Ok(Node::Value(what));
    }
    if PROGRAMS.contains(&path) {
        return Err(Error::invalid(
            "a message cannot be a part of a query, which could become another one; hand it over in params or variables",
        ));
    }
    Ok(Node::Text(Text { pieces, path: path == "endpoint", place: place.to_owned() }))
}

impl What {
    fn parse(name: &str) -> Result<Self> {
        let (word, rest) = match name.find('/') {
            Some(slash) => name.split_at(slash),
            None => (name, ""),
        };
        Ok(match (word, rest) {
            ("message", pointer) => {
                parse::pointer(pointer).map_err(|error| error.at(&format!("{OPEN}{name}{CLOSE}")))?;
                let steps = pointer.split('/').skip(1);
                Self::Message(steps.map(|step| step.replace("~1", "/").replace("~0", "~")).collect())
            }
            ("message_id", "") => Self::Id,
            ("key", "") => Self::Key,
            ("queue", "") => Self::Queue,
            ("headers", header) if header.len() > 1 => Self::Header(header[1..].to_owned()),
            _ => {
                let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
                let near = parse::nearest(word, KNOWN).filter(|near| *near != word);
                let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
                return Err(Error::invalid(format!(
                    "unknown placeholder `{OPEN}{shown}{CLOSE}`{near}; known: message, message/POINTER, message_id, key, \
                     queue, headers/NAME"
                )));
            }
        })
    }

    /// The value as JSON, if the message has it.
    fn of<'a>(&self, message: &'a Message) -> Option<Cow<'a, str>> {
        let text = |text: &Option<String>| text.as_deref().map(|text| quoted(text).into());
        match self {
            Self::Message(steps) => message.part(steps),
            Self::Id => text(&message.message_id),
            Self::Key => text(&message.key),
            Self::Queue => Some(quoted(&message.queue).into()),
            Self::Header(name) => message.header(name).map(|value| quoted(value).into()),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Message(steps) => format!("message/{}", steps.join("/")),
            Self::Id => "message_id".to_owned(),
            Self::Key => "key".to_owned(),
            Self::Queue => "queue".to_owned(),
            Self::Header(name) => format!("headers/{name}"),
        }
    }
}

impl Node {
    fn headers(&self, named: &mut Vec<String>) {
        let mut header = |what: &What| {
            if let What::Header(name) = what {
                named.push(name.clone());
            }
        };
        match self {
            Self::Fixed(_) => {}
            Self::Value(what) => header(what),
            Self::Text(text) => text.pieces.iter().for_each(|piece| match piece {
                Piece::Fixed(_) => {}
                Piece::What(what) => header(what),
            }),
            Self::Array(items) => items.iter().for_each(|item| item.headers(named)),
            Self::Object(members) => members.iter().for_each(|(_, value)| value.headers(named)),
        }
    }

    fn fill(&self, message: &Message, out: &mut String) -> Result<()> {
        match self {
            Self::Fixed(json) => out.push_str(json),
            Self::Value(what) => out.push_str(&what.of(message).unwrap_or("null".into())),
            Self::Text(text) => {
                let filled = text.fill(message).map_err(|error| error.at(&text.place))?;
                out.push_str(&quoted(&filled));
            }
            Self::Array(items) => {
                out.push('[');
                for (n, item) in items.iter().enumerate() {
                    out.push_str(if n > 0 { "," } else { "" });
                    item.fill(message, out)?;
                }
                out.push(']');
            }
            Self::Object(members) => {
                out.push('{');
                for (n, (name, value)) in members.iter().enumerate() {
                    out.push_str(if n > 0 { "," } else { "" });
                    out.push_str(name);
                    out.push(':');
                    value.fill(message, out)?;
                }
                out.push('}');
            }
        }
        Ok(())
    }
}

impl Text {
    fn fill(&self, message: &Message) -> Result<String> {
        let mut out = String::new();
        for piece in &self.pieces {
            let what = match piece {
                Piece::Fixed(text) => {
                    out.push_str(text);
                    continue;
                }
                Piece::What(what) => what,
            };
            let json = what.of(message).filter(|json| json != "null");
            let Some(json) = json else {
                return Err(Error::invalid(format!("the message has no {}", what.name())));
            };
            let text = match json.starts_with('"') {
                true => serde_json::from_str(&json)
                    .map_err(|error| Error::invalid("a string is no JSON").source(error))?,
                false => json.into_owned(),
            };
            match self.path {
                true => escaped(&text, &mut out).map_err(|error| error.at(&what.name()))?,
                false => out.push_str(&text),
            }
        }
        Ok(out)
    }
}

/// A part of a path: what has a meaning there is escaped (RFC 3986 section 2.3).
fn escaped(text: &str, out: &mut String) -> Result<()> {
    if matches!(text, "" | "." | "..") {
        return Err(Error::invalid("is part of a path: it cannot be empty, `.` or `..`"));
    }
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
