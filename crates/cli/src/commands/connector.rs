//! `trunkline connector`: manifests of vendors, without a server and without the network.

mod import;
mod lint;
mod list;
mod schema;
mod show;
mod source;
mod test;

use clap::{Args, Subcommand};

use crate::{exit::Exit, output::Output};

/// Looks after connectors: what Trunkline knows of vendors. Needs no server.
#[derive(Debug, Args)]
pub(crate) struct Connector {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    List(list::List),
    Show(show::Show),
    Lint(lint::Lint),
    Test(test::Test),
    Import(import::Import),
    Schema(schema::Schema),
}

impl Connector {
    pub(crate) async fn run(self, output: &Output) -> Result<(), Exit> {
        match self.command {
            Command::List(list) => list.run(output),
            Command::Show(show) => show.run(output),
            Command::Lint(lint) => lint.run(output).await,
            Command::Test(test) => test.run(output).await,
            Command::Import(import) => import.run(output),
            Command::Schema(schema) => schema.run(output),
        }
    }
}
