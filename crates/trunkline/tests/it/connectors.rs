//! Integrations that name a vendor: what they inherit, hide and can do, and lists in pages.

use std::{fs, sync::Arc};

use http::{StatusCode, header};
use serde_json::{Value, json, value::to_raw_value};
use trunkline::{Body, ConnectionConfig, Handle, IntegrationConfig, Kind, MASK, Manager, Walk};
use trunkline_testkit::{Peer, Received};

use crate::{answer, config, lab};

/// A peer that is a little of Stripe: it tells who asks and for what, and has three customers in two pages.
async fn stripe() -> Peer {
    Peer::http(|received: Received| {
        let path = received.uri.path_and_query().unwrap().as_str();
        let list = |from: u32, more: bool| {
            let data: Vec<_> = (from..from + 2 - u32::from(!more)).map(|n| json!({"id": format!("cus_{n}")})).collect();
            json!({ "data": data, "has_more": more })
        };
        let body = match path {
            path if path.contains("starting_after=cus_2") => list(3, false),
            path if path.starts_with("/v1/customers?") => list(1, true),
            path => json!({ "path": path, "by": received.header("authorization"), "account": received.header("stripe-account"),
                "version": received.header("stripe-version"), "keyed": !received.header("idempotency-key").is_empty(),
                "body": String::from_utf8_lossy(&received.body) }),
        };
        let mut response = answer(StatusCode::OK, Body::from(body.to_string()));
        response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        response
    })
    .await
}

async fn billing(peer: &Peer, inputs: Value) -> (Manager, Arc<Handle>) {
    let manager = lab().build().await.unwrap();
    let given = inputs.get("secret_key").is_some();
    let billing = json!({ "integration_id": "billing", "connector": "stripe", "inputs": inputs, "base_url": peer.url() });
    let warnings = manager.register(config(billing)).await.unwrap().warnings;
    assert_eq!(warnings.iter().any(|warning| warning.starts_with("inputs.secret_key: is not given")), !given);
    let handle = manager.get("billing").unwrap();
    (manager, handle)
}

async fn ask(handle: &Handle, request: Value) -> Value {
    let mut call = handle.ask(&to_raw_value(&request).unwrap()).unwrap();
    handle.call(&mut call).await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn an_integration_that_names_a_vendor_does_what_the_vendor_takes() {
    let peer = stripe().await;
    let (_manager, handle) = billing(&peer, json!({"secret_key": "sk_test_1"})).await;
    assert_eq!((handle.name(), handle.r#type()), ("Stripe", "rest"));
    let input = json!({"amount": 1999, "currency": "usd", "metadata": {"order id": "6"}});
    let done = ask(&handle, json!({"action": "create_payment_intent", "input": input})).await;
    assert_eq!(done["path"], "/v1/payment_intents");
    assert_eq!(done["by"], "Bearer sk_test_1");
    assert_eq!(done["body"], "amount=1999&currency=usd&metadata[order+id]=6");
    assert_eq!((&done["keyed"], &done["account"]), (&json!(true), &json!("")));
    assert!(done["version"].as_str().is_some_and(|version| !version.is_empty()));
    // A request of its own takes the same way.
    assert_eq!(ask(&handle, json!({"endpoint": "/v1/balance"})).await["by"], "Bearer sk_test_1");
    let unknown = to_raw_value(&json!({"action": "create_payment_intnt"})).unwrap();
    assert!(handle.ask(&unknown).unwrap_err().message().contains("did you mean `create_payment_intent`"));
}

#[tokio::test]
async fn what_was_given_is_shown_without_its_secrets_and_nothing_that_the_connector_says() {
    let peer = stripe().await;
    let (manager, handle) = billing(&peer, json!({"secret_key": "sk_test_1", "account": "acct_1"})).await;
    let shown = handle.config().unwrap().masked();
    let expected = json!({
        "integration_id": "billing", "connector": "stripe", "base_url": peer.url(),
        "inputs": {"secret_key": MASK, "account": "acct_1"},
    });
    assert_eq!(shown, expected);
    let wrong = json!({ "integration_id": "b", "connector": "strip" });
    let error = manager.read(wrong).unwrap_err();
    assert!(error.message().contains("did you mean `stripe`"), "{error}");
}

#[tokio::test]
async fn what_is_not_given_each_connection_has_of_its_own() {
    let peer = stripe().await;
    let (manager, handle) = billing(&peer, json!({})).await;
    assert!(handle.needs_connection());
    let tenant = json!({ "connection": "acme", "values": {"secret_key": "sk_live_acme"} });
    let added =
        manager.add_connection("billing", ConnectionConfig::from_json(tenant).unwrap()).await.unwrap();
    assert!(added.warnings.is_empty(), "{:?}", added.warnings);
    let acme = manager.connection("billing", "acme").await.unwrap();
    let got = ask(&acme, json!({"action": "get_customer", "input": {"customer_id": "cus_1"}})).await;
    assert_eq!((&got["path"], &got["by"]), (&json!("/v1/customers/cus_1"), &json!("Bearer sk_live_acme")));
}

#[tokio::test]
async fn a_value_of_a_connection_is_one_that_the_connector_takes_and_one_for_an_action_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = json!({
        "name": "boards", "title": "Boards",
        "inputs": [{"name": "board", "title": "Board", "enum": ["one", "two"]}, {"name": "note", "title": "Note", "optional": true}],
        "auth": [{"id": "key", "title": "Key", "inputs": [{"name": "api_key", "title": "Key", "secret": true, "pattern": "^k_"}],
            "auth_type": "bearer", "auth_config": {"token": "{{ inputs.api_key }}"}}],
        "integration": {"base_url": "https://boards.example"},
        "actions": {"get": {"title": "Get", "method": "GET", "path": "/{{ inputs.board }}/{{ inputs.note }}"}},
    });
    fs::write(folder.path().join("boards.yaml"), manifest.to_string()).unwrap();
    let manager = lab().connectors_in(folder.path()).build().await.unwrap();
    let given =
        json!({"integration_id": "b", "connector": "boards", "inputs": {"note": "{{connection.remark}}"}});
    manager.register(manager.read(given).unwrap()).await.unwrap();
    let add = |values: Value| {
        let config = ConnectionConfig::from_json(json!({"connection": "acme", "values": values})).unwrap();
        manager.add_connection("b", config)
    };
    for (values, words) in [
        (json!({"api_key": "hunter2", "board": "one", "remark": "r"}), "values.api_key: inputs.api_key: "),
        (json!({"api_key": "k_1", "board": "three", "remark": "r"}), "values.board: inputs.board: "),
        (json!({"api_key": "k_1", "board": "one"}), "values.remark: is missing; inputs.note of"),
    ] {
        let error = add(values).await.unwrap_err();
        assert!(error.message().contains(words) && !error.to_string().contains("hunter2"), "{error}");
    }
    let added = add(json!({"api_key": "k_1", "board": "two", "remark": "r", "more": "x"})).await.unwrap();
    assert_eq!(added.warnings, ["values.more: the integration has no placeholder for it"]);
}

#[tokio::test]
async fn a_list_is_read_to_its_end_or_as_far_as_is_wanted_and_goes_on_from_there() {
    let peer = stripe().await;
    let (_manager, handle) = billing(&peer, json!({"secret_key": "sk_test_1"})).await;
    let walk = |pages: Value| {
        let request = json!({"action": "list_customers", "pages": pages});
        Walk::of(&handle, &to_raw_value(&request).unwrap()).unwrap().unwrap()
    };
    let mut all = walk(json!(true));
    let first = all.next(|_| {}).await.unwrap().unwrap();
    assert_eq!((first.len(), all.cursor().unwrap().get()), (2, "\"cus_2\""));
    assert_eq!(all.next(|_| {}).await.unwrap().unwrap()[0].get(), "{\"id\":\"cus_3\"}");
    assert!(all.next(|_| {}).await.unwrap().is_none());

    let mut some = walk(json!({"max_pages": 1}));
    some.next(|_| {}).await.unwrap().unwrap();
    assert!(some.next(|_| {}).await.unwrap().is_none());
    let mut rest = walk(json!({"cursor": some.cursor().unwrap()}));
    assert_eq!(rest.next(|_| {}).await.unwrap().unwrap()[0].get(), "{\"id\":\"cus_3\"}");
    assert!(rest.next(|_| {}).await.unwrap().is_none());
}

#[tokio::test]
async fn what_stands_in_the_query_of_the_base_url_is_sent_once_with_every_page() {
    let peer = Peer::http(|received: Received| {
        let asked = received.uri.path_and_query().unwrap().as_str();
        // As services do, it repeats what it was asked.
        let next = (!asked.contains("page=2")).then(|| format!("{asked}&page=2"));
        let mut response =
            answer(StatusCode::OK, json!({ "data": [{ "asked": asked }], "next": next }).to_string());
        response.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        response
    })
    .await;
    let manager = lab().build().await.unwrap();
    let list = json!({ "integration_id": "orders", "type": "rest", "base_url": format!("{}/v1?api=7&of=a%20b", peer.url()) });
    manager.register(config(list)).await.unwrap();
    let way = json!({ "type": "url", "items": "/data", "next": "{{ body.next }}" });
    let request = to_raw_value(&json!({ "endpoint": "/orders", "pages": { "way": way } })).unwrap();
    let mut walk = Walk::of(&manager.get("orders").unwrap(), &request).unwrap().unwrap();
    walk.next(|_| {}).await.unwrap().unwrap();
    let second = walk.next(|_| {}).await.unwrap().unwrap();
    assert_eq!(second[0].get(), r#"{"asked":"/v1/orders?api=7&of=a%20b&page=2"}"#);
    assert!(walk.next(|_| {}).await.unwrap().is_none());
}

#[tokio::test]
async fn what_an_action_says_of_repeating_it_holds_for_what_it_does_itself_alone() {
    let peer = Peer::http(|_| answer(StatusCode::SERVICE_UNAVAILABLE, Body::Empty)).await;
    let manager = lab().build().await.unwrap();
    let sid = "AC0123456789abcdef0123456789abcdef";
    for (vendor, inputs) in [
        ("hubspot", json!({ "access_token": "t" })),
        ("twilio", json!({ "account_sid": sid, "auth_token": "t" })),
    ] {
        manager
            .register(config(json!({
                "integration_id": vendor, "connector": vendor, "inputs": inputs, "base_url": peer.url(),
                "retry_config": { "max_attempts": 2, "backoff": 0.001, "backoff_factor": 1 }, "breaker": { "enabled": false },
            })))
            .await
            .unwrap();
    }
    let contacts = "/crm/objects/2026-09/contacts";
    let search = json!({ "action": "search_contacts", "input": { "query": "ada" } });
    let update = json!({ "action": "cancel_message", "input": { "message_sid": format!("SM{:032}", 1) } });
    for (vendor, action, over, attempts) in [
        ("hubspot", &search, json!({}), 2),
        ("hubspot", &search, json!({ "headers": { "x-a": "b" }, "timeout": 9 }), 2),
        // A contact would be created twice, a message sent twice.
        ("hubspot", &search, json!({ "endpoint": contacts, "json": { "properties": {} } }), 1),
        ("hubspot", &search, json!({ "json": { "query": "grace" } }), 1),
        ("twilio", &update, json!({}), 2),
        ("twilio", &update, json!({ "endpoint": "/Messages.json", "data": { "To": "+1" } }), 1),
    ] {
        let before = peer.received().len();
        let mut request = action.clone();
        request.as_object_mut().unwrap().extend(over.as_object().unwrap().clone());
        let handle = manager.get(vendor).unwrap();
        let mut call = handle.ask(&to_raw_value(&request).unwrap()).unwrap();
        assert_eq!(handle.call(&mut call).await.unwrap_err().kind(), Kind::Unavailable, "{request}");
        assert_eq!(peer.received().len() - before, attempts, "{request}");
    }
}

#[tokio::test]
async fn a_folder_has_connectors_of_its_own_and_one_that_is_wrong_keeps_the_program_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let manifest =
        "name: acme\ntitle: Acme\nintegration: {base_url: 'https://acme.example', headers: {x-a: b}}\n";
    fs::write(folder.path().join("acme.yaml"), manifest).unwrap();
    let manager = lab().connectors_in(folder.path()).build().await.unwrap();
    let acme = manager.read(json!({ "integration_id": "a", "connector": "acme" })).unwrap();
    manager.register(acme).await.unwrap();
    assert_eq!(manager.get("a").unwrap().name(), "Acme");
    assert!(manager.catalog().connectors().get("stripe").is_some());

    // What an integration says is merged with what the manifest says before it has to be whole.
    let hooks = "integration: {webhooks: {verify: {type: hmac, secret: s, header: x-signature}}, ";
    let told = manifest.replace("integration: {", hooks);
    fs::write(folder.path().join("acme.yaml"), told).unwrap();
    let forwards = json!({
        "integration_id": "b", "connector": "acme", "webhooks": {"to": [{"to": "a"}]}, "headers": {"x-b": "c"},
    });
    let reads: [fn(&Manager, Value) -> IntegrationConfig; 2] =
        [|manager, json| manager.read(json).unwrap(), |_, json| config(json)];
    for read in reads {
        let manager = lab().connectors_in(folder.path()).build().await.unwrap();
        let forwards = read(&manager, forwards.clone());
        manager.register(forwards).await.unwrap();
        assert_eq!(manager.get("b").unwrap().config().unwrap().expose()["webhooks"]["to"][0]["to"], "a");
    }

    fs::write(folder.path().join("acme.yaml"), "name: acme\ntitel: Acme\n").unwrap();
    let error = lab().connectors_in(folder.path()).build().await.unwrap_err();
    assert!(
        error.message().contains("acme.yaml") && error.message().contains("did you mean `title`"),
        "{error}"
    );
}
