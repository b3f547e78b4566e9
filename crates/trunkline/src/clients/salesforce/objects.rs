//! What Salesforce gives. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest>

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use trunkline_core::{Error, Kind, Result};

/// A record: its fields as the object has them, and `attributes`.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub struct Record(
    /// The fields.
    pub Map<String, Value>,
);

impl Record {
    /// Its id of 18 characters, where it was asked for.
    pub fn id(&self) -> Option<&str> {
        self.0.get("Id")?.as_str()
    }

    /// The record as a struct of the program's own.
    ///
    /// # Errors
    ///
    /// `protocol` where it is of another shape.
    pub fn read<T: DeserializeOwned>(self) -> Result<T> {
        serde_json::from_value(Value::Object(self.0)).map_err(|error| {
            Error::new(
                Kind::Protocol,
                format!("the record is of another shape: {}", crate::clients::ask::place(&error)),
            )
        })
    }
}

/// A page of what a query gives.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Records {
    /// The records.
    pub records: Vec<Record>,
    /// How many there are in all.
    pub total_size: u64,
    /// Whether these are the last.
    pub done: bool,
    /// Where the next page is; its last part is what `query_next` takes.
    pub next_records_url: Option<String>,
}

/// Whether a record was made or changed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Upserted {
    /// Its id, where Salesforce says it: always of one that was made.
    pub id: Option<String>,
    /// Whether it was made.
    pub created: bool,
}

/// How much of something there may be in a day.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Limit {
    /// In all.
    pub max: i64,
    /// Of that still left.
    pub remaining: i64,
}

gives! {
    /// What an object is.
    Summary {
        /// Its name in the API.
        name: String,
        /// Its name for people.
        label: String,
    }

    /// All that is known of an object.
    Description {
        /// Its name in the API.
        name: String,
        /// Its name for people.
        label: String,
        /// Its fields, each with `name`, `label` and `type`.
        fields: Vec<Map<String, Value>>,
    }
}
