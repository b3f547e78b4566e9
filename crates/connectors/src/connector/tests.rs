use serde_json::{Map, Value, json};

use super::*;
use crate::Catalog;

fn fields(value: Value) -> Map<String, Value> {
    serde_json::from_value(value).unwrap()
}

fn acme(manifest: &Value) -> Connector {
    Connector::parse(&manifest.to_string()).unwrap()
}

fn of_two_ways() -> Connector {
    acme(&json!({
        "name": "acme", "title": "Acme",
        "inputs": [
            {"name": "region", "title": "Region", "enum": ["eu", "us"], "default": "eu"},
            {"name": "team", "title": "Team", "optional": true},
        ],
        "auth": [
            {"id": "key", "title": "Key", "inputs": [{"name": "api_key", "title": "Key", "secret": true, "pattern": "^k_"}],
             "auth_type": "api_key", "auth_config": {"key": "{{ inputs.api_key }}", "header": "X-Key"}},
            {"id": "login", "title": "Login", "inputs": [{"name": "user", "title": "User"}, {"name": "password", "title": "Password", "secret": true}],
             "auth_type": "basic", "auth_config": {"username": "{{ inputs.user }}", "password": "{{ inputs.password }}"}},
        ],
        "integration": {
            "base_url": "https://{{ inputs.region }}.acme.example/v1", "timeout": 10,
            "headers": {"X-Team": "{{ inputs.team }}", "accept": "application/json"},
        },
    }))
}

#[test]
fn an_integration_is_completed_and_what_it_says_itself_wins() {
    let own = json!({
        "integration_id": "a", "connector": "acme", "inputs": {"api_key": "k_1"}, "timeout": 5, "headers": {"accept": "text/csv"},
    });
    assert_eq!(
        Value::Object(of_two_ways().complete(&fields(own)).unwrap()),
        json!({
            "integration_id": "a", "name": "Acme", "type": "rest", "base_url": "https://eu.acme.example/v1", "timeout": 5,
            "headers": {"accept": "text/csv"}, "auth_type": "api_key", "auth_config": {"key": "k_1", "header": "X-Key"},
        })
    );
}

#[test]
fn who_gives_a_credential_by_another_name_is_told_the_name_that_it_has() {
    for (vendor, inputs, says) in [
        ("stripe", json!({"api_key": "sk_test_1"}), "unknown key `api_key`, did you mean `secret_key`?"),
        (
            "stripe",
            json!({"api_verson": "2026-08-26"}),
            "unknown key `api_verson`, did you mean `api_version`?",
        ),
        ("hubspot", json!({"api_key": "pat-1"}), "unknown key `api_key`, did you mean `access_token`?"),
        (
            "twilio",
            json!({"account_sid": "AC0123456789abcdef0123456789abcdef", "api_key_sid": "SK0", "auth_token": "x"}),
            "`auth_token` is of the way `auth_token` to authenticate, and others are of `api_key`; give the inputs of one way",
        ),
    ] {
        let catalog = Catalog::built_in();
        let error = catalog.get(vendor).unwrap().complete(&fields(json!({ "inputs": inputs }))).unwrap_err();
        assert!(error.message().starts_with(&format!("inputs: {says}")), "{vendor}: {error}");
    }
}

#[test]
fn the_rate_of_stripe_is_that_of_live_mode_where_the_key_itself_says_so() {
    let stripe = Catalog::built_in().get("stripe").unwrap().clone();
    for (inputs, requests) in [
        (json!({"secret_key": "sk_live_1"}), 100),
        (json!({"secret_key": "rk_live_1"}), 100),
        (json!({"secret_key": "sk_test_1"}), 25),
        (json!({"secret_key": "${env:STRIPE_KEY}"}), 25),
        (json!({}), 25),
    ] {
        let complete = stripe.complete(&fields(json!({ "inputs": inputs }))).unwrap();
        assert_eq!(complete["rate_limit"][0], json!({"requests": requests, "per": 1}), "{inputs}");
    }
    let own =
        json!({"inputs": {"secret_key": "${env:STRIPE_KEY}"}, "rate_limit": {"requests": 100, "per": 1}});
    assert_eq!(stripe.complete(&fields(own)).unwrap()["rate_limit"], json!({"requests": 100, "per": 1}));
}

#[test]
fn what_is_given_says_which_way_to_authenticate_is_meant_and_a_scheme_of_its_own_takes_its_place() {
    for (own, auth_type, config) in [
        (
            json!({"inputs": {"user": "u", "password": "p"}}),
            "basic",
            json!({"username": "u", "password": "p"}),
        ),
        (
            json!({"auth": "login", "inputs": {"user": "u"}}),
            "basic",
            json!({"username": "u", "password": "{{connection.password}}"}),
        ),
        (json!({}), "api_key", json!({"key": "{{connection.api_key}}", "header": "X-Key"})),
        (
            json!({"inputs": {"api_key": "${env:KEY}"}}),
            "api_key",
            json!({"key": "${env:KEY}", "header": "X-Key"}),
        ),
        (json!({"auth_type": "bearer", "auth_config": {"token": "t"}}), "bearer", json!({"token": "t"})),
    ] {
        let complete = of_two_ways().complete(&fields(own.clone())).unwrap();
        assert_eq!((&complete["auth_type"], &complete["auth_config"]), (&json!(auth_type), &config), "{own}");
    }
}

#[test]
fn what_is_wrong_with_inputs_is_named_and_not_shown() {
    for (own, words) in [
        (json!({"inputs": {"api_key": "hunter2"}}), "inputs.api_key: "),
        (json!({"inputs": {"region": "mars"}}), "inputs.region: "),
        (json!({"inputs": {"regoin": "eu"}}), "inputs: unknown key `regoin`, did you mean `region`?"),
        (
            json!({"auth": "key", "inputs": {"user": "u"}}),
            "inputs: `user` is of the way `login` to authenticate, and others are of `key`; give the inputs of one way",
        ),
        (
            json!({"auth_type": "bearer", "inputs": {"user": "u"}}),
            "inputs: `user` is of the way `login` to authenticate, and the integration has an auth_type of its own",
        ),
        // What is missing is what another name is for.
        (json!({"inputs": {"token": "t"}}), "inputs: unknown key `token`, did you mean `api_key`?"),
        (json!({"inputs": {"api_key": "k_1", "token": "t"}}), "inputs: unknown key `token`; Acme takes"),
        (json!({"inputs": {"teem": "t"}}), "inputs: unknown key `teem`, did you mean `team`?"),
        (json!({"auth": "oauth"}), "auth: Acme has no such way; there are: key, login"),
        (json!({"auth": "lgin"}), "auth: Acme has no such way, did you mean `login`?; there are: key, login"),
        (json!({"inputs": "eu"}), "inputs: expected an object"),
    ] {
        let error = of_two_ways().complete(&fields(own.clone())).unwrap_err();
        assert!(error.message().starts_with(words), "{own}: {error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
}

#[test]
fn a_manifest_that_is_wrong_says_where() {
    let base = json!({"base_url": "https://a.example"});
    for (manifest, words) in [
        (json!({"name": "A", "title": "A", "integration": base}), "name: "),
        (
            json!({"name": "a", "title": "A", "integration": base, "acitons": {}}),
            "unknown key `acitons`, did you mean `actions`?",
        ),
        (
            json!({"name": "a", "title": "A", "integration": {"auth_type": "basic"}}),
            "integration.auth_type: ",
        ),
        (
            json!({"name": "a", "title": "A", "integration": {"base_url": "https://{{ inputs.x }}"}}),
            "integration: {{ inputs.x }}",
        ),
        (
            json!({"name": "a", "title": "A", "integration": base, "actions": {"x": {"title": "X"}}}),
            "actions.x: needs method",
        ),
        (
            json!({"name": "a", "title": "A", "integration": base, "actions": {"x": {"title": "X", "method": "GET", "path": "/{{ input.y }}"}}}),
            "actions.x: {{ input.y }}",
        ),
        (
            json!({"name": "a", "title": "A", "integration": base, "actions": {"x": {"title": "X", "method": "GET", "path": "/", "pages": "p"}}}),
            "actions.x.pages: ",
        ),
        (
            json!({"name": "a", "title": "A", "integration": base, "pages": {"default": {"type": "cursor", "query": "q"}}}),
            "pages.default.next: ",
        ),
        (
            json!({"name": "a", "title": "A", "integration": {"type": "graphql", "base_url": "https://a.example"}, "pages": {"default": {"type": "link"}}}),
            "pages: only lists of type rest",
        ),
    ] {
        let error = Connector::parse(&manifest.to_string()).unwrap_err();
        assert!(error.message().starts_with(words), "{error}");
    }
}

#[test]
fn an_action_becomes_the_request_that_its_transport_takes() {
    for (connector, inputs, action, input, request, returns) in [
        (
            "stripe",
            json!({"secret_key": "sk_test_1"}),
            "create_payment_intent",
            json!({"amount": 1999, "currency": "usd", "metadata": {"order id": "6"}}),
            json!({"method": "POST", "endpoint": "/v1/payment_intents", "data": {"amount": 1999, "currency": "usd", "metadata": {"order id": "6"}}}),
            None,
        ),
        (
            "stripe",
            json!({"secret_key": "sk_test_1"}),
            "get_customer",
            json!({"customer_id": "cus/..a/1"}),
            json!({"method": "GET", "endpoint": "/v1/customers/cus%2F..a%2F1"}),
            None,
        ),
        (
            "twilio",
            json!({"account_sid": "AC0123456789abcdef0123456789abcdef"}),
            "send_sms",
            json!({"to": "+1", "from": "+2", "body": "hi"}),
            json!({"method": "POST", "endpoint": "/Messages.json", "data": [["Body", "hi"], ["From", "+2"], ["To", "+1"]]}),
            None,
        ),
        (
            "hubspot",
            json!({}),
            "create_contact",
            json!({"email": "a@b", "properties": {"firstname": "A"}}),
            json!({"method": "POST", "endpoint": "/crm/objects/2026-09/contacts", "json": {"properties": {"email": "a@b", "firstname": "A"}}}),
            Some("/id"),
        ),
        (
            "salesforce",
            json!({}),
            "update_opportunity",
            json!({"opportunity_id": "006", "fields": {"StageName": "Won"}}),
            json!({"method": "PATCH", "endpoint": "/sobjects/Opportunity/006", "json": {"StageName": "Won"}}),
            None,
        ),
    ] {
        let connector = Catalog::built_in().get(connector).unwrap();
        let asked = Asked { input: fields(input), over: Map::new() };
        let inputs = connector.given_inputs(&fields(json!({"inputs": inputs}))).unwrap();
        let answer = connector.request(&inputs, action, asked).unwrap();
        assert_eq!((answer.request, answer.returns.as_deref()), (request, returns), "{action}");
    }
}

#[test]
fn input_that_is_wrong_and_an_action_that_is_not_there_are_named() {
    let stripe = Catalog::built_in().get("stripe").unwrap();
    for (action, input, words) in [
        ("create_payment_intent", json!({"currency": "usd"}), "input.amount: is missing"),
        ("create_payment_intent", json!({"amount": "5", "currency": "usd"}), "input.amount: "),
        ("get_customer", json!({"customer": "x"}), "input."),
        ("get_customer", json!({"customer_id": ".."}), "input.customer_id: a part of a path"),
        ("get_customer", json!({"customer_id": "a/../b"}), "input.customer_id: a part of a path"),
        (
            "create_payment_intnet",
            json!({}),
            "Stripe has no action `create_payment_intnet`, did you mean `create_payment_intent`?",
        ),
    ] {
        let asked = Asked { input: fields(input), over: Map::new() };
        let error = stripe.request(&Map::new(), action, asked).unwrap_err();
        assert!(error.message().starts_with(words), "{action}: {error}");
    }
}

#[test]
fn a_caller_says_what_of_the_request_is_otherwise() {
    let stripe = Catalog::built_in().get("stripe").unwrap();
    let over = fields(json!({"headers": {"Stripe-Account": "acct_2"}, "timeout": 5}));
    let asked = Asked { input: fields(json!({"customer_id": "cus_1"})), over };
    let answer = stripe.request(&Map::new(), "get_customer", asked).unwrap();
    assert_eq!(answer.request["headers"], json!({"Stripe-Account": "acct_2"}));
    assert_eq!(answer.request["timeout"], 5);
}

#[test]
fn a_header_wins_in_whatever_letters_it_is_written() {
    let stripe = Catalog::built_in().get("stripe").unwrap();
    let own = json!({"integration_id": "a", "headers": {"stripe-version": "2024-01-01"}});
    let complete = stripe.complete(&fields(own)).unwrap();
    assert_eq!(complete["headers"]["stripe-version"], "2024-01-01");
    assert!(complete["headers"].get("Stripe-Version").is_none(), "{complete:?}");

    let connector = acme(&json!({
        "name": "acme", "title": "Acme", "integration": {"base_url": "https://acme.example"},
        "actions": {"list": {"title": "List", "method": "GET", "path": "/x", "headers": {"X-A": "action"}}},
    }));
    let asked = Asked { input: Map::new(), over: fields(json!({"headers": {"x-a": "call"}})) };
    let answer = connector.request(&Map::new(), "list", asked).unwrap();
    assert_eq!(answer.request["headers"], json!({"x-a": "call"}));
}

#[test]
fn a_way_to_authenticate_may_have_an_address_of_its_own() {
    let mut manifest = serde_json::to_value(of_two_ways().manifest()).unwrap();
    manifest["auth"][1]["base_url"] = json!("https://api.acme.example/of/{{ inputs.user }}/v1");
    let connector = acme(&manifest);
    let base = |inputs: Value| {
        connector.complete(&fields(json!({ "inputs": inputs }))).map(|complete| complete["base_url"].clone())
    };
    assert_eq!(base(json!({"api_key": "k_1"})).unwrap(), "https://eu.acme.example/v1");
    assert_eq!(base(json!({"user": "a/b"})).unwrap(), "https://api.acme.example/of/a%2Fb/v1");
    let own = json!({"inputs": {"user": "u"}, "base_url": "https://test.example"});
    assert_eq!(connector.complete(&fields(own)).unwrap()["base_url"], "https://test.example");

    manifest["auth"][1]["base_url"] = json!("https://{{ inputs.api_key }}.acme.example");
    let error = Connector::parse(&manifest.to_string()).unwrap_err();
    assert!(error.message().starts_with("auth.login: {{ inputs.api_key }}"), "{error}");
}

#[test]
fn a_list_in_a_form_is_numbered_or_its_name_several_times() {
    let action = |body: &str| json!({"title": "Send", "method": "POST", "path": "/x", "body": body, "input": {"type": "object"}});
    let connector = acme(&json!({
        "name": "acme", "title": "Acme", "integration": {"base_url": "https://acme.example"},
        "actions": {"numbered": action("form"), "repeated": action("repeated_form")},
    }));
    let data = |action: &str| {
        let asked = Asked { input: fields(json!({"url": ["a", "b"], "to": 1})), over: Map::new() };
        connector.request(&Map::new(), action, asked).unwrap().request["data"].clone()
    };
    assert_eq!(data("numbered"), json!({"url": ["a", "b"], "to": 1}));
    assert_eq!(data("repeated"), json!([["to", 1], ["url", "a"], ["url", "b"]]));
}

#[test]
fn an_action_that_names_no_pages_has_the_default_where_it_gets_what_may_be_a_list() {
    let output = |properties: Value| json!({"type": "object", "properties": properties});
    let list = output(json!({"data": {"type": "array"}, "next": {"type": ["string", "null"]}}));
    let connector = acme(&json!({
        "name": "acme", "title": "Acme", "integration": {"base_url": "https://acme.example"},
        "pages": {
            "default": {"type": "cursor", "items": "/data", "next": "{{ body.next }}", "query": "after"},
            "numbered": {"type": "page", "items": "/data", "query": "page"},
        },
        "actions": {
            "of_nothing_said": {"title": "A", "method": "GET", "path": "/a"},
            "of_a_list": {"title": "A", "method": "GET", "path": "/a", "output": list},
            "of_any_object": {"title": "A", "method": "GET", "path": "/a", "output": {"type": "object"}},
            "of_its_part": {"title": "A", "method": "GET", "path": "/a", "returns": "/data", "output": {"type": "array"}},
            "search": {"title": "A", "method": "POST", "path": "/a", "repeats": "safely", "input": {"type": "object"}},
            "numbered": {"title": "A", "method": "GET", "path": "/a", "pages": "numbered"},
            "one": {"title": "A", "method": "GET", "path": "/a", "output": output(json!({"id": {"type": "string"}}))},
            "one_text": {"title": "A", "method": "GET", "path": "/a", "output": output(json!({"data": {"type": "string"}}))},
            "a_number": {"title": "A", "method": "GET", "path": "/a", "output": {"type": "integer"}},
            "another_part": {"title": "A", "method": "GET", "path": "/a", "returns": "/id"},
            "add": {"title": "A", "method": "POST", "path": "/a", "input": {"type": "object"}},
            "put": {"title": "A", "method": "PUT", "path": "/a", "repeats": "as_once", "input": {"type": "object"}},
            "take": {"title": "A", "method": "GET", "path": "/a", "repeats": "never"},
        },
    }));
    let usual = connector.usual_paging().unwrap();
    for name in connector.manifest().actions.keys() {
        let paging = connector.paging(name);
        match &**name {
            "numbered" => assert!(paging.is_some_and(|paging| !Arc::ptr_eq(paging, usual)), "{name}"),
            "of_nothing_said" | "of_a_list" | "of_any_object" | "of_its_part" => {
                assert!(paging.is_some_and(|paging| Arc::ptr_eq(paging, usual)), "{name}");
            }
            _ => assert!(paging.is_none(), "{name}"),
        }
    }
}

#[test]
fn those_that_are_built_in_say_of_each_list_that_it_is_one_and_of_nothing_else() {
    // These have all of it on one page, or a folder in the place of a file.
    const WHOLE: [&str; 3] = ["github.get_file", "hubspot.list_properties", "openai.list_models"];
    let mut wrong = Vec::new();
    for connector in Catalog::built_in().iter() {
        let manifest = connector.manifest();
        for (name, action) in &manifest.actions {
            let at = format!("{}.{name}", manifest.name);
            let pages = action.pages.is_some() || WHOLE.contains(&&*at);
            if connector.paging(name).is_some() != pages {
                wrong.push(at);
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}
