//! A transport that was opened, and its calls.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::Instant;
use trunkline_core::{
    Call, Context, Credential, Egress, Error, Event, Events, Form, IntegrationId, Messages, Operation,
    Profile, Proof, Receive, Reply, Result, Scheme, Secret, Site, Transport, parse,
};
use trunkline_transports::MessageQueue;

/// A transport, and what it calls with.
pub(crate) struct Client {
    pub(crate) transport: MessageQueue,
    context: Context,
    scheme: Option<Arc<Logins>>,
}

impl Client {
    /// One of this address, with further keys.
    pub(crate) fn of(url: &str, further: Value) -> Self {
        Self::within_profile(Profile::Lab, &[], url, further)
    }

    /// One that reaches what a profile and these rules admit.
    pub(crate) fn within_profile(profile: Profile, allow: &[String], url: &str, further: Value) -> Self {
        Self::in_context(Context::new(Arc::new(Egress::new(profile, allow).unwrap())), url, further)
    }

    /// One that is known as `instance`, also after a restart.
    pub(crate) fn known_as(instance: &str, url: &str) -> Self {
        let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
        Self::in_context(context.with_instance(instance), url, json!({}))
    }

    /// The same, which logs in as these: as the next where one is refused.
    pub(crate) fn with_logins(self, logins: &[(&str, &str)]) -> Self {
        Self { scheme: Some(Arc::new(Logins::new(logins))), ..self }
    }

    /// What it logs in with.
    pub(crate) fn logins(&self) -> &Logins {
        self.scheme.as_ref().unwrap()
    }

    /// Another one in the same process.
    pub(crate) fn beside(&self, url: &str, further: Value) -> Self {
        Self::in_context(self.context.clone(), url, further)
    }

    fn in_context(context: Context, url: &str, further: Value) -> Self {
        let mut config = json!({ "base_url": url });
        config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
        let transport = MessageQueue::open(parse::value(config, "").unwrap(), &context).unwrap();
        Self { transport, context, scheme: None }
    }

    /// One attempt.
    pub(crate) async fn call(&self, request: &Value) -> Result<Value> {
        self.within(request, None).await
    }

    /// One attempt that has so long.
    pub(crate) async fn within(&self, request: &Value, time: Option<Duration>) -> Result<Value> {
        let reply = self.reply_within(request, time).await?;
        let bytes = reply.bytes().await?;
        let text = || Value::from(String::from_utf8_lossy(&bytes).into_owned());
        Ok(serde_json::from_slice(&bytes).unwrap_or_else(|_| text()))
    }

    /// What one attempt is answered with, of which nothing was read.
    pub(crate) async fn reply(&self, request: &Value) -> Result<Reply> {
        self.reply_within(request, None).await
    }

    async fn reply_within(&self, request: &Value, time: Option<Duration>) -> Result<Reply> {
        let operation = self.transport.parse(&to_raw_value(request).unwrap())?;
        let mut call = self.prepared(operation).await;
        call.deadline = time.map(|time| Instant::now() + time);
        self.transport.call(&self.context, &mut call).await
    }

    /// A call of which attempts are to be made.
    pub(crate) async fn prepare(&self, request: &Value) -> Call {
        self.prepared(self.transport.parse(&to_raw_value(request).unwrap()).unwrap()).await
    }

    /// One attempt of it.
    pub(crate) async fn attempt(&self, call: &mut Call) -> Result<Value> {
        let reply = self.transport.call(&self.context, call).await?;
        Ok(serde_json::from_slice(&reply.bytes().await?).unwrap())
    }

    /// An attempt that has to fail.
    pub(crate) async fn fails(&self, request: &Value) -> Error {
        match self.call(request).await {
            Err(error) => error,
            Ok(reply) => panic!("{request} was answered with {reply}"),
        }
    }

    /// Messages of a queue, with what a pull says.
    pub(crate) async fn pull_with(&self, queue: &str, receive: Value) -> Vec<Value> {
        let mut reply = self.call(&json!({"queue": queue, "receive": receive})).await.unwrap();
        reply["messages"].as_array_mut().map(std::mem::take).unwrap()
    }

    /// So many messages of a queue, by as many pulls as it takes; they are acknowledged.
    pub(crate) async fn take(&self, queue: &str, receive: Value, count: usize) -> Vec<Value> {
        let (mut all, mut empty) = (Vec::new(), 0);
        while all.len() < count {
            let some = self.pull_with(queue, receive.clone()).await;
            // A group that somebody has just left may take longer than one pull to share out anew.
            if some.is_empty() {
                empty += 1;
                assert!(empty < 3, "{} of {count} came", all.len());
                continue;
            }
            self.ack(&some).await;
            all.extend(some);
        }
        all
    }

    /// The same, not acknowledged.
    pub(crate) async fn take_unsettled(&self, queue: &str, receive: Value, count: usize) -> Vec<Value> {
        let mut all = Vec::new();
        while all.len() < count {
            let some = self.pull_with(queue, receive.clone()).await;
            assert!(!some.is_empty(), "{} of {count} came", all.len());
            all.extend(some);
        }
        all
    }

    /// Acknowledges messages.
    pub(crate) async fn ack(&self, messages: &[Value]) {
        let tokens: Vec<_> = messages.iter().map(|message| &message["token"]).collect();
        let reply = self.call(&json!({ "ack": tokens })).await.unwrap();
        assert_eq!(reply["settled"], tokens.len(), "{reply}");
    }

    /// What is counted of messages.
    pub(crate) fn messages(&self) -> Messages {
        self.transport.occupancy().unwrap().messages.unwrap()
    }

    /// How far behind a group is, as a probe finds it now; `None` where that is not told.
    pub(crate) async fn behind(&self, queue: &str, group: Option<&str>) -> Option<u64> {
        self.probe().await.unwrap();
        self.was_behind(queue, group)
    }

    /// The same, as it was last found out.
    pub(crate) fn was_behind(&self, queue: &str, group: Option<&str>) -> Option<u64> {
        let all = self.messages().lag;
        let one = all.iter().find(|lag| lag.queue == queue && lag.group.as_deref() == group);
        one.map(|lag| lag.messages)
    }

    /// Subscribes.
    pub(crate) async fn listen(&self, request: &Value) -> Result<Reader> {
        let operation = self.transport.parse_stream(&to_raw_value(request).unwrap())?;
        let reply = self.transport.call(&self.context, &mut self.prepared(operation).await).await?;
        reply.events().map(Reader)
    }

    /// What a probe finds out.
    pub(crate) async fn probe(&self) -> Result<Proof> {
        let mut call = self.prepared(Receive::default().into()).await;
        self.transport.probe(&self.context, &mut call).await
    }

    /// What there is at the broker.
    pub(crate) async fn schema(&self) -> Result<Value> {
        let mut call = self.prepared(Receive::default().into()).await;
        let reply = self.transport.schema(&self.context, &mut call).await?;
        Ok(serde_json::from_slice(&reply.bytes().await?).unwrap())
    }

    async fn prepared(&self, operation: Operation) -> Call {
        let mut call = Call::new(IntegrationId::new("a").unwrap(), operation);
        if let Some(scheme) = &self.scheme {
            call.credential = scheme.credential(&self.context).await.unwrap();
            call.scheme = Some(scheme.clone());
        }
        call
    }
}

/// A scheme that has one login after the other.
#[derive(Debug)]
pub(crate) struct Logins {
    all: Vec<Arc<Credential>>,
    at: AtomicUsize,
    /// Those that were refused, by their place.
    refused: Mutex<Vec<usize>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
pub(crate) struct Nothing {}

impl Logins {
    fn new(logins: &[(&str, &str)]) -> Self {
        let basic = |(user, password): &(&str, &str)| {
            let form = Form::Basic { user: (*user).to_owned(), password: Secret::literal(*password) };
            Arc::new(Credential::new(form))
        };
        Self { all: logins.iter().map(basic).collect(), at: AtomicUsize::new(0), refused: Mutex::default() }
    }

    /// It has the next one from now on.
    pub(crate) fn next(&self) {
        self.at.fetch_add(1, Ordering::SeqCst);
    }

    /// The places of those of which it was told that they were refused.
    pub(crate) fn refused(&self) -> Vec<usize> {
        self.refused.lock().unwrap().clone()
    }
}

impl Scheme for Logins {
    const NAME: &'static str = "logins";
    type Config = Nothing;

    fn open(_: Nothing, _: &Site) -> Result<Self> {
        Ok(Self::new(&[]))
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        Ok(Some(self.all[self.at.load(Ordering::SeqCst)].clone()))
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        let place = self.all.iter().position(|known| Arc::ptr_eq(known, credential)).unwrap();
        self.refused.lock().unwrap().push(place);
        self.at.store(place + 1, Ordering::SeqCst);
    }
}

/// Who listens.
pub(crate) struct Reader(Events);

impl Reader {
    /// The next event, its name before its data.
    pub(crate) async fn next(&mut self) -> Option<(String, Value)> {
        let Event { name, data } = self.0.next().await?.unwrap();
        Some((name.into_owned(), serde_json::from_slice(&data).unwrap()))
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Value {
        let (name, data) = self.next().await.unwrap();
        assert_eq!(name, "message", "{data}");
        data
    }
}

/// The texts of messages, or what stands in their place.
pub(crate) fn bodies(messages: &[Value]) -> Vec<Value> {
    let body = |message: &Value| {
        ["message", "text", "base64"].iter().find_map(|key| message.get(*key)).cloned().unwrap()
    };
    messages.iter().map(body).collect()
}

/// A name that no other test has.
pub(crate) fn unique(name: &str) -> String {
    static COUNT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let count = COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_micros();
    format!("{name}-{}-{now}-{count}", std::process::id())
}
