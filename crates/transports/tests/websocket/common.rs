//! A transport that was opened, and its calls.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::to_raw_value};
use trunkline_core::{
    Call, Context, Credential, Egress, Error, Event, Events, Form, IntegrationId, Profile, Result, Scheme,
    Secret, Site, Transport, parse,
};
use trunkline_transports::WebSocket;

/// A transport, and what it calls with.
pub(crate) struct Client {
    pub(crate) transport: WebSocket,
    context: Context,
    scheme: Option<Arc<Tokens>>,
}

impl Client {
    /// One of this address, with further keys.
    pub(crate) fn of(url: &str, further: Value) -> Self {
        let mut config = json!({ "base_url": url });
        config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
        let transport = WebSocket::open(parse::value(config, "").unwrap(), &context).unwrap();
        Self { transport, context, scheme: None }
    }

    /// The same, with these tokens: the next one where one is refused.
    pub(crate) fn with_tokens(self, tokens: &[&'static str]) -> Self {
        let tokens = Tokens { all: tokens.to_vec(), at: AtomicUsize::new(0) };
        Self { scheme: Some(Arc::new(tokens)), ..self }
    }

    /// The scheme has the next token from now on.
    pub(crate) fn next_token(&self) {
        if let Some(scheme) = &self.scheme {
            scheme.at.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// One attempt.
    pub(crate) async fn call(&self, request: &Value) -> Result<Value> {
        let operation = self.transport.parse(&to_raw_value(request).unwrap())?;
        let reply = self.transport.call(&self.context, &mut self.prepared(operation).await).await?;
        let bytes = reply.bytes().await?;
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        Ok(serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
    }

    /// The kind, the outcome and the words of an attempt that has to fail.
    pub(crate) async fn fails(&self, request: &Value) -> Error {
        match self.call(request).await {
            Err(error) => error,
            Ok(reply) => panic!("{request} was answered with {reply}"),
        }
    }

    /// Subscribes.
    pub(crate) async fn listen(&self, request: &Value) -> Result<Reader> {
        let operation = self.transport.parse_stream(&to_raw_value(request).unwrap())?;
        let reply = self.transport.call(&self.context, &mut self.prepared(operation).await).await?;
        reply.events().map(Reader)
    }

    async fn prepared(&self, operation: trunkline_core::Operation) -> Call {
        let mut call = Call::new(IntegrationId::new("a").unwrap(), operation);
        if let Some(scheme) = &self.scheme {
            call.credential = scheme.credential(&self.context).await.unwrap();
            call.scheme = Some(scheme.clone());
        }
        call
    }
}

/// Who listens.
pub(crate) struct Reader(Events);

impl Reader {
    /// The next event, its name before its data.
    pub(crate) async fn next(&mut self) -> Option<(String, String)> {
        let Event { name, data } = self.0.next().await?.unwrap();
        Some((name.into_owned(), String::from_utf8(data.into()).unwrap()))
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> String {
        let (name, data) = self.next().await.unwrap();
        assert_eq!(name, "message", "{data}");
        data
    }
}

/// A scheme that has one token after the other.
#[derive(Debug)]
pub(crate) struct Tokens {
    all: Vec<&'static str>,
    at: AtomicUsize,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Nothing {}

impl Scheme for Tokens {
    const NAME: &'static str = "tokens";
    type Config = Nothing;

    fn open(_: Nothing, _: &Site) -> Result<Self> {
        Ok(Self { all: Vec::new(), at: AtomicUsize::new(0) })
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        let token = self.all[self.at.load(Ordering::SeqCst).min(self.all.len() - 1)];
        Ok(Some(Arc::new(Credential::new(Form::Bearer(Secret::new(token))))))
    }

    async fn rejected(&self, _: &Arc<Credential>, _: &HeaderMap) {
        self.at.fetch_add(1, Ordering::SeqCst);
    }
}
