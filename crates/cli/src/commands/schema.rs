//! `trunkline schema`: what an integration can be asked for.

use clap::Args;
use http::Method;

use super::connections;
use crate::{
    client::{Server, path},
    exit::Exit,
    output::Output,
};

/// Prints what an integration can be asked for, as JSON: of a database its tables and columns, of a
/// GraphQL service its schema.
#[derive(Debug, Args)]
pub(crate) struct Schema {
    /// The integration.
    id: String,
    /// One of its connections.
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
}

impl Schema {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let path = match &self.connection {
            Some(name) => connections::of(&self.id, name, "/schema")?,
            None => path(&self.id, "/schema")?,
        };
        output.value(&server.json(Method::GET, &path, None).await?);
        Ok(())
    }
}
