//! The client of Stripe against a service that does what Stripe does.

use serde_json::json;
use trunkline::{
    Connector, Kind,
    clients::Stripe,
    connectors::{Catalog, Manifest},
};
use trunkline_testkit::Localstripe;

use super::manager;
use crate::lab;

async fn stripe() -> (Localstripe, Stripe) {
    let service = Localstripe::start();
    let config = json!({"inputs": {"secret_key": "sk_test_1"}, "base_url": service.url()});
    let stripe = Stripe::open(&manager().await, config).unwrap();
    (service, stripe)
}

#[tokio::test]
async fn a_payment_is_a_key_and_a_method_away() {
    let service = Localstripe::start();
    // The connector as it is, of a vendor that is elsewhere.
    let mut manifest: Manifest = Catalog::built_in().get("stripe").unwrap().manifest().clone();
    manifest.integration.insert("base_url".to_owned(), service.url().into());
    let manager = lab().connector(Connector::new(manifest).unwrap()).build().await.unwrap();
    let stripe = Stripe::connect(&manager, "sk_test_1").unwrap();
    let payment = stripe.create_payment_intent(1999, "usd").await.unwrap();
    assert_eq!(
        (payment.amount, &*payment.currency, &*payment.status),
        (1999, "usd", "requires_payment_method")
    );
    assert_eq!(stripe.get_payment_intent(&payment.id).await.unwrap().id, payment.id);
    // The service was shown the key: without one it says no.
    let nobody = json!({"base_url": service.url(), "auth_type": "none"});
    let error = Stripe::open(&manager, nobody).unwrap().list_customers().await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unauthenticated, "{error}");
}

#[tokio::test]
async fn a_customer_is_made_found_changed_and_deleted() {
    let (_service, stripe) = stripe().await;
    let made =
        stripe.create_customer().email("ann@example.com").metadata(json!({"plan": "pro"})).await.unwrap();
    assert_eq!(made.more["metadata"], json!({"plan": "pro"}));
    assert_eq!(stripe.get_customer(&made.id).await.unwrap().email.as_deref(), Some("ann@example.com"));
    let changed = stripe.update_customer(&made.id).description("pays late").await.unwrap();
    assert_eq!(changed.description.as_deref(), Some("pays late"));
    assert!(stripe.delete_customer(&made.id).await.unwrap().deleted);
    let error = stripe.get_customer("cus_none").await.unwrap_err();
    assert_eq!(error.kind(), Kind::Rejected, "{error}");
}

#[tokio::test]
async fn a_payment_is_made_and_given_back() {
    let (_service, stripe) = stripe().await;
    let payment =
        stripe.create_payment_intent(1999, "usd").payment_method("pm_card_visa").confirm(true).await.unwrap();
    assert_eq!((payment.amount, &*payment.status), (1999, "succeeded"));
    // Debugging shows nobody what finishes a payment.
    let secret = payment.client_secret.as_ref().unwrap().expose().unwrap().to_string();
    assert!(secret.starts_with(&payment.id) && !format!("{payment:?}").contains(&secret));
    let refund = stripe.create_refund().payment_intent(&payment.id).amount(999).await.unwrap();
    assert_eq!((refund.amount, refund.status.as_deref()), (999, Some("succeeded")));
    let charge = payment.latest_charge.unwrap();
    assert_eq!(stripe.get_charge(charge.id()).await.unwrap().amount_refunded, 999);
}

#[tokio::test]
async fn a_list_of_several_pages_is_read_to_its_end() {
    let (_service, stripe) = stripe().await;
    for n in 0..5 {
        stripe.create_customer().email(&format!("{n}@example.com")).await.unwrap();
    }
    let first = stripe.list_customers().limit(2).await.unwrap();
    assert_eq!((first.data.len(), first.has_more), (2, true));
    let (mut records, mut seen) = (stripe.list_customers().limit(2).records(), Vec::new());
    while let Some(customer) = records.next().await.unwrap() {
        seen.push(customer.email.unwrap());
    }
    seen.sort();
    assert_eq!(seen, (0..5).map(|n| format!("{n}@example.com")).collect::<Vec<_>>());
    assert!(records.cursor().is_none());
}
