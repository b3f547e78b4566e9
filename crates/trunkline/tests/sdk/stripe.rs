//! Actions of Stripe against its SDK.

use serde_json::json;

use crate::{Meaning, Sdk};

#[tokio::test]
async fn sdk_of_stripe_sends_the_same() {
    let intent = json!({
        "amount": 1999, "currency": "usd", "customer": "cus_1", "payment_method_types": ["card", "link"], "confirm": true,
        "metadata": {"order id": "6&7=ü"}, "shipping": {"name": "Ann", "address": {"line1": "1 Main St"}},
    });
    let calls = [
        ("create_payment_intent", intent),
        ("get_payment_intent", json!({"payment_intent_id": "pi_1", "expand": ["customer", "latest_charge"]})),
        ("update_payment_intent", json!({"payment_intent_id": "pi_1", "metadata": {"a": ""}, "amount": 5})),
        ("confirm_payment_intent", json!({"payment_intent_id": "pi_1", "payment_method": "pm_card_visa"})),
        ("confirm_payment_intent", json!({"payment_intent_id": "pi_1"})),
        ("capture_payment_intent", json!({"payment_intent_id": "pi_1", "amount_to_capture": 750})),
        ("cancel_payment_intent", json!({"payment_intent_id": "pi_1", "cancellation_reason": "abandoned"})),
        ("list_payment_intents", json!({"customer": "cus_1", "created": {"gte": 5, "lt": 9}, "limit": 2})),
        ("search_payment_intents", json!({"query": "metadata['order_id']:'6735'", "limit": 2, "page": "p"})),
        ("create_customer", json!({"email": "a+b@example.com", "name": "Ann", "address": {"city": "Köln"}})),
        ("get_customer", json!({"customer_id": "cus_1"})),
        ("update_customer", json!({"customer_id": "cus_1", "name": "Bea", "balance": -5})),
        ("delete_customer", json!({"customer_id": "cus_1"})),
        (
            "list_customers",
            json!({"email": "a+b@example.com", "limit": 9, "starting_after": "cus_0", "expand": ["data.sources"]}),
        ),
        ("search_customers", json!({"query": "email:'a@b.c'"})),
        ("get_charge", json!({"charge_id": "ch_1"})),
        ("list_charges", json!({"customer": "cus_1", "ending_before": "ch_9"})),
        ("create_refund", json!({"payment_intent": "pi_1", "amount": 5, "reason": "duplicate"})),
        ("get_refund", json!({"refund_id": "re_1"})),
        ("list_refunds", json!({"charge": "ch_1", "limit": 1})),
        ("get_event", json!({"event_id": "evt_1"})),
        ("list_events", json!({"types": ["charge.failed", "charge.succeeded"], "created": {"gt": 1}})),
        ("get_balance", json!({})),
        ("get_product", json!({"product_id": "prod_1"})),
        ("list_products", json!({"active": true, "limit": 1})),
        ("get_price", json!({"price_id": "price_1"})),
        ("list_prices", json!({"lookup_keys": ["a", "b"], "active": false})),
        ("get_invoice", json!({"invoice_id": "in_1"})),
        ("list_invoices", json!({"status": "open", "subscription": "sub_1"})),
        ("get_subscription", json!({"subscription_id": "sub_1"})),
        ("list_subscriptions", json!({"limit": 3, "starting_after": "x_1"})),
    ];
    let inputs = json!({"secret_key": "sk_test_1", "account": "acct_1"});
    let sdk = Sdk { vendor: "stripe", inputs, adjust };
    sdk.compare(&calls).await;
}

/// The SDK numbers the items of a list in a query; Stripe takes them without numbers too.
fn adjust(sent: &mut Meaning) {
    for (name, _) in &mut sent.query {
        if let Some((before, number)) = name.trim_end_matches(']').rsplit_once('[')
            && number.parse::<u8>().is_ok()
        {
            *name = format!("{before}[]");
        }
    }
}
