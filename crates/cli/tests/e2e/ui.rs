//! The web UI as the binary serves it: its page, its files and their headers, and nothing in the way of the API.

use crate::harness::Server;

/// A build without Node.js has no UI, and its page says so: then there are no files to look at.
#[tokio::test]
async fn the_page_and_its_files_are_served_with_their_headers() {
    let server = Server::begin().start().await;
    let page = server.get("/").await.is(200);
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    let text = page.text();
    let Some(script) = text.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()) else {
        assert!(text.contains("make run") && text.contains("/docs"), "{text}");
        return;
    };
    let policy = page.header("content-security-policy");
    let nonce = policy.split("'nonce-").nth(1).and_then(|rest| rest.split('\'').next()).unwrap();
    assert!(text.contains(nonce) && !policy.contains("unsafe"), "{policy}");
    assert!(!server.get("/").await.text().contains(nonce), "a nonce is for one answer");

    let plain = server.with("GET", script, &[("accept-encoding", "identity")], "").await.is(200);
    assert_eq!(plain.header("content-type"), "text/javascript");
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    let packed = server.with("GET", script, &[("accept-encoding", "gzip")], "").await.is(200);
    assert_eq!(packed.header("content-encoding"), "gzip");
    assert!(packed.body.len() < plain.body.len());
}

#[tokio::test]
async fn only_paths_of_the_ui_answer_with_its_page() {
    let server = Server::begin().start().await;
    for path in ["/add/stripe", "/integrations/a/configure", "/activity/1", "/settings"] {
        assert!(server.get(path).await.is(200).header("content-type").starts_with("text/html"), "{path}");
    }
    for path in ["/nothing", "/api/v1/nothing", "/api/v1/integrations", "/assets/none.js", "/index.html"] {
        server.get(path).await.problem(404, "unknown_path");
    }
    assert_eq!(server.get("/api/v1/integrations/list").await.is(200).json(), serde_json::json!([]));
}
