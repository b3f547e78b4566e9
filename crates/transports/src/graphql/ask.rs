//! `Sender`: puts requests into HTTP, as GraphQL over HTTP says, and reads what comes back. One attempt is one request, or
//! two where the service does not remember the document of the first.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header};
use percent_encoding::utf8_percent_encode;
use tokio::time::Instant;
use trunkline_core::{Credential, Error, File, HttpRequest, Kind, Proof, Reply, Result, Statement};

use super::{
    answer::{Answer, Question},
    codes::Codes,
    document::Document,
    files, introspection,
    payload::Payload,
    persisted,
};
use crate::{http::query::PARAM, rest::Rest};

/// Sends requests to one service.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) rest: Rest,
    /// Whether what only reads goes by GET.
    pub(super) by_get: bool,
    pub(super) remembered: Remembered,
    /// The longest answer that is read.
    pub(super) max_bytes: usize,
    pub(super) codes: Arc<Codes>,
}

/// Whether a service remembers documents by their hash (automatic persisted queries).
#[derive(Debug)]
pub(super) struct Remembered {
    asked: bool,
    /// The service said that it does not.
    never: AtomicBool,
}

/// What is to be asked.
pub(super) struct Job<'a> {
    pub(super) steps: Vec<(Arc<Document>, &'a Statement)>,
    pub(super) files: &'a [File],
    pub(super) question: Question,
}

/// On whose behalf, and until when.
#[derive(Clone, Copy)]
pub(super) struct Caller<'a> {
    pub(super) credential: Option<&'a Credential>,
    pub(super) deadline: Option<Instant>,
}

/// A query string that is longer is not taken by every server and proxy; then it goes by POST.
const LONGEST: usize = 8 << 10;

/// The largest schema that is taken.
const SCHEMA: usize = 10 << 20;

/// What only reads, and is of ours.
const OURS: Question = Question { batch: None, reads: true, single: true };

/// What servers that guard against forged requests of browsers want to see on those that browsers could make
/// (apollographql.com/docs/apollo-server/security/cors).
const PREFLIGHT: HeaderName = HeaderName::from_static("apollo-require-preflight");

impl Remembered {
    pub(super) fn new(asked: bool) -> Self {
        Self { asked, never: AtomicBool::new(false) }
    }

    fn is_asked(&self) -> bool {
        self.asked && !self.never.load(Ordering::Relaxed)
    }
}

impl Sender {
    /// Asks, and judges the answer.
    pub(super) async fn ask(&self, job: &Job<'_>, caller: Caller<'_>) -> Result<Reply> {
        let answer = match &*job.steps {
            [(document, statement)] if job.question.batch.is_none() => {
                self.one(job, document, statement, caller).await?
            }
            steps => {
                let mut json = vec![b'['];
                for (n, (document, statement)) in steps.iter().enumerate() {
                    if n > 0 {
                        json.push(b',');
                    }
                    Payload::new(document, statement, statement.params.as_deref()).json(&mut json);
                }
                json.push(b']');
                self.send(post(json.into()), true, self.max_bytes, caller).await?
            }
        };
        answer.judge(job.question, &self.codes)
    }

    /// Asks one request.
    async fn one(
        &self,
        job: &Job<'_>,
        document: &Document,
        statement: &Statement,
        caller: Caller<'_>,
    ) -> Result<Answer> {
        if !job.files.is_empty() {
            let variables = files::placed(statement.params.as_deref(), job.files)?;
            let mut json = Vec::new();
            Payload::new(document, statement, Some(&variables)).json(&mut json);
            return self.send(multipart(&json, job.files)?, false, self.max_bytes, caller).await;
        }
        let get = self.by_get && job.question.reads;
        let mut payload = Payload::new(document, statement, statement.params.as_deref());
        // Whoever names the document themselves has a reason.
        let named = || statement.extensions.as_deref().is_some_and(persisted::is_named);
        if !self.remembered.is_asked() || named() {
            return self.send(request(&payload, get), false, self.max_bytes, caller).await;
        }
        (payload.text, payload.hash) = (false, true);
        let answer = self.send(request(&payload, get), false, self.max_bytes, caller).await?;
        let learns = answer.refuses("PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound");
        if !learns {
            if !answer.refuses("PERSISTED_QUERY_NOT_SUPPORTED", "PersistedQueryNotSupported") {
                return Ok(answer);
            }
            self.remembered.never.store(true, Ordering::Relaxed);
        }
        // Nothing was executed. What the service is to remember goes by POST: it is sent once, and may be long.
        (payload.text, payload.hash) = (true, learns);
        self.send(request(&payload, get && !learns), false, self.max_bytes, caller).await
    }

    /// Asks whether the service speaks GraphQL, and takes the credential.
    pub(super) async fn probe(&self, caller: Caller<'_>) -> Result<Proof> {
        let body = Bytes::from_static(b"{\"query\":\"{__typename}\"}");
        let answer = self.send(post(body), false, self.max_bytes, caller).await?;
        let understood = answer.is_graphql();
        match answer.judge(OURS, &self.codes) {
            Ok(_) => Ok(Proof::ANSWERED),
            // It speaks GraphQL, and takes no document that it does not know.
            Err(error) if understood && error.kind() == Kind::Rejected => {
                Ok(Proof { warning: Some(error.message().to_owned()), ..Proof::ANSWERED })
            }
            Err(error) => Err(error),
        }
    }

    /// Asks for the schema, and gives the answer.
    pub(super) async fn introspect(&self, credential: Option<&Credential>) -> Result<Bytes> {
        let caller = Caller { credential, deadline: None };
        let ask = async |query: &str| {
            let body = format!("{{\"query\":\"{query}\",\"operationName\":\"Introspection\"}}");
            let answer = self.send(post(body.into()), false, SCHEMA, caller).await?;
            answer.judge(OURS, &self.codes)
        };
        let reply = match ask(&introspection::with_deprecated_inputs()).await {
            // It may not know of deprecated inputs.
            Err(error) if error.kind() == Kind::Rejected => ask(introspection::QUERY).await,
            result => result,
        };
        reply?.body.collect(SCHEMA).await
    }

    async fn send(
        &self,
        mut request: HttpRequest,
        batch: bool,
        limit: usize,
        caller: Caller<'_>,
    ) -> Result<Answer> {
        let Caller { credential, deadline } = caller;
        let reply = self.rest.attempt(&mut request, credential, deadline).await?;
        Answer::read(reply, batch, limit).await
    }
}

/// A request by GET, where that is wanted and its URL would not be too long; or by POST.
fn request(payload: &Payload<'_>, get: bool) -> HttpRequest {
    if get {
        let params = payload.params();
        let length = |text: &str| utf8_percent_encode(text, PARAM).map(str::len).sum::<usize>() + 1;
        if params.iter().map(|(name, value)| length(name) + length(value)).sum::<usize>() <= LONGEST {
            let preflight = HeaderValue::from_static("true");
            return HttpRequest { params, ..HttpRequest::new(Method::GET, "") }.header(PREFLIGHT, preflight);
        }
    }
    let mut json = Vec::new();
    payload.json(&mut json);
    post(json.into())
}

fn post(json: Bytes) -> HttpRequest {
    let media = HeaderValue::from_static("application/json");
    HttpRequest::new(Method::POST, "").header(header::CONTENT_TYPE, media).body(json)
}

fn multipart(json: &[u8], files: &[File]) -> Result<HttpRequest> {
    let (body, media) = files::body(json, files)?;
    let media = HeaderValue::from_str(&media).map_err(|_| Error::invalid("the body has no media type"))?;
    let request = HttpRequest::new(Method::POST, "").header(header::CONTENT_TYPE, media).body(body);
    Ok(request.header(PREFLIGHT, HeaderValue::from_static("true")))
}
