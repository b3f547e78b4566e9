//! Actions of Salesforce against simple-salesforce.

use serde_json::json;

use crate::{Meaning, Sdk};

#[tokio::test]
async fn sdk_of_salesforce_sends_the_same() {
    let id = "001D000000INjVe";
    let external = json!({"object": "Account", "external_id_field": "Number__c", "external_id": "7"});
    let mut upsert = external.clone();
    upsert["fields"] = json!({"Name": "Acme"});
    let calls = [
        ("create_lead", json!({"LastName": "Lovelace", "Company": "Engines", "Rank__c": 5})),
        ("get_account", json!({"account_id": id})),
        ("get_account", json!({"account_id": id, "fields": ["Name", "Industry"]})),
        (
            "update_opportunity",
            json!({"opportunity_id": "006D000000INjVe", "fields": {"StageName": "Closed Won"}}),
        ),
        ("query", json!({"q": "SELECT Id, Name FROM Account WHERE Name LIKE 'A%'"})),
        ("query_all", json!({"q": "SELECT Id FROM Account"})),
        ("query_next", json!({"locator": "01gD0000002HU6KIAW-2000"})),
        ("search", json!({"q": "FIND {Acme} RETURNING Account(Id)"})),
        ("create_record", json!({"object": "Invoice__c", "fields": {"Amount__c": 5}})),
        ("get_record", json!({"object": "Contact", "record_id": id, "fields": ["Email"]})),
        ("get_record_by_external_id", external),
        ("update_record", json!({"object": "Contact", "record_id": id, "fields": {"Email": "a@b"}})),
        ("upsert_record", upsert),
        ("delete_record", json!({"object": "Contact", "record_id": id})),
        ("describe", json!({"object": "Account"})),
        ("describe_global", json!({})),
        ("limits", json!({})),
    ];
    let sdk = Sdk {
        vendor: "salesforce",
        inputs: json!({"my_domain": "acme.my.salesforce.com", "client_id": "key", "client_secret": "s"}),
        adjust,
    };
    sdk.compare(&calls).await;
}

/// It ends the paths of collections with a slash, which means nothing.
fn adjust(sent: &mut Meaning) {
    sent.path.truncate(sent.path.trim_end_matches('/').len());
}
