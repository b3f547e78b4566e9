//! What makes a manifest of no use, and is wrong in itself.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue, Method};
use serde_json::{Value, json};
use trunkline_core::{Error, Result, parse};

use crate::{Action, Body, Input, Manifest, schema::Checker};

/// Methods that are usual; what is nearly one of them and no other that is known was meant to be it.
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
/// Others that are near to one of them (the registry of RFC 9110 section 16.1).
const OTHER_METHODS: [&str; 4] = ["PROPPATCH", "ORDERPATCH", "PROPFIND", "PURGE"];

/// The type whose lists come in pages, which integrations have unless they say otherwise.
const PAGED: &str = "rest";

/// What is wrong that no type refuses: names, and what goes together. Each says where it is.
pub(crate) fn lint(manifest: &Manifest) -> Vec<Error> {
    let mut wrong = Vec::new();
    let name = &manifest.name;
    if !(1..=64).contains(&name.len())
        || !name.bytes().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || b"_-".contains(&c))
    {
        wrong.push(Error::invalid("name: use 1 to 64 of the characters a-z 0-9 _ -"));
    }
    for key in ["connector", "inputs", "auth", "integration_id", "auth_type", "auth_config", "enabled"] {
        if manifest.integration.contains_key(key) {
            let message = format!("integration.{key}: is for integrations to say, or for `auth`");
            wrong.push(Error::invalid(message));
        }
    }
    let other = manifest.integration.get("type").and_then(Value::as_str).unwrap_or(PAGED);
    if other != PAGED {
        let ways = (!manifest.pages.is_empty()).then(|| "pages".to_owned());
        let actions = manifest.actions.iter().filter(|(_, action)| action.pages.is_some());
        let places = ways.into_iter().chain(actions.map(|(name, _)| format!("actions.{name}.pages")));
        let message = |place| {
            Error::invalid(format!("{place}: only lists of type {PAGED} come in pages, not of {other}"))
        };
        wrong.extend(places.map(message));
    }
    inputs("inputs", &manifest.inputs, BTreeSet::new(), &mut wrong);
    let mut ids = BTreeSet::new();
    for auth in &manifest.auth {
        let place = format!("auth.{}", auth.id);
        if !ids.insert(&auth.id) {
            wrong.push(Error::invalid(format!("{place}: is there twice")));
        }
        let common = manifest.inputs.iter().map(|input| &*input.name).collect();
        inputs(&format!("{place}.inputs"), &auth.inputs, common, &mut wrong);
    }
    limits(manifest, &mut wrong);
    for (name, action) in &manifest.actions {
        let place = format!("actions.{name}.parts");
        if !action.parts.is_empty() && action.body.unwrap_or(manifest.body) != Body::Multipart {
            wrong.push(Error::invalid(format!("{place}: only a body of the kind multipart has parts")));
        }
        let medias = action.parts.iter().filter(|(_, media)| !is_media(media));
        wrong.extend(medias.map(|(part, _)| Error::invalid(format!("{place}.{part}: is no media type"))));
        wrong.extend(check(name, action).err().map(|error| error.at(&format!("actions.{name}"))));
    }
    wrong
}

fn inputs<'a>(place: &str, inputs: &'a [Input], mut names: BTreeSet<&'a str>, wrong: &mut Vec<Error>) {
    for input in inputs {
        let mut tell = |what: &str| wrong.push(Error::invalid(format!("{place}.{}{what}", input.name)));
        if !is_name(&input.name) {
            tell(": a name is letters, digits and _");
        }
        if !names.insert(&input.name) {
            tell(": is there twice");
        }
        if input.secret && input.default.is_some() {
            tell(": a secret has no default");
        }
        if let (Some(default), Some(pattern)) = (&input.default, &input.pattern) {
            let pattern = Checker::new(json!({ "pattern": pattern }));
            // What is no pattern is told as such.
            if pattern.compile().is_ok() && pattern.check(&default.as_str().into(), "").is_err() {
                tell(".default: does not match its pattern");
            }
        }
        let known = |default: &String| input.choices.is_empty() || input.choices.contains(default);
        if !input.default.as_ref().is_none_or(known) {
            tell(".default: is none of its enum");
        }
    }
}

fn check(name: &str, action: &Action) -> Result<()> {
    if !is_name(name) {
        return Err(Error::invalid("a name is letters, digits and _"));
    }
    match (&action.request, &action.method, &action.path) {
        (None, Some(method), Some(path)) => {
            if !path.starts_with('/') {
                return Err(Error::invalid("path: must begin with /"));
            }
            if path.split('?').next().unwrap_or_default().split('/').any(|part| part == "." || part == "..") {
                return Err(Error::invalid(
                    "path: leads out of itself with . or .. ; write where it leads to",
                ));
            }
            if literals(path).any(|text| text.contains('#')) {
                return Err(Error::invalid(
                    "path: what follows # is never sent; write %23 for one that is meant",
                ));
            }
            let known =
                Method::from_bytes(method.as_bytes()).is_ok() && *method == method.to_ascii_uppercase();
            if !known {
                return Err(Error::invalid("method: is not an HTTP method in capitals"));
            }
            if !METHODS.contains(&&**method)
                && !OTHER_METHODS.contains(&&**method)
                && let Some(near) = METHODS
                    .into_iter()
                    .find(|known| is_mixed_up(method, known))
                    .or_else(|| parse::nearest(method, METHODS))
            {
                return Err(Error::invalid(format!("method: is not known, did you mean `{near}`?")));
            }
        }
        (None, ..) => return Err(Error::invalid("needs method and path, or request")),
        (Some(_), None, None)
            if action.query.is_empty()
                && action.headers.is_empty()
                && action.send.is_none()
                && action.parts.is_empty() => {}
        (Some(_), ..) => {
            return Err(Error::invalid("request: takes the place of method, path, query, headers and send"));
        }
    }
    if let Some(name) = action.headers.keys().find(|name| name.parse::<HeaderName>().is_err()) {
        return Err(
            Error::invalid("is not the name of a header").at(&format!("headers.{}", name.escape_default()))
        );
    }
    if let Some(returns) = &action.returns {
        parse::pointer(returns).map_err(|error| error.at("returns"))?;
    }
    let is_object =
        |schema: &Value| schema.get("type").is_none_or(|kind| kind == "object") && schema.is_object();
    if action.input.as_ref().is_some_and(|input| !is_object(input)) {
        return Err(Error::invalid("input: must be the schema of an object"));
    }
    Ok(())
}

/// What of a path stands outside of expressions.
fn literals(path: &str) -> impl Iterator<Item = &str> {
    path.split("{{").enumerate().map(|(n, part)| match n {
        0 => part,
        _ => part.split_once("}}").map_or("", |(_, after)| after),
    })
}

/// Limits that are for nothing, as what they name is neither an action nor a method. Of types other than `rest` a limit can name
/// what only they know.
fn limits(manifest: &Manifest, wrong: &mut Vec<Error>) {
    if manifest.integration.get("type").is_some_and(|kind| kind != "rest") {
        return;
    }
    let (limits, one) = match manifest.integration.get("rate_limit") {
        Some(Value::Array(limits)) => (limits.as_slice(), false),
        Some(limit) => (std::slice::from_ref(limit), true),
        None => return,
    };
    for (n, limit) in limits.iter().enumerate() {
        let place =
            if one { "integration.rate_limit".to_owned() } else { format!("integration.rate_limit[{n}]") };
        let named = limit.get("actions").and_then(Value::as_array).into_iter().flatten();
        let named = named.enumerate().filter_map(|(n, name)| Some((format!("actions[{n}]"), name.as_str()?)));
        let weighed = limit.get("weights").and_then(Value::as_object).into_iter().flatten();
        let weighed = weighed.map(|(name, _)| (format!("weights.{name}"), name.as_str()));
        for (key, name) in named.chain(weighed) {
            let is_method = !name.is_empty() && name.bytes().all(|c| c.is_ascii_uppercase() || c == b'-');
            if is_method || name.contains("{{") || manifest.actions.contains_key(name) {
                continue;
            }
            let near = parse::nearest(name, manifest.actions.keys().map(String::as_str));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            wrong.push(Error::invalid(format!("{place}.{key}: there is no action of this name{near}")));
        }
    }
}

/// Whether a text is one media type, such as `image/png` (RFC 9110 section 8.3.1).
pub(crate) fn is_media(text: &str) -> bool {
    let token = |text: &str| {
        !text.is_empty() && text.bytes().all(|c| c.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&c))
    };
    let kind = text.split(';').next().unwrap_or_default().trim_end();
    text.parse::<HeaderValue>().is_ok()
        && kind.split_once('/').is_some_and(|(kind, of)| token(kind) && token(of))
}

/// Whether a word has the letters of another, in another order: so short ones are not near.
fn is_mixed_up(word: &str, known: &str) -> bool {
    let sorted = |word: &str| {
        let mut letters = word.as_bytes().to_vec();
        letters.sort_unstable();
        letters
    };
    sorted(word) == sorted(known)
}

/// Whether an expression can ask for something of this name.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
