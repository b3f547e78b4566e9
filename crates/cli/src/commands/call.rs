//! `trunkline call`: calls an integration.

mod pages;

use std::io::{self, Write};

use clap::Args;
use http::{HeaderName, HeaderValue};
use http_body_util::BodyExt;
use serde::Serialize;
use serde_json::{Map, Value, json};
use trunkline::HttpRequest;

use self::pages::{Pages, came};
use super::read;
use crate::{
    client::{Server, path, problem},
    exit::Exit,
    output::{Output, plain},
};

/// Calls an integration and prints the reply's body.
///
/// `trunkline call shop /orders -q page=2`, `trunkline call shop POST /orders -d '{"item": 1}'`,
/// `trunkline call billing -r '{"action": "list_customers"}' --pages`
#[derive(Debug, Args)]
pub(crate) struct Call {
    /// The integration.
    id: String,
    /// The method and the endpoint, or the endpoint alone.
    #[arg(value_name = "[METHOD] ENDPOINT", num_args = 0..=2)]
    target: Vec<String>,
    /// A JSON body, @FILE or @- for standard input.
    #[arg(short, long, value_name = "JSON")]
    data: Option<String>,
    /// A form field, name=value; may be repeated.
    #[arg(short, long, value_name = "FIELD", conflicts_with = "data")]
    form: Vec<String>,
    /// A query parameter, name=value; may be repeated.
    #[arg(short, long, value_name = "PARAM")]
    query: Vec<String>,
    /// A header, "name: value"; may be repeated.
    #[arg(short = 'H', long, value_name = "HEADER")]
    header: Vec<String>,
    /// The whole request as JSON, in the form of the integration's type; @FILE or @- for standard input.
    #[arg(short, long, value_name = "JSON", conflicts_with_all = ["target", "data", "form", "query", "header"])]
    request: Option<String>,
    #[command(flatten)]
    pages: Pages,
    #[command(flatten)]
    wishes: Wishes,
}

/// How a call is to be made.
#[derive(Debug, Args)]
pub(super) struct Wishes {
    /// Whose credentials it uses: the name of a connection.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Makes the call once, however often this is repeated within 24 hours with the same key: a repetition
    /// prints the answer that was kept. 1 to 255 visible ASCII characters.
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<String>,
    /// How long the call may take with all its waits, where the integration allows more: 30, 250ms.
    #[arg(long, value_name = "TIME")]
    timeout: Option<String>,
    /// How often it may be attempted, where the integration allows more: 1 for no retry.
    #[arg(long, value_name = "N")]
    max_attempts: Option<String>,
    /// How long it may wait for its turn at a limit, where the integration allows more: 0 for not at all.
    #[arg(long, value_name = "TIME")]
    max_wait: Option<String>,
    /// Asks the service itself, whatever is in the cache, and keeps nothing there.
    #[arg(long)]
    no_cache: bool,
    /// Prints the status and the headers too, on standard error.
    #[arg(short, long)]
    include: bool,
}

impl Call {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let mut request = match &self.request {
            Some(text) => value(text, "--request")?,
            None => self.http()?,
        };
        let as_what = match (self.pages.onto(&mut request)?, self.pages.ndjson) {
            (_, true) => As::Lines,
            (true, false) => As::List,
            (false, false) => As::ItComes,
        };
        perform(server, output, &self.id, &request, &self.wishes, as_what).await
    }

    /// An HTTP request out of the arguments.
    fn http(&self) -> Result<Value, Exit> {
        let has_body = self.data.is_some() || !self.form.is_empty();
        let (method, endpoint) = match self.target.as_slice() {
            [] => (None, ""),
            [endpoint] if is_method(endpoint) => (Some(endpoint.as_str()), ""),
            [endpoint] => (None, endpoint.as_str()),
            [method, endpoint, ..] => (Some(method.as_str()), endpoint.as_str()),
        };
        let method = method.unwrap_or(if has_body { "POST" } else { "GET" });
        let mut request = json!({ "method": method, "endpoint": endpoint });
        if let Some(data) = &self.data {
            request["json"] = value(data, "--data")?;
        }
        if !self.form.is_empty() {
            request["data"] = pairs(&self.form, '=', "--form")?;
        }
        if !self.query.is_empty() {
            request["params"] = pairs(&self.query, '=', "--query")?;
        }
        if !self.header.is_empty() {
            request["headers"] = pairs(&self.header, ':', "--header")?;
        }
        Ok(request)
    }
}

/// No longer list is read as one document: the server ends those that have 64 MiB.
const LIST: usize = 256 << 20;
/// What rows are called that come one by one.
const NDJSON: &str = "application/x-ndjson";

/// How an answer is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum As {
    /// As it comes.
    ItComes,
    /// As lines, which are asked for.
    Lines,
    /// As a list in pages, which may have broken off.
    List,
}

/// Makes a call and prints the reply's body as it comes.
pub(super) async fn perform(
    server: &Server,
    output: &Output,
    id: &str,
    request: &impl Serialize,
    wishes: &Wishes,
    as_what: As,
) -> Result<(), Exit> {
    let ndjson = as_what == As::Lines;
    let path = path(id, "/call")?;
    let mut request = HttpRequest::post(path).json(request)?;
    // Rows may come for longer than an answer.
    request.relay = as_what != As::ItComes;
    let bypass = wishes.no_cache.then_some("bypass");
    for (option, header, value) in [
        ("--idempotency-key", "idempotency-key", wishes.idempotency_key.as_deref()),
        ("--connection", "trunkline-connection", wishes.connection.as_deref()),
        ("--timeout", "trunkline-timeout", wishes.timeout.as_deref()),
        ("--max-attempts", "trunkline-max-attempts", wishes.max_attempts.as_deref()),
        ("--max-wait", "trunkline-max-wait", wishes.max_wait.as_deref()),
        ("--no-cache", "trunkline-cache", bypass),
        ("--ndjson", "accept", ndjson.then_some(NDJSON)),
    ] {
        let Some(value) = value else { continue };
        let value = HeaderValue::from_str(value)
            .map_err(|_| Exit::input(format!("{option}: use visible ASCII characters")))?;
        request = request.header(HeaderName::from_static(header), value);
    }
    let reply = server.send(request).await?;
    if wishes.include {
        let mut stderr = io::stderr();
        let _ = writeln!(stderr, "{}", reply.status);
        for (name, value) in &reply.headers {
            let _ = writeln!(stderr, "{name}: {}", plain(&String::from_utf8_lossy(value.as_bytes())));
        }
        let _ = writeln!(stderr);
    }
    if reply.headers.contains_key("trunkline-error") {
        let (status, bytes) = (reply.status, reply.bytes().await?);
        if output.is_json() {
            output.bytes(&bytes);
        }
        return Err(problem(status, &serde_json::from_slice(&bytes).unwrap_or_default()));
    }
    if as_what == As::List {
        let list = reply.body.collect(LIST).await?;
        output.bytes(&list);
        output.end();
        return came(&list);
    }
    let is_rows = reply.media().is_some_and(|media| media.contains(NDJSON));
    let (mut body, mut last) = (reply.body, Line::default());
    while let Some(frame) = body.frame().await {
        if let Ok(data) = frame?.into_data() {
            last.goes_on(&data);
            if !output.bytes(&data) {
                return Ok(());
            }
        }
    }
    output.end();
    if is_rows && last.is_error() {
        Err(Exit::failed("the rows broke off; the last line says why"))
    } else {
        Ok(())
    }
}

/// How the last line begins of what has come so far.
#[derive(Default)]
struct Line {
    begin: Vec<u8>,
    ended: bool,
}

impl Line {
    const ERROR: &[u8] = b"{\"error\":";

    fn goes_on(&mut self, data: &[u8]) {
        for &byte in data {
            if std::mem::replace(&mut self.ended, byte == b'\n') {
                self.begin.clear();
            }
            if self.begin.len() < Self::ERROR.len() {
                self.begin.push(byte);
            }
        }
    }

    fn is_error(&self) -> bool {
        self.begin == Self::ERROR
    }
}

fn is_method(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|c| c.is_ascii_uppercase())
}

/// JSON from an argument, a file or standard input.
pub(super) fn value(text: &str, option: &str) -> Result<Value, Exit> {
    let text = match text.strip_prefix('@') {
        Some(path) => read(path)?,
        None => text.to_owned(),
    };
    trunkline::parse::text(text.as_bytes()).map_err(|error| error.at(option).into())
}

/// Pairs as an object; a name that is there twice becomes an array.
fn pairs(pairs: &[String], separator: char, option: &str) -> Result<Value, Exit> {
    let mut out = Map::new();
    for pair in pairs {
        let Some((name, value)) = pair.split_once(separator) else {
            return Err(Exit::input(format!("{option}: write name{separator}value")));
        };
        let (name, value) = (name.trim(), Value::from(value.trim_start()));
        match out.get_mut(name) {
            None => drop(out.insert(name.to_owned(), value)),
            Some(Value::Array(values)) => values.push(value),
            Some(held) => *held = json!([held, value]),
        }
    }
    Ok(Value::Object(out))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_in_the_last_line_is_seen_however_it_comes() {
        for (pieces, error) in [
            (&["{\"row\":1}\n", "{\"err", "or\":{}}\n"][..], true),
            (&["{\"error\":{}}"], true),
            (&["{\"error\":{}}\n{\"end\":{}}\n"], false),
            (&[], false),
        ] {
            let mut line = Line::default();
            pieces.iter().for_each(|piece| line.goes_on(piece.as_bytes()));
            assert_eq!(line.is_error(), error, "{pieces:?}");
        }
    }
}
