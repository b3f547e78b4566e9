//! Clients with types: what they send, what they give, and what they say where it does not work.

mod localstripe;
mod prism;

use std::time::Duration;

use http::{StatusCode, header};
use serde_json::{Value, json};
use trunkline::{
    Body, Error, Kind, Manager,
    clients::{HubSpot, Records, Salesforce, Stripe, Twilio, stripe::Refund},
};
use trunkline_testkit::{Peer, Received};

use crate::{answer, config, lab};

/// A peer that gives this, as JSON, to whatever it is asked.
async fn peer(status: StatusCode, gives: Value) -> Peer {
    Peer::http(move |_| {
        let body = if gives.is_null() { String::new() } else { gives.to_string() };
        let mut response = answer(status, Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        response
    })
    .await
}

async fn manager() -> Manager {
    lab().build().await.unwrap()
}

fn last(peer: &Peer) -> Received {
    peer.received().pop().unwrap()
}

#[tokio::test]
async fn stripe_is_connected_with_a_key_and_one_that_is_none_is_refused_before_anything_is_sent() {
    let manager = manager().await;
    assert_eq!(Stripe::connect(&manager, "sk_test_1").unwrap().handle().name(), "Stripe");
    let error = Stripe::connect(&manager, "pk_test_1").unwrap_err();
    assert!(error.message().starts_with("inputs.secret_key"), "{error}");
    assert!(!error.to_string().contains("pk_test_1"));
}

#[tokio::test]
async fn an_action_has_the_idempotency_key_that_it_is_given() {
    let peer =
        peer(StatusCode::OK, json!({"id": "re_1", "amount": 5, "currency": "usd", "created": 1})).await;
    let config = json!({"inputs": {"secret_key": "sk_test_1"}, "base_url": peer.url()});
    let stripe = Stripe::open(&manager().await, config).unwrap();
    let refund =
        stripe.create_refund().payment_intent("pi_1").amount(5).idempotency_key("order-6").await.unwrap();
    assert_eq!((&*refund.id, refund.amount), ("re_1", 5));
    let got = last(&peer);
    assert_eq!(
        (got.header("idempotency-key"), &*got.body),
        ("order-6", &b"amount=5&payment_intent=pi_1"[..])
    );
    // Nothing is sent whose key would be ignored.
    let error = stripe.get_balance().idempotency_key("order-7").await.unwrap_err();
    assert_eq!((error.kind(), peer.received().len()), (Kind::Unsupported, 1));
}

#[tokio::test]
async fn records_of_all_pages_are_not_those_before_one_and_nothing_is_sent_for_them() {
    let peer = peer(StatusCode::OK, json!({"data": [], "has_more": false})).await;
    let config = json!({"inputs": {"secret_key": "sk_test_1"}, "base_url": peer.url()});
    let stripe = Stripe::open(&manager().await, config).unwrap();
    let error = stripe.list_charges().ending_before("ch_9").records().next().await.unwrap_err();
    assert!(error.message().starts_with("pages: `ending_before` asks for one page"), "{error}");
    assert_eq!(peer.received().len(), 0);
    assert_eq!(stripe.list_charges().ending_before("ch_9").await.unwrap().data.len(), 0);
    assert_eq!(last(&peer).uri.query(), Some("ending_before=ch_9"));
}

#[tokio::test]
async fn a_message_has_what_it_is_given_by_the_names_that_twilio_knows() {
    let sid = "SMaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
    let peer = peer(StatusCode::CREATED, json!({"sid": sid, "status": "queued", "from": null})).await;
    let inputs = json!({"account_sid": format!("AC{}", "a".repeat(32)), "auth_token": "t"});
    let twilio = Twilio::open(&manager().await, json!({"inputs": inputs, "base_url": peer.url()})).unwrap();
    let sent = twilio.send_sms("+15558675310").from("+15017122661").body("Hello").await.unwrap();
    assert_eq!((&*sent.sid, &*sent.status, sent.from), (sid, "queued", None));
    assert_eq!(&*last(&peer).body, b"Body=Hello&From=%2B15017122661&To=%2B15558675310");
    // What a schema refuses is not sent: nobody says who sends it.
    let error = twilio.send_sms("+15558675310").body("Hello").await.unwrap_err();
    assert_eq!((error.kind(), peer.received().len()), (Kind::InvalidConfig, 1));
}

#[tokio::test]
async fn hubspot_takes_names_of_its_own_and_gives_ids_as_texts() {
    let page = json!({"results": [{"recordId": 12, "membershipTimestamp": "2026-01-01T00:00:00Z"}], "paging": {"next": {"after": "MTI"}}});
    let peer = peer(StatusCode::OK, page).await;
    let config = json!({"inputs": {"access_token": "pat-1"}, "base_url": peer.url()});
    let hubspot = HubSpot::open(&manager().await, config).unwrap();
    let page = hubspot.list_members("7").await.unwrap();
    assert_eq!((&*page.results[0].record_id, page.after()), ("12", Some("MTI")));
    let _ = hubspot.search_contacts().filter_groups(json!([])).properties(&["email"]).await;
    let got: Value = serde_json::from_slice(&last(&peer).body).unwrap();
    assert_eq!(got, json!({"filterGroups": [], "properties": ["email"]}));
}

#[tokio::test]
async fn what_answers_with_nothing_is_done_and_what_answers_otherwise_says_so() {
    let config = |peer: &Peer| json!({"integration_id": "crm", "connector": "salesforce", "base_url": peer.url(), "auth_type": "none"});
    let manager = manager().await;
    let none = peer(StatusCode::NO_CONTENT, Value::Null).await;
    let salesforce = Salesforce::open(&manager, config(&none)).unwrap();
    salesforce.update_opportunity("006x", json!({"StageName": "Closed Won"})).await.unwrap();
    assert_eq!(last(&none).method, "PATCH");
    assert!(
        !salesforce.upsert_record("Account", "Key__c", "6", json!({"Name": "Acme"})).await.unwrap().created
    );

    let other = peer(StatusCode::OK, json!({"records": "none"})).await;
    let error =
        Salesforce::open(&manager, config(&other)).unwrap().query("SELECT Id FROM Lead").await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, trunkline::Outcome::Applied));
}

#[tokio::test]
async fn a_client_is_over_an_integration_that_is_registered_if_that_has_its_connector() {
    let peer = peer(StatusCode::OK, json!({"available": [], "pending": [], "livemode": false})).await;
    let manager = manager().await;
    let billing = json!({"integration_id": "billing", "connector": "stripe", "inputs": {"secret_key": "sk_test_1"}, "base_url": peer.url()});
    manager.register(config(billing)).await.unwrap();
    let stripe = Stripe::over(manager.get("billing").unwrap()).unwrap();
    let balance = stripe.get_balance().within(Duration::from_secs(5)).await.unwrap();
    assert_eq!(balance.more["livemode"], false);
    let error = Twilio::over(manager.get("billing").unwrap()).unwrap_err();
    assert!(error.message().contains("twilio"), "{error}");
}

/// A peer that is a list of Stripe, a record a page, of so many pages before it begins again at the first. Where it is asked for what
/// comes after `silent` it says nothing.
async fn turning(pages: u64, silent: u64) -> Peer {
    Peer::http(move |received: Received| {
        let after = received.uri.query().and_then(|query| query.split("starting_after=").nth(1));
        let after = after.map(|after| after.split('&').next().unwrap().parse::<u64>().unwrap());
        if after == Some(silent) {
            let nothing = futures_util::stream::pending::<trunkline::Result<http_body::Frame<_>>>();
            return answer(StatusCode::OK, Body::stream(http_body_util::StreamBody::new(nothing)));
        }
        let id = after.map_or(0, |after| (after + 1) % pages).to_string();
        let data = json!([{"id": id, "amount": 5, "currency": "usd", "created": 1}]);
        let body = json!({"data": data, "has_more": true}).to_string();
        let mut response = answer(StatusCode::OK, Body::from(body));
        response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        response
    })
    .await
}

async fn stripe(peer: &Peer) -> Stripe {
    let rate = json!({"requests": 100_000, "per": 1});
    let config = json!({"inputs": {"secret_key": "sk_test_1"}, "base_url": peer.url(), "rate_limit": rate});
    Stripe::open(&manager().await, config).unwrap()
}

/// How many records come before the end of a list, or an error.
async fn count(refunds: &mut Records<Refund>) -> (usize, Option<Error>) {
    let mut came = 0;
    loop {
        match refunds.next().await {
            Ok(Some(_)) => came += 1,
            Ok(None) => return (came, None),
            Err(error) => return (came, Some(error)),
        }
    }
}

#[tokio::test]
async fn a_list_without_bounds_goes_on_and_knows_all_pages_where_it_has_been() {
    // More than the 100 that a caller of the API gets who says none.
    let peer = turning(130, u64::MAX).await;
    let (came, error) = count(&mut stripe(&peer).await.list_refunds().records()).await;
    let error = error.unwrap();
    assert_eq!((came, peer.received().len(), error.kind()), (131, 131, Kind::Protocol));
    assert!(error.message().contains("where the walk has been"), "{error}");
}

#[tokio::test]
async fn a_list_ends_at_its_bounds_and_goes_on_from_there() {
    let peer = turning(u64::MAX, u64::MAX).await;
    let stripe = stripe(&peer).await;
    for bounded in [
        stripe.list_refunds().records().max_pages(3),
        stripe.list_refunds().records().max_records(3).max_time(Duration::from_secs(300)),
    ] {
        let mut bounded = bounded;
        assert_eq!(count(&mut bounded).await.0, 3);
        let cursor = bounded.cursor().unwrap().to_owned();
        assert_eq!(cursor.get(), "\"2\"");
        let rest = stripe.list_refunds().records().from(cursor).max_pages(1).next().await.unwrap().unwrap();
        assert_eq!(rest.id, "3");
    }
    let error = stripe.list_refunds().records().max_pages(0).next().await.unwrap_err();
    assert!(error.message().starts_with("pages.max_pages: "), "{error}");
}

#[tokio::test]
async fn each_page_of_a_list_has_the_time_that_it_is_given_and_none_has_a_key() {
    let peer = turning(u64::MAX, 1).await;
    let stripe = stripe(&peer).await;
    let mut refunds = stripe.list_refunds().within(Duration::from_secs(3)).records();
    let (came, error) = count(&mut refunds).await;
    assert_eq!((came, error.unwrap().kind()), (2, Kind::Timeout));
    assert_eq!(refunds.cursor().unwrap().get(), "\"1\"", "it can be asked for again");

    let before = peer.received().len();
    let error = stripe.list_refunds().idempotency_key("k").records().next().await.unwrap_err();
    assert_eq!((error.kind(), peer.received().len()), (Kind::Unsupported, before));
}
