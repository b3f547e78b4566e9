//! What a browser brings back from the provider counts once, in that browser, and for what it was sent off for.

use futures_util::future::join_all;
use serde_json::json;

use super::{BASE, client, config, link, noted, page, shop, standing, web};
use crate::harness::Browser;

#[tokio::test]
async fn a_link_is_opened_once_and_only_by_whoever_means_to() {
    let (_provider, server) = shop(json!({})).await;
    let link = link(&server, "shop").await;
    let path = link.split_once(&server.address.to_string()).unwrap().1.to_owned();
    server.with("HEAD", &path, &[], "").await.is(405);
    server.with("GET", &path, &[("sec-purpose", "prefetch;prerender")], "").await.is(405);
    Browser::default().open(&link).await.is(303);
    for used in [&link, &format!("{link}x")] {
        let page = page(Browser::default().open(used).await, 400);
        assert!(page.contains("does not work any more"), "{page}");
    }
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_was_sent_off_and_for_that_integration() {
    let (provider, server) = shop(json!({})).await;
    let other = client(&provider, web(&server, "other", "client_secret_basic")).await;
    server.has(&config(&provider, "other", &other, json!({}))).await;

    // Somebody else's browser, with a cookie of its own and with none.
    let (mut one, mut two) = (Browser::default(), Browser::default());
    let back = one.until(&link(&server, "shop").await, "/oauth/callback/").await;
    let theirs = two.until(&link(&server, "shop").await, "/oauth/callback/").await;
    page(two.open(&back).await, 400);
    page(Browser::default().open(&theirs).await, 400);
    // Which used the states up.
    page(one.open(&back).await, 400);

    // Another integration's callback.
    let back = one.until(&link(&server, "shop").await, "/oauth/callback/").await;
    page(one.open(&back.replace("/callback/shop", "/callback/other")).await, 400);
    page(one.open(&back).await, 400);

    // No state, one that nobody gave, one that is there twice; and nothing of what strangers bring is shown.
    let callback = format!("http://{}/api/v1/oauth/callback/shop", server.address);
    let back = one.until(&link(&server, "shop").await, "/oauth/callback/").await;
    for query in [
        "",
        "?code=x",
        "?code=x&state=nobody",
        "?error=canary&error_description=canary",
        "?error=canary&state=canary",
        &format!("?{}&code=twice", back.split_once('?').unwrap().1),
    ] {
        let page = page(one.open(&format!("{callback}{query}")).await, 400);
        assert!(!page.contains("canary"), "{page}");
    }
    assert_eq!(standing(&server).await["state"], "not_connected");
    assert_eq!(noted(&server, "connect").await, vec!["rejected"; 10]);
    assert_eq!(
        server.get("/api/v1/activity?integration=other&kind=rejected").await.json()[0]["operation"],
        "connect"
    );

    // The state of the last one is still good: what had it twice was refused before anybody looked.
    page(one.open(&back).await, 200);
    assert_eq!(standing(&server).await["state"], "connected");
    page(one.open(&back).await, 400);
    assert_eq!(standing(&server).await["state"], "connected");
    server.call("shop", &json!({ "endpoint": "/resource" })).await.is(200);
}

#[tokio::test]
async fn a_code_that_was_used_is_refused_in_the_providers_words() {
    let (provider, server) = shop(json!({})).await;
    let mut browser = Browser::default();
    let first = browser.until(&link(&server, "shop").await, "/oauth/callback/").await;
    let code =
        |url: &str| url.split(['?', '&']).find_map(|pair| pair.strip_prefix("code=")).unwrap().to_owned();
    let used = code(&first);
    page(browser.open(&first).await, 200);
    let second = browser.until(&link(&server, "shop").await, "/oauth/callback/").await;
    let page = page(browser.open(&second.replace(&code(&second), &used)).await, 400);
    assert!(page.contains("the provider does not take the code: invalid_grant"), "{page}");
    assert_eq!(standing(&server).await["state"], "connected");
    drop(provider);
}

#[tokio::test]
async fn of_many_who_bring_the_same_answer_at_once_one_is_heard() {
    let (_provider, server) = shop(json!({})).await;
    let mut browser = Browser::default();
    let back = browser.until(&link(&server, "shop").await, "/oauth/callback/").await;
    let answers = join_all((0..20).map(|_| {
        let (mut tab, back) = (browser.clone(), back.clone());
        async move { tab.open(&back).await.status.as_u16() }
    }));
    let mut answers = answers.await;
    answers.sort_unstable();
    assert_eq!((answers[0], &answers[1..]), (200, &[400; 19][..]));
    server.call("shop", &json!({ "endpoint": "/resource" })).await.is(200);
}

#[tokio::test]
async fn two_tabs_of_one_browser_do_not_get_into_each_others_way() {
    let (_provider, server) = shop(json!({})).await;
    let mut browser = Browser::default();
    let first = browser.until(&link(&server, "shop").await, "/oauth/callback/").await;
    let second = browser.until(&link(&server, "shop").await, "/oauth/callback/").await;
    page(browser.open(&first).await, 200);
    page(browser.open(&second).await, 200);
}

#[tokio::test]
async fn a_configuration_that_changes_meanwhile_makes_the_answer_void() {
    let (_provider, server) = shop(json!({})).await;
    let mut browser = Browser::default();
    let back = browser.until(&link(&server, "shop").await, "/oauth/callback/").await;
    server.json("PATCH", BASE, &json!({ "auth_config": { "scope": "write" } })).await.is(200);
    let page = page(browser.open(&back).await, 400);
    assert!(page.contains("changed meanwhile"), "{page}");
    assert_eq!(standing(&server).await["state"], "not_connected");
}

#[tokio::test]
async fn the_answer_of_a_tenant_is_void_too_when_the_integration_changes_and_not_when_another_tenant_does() {
    let (_provider, server) = shop(json!({})).await;
    let connections = format!("{BASE}/connections");
    for name in ["acme", "other"] {
        server.post(&connections, &json!({ "connection": name })).await.is(201);
    }
    let sent = async || {
        let link = server.get(&format!("{BASE}/oauth/authorize?connection=acme")).await.is(200).json();
        let mut browser = Browser::default();
        let back = browser.until(link["url"].as_str().unwrap(), "/oauth/callback/").await;
        (browser, back)
    };
    let (mut browser, back) = sent().await;
    server.json("PATCH", &format!("{connections}/other"), &json!({ "description": "x" })).await.is(200);
    assert!(page(browser.open(&back).await, 200).contains("is connected"));
    let (mut browser, back) = sent().await;
    server.json("PATCH", BASE, &json!({ "auth_config": { "scope": "write" } })).await.is(200);
    assert!(page(browser.open(&back).await, 400).contains("changed meanwhile"));
}
