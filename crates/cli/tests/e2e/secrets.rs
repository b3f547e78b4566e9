//! No secret shows anywhere: not in answers, logs, metrics, files or the process list, in no spelling.

use std::sync::Arc;

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};
use http::{Response, StatusCode};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use trunkline::Body;
use trunkline_testkit::{Authority, Peer, Received};

use crate::harness::{Answer, Ran, Server, until};

const TOKEN: &str = "api-token-canary-5e1f0a7b3c9d2e48";

/// The number of the canary that a login gives.
const SESSION: usize = 80;

/// A secret with the characters that escapes are made for.
pub(crate) fn canary(n: usize) -> String {
    format!("cnry{n:02}-Zq/+{}=\"&~x", n * 7919)
}

/// The spellings that an echo, a log or a file may have.
pub(crate) fn spellings(secret: &str) -> Vec<String> {
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let escaped = |byte: u8| {
        if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02x}") }
    };
    let lower = secret.bytes().map(escaped).collect();
    let json = Value::from(secret).to_string();
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut all = vec![
        secret.to_owned(),
        percent.replace("%2D", "-").replace("%7E", "~"),
        percent,
        lower,
        json[1..json.len() - 1].to_owned(),
        json[1..json.len() - 1].replace('/', "\\/"),
        secret.escape_debug().to_string(),
        hex.to_uppercase(),
        hex,
    ];
    for shift in 0..3 {
        let mut bytes = vec![0; shift];
        bytes.extend_from_slice(secret.as_bytes());
        let whole = (shift * 8).div_ceil(6)..bytes.len() * 8 / 6;
        all.push(STANDARD_NO_PAD.encode(&bytes)[whole.clone()].to_owned());
        all.push(URL_SAFE_NO_PAD.encode(&bytes)[whole].to_owned());
    }
    all.sort();
    all.dedup();
    all
}

/// Says back all that came in, spelt in every way, as some services do to be helpful. One that asks to be challenged is.
pub(crate) fn echo(received: Received) -> Response<Body> {
    if received.headers.contains_key("x-challenge") && received.header("authorization").is_empty() {
        let challenge = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";
        return Response::builder()
            .status(401)
            .header("www-authenticate", challenge)
            .body(Body::Empty)
            .unwrap();
    }
    let mut values: Vec<String> = vec![received.uri.to_string()];
    for (name, value) in &received.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        let basic = value.strip_prefix("Basic ").and_then(|pair| STANDARD.decode(pair).ok());
        values.extend(basic.map(|pair| String::from_utf8(pair).unwrap()));
        values.extend(value.strip_prefix("Session id=").map(str::to_owned));
        values.push(format!("{name}: {value}"));
    }
    // Little enough that all of it could be shown.
    if received.uri.path().ends_with("/login/refuse") {
        values = vec![String::from_utf8_lossy(&received.body).into_owned()];
    }
    if received.uri.path().ends_with("/login") {
        return Response::new(Body::from(json!({"session": {"token": canary(SESSION)}}).to_string()));
    }
    let spelt: Vec<_> = values.iter().flat_map(|value| spellings(value)).chain(values.clone()).collect();
    let mut response = Response::new(Body::from(json!({"you_sent": values, "spelt": spelt}).to_string()));
    if received.uri.path().ends_with("/refuse") {
        *response.status_mut() = StatusCode::BAD_REQUEST;
    }
    if received.uri.path().ends_with("/text") {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
        *response.body_mut() = Body::from(spelt.join("\n"));
    }
    response
}

/// Everything that is shown to anybody, by where it was found.
#[derive(Default)]
pub(crate) struct Sinks(Vec<(String, String)>);

impl Sinks {
    pub(crate) fn take(&mut self, place: impl Into<String>, text: impl AsRef<[u8]>) {
        self.0.push((place.into(), String::from_utf8_lossy(text.as_ref()).into_owned()));
    }

    pub(crate) fn answer(&mut self, place: &str, answer: &Answer) {
        self.take(place, format!("{:?}", answer.headers));
        self.take(place, &answer.body);
    }

    pub(crate) fn ran(&mut self, place: &str, ran: &Ran) {
        self.take(place, &ran.stdout);
        self.take(place, &ran.stderr);
    }

    /// Those that begin with one of these words.
    fn only(&self, places: &[&str]) -> Self {
        let chosen = self.0.iter().filter(|(place, _)| places.iter().any(|word| place.starts_with(word)));
        let chosen = Self(chosen.cloned().collect());
        for word in places {
            assert!(chosen.0.iter().any(|(place, _)| place.starts_with(word)), "{word} is no place");
        }
        chosen
    }

    pub(crate) fn hold_none_of(&self, secrets: &[String]) {
        for secret in secrets {
            for spelt in spellings(secret) {
                for (place, text) in &self.0 {
                    if let Some(at) = text.find(&spelt) {
                        let from = text.floor_char_boundary(at.saturating_sub(120));
                        let to = text.ceil_char_boundary((at + spelt.len() + 20).min(text.len()));
                        panic!("{secret} is in {place} as {spelt}: …{}…", &text[from..to]);
                    }
                }
            }
        }
    }
}

/// Integrations with a secret in every place that takes one; `secrets` are used up in order.
fn integrations(
    url: &str,
    tls: &str,
    authority: &Authority,
    mut secret: impl FnMut() -> String,
) -> Vec<Value> {
    let (certificate, key) = authority.client();
    let mut all = vec![
        json!({"auth_type": "api_key", "auth_config": {"key": secret()}}),
        json!({"auth_type": "api_key", "auth_config": {"key": secret(), "header": "X-Odd"}}),
        json!({"auth_type": "api_key", "auth_config": {"key": secret(), "header": "Authorization", "format": "Token token={key}"}}),
        json!({"auth_type": "api_key", "auth_config": {"key": secret(), "query": "appid"}}),
        json!({"auth_type": "api_key", "auth_config": {"key": secret(), "cookie": "sid"}}),
        json!({"auth_type": "basic", "auth_config": {"username": secret(), "password": ""}}),
        json!({"auth_type": "basic", "auth_config": {"username": secret(), "password": secret()}}),
        json!({"auth_type": "bearer", "auth_config": {"token": secret()}}),
        json!({"auth_type": "bearer", "auth_config": {"token": secret()}, "http_version": "http2"}),
        json!({"auth_type": "api_key", "auth_config": {"key": secret(), "query": "k"}, "http_version": "http2"}),
        json!({"headers": {"Authorization": format!("Bearer {}", secret())}}),
        json!({"headers": {"X-Api-Key": secret(), "X-Secret-Thing": secret(), "Cookie": format!("a={}", secret())}}),
        json!({"headers": {"X-Odd": format!("Bearer {}", secret())}}),
        json!({"auth_type": "bearer", "auth_config": {"token": "${env:CANARY_ENV}"}, "headers": {"X-Token": "${env:CANARY_HEADER}"}}),
        json!({"auth_type": "basic", "auth_config": {"username": "u", "password": "${file:password.txt}"}}),
        json!({"auth_type": "api_key", "auth_config": {"key": "${env:CANARY_KEY}", "query": "k"}}),
        json!({"auth_type": "basic", "auth_config": {"username": "${file:user.txt}", "password": secret()}}),
        json!({"proxy": {"url": "http://127.0.0.1:9", "username": "u", "password": secret()}}),
        json!({"auth_type": "bearer", "auth_config": {"token": secret()}, "base_url": tls,
               "tls": {"ca": authority.pem(), "client_cert": certificate, "client_key": key}}),
    ];
    all.extend([
        json!({"auth_type": "jwt", "auth_config": {"algorithm": "HS256", "key": secret()}}),
        json!({"auth_type": "jwt", "auth_config": {"algorithm": "ES256", "key": authority.client().1}}),
        json!({"auth_type": "hmac", "auth_config": {
            "secret": secret(), "key_id": secret(), "values": {"passphrase": secret()}, "sign": "{path}",
            "headers": {"X-Id": "{key_id}", "X-Pass": "{value:passphrase}", "X-Sign": "{signature}"},
        }}),
        json!({"auth_type": "aws_sigv4", "auth_config": {
            "access_key_id": secret(), "secret_access_key": secret(), "session_token": secret(),
            "region": "eu-central-1", "service": "s3",
        }}),
        json!({"auth_type": "aws_sigv4", "auth_config": {
            "access_key_id": secret(), "secret_access_key": secret(), "session_token": secret(),
            "region": "eu-central-1", "service": "sqs", "presign": 60,
        }}),
        json!({"auth_type": "digest", "auth_config": {"username": secret(), "password": secret()},
               "headers": {"X-Challenge": "digest"}}),
    ]);
    // One that is let in, one that is told in all spellings what it sent, and one that meets a page of text.
    for place in ["login", "login/refuse", "login/text"] {
        all.push(json!({"auth_type": "custom", "auth_config": {
            "secrets": {"password": secret()},
            "request": {
                "url": format!("{url}/{place}"),
                "headers": {"Authorization": format!("Key {}", secret()), "X-Odd": secret()},
                "query": {"q": secret(), "p": "{{password}}"},
                "json": {"user": "u", "password": "{{password}}", "pin": secret()},
            },
            "token": {"pointer": "/session/token"},
            "send": {"header": "X-Session", "format": "Session id={token}"},
        }}));
    }
    for body in ["form", "body"] {
        let body = json!({ body: if body == "form" { json!({"p": secret()}) } else { json!(secret()) } });
        let mut request = json!({"url": format!("{url}/login/refuse")});
        request.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        all.push(json!({"auth_type": "custom", "auth_config": {"request": request, "token": "text"}}));
    }
    let literal = secret();
    all.push(json!({"auth_type": "api_key", "auth_config": {"key": literal, "header": "Authorization", "format": format!("Bearer {literal}")}}));
    for (n, config) in all.iter_mut().enumerate() {
        config["integration_id"] = format!("i{n}").into();
        config["type"] = "rest".into();
        config["timeout"] = 5.into();
        if config.get("base_url").is_none() {
            config["base_url"] = url.into();
        }
        config["probe"] = json!({"endpoint": "/refuse"});
    }
    all
}

#[tokio::test]
async fn no_secret_shows_anywhere_in_any_spelling() {
    let authority = Authority::new();
    let peer = Peer::http(echo).await;
    let tls = Peer::https(echo, authority.server(true)).await;
    let tls_url = format!("https://localhost:{}", tls.address().port());

    // Master keys of servers' own making.
    let (master, newer) = (master_key().await, master_key().await);

    let mut secrets: Vec<String> = vec![TOKEN.to_owned(), master.clone(), newer.clone(), canary(SESSION)];
    let mut n = 0;
    let mut secret = || {
        n += 1;
        secrets.push(canary(n));
        canary(n)
    };
    let (env, env_key, header, user, password, in_file) =
        (secret(), secret(), secret(), secret(), secret(), secret());
    let configs = integrations(&peer.url(), &tls_url, &authority, &mut secret);
    let (extra, patched, refused) = (secret(), secret(), secret());
    let (in_url, in_proxy_url, in_bad_file, shown) = (secret(), secret(), secret(), secret());
    let (from_cli, checked) = (secret(), secret());
    let tenants: Vec<_> = (0..6).map(|_| secret()).collect();
    // What callers send is theirs to see again, and nobody else's.
    let callers: Vec<String> = (90..94).map(canary).collect();
    // The body of a private key: its first and last lines are the same in every key.
    let keys = configs.iter().flat_map(|config| {
        ["/tls/client_key", "/auth_config/key"].map(|place| config.pointer(place)?.as_str()?.lines().nth(2))
    });
    let lines: Vec<_> = keys.flatten().map(str::to_owned).collect();
    assert_eq!(lines.len(), 2);
    secrets.extend(lines);
    assert!(secrets.len() + callers.len() >= 40 && spellings(&canary(1)).len() >= 12);

    let collector = Peer::http(|_| Response::new(Body::Empty)).await;
    let begin = Server::begin()
        .token(TOKEN)
        .env("TRUNKLINE_KEY", &master)
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url())
        .env("RUST_LOG", "trace,hyper=trace,h2=trace,rustls=trace,sqlx=trace,[x]=trace")
        .env("CANARY_ENV", &env)
        .env("CANARY_KEY", &env_key)
        .env("CANARY_HEADER", &header)
        .allow(&peer)
        .arg("--egress-allow")
        .arg(format!("localhost:{}", tls.address().port()))
        .arg("--egress-allow")
        .arg("127.0.0.1:9");
    begin.file("password.txt", &format!("{password}\n"));
    begin.file("user.txt", &format!("{user}\n"));
    let config = json!({"integrations": [{
        "integration_id": "filed", "type": "rest", "base_url": peer.url(),
        "auth_type": "bearer", "auth_config": {"token": in_file},
    }]});
    let file = begin.file("trunkline.yaml", &config.to_string());
    let server = begin.arg("--config").arg(file.display().to_string()).start().await;

    let mut sinks = Sinks::default();
    for config in &configs {
        let answer = server.register(config).await;
        sinks.answer("register", &answer);
        answer.is(201);
    }
    let twice = server.register(&configs[0]).await;
    sinks.answer("a second registration", &twice);
    let mut unknown = configs[0].clone();
    unknown["integration_id"] = "refused".into();
    unknown["api_key"] = json!(refused);
    sinks.answer("a refused registration", &server.register(&unknown).await.is(422));
    for (at, config) in [
        ("/base_url", json!({"base_url": format!("https://u:{}@h", escaped(&in_url))})),
        (
            "/proxy/url",
            json!({"base_url": "https://h", "proxy": {"url": format!("http://u:{}@h", escaped(&in_proxy_url))}}),
        ),
    ] {
        let mut refused = config;
        (refused["integration_id"], refused["type"]) = ("refused".into(), "rest".into());
        sinks.answer(at, &server.register(&refused).await.is(422));
    }
    let stranger = server.with("GET", "/api/v1/integrations/list", &[("trunkline-token", &shown)], "").await;
    sinks.answer("a wrong token", &stranger.is(401));
    let path = "/api/v1/integrations/i0";
    sinks.answer(
        "PATCH",
        &server.json("PATCH", path, &json!({"auth_config": {"key": patched}})).await.is(200),
    );
    let mut whole = configs[1].clone();
    whole["auth_config"]["key"] = json!(extra);
    sinks.answer("PUT", &server.json("PUT", "/api/v1/integrations/i1", &whole).await.is(200));

    let ids: Vec<String> = (0..configs.len()).map(|n| format!("i{n}")).chain(["filed".to_owned()]).collect();
    for id in &ids {
        // What a good answer holds is the caller's; what we make of a bad one is ours.
        server.call(id, &json!({"endpoint": "/ok"})).await;
        for endpoint in ["/refuse", "/text"] {
            let answer =
                server.call(id, &json!({"method": "POST", "endpoint": endpoint, "json": {"a": 1}})).await;
            assert!(answer.headers.contains_key("trunkline-error"), "{answer:?}");
            sinks.answer(&format!("{id} /call {endpoint}"), &answer);
        }
        for endpoint in ["/ok", "/refuse", "/text"] {
            let tested = server.test(id, &json!({"endpoint": endpoint})).await;
            sinks.take(format!("{id} /test {endpoint}"), tested.to_string());
        }
        sinks.take(format!("{id} probe"), server.test(id, &json!({})).await.to_string());
        let query = format!("{id}/proxy/ok?x={}", escaped(&callers[0]));
        server.with("GET", &format!("/api/v1/integrations/{query}"), &[("x-mine", &callers[1])], "").await;
        let own = json!({"endpoint": "/ok", "params": {"x": callers[2]}, "headers": {"X-Mine": callers[3]}});
        server.call(id, &own).await;
        sinks.answer("GET", &server.get(&format!("/api/v1/integrations/{id}")).await.is(200));
        sinks.answer("health", &server.get(&format!("/api/v1/integrations/{id}/health")).await.is(200));
        sinks.ran("trunkline call", &server.cli(&["call", id, "/refuse", "-i"]).await);
    }
    assert!(peer.received().iter().any(|one| one.header("authorization").starts_with("Digest username=")));
    connections(&server, &peer.url(), &tenants, &mut sinks).await;
    assert!(!tls.received().is_empty() && peer.received().len() > ids.len() * 4, "the calls did arrive");
    for path in [
        "/api/v1/integrations/list",
        "/api/v1/integrations/health?details=true",
        "/api/v1/activity?limit=1000",
        "/api/v1/keys",
        "/metrics",
        "/openapi.json",
        "/docs/",
        "/docs/swagger-initializer.js",
        "/docs/problems",
    ] {
        sinks.answer(path, &server.get(path).await.is(200));
    }
    for args in [&["list"][..], &["list", "--json"], &["health"], &["health", "--json"], &["keys", "list"]] {
        sinks.ran("a command", &server.cli(args).await);
    }
    let with = |id: &str, token: &str| {
        json!({"integration_id": id, "type": "rest", "base_url": "https://h", "auth_type": "bearer", "auth_config": {"token": token}}).to_string()
    };
    for (args, input, code) in [
        (&["register", "-"], with("cli", &from_cli), 0),
        (&["register", "-"], with("i0", &from_cli), 2),
        (&["register", "-"], with("cli2", &from_cli).replace("token", "tokn"), 2),
        (&["check", "-"], with("cli", &checked), 0),
        (&["check", "-"], with("cli", &checked).replace('}', ""), 2),
        (&["check", "-"], with("cli", &checked).replace("bearer", "basic"), 2),
    ] {
        sinks.ran("a command with input", &server.cli_with(args, &input).await.is(code));
    }
    // A file that stops being valid while it is watched.
    let mut bad = config.clone();
    bad["integrations"][0]["auth_config"] = json!({"tokn": in_bad_file});
    std::fs::write(&file, bad.to_string()).unwrap();
    server.logs("nothing was changed").await;
    std::fs::write(&file, config.to_string()).unwrap();
    let copy = server.home().join("copy.db");
    let (data, copy) = (server.data().display().to_string(), copy.display().to_string());
    sinks.ran("backup", &Ran::command(&["backup", &copy, "--data", &data], &[], "").await.is(0));
    sinks.take("the backup", std::fs::read(&copy).unwrap());
    for (key, code) in [(&newer, 2), (&master, 0)] {
        let other = server.home().join("other").display().to_string();
        let restored = ["restore", &copy, "--data", &other];
        sinks.ran("restore", &Ran::command(&restored, &[("TRUNKLINE_KEY", key)], "").await.is(code));
    }
    sinks.take("/proc/PID/cmdline", std::fs::read(format!("/proc/{}/cmdline", server.pid())).unwrap());
    // While it runs, the write-ahead log is full; after it ended, the database is.
    files(&server, &mut sinks);
    let server = server.stop().await;
    files(&server, &mut sinks);
    sinks.take("the log", server.log());
    assert!(!collector.received().is_empty(), "traces were exported");
    for export in collector.received() {
        sinks.take("a trace", format!("{:?}", export.headers));
        sinks.take("a trace", export.body);
    }

    let server = server
        .again()
        .token(TOKEN)
        .env("TRUNKLINE_KEY", format!("{newer} {master}"))
        .env("RUST_LOG", "trace")
        .env("CANARY_ENV", &env)
        .env("TRUNKLINE_LOG_FORMAT", "json")
        .allow(&peer)
        .start()
        .await;
    for id in &ids {
        sinks.answer("after a restart", &server.call(id, &json!({"endpoint": "/refuse"})).await);
    }
    let server = server.stop().await;
    sinks.take("the log after a restart", server.log());
    let log = server.log();
    assert!(log.contains("TRACE") || log.contains("DEBUG"), "the log was asked for detail");
    sinks.hold_none_of(&secrets);
    sinks
        .only(&["the log", "/api/v1/activity", "/metrics", "health", "the file", "a trace"])
        .hold_none_of(&callers);
}

/// A connection with a secret in every place that takes one, shown and changed in every way.
async fn connections(server: &Server, url: &str, secrets: &[String], sinks: &mut Sinks) {
    let [key, value, named, patched, put, refused] = secrets else { panic!("six are used") };
    let config = json!({
        "integration_id": "tenants", "type": "rest", "base_url": url, "timeout": 5, "probe": {"endpoint": "/refuse"},
        "headers": {"X-Token": "{{connection.value}}", "X-Plain": "{{connection.some_token}}"},
        "auth_type": "api_key", "auth_config": {"key": "of-nobody"},
    });
    server.has(&config).await;
    let (all, one) =
        ("/api/v1/integrations/tenants/connections", "/api/v1/integrations/tenants/connections/acme");
    let mut tenant = json!({
        "connection": "acme", "auth_config": {"key": key}, "values": {"value": value, "some_token": named},
    });
    sinks.answer("a new connection", &server.post(all, &tenant).await.is(201));
    sinks.answer("a connection that is there", &server.post(all, &tenant).await.is(409));
    let unknown = json!({"connection": "b", "auth_config": {"key": refused, "kye": refused}, "values": {"value": refused}});
    sinks.answer("a refused connection", &server.post(all, &unknown).await.is(422));
    let unknown = json!({"connection": "b", "key": refused});
    sinks.answer("a refused connection", &server.post(all, &unknown).await.is(422));
    for round in 0..3 {
        for endpoint in ["/refuse", "/text"] {
            let answer = server.call("tenants", &json!({"connection": "acme", "endpoint": endpoint})).await;
            assert!(answer.headers.contains_key("trunkline-error"), "{answer:?}");
            sinks.answer(&format!("a connection /call {endpoint}"), &answer);
        }
        for body in [json!({}), json!({"endpoint": "/ok"}), json!({"endpoint": "/text"})] {
            sinks.answer("a connection /test", &server.post(&format!("{one}/test"), &body).await.is(200));
        }
        sinks.answer("health of a connection", &server.get(&format!("{one}/health")).await.is(200));
        sinks.answer("a connection", &server.get(one).await.is(200));
        sinks.answer("connections", &server.get(all).await.is(200));
        for args in [&["connections", "list", "tenants"][..], &["connections", "show", "tenants", "acme"]] {
            sinks.ran("connections", &server.cli(args).await.is(0));
        }
        match round {
            0 => {
                let patch = json!({"auth_config": {"key": patched}});
                sinks.answer("PATCH of a connection", &server.json("PATCH", one, &patch).await.is(200));
            }
            1 => {
                tenant["values"]["value"] = json!(put);
                sinks.answer("PUT of a connection", &server.json("PUT", one, &tenant).await.is(200));
            }
            _ => {}
        }
    }
}

/// A secret as it stands in a URL.
fn escaped(secret: &str) -> String {
    utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()
}

async fn master_key() -> String {
    let server = Server::begin().start().await.stop().await;
    std::fs::read_to_string(server.data().join("trunkline.key")).unwrap().trim().to_owned()
}

fn files(server: &Server, sinks: &mut Sinks) {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(server.data()).unwrap() {
        let path = entry.unwrap().path();
        names.push(path.file_name().unwrap().to_string_lossy().into_owned());
        sinks.take(format!("the file {}", path.display()), std::fs::read(&path).unwrap());
    }
    assert!(
        names.iter().any(|name| name == "trunkline.db") && !names.iter().any(|name| name.ends_with(".key"))
    );
}

#[tokio::test]
async fn a_secret_in_bad_input_is_not_said_back() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let server = Server::beside(&peer).await;
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url()})).await;
    let secret = "hunter2-hunter2";
    let bodies = [
        format!("{{\"integration_id\": \"b\", \"auth_config\": {{\"key\": {secret}}}}}"),
        format!("{{\"key\": \"{secret}\""),
        format!("{{\"key\": \"{secret}\\x\"}}"),
        format!("\"{secret}\""),
        format!("[\"{secret}\"]"),
        secret.to_owned(),
        json!({"integration_id": secret.to_owned() + "/", "type": "rest", "base_url": "https://h"}).to_string(),
        json!({"integration_id": "b", "type": secret, "base_url": "https://h"}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "auth_type": secret}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": format!("https://u:{secret}@h")}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": format!("https://h/?token={secret}")}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "timeout": secret}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "enabled": secret}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "headers": secret}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "headers": {"x": format!("{secret}\n")}}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "auth_config": secret}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "auth_type": "bearer", "auth_config": {"token": [secret]}}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "auth_type": "bearer", "auth_config": {"token": format!("{secret}\r\n")}}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "tls": {"client_key": secret}}).to_string(),
        json!({"integration_id": "b", "type": "rest", "base_url": "https://h", "proxy": {"url": format!("http://u:{secret}@p")}}).to_string(),
        json!({"method": secret.to_owned() + " ", "endpoint": "/"}).to_string(),
        json!({"endpoint": format!("https://u:{secret}@h/")}).to_string(),
        json!({"params": secret}).to_string(),
        json!({"headers": {"authorization": format!("{secret}\n")}}).to_string(),
        json!({"base64": format!("%{secret}")}).to_string(),
        json!({"data": "x", "json": secret}).to_string(),
    ];
    for body in bodies {
        for (method, path) in
            [("POST", "/register"), ("PUT", "/a"), ("PATCH", "/a"), ("POST", "/a/call"), ("POST", "/a/test")]
        {
            let path = format!("/api/v1/integrations{path}");
            let media = [("content-type", "application/json")];
            let answer = server.with(method, &path, &media, body.clone()).await;
            let failed = answer.status.is_client_error() || answer.text().contains("\"status\":\"error\"");
            assert!(failed, "{method} {path} {body}: {answer:?}");
            assert!(!answer.text().contains(secret), "{method} {path} {body}: {answer:?}");
        }
    }
    for path in [
        "/api/v1/activity?limit=hunter2-hunter2",
        "/api/v1/activity?status=hunter2-hunter2",
        "/api/v1/integrations/health?details=hunter2-hunter2",
    ] {
        let answer = server.get(path).await;
        assert!(!answer.text().contains(secret), "{answer:?}");
        answer.problem(422, "invalid_config");
    }
    assert!(!server.log().contains(secret), "{}", server.log());
    assert!(peer.received().is_empty());
}

#[tokio::test]
async fn a_secret_in_a_bad_configuration_file_is_not_said_back() {
    let secret = "hunter2-hunter2";
    let with = |auth: &str| {
        format!(
            "integrations:\n- {{integration_id: a, type: rest, base_url: 'https://h', auth_type: bearer, {auth}}}\n"
        )
    };
    let texts = [
        with(&format!("auth_config: {{token: '{secret}'")),
        with(&format!("auth_config: {{tokn: '{secret}'}}")),
        with(&format!("auth_config: {{token: ['{secret}']}}")),
        with(&format!("auth_config: '{secret}'")),
        with(&format!("auth_config: {{token: \"{secret}\\q\"}}")),
        with(&format!("auth_config: {{token: *{secret}}}")),
        with(&format!("auth_config: {{token: '{secret}'}}, auth_config: {{token: '{secret}'}}")),
        format!("{secret}\n"),
        format!("\t{secret}: [\n"),
        format!("server: {{redis: 'http://:{secret}@h'}}\n"),
    ];
    for text in texts {
        let begin = Server::begin();
        let file = begin.file("trunkline.yaml", &text);
        let ran = begin.arg("--config").arg(file.display().to_string()).refused().await.is(2);
        assert!(!format!("{ran:?}").contains(secret), "{text}: {ran:?}");
        let checked = Ran::command(&["check", "-"], &[], &text).await;
        assert!(!format!("{checked:?}").contains(secret), "{text}: {checked:?}");
    }
}

#[tokio::test]
async fn a_changed_secret_file_is_used_without_a_restart() {
    let peer = Peer::http(|_| Response::new(Body::Empty)).await;
    let peer = Arc::new(peer);
    let begin = Server::begin().allow(&peer);
    let file = begin.file("token.txt", "first-token\n");
    let server = begin.start().await;
    let token = format!("${{file:{}}}", file.display());
    server.has(&json!({"integration_id": "a", "type": "rest", "base_url": peer.url(), "auth_type": "bearer", "auth_config": {"token": token}})).await;
    server.call("a", &json!({})).await.is(200);
    assert_eq!(server.get("/api/v1/integrations/a").await.json()["auth_config"]["token"], token);
    std::fs::write(&file, "second-token\n").unwrap();
    until("the new token", || async {
        server.call("a", &json!({})).await.is(200);
        (peer.received().pop().unwrap().header("authorization") == "Bearer second-token").then_some(())
    })
    .await;
}
