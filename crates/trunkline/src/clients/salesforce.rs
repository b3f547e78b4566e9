//! `Salesforce`: leads, accounts, opportunities and all other records, queries and limits, as the connector `salesforce` has
//! them.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use trunkline_core::Result;

pub use self::objects::{Description, Limit, Record, Records, Summary, Upserted};
use crate::Manager;

mod objects;

client! {
    /// Salesforce's REST API. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest>
    Salesforce of "salesforce";

    /// Create a lead. Other fields of the object, custom ones too, are sent along. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_sobject_create.htm>
    create_lead => CreateLead(last_name as "LastName": &str, company as "Company": &str) -> String {
        /// First name.
        first_name as "FirstName": &str,
        /// Email.
        email as "Email": &str,
        /// Phone.
        phone as "Phone": &str,
        /// Title.
        title as "Title": &str,
        /// Source.
        lead_source as "LeadSource": &str,
        /// Status.
        status as "Status": &str,
    }

    /// Get an account. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_get_field_values.htm>
    get_account => GetAccount(account_id: &str) -> Record {
        /// Fields: all of them unless given.
        fields: &[&str],
    }

    /// Update an opportunity. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_update_fields.htm>
    update_opportunity => UpdateOpportunity(opportunity_id: &str, fields: Value) -> () {}

    /// Query. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_query.htm>
    query => Query(q: &str) -> Records, of Record {}

    /// Query with deleted records. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_queryall.htm>
    query_all => QueryAll(q: &str) -> Records, of Record {}

    /// Get the next page of a query. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_query.htm>
    query_next => QueryNext(locator: &str) -> Records, of Record {}

    /// Search. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_search.htm>
    search => Search(q: &str) -> Vec<Record> {}

    /// Create a record. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_sobject_create.htm>
    create_record => CreateRecord(object: &str, fields: Value) -> String {}

    /// Get a record. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_get_field_values.htm>
    get_record => GetRecord(object: &str, record_id: &str) -> Record {
        /// Fields: all of them unless given.
        fields: &[&str],
    }

    /// Get a record by an external id. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_get_object_using_external_id.htm>
    get_record_by_external_id => GetRecordByExternalId(object: &str, external_id_field: &str, external_id: &str) -> Record {
        /// Fields: all of them unless given.
        fields: &[&str],
    }

    /// Update a record. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_update_fields.htm>
    update_record => UpdateRecord(object: &str, record_id: &str, fields: Value) -> () {}

    /// Create or update a record by an external id. The way to create a record that may be repeated. The answer may be empty where the record was there. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_upsert.htm>
    upsert_record => UpsertRecord(object: &str, external_id_field: &str, external_id: &str, fields: Value) -> Upserted {}

    /// Delete a record. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/dome_delete_record.htm>
    delete_record => DeleteRecord(object: &str, record_id: &str) -> () {}

    /// Describe an object. Its fields, relationships and record types. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_sobject_describe.htm>
    describe => Describe(object: &str) -> Description {}

    /// List the objects of the org. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_describeGlobal.htm>
    describe_global => DescribeGlobal() -> Vec<Summary> {}

    /// Get the limits of the org. What there is of each, and what is left. <https://developer.salesforce.com/docs/atlas.en-us.api_rest.meta/api_rest/resources_limits.htm>
    limits => Limits() -> BTreeMap<String, Limit> {}
}

impl Salesforce {
    /// A client of a connected app with the client credentials flow; `client_secret` may be a reference such as
    /// `${env:SALESFORCE_SECRET}`. For the other ways, use [`Salesforce::open`], or [`Salesforce::over`] with an
    /// integration that was connected in a browser.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the input.
    pub fn connect(manager: &Manager, my_domain: &str, client_id: &str, client_secret: &str) -> Result<Self> {
        let inputs =
            json!({ "my_domain": my_domain, "client_id": client_id, "client_secret": client_secret });
        Self::open(manager, json!({ "auth": "client_credentials", "inputs": inputs }))
    }
}
