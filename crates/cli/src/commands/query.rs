//! `trunkline query`: asks a database.

use std::collections::BTreeMap;

use clap::Args;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};

use super::{
    call::{self, Wishes},
    read,
};
use crate::{client::Server, exit::Exit, output::Output};

/// Asks a database and prints its answer as JSON.
///
/// `trunkline query shop 'select * from customer where id = :id' -p id=7`
#[derive(Debug, Args)]
pub(crate) struct Query {
    /// The integration.
    id: String,
    /// The statement, @FILE or @- for standard input.
    #[arg(value_name = "STATEMENT", required_unless_present = "name")]
    statement: Option<String>,
    /// A statement of the integration's `queries`, in the place of one of your own.
    #[arg(long, conflicts_with = "statement")]
    name: Option<String>,
    /// A parameter, name=value; may be repeated. A value that is JSON is taken as that, every other as text: `7` is a
    /// number, `"7"` is not.
    #[arg(short, long, value_name = "PARAM")]
    param: Vec<String>,
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
        let request = Request { query, name: self.name, params: params(&self.param)? };
        call::perform(server, output, &self.id, &request, &self.wishes, self.ndjson).await
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
}

/// Parameters by their names, in the digits they were given in.
type Params = BTreeMap<String, Box<RawValue>>;

fn params(given: &[String]) -> Result<Params, Exit> {
    let mut params = Params::new();
    for param in given {
        let Some((name, value)) = param.split_once('=') else {
            return Err(Exit::input("--param: write name=value"));
        };
        let text = |_| to_raw_value(value).map_err(|error| Exit::input(format!("--param: {name}: {error}")));
        let value = RawValue::from_string(value.to_owned()).or_else(text)?;
        if params.insert(name.to_owned(), value).is_some() {
            return Err(Exit::input(format!("--param: {name} is there twice")));
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
        let sent = serde_json::to_string(&params(&given).unwrap()).unwrap();
        assert_eq!(sent, r#"{"a":7.00,"b":"7","c":"x=y","d":null,"e":[1],"f":"","g":"007"}"#);
        assert!(params(&["a".to_owned()]).is_err());
        assert!(params(&["a=1".to_owned(), "a=2".to_owned()]).is_err());
    }
}
