//! What those who run a server look at: metrics, readiness, the API's description and its pages.

use std::collections::{BTreeMap, BTreeSet};

use http::{Response, StatusCode};
use serde_json::json;
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Server, until};

/// Reads OpenMetrics text (openmetrics.io, version 1.0): families with their types, and samples.
fn parse(text: &str) -> BTreeMap<String, Vec<(String, f64)>> {
    let mut families: BTreeMap<String, Vec<(String, f64)>> = BTreeMap::new();
    let mut types = BTreeMap::new();
    let body = text.strip_suffix("# EOF\n").expect("the text ends with an end mark");
    for line in body.lines() {
        if let Some(rest) = line.strip_prefix("# ") {
            let mut words = rest.splitn(3, ' ');
            let (kind, name, value) =
                (words.next().unwrap(), words.next().unwrap(), words.next().unwrap_or_default());
            match kind {
                "TYPE" => assert!(
                    types.insert(name.to_owned(), value.to_owned()).is_none(),
                    "{name} is there twice"
                ),
                "HELP" | "UNIT" => {}
                _ => panic!("{line}"),
            }
            continue;
        }
        let (series, value) = line.rsplit_once(' ').unwrap_or_else(|| panic!("{line}"));
        let value: f64 = value.parse().unwrap_or_else(|_| panic!("{line}"));
        let name = series.split('{').next().unwrap();
        let family = types.keys().find(|family| {
            name.strip_prefix(family.as_str()).is_some_and(|suffix| {
                ["", "_total", "_bucket", "_sum", "_count", "_created"].contains(&suffix)
            })
        });
        let family = family.unwrap_or_else(|| panic!("{line} belongs to no family"));
        if let Some(labels) = series.strip_prefix(name).filter(|labels| !labels.is_empty()) {
            let inner = labels.strip_prefix('{').and_then(|labels| labels.strip_suffix('}')).unwrap();
            for label in inner.split("\",") {
                let (name, value) = label.split_once("=\"").unwrap_or_else(|| panic!("{line}"));
                assert!(
                    name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') && !value.contains('\n'),
                    "{line}"
                );
            }
        }
        families.entry(family.clone()).or_default().push((series.to_owned(), value));
    }
    families
}

#[tokio::test]
async fn metrics_are_what_prometheus_reads_and_count_what_happened() {
    let peer = Peer::http(|received| {
        let mut response = Response::new(Body::from("x"));
        if received.uri.path() == "/refuse" {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        response
    })
    .await;
    let server = Server::beside(&peer).await;
    parse(server.get("/metrics").await.is(200).text());
    server.has(&json!({"integration_id": "a.b-c~9", "type": "rest", "base_url": peer.url()})).await;
    for endpoint in ["/x", "/x", "/refuse"] {
        server.call("a.b-c~9", &json!({"endpoint": endpoint})).await;
    }
    server.get("/api/v1/integrations/made-up-by-a-stranger/proxy/x").await.is(404);
    let families = until("three calls", || async {
        let answer = server.get("/metrics").await.is(200);
        assert!(answer.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
        assert!(!answer.text().contains("made-up"), "whoever makes ids up makes no series");
        let families = parse(answer.text());
        let count = |wanted: &[&str]| -> f64 {
            let series = families
                .values()
                .flatten()
                .filter(|(series, _)| wanted.iter().all(|word| series.contains(word)));
            series.map(|(_, value)| value).sum()
        };
        let good = count(&["_total", "integration=\"a.b-c~9\"", "\"ok\""]);
        let bad = count(&["_total", "integration=\"a.b-c~9\"", "\"rejected\""]);
        (good == 2.0 && bad == 1.0).then_some(families)
    })
    .await;
    // Ours, and one by OpenTelemetry's conventions.
    let ours = |name: &str| name.starts_with("trunkline_") || name == "http_client_request_duration_seconds";
    assert!(families.keys().all(|name| ours(name)), "{:?}", families.keys());
}

#[tokio::test]
async fn the_document_describes_every_path_that_there_is() {
    let server = Server::begin().start().await;
    let document = server.get("/openapi.json").await.is(200).json();
    assert_eq!(document["openapi"], "3.1.0");
    // Where no webhooks are taken, their path is like one that is not there.
    let webhooks = json!({"verify": {"type": "stripe", "secret": "whsec_1"}});
    let hooked = json!({"integration_id": "hooked", "type": "rest", "base_url": "http://127.0.0.1:9", "webhooks": webhooks});
    server.register(&hooked).await.is(201);
    let methods = ["GET", "POST", "PUT", "PATCH", "DELETE"];
    for (path, described) in document["paths"].as_object().unwrap() {
        let real =
            path.replace("/hooks/{id}", "/hooks/hooked").replace("{id}", "nobody").replace("{path}", "x");
        for method in methods {
            // No stream begins with such an event: each answer has an end.
            let headers = [("content-type", "application/json"), ("last-event-id", "none")];
            let answer = server.with(method, &real, &headers, "{}").await;
            let known = !matches!(answer.header("trunkline-error"), "unknown_path" | "method_not_allowed");
            assert_eq!(known, described.get(method.to_lowercase()).is_some(), "{method} {path}: {answer:?}");
        }
        for operation in described.as_object().unwrap().values() {
            let parameters = operation["parameters"].as_array().unwrap();
            let named: BTreeSet<_> = parameters
                .iter()
                .filter(|one| one["in"] == "path")
                .map(|one| one["name"].as_str().unwrap())
                .collect();
            let wanted: BTreeSet<_> =
                path.split('/').filter_map(|word| word.strip_prefix('{')?.strip_suffix('}')).collect();
            assert_eq!(named, wanted, "{path}");
        }
    }
}

#[tokio::test]
async fn the_pages_come_whole_from_the_binary() {
    let server = Server::begin().start().await;
    let index = server.get("/docs/").await.is(200);
    assert!(index.header("content-type").starts_with("text/html"));
    let mut pages = vec![("/docs/problems".to_owned(), server.get("/docs/problems").await.is(200))];
    for reference in references(index.text()) {
        let file = reference.trim_start_matches("./");
        assert!(!file.contains("//"), "{reference} is on another host");
        let page = format!("/docs/{file}");
        pages.push((page.clone(), server.get(&page).await.is(200)));
    }
    assert!(pages.len() >= 5, "{:?}", pages.iter().map(|(name, _)| name).collect::<Vec<_>>());
    pages.push(("/docs/".to_owned(), index));
    for (name, page) in &pages {
        if page.header("content-type").starts_with("text/html") {
            for reference in references(page.text()) {
                assert!(!reference.contains("//"), "{name} takes {reference} from elsewhere");
            }
            // The policy of the page lets no script stand in it.
            assert!(!page.text().replace("<script src", "").contains("<script"), "{name}");
        }
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'self'") && !policy.contains("http"), "{name}: {policy}");
    }
    assert_eq!(server.get("/docs").await.is(303).header("location"), "/docs/");
}

/// What a page loads or leads to.
fn references(html: &str) -> Vec<String> {
    let parts = html.split("src=\"").skip(1).chain(html.split("href=\"").skip(1));
    parts
        .filter_map(|part| part.split('"').next())
        .filter(|url| !url.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

#[tokio::test]
async fn every_problem_leads_to_its_explanation() {
    let server = Server::begin().start().await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": "http://127.0.0.1:9"})).await;
    let page = server.get("/docs/problems").await.is(200);
    let media = [("content-type", "text/plain")];
    for answer in [
        server.get("/nothing").await,
        server.delete("/metrics").await,
        server.get("/api/v1/integrations/nobody").await,
        server.call("a", &json!({})).await,
        server.with("POST", "/api/v1/integrations/a/call", &media, "{}").await,
        server.with("GET", "/metrics", &[("host", "evil.example")], "").await,
        server.with("GET", "/metrics", &[("origin", "https://evil.example")], "").await,
        server.register(&json!({})).await,
        server.json("PATCH", "/api/v1/integrations/a", &json!([])).await,
    ] {
        let problem = answer.json();
        let (path, kind) = problem["type"].as_str().unwrap().split_once('#').unwrap();
        assert_eq!((path, kind), ("/docs/problems", problem["kind"].as_str().unwrap()));
        assert!(page.text().contains(&format!("<section id=\"{kind}\">")), "{kind}");
    }
}

#[tokio::test]
async fn the_server_says_which_version_runs() {
    let server = Server::begin().start().await;
    let said = server.get("/api/v1/version").await.is(200).json();
    assert_eq!(said["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(said["public_url"], format!("http://{}", server.address));
    assert!(said["uptime_seconds"].as_u64().unwrap() < 600, "{said}");
}

#[tokio::test]
async fn readiness_is_about_the_server_and_not_about_the_services() {
    let server = Server::begin().start().await;
    server.has(&json!({"integration_id": "down", "type": "rest", "base_url": "http://127.0.0.1:9"})).await;
    assert_eq!(server.get("/readyz").await.is(200).text(), "ready\n");
    assert_eq!(server.get("/healthz").await.is(200).text(), "ok\n");
    let details = server.get("/api/v1/integrations/health?details=true").await.is(200).json();
    assert_eq!(details["down"]["state"], "unhealthy");
}
