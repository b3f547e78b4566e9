//! MySQL as MariaDB speaks it: what the engine promises, against real servers.

mod broken;
mod connect;
mod params;
mod rogue;
mod running;
mod transactions;
mod values;

use std::sync::Arc;

use serde_json::{Value, json, value::to_raw_value};
use trunkline_core::{
    Call, Context, Egress, Error, IntegrationId, Operation, Profile, Proof, Reply, Result, Transport, parse,
};
use trunkline_testkit::MariaDb;
use trunkline_transports::{Database, OnlyMySql};

/// An integration of its own context.
struct Db {
    context: Context,
    database: Arc<Database<OnlyMySql>>,
}

impl Db {
    fn new(url: &str, more: Value) -> Self {
        Self::within(Profile::Guarded, url, more).unwrap()
    }

    fn of(server: &MariaDb) -> Self {
        Self::new(&server.url(), json!({}))
    }

    fn within(profile: Profile, url: &str, more: Value) -> Result<Self> {
        let context = Context::new(Arc::new(Egress::new(profile, &[])?));
        let mut config = json!({ "base_url": url });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let database = Arc::new(Database::open(parse::value(config, "")?, &context)?);
        Ok(Self { context, database })
    }

    fn call_of(&self, request: Value, stream: bool) -> Result<Call> {
        let mut operation = self.database.parse(&to_raw_value(&request).unwrap())?;
        if let Operation::Query(query) = &mut operation {
            query.wanted.stream = stream;
        }
        Ok(Call::new(IntegrationId::new("a").unwrap(), operation))
    }

    async fn reply(&self, request: Value, stream: bool) -> Result<Reply> {
        let mut call = self.call_of(request, stream)?;
        self.database.call(&self.context, &mut call).await
    }

    /// What a request yields.
    async fn json(&self, request: Value) -> Result<Value> {
        let bytes = self.reply(request, false).await?.bytes().await?;
        Ok(serde_json::from_slice(&bytes).unwrap())
    }

    /// What a statement yields.
    async fn run(&self, sql: &str, params: Value) -> Result<Value> {
        self.json(json!({ "query": sql, "params": params })).await
    }

    /// The rows of a statement, as arrays.
    async fn rows(&self, sql: &str) -> Value {
        self.json(json!({ "query": sql, "rows": "arrays" })).await.unwrap()["rows"].take()
    }

    async fn fails(&self, sql: &str) -> Error {
        self.json(json!({ "query": sql })).await.expect_err(sql)
    }

    async fn proof(&self) -> Result<Proof> {
        let mut call = self.call_of(json!({ "query": "select 1" }), false)?;
        self.database.probe(&self.context, &mut call).await
    }
}

/// What an error says about itself.
fn fact<'a>(error: &'a Error, name: &str) -> Option<&'a str> {
    error.context().iter().find(|(key, _)| *key == name).map(|(_, value)| &**value)
}
