//! `graphql`: services that speak GraphQL over HTTP. One attempt is one operation, or a batch of them.

mod answer;
mod ask;
mod codes;
mod config;
mod document;
mod envelope;
mod explain;
mod files;
mod introspection;
mod known;
mod limits;
mod payload;
mod persisted;
mod plans;
mod reader;
mod request;
mod schema;
mod shape;
mod subscriptions;
mod variables;

use std::sync::Arc;

use ::http::{HeaderValue, StatusCode, header};
use apollo_compiler::ast::OperationType;
use serde_json::{json, value::RawValue};
use trunkline_core::{
    Call, Context, Error, Kind, Occupancy, Operation, Proof, Query, Reply, Result, Statement, Transport,
};

pub use self::config::GraphQlConfig;
use self::{
    answer::Question,
    ask::{Caller, Job, Sender},
    document::Document,
    payload::Payload,
    plans::Plans,
    request::Named,
    schema::Source,
    subscriptions::Subscriptions,
    variables::Variables,
};
use crate::access::Access;

/// A service that speaks GraphQL.
#[derive(Debug)]
pub struct GraphQl {
    sender: Arc<Sender>,
    plans: Plans,
    schema: Option<Arc<Source>>,
    named: Named,
    subscriptions: Option<Subscriptions>,
}

impl Transport for GraphQl {
    const NAME: &'static str = "graphql";
    type Config = GraphQlConfig;

    fn open(config: GraphQlConfig, context: &Context) -> Result<Self> {
        config.open(context)
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        let mut query = request::parse(request, &self.named)?;
        query.read_only = self.job(&query)?.question.reads;
        Ok(query.into())
    }

    fn parse_stream(&self, request: &RawValue) -> Result<Operation> {
        let mut query = request::parse_stream(request, &self.named)?;
        self.subscribed()?;
        self.job(&query)?;
        query.read_only = true;
        Ok(query.into())
    }

    async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        let Operation::Query(query) = &call.operation else {
            let what = "an integration of type graphql takes queries and mutations";
            return Err(Error::new(Kind::Unsupported, what));
        };
        let job = self.job(query)?;
        if let Some(source) = &self.schema
            && let Some(known) = match source.fresh() {
                Some(known) => Some(known),
                // Boxed, so that the other calls do not carry its room.
                None => Box::pin(source.wanted(&self.sender, call.credential.as_ref())).await,
            }
        {
            // It may be the first that is known, or a newer one.
            each(&job.steps, job.question.batch.is_some(), |(document, _)| {
                document.validate(&known).map_err(|error| error.at("query"))
            })?;
        }
        if query.wanted.events {
            let [(document, statement)] = &*job.steps else {
                return Err(Error::invalid("batch: subscriptions are begun one at a time"));
            };
            let mut request = Vec::new();
            Payload::new(document, statement, statement.params.as_deref()).json(&mut request);
            return self.subscribed()?.begin(context, Access::of(call), call.deadline, request).await;
        }
        let caller = Caller { credential: call.credential.as_deref(), deadline: call.deadline };
        self.sender.ask(&job, caller).await
    }

    async fn probe(&self, _: &Context, call: &mut Call) -> Result<Proof> {
        let caller = Caller { credential: call.credential.as_deref(), deadline: call.deadline };
        let mut proof = self.sender.probe(caller).await?;
        if let Some(why) = self.schema.as_ref().and_then(|source| source.failure()) {
            proof
                .warning
                .get_or_insert_with(|| format!("documents are not checked, for want of the schema: {why}"));
        }
        Ok(proof)
    }

    /// The schema in the schema language: the one that documents are checked against, or what the service says now.
    async fn schema(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let known = match &self.schema {
            Some(source) => source.wanted(&self.sender, call.credential.as_ref()).await,
            None => None,
        };
        let sdl = match known {
            Some(known) => known.sdl.clone(),
            None => schema::sdl(&self.sender, call.credential.as_deref()).await?,
        };
        let mut reply = Reply::new(StatusCode::OK, json!({ "sdl": sdl }).to_string());
        reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        Ok(reply)
    }

    fn occupancy(&self) -> Option<Occupancy> {
        self.subscriptions.as_ref()?.occupancy()
    }

    async fn close(&self) {
        if let Some(subscriptions) = &self.subscriptions {
            subscriptions.retire();
        }
    }
}

impl GraphQl {
    /// What subscriptions go through.
    fn subscribed(&self) -> Result<&Subscriptions> {
        self.subscriptions.as_ref().ok_or_else(|| {
            let what = "nothing can be subscribed to; say in subscriptions how the service is";
            Error::new(Kind::Unsupported, what)
        })
    }

    /// What is to be asked, checked as far as it can be without the service.
    fn job<'a>(&self, query: &'a Query) -> Result<Job<'a>> {
        let batch = (query.statements.len() != 1).then_some(query.statements.len());
        let known = self.schema.as_ref().and_then(|source| source.known());
        let mut question = Question { batch, reads: !query.statements.is_empty(), single: true };
        let (mut steps, mut cost) = (Vec::with_capacity(query.statements.len()), 0u64);
        each(&query.statements, batch.is_some(), |statement| {
            let document = self.document(statement)?;
            let operation = document.operation(statement.operation_name.as_deref())?;
            question.reads &= operation.does != OperationType::Mutation;
            question.single &= operation.single;
            match (operation.does == OperationType::Subscription, query.wanted.events) {
                (true, false) => {
                    return Err(Error::invalid("query: is a subscription; subscribe to it with /stream"));
                }
                (false, true) => return Err(Error::invalid("query: is no subscription; send it with /call")),
                _ => {}
            }
            if operation.does == OperationType::Mutation && query.wanted.read_only {
                return Err(Error::invalid("query: is a mutation, and the call is to read only"));
            }
            let variables = Variables::of(statement.params.as_deref(), &query.files)?;
            document.check(operation, &variables)?;
            if self.plans.limits().counts() {
                cost = cost.saturating_add(document.cost(operation, &variables));
            }
            if let Some(known) = &known {
                document.validate(known).map_err(|error| error.at("query"))?;
            }
            steps.push((document, statement));
            Ok(())
        })?;
        self.plans.limits().costly(cost)?;
        Ok(Job { steps, files: &query.files, question })
    }

    /// The document of a statement, if it may be sent.
    fn document(&self, statement: &Statement) -> Result<Arc<Document>> {
        let text = &statement.text;
        if self.named.only {
            if !self.named.queries.values().any(|query| **query == **text) {
                let message =
                    "query: this integration takes no documents from callers; send the name of a query";
                return Err(Error::invalid(message));
            }
            // The service may know another document by the hash, and take that one.
            if statement.extensions.as_deref().is_some_and(persisted::is_named) {
                let message = "extensions: this integration takes no persistedQuery from callers; send the name of a query";
                return Err(Error::invalid(message));
            }
        }
        self.plans.of(text).map_err(|error| error.at("query"))
    }
}

/// Does something with each of a request; an error says which of a batch it was.
fn each<'a, T>(all: &'a [T], batch: bool, mut does: impl FnMut(&'a T) -> Result<()>) -> Result<()> {
    all.iter().enumerate().try_for_each(|(n, one)| {
        does(one).map_err(|error| if batch { error.at(&format!("batch.{n}")) } else { error })
    })
}
