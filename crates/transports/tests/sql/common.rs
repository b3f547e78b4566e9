//! What every test here needs: an opened transport, and calls as a caller of the API writes them.

use std::sync::Arc;

use serde_json::{Value, json, value::to_raw_value};
use trunkline_core::{
    Call, Context, Egress, IntegrationId, Operation, Proof, Reply, Result, Transport, parse,
};
use trunkline_transports::{AnyDatabase, Database};

/// A database of an integration.
pub(crate) struct Db {
    pub(crate) context: Context,
    pub(crate) database: Database<AnyDatabase>,
}

impl Db {
    /// With `more` keys beside the base URL.
    pub(crate) fn open(context: Context, base_url: &str, more: Value) -> Result<Self> {
        let mut config = json!({ "base_url": base_url });
        config.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let database = Database::open(parse::value(config, "")?, &context)?;
        Ok(Self { context, database })
    }

    /// The reply of a request.
    pub(crate) async fn reply(&self, request: &Value) -> Result<Reply> {
        let operation = self.database.parse(&to_raw_value(request).unwrap())?;
        self.run(operation).await
    }

    pub(crate) async fn run(&self, operation: Operation) -> Result<Reply> {
        self.database.call(&self.context, &mut call(operation)).await
    }

    /// The document that a request is answered with.
    pub(crate) async fn json(&self, request: Value) -> Result<Value> {
        Ok(document(self.reply(&request).await?).await)
    }

    /// The document of a statement without parameters.
    pub(crate) async fn sql(&self, query: &str) -> Result<Value> {
        self.json(json!({ "query": query })).await
    }

    /// The lines of a reply that is streamed.
    pub(crate) async fn lines(&self, request: &Value) -> Result<Vec<Value>> {
        let reply = self.stream(request).await?;
        let bytes = reply.bytes().await?;
        Ok(bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).map(parsed).collect())
    }

    /// A reply that is streamed.
    pub(crate) async fn stream(&self, request: &Value) -> Result<Reply> {
        let mut operation = self.database.parse(&to_raw_value(request).unwrap())?;
        let Operation::Query(query) = &mut operation else { panic!("a query") };
        query.wanted.stream = true;
        self.run(operation).await
    }

    pub(crate) async fn probe(&self) -> Result<Proof> {
        self.database.probe(&self.context, &mut call(trunkline_core::Query::new("").into())).await
    }

    pub(crate) async fn schema(&self) -> Result<Value> {
        let operation = trunkline_core::Query::new("").into();
        Ok(document(self.database.schema(&self.context, &mut call(operation)).await?).await)
    }
}

pub(crate) fn context() -> Context {
    Context::new(Arc::new(Egress::default()))
}

fn call(operation: Operation) -> Call {
    Call::new(IntegrationId::new("a").unwrap(), operation)
}

async fn document(reply: Reply) -> Value {
    parsed(&reply.bytes().await.unwrap())
}

fn parsed(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(bytes)))
}
