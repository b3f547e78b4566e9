//! Databases: PostgreSQL, MySQL and MariaDB, SQLite. One attempt is one statement, or one transaction.

mod address;
mod arg;
mod config;
mod engine;
mod job;
mod json;
mod output;
mod pool;
mod postgres;
mod request;
mod scan;
mod stream;

use std::{fmt::Debug, marker::PhantomData, sync::Arc};

use http::{HeaderValue, StatusCode, header};
use serde_json::value::RawValue;
use trunkline_core::{
    Call, Context, Error, Form, Kind, Occupancy, Operation, Proof, Query, Reply, Result, Transport,
};

pub use self::config::DatabaseConfig;
use self::{
    address::System,
    config::{Plans, Rules},
    engine::{Engine, Login},
    job::{Job, Step},
    output::Output,
    pool::{Lease, Pool},
    scan::{Scanned, scan},
};

/// A database. `N` is how its type is called.
#[derive(Debug)]
pub struct Database<N> {
    speaks: Speaks,
    named: PhantomData<fn() -> N>,
}

/// The name of a type, and the only database it stands for, if there is one.
pub trait Named: Debug + Send + Sync + 'static {
    /// The `type` in a configuration.
    const NAME: &'static str;
    /// Which scheme `base_url` must have.
    #[doc(hidden)]
    const ONLY: Option<&'static str>;
}

macro_rules! named {
    ($($(#[$doc:meta])* $name:ident = $type:literal, $only:expr;)*) => {
        $($(#[$doc])* #[derive(Debug)] pub struct $name;
        impl Named for $name {
            const NAME: &'static str = $type;
            const ONLY: Option<&'static str> = $only;
        })*
    };
}

named! {
    /// Type `database`: the connection string says which.
    AnyDatabase = "database", None;
    /// Type `postgres`.
    OnlyPostgres = "postgres", Some("postgres");
    /// Type `mysql`, MariaDB too.
    OnlyMySql = "mysql", Some("mysql");
    /// Type `sqlite`.
    OnlySqlite = "sqlite", Some("sqlite");
}

/// The engine that was found.
#[derive(Debug)]
enum Speaks {}

/// What is the same for all engines.
#[derive(Debug)]
struct Client<E: Engine> {
    pool: Arc<Pool<E>>,
    rules: Arc<Rules>,
    login: Arc<Login>,
    plans: Arc<Plans>,
}

impl<E: Engine> Clone for Client<E> {
    fn clone(&self) -> Self {
        let Self { pool, rules, login, plans } = self;
        Self { pool: pool.clone(), rules: rules.clone(), login: login.clone(), plans: plans.clone() }
    }
}

/// How many statements are remembered as the scanner sees them.
const PLANS: usize = 256;

impl<E: Engine> Client<E> {
    fn open(config: &DatabaseConfig, engine: E, login: Login) -> Result<Self> {
        Ok(Self {
            pool: config.pool.open(engine)?,
            rules: Arc::new(config.rules(E::DIALECT)?),
            login: Arc::new(login),
            plans: Arc::new(Plans::new(PLANS)),
        })
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        let mut query = request::parse(request, &self.rules)?;
        // An integration that cannot write reads, whatever is asked.
        query.read_only |= self.rules.read_only || self.job(&query)?.only_reads();
        Ok(query.into())
    }

    async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        let Operation::Query(query) = &call.operation else {
            return Err(Error::new(Kind::Unsupported, "a database takes queries"));
        };
        let job = self.job(query)?;
        let mut lease = self.lease(context, call).await?;
        if query.wanted.stream {
            return Box::pin(stream::stream(self, lease, query)).await;
        }
        let mut output = Output::document(self.rules.bounded(query.wanted), job.together);
        lease.run(&job, &mut output).await?;
        Ok(document(output.finish()))
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<Proof> {
        self.lease(context, call).await?.proof().await
    }

    async fn schema(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        let schema = self.lease(context, call).await?.schema().await?;
        Ok(document(schema))
    }

    /// What is to be run of a query.
    fn job<'a>(&self, query: &'a Query) -> Result<Job<'a>> {
        let mut steps = Vec::with_capacity(query.statements.len());
        let one = query.statements.len() == 1;
        for (n, statement) in query.statements.iter().enumerate() {
            let step =
                self.plan(&statement.text).and_then(|plan| Step::new(plan, statement.params.as_deref()));
            steps.push(
                step.map_err(|error| if one { error } else { error.at(&format!("statement {}", n + 1)) })?,
            );
        }
        Ok(Job { together: !one, read_only: self.rules.read_only || query.wanted.read_only, steps })
    }

    /// A statement as the scanner sees it, if it may be run.
    fn plan(&self, text: &Arc<str>) -> Result<Arc<Scanned>> {
        if let Some(plan) = self.plans.get(text) {
            return Ok(plan);
        }
        if self.rules.only_queries && !self.rules.queries.values().any(|query| *query.query == **text) {
            return Err(Error::invalid(
                "query: this integration takes no SQL from callers; send the name of a query",
            ));
        }
        let plan = scan(text, self.rules.dialect)?;
        match plan.statements {
            0 => return Err(Error::invalid("query: holds no statement")),
            1 => {}
            more => {
                return Err(Error::invalid(format!(
                    "query: holds {more} statements; send one, or a transaction with each of them"
                )));
            }
        }
        if plan.facts.control {
            return Err(Error::invalid(
                "query: begins or ends a transaction, which would outlive the call; send all of its statements as \
                 transaction: [{\"query\": …}, …]",
            ));
        }
        let plan = Arc::new(plan);
        self.plans.insert(text.clone(), plan.clone());
        Ok(plan)
    }

    async fn lease(&self, context: &Context, call: &Call) -> Result<Lease<E>> {
        let credential = call.credential.as_ref();
        let login = || match credential.map(|credential| credential.form()) {
            None => Ok((*self.login).clone()),
            Some(Form::Basic { user, password }) => {
                Ok(Login { user: Some(user.clone()), password: Some(password.clone()) })
            }
            Some(_) => {
                let message = "auth_type: a database takes basic, with a user and a password, or none";
                Err(Error::invalid(message))
            }
        };
        self.pool.lease(context, credential, login).await
    }
}

fn document(body: impl Into<bytes::Bytes>) -> Reply {
    let mut reply = Reply::new(StatusCode::OK, body.into());
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
