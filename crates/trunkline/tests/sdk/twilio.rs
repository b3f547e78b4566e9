//! Actions of Twilio against its SDK.

use serde_json::json;

use crate::Sdk;

#[tokio::test]
async fn sdk_of_twilio_sends_the_same() {
    let sid = |kind: &str| format!("{kind}0123456789abcdef0123456789abcdef");
    let inputs = json!({"account_sid": sid("AC"), "api_key_sid": sid("SK"), "api_key_secret": "s"});
    let later = json!({
        "to": "+1", "messaging_service_sid": sid("MG"), "body": "x", "media_url": ["https://a.example/x.png", "https://a.example/y.png"],
        "shorten_urls": true, "status_callback": "https://a.example/?a=b", "validity_period": 60,
        "send_at": "2026-11-30T20:36:27Z", "smart_encoded": false,
    });
    let template = json!({
        "to": "whatsapp:+1", "from": "whatsapp:+2", "content_sid": sid("HX"), "content_variables": "{\"1\":\"Ann\"}",
    });
    let between = json!({
        "to": "+1", "from": "+2", "date_sent_after": "2026-11-01", "date_sent_before": "2026-11-30", "page_size": 20,
    });
    let by_url = json!({
        "to": "+1", "from": "+2", "url": "https://a.example/twiml", "method": "GET", "timeout": 30, "record": true,
        "send_digits": "ww1#",
    });
    let by_twiml = json!({
        "to": "+1", "from": "+2", "twiml": "<Response><Say>Hi</Say></Response>", "time_limit": 60,
        "machine_detection": "Enable",
    });
    let calls = [
        ("send_sms", json!({"to": "+15558675310", "from": "+15017122661", "body": "Grüße & more = 1"})),
        ("send_sms", later),
        ("send_sms", template),
        ("get_message", json!({"message_sid": sid("SM")})),
        ("list_messages", between),
        ("list_messages", json!({"date_sent": "2026-11-01"})),
        ("cancel_message", json!({"message_sid": sid("SM")})),
        ("redact_message", json!({"message_sid": sid("MM")})),
        ("delete_message", json!({"message_sid": sid("SM")})),
        ("make_call", by_url),
        ("make_call", by_twiml),
        ("get_call", json!({"call_sid": sid("CA")})),
        ("end_call", json!({"call_sid": sid("CA")})),
        ("list_calls", json!({"status": "in-progress", "started_after": "2026-11-01", "page_size": 5})),
        ("get_incoming_phone_number", json!({"phone_number_sid": sid("PN")})),
        ("list_incoming_phone_numbers", json!({"phone_number": "+1555*", "friendly_name": "Front desk"})),
        ("get_balance", json!({})),
    ];
    let sdk = Sdk { vendor: "twilio", inputs, adjust: |_| () };
    sdk.compare(&calls).await;
}
