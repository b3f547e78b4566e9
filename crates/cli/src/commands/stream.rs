//! `trunkline stream`: subscribes, and prints what comes.

use clap::Args;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json, value::RawValue};
use trunkline::{Event, HttpRequest};

use super::call;
use crate::{
    client::{Server, path, problem},
    exit::Exit,
    output::{Output, plain},
};

/// Subscribes to what an integration sends by itself and prints it, a message on each line, until Ctrl-C.
///
/// `trunkline stream quotes trades`, `trunkline stream shop -r '{"query": "subscription { orders { id } }"}'`
///
/// Whatever else happens, such as a reconnect, goes to standard error. With --json each event is an object of `event` and
/// `data` on standard output.
#[derive(Debug, Args)]
pub(crate) struct Stream {
    /// The integration.
    id: String,
    /// A stream that the integration names. Without it, all messages.
    #[arg(conflicts_with = "request")]
    stream: Option<String>,
    /// The whole request as JSON, in the form of the integration's type; @FILE or @- for standard input.
    #[arg(short, long, value_name = "JSON")]
    request: Option<String>,
    /// Whose credentials it uses: the name of a connection.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
}

impl Stream {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let asked = match (&self.request, &self.stream) {
            (Some(text), _) => call::value(text, "--request")?,
            (None, Some(stream)) => json!({ "stream": stream }),
            (None, None) => json!({}),
        };
        let mut request = HttpRequest::post(path(&self.id, "/stream")?).json(&asked)?;
        // It may take as long as it likes.
        request.relay = true;
        if let Some(connection) = &self.connection {
            let value = HeaderValue::from_str(connection)
                .map_err(|_| Exit::input("--connection: use visible ASCII characters"))?;
            request = request.header(HeaderName::from_static("trunkline-connection"), value);
        }
        let reply = server.send(request).await?;
        if reply.headers.contains_key("trunkline-error") {
            let (status, bytes) = (reply.status, reply.bytes().await?);
            if output.is_json() {
                output.bytes(&bytes);
            }
            return Err(problem(status, &serde_json::from_slice(&bytes).unwrap_or_default()));
        }
        let mut events = reply.events()?;
        while let Some(event) = events.next().await {
            let event = event?;
            if event.name == Event::ERROR && !output.is_json() {
                return Err(failed(&event));
            }
            let printed = match output.is_json() {
                true => output.bytes(object(&event).as_bytes()),
                false => print(&event, output),
            };
            if event.name == Event::ERROR {
                return Err(failed(&event));
            }
            // Nobody reads any more: `| head` does that.
            if !printed {
                break;
            }
        }
        Ok(())
    }
}

/// Prints what a service sent as it is, and notices apart from it.
#[expect(clippy::print_stderr, reason = "what is no message is not to be taken for one")]
fn print(event: &Event, output: &Output) -> bool {
    let text = String::from_utf8_lossy(&event.data);
    match &*event.name {
        "text" => {
            let text = serde_json::from_slice::<String>(&event.data).unwrap_or_else(|_| text.into_owned());
            output.bytes(format!("{text}\n").as_bytes())
        }
        Event::MESSAGE | "binary" | "next" => output.bytes(format!("{text}\n").as_bytes()),
        name => {
            eprintln!("trunkline: {} {}", plain(name), plain(&text));
            true
        }
    }
}

/// An event as a line of JSON.
fn object(event: &Event) -> String {
    let data = match serde_json::from_slice::<&RawValue>(&event.data) {
        // On one line.
        Ok(json) if !json.get().contains('\n') => json.get().to_owned(),
        Ok(json) => serde_json::from_str::<Value>(json.get()).unwrap_or_default().to_string(),
        Err(_) => Value::from(String::from_utf8_lossy(&event.data)).to_string(),
    };
    format!("{{\"event\":{},\"data\":{data}}}\n", Value::from(&*event.name))
}

/// Why a stream ended.
fn failed(event: &Event) -> Exit {
    let said: Value = serde_json::from_slice(&event.data).unwrap_or_default();
    let text = |key: &str| plain(said[key].as_str().unwrap_or_default());
    Exit::failed(format!("{}: {}", text("kind"), text("message")))
}
