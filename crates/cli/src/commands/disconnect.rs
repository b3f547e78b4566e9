//! `trunkline disconnect`: gives up the account that calls of an integration are made for.

use clap::Args;
use http::Method;

use super::connect::Account;
use crate::{client::Server, exit::Exit, output::Output};

/// Forgets the account that calls are made for, and tells the provider.
#[derive(Debug, Args)]
pub(crate) struct Disconnect {
    /// The integration.
    id: String,
    /// One of its connections: whose account it is.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
}

impl Disconnect {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let account = Account { id: &self.id, connection: self.connection.as_deref() };
        let answer = server.json(Method::DELETE, &account.at("")?, None).await?;
        if output.is_json() {
            output.value(&answer);
            return Ok(());
        }
        if answer["status"] == "not_connected" {
            output.line(format!("{} was not connected", self.id));
            return Ok(());
        }
        let told = told(answer["revoked"].as_bool().unwrap_or(false));
        output.line(format!("{} is disconnected; {told}", self.id));
        Ok(())
    }
}

/// Whether the provider knows that an account was given up, and what to do where it does not.
pub(super) fn told(revoked: bool) -> &'static str {
    match revoked {
        true => "the provider was told",
        false => "the provider was not told: look there whether access has to be removed",
    }
}
