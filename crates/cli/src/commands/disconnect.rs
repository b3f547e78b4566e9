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
        let told = match answer["revoked"].as_bool() {
            Some(true) => "the provider was told",
            _ => "the provider was not told: look there whether access has to be removed",
        };
        output.line(format!("{} is disconnected; {told}", self.id));
        Ok(())
    }
}
