//! The command line: what people read, what scripts parse, and how it ends.

use http::{Response, StatusCode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Peer, Received};

use crate::harness::{Ran, Server};

fn echo(received: Received) -> Response<Body> {
    let mut response = Response::new(Body::from(
        json!({
            "method": received.method.as_str(), "uri": received.uri.to_string(),
            "body": String::from_utf8_lossy(&received.body), "x": received.header("x-a"),
            "type": received.header("content-type"),
        })
        .to_string(),
    ));
    response.headers_mut().insert("x-theirs", "yes".parse().unwrap());
    if received.uri.path() == "/refuse" {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    response
}

async fn pair() -> (Peer, Server) {
    let peer = Peer::http(echo).await;
    let server = Server::beside(&peer).await;
    server
        .has(&json!({"integration_id": "a", "name": "The shop", "type": "rest", "base_url": peer.url()}))
        .await;
    (peer, server)
}

#[tokio::test]
async fn an_integration_is_registered_from_a_file_or_from_standard_input() {
    let (peer, server) = pair().await;
    let config = json!({"integration_id": "b", "type": "rest", "base_url": peer.url(), "retry_config": {"max_retries": 9}});
    let file = server.home().join("b.json");
    std::fs::write(&file, config.to_string()).unwrap();
    let file = file.to_str().unwrap();
    let ran = server.cli(&["register", file]).await.is(0);
    assert!(ran.stdout.starts_with("b registered\n") && ran.stdout.contains("note: retry_config"), "{ran:?}");

    let twice = server.cli(&["register", file]).await.is(2);
    assert!(twice.stderr.contains("conflict") && twice.stdout.is_empty(), "{twice:?}");
    let again = server.cli(&["register", file, "--replace", "--json"]).await.is(0);
    assert_eq!(again.json()["status"], "updated");

    let other = config.to_string().replace("\"b\"", "\"c\"");
    let ran = server.cli_with(&["register", "-", "--json"], &other).await.is(0);
    assert_eq!(ran.json()["integration_id"], "c");
    let ran = server.cli_with(&["register", "-", "--replace"], &other.replace("\"c\"", "\"d\"")).await.is(0);
    assert!(ran.stdout.starts_with("d registered"), "{ran:?}");

    let yaml = "integration_id: y\ntype: rest\nbase_url: https://h\n";
    server.cli_with(&["register", "-"], yaml).await.is(0);
    for text in
        ["{\"integration_id\": \"e\", \"key\": hunter2", "integration_id: e\nintegration_id: hunter2\n"]
    {
        let bad = server.cli_with(&["register", "-"], text).await.is(2);
        assert!(bad.stderr.contains("line ") && !bad.stderr.contains("hunter2"), "{bad:?}");
    }
    let bad =
        server.cli_with(&["register", "-"], "{\"integration_id\": \"e\", \"type\": \"rset\"}").await.is(2);
    assert!(bad.stderr.contains("did you mean `rest`"), "{bad:?}");
    let bad = server.cli(&["register", "/no/such/file"]).await.is(2);
    assert!(bad.stderr.contains("/no/such/file"), "{bad:?}");
}

#[tokio::test]
async fn a_list_is_a_table_for_people_and_json_for_programs() {
    let (_peer, server) = pair().await;
    let table = server.cli(&["list"]).await.is(0);
    assert_eq!(table.stdout, "ID  TYPE  STATE  NAME\na   rest  on     The shop\n");
    server.json("PATCH", "/api/v1/integrations/a", &json!({"enabled": false})).await.is(200);
    assert!(server.cli(&["list"]).await.is(0).stdout.contains("off"));
    let json = server.cli(&["list", "--json"]).await.is(0).json();
    assert_eq!((&json[0]["integration_id"], &json[0]["enabled"]), (&json!("a"), &json!(false)));
    server.delete("/api/v1/integrations/a").await.is(200);
    let none = server.cli(&["list"]).await.is(0);
    assert!(none.stdout.contains("trunkline register"), "{none:?}");
    assert_eq!(server.cli(&["list", "--json"]).await.is(0).json(), json!([]));
}

#[tokio::test]
async fn a_call_says_what_it_was_told_to_say() {
    let (_peer, server) = pair().await;
    let called = |args: &'static [&'static str]| {
        let server = &server;
        async move { server.cli(&[&["call", "a"], args].concat()).await.is(0).json() }
    };
    for (args, method, uri, body) in [
        (&[][..], "GET", "/", ""),
        (&["/orders"], "GET", "/orders", ""),
        (
            &["orders?x=1", "-q", "page=2", "-q", "page=3", "-q", "w=a b=c"],
            "GET",
            "/orders?x=1&page=2&page=3&w=a%20b%3Dc",
            "",
        ),
        (&["POST", "/orders"], "POST", "/orders", ""),
        (&["delete", "/orders/1"], "DELETE", "/orders/1", ""),
        (&["/orders", "-d", "{\"item\": 1.50}"], "POST", "/orders", "{\"item\":1.5}"),
        (&["PUT", "/orders", "-d", "[1]"], "PUT", "/orders", "[1]"),
        (&["/orders", "-f", "a=1", "-f", "b=x y"], "POST", "/orders", "a=1&b=x+y"),
        (&["-r", "{\"method\": \"PATCH\", \"endpoint\": \"/r\", \"data\": \"text\"}"], "PATCH", "/r", "text"),
    ] {
        let seen = called(args).await;
        assert_eq!(
            (&seen["method"], &seen["uri"], &seen["body"]),
            (&json!(method), &json!(uri), &json!(body)),
            "{args:?}"
        );
    }
    assert_eq!(called(&["/", "-H", "X-A: b: c"]).await["x"], "b: c");
    assert_eq!(called(&["/", "-f", "a=1"]).await["type"], "application/x-www-form-urlencoded");

    let ran = server.cli_with(&["call", "a", "/x", "-d", "@-"], "{\"from\": \"stdin\"}").await.is(0);
    assert_eq!(ran.json()["body"], "{\"from\":\"stdin\"}");
    let file = server.home().join("body.json");
    std::fs::write(&file, "{\"from\": \"file\"}").unwrap();
    let ran = server.cli(&["call", "a", "/x", "-d", &format!("@{}", file.display())]).await.is(0);
    assert_eq!(ran.json()["body"], "{\"from\":\"file\"}");

    let ran = server.cli(&["call", "a", "/x", "-i"]).await.is(0);
    assert!(
        ran.stderr.starts_with("200 OK\n")
            && ran.stderr.contains("x-theirs: yes\n")
            && ran.stderr.contains("trunkline-attempts: 1\n"),
        "{ran:?}"
    );
}

#[tokio::test]
async fn a_reply_of_any_length_is_printed_as_it_comes() {
    let peer = Peer::http(|_| Response::new(Body::from(vec![b'x'; 24 << 20]))).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let ran = server.cli(&["call", "a", "/big"]).await.is(0);
    assert_eq!(ran.stdout.len(), 24 << 20);
}

#[tokio::test]
async fn a_failure_has_a_code_that_says_whose_it_is() {
    let (_peer, server) = pair().await;
    let service = server.cli(&["call", "a", "/refuse"]).await.is(1);
    assert!(
        service.stderr.contains("rejected")
            && service.stderr.contains("400")
            && service.stderr.contains("\"method\""),
        "{service:?}"
    );
    assert!(service.stdout.is_empty(), "{service:?}");
    let json = server.cli(&["call", "a", "/refuse", "--json"]).await.is(1);
    assert_eq!(json.json()["upstream"]["status"], 400);
    let error: Value = serde_json::from_str(&json.stderr).unwrap();
    assert_eq!(error["code"], 1);

    for (args, word) in [
        (&["call", "nobody", "/x"][..], "unknown_integration"),
        (&["call", "a", "https://evil/"], "endpoint"),
        (&["call", "a", "/x", "-d", "{"], "--data"),
        (&["call", "a", "/x", "-q", "page"], "--query"),
        (&["call", "a", "/x", "-H", "accept"], "--header"),
        (&["call", "a", "/x", "-r", "{}"], "--request"),
        (&["call", "a", "-d", "1", "-f", "a=b"], "--form"),
        (&["call", "a", "-d", "@/no/such/file"], "/no/such/file"),
        (&["call"], "<ID>"),
        (&["health", "nobody"], "unknown_integration"),
        (&["nonsense"], "nonsense"),
        (&["serve", "--egress", "everything"], "guarded"),
        (&[], "Usage"),
    ] {
        let ran = server.cli(args).await.is(2);
        assert!(ran.stderr.contains(word), "{args:?}: {ran:?}");
    }
    for id in ["../../metrics", "a/../b", "a?x", "a#x", ""] {
        let ran = server.cli(&["call", id, "/x"]).await.is(2);
        assert!(!ran.stderr.is_empty(), "{id}: {ran:?}");
    }
}

#[tokio::test]
async fn without_a_server_there_is_a_code_and_a_hint() {
    let env = [("TRUNKLINE_URL", "http://127.0.0.1:9")];
    for args in [&["list"][..], &["call", "a"], &["health"], &["health", "a"]] {
        let ran = Ran::command(args, &env, "").await.is(3);
        assert!(
            ran.stderr.contains("127.0.0.1:9")
                && ran.stderr.contains("trunkline serve")
                && ran.stderr.contains("--url"),
            "{ran:?}"
        );
    }
    let ran = Ran::command(&["register", "-"], &env, "{\"integration_id\": \"a\"}").await;
    ran.is(3);
    let ran = Ran::command(&["list", "--url", "nonsense"], &[], "").await.is(2);
    assert!(ran.stderr.contains("--url"), "{ran:?}");
}

#[tokio::test]
async fn something_else_that_answers_is_not_taken_for_a_server() {
    let peer = Peer::http(|_| Response::new(Body::from("<html>hello</html>"))).await;
    for args in [&["list"][..], &["health"]] {
        let ran = Ran::command(args, &[("TRUNKLINE_URL", &peer.url())], "").await.is(1);
        assert!(ran.stderr.contains("no JSON") || ran.stderr.contains("not a Trunkline"), "{ran:?}");
    }
}

#[tokio::test]
async fn the_token_is_shown_and_its_absence_explained() {
    let server = Server::begin().token("0123456789abcdef").start().await;
    server.cli(&["list"]).await.is(0);
    let url = format!("http://{}", server.address);
    for token in [None, Some("wrong-wrong-wrong")] {
        let mut env = vec![("TRUNKLINE_URL", url.as_str())];
        env.extend(token.map(|token| ("TRUNKLINE_API_TOKEN", token)));
        let ran = Ran::command(&["list"], &env, "").await.is(1);
        assert!(ran.stderr.contains("TRUNKLINE_API_TOKEN") && !ran.stderr.contains("wrong-wrong"), "{ran:?}");
        let ran = Ran::command(&["call", "a"], &env, "").await.is(1);
        assert!(ran.stderr.contains("TRUNKLINE_API_TOKEN"), "{ran:?}");
    }
}

#[tokio::test]
async fn health_fails_unless_all_that_are_on_are_up() {
    let (_peer, server) = pair().await;
    let up = server.cli(&["health"]).await.is(0);
    assert!(up.stdout.starts_with("ID  STATE") && up.stdout.contains("reachable_only"), "{up:?}");
    server.has(&json!({"integration_id": "down", "type": "rest", "base_url": "http://127.0.0.1:9"})).await;
    let down = server.cli(&["health"]).await.is(1);
    assert!(down.stdout.contains("unhealthy") && down.stderr.contains("1 of 2"), "{down:?}");
    server.cli(&["health", "a"]).await.is(0);
    let one = server.cli(&["health", "down", "--json"]).await.is(1);
    let one = &one.json()["down"];
    assert_eq!((&one["state"], &one["evidence"]), (&json!("unhealthy"), &json!("probe")));
    assert!(one["since_ms"].as_u64().is_some_and(|since| since > 0), "{one}");
    server.json("PATCH", "/api/v1/integrations/down", &json!({"enabled": false})).await.is(200);
    server.cli(&["health"]).await.is(0);
}

#[tokio::test]
async fn a_file_is_checked_without_a_server_and_without_the_network() {
    let good = "egress: { allow: ['127.0.0.1:1'] }\nintegrations:\n  - {integration_id: a, type: rest, base_url: 'https://no-such-host.invalid', retry_config: {max_retries: 9}}\n";
    let ran = Ran::command(&["check", "-"], &[], good).await.is(0);
    assert!(
        ran.stdout.contains("valid, 1 integration\n") && ran.stdout.contains("note: a: retry_config"),
        "{ran:?}"
    );
    let ran = Ran::command(&["check", "-", "--json"], &[], good).await.is(0).json();
    assert_eq!((&ran["valid"], &ran["integrations"]), (&json!(true), &json!(1)));
    let unset = "integration_id: shop\ntype: rest\nbase_url: https://h\nauth_type: basic\nauth_config: {username: '${env:SHOP_USER}', password: '${file:/no/such/file}'}\n";
    let ran = Ran::command(&["check", "-"], &[("SHOP_USER", "u")], unset).await.is(0);
    assert!(ran.stdout.contains("note: shop: auth_config.password: ${file:/no/such/file}"), "{ran:?}");
    assert!(!ran.stdout.contains("SHOP_USER"), "{ran:?}");
    let ran = Ran::command(&["check", "-", "--json"], &[], unset).await.is(0).json();
    assert_eq!(ran["warnings"].as_array().unwrap().len(), 2);
    assert!(ran["warnings"][1].as_str().unwrap().starts_with("shop: auth_config.username: ${env:SHOP_USER}"));
    let one = "{\"integration_id\": \"a\", \"type\": \"rest\", \"base_url\": \"https://h\"}";
    Ran::command(&["check", "-"], &[], one).await.is(0);
    Ran::command(&["check", "-"], &[], "integration_id: a\ntype: rest\nbase_url: https://h\n").await.is(0);
    Ran::command(&["check", "-"], &[], "").await.is(0);
    for (text, word) in [
        ("integrtions: []", "did you mean `integrations`"),
        ("{\"integration_id\": \"a\", \"type\": \"rest\"}", "base_url"),
        (
            "{\"integration_id\": \"a\", \"type\": \"rest\", \"base_url\": \"https://h\", \"x\": \"hunter2\"}",
            "`x`",
        ),
        (
            "integrations: [{integration_id: a, type: rest, base_url: 'https://h', auth_type: bearer}]",
            "token",
        ),
        (
            "integrations: [{integration_id: a, type: rest, base_url: 'https://h'}, {integration_id: a, type: rest, base_url: 'https://h'}]",
            "twice",
        ),
        ("a: b: c", "line 1"),
        ("{\"a\": hunter2 hunter2", "line 1"),
    ] {
        let ran = Ran::command(&["check", "-"], &[], text).await.is(2);
        assert!(ran.stderr.contains(word) && !ran.stderr.contains("hunter2"), "{text}: {ran:?}");
        assert!(ran.stdout.is_empty(), "{ran:?}");
    }
    let ran = Ran::command(&["check", "/no/such/file"], &[], "").await.is(2);
    assert!(ran.stderr.contains("/no/such/file"), "{ran:?}");
}

#[tokio::test]
async fn help_says_what_a_newcomer_needs() {
    let help = Ran::command(&["--help"], &[], "").await.is(0).stdout;
    for word in [
        "Exit codes",
        "TRUNKLINE_API_TOKEN",
        "TRUNKLINE_URL",
        "serve",
        "call",
        "list",
        "register",
        "check",
        "health",
    ] {
        assert!(help.contains(word), "{word}: {help}");
    }
    let serve = Ran::command(&["serve", "--help"], &[], "").await.is(0).stdout;
    for word in [
        "TRUNKLINE_CONFIG",
        "TRUNKLINE_LISTEN",
        "TRUNKLINE_DATA",
        "TRUNKLINE_API_TOKEN",
        "TRUNKLINE_KEY",
        "TRUNKLINE_KEY_FILE",
        "RUST_LOG",
        "127.0.0.1:8700",
        "--demo",
        "--egress-allow",
        "guarded",
        "strict",
        "lab",
    ] {
        assert!(serve.contains(word), "{word}: {serve}");
    }
    for command in ["serve", "call", "list", "register", "check", "health", "backup", "restore"] {
        let long =
            Ran::command(&[command, "--help"], &[("TRUNKLINE_API_TOKEN", "hunter2-hunter2-hunter2")], "")
                .await
                .is(0)
                .stdout;
        assert!(!long.contains("hunter2"), "{long}");
        assert!(long.lines().all(|line| line.chars().count() <= 100), "{long}");
    }
    assert!(Ran::command(&["--version"], &[], "").await.is(0).stdout.starts_with("trunkline "));
}

#[tokio::test]
async fn output_that_nobody_reads_any_more_is_no_error() {
    let (_peer, server) = pair().await;
    let script = format!(
        "'{}' list --url http://{} | head -c 1 >/dev/null; exit ${{PIPESTATUS[0]}}",
        env!("CARGO_BIN_EXE_trunkline"),
        server.address
    );
    let output = tokio::process::Command::new("bash").args(["-c", &script]).output().await.unwrap();
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
}
