//! What subscribes, whose token the service may refuse, and how streams are read.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use http::HeaderMap;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::to_raw_value};
use trunkline_core::{
    Call, Context, Credential, Egress, Event, Events, Form, IntegrationId, Profile, Result, Scheme,
    SchemeDyn, Secret, Site, Transport, parse,
};
use trunkline_transports::GraphQl;

/// An integration and its tokens.
pub(super) struct Client {
    context: Context,
    pub(super) graphql: GraphQl,
    scheme: Arc<Tokens>,
}

/// Tokens `t1`, `t2` and so on: the next one when one is refused.
#[derive(Debug)]
pub(super) struct Tokens {
    refused: AtomicU32,
    current: std::sync::Mutex<Arc<Credential>>,
}

#[derive(Deserialize, JsonSchema)]
pub(super) struct NoKeys {}

fn token(number: u32) -> Arc<Credential> {
    Arc::new(Credential::new(Form::Bearer(Secret::new(format!("t{number}")))))
}

impl Scheme for Tokens {
    const NAME: &'static str = "tokens";
    type Config = NoKeys;

    fn open(_: NoKeys, _: &Site) -> Result<Self> {
        Ok(Self { refused: AtomicU32::new(0), current: token(1).into() })
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        Ok(Some(self.current.lock().unwrap().clone()))
    }

    async fn rejected(&self, credential: &Arc<Credential>, _: &HeaderMap) {
        let mut current = self.current.lock().unwrap();
        if Arc::ptr_eq(&current, credential) {
            *current = token(self.refused.fetch_add(1, Ordering::SeqCst) + 2);
        }
    }
}

impl Client {
    pub(super) fn new(base_url: &str, subscriptions: &Value) -> Self {
        let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
        let config =
            json!({"base_url": base_url, "headers": {"x-tenant": "acme"}, "subscriptions": subscriptions});
        let graphql = GraphQl::open(parse::value(config, "").unwrap(), &context).unwrap();
        let scheme = Arc::new(Tokens::open(NoKeys {}, &Site::default()).unwrap());
        Self { context, graphql, scheme }
    }

    /// Subscribes as a caller of the API does.
    pub(super) async fn subscribe(&self, query: &str) -> Result<Events> {
        let request = to_raw_value(&json!({"query": query})).unwrap();
        let mut call = Call::new(IntegrationId::new("a").unwrap(), self.graphql.parse_stream(&request)?);
        call.credential = self.scheme.credential(&self.context).await?;
        call.scheme = Some(self.scheme.clone() as Arc<dyn SchemeDyn>);
        self.graphql.call(&self.context, &mut call).await?.events()
    }
}

/// The next event.
pub(super) async fn next(events: &mut Events) -> (String, String) {
    let Event { name, data } = events.next().await.expect("the stream goes on").unwrap();
    (name.into_owned(), String::from_utf8(data.into()).unwrap())
}

/// The next event, which is `error`: its kind. Nothing comes after it.
pub(super) async fn failure(events: &mut Events) -> String {
    let (name, data) = next(events).await;
    assert_eq!(name, "error", "{data}");
    assert!(events.next().await.is_none(), "it is the last event");
    let data: Value = serde_json::from_str(&data).unwrap();
    data["kind"].as_str().unwrap().to_owned()
}

pub(super) fn event(name: &str, data: &str) -> (String, String) {
    (name.to_owned(), data.to_owned())
}
