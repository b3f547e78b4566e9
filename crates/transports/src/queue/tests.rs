//! What becomes of connections when credentials change, at a broker that takes and refuses logins as it is told.

use std::{
    future::pending,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::Instant;
use trunkline_core::{
    Call, Context, Credential, Egress, Error, Form, IntegrationId, Kind, Message, Operation, Profile, Proof,
    Result, Scheme, Secret, Site,
};

use super::{
    broker::{Broker, Consumer, Delivered, Delivery, Fate, Guarantee, Login, Receipt, Subscription},
    client::Client,
    config::QueueConfig,
    request,
};

/// The broker: it lets in `good` and `better`, and nobody else. Whoever reads as `good` hears at once that their login has
/// come to its end.
#[derive(Debug, Default)]
struct Picky {
    /// Logins that were tried.
    tried: Arc<Mutex<Vec<String>>>,
}

impl Broker for Picky {
    type Link = String;
    type Consumer = Reads;

    const SYSTEM: &'static str = "picky";

    async fn connect(&self, _: &Context, login: &Login) -> Result<String> {
        let user = login.user.clone().unwrap();
        self.tried.lock().unwrap().push(user.clone());
        // Others may come meanwhile.
        tokio::time::sleep(Duration::from_millis(1)).await;
        match &*user {
            "good" | "better" => Ok(user),
            _ => Err(Error::new(Kind::Unauthenticated, "who is that?")),
        }
    }

    fn is_alive(&self, _: &String) -> bool {
        true
    }

    fn check(&self, _: &Message) -> Result<()> {
        Ok(())
    }

    async fn publish(&self, _: &String, messages: &[Message], _: Instant) -> Vec<Result<Receipt>> {
        let receipt = |_| Ok(Receipt { guarantee: Guarantee::AtMostOnce, facts: Vec::new() });
        messages.iter().map(receipt).collect()
    }

    async fn ask(&self, _: &String, _: &Message, _: Delivered<'_>) -> Result<Message> {
        pending().await
    }

    async fn consume(&self, link: &Arc<String>, _: &Subscription) -> Result<Reads> {
        Ok(Reads(link.clone()))
    }

    async fn proof(&self, _: &String) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }

    async fn schema(&self, _: &String) -> Result<Value> {
        Ok(Value::Null)
    }
}

/// Somebody who reads, by their login.
struct Reads(Arc<String>);

impl Consumer for Reads {
    type Mark = ();

    async fn fetch(&self, _: u32, _: Instant) -> Result<Vec<Delivery<()>>> {
        match &**self.0 {
            "good" => Err(Error::new(Kind::Unauthenticated, "your time is up")),
            _ => pending().await,
        }
    }

    async fn settle(&self, (): &(), _: Fate) -> Result<()> {
        Ok(())
    }
}

/// A scheme that has one user after the other, and the last for ever.
#[derive(Debug)]
struct Users(Vec<Arc<Credential>>, AtomicUsize);

#[derive(Debug, Deserialize, JsonSchema)]
struct Nothing {}

impl Users {
    fn new(users: &[&str]) -> Arc<Self> {
        Arc::new(Self(users.iter().map(|user| credential(user)).collect(), AtomicUsize::new(0)))
    }
}

impl Scheme for Users {
    const NAME: &'static str = "users";
    type Config = Nothing;

    fn open(_: Nothing, _: &Site) -> Result<Self> {
        Ok(Self(Vec::new(), AtomicUsize::new(0)))
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        Ok(Some(self.0[self.1.load(SeqCst).min(self.0.len() - 1)].clone()))
    }

    async fn rejected(&self, _: &Arc<Credential>, _: &HeaderMap) {
        self.1.fetch_add(1, SeqCst);
    }
}

fn credential(user: &str) -> Arc<Credential> {
    let password = Secret::literal("swordfish");
    Arc::new(Credential::new(Form::Basic { user: user.to_owned(), password }))
}

fn opened() -> (Client<Picky>, Context) {
    let config: QueueConfig = serde_json::from_value(json!({"base_url": "memory:"})).unwrap();
    let (parts, rules) = config.open().unwrap();
    let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
    (Client::new(Picky::default(), parts.address.login, rules, None), context)
}

fn call(operation: Operation, credential: &Arc<Credential>) -> Call {
    let mut call = Call::new(IntegrationId::new("a").unwrap(), operation);
    call.credential = Some(credential.clone());
    call
}

fn publish() -> Operation {
    request::parse(&to_raw_value(&json!({"queue": "q", "text": "?"})).unwrap()).unwrap()
}

#[tokio::test(start_paused = true)]
async fn that_a_login_was_refused_says_nothing_of_another() {
    let (client, context) = opened();
    let wrong = credential("wrong");
    let began = Instant::now();
    for _ in 0..12 {
        let error = client.call(&context, &mut call(publish(), &wrong)).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Unauthenticated, "{error}");
    }
    assert!(began.elapsed() > Duration::from_secs(1), "whoever is refused has to pause");
    let began = Instant::now();
    client.call(&context, &mut call(publish(), &credential("good"))).await.unwrap();
    assert_eq!(began.elapsed().as_millis(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_waits_while_another_login_is_refused_is_not_refused() {
    let (client, context) = opened();
    let (wrong, good) = (credential("wrong"), credential("good"));
    let (mut first, mut second) = (call(publish(), &wrong), call(publish(), &good));
    let (mut third, mut fourth) = (call(publish(), &wrong), call(publish(), &good));
    let (first, third, second, fourth) = tokio::join!(
        client.call(&context, &mut first),
        client.call(&context, &mut third),
        client.call(&context, &mut second),
        client.call(&context, &mut fourth),
    );
    assert_eq!(first.unwrap_err().kind(), Kind::Unauthenticated);
    assert_eq!(third.unwrap_err().kind(), Kind::Unauthenticated);
    assert!(second.is_ok() && fourth.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_login_that_ends_while_somebody_reads_is_replaced_once() {
    for (users, ends) in [(["good", "better"], "reconnected"), (["good", "wrong"], "error")] {
        let (client, context) = opened();
        let scheme = Users::new(&users);
        let request = to_raw_value(&json!({"queue": "q"})).unwrap();
        let mut call = call(request::parse_stream(&request).unwrap(), &scheme.0[0]);
        call.scheme = Some(scheme.clone());
        let mut events = client.call(&context, &mut call).await.unwrap().events().unwrap();
        let event = events.next().await.unwrap().unwrap();
        assert_eq!(event.name, ends, "{users:?}: {}", String::from_utf8_lossy(&event.data));
    }
    // One that has no other is told as it is.
    let (client, context) = opened();
    let scheme = Users::new(&["good"]);
    let request = to_raw_value(&json!({"queue": "q"})).unwrap();
    let mut call = call(request::parse_stream(&request).unwrap(), &scheme.0[0]);
    call.scheme = Some(scheme.clone());
    let mut events = client.call(&context, &mut call).await.unwrap().events().unwrap();
    let event = events.next().await.unwrap().unwrap();
    assert_eq!(event.name, "error");
    assert!(String::from_utf8_lossy(&event.data).contains("your time is up"));
    assert_eq!(scheme.1.load(SeqCst), 1, "it is told once");
}
