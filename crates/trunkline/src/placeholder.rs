//! `{{connection.NAME}}` in the document of an integration: where it may stand, and what each connection puts there.

use std::{collections::BTreeMap, fmt::Write, iter, ops::Range};

use http::Uri;
use serde_json::{Map, Value};
use trunkline_core::{Error, Result};
use zeroize::Zeroizing;

/// What a placeholder begins with.
const OPEN: &str = "{{connection.";
/// … and what stands for that where placeholders are to be taken for values.
const DISGUISE: &str = "{{a tenant's.";
/// … and what it ends with.
const CLOSE: &str = "}}";

/// Keys whose strings are for people, or say what the integration is: they are the same for all connections.
const PLAIN: [&str; 6] = ["integration_id", "name", "description", "type", "auth_type", "metadata"];

/// What a connection has for the placeholders, by their names.
pub(crate) type Values = BTreeMap<String, String>;

/// A placeholder in a text.
struct Placeholder<'a> {
    name: &'a str,
    /// With what it begins and ends with.
    span: Range<usize>,
}

/// What a value must be to stand where its placeholder does.
enum Place {
    /// Anything.
    Free,
    /// Anything that makes no template: schemes have templates of their own, and these reach secrets.
    Auth,
    /// The address of a service, at the beginning of `base_url`.
    Url,
    /// A part of a host's name.
    Host,
    /// A part of a path or a query: what has a meaning there is escaped.
    Path,
}

/// Whether any string of a document has a placeholder.
pub(crate) fn any(document: &Map<String, Value>) -> bool {
    // Asked of every integration that is opened: no path is put together.
    fn has(value: &Value) -> bool {
        match value {
            Value::String(text) => is_in(text),
            Value::Array(items) => items.iter().any(has),
            Value::Object(fields) => fields.values().any(has),
            _ => false,
        }
    }
    document.iter().any(|(key, value)| !PLAIN.contains(&key.as_str()) && has(value))
}

/// The names of all placeholders of a document, with the path to the string that each stands in.
///
/// # Errors
///
/// `invalid_config`, naming the key, where one is malformed or stands where none can.
pub(crate) fn all(document: &Map<String, Value>) -> Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for (path, text) in strings(document) {
        for placeholder in placeholders(text).map_err(|error| error.at(&path))? {
            place(&path, text, &placeholder.span).map_err(|error| error.at(&path))?;
            found.push((placeholder.name.to_owned(), path.clone()));
        }
    }
    Ok(found)
}

/// Whether a text has a disguised placeholder.
pub(crate) fn is_disguised_in(text: &str) -> bool {
    text.contains(DISGUISE)
}

/// Whether a text has a placeholder.
pub(crate) fn is_in(text: &str) -> bool {
    text.contains(OPEN)
}

/// Whether a text is one placeholder and nothing else.
pub(crate) fn is_one(text: &str) -> bool {
    let whole = text.strip_prefix(OPEN).and_then(|text| text.strip_suffix(CLOSE));
    whole.is_some_and(|name| named(name).is_ok())
}

/// The document with other words in the place of its placeholders: what is masked of these is secret.
pub(crate) fn disguised(document: &Map<String, Value>) -> Map<String, Value> {
    let text = Zeroizing::new(serde_json::to_string(document).unwrap_or_default());
    let text = Zeroizing::new(text.replace(OPEN, DISGUISE));
    serde_json::from_str(&text).unwrap_or_default()
}

/// Puts a connection's values in the place of all placeholders.
///
/// # Errors
///
/// `invalid_config`, naming the value that is missing, or that cannot stand where it is to.
pub(crate) fn fill(document: &mut Map<String, Value>, values: &Values) -> Result<()> {
    for (key, value) in document.iter_mut().filter(|(key, _)| !PLAIN.contains(&key.as_str())) {
        fill_value(key, value, values)?;
    }
    Ok(())
}

fn fill_value(path: &str, value: &mut Value, values: &Values) -> Result<()> {
    match value {
        Value::String(text) if is_in(text) => *text = filled(path, text, values)?,
        Value::Array(items) => {
            for (n, item) in items.iter_mut().enumerate() {
                fill_value(&format!("{path}.{n}"), item, values)?;
            }
        }
        Value::Object(fields) => {
            for (key, value) in fields {
                fill_value(&format!("{path}.{key}"), value, values)?;
            }
        }
        _ => {}
    }
    Ok(())
}

fn filled(path: &str, text: &str, values: &Values) -> Result<String> {
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for Placeholder { name, span } in placeholders(text).map_err(|error| error.at(path))? {
        let place = place(path, text, &span).map_err(|error| error.at(path))?;
        let Some(value) = values.get(name) else {
            return Err(Error::invalid(format!(
                "values.{name}: is missing; {path} of the integration needs it"
            )));
        };
        out.push_str(&text[from..span.start]);
        place.put(&mut out, value).map_err(|error| error.at(&format!("values.{name}")))?;
        // Two halves of a reference would name something of the server's own.
        if out.ends_with('$') && text[span.end..].starts_with('{')
            || out.matches("${").count() > text[..span.start].matches("${").count()
        {
            return Err(Error::invalid(format!("values.{name}: cannot be a reference, nor a part of one")));
        }
        from = span.end;
    }
    out.push_str(&text[from..]);
    Ok(out)
}

impl Place {
    fn put(&self, out: &mut String, value: &str) -> Result<()> {
        match self {
            Self::Free => out.push_str(value),
            Self::Auth if value.contains(['{', '}']) => {
                return Err(Error::invalid(
                    "cannot have { or }, which auth_config gives a meaning; give the connection its own auth_config",
                ));
            }
            Self::Auth => out.push_str(value),
            Self::Url => out.push_str(url(value)?),
            Self::Host => {
                let plain = |c: u8| c.is_ascii_alphanumeric() || b".-_".contains(&c);
                if value.is_empty() || !value.bytes().all(plain) {
                    return Err(Error::invalid("is part of a host's name: use letters, digits and . - _"));
                }
                out.push_str(value);
            }
            Self::Path => {
                if matches!(value, "" | "." | "..") {
                    return Err(Error::invalid("is part of a path: it cannot be empty, `.` or `..`"));
                }
                for byte in value.bytes() {
                    // RFC 3986 section 2.3.
                    if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                        out.push(char::from(byte));
                    } else {
                        // Writing to a string cannot fail.
                        let _ = write!(out, "%{byte:02X}");
                    }
                }
            }
        }
        Ok(())
    }
}

/// The address of a service, without what could hold a credential or hide what follows it.
fn url(value: &str) -> Result<&str> {
    let uri = value.parse::<Uri>().ok().filter(|_| !value.contains(['#', '?', '@', '$']));
    let has_host = uri.as_ref().and_then(Uri::host).is_some_and(|host| !host.is_empty());
    match uri.as_ref().and_then(Uri::scheme_str) {
        Some("http" | "https") if has_host => Ok(value.trim_end_matches('/')),
        _ => Err(Error::invalid(
            "is the address of the service: use an http or https URL without user, query and fragment",
        )),
    }
}

/// Where a placeholder stands.
fn place(path: &str, text: &str, span: &Range<usize>) -> Result<Place> {
    let before = &text[..span.start];
    if before.rfind("${").is_some_and(|start| !before[start..].contains('}')) {
        return Err(Error::invalid(
            "a reference cannot hold a placeholder: what it names would be a tenant's choice",
        ));
    }
    if path == "base_url" && span.start == 0 {
        return match text.as_bytes().get(span.end) {
            None | Some(b'/') => Ok(Place::Url),
            Some(_) => {
                Err(Error::invalid("a placeholder for the whole address can only be followed by a path"))
            }
        };
    }
    let Some(colon) = text.find("://") else {
        return Ok(if path.starts_with("auth_config.") { Place::Auth } else { Place::Free });
    };
    if span.start < colon {
        return Err(Error::invalid("a placeholder cannot be the scheme of a URL"));
    }
    let authority = text[colon + 3..].find(['/', '?', '#']).map_or(text.len(), |end| colon + 3 + end);
    Ok(if span.start < authority { Place::Host } else { Place::Path })
}

/// The placeholders of a text, in their order.
fn placeholders(text: &str) -> Result<Vec<Placeholder<'_>>> {
    let mut from = 0;
    iter::from_fn(|| {
        let start = from + text[from..].find(OPEN)?;
        let inner = start + OPEN.len();
        let Some(name) = text[inner..].split_once(CLOSE).map(|(name, _)| name) else {
            from = text.len();
            return Some(Err(Error::invalid(format!("`{OPEN}` has no `{CLOSE}`"))));
        };
        from = inner + name.len() + CLOSE.len();
        Some(named(name).map(|()| Placeholder { name, span: start..from }))
    })
    .collect()
}

/// Checks the name of a placeholder, or of a value for one.
pub(crate) fn named(name: &str) -> Result<()> {
    let allowed = |c: u8| c.is_ascii_alphanumeric() || b"_-".contains(&c);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(allowed) {
        return Err(Error::invalid("the name of a value has 1 to 64 of the characters A-Z a-z 0-9 _ -"));
    }
    Ok(())
}

/// All strings that may have placeholders, with the paths to them.
fn strings(document: &Map<String, Value>) -> impl Iterator<Item = (String, &str)> {
    let mut open: Vec<_> = document
        .iter()
        .filter(|(key, _)| !PLAIN.contains(&key.as_str()))
        .map(|(key, value)| (key.clone(), value))
        .collect();
    iter::from_fn(move || {
        loop {
            let (path, value) = open.pop()?;
            match value {
                Value::String(text) => return Some((path, text.as_str())),
                Value::Array(items) => {
                    open.extend(items.iter().enumerate().map(|(n, item)| (format!("{path}.{n}"), item)));
                }
                Value::Object(fields) => {
                    open.extend(fields.iter().map(|(key, value)| (format!("{path}.{key}"), value)));
                }
                _ => {}
            }
        }
    })
}

#[cfg(test)]
mod tests;
