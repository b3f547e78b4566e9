//! The configuration file: references, changes without a restart, bad files that do no harm.

use std::path::{Path, PathBuf};

use http::Response;
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::Peer;

use crate::harness::{Begin, Server, until};

/// A file for one server, beside which peers are reached.
struct Config {
    path: PathBuf,
    url: String,
}

impl Config {
    fn new(begin: &Begin, peer: &Peer, rest: &str) -> Self {
        let config = Self { path: begin.home().join("trunkline.yaml"), url: peer.url() };
        config.write(&config.text(rest));
        config
    }

    /// The text of a file that lets integrations reach the peer.
    fn text(&self, rest: &str) -> String {
        let host = self.url.trim_start_matches("http://");
        format!("egress:\n  allow: ['{host}']\n{}", rest.replace("URL", &self.url))
    }

    /// Puts a new text in place as an editor does.
    fn write(&self, text: &str) {
        let beside = self.path.with_extension("new");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, &self.path).unwrap();
    }
}

fn told(begin: Begin, path: &Path) -> Begin {
    begin.arg("--config").arg(path.display().to_string())
}

async fn ids(server: &Server) -> Vec<String> {
    let list = server.get("/api/v1/integrations/list").await.json();
    list.as_array().unwrap().iter().map(|item| item["integration_id"].as_str().unwrap().to_owned()).collect()
}

async fn peer() -> Peer {
    Peer::http(|received| Response::new(Body::from(received.header("authorization").to_owned()))).await
}

const ONE: &str = "integrations:\n  - {integration_id: one, type: rest, base_url: 'URL', auth_type: bearer, auth_config: {token: '${env:ONE}'}}\n";
const TWO: &str = "  - {integration_id: two, type: rest, base_url: 'URL', auth_type: bearer, auth_config: {token: '${file:token.txt}'}}\n";

#[tokio::test]
async fn integrations_and_references_of_a_file_are_there_from_the_start() {
    let (peer, begin) = (peer().await, Server::begin());
    let config =
        Config::new(&begin, &peer, &format!("server: {{ data: '${{env:WHERE}}', drain: 5s }}\n{ONE}{TWO}"));
    begin.file("token.txt", "from-a-file\n");
    let server =
        told(begin, &config.path).env("ONE", "from-the-environment").env("WHERE", "/nowhere").start().await;
    assert_eq!(ids(&server).await, ["one", "two"]);
    assert_eq!(server.call("one", &json!({})).await.text(), "Bearer from-the-environment");
    assert_eq!(server.call("two", &json!({})).await.text(), "Bearer from-a-file");
    let read = server.get("/api/v1/integrations/one").await;
    assert_eq!(read.header("trunkline-source"), "file");
    assert_eq!(read.json()["auth_config"]["token"], "${env:ONE}");
}

#[tokio::test]
async fn what_a_file_says_is_changed_in_the_file() {
    let (peer, begin) = (peer().await, Server::begin());
    let config = Config::new(&begin, &peer, ONE);
    let server = told(begin, &config.path).env("ONE", "x").start().await;
    let path = "/api/v1/integrations/one";
    let whole = json!({"integration_id": "one", "type": "rest", "base_url": "https://h"});
    for answer in [
        server.register(&whole).await,
        server.json("PUT", path, &whole).await,
        server.json("PATCH", path, &json!({"enabled": false})).await,
        server.delete(path).await,
    ] {
        answer.problem(409, "conflict");
    }
    server.call("one", &json!({})).await.is(200);
}

#[tokio::test]
async fn a_changed_file_is_taken_over_without_a_restart() {
    let (peer, begin) = (peer().await, Server::begin());
    let config = Config::new(&begin, &peer, ONE);
    begin.file("token.txt", "two");
    let server = told(begin, &config.path).env("ONE", "x").start().await;
    server.has(&json!({"integration_id": "stored", "type": "rest", "base_url": peer.url()})).await;
    config.write(&config.text(&format!("{ONE}{TWO}")));
    until("the second", || async { (ids(&server).await == ["one", "stored", "two"]).then_some(()) }).await;
    config.write(&config.text(ONE).replace("bearer", "none").replace("{token: '${env:ONE}'}", "{}"));
    until("the second to go", || async { (ids(&server).await == ["one", "stored"]).then_some(()) }).await;
    assert_eq!(server.call("one", &json!({})).await.is(200).text(), "");
    // The rules of the guard change too, in both directions.
    config.write("");
    until("the rule to go", || async { (ids(&server).await == ["stored"]).then_some(()) }).await;
    let other = self::peer().await;
    server.has(&json!({"integration_id": "other", "type": "rest", "base_url": other.url()})).await;
    server.call("other", &json!({})).await.problem(403, "blocked");
    config.write(&format!("egress: {{ allow: ['{}'] }}", other.address()));
    until("the new rule", || async { (server.call("other", &json!({})).await.status == 200).then_some(()) })
        .await;
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_is_named_in_the_log() {
    let (peer, begin) = (peer().await, Server::begin());
    let config = Config::new(&begin, &peer, ONE);
    let server = told(begin, &config.path).env("ONE", "x").start().await;
    for (n, (text, word)) in [
        ("integrations: [", "YAML"),
        ("integrtions: []", "did you mean `integrations`"),
        ("integrations: [{integration_id: one, type: rest, base_url: 'ftp://hunter2'}]", "base_url"),
        ("egress: { allow: ['*'] }", "egress.allow"),
        ("integrations: [{integration_id: a, type: rest, base_url: 'https://h'}, {integration_id: a, type: rest, base_url: 'https://h'}]", "twice"),
        ("integrations: [{integration_id: a, type: rest, base_url: 'https://${env:NO_SUCH_NAME}'}]", "NO_SUCH_NAME"),
        ("server: { hosts: 5 }", "server.hosts"),
        ("a: &a [*a, *a]\nb: [*a]", "not valid"),
    ]
    .into_iter()
    .enumerate()
    {
        config.write(text);
        let log = until(word, || async {
            let log = server.log();
            (log.matches("nothing was changed").count() > n).then_some(log)
        })
        .await;
        let line = log.lines().rfind(|line| line.contains("nothing was changed")).unwrap();
        assert!(line.contains("ERROR") && line.contains(word) && !line.contains("hunter2"), "{line}");
        server.call("one", &json!({})).await.is(200);
        assert_eq!(ids(&server).await, ["one"]);
    }
    std::fs::remove_file(&config.path).unwrap();
    server.logs("is gone").await;
    server.call("one", &json!({})).await.is(200);
    config.write(&config.text(&ONE.replace("one,", "back,")));
    until("the file that came back", || async { (ids(&server).await == ["back"]).then_some(()) }).await;
}

#[tokio::test]
async fn a_bad_file_at_the_start_is_a_refusal_that_names_it() {
    let begin = Server::begin();
    for (text, word) in [
        ("servr: {}", "did you mean `server`"),
        ("server: { listen: nowhere }", "server.listen"),
        ("integrations: [{integration_id: a, type: rest, base_url: 'https://u:hunter2@h'}]", "base_url"),
    ] {
        let file = begin.file("t.yaml", text);
        let mut args = vec!["serve".to_owned(), "--data".to_owned(), begin.data().display().to_string()];
        args.extend(["--config".to_owned(), file.display().to_string()]);
        let args: Vec<_> = args.iter().map(String::as_str).collect();
        let ran = crate::harness::Ran::command(&args, &[], "").await.is(2);
        assert!(ran.stderr.contains(word) && !ran.stderr.contains("hunter2"), "{ran:?}");
    }
    let ran = told(begin, Path::new("/no/such/file.yaml")).refused().await.is(2);
    assert!(ran.stderr.contains("/no/such/file.yaml"), "{ran:?}");
}

#[tokio::test]
async fn an_id_of_the_store_is_not_taken_by_a_file() {
    let (peer, begin) = (peer().await, Server::begin());
    let config = Config::new(&begin, &peer, "");
    let server = told(begin, &config.path).env("ONE", "x").start().await;
    let mine: Value =
        json!({"integration_id": "one", "type": "rest", "base_url": peer.url(), "name": "Mine"});
    server.has(&mine).await;
    config.write(&config.text(ONE));
    server.logs("registered already").await;
    assert_eq!(server.get("/api/v1/integrations/one").await.json()["name"], "Mine");
}

#[tokio::test]
async fn settings_that_need_a_restart_say_so() {
    let (peer, begin) = (peer().await, Server::begin());
    let config = Config::new(&begin, &peer, "server: { drain: 5s }\n");
    let server = told(begin, &config.path).start().await;
    config.write(&config.text("server: { drain: 6s }\n"));
    server.logs("at the next start").await;
}
