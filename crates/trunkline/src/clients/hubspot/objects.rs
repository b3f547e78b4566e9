//! What HubSpot gives. <https://developers.hubspot.com/docs/api-reference>

use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

/// A page of a list.
#[derive(Debug, Clone, Deserialize)]
#[non_exhaustive]
pub struct Page<T> {
    /// What is on it.
    pub results: Vec<T>,
    /// How many there are in all, where a search says so.
    pub total: Option<u64>,
    /// What leads on.
    paging: Option<Paging>,
}

#[derive(Debug, Clone, Deserialize)]
struct Paging {
    next: Option<Cursor>,
}

#[derive(Debug, Clone, Deserialize)]
struct Cursor {
    after: String,
}

impl<T> Page<T> {
    /// What leads to the next page, for `after`; `None` on the last one.
    pub fn after(&self) -> Option<&str> {
        Some(&self.paging.as_ref()?.next.as_ref()?.after)
    }
}

gives! {
    /// A contact, a company, a deal or another object.
    Record {
        /// Its id.
        id: String,
        /// Its properties, those that were asked for.
        properties: Map<String, Value>,
        /// Whether it is archived.
        archived: Option<bool>,
    }

    /// What became of several records.
    Batch {
        /// Such as `COMPLETE`.
        status: String,
        /// Those that it was done to.
        results: Vec<Record>,
        /// What failed of it, where some did.
        #[serde(default)]
        errors: Vec<Value>,
    }

    /// Who a record belongs to.
    Owner {
        /// Their id as an owner.
        id: String,
        /// Their address for mail.
        email: Option<String>,
        /// Their first name.
        #[serde(rename = "firstName")]
        first_name: Option<String>,
        /// Their last name.
        #[serde(rename = "lastName")]
        last_name: Option<String>,
    }

    /// A record that another one is associated with.
    Association {
        /// Its id.
        #[serde(rename = "toObjectId", deserialize_with = "id")]
        to_object_id: String,
        /// What it is to the first one: each has `category`, `typeId` and `label`.
        #[serde(rename = "associationTypes", default)]
        association_types: Vec<Value>,
    }

    /// A page of lists.
    Lists {
        /// The lists.
        lists: Vec<ContactList>,
    }

    /// A list of records.
    ContactList {
        /// Its id.
        #[serde(rename = "listId", deserialize_with = "id")]
        list_id: String,
        /// Its name.
        name: Option<String>,
        /// The type of its records, such as `0-1` for contacts.
        #[serde(rename = "objectTypeId")]
        object_type_id: Option<String>,
    }

    /// A record that is on a list.
    Member {
        /// Its id.
        #[serde(rename = "recordId", deserialize_with = "id")]
        record_id: String,
        /// Since when, as in RFC 3339.
        #[serde(rename = "membershipTimestamp")]
        membership_timestamp: Option<String>,
    }

    /// What became of a list's records.
    Membership {
        /// Those that were added.
        #[serde(rename = "recordsIdsAdded", default)]
        added: Vec<Value>,
        /// Those that do not exist.
        #[serde(rename = "recordIdsMissing", default)]
        missing: Vec<Value>,
    }

    /// A property that an object has.
    Property {
        /// Its name in the API.
        name: String,
        /// Its name for people.
        label: String,
        /// Such as `string`, `number`, `datetime` or `enumeration`.
        r#type: String,
    }
}

/// An id, which some answers write as a number.
fn id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(match Value::deserialize(deserializer)? {
        Value::String(id) => id,
        other => other.to_string(),
    })
}
