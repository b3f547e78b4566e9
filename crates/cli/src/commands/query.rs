//! `trunkline query`: asks a database, or a service that speaks GraphQL.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    call::{self, As, Wishes},
    read,
};
use crate::{client::Server, exit::Exit, output::Output};

/// Asks a database or a GraphQL service and prints its answer as JSON.
///
/// `trunkline query shop 'select * from customer where id = :id' -p id=7`,
/// `trunkline query api 'query($id: ID!) { customer(id: $id) { name } }' --variable id=7`
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// The integration.
    id: String,
    /// The statement or document, @FILE or @- for standard input.
    #[arg(value_name = "STATEMENT", required_unless_present = "name")]
    statement: Option<String>,
    /// A statement or document of the integration's `queries`, in the place of one of your own.
    #[arg(long, conflicts_with = "statement")]
    name: Option<String>,
    /// A parameter, name=value; may be repeated. A value that is JSON is taken as that, every other as text: `7` is a
    /// number, `"7"` is not.
    #[arg(short, long, value_name = "PARAM")]
    param: Vec<String>,
    /// A variable of a GraphQL document, written as parameters are; may be repeated.
    #[arg(long, value_name = "VARIABLE", conflicts_with = "param")]
    variable: Vec<String>,
    /// Which operation of a GraphQL document to run.
    #[arg(long, value_name = "NAME")]
    operation: Option<String>,
    /// Prints rows as they come, however many there are, each on a line of its own. Fails if they break off.
    #[arg(long)]
    ndjson: bool,
    #[command(flatten)]
    wishes: Wishes,
}

impl Query {
    pub(crate) async fn run(self, server: &Server, output: &Output) -> Result<(), Exit> {
        let query = match self.statement {
            Some(statement) => Some(match statement.strip_prefix('@') {
                Some(path) => read(path)?,
                None => statement,
            }),
            None => None,
        };
        let request = Request {
            query,
            name: self.name,
            params: params("--param", &self.param)?,
            variables: params("--variable", &self.variable)?,
            operation_name: self.operation,
        };
        let as_what = if self.ndjson { As::Lines } else { As::ItComes };
        call::perform(server, output, &self.id, &request, &self.wishes, as_what).await
    }
}

/// What is sent.
#[derive(Serialize)]
struct Request {
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params: Params,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    variables: Params,
    #[serde(skip_serializing_if = "Option::is_none")]
    operation_name: Option<String>,
}

/// Parameters by their names, in the digits they were given in.
type Params = BTreeMap<String, Box<RawValue>>;

fn params(option: &str, given: &[String]) -> Result<Params, Exit> {
    let mut params = Params::new();
    for param in given {
        let Some((name, value)) = param.split_once('=') else {
            return Err(Exit::input(format!("{option}: write name=value")));
        };
        let text = |_| to_raw_value(value).map_err(|error| Exit::input(format!("{option}: {name}: {error}")));
        let value = RawValue::from_string(value.to_owned()).or_else(text)?;
        if params.insert(name.to_owned(), value).is_some() {
            return Err(Exit::input(format!("{option}: {name} is there twice")));
        }
    }
    Ok(params)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_is_json_where_it_can_be_and_else_text() {
        let given = ["a=7.00", "b=\"7\"", "c=x=y", "d=null", "e=[1]", "f=", "g=007"].map(str::to_owned);
        let sent = serde_json::to_string(&params("--param", &given).unwrap()).unwrap();
        assert_eq!(sent, r#"{"a":7.00,"b":"7","c":"x=y","d":null,"e":[1],"f":"","g":"007"}"#);
        assert!(params("--param", &["a".to_owned()]).is_err());
        assert!(params("--param", &["a=1".to_owned(), "a=2".to_owned()]).is_err());
    }
}
