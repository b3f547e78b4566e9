//! The client of Twilio against the service that Twilio's own document describes, which refuses what that does not allow.

use serde_json::json;
use trunkline::{Kind, clients::Twilio};
use trunkline_testkit::Prism;

use super::manager;

const ACCOUNT: &str = "ACaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const MESSAGE: &str = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const CALL: &str = "CAaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const NUMBER: &str = "PNaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const SERVICE: &str = "MGaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const TO: &str = "+15558675310";
const FROM: &str = "+15017122661";

#[tokio::test]
async fn what_twilio_is_sent_is_what_its_own_document_allows() {
    let service = Prism::start("twilio.com/api");
    let config = json!({
        "inputs": {"account_sid": ACCOUNT, "auth_token": "t"},
        "base_url": service.url(&format!("/2010-04-01/Accounts/{ACCOUNT}")),
    });
    let twilio = Twilio::open(&manager().await, config).unwrap();

    // Without pictures: a list in a form it reads from names in brackets alone, which neither Twilio nor its SDK knows.
    let sms = twilio.send_sms(TO).from(FROM).body("Hello").status_callback("https://example.com/told");
    sms.smart_encoded(true).validity_period(3600).await.unwrap();
    let later =
        twilio.send_sms(TO).messaging_service_sid(SERVICE).body("Later").send_at("2026-12-24T18:00:00Z");
    later.shorten_urls(false).await.unwrap();
    twilio.get_message(MESSAGE).await.unwrap();
    twilio.list_messages().to(TO).from(FROM).page_size(20).await.unwrap();
    twilio.cancel_message(MESSAGE).await.unwrap();
    twilio.redact_message(MESSAGE).await.unwrap();
    twilio.delete_message(MESSAGE).await.unwrap();

    let call =
        twilio.make_call(TO, FROM).url("https://example.com/say").record(true).timeout(30).send_digits("1w2");
    call.machine_detection("Enable").await.unwrap();
    twilio.make_call(TO, FROM).twiml("<Response/>").method("GET").time_limit(60).await.unwrap();
    twilio.get_call(CALL).await.unwrap();
    twilio.end_call(CALL).await.unwrap();
    twilio.list_calls().status("completed").from(FROM).page_size(20).await.unwrap();

    twilio.get_incoming_phone_number(NUMBER).await.unwrap();
    twilio.list_incoming_phone_numbers().friendly_name("Front desk").await.unwrap();
    twilio.get_balance().await.unwrap();

    // It does refuse what is not allowed.
    let ask = twilio.handle().ask(
        &serde_json::value::to_raw_value(
            &json!({"method": "POST", "endpoint": "/Messages.json", "data": {"Body": "to nobody"}}),
        )
        .unwrap(),
    );
    let refused = twilio.handle().call(&mut ask.unwrap()).await.unwrap_err();
    assert_eq!(refused.kind(), Kind::Rejected, "{refused}");
}
