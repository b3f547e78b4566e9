//! What the engine does with a server, without the layers above it.

mod fake;
mod faults;
mod pooler;
mod real;

use std::{sync::Arc, time::Duration};

use serde_json::{Value, value::RawValue};
use trunkline_core::{Context, Egress, Error, Profile, Result, Wanted};

use super::{Postgres, Session, target::Target};
use crate::{
    http::Tls,
    sql::{
        address::Address,
        engine::{Engine, Login},
        job::{Job, Step},
        output::Output,
        scan::{Dialect, scan},
    },
};

/// An engine and who logs in.
struct Client {
    engine: Postgres,
    login: Login,
    context: Context,
}

impl Client {
    fn new(url: &str) -> Self {
        Self::with(url, Tls::default(), None)
    }

    fn with(url: &str, tls: Tls, pooler: Option<bool>) -> Self {
        let address = Address::parse(url).unwrap();
        let (statement, lock) = (Duration::from_secs(60), Duration::from_secs(2));
        let target = Target::new(&address, tls, statement, lock, pooler).unwrap();
        let engine = Postgres { target: Arc::new(target) };
        let egress = Egress::new(Profile::Lab, &[]).unwrap();
        Self { engine, login: address.login(), context: Context::new(Arc::new(egress)) }
    }

    async fn session(&self) -> Result<Session> {
        self.engine.connect(&self.context, &self.login).await
    }
}

/// A job of statements and their parameters as JSON.
#[derive(Default)]
struct Ask {
    steps: Vec<(String, Option<Box<RawValue>>)>,
    together: bool,
    read_only: bool,
    wanted: Wanted,
}

fn ask(sql: &str, params: &str) -> Ask {
    Ask::default().then(sql, params)
}

impl Ask {
    fn then(mut self, sql: &str, params: &str) -> Self {
        let params = (!params.is_empty()).then(|| RawValue::from_string(params.to_owned()).unwrap());
        self.steps.push((sql.to_owned(), params));
        self
    }

    fn together(mut self) -> Self {
        self.together = true;
        self
    }

    fn read_only(mut self) -> Self {
        self.read_only = true;
        self
    }

    fn rows(mut self, most: u64) -> Self {
        self.wanted.max_rows = Some(most);
        self
    }

    fn bytes(mut self, most: u64) -> Self {
        self.wanted.max_bytes = Some(most);
        self
    }

    async fn of(&self, session: &mut Session) -> Result<Value> {
        let mut steps = Vec::new();
        for (sql, params) in &self.steps {
            let plan = Arc::new(scan(sql, Dialect::Postgres).unwrap());
            steps.push(Step::new(plan, params.as_deref()).unwrap());
        }
        let job = Job { steps, together: self.together, read_only: self.read_only, unhurried: false };
        let mut output = Output::document(self.wanted, self.together);
        session.run(&job, &mut output).await?;
        Ok(serde_json::from_slice(&output.finish()).unwrap())
    }
}

/// The SQLSTATE of an error.
fn code(error: &Error) -> &str {
    error.context().iter().find(|(name, _)| *name == "sqlstate").map_or("", |(_, code)| code)
}
