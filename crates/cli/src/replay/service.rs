//! `Service`: what a connector speaks to when exchanges are replayed. It answers as was recorded, one turn after the other, and
//! compares what it hears.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    io,
    sync::{Arc, Mutex, PoisonError},
};

use http::{Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use tokio::{
    net::{TcpListener, TcpStream},
    task::JoinSet,
};
use trunkline::connectors::{Exchange, Exchanges, Recorded, Turn};

use super::compare::{Names, Sent};

/// No request is longer.
const LONGEST: usize = 16 << 20;

/// A service on loopback, with a port for each origin that something is sent to.
pub(super) struct Service {
    /// Origins, with those that they have here.
    origins: BTreeMap<String, String>,
    script: Arc<Mutex<Script>>,
    _tasks: JoinSet<()>,
}

/// What is yet to come, and what was found.
struct Script {
    usual: BTreeMap<String, Option<String>>,
    turns: VecDeque<Turn>,
    heard: usize,
    names: Names,
    findings: Vec<String>,
}

impl Service {
    /// Listens.
    ///
    /// # Errors
    ///
    /// Where nothing can listen on loopback.
    pub(super) async fn start(
        origins: BTreeSet<String>,
        exchanges: &Exchanges,
        exchange: &Exchange,
    ) -> io::Result<Self> {
        let turns = exchange.wire.iter().flat_map(|turn| std::iter::repeat_n(turn, turn.times.into()));
        let script = Arc::new(Mutex::new(Script {
            usual: exchanges.headers.clone(),
            turns: turns.cloned().collect(),
            heard: 0,
            names: Names::default(),
            findings: Vec::new(),
        }));
        let mut service = Self { origins: BTreeMap::new(), script, _tasks: JoinSet::new() };
        let mut listeners = Vec::new();
        for origin in origins {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let here = format!("http://{}", listener.local_addr()?);
            service.origins.insert(origin.clone(), here);
            listeners.push((listener, origin));
        }
        for (listener, origin) in listeners {
            let (script, origins) = (service.script.clone(), service.origins.clone());
            service._tasks.spawn(async move {
                let mut connections = JoinSet::new();
                while let Ok((stream, _)) = listener.accept().await {
                    connections.spawn(serve(stream, origin.clone(), origins.clone(), script.clone()));
                }
            });
        }
        Ok(service)
    }

    /// Where a URL leads to here.
    pub(super) fn here(&self, url: &str) -> String {
        match super::origin(url).and_then(|origin| Some((self.origins.get(&origin)?, url.find("://")? + 3))) {
            Some((here, host)) => {
                let rest = url[host..].find(['/', '?', '#']).map_or("", |path| &url[host + path..]);
                format!("{here}{rest}")
            }
            None => url.to_owned(),
        }
    }

    /// A value whose URLs lead where they would without this service.
    pub(super) fn back(&self, value: &Value) -> Value {
        let text =
            self.origins.iter().fold(value.to_string(), |text, (there, here)| text.replace(here, there));
        serde_json::from_str(&text).unwrap_or(Value::Null)
    }

    /// Compares where a browser is sent with where it should be.
    pub(super) fn sent_off(&self, expected: &str, url: &str) {
        let mut found = Vec::new();
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        script.names.url(expected, url, &mut found);
        script.findings.extend(found.into_iter().map(|found| format!("connect: {found}")));
    }

    /// What was otherwise than it is recorded, and what names stood for.
    pub(super) fn finish(self) -> (Vec<String>, Names) {
        let mut script = self.script.lock().unwrap_or_else(PoisonError::into_inner);
        let mut findings = std::mem::take(&mut script.findings);
        let left = script.turns.iter().enumerate();
        findings.extend(left.map(|(n, turn)| {
            let (number, request) = (script.heard + n + 1, &turn.request);
            format!("request {number}: {} {} was not sent", request.method, request.url)
        }));
        (findings, std::mem::take(&mut script.names))
    }
}

/// Answers what comes over a connection.
async fn serve(
    stream: TcpStream,
    origin: String,
    origins: BTreeMap<String, String>,
    script: Arc<Mutex<Script>>,
) {
    let service = service_fn(|request: Request<Incoming>| {
        let (origin, origins, script) = (&origin, &origins, &script);
        async move {
            let sent = read(request, origin).await?;
            let reply = script.lock().unwrap_or_else(PoisonError::into_inner).hear(&sent);
            // An error ends the connection.
            answer(reply, origins).ok_or_else(|| io::Error::from(io::ErrorKind::ConnectionAborted))
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn read(request: Request<Incoming>, origin: &str) -> io::Result<Sent> {
    let (head, body) = request.into_parts();
    let body = http_body_util::Limited::new(body, LONGEST).collect().await.map_err(io::Error::other)?;
    let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
    Ok(Sent {
        method: head.method,
        url: format!("{origin}{path}"),
        headers: head.headers,
        body: body.to_bytes().into(),
    })
}

impl Script {
    /// Compares a request with the one whose turn it is, and says what is answered.
    fn hear(&mut self, sent: &Sent) -> Recorded {
        self.heard += 1;
        let number = self.heard;
        let Some(turn) = self.turns.pop_front() else {
            self.findings.push(format!("request {number}: {} {} is not expected", sent.method, sent.url));
            // Something that nobody asks for again.
            return Recorded { status: 400, headers: BTreeMap::new(), json: None, text: None, lost: false };
        };
        let found = self.names.differences(&turn.request, &self.usual, sent);
        self.findings.extend(found.into_iter().map(|found| format!("request {number}: {found}")));
        turn.reply
    }
}

/// The answer, whose URLs lead here; `None` where there is none.
fn answer(reply: Recorded, origins: &BTreeMap<String, String>) -> Option<Response<Full<Bytes>>> {
    if reply.lost {
        return None;
    }
    // The longer of two that begin alike comes first.
    let here =
        |text: String| origins.iter().rev().fold(text, |text, (there, here)| text.replace(there, here));
    let mut response = Response::builder().status(StatusCode::from_u16(reply.status).ok()?);
    let body = match (reply.json, reply.text) {
        (Some(json), _) => Some((json.to_string(), "application/json")),
        (None, text) => text.map(|text| (text, "text/plain")),
    };
    for (name, value) in &reply.headers {
        response = response.header(name, here(value.clone()));
    }
    let typed = reply.headers.keys().any(|name| header::CONTENT_TYPE == name.to_ascii_lowercase().as_str());
    if let Some((_, kind)) = body.as_ref().filter(|_| !typed) {
        response = response.header(header::CONTENT_TYPE, *kind);
    }
    response.body(Full::from(body.map(|(text, _)| here(text)).unwrap_or_default())).ok()
}
