//! Vendors by name, over the API: what they ask for, their actions, lists in pages, and secrets that stay at home.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::{Body, MASK};
use trunkline_testkit::{Peer, Received};

use crate::harness::{Ran, Server, until};

const AT: &str = "/api/v1/integrations/crm";

/// A service with five records in pages of two, of which the third page can be made to fail.
async fn service() -> Peer {
    Peer::http(|received: Received| {
        let path = received.uri.path_and_query().unwrap().as_str();
        let from: u64 = path.split("after=").nth(1).and_then(|after| after.split('&').next()?.parse().ok()).unwrap_or(0);
        let broken = path.contains("broken") && from == 4;
        let records: Vec<_> = (from..5.min(from + 2)).map(|n| json!({ "n": n })).collect();
        let next = (from + 2 < 5).then(|| (from + 2).to_string());
        let body = match received.method.as_str() {
            "POST" => json!({ "id": "7", "got": String::from_utf8_lossy(&received.body), "key": received.header("authorization") }),
            _ => json!({ "data": records, "next": next }),
        };
        let status = if broken { StatusCode::BAD_REQUEST } else { StatusCode::OK };
        Response::builder().status(status).header("content-type", "application/json").body(Body::from(body.to_string())).unwrap()
    })
    .await
}

/// A server whose folder of connectors knows that service as `acme`.
async fn acme(peer: &Peer) -> Server {
    let begin = Server::begin().allow(peer);
    let folder = begin.home().join("connectors");
    std::fs::create_dir(&folder).unwrap();
    let manifest = json!({
        "name": "acme", "title": "Acme",
        "inputs": [{ "name": "site", "title": "Site", "default": peer.url().trim_start_matches("http://") }],
        "auth": [{ "id": "key", "title": "Key", "inputs": [{ "name": "key", "title": "Key", "secret": true }],
            "auth_type": "bearer", "auth_config": { "token": "{{ inputs.key }}" } }],
        "integration": { "base_url": "http://{{ inputs.site }}", "retry_config": { "max_attempts": 1 } },
        "pages": { "default": { "type": "cursor", "items": "/data", "next": "{{ body.next }}", "query": "after" } },
        "actions": {
            "list": { "title": "List", "method": "GET", "path": "/{{ input.what | default('all') }}", "pages": "default",
                "input": { "type": "object", "additionalProperties": false, "properties": { "what": { "type": "string" } } } },
            "every": { "title": "Every one", "method": "GET", "path": "/all" },
            "find": { "title": "Find", "method": "POST", "path": "/find/{{ input.id }}", "returns": "/got",
                "query": { "at": "{{ input.at }}" }, "send": { "n": "{{ input.n }}", "all": "{{ input }}" },
                "input": { "type": "object", "properties": { "id": { "type": "number" }, "at": { "type": "number" }, "n": { "type": "number" } } } },
            "add": { "title": "Add", "method": "POST", "path": "/add", "returns": "/id",
                "input": { "type": "object", "required": ["name"], "properties": { "name": { "type": "string" } } } },
        },
    });
    std::fs::write(folder.join("acme.yaml"), manifest.to_string()).unwrap();
    let config = begin.file("trunkline.yaml", &format!("server: {{connectors: '{}'}}\n", folder.display()));
    let server = begin.arg("--config").arg(config.display().to_string()).start().await;
    server.has(&json!({ "integration_id": "crm", "connector": "acme", "inputs": { "key": "k-1" } })).await;
    server
}

#[tokio::test]
async fn an_action_is_done_by_name_and_what_is_wrong_with_it_costs_no_request() {
    let peer = service().await;
    let server = acme(&peer).await;
    let added = server.post(&format!("{AT}/actions/add"), &json!({ "name": "Ann" })).await.is(200);
    assert_eq!(added.json(), json!("7"));
    let sent = peer.received().pop().unwrap();
    assert_eq!((sent.header("authorization"), &*sent.body), ("Bearer k-1", &br#"{"name":"Ann"}"#[..]));
    let tested = server.test("crm", &json!({ "action": "add", "input": { "name": "Bob" } })).await;
    assert_eq!((&tested["status"], &tested["result"]), (&json!("success"), &json!("7")));

    // Activity knows what was done by its name.
    let of = async |query: &str| {
        server.get(&format!("/api/v1/activity?{query}")).await.is(200).json().as_array().unwrap().clone()
    };
    let done =
        until("the records", || async { Some(of("action=add").await).filter(|all| all.len() == 2) }).await;
    assert_eq!((&done[0]["action"], &done[0]["operation"]), (&json!("add"), &json!("POST")));
    assert!(of("action=ad").await.is_empty());

    let before = peer.received().len();
    let wrong = server.post(&format!("{AT}/actions/add"), &json!({})).await.problem(422, "invalid_config");
    assert!(wrong["detail"].as_str().unwrap().contains("input.name: is missing"), "{wrong}");
    let wrong = server.post(&format!("{AT}/actions/ad"), &json!({})).await.problem(422, "unsupported");
    assert!(wrong["detail"].as_str().unwrap().contains("did you mean `add`"), "{wrong}");
    // What is no list is not asked for again and again.
    let walk = json!({ "action": "add", "input": { "name": "Ann" }, "pages": true });
    server.call("crm", &walk).await.problem(422, "unsupported");
    server.has(&json!({ "integration_id": "plain", "type": "rest", "base_url": peer.url() })).await;
    let list = server.get("/api/v1/integrations/list").await.is(200).json();
    assert_eq!((&list[0]["connector"], &list[0]["vendor"]), (&json!("acme"), &json!("Acme")), "{list}");
    assert!(list[1].get("connector").is_none() && list[1].get("vendor").is_none(), "{list}");
    let plain = server.call("plain", &json!({ "action": "add" })).await.problem(422, "unsupported");
    assert!(plain["detail"].as_str().unwrap().contains("names no connector"), "{plain}");
    assert_eq!(peer.received().len(), before, "nothing was sent");
}

#[tokio::test]
async fn numbers_go_through_an_action_as_they_were_written() {
    let peer = Peer::http(|received: Received| {
        let body = format!("{{\"got\": {} }}", String::from_utf8_lossy(&received.body));
        Response::builder().header("content-type", "application/json").body(Body::from(body)).unwrap()
    })
    .await;
    let server = acme(&peer).await;
    let headers = [("content-type", "application/json")];
    let input = r#"{"id":98765432109876543210,"at":1.10,"n":12345678901234567890123}"#;
    let given =
        server.with("POST", &format!("{AT}/actions/find"), &headers, input).await.is(200).text().to_owned();
    let sent = peer.received().pop().unwrap();
    assert_eq!(sent.uri.path_and_query().unwrap().as_str(), "/find/98765432109876543210?at=1.10");
    let expected = r#"{"all":{"at":1.10,"id":98765432109876543210,"n":12345678901234567890123},"n":12345678901234567890123}"#;
    assert_eq!((&*sent.body, &*given), (expected.as_bytes(), expected));
    let over = format!(r#"{{"action":"find","input":{input},"params":{{"at":2.50}},"json":{{"n":1e2}}}}"#);
    server.with("POST", &format!("{AT}/call"), &headers, over).await.is(200);
    let sent = peer.received().pop().unwrap();
    assert!(sent.uri.query() == Some("at=2.50") && sent.body.ends_with(b"\"n\":1e2}"), "{sent:?}");
    // What is wrong with a number is known all the same.
    let wrong = server.with("POST", &format!("{AT}/actions/find"), &headers, r#"{"id":"1.10"}"#).await;
    assert!(wrong.problem(422, "invalid_config")["detail"].as_str().unwrap().contains("input.id"));
}

#[tokio::test]
async fn a_list_in_pages_is_printed_whole_or_line_by_line_and_one_that_broke_off_fails() {
    let peer = service().await;
    let server = acme(&peer).await;
    let list = r#"{"action": "list"}"#;
    let ns = |records: &Value| {
        records.as_array().unwrap().iter().map(|one| one["n"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let all = server.cli(&["call", "crm", "-r", list, "--pages"]).await.is(0).json();
    assert_eq!((ns(&all["records"]), &all["cursor"]), (vec![0, 1, 2, 3, 4], &Value::Null), "{all}");
    let some = server.cli(&["call", "crm", "-r", list, "--max-pages", "1"]).await.is(0).json();
    assert_eq!((ns(&some["records"]), &some["cursor"]), (vec![0, 1], &json!("2")));
    let rest = server.cli(&["call", "crm", "-r", list, "--cursor", "2"]).await.is(0).json();
    assert_eq!(ns(&rest["records"]), [2, 3, 4]);
    // What no connector knows is told on the line, of an endpoint with its own parameters.
    let way = r#"{"type": "cursor", "items": "/data", "next": "{{ body.next }}", "query": "after"}"#;
    server.has(&json!({ "integration_id": "plain", "type": "rest", "base_url": peer.url() })).await;
    let ran = server.cli(&["call", "plain", "/all", "--way", way, "--ndjson"]).await.is(0);
    let lines: Vec<Value> = ran.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines.iter().filter_map(|line| line["record"]["n"].as_u64()).collect::<Vec<_>>(),
        [0, 1, 2, 3, 4]
    );
    assert_eq!(lines.last().unwrap(), &json!({ "end": { "pages": 3, "cursor": null } }));
    // Without a way nobody knows; and a list that breaks off is printed as far as it came.
    let ran = server.cli(&["call", "plain", "/all", "--pages"]).await.is(2);
    assert!(ran.stderr.contains("pages.way"), "{}", ran.stderr);
    let broken = r#"{"action": "list", "input": {"what": "broken"}}"#;
    let ran = server.cli(&["call", "crm", "-r", broken, "--pages"]).await.is(1);
    assert!(ran.stderr.contains("the list broke off: "), "{}", ran.stderr);
    let came: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((ns(&came["records"]), &came["cursor"]), (vec![0, 1, 2, 3], &json!("4")), "{came}");
    let ran = server.cli(&["call", "crm", "-r", broken, "--pages", "--ndjson"]).await.is(1);
    assert!(ran.stdout.contains("\n{\"error\":"), "{}", ran.stdout);
}

#[tokio::test]
async fn a_list_comes_as_one_document_or_line_by_line_and_says_where_to_go_on() {
    let peer = service().await;
    let server = acme(&peer).await;
    let list = format!("{AT}/actions/list");
    let numbers = |list: &Value| {
        list["records"].as_array().unwrap().iter().map(|one| one["n"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    let all = server.post(&format!("{list}?pages=all"), &json!({})).await.is(200).json();
    assert_eq!(
        (numbers(&all), &all["pages"], &all["cursor"]),
        (vec![0, 1, 2, 3, 4], &json!(3), &Value::Null)
    );
    let some = server.post(&format!("{list}?pages=all&max_pages=1"), &json!({})).await.is(200).json();
    assert_eq!((numbers(&some), &some["cursor"]), (vec![0, 1], &json!("2")));
    let rest = server.post(&format!("{list}?cursor=2"), &json!({})).await.is(200).json();
    assert_eq!((numbers(&rest), &rest["cursor"]), (vec![2, 3, 4], &Value::Null));
    // Without a word on pages it is one request.
    assert_eq!(server.post(&list, &json!({})).await.is(200).json()["next"], "2");
    // One that names no way in which its list comes has the usual one, and says so.
    let every = server.post(&format!("{AT}/actions/every?pages=all"), &json!({})).await.is(200).json();
    assert_eq!((numbers(&every), &every["pages"]), (vec![0, 1, 2, 3, 4], &json!(3)));
    let known = server.get("/api/v1/connectors/acme").await.is(200).json();
    let pages = ["list", "every", "add"].map(|name| known["actions"][name]["pages"].clone());
    assert_eq!(pages, [true, true, false], "{known}");

    let broken = server.post(&format!("{list}?pages=all"), &json!({ "what": "broken" })).await.is(200).json();
    assert_eq!((numbers(&broken), &broken["cursor"]), (vec![0, 1, 2, 3], &json!("4")));
    assert_eq!(broken["error"]["kind"], "rejected");

    let headers = [("content-type", "application/json"), ("accept", "application/x-ndjson")];
    for (what, last) in [("all", "end"), ("broken", "error")] {
        let body = json!({ "what": what }).to_string();
        let lines = server.with("POST", &format!("{list}?pages=all"), &headers, body).await.is(200);
        let lines: Vec<Value> =
            lines.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0], json!({ "record": { "n": 0 } }));
        assert!(lines.last().unwrap().get(last).is_some(), "{lines:?}");
    }
    // Whoever knows how it comes says so, without a connector.
    server.has(&json!({ "integration_id": "plain", "type": "rest", "base_url": peer.url() })).await;
    let way = json!({ "type": "cursor", "items": "/data", "next": "{{ body.next }}", "query": "after" });
    let plain =
        server.call("plain", &json!({ "endpoint": "/all", "pages": { "way": way } })).await.is(200).json();
    assert_eq!(numbers(&plain), [0, 1, 2, 3, 4]);
}

#[tokio::test]
async fn what_a_connector_asks_for_is_published_and_its_secrets_stay_at_home() {
    let peer = service().await;
    let server = acme(&peer).await;
    let listed = server.get("/api/v1/connectors").await.is(200).json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    let built_in = trunkline::connectors::BUILT_IN.iter().map(|(name, _)| *name);
    assert_eq!(names, ["acme"].into_iter().chain(built_in).collect::<Vec<_>>());
    let read = server.get("/api/v1/connectors/acme").await.is(200).json();
    assert_eq!(read["inputs"]["properties"]["key"]["writeOnly"], true);
    assert_eq!(read["actions"]["add"]["input"]["required"], json!(["name"]));
    server.get("/api/v1/connectors/acmee").await.is(404);
    let actions = server.get(&format!("{AT}/actions")).await.is(200).json();
    assert!(actions.get("list").is_some());

    let shown = server.get(AT).await.is(200).json();
    assert_eq!((&shown["inputs"]["key"], &shown["connector"]), (&json!(MASK), &json!("acme")));
    assert!(shown.get("auth_config").is_none() && shown.get("base_url").is_none(), "{shown}");
    // Another site is another address: the key does not follow unless it is sent again.
    let moved = json!({ "inputs": { "site": "evil.example" } });
    let refused = server.json("PATCH", AT, &moved).await.problem(422, "invalid_config");
    assert!(refused["detail"].as_str().unwrap().contains("inputs.key"), "{refused}");
    server.json("PATCH", AT, &json!({ "description": "Ours" })).await.is(200);
    server.post(&format!("{AT}/actions/add"), &json!({ "name": "Ann" })).await.is(200);
    assert_eq!(peer.received().pop().unwrap().header("authorization"), "Bearer k-1");
}

#[tokio::test]
async fn a_file_is_checked_with_the_connectors_of_its_folder() {
    let home = tempfile::tempdir().unwrap();
    let manifest = "name: acme\ntitle: Acme\ninputs: [{name: site, title: Site}]\nintegration:\n  base_url: https://{{ inputs.site }}\n  webhooks: {verify: {type: hmac, secret: s, header: x-signature}}\n";
    std::fs::write(home.path().join("acme.yaml"), manifest).unwrap();
    let file = json!({
        "server": { "connectors": home.path() },
        // What is said here is merged with what the manifest says before it has to be whole.
        "integrations": [{ "integration_id": "a", "connector": "acme", "webhooks": { "to": [{ "to": "a" }] }, "headers": { "x-a": "${env.A}" } }],
    });
    let checked = Ran::command(&["check", "-", "--json"], &[], &file.to_string()).await.is(0).json();
    let warnings: Vec<_> =
        checked["warnings"].as_array().unwrap().iter().map(|one| one.as_str().unwrap()).collect();
    let [missing, slip] = *warnings else { panic!("{warnings:?}") };
    assert!(missing.starts_with("a: inputs.site: is not given"), "{missing}");
    assert!(slip.starts_with("a: headers.x-a: is no reference"), "{slip}");
}

/// Waits until a call of `add` gives this.
async fn gives(server: &Server, expected: &Value) {
    until("the manifest to be read again", async || {
        let added = server.post(&format!("{AT}/actions/add"), &json!({ "name": "Ann" })).await.is(200);
        (added.json() == *expected).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_changed_manifest_holds_for_the_next_call_and_a_broken_one_is_told_of_and_changes_nothing() {
    let peer = service().await;
    let server = acme(&peer).await;
    let path = server.home().join("connectors/acme.yaml");
    let manifest = std::fs::read_to_string(&path).unwrap();
    gives(&server, &json!("7")).await;
    std::fs::write(&path, manifest.replace("\"/id\"", "\"/key\"")).unwrap();
    gives(&server, &json!("Bearer k-1")).await;

    // Several files at once: what is right of them holds, what is wrong is told of.
    std::fs::write(&path, manifest.replace("\"title\":\"Acme\"", "\"titel\":\"Acme\"")).unwrap();
    let beside = manifest.replace("\"name\":\"acme\"", "\"name\":\"beside\"");
    std::fs::write(path.with_file_name("beside.yaml"), beside).unwrap();
    std::fs::write(path.with_file_name("never.yaml"), "name: never").unwrap();
    let odd = manifest.replace("\"name\":\"acme\"", "\"name\":\"odd\"").replace("{\"token\":", "{\"tokn\":");
    std::fs::write(path.with_file_name("odd.yaml"), odd).unwrap();
    server.logs("a connector is not valid").await;
    let listed = until("the manifests to be read again", async || {
        let listed = server.get("/api/v1/connectors").await.is(200).json();
        let named = |name: &str| listed.as_array().unwrap().iter().find(|one| one["name"] == name).cloned();
        Some((named("acme")?, named("beside")?, named("never")?, named("odd")?))
    })
    .await;
    let (acme, beside, never, odd) = listed;
    assert!(acme["error"].as_str().unwrap().contains("did you mean `title`"), "{acme}");
    assert_eq!((&acme["title"], &beside["error"]), (&json!("Acme"), &Value::Null));
    assert!(never["error"].as_str().unwrap().contains("title"), "{never}");
    // What only its auth scheme knows is held up too.
    assert!(odd["error"].as_str().unwrap().contains("did you mean `token`"), "{odd}");
    gives(&server, &json!("Bearer k-1")).await;

    std::fs::write(&path, &manifest).unwrap();
    gives(&server, &json!("7")).await;
    let listed = server.get("/api/v1/connectors").await.json();
    let mended = listed.as_array().unwrap().iter().find(|one| one["name"] == "acme").unwrap();
    assert!(mended.get("error").is_none(), "{mended}");
}
