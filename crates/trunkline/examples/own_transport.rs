//! A transport of one's own: a service that is spoken to in lines of text over TCP. `GET key` is answered with
//! `VALUE text`, `PUT key text` with `DONE`, and what fails with `ERROR reason`. Registered under its name it is
//! configured like those that are built in, and has the whole pipeline around it.
#![allow(clippy::print_stdout, reason = "printing is what this example is for")]

use std::{io::ErrorKind, sync::Mutex, time::Duration};

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{json, value::RawValue};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
};
use trunkline::{
    Call, Context, Credential, Egress, Error, IntegrationConfig, Kind, Manager, Operation, Outcome, Profile,
    Proof, Query, Reply, Result, Transport, Zone, dial, parse,
};

/// The keys of a configuration that are ours. What is not among them, and is of no other part, is refused.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LinesConfig {
    /// Where the service is, such as `lines://dictionary.example:7000`.
    base_url: String,
}

/// The JSON of a call.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    get: Option<String>,
    put: Option<String>,
    #[serde(default)]
    text: String,
}

/// The service, and a connection that waits for the next call.
#[derive(Debug)]
pub(crate) struct Lines {
    host: String,
    port: u16,
    idle: Mutex<Option<BufReader<TcpStream>>>,
}

const CONNECT: Duration = Duration::from_secs(5);
/// No answer is longer.
const LONGEST: u64 = 64 << 10;

impl Transport for Lines {
    const NAME: &'static str = "lines";
    type Config = LinesConfig;

    // Everything is checked here, and nothing is sent: a service that is down can be registered.
    fn open(config: LinesConfig, _: &Context) -> Result<Self> {
        let wrong = || Error::invalid("base_url: must be like lines://dictionary.example:7000");
        let address = config.base_url.strip_prefix("lines://").ok_or_else(wrong)?;
        let (host, port) = address.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        Ok(Self { host: host.to_owned(), port, idle: Mutex::default() })
    }

    // What a caller sends becomes an operation. That it only reads lets it be repeated, and kept by the cache.
    fn parse(&self, request: &RawValue) -> Result<Operation> {
        let request: Request = parse::text(request.get().as_bytes())?;
        let query = match (request.get, request.put) {
            (Some(key), None) => Query::new(line("GET", &key, "")?).read_only(),
            (None, Some(key)) => Query::new(line("PUT", &key, &request.text)?),
            _ => return Err(Error::invalid("get: give either get or put, and text with put")),
        };
        Ok(query.into())
    }

    // One attempt. Retries, time limits and the rest are made around it; so dropping it must be enough to end it.
    async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        let Operation::Query(query) = &call.operation else {
            return Err(Error::new(Kind::Unsupported, "an integration of type lines takes get and put"));
        };
        // It is back in its place only when all of an answer was read: what was left half-read is nobody's.
        let mut connection = match self.waiting() {
            Some(connection) => connection,
            None => self.connect(context, call.credential.as_deref()).await?,
        };
        let answer = ask(&mut connection, query.text()).await?;
        let reply = |text: &str| Reply::new(StatusCode::OK, text.to_owned());
        let result = match answer.split_once(' ').unwrap_or((&answer, "")) {
            ("VALUE" | "DONE", text) => Ok(reply(text)),
            ("ERROR", reason) => {
                Err(Error::new(Kind::Rejected, "the service refused").replied(reply(reason)))
            }
            _ => return Err(Error::new(Kind::Protocol, "the service answered what is no answer")),
        };
        *self.idle.lock().expect("nothing panics with it") = Some(connection);
        result
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<Proof> {
        call.operation = Query::new(line("GET", "trunkline", "")?).read_only().into();
        match self.call(context, call).await {
            Err(error) if error.kind() != Kind::Rejected => Err(error),
            _ => Ok(Proof::ANSWERED),
        }
    }

    async fn close(&self) {
        *self.idle.lock().expect("nothing panics with it") = None;
    }
}

impl Lines {
    /// The connection that waits, unless the service has hung up on it meanwhile.
    fn waiting(&self) -> Option<BufReader<TcpStream>> {
        let connection = self.idle.lock().expect("nothing panics with it").take()?;
        let silent = connection.get_ref().try_read(&mut [0]);
        silent.is_err_and(|error| error.kind() == ErrorKind::WouldBlock).then_some(connection)
    }

    /// Connects as every transport does, past the egress guard, and logs in.
    async fn connect(&self, context: &Context, login: Option<&Credential>) -> Result<BufReader<TcpStream>> {
        let stream = dial(&context.egress, Zone::Service, &self.host, self.port, CONNECT).await?;
        let mut connection = BufReader::new(stream);
        if let Some(secret) = login.map(Credential::secret).transpose()?.flatten() {
            // Nothing of the call was sent yet, whatever comes of it.
            let answer = ask(&mut connection, &line("LOGIN", &secret, "")?).await;
            if answer.map_err(|error| error.outcome_is(Outcome::NotSent))? != "DONE" {
                return Err(Error::new(Kind::Unauthenticated, "the service does not accept the login"));
            }
        }
        Ok(connection)
    }
}

/// Sends a line and reads one.
async fn ask(connection: &mut BufReader<TcpStream>, line: &str) -> Result<String> {
    // Some of it may have arrived: `unavailable` says that nobody knows.
    let lost = |what: &'static str| Error::new(Kind::Unavailable, what);
    connection.write_all(line.as_bytes()).await.map_err(|error| lost("cannot send").source(error))?;
    let mut answer = Vec::new();
    let read = (&mut *connection).take(LONGEST).read_until(b'\n', &mut answer).await;
    read.map_err(|error| lost("the connection broke").source(error))?;
    if answer.pop() != Some(b'\n') {
        return Err(lost("the service hung up before it had answered"));
    }
    String::from_utf8(answer).map_err(|_| Error::new(Kind::Protocol, "the service answered what is no text"))
}

/// A line, into which no caller gets another one.
fn line(command: &str, key: &str, text: &str) -> Result<String> {
    if key.is_empty() || key.contains(char::is_whitespace) || text.contains(['\r', '\n']) {
        return Err(Error::invalid("get, put: a key has no blanks, and text is one line"));
    }
    Ok(format!("{command} {key} {text}").trim_end().to_owned() + "\n")
}

#[tokio::main]
async fn main() -> Result<()> {
    let address = dictionary().await?;
    let egress = Egress::new(Profile::Lab, &[])?;
    let manager = Manager::builder().egress(egress).transport::<Lines>().build().await?;
    let config = json!({
        "integration_id": "words", "type": "lines", "base_url": format!("lines://{address}"),
        "timeout": 5, "rate_limit": { "requests": 100, "per": 1 }, "cache_config": { "ttl": 60 },
    });
    let words = manager.register(IntegrationConfig::from_json(config)?).await?.handle;

    for request in
        [r#"{"put": "trunk", "text": "the main stem"}"#, r#"{"get": "trunk"}"#, r#"{"get": "leaf"}"#]
    {
        let request: Box<RawValue> = parse::text(request.as_bytes())?;
        let mut call = Call::new(words.id().clone(), words.parse(&request)?);
        match words.call(&mut call).await {
            Ok(reply) => println!("{request} -> {:?}", reply.text().await?),
            Err(error) => println!("{request} -> {error}"),
        }
    }
    println!("health: {:?}", manager.health("words").await?.state);
    Ok(())
}

/// The service of this example: it knows one word.
async fn dictionary() -> Result<std::net::SocketAddr> {
    let failed = |error: std::io::Error| Error::new(Kind::Internal, "cannot listen").source(error);
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    tokio::spawn(async move {
        let mut known = (String::new(), String::new());
        while let Ok((stream, _)) = listener.accept().await {
            let mut stream = BufReader::new(stream);
            let mut line = String::new();
            while stream.read_line(&mut line).await.is_ok_and(|read| read > 0) {
                let answer = match line.trim_end().splitn(3, ' ').collect::<Vec<_>>()[..] {
                    ["PUT", key, text] => {
                        known = (key.to_owned(), text.to_owned());
                        "DONE\n".to_owned()
                    }
                    ["GET", key] if key == known.0 => format!("VALUE {}\n", known.1),
                    _ => "ERROR there is none\n".to_owned(),
                };
                line.clear();
                if stream.write_all(answer.as_bytes()).await.is_err() {
                    break;
                }
            }
        }
    });
    Ok(address)
}
