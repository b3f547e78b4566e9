//! `Account`: what somebody connects: a connection of an integration.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use http::request::Parts;
use serde::Deserialize;
use trunkline::{DEFAULT_CONNECTION, Handle, Manager, Result};

use crate::{
    api::extract::{Id, Params},
    problem::Problem,
};

/// What somebody connects: the integration in the path, and its connection in the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Account {
    pub(crate) integration: String,
    pub(crate) connection: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    connection: Option<String>,
}

impl Account {
    /// Its handle as it is now.
    ///
    /// # Errors
    ///
    /// As [`Manager::connection`].
    pub(crate) async fn handle(&self, manager: &Manager) -> Result<Arc<Handle>> {
        manager.connection(&self.integration, &self.connection).await
    }
}

impl Account {
    /// What connects it from the command line.
    pub(crate) fn command(&self) -> String {
        let Self { integration, connection } = self;
        match &**connection {
            DEFAULT_CONNECTION => format!("trunkline connect {integration}"),
            name => format!("trunkline connect {integration} --connection {name}"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Account {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let Id(integration) = Id::from_request_parts(parts, state).await?;
        let Params(Wire { connection }) = Params::from_request_parts(parts, state).await?;
        let connection = connection.unwrap_or_else(|| DEFAULT_CONNECTION.to_owned());
        Ok(Self { integration, connection })
    }
}
