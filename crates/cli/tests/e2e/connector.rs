//! `trunkline connector`: manifests checked, replayed, shown and made, without a server.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::harness::Ran;

const ACME: &str = "\
name: acme
title: Acme
inputs: [{name: region, title: Region, enum: [eu, us], default: eu}]
auth:
  - id: key
    title: Key
    inputs: [{name: api_key, title: API key, secret: true}]
    auth_type: bearer
    auth_config: {token: '{{ inputs.api_key }}'}
integration:
  base_url: https://{{ inputs.region }}.acme.example/v1
  retry_config: {idempotency_header: Idempotency-Key}
actions:
  add_order: {title: Add, method: POST, path: /orders, returns: /id, input: {type: object, properties: {name: {type: string}}}}
  get_order:
    title: Get
    method: GET
    path: /orders/{{ input.id }}
    input: {type: object, required: [id], properties: {id: {type: string}}}
";

const EXCHANGES: &str = "\
inputs: {api_key: k-1}
headers: {Authorization: Bearer k-1}
exchanges:
  - name: an order is added once
    action: add_order
    input: {name: Ann}
    wire:
      - request: &add {method: POST, url: 'https://eu.acme.example/v1/orders', headers: {Idempotency-Key: <key>}, json: {name: Ann}}
        reply: {lost: true}
      - {request: *add, reply: {status: 201, json: {id: '7'}}}
    gives: '7'
  - name: an order that is not there is none
    inputs: {region: us}
    action: get_order
    input: {id: a/b}
    wire:
      - request: {method: GET, url: 'https://us.acme.example/v1/orders/a%2Fb'}
        reply: {status: 404, json: {error: none}}
    fails: {kind: rejected, outcome: rejected}
";

/// A folder with a manifest and its exchanges.
struct Folder(tempfile::TempDir);

impl Folder {
    fn new(manifest: &str, exchanges: &str) -> Self {
        let folder = Self(tempfile::tempdir().unwrap());
        std::fs::write(folder.path("acme.yaml"), manifest).unwrap();
        std::fs::write(folder.path("acme.exchanges.yaml"), exchanges).unwrap();
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).display().to_string()
    }
}

async fn connector(args: &[&str]) -> Ran {
    Ran::command(&[&["connector"], args].concat(), &[], "").await
}

#[tokio::test]
async fn the_connectors_of_this_build_do_what_was_recorded_of_them() {
    for (name, _) in trunkline::connectors::BUILT_IN {
        let ran = connector(&["test", name, "--json"]).await.is(0).json();
        let exchanges = ran["exchanges"].as_array().unwrap();
        assert!(exchanges.len() > 10 && exchanges.iter().all(|one| one["connector"] == *name), "{name}");
        assert_eq!(ran["failed"], 0, "{name}");
    }
}

#[tokio::test]
async fn a_manifest_that_does_otherwise_than_was_recorded_is_told_how() {
    let folder = Folder::new(ACME, EXCHANGES);
    let ran = connector(&["test", &folder.text("acme.yaml")]).await.is(0);
    assert_eq!(
        ran.stdout,
        "ok      acme: an order is added once\nok      acme: an order that is not there is none\n"
    );
    for (from, to, words) in [
        ("path: /orders,", "path: /order,", "request 1: path: is /v1/order, expected /v1/orders"),
        ("method: POST", "method: PUT", "request 1: method: is PUT, expected POST"),
        ("auth_type: bearer", "auth_type: basic", "auth_config"),
        (
            "{token: '{{ inputs.api_key }}'}",
            "{token: other}",
            "request 1: header authorization: is \"Bearer other\", expected \"Bearer k-1\"",
        ),
        ("acme.example/v1", "acme.example/v2", "request 1: path: is /v2/orders"),
        (
            "}}.acme.example",
            "}}.acme.test",
            "request 1: url: leads to https://eu.acme.test, expected https://eu.acme.example",
        ),
        (
            "{idempotency_header: Idempotency-Key}",
            "{max_attempts: 3}",
            "request 1: header idempotency-key: is missing",
        ),
        (
            "{idempotency_header: Idempotency-Key}",
            "{max_attempts: 3}",
            "request 2: POST https://eu.acme.example/v1/orders was not sent",
        ),
        ("path: /orders, returns: /id", "path: /orders, returns: /name", "it fails: protocol"),
        ("path: /orders, returns: /id", "path: /orders", "what it gives: is {\"id\":\"7\"}, expected \"7\""),
        (
            "path: /orders, ",
            "path: /orders, body: form, ",
            "request 1: header content-type: is \"application/x-www-form-urlencoded\"",
        ),
        (
            "path: /orders, ",
            "path: /orders, query: {a: 1}, ",
            "request 1: query a: is [\"1\"], and may not be there",
        ),
        ("method: GET", "method: DELETE", "request 1: method: is DELETE"),
        (
            "integration:",
            "integration:\n  errors: {rules: [{when: {status: 404}, kind: forbidden}]}",
            "kind: is \"forbidden\", expected \"rejected\"",
        ),
        (
            "integration:",
            "integration:\n  errors: {rules: [{when: {status: 404}, kind: unavailable}]}",
            "request 2: GET https://us.acme.example/v1/orders/a%2Fb is not expected",
        ),
    ] {
        assert!(ACME.contains(from), "{from}");
        std::fs::write(folder.path("acme.yaml"), ACME.replacen(from, to, 1)).unwrap();
        let ran = connector(&["test", &folder.text("acme.yaml")]).await.is(1);
        assert!(ran.stdout.contains(words), "{to}: {ran:?}");
        assert!(ran.stderr.contains("are otherwise than they were recorded"), "{ran:?}");
    }
}

#[tokio::test]
async fn a_folder_is_tested_with_what_is_built_in_and_what_has_no_exchanges_says_where_they_go() {
    let folder = Folder::new(ACME, EXCHANGES);
    let of_folder = folder.0.path().display().to_string();
    let ran = connector(&["test", "acme", "--connectors", &of_folder, "--json"]).await.is(0).json();
    assert_eq!(ran["passed"], 2);
    std::fs::remove_file(folder.path("acme.exchanges.yaml")).unwrap();
    let ran = connector(&["test", &folder.text("acme.yaml")]).await.is(2);
    assert!(ran.stderr.contains("acme.exchanges.yaml"), "{ran:?}");
    let ran = connector(&["test", "strip"]).await.is(2);
    assert!(ran.stderr.contains("did you mean `stripe`"), "{ran:?}");
}

#[tokio::test]
async fn all_that_is_wrong_with_a_folder_is_said_with_file_and_line() {
    let folder = Folder::new(ACME, EXCHANGES);
    let of_folder = folder.0.path().display().to_string();
    let ran = connector(&["lint", &of_folder]).await.is(0);
    assert_eq!(ran.stdout, "1 manifest: nothing is wrong\n");
    // As a pattern of a shell would name them.
    let both = ["acme.yaml", "acme.exchanges.yaml"].map(|name| folder.path(name).display().to_string());
    assert_eq!(connector(&["lint", &both[0], &both[1]]).await.is(0).stdout, ran.stdout);
    let broken = ACME.replace("method: POST", "metod: POST").replace("title: Acme", "titel: Acme");
    std::fs::write(folder.path("broken.yaml"), broken).unwrap();
    let unfit = ACME
        .replace("name: acme", "name: unfit")
        .replace("{idempotency_header:", "{idempotency_heder:")
        .replace("auth_config: {token:", "auth_config: {tokn: x, token:");
    std::fs::write(folder.path("unfit.yaml"), unfit).unwrap();
    let other = ACME;
    std::fs::write(folder.path("other.yaml"), other).unwrap();
    std::fs::write(folder.path("acme.exchanges.yaml"), EXCHANGES.replacen("get_order", "get_ordr", 1))
        .unwrap();
    let ran = connector(&["lint", &of_folder]).await.is(2);
    for words in [
        "acme.exchanges.yaml:14: exchanges[1].action: the connector has no `get_ordr`, did you mean `get_order`?",
        "broken.yaml:2: titel: is not known, did you mean `title`?",
        "broken.yaml:14: actions.add_order.metod: is not known, did you mean `method`?",
        "unfit.yaml:9: auth.key.auth_config.tokn: is not known, did you mean `token`?",
        "unfit.yaml:12: integration.retry_config.idempotency_heder: is not known, did you mean `idempotency_header`?",
        "other.yaml:1: name: is not that of the file",
    ] {
        assert!(ran.stdout.contains(words), "{words}: {ran:?}");
    }
    assert!(ran.stderr.contains("in 4 manifests"), "{ran:?}");
    let found = connector(&["lint", &of_folder, "--json"]).await.is(2).json();
    assert!(found["findings"].as_array().unwrap().iter().any(|finding| finding["line"] == 14), "{found}");
}

#[tokio::test]
async fn a_secret_of_webhooks_that_is_required_is_told_with_what_mends_it() {
    let folder = Folder::new(ACME, EXCHANGES);
    let with = |more: &str| {
        let input = format!("default: eu}}, {{name: webhook_secret, title: Secret, secret: true{more}}}]");
        let webhooks = "integration:\n  webhooks: {verify: {type: hmac, secret: '{{ inputs.webhook_secret }}', header: X-Sig}}";
        let manifest = ACME.replace("default: eu}]", &input).replace("integration:", webhooks);
        std::fs::write(folder.path("acme.yaml"), manifest).unwrap();
    };
    let path = folder.text("acme.yaml");
    with("");
    let ran = connector(&["lint", &path]).await.is(2);
    let told =
        "acme.yaml:11: integration.webhooks: asks for the input `webhook_secret`, which connections may have";
    let words = ran.stdout.contains(told) && ran.stdout.contains("say `optional: true` of `webhook_secret`");
    assert!(words && ran.stdout.lines().count() == 1, "{ran:?}");
    // It works where an integration gives it.
    let given = EXCHANGES.replacen("api_key: k-1", "api_key: k-1, webhook_secret: s-1", 1);
    std::fs::write(folder.path("acme.exchanges.yaml"), given).unwrap();
    connector(&["test", &path]).await.is(0);
    with(", optional: true");
    connector(&["lint", &path]).await.is(0);
}

#[tokio::test]
async fn connectors_are_listed_and_shown_with_their_actions() {
    let folder = Folder::new(ACME, EXCHANGES);
    let of_folder = folder.0.path().display().to_string();
    let listed = connector(&["list", "--json", "--connectors", &of_folder]).await.is(0).json();
    let names: Vec<_> = listed.as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    let built_in = trunkline::connectors::BUILT_IN.iter().map(|(name, _)| *name);
    assert_eq!(names, ["acme"].into_iter().chain(built_in).collect::<Vec<_>>());
    let table = connector(&["list"]).await.is(0).stdout;
    assert!(table.lines().next().unwrap().starts_with("NAME") && table.contains("\nstripe "), "{table}");

    let shown = connector(&["show", "stripe"]).await.is(0).stdout;
    for words in ["secret_key  Secret key; secret", "auth key", "create_refund", "POST /v1/refunds"] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    let action = connector(&["show", &folder.text("acme.yaml"), "get_order", "--json"]).await.is(0).json();
    assert_eq!(
        (&action["action"]["path"], &action["input"]["required"]),
        (&json!("/orders/{{ input.id }}"), &json!(["id"]))
    );
    let ran = connector(&["show", "stripe", "create_refnd"]).await.is(2);
    assert!(ran.stderr.contains("did you mean `create_refund`"), "{ran:?}");
}

#[tokio::test]
async fn a_broken_file_keeps_no_other_from_being_listed_and_tested() {
    let folder = Folder::new(ACME, EXCHANGES);
    for name in ["broken", "zebra"] {
        let manifest = ACME.replacen("acme", name, 1).replace("integration:", "integratoin:");
        std::fs::write(folder.path(&format!("{name}.yaml")), manifest).unwrap();
        std::fs::write(folder.path(&format!("{name}.exchanges.yaml")), EXCHANGES).unwrap();
    }
    let of_folder = folder.0.path().display().to_string();
    let ran = connector(&["list", "--connectors", &of_folder]).await.is(2);
    let broken = ran.stdout.lines().find(|line| line.starts_with("broken")).unwrap();
    assert!(broken.contains("did you mean `integration`?"), "{ran:?}");
    assert!(
        ran.stdout.contains("\nstripe ") && ran.stderr.contains("2 of 15 connectors are broken"),
        "{ran:?}"
    );
    let listed = connector(&["list", "--json", "--connectors", &of_folder]).await.is(2).json();
    let of = |name: &str| listed.as_array().unwrap().iter().find(|one| one["name"] == name).cloned().unwrap();
    assert!(of("zebra")["error"].is_string() && of("acme")["error"].is_null(), "{listed}");

    let ran = connector(&["test", &of_folder, "--json"]).await.is(1).json();
    assert_eq!((&ran["passed"], &ran["failed"]), (&json!(2), &json!(2)), "{ran}");
    let ran = connector(&["test", &of_folder]).await.is(1);
    assert!(ran.stdout.contains("FAILED  broken: cannot be tested\n"), "{ran:?}");
    assert!(ran.stdout.contains("ok      acme: an order is added once\n"), "{ran:?}");
    assert!(ran.stderr.contains("2 of 3 connectors cannot be tested"), "{ran:?}");
    connector(&["test", &folder.text("broken.yaml")]).await.is(2);
}

const OPENAPI: &str = "\
openapi: 3.1.0
info: {title: Pets, version: '1'}
servers: [{url: 'https://pets.example/v1'}]
webhooks: {born: {post: {responses: {'200': {description: ok}}}}}
paths:
  /pets/{id}:
    get:
      operationId: getPet
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      responses: {'200': {description: ok}}
";

#[tokio::test]
async fn an_openapi_document_becomes_a_manifest_and_what_is_left_out_is_listed() {
    let folder = Folder::new(ACME, EXCHANGES);
    let document = folder.path("openapi.yaml");
    std::fs::write(&document, OPENAPI).unwrap();
    let document = document.display().to_string();
    let ran = connector(&["import", &document]).await.is(0);
    assert!(ran.stdout.contains("name: pets\n") && ran.stdout.contains("/pets/"), "{ran:?}");
    assert!(
        ran.stderr.contains("webhooks: what the service sends by itself is not carried over\n"),
        "{ran:?}"
    );
    assert!(ran.stderr.contains("1 action; 1 thing"), "{ran:?}");
    let piped = Ran::command(&["connector", "import", "-"], &[], OPENAPI).await.is(0);
    assert_eq!(piped.stdout, ran.stdout);

    let made = folder.path("menagerie.yaml");
    let into = made.display().to_string();
    let ran = connector(&["import", &document, "-o", &into]).await.is(0);
    assert!(ran.stdout.is_empty() && read(&made).contains("name: menagerie\n"), "{ran:?}");
    connector(&["lint", &into]).await.is(0);
    std::fs::write(&made, "mine").unwrap();
    let ran = connector(&["import", &document, "-o", &into]).await.is(2);
    assert!(ran.stderr.contains("--force") && read(&made) == "mine", "{ran:?}");
    connector(&["import", &document, "-o", &into, "--force", "--name", "menagerie"]).await.is(0);
    assert!(read(&made).contains("name: menagerie\n"));
    // A file that is called as no connector can be.
    for name in ["api_pets.example.yaml", "Pets.yaml"] {
        let ran = connector(&["import", &document, "-o", &folder.text(name)]).await.is(2);
        assert!(ran.stderr.contains("--name") && !folder.path(name).exists(), "{ran:?}");
        connector(&["import", &document, "-o", &folder.text(name), "--name", "pets"]).await.is(0);
        assert!(read(&folder.path(name)).contains("name: pets\n"));
    }
    let ran = connector(&["import", &folder.text("acme.yaml")]).await.is(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("acme.yaml: "), "{ran:?}");
}

#[tokio::test]
async fn a_manifest_is_written_over_all_at_once_and_what_cannot_be_written_is_a_failure() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let folder = Folder::new(ACME, EXCHANGES);
    std::fs::write(folder.path("openapi.yaml"), OPENAPI).unwrap();
    let document = folder.text("openapi.yaml");
    let [made, kept, link] = ["made.yaml", "kept.yaml", "link.yaml"].map(|name| folder.path(name));
    std::fs::write(&made, "mine").unwrap();
    std::fs::set_permissions(&made, std::fs::Permissions::from_mode(0o640)).unwrap();
    // Another name of the file that is there: whoever reads it now reads it to its end.
    std::fs::hard_link(&made, &kept).unwrap();
    symlink(&made, &link).unwrap();
    connector(&["import", &document, "-o", &folder.text("link.yaml"), "--force", "--name", "made"])
        .await
        .is(0);
    assert!(read(&made).contains("name: made\n") && read(&kept) == "mine");
    assert!(link.is_symlink());
    assert_eq!(made.metadata().unwrap().permissions().mode() & 0o777, 0o640);
    let left = std::fs::read_dir(folder.0.path()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(left.into_iter().all(|name| !name.to_string_lossy().contains("tmp")));

    for args in [&["connector", "import", &document][..], &["connector", "import", &document, "--json"]] {
        let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_trunkline"));
        let ran = command.args(args).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&ran.stderr);
        assert!(ran.status.code() == Some(1) && said.contains("standard output cannot be written"), "{said}");
    }
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[tokio::test]
async fn the_schema_of_manifests_is_printed_for_editors() {
    let schema = connector(&["schema"]).await.is(0).json();
    assert_eq!(schema["properties"]["actions"]["additionalProperties"]["additionalProperties"], json!(false));
    let exchanges: Value = connector(&["schema", "--exchanges"]).await.is(0).json();
    assert!(exchanges["properties"]["exchanges"].is_object());
}
