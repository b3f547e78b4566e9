//! Databases: PostgreSQL, MySQL and MariaDB, SQLite. One attempt is one statement, or one transaction.

mod address;
mod arg;
mod config;
mod engine;
mod job;
mod json;
mod mysql;
mod output;
mod plans;
mod pool;
mod postgres;
mod request;
mod scan;
mod sqlite;
mod ssl_mode;
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
    config::Rules,
    engine::{Engine, Login},
    job::{Job, Step},
    mysql::MySql,
    output::Output,
    plans::{Plan, Plans},
    pool::{Lease, Pool},
    postgres::Postgres,
    sqlite::Sqlite,
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
enum Speaks {
    Postgres(Client<Postgres>),
    MySql(Client<MySql>),
    Sqlite(Client<Sqlite>),
}

/// Does the same with the client of whichever engine it is.
macro_rules! each {
    ($speaks:expr, $client:ident => $done:expr) => {
        match $speaks {
            Speaks::Postgres($client) => $done,
            Speaks::MySql($client) => $done,
            Speaks::Sqlite($client) => $done,
        }
    };
}

impl<N: Named> Transport for Database<N> {
    const NAME: &'static str = N::NAME;
    type Config = DatabaseConfig;

    fn open(config: DatabaseConfig, context: &Context) -> Result<Self> {
        let address = config.address(N::ONLY.and_then(System::of))?;
        let speaks = match address.system {
            System::Sqlite => {
                let engine = Sqlite::open(&config, &address, context)?;
                Speaks::Sqlite(Client::open(&config, engine, address.login())?)
            }
            System::MySql => {
                let engine = MySql::open(&config, &address, context)?;
                Speaks::MySql(Client::open(&config, engine, address.login())?)
            }
            System::Postgres => {
                let engine = Postgres::open(&config, &address)?;
                Speaks::Postgres(Client::open(&config, engine, address.login())?)
            }
        };
        Ok(Self { speaks, named: PhantomData })
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        each!(&self.speaks, client => client.parse(request))
    }

    async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        each!(&self.speaks, client => client.call(context, call).await)
    }

    async fn probe(&self, context: &Context, call: &mut Call) -> Result<Proof> {
        each!(&self.speaks, client => client.probe(context, call).await)
    }

    async fn schema(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        each!(&self.speaks, client => client.schema(context, call).await)
    }

    fn system(&self) -> &'static str {
        each!(&self.speaks, client => client.system())
    }

    fn occupancy(&self) -> Option<Occupancy> {
        each!(&self.speaks, client => Some(client.pool.occupancy()))
    }

    async fn close(&self) {
        each!(&self.speaks, client => client.pool.close());
    }
}

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

impl<E: Engine> Client<E> {
    fn open(config: &DatabaseConfig, engine: E, login: Login) -> Result<Self> {
        Ok(Self {
            pool: config.pool.open(engine)?,
            rules: Arc::new(config.rules(E::DIALECT)?),
            login: Arc::new(login),
            plans: Arc::new(Plans::new(E::DIALECT, config.multiple_statements)),
        })
    }

    fn system(&self) -> &'static str {
        E::SYSTEM
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        let mut query = request::parse(request, &self.rules)?;
        // An integration that cannot write reads, whatever is asked: then its jobs are read only.
        query.read_only |= self.job(&query)?.only_reads();
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
            let params = statement.params.as_deref();
            let found = self.plan(&statement.text).and_then(|plan| {
                match &*plan {
                    [plan] => steps.push(Step::new(plan.clone(), params)?),
                    plans => steps.extend(Step::several(plans, params)?),
                }
                Ok(())
            });
            found.map_err(|error| if one { error } else { error.at(&format!("statement {}", n + 1)) })?;
        }
        let together = !one || steps.len() > 1;
        let read_only = self.rules.read_only || query.wanted.read_only;
        Ok(Job { together, read_only, unhurried: query.wanted.stream && !self.rules.hurries, steps })
    }

    /// The statements of a text, if it may be run.
    fn plan(&self, text: &Arc<str>) -> Result<Plan> {
        if self.rules.only_queries && !self.rules.queries.values().any(|query| *query.query == **text) {
            return Err(Error::invalid(
                "query: this integration takes no SQL from callers; send the name of a query",
            ));
        }
        self.plans.of(text)
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
        self.pool.lease(context, credential, call.deadline, login).await
    }
}

fn document(body: impl Into<bytes::Bytes>) -> Reply {
    let mut reply = Reply::new(StatusCode::OK, body.into());
    reply.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    reply
}
