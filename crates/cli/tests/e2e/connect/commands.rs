//! Accounts from the command line, and on another device.

use serde_json::json;

use super::{BASE, client, config, connected, pair, shop, standing};
use crate::harness::{Browser, Ran, until};

#[tokio::test]
async fn a_person_agrees_on_another_device() {
    let (provider, server) = pair().await;
    let metadata = json!({
        "redirect_uris": [], "response_types": [], "token_endpoint_auth_method": "none", "scope": "read write",
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code", "refresh_token"],
    });
    let client = client(&provider, metadata).await;
    server.has(&config(&provider, "shop", &client, json!({ "grant_type": "device_code" }))).await;
    let code = server.with("POST", &format!("{BASE}/oauth/device"), &[], "").await.is(200).json();
    assert_eq!(code["verification_uri"], provider.url("/device"));
    assert_eq!(standing(&server).await["state"], "pending");
    let agree = format!("/agree-device?user_code={}", code["user_code"].as_str().unwrap());
    Browser::default().open(&provider.url(&agree)).await.is(200);
    until("the account", || connected(&server)).await;
    server.call("shop", &json!({ "endpoint": "/resource" })).await.is(200);
    server.get(&format!("{BASE}/oauth/authorize")).await.problem(422, "unsupported");
}

#[tokio::test]
async fn the_command_prints_the_link_and_waits_for_what_comes_of_it() {
    let (_provider, server) = shop(json!({})).await;
    for (mut browser, code, says) in [
        (Browser::default(), 0, "shop is connected; it may: read"),
        (Browser::refusing("not today"), 1, "access_denied (not today)"),
    ] {
        let mut begun = server.cli_begin(&["connect", "shop"]);
        let link = begun.line_with("/api/v1/oauth/start/").await;
        begun.line_with("/api/v1/oauth/callback/shop").await;
        browser.connect(link.trim()).await;
        let ran = begun.ended().await.is(code);
        assert!(format!("{}{}", ran.stdout, ran.stderr).contains(says), "{ran:?}");
    }
    let ran = server.cli(&["list"]).await.is(0);
    assert!(ran.stdout.contains("shop") && ran.stdout.contains(" on "), "{ran:?}");
    let ran = server.cli(&["disconnect", "shop"]).await.is(0);
    assert_eq!(ran.stdout, "shop is disconnected; the provider was told\n");
    let ran = server.cli(&["list"]).await.is(0);
    assert!(ran.stdout.contains("not connected"), "{ran:?}");

    let tokens = json!({ "refresh_token": "canary" }).to_string();
    let ran: Ran = server.cli_with(&["connect", "shop", "--import", "-"], &tokens).await.is(0);
    assert!(ran.stdout.starts_with("shop is connected") && !ran.stdout.contains("canary"), "{ran:?}");
    assert_eq!(standing(&server).await["renewable"], true);
    server.cli_with(&["connect", "shop", "--import", "-"], "{}").await.is(2);
    let ran = server.cli(&["connect", "shop", "--device"]).await.is(2);
    assert!(ran.stderr.contains("grant_type"), "{ran:?}");
}

#[tokio::test]
async fn the_command_prints_the_code_for_another_device() {
    let (provider, server) = pair().await;
    let metadata = json!({
        "redirect_uris": [], "response_types": [], "token_endpoint_auth_method": "none", "scope": "read",
        "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"],
    });
    let client = client(&provider, metadata).await;
    server.has(&config(&provider, "shop", &client, json!({ "grant_type": "device_code" }))).await;
    for (refuse, code, args) in
        [("", 0, &["connect", "shop"][..]), ("&refuse=no", 1, &["connect", "shop", "--device"])]
    {
        let mut begun = server.cli_begin(args);
        let line = begun.line_with("Type ").await;
        let user_code = line.split(' ').nth(1).unwrap();
        let agree = format!("/agree-device?user_code={user_code}{refuse}");
        Browser::default().open(&provider.url(&agree)).await.is(200);
        begun.ended().await.is(code);
    }
}
