//! `HubSpot`: contacts, records of other objects, associations, owners and lists, as the connector `hubspot` has them.

use serde_json::{Value, json};
use trunkline_core::Result;

pub use self::objects::{
    Association, Batch, ContactList, Lists, Member, Membership, Owner, Page, Property, Record,
};
use crate::Manager;

mod objects;

client! {
    /// HubSpot's CRM. Values of properties are texts. <https://developers.hubspot.com/docs/api-reference>
    HubSpot of "hubspot";

    /// Create a contact. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
    create_contact => CreateContact(email: &str) -> String {
        /// Properties.
        properties: Value,
        /// Associations: each {to: {id}, types: [{associationCategory, associationTypeId}]}.
        associations: Value,
    }

    /// Get a contact. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
    get_contact => GetContact(contact_id: &str) -> Record {
        /// Property that the record is found by.
        id_property: &str,
        /// Properties: those to give.
        properties: &[&str],
        /// Properties with history.
        properties_with_history: &[&str],
        /// Associations: object types to give the ids of.
        associations: &[&str],
        /// Archived.
        archived: bool,
    }

    /// Update a contact. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
    update_contact => UpdateContact(contact_id: &str, properties: Value) -> Record {
        /// Property that the record is found by.
        id_property: &str,
    }

    /// Archive a contact. It can be restored for 90 days. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
    archive_contact => ArchiveContact(contact_id: &str) -> () {}

    /// List contacts. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
    list_contacts => ListContacts() -> Page<Record>, of Record {
        /// Limit.
        limit: u64,
        /// After: paging.next.after of the answer before.
        after: &str,
        /// Properties: those to give.
        properties: &[&str],
        /// Associations: object types to give the ids of.
        associations: &[&str],
        /// Archived.
        archived: bool,
    }

    /// Search contacts. What is new is found after some seconds. <https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm>
    search_contacts => SearchContacts() -> Page<Record>, of Record {
        /// Text.
        query: &str,
        /// Filter groups: records of which all filters of any group hold.
        filter_groups as "filterGroups": Value,
        /// Order.
        sorts: Value,
        /// Properties: those to give.
        properties: &[&str],
        /// Limit.
        limit: u64,
        /// After: paging.next.after of the answer before.
        after: &str,
    }

    /// Create or update contacts. Up to 100. The way to create a contact that may be repeated. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/guide>
    batch_upsert_contacts => BatchUpsertContacts(inputs: Value) -> Batch {}

    /// Create a record. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/guide>
    create_object => CreateObject(object_type: &str, properties: Value) -> String {
        /// Associations: each {to: {id}, types: [{associationCategory, associationTypeId}]}.
        associations: Value,
    }

    /// Get a record. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/guide>
    get_object => GetObject(object_type: &str, object_id: &str) -> Record {
        /// Property that the record is found by.
        id_property: &str,
        /// Properties: those to give.
        properties: &[&str],
        /// Properties with history.
        properties_with_history: &[&str],
        /// Associations: object types to give the ids of.
        associations: &[&str],
        /// Archived.
        archived: bool,
    }

    /// Update a record. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/guide>
    update_object => UpdateObject(object_type: &str, object_id: &str, properties: Value) -> Record {
        /// Property that the record is found by.
        id_property: &str,
    }

    /// Archive a record. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/guide>
    archive_object => ArchiveObject(object_type: &str, object_id: &str) -> () {}

    /// List records. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/guide>
    list_objects => ListObjects(object_type: &str) -> Page<Record>, of Record {
        /// Limit.
        limit: u64,
        /// After: paging.next.after of the answer before.
        after: &str,
        /// Properties: those to give.
        properties: &[&str],
        /// Associations: object types to give the ids of.
        associations: &[&str],
        /// Archived.
        archived: bool,
    }

    /// Search records. What is new is found after some seconds. <https://developers.hubspot.com/docs/api-reference/latest/crm/search-the-crm>
    search_objects => SearchObjects(object_type: &str) -> Page<Record>, of Record {
        /// Text.
        query: &str,
        /// Filter groups: records of which all filters of any group hold.
        filter_groups as "filterGroups": Value,
        /// Order.
        sorts: Value,
        /// Properties: those to give.
        properties: &[&str],
        /// Limit.
        limit: u64,
        /// After: paging.next.after of the answer before.
        after: &str,
    }

    /// Get several records. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/guide>
    batch_read_objects => BatchReadObjects(object_type: &str, inputs: Value) -> Batch {
        /// Property that the record is found by.
        id_property as "idProperty": &str,
        /// Properties: those to give.
        properties: &[&str],
        /// Properties with history.
        properties_with_history as "propertiesWithHistory": &[&str],
    }

    /// Create or update records. Up to 100. The way to create a record that may be repeated. <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/objects/guide>
    batch_upsert_objects => BatchUpsertObjects(object_type: &str, inputs: Value) -> Batch {}

    /// Associate two records. Without a label. <https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide>
    associate => Associate(from_type: &str, from_id: &str, to_type: &str, to_id: &str) -> () {}

    /// End all associations of two records. <https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide>
    dissociate => Dissociate(from_type: &str, from_id: &str, to_type: &str, to_id: &str) -> () {}

    /// List the associations of a record. <https://developers.hubspot.com/docs/api-reference/latest/crm/associations/associate-records/guide>
    list_associations => ListAssociations(object_type: &str, object_id: &str, to_type: &str) -> Page<Association>, of Association {
        /// Limit.
        limit: u64,
        /// After: paging.next.after of the answer before.
        after: &str,
    }

    /// List owners. <https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide>
    list_owners => ListOwners() -> Page<Owner>, of Owner {
        /// Email.
        email: &str,
        /// Limit.
        limit: u64,
        /// After: paging.next.after of the answer before.
        after: &str,
        /// Archived.
        archived: bool,
    }

    /// Get an owner. <https://developers.hubspot.com/docs/api-reference/latest/crm/owners/guide>
    get_owner => GetOwner(owner_id: &str) -> Owner {
        /// What it is found by: `id`, `userId`.
        id_property: &str,
    }

    /// Search lists. <https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide>
    search_lists => SearchLists() -> Lists, of ContactList {
        /// Name.
        query: &str,
        /// Limit.
        count: u64,
        /// Offset.
        offset: u64,
        /// Kinds.
        processing_types as "processingTypes": &[&str],
        /// More properties to give.
        additional_properties as "additionalProperties": &[&str],
    }

    /// Get a list. <https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide>
    get_list => GetList(list_id: &str) -> ContactList {
        /// With its filters.
        include_filters: bool,
    }

    /// List the members of a list. <https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide>
    list_members => ListMembers(list_id: &str) -> Page<Member>, of Member {
        /// Limit.
        limit: u64,
        /// After: paging.next.after of the answer before.
        after: &str,
    }

    /// Add records to a list. To one that is kept by hand. <https://developers.hubspot.com/docs/api-reference/latest/crm/lists/guide>
    add_list_members => AddListMembers(list_id: &str, record_ids: &[&str]) -> Membership {}

    /// List the properties of an object type. <https://developers.hubspot.com/docs/api-reference/latest/crm/properties/guide>
    list_properties => ListProperties(object_type: &str) -> Vec<Property> {
        /// Archived.
        archived: bool,
    }
}

impl HubSpot {
    /// A client with the token of a private app, which may be a reference such as `${env:HUBSPOT_TOKEN}`. For an account
    /// that was connected in a browser, register an integration and use [`HubSpot::over`].
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is no such token.
    pub fn connect(manager: &Manager, token: &str) -> Result<Self> {
        Self::open(manager, json!({ "inputs": { "access_token": token } }))
    }
}
