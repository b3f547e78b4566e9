//! Actions of SendGrid against its SDK.

use serde_json::json;

use crate::Sdk;

#[tokio::test]
async fn sdk_of_sendgrid_sends_the_same() {
    let whole = json!({
        "from": {"email": "orders@example.com", "name": "Orders"}, "to": [{"email": "ada@example.com", "name": "Ada"}, {"email": "b@example.com"}],
        "cc": [{"email": "c@example.com"}], "bcc": [{"email": "d@example.com"}], "reply_to": "help@example.com",
        "subject": "Grüße", "text": "Hello", "html": "<p>Hello</p>", "headers": {"X-Order": "7"}, "categories": ["orders"],
        "custom_args": {"order": "7"}, "send_at": 1_792_000_000, "batch_id": "b1", "asm": {"group_id": 7, "groups_to_display": [7]},
        "attachments": [{"content": "aGk=", "filename": "a.txt", "type": "text/plain", "disposition": "attachment"}],
        "ip_pool_name": "orders", "mail_settings": {"sandbox_mode": {"enable": true}},
        "tracking_settings": {"click_tracking": {"enable": false}},
    });
    let template = json!({
        "from": "orders@example.com", "to": "ada@example.com", "template_id": "d-1", "dynamic_template_data": {"name": "Ada", "n": [1]},
    });
    let each = json!({
        "personalizations": [{"to": [{"email": "a@example.com"}]}, {"to": [{"email": "b@example.com"}], "subject": "For you"}],
        "from": {"email": "orders@example.com"}, "subject": "Hello", "content": [{"type": "text/plain", "value": "Hi"}],
    });
    let plain =
        |kind: &str| json!({"from": "o@example.com", "to": "a@example.com", "subject": "Hello", kind: "Hi"});
    let contacts =
        json!({"contacts": [{"email": "ada@example.com", "custom_fields": {"w1": 7}}], "list_ids": ["l1"]});
    let calls = [
        ("send_email", plain("text")),
        ("send_email", plain("html")),
        ("send_email", whole),
        ("send_email", template),
        ("send_emails", each),
        ("create_batch_id", json!({})),
        ("cancel_scheduled_send", json!({"batch_id": "b1"})),
        ("cancel_scheduled_send", json!({"batch_id": "b1", "status": "pause"})),
        ("resume_scheduled_send", json!({"batch_id": "b1"})),
        ("upsert_contacts", contacts),
        ("get_import_job", json!({"job_id": "j1"})),
        ("get_contact", json!({"contact_id": "c1"})),
        ("find_contacts_by_email", json!({"emails": ["ada@example.com"]})),
        ("search_contacts", json!({"query": "email LIKE 'ada%'"})),
        ("delete_contacts", json!({"ids": ["c1", "c2"]})),
        ("list_lists", json!({"page_size": 2, "page_token": "p"})),
        ("create_list", json!({"name": "News"})),
        ("remove_list_contacts", json!({"list_id": "l1", "contact_ids": ["c1", "c2"]})),
        ("list_custom_fields", json!({})),
        ("list_templates", json!({})),
        ("list_templates", json!({"generations": "legacy,dynamic", "page_size": 2, "page_token": "p"})),
        ("get_template", json!({"template_id": "d-1"})),
        ("list_bounces", json!({"start_time": 1, "end_time": 2, "limit": 3, "offset": 4})),
        ("delete_bounce", json!({"email": "ada+x@example.com"})),
        ("list_spam_reports", json!({"limit": 3})),
        ("list_global_unsubscribes", json!({"start_time": 1})),
        ("add_global_unsubscribes", json!({"emails": ["ada@example.com"]})),
        ("delete_global_unsubscribe", json!({"email": "ada@example.com"})),
        ("list_unsubscribe_groups", json!({})),
        ("get_stats", json!({"start_date": "2026-11-01", "aggregated_by": "week"})),
    ];
    let sdk = Sdk { vendor: "sendgrid", inputs: json!({"api_key": "SG.1"}), adjust: |_| {} };
    sdk.compare(&calls).await;
}
