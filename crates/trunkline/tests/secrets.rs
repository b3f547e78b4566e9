//! No secret comes out anywhere but on the wire: not in what is shown, logged, counted, recorded or
//! stored, in no encoding.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::{
    fmt::Write as _,
    io,
    path::Path,
    sync::{Arc, Mutex, OnceLock},
};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use http::{Response, StatusCode};
use serde_json::{Value, json};
use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};
use trunkline::{
    Body, Egress, Filter, Form, HttpRequest, IntegrationConfig, Manager, Profile, SqliteOptions, SqliteStore,
};
use trunkline_testkit::{Authority, Peer};

/// Everything that this process logs, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Self;
    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

fn log() -> &'static Log {
    static LOG: OnceLock<Log> = OnceLock::new();
    LOG.get_or_init(|| {
        let log = Log::default();
        let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(log.clone());
        // Also takes what is logged through the `log` crate.
        tracing_subscriber::registry().with(layer).init();
        log
    })
}

/// A secret that no encoding leaves as it is.
fn canary(name: &str) -> String {
    format!("cAnArY-{name}-\"7\\%/+=?{name}")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

/// The forms that a secret may take on its way to where it should not be.
fn encodings(secret: &str) -> Vec<String> {
    let bytes = secret.as_bytes();
    let percent = |keep: &dyn Fn(u8) -> bool, upper: bool| {
        bytes.iter().fold(String::new(), |mut out, &byte| {
            let _ = match byte {
                byte if keep(byte) => write!(out, "{}", byte as char),
                byte if upper => write!(out, "%{byte:02X}"),
                byte => write!(out, "%{byte:02x}"),
            };
            out
        })
    };
    let unreserved = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let json = serde_json::to_string(secret).unwrap();
    let mut forms = vec![
        secret.to_owned(),
        percent(&unreserved, true),
        percent(&unreserved, false),
        percent(&|_| false, true),
        hex(bytes),
        hex(bytes).to_uppercase(),
        json.trim_matches('"').to_owned(),
        serde_json::to_string(&json).unwrap().trim_matches('"').to_owned(),
        format!("{bytes:?}").trim_matches(['[', ']']).to_owned(),
    ];
    // Base64 of a text that holds the secret: what it looks like depends on where it begins.
    for engine in [&STANDARD, &URL_SAFE] {
        for start in 0..3 {
            let padded = [&b"\0\0"[..start], bytes].concat();
            let text = engine.encode(&padded);
            // The first and last groups are mixed with what stands around.
            forms.push(text[4..text.len() - 4].to_owned());
        }
    }
    forms
}

/// Panics where `text` holds one of `secrets`.
fn clean(place: &str, text: impl AsRef<[u8]>, secrets: &[String]) {
    let text = String::from_utf8_lossy(text.as_ref());
    for secret in secrets {
        for form in encodings(secret) {
            if let Some(at) = text.find(&form) {
                let around: String = text[at..].chars().take(200).collect();
                panic!("{place} holds {secret}: {around}");
            }
        }
    }
}

#[test]
fn the_search_finds_what_it_is_to_find() {
    let secret = canary("x");
    let hidden = |text: String| std::panic::catch_unwind(|| clean("here", text, &[canary("x")])).is_err();
    for text in [
        format!("a {secret} b"),
        format!("Basic {}", STANDARD.encode(format!("user:{secret}"))),
        format!("Basic {}", STANDARD.encode(format!("us:{secret}!"))),
        format!("Basic {}", URL_SAFE.encode(format!("u:{secret}"))),
        json!({ "a": secret }).to_string(),
        format!("{:?}", json!({ "a": secret }).to_string()),
        hex(secret.as_bytes()),
        format!("{:?}", secret.as_bytes()),
    ] {
        assert!(hidden(text.clone()), "{text}");
    }
    assert!(!hidden("cAnArY".to_owned()));
}

/// One integration for each way to be confidential, and all their secrets.
fn confidential(peer: &Peer, authority: &Authority) -> (Vec<Value>, Vec<String>) {
    let (client_cert, client_key) = authority.client();
    let secret = |name: &str| canary(name);
    let auth = [
        ("header-key", "api_key", json!({ "key": secret("key") })),
        (
            "format-key",
            "api_key",
            json!({
                "key": secret("spelt"), "header": "Authorization", "format": format!("Odd {}", secret("spelt")),
            }),
        ),
        ("query-key", "api_key", json!({ "key": secret("query"), "query": "k" })),
        ("cookie-key", "api_key", json!({ "key": secret("cookie"), "cookie": "sid" })),
        ("user", "basic", json!({ "username": secret("user"), "password": secret("password") })),
        ("token", "bearer", json!({ "token": secret("token") })),
        ("headers", "none", json!({})),
    ];
    let configs = auth.map(|(id, auth_type, auth_config)| {
        json!({
            "integration_id": id, "type": "rest", "base_url": peer.url().replace("http:", "https:"),
            "auth_type": auth_type, "auth_config": auth_config, "timeout": 5,
            "headers": { "X-Auth-Token": secret("x-auth"), "Authorization": secret("own"), "X-Odd": format!("Bearer {}", secret("odd")) },
            "tls": { "ca": authority.pem(), "client_cert": client_cert, "client_key": client_key },
            "probe": { "endpoint": "/me" },
        })
    });
    let mut configs = configs.to_vec();
    configs.push(json!({
        "integration_id": "proxied", "type": "rest", "base_url": "http://192.0.2.1/",
        "proxy": { "url": "http://127.0.0.1:1", "username": "proxy-user", "password": secret("proxy") },
    }));
    let names = [
        "key", "spelt", "query", "cookie", "user", "password", "token", "x-auth", "own", "odd", "proxy",
        "body",
    ];
    let mut secrets: Vec<_> = names.iter().map(|name| canary(name)).collect();
    // A key is known by any of its lines.
    secrets.extend(
        client_key.lines().filter(|line| !line.starts_with("-----") && line.len() > 20).map(str::to_owned),
    );
    (configs, secrets)
}

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

#[tokio::test]
async fn no_secret_is_shown_logged_counted_recorded_or_stored_in_clear() {
    let log = log();
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::new();
    // A service that gives back what it got, in all its answers: at first well, then with errors.
    let peer = Peer::https(
        |request| {
            let status = match request.uri.path() {
                "/refused" => StatusCode::UNAUTHORIZED,
                "/missing" => StatusCode::NOT_FOUND,
                "/broken" => StatusCode::SERVICE_UNAVAILABLE,
                _ => StatusCode::OK,
            };
            let mut response = Response::builder().status(status);
            for (name, value) in &request.headers {
                response = response.header(format!("x-echo-{name}"), value);
            }
            response.body(Body::from(format!("{request:?}"))).unwrap()
        },
        authority.server(true),
    )
    .await;
    let (configs, secrets) = confidential(&peer, &authority);
    let store = SqliteStore::open(dir.path(), SqliteOptions::default()).await.unwrap();
    let egress = Egress::new(Profile::Lab, &["192.0.2.0/24".to_owned()]).unwrap();
    let builder = Manager::builder().egress(egress).store(Arc::new(store));
    clean("Builder", format!("{builder:?}"), &secrets);
    let manager = builder.build().await.unwrap();

    let mut shown = String::new();
    for json in &configs {
        let config = IntegrationConfig::from_json(json.clone()).unwrap();
        let _ = write!(shown, "{config:?} {config:#?} {} {:?}", config.masked(), config.warnings());
        let registered = manager.register(config).await.unwrap();
        let handle = &registered.handle;
        let _ = write!(shown, "{registered:?} {handle:?} {} {}", handle.name(), handle.description());
        let _ = write!(shown, "{:?} {}", handle.config().unwrap(), handle.config().unwrap().masked());
    }
    let _ = write!(shown, "{manager:?} {manager:#?} {:?}", manager.list());
    clean("what is shown", &shown, &secrets);
    assert!(shown.contains("proxy-user") && shown.contains("/me"), "what is no secret is shown");

    let mut said = String::new();
    let mut sent = 0;
    for json in &configs {
        let id = json["integration_id"].as_str().unwrap();
        for endpoint in ["/", "/refused", "/missing", "/broken", "//evil", "/..", "/\u{7f}"] {
            let request = HttpRequest::post(endpoint).param("page", 1).json(&json!({ "a": canary("body") }));
            match manager.call(id, request.unwrap()).await {
                // The reply is the caller's; its Debug is for logs.
                Ok(reply) => {
                    sent += 1;
                    let _ = write!(said, "{:?}", reply.body);
                }
                Err(error) => {
                    sent += usize::from(error.reply().is_some());
                    let mut cause: Option<&dyn std::error::Error> = Some(&error);
                    while let Some(error) = cause {
                        let _ = write!(said, "{error} {error:?} {error:#?}");
                        cause = error.source();
                    }
                    let _ = write!(said, "{:?} {}", error.context(), error.message());
                }
            }
        }
        let _ = write!(said, "{:?}", manager.health(id).await.unwrap());
    }
    let _ = write!(said, "{}", serde_json::to_string(&manager.health_all().await).unwrap());
    clean("errors and health", &said, &secrets);
    assert_eq!(sent, 4 * 7, "{said}");
    let received = peer.received();
    let arrived = format!("{received:?}");
    assert!(arrived.contains("cAnArY"), "they do go out on the wire");

    clean("the metrics", manager.metrics().render(), &secrets);
    let records = manager.activity().query(&Filter { limit: Some(1_000), ..Filter::default() });
    assert_eq!(records.len(), configs.len() * 7);
    clean("activity", format!("{records:?} {}", serde_json::to_string(&records).unwrap()), &secrets);
    manager.close().await;
    let files = files(dir.path());
    assert!(files.len() >= 3);
    for (name, bytes) in files {
        clean(&name, bytes, &secrets);
    }
    let logged = log.0.lock().unwrap().clone();
    assert!(logged.len() > 1_000, "{}", logged.len());
    clean("the log", logged, &secrets);
}

#[test]
fn every_form_of_a_credential_prints_masked() {
    let secret = || trunkline::Secret::new(canary("form"));
    for form in [
        Form::Header { name: http::HeaderName::from_static("x"), value: secret() },
        Form::Query { name: "k".into(), value: secret() },
        Form::Cookie { name: "k".into(), value: secret() },
        Form::Basic { user: "u".into(), password: secret() },
        Form::Bearer(secret()),
    ] {
        let credential = trunkline::Credential::new(form);
        clean("before use", format!("{credential:?}"), &[canary("form")]);
        let header = credential.header().unwrap().cloned();
        clean("after use", format!("{credential:?} {header:?}"), &[canary("form")]);
    }
}

/// Puts the canary in the place of each value of `json`, one after the other, and under a key of its own
/// in each object.
fn spoilt(json: &Value, canary: &Value, out: &mut Vec<Value>, rebuild: &dyn Fn(Value) -> Value) {
    out.push(rebuild(canary.clone()));
    if let Value::Object(fields) = json {
        let mut more = fields.clone();
        more.insert("xyzzy".to_owned(), canary.clone());
        out.push(rebuild(Value::Object(more)));
        for (key, value) in fields {
            spoilt(value, canary, out, &|value| {
                let mut fields = fields.clone();
                fields.insert(key.clone(), value);
                rebuild(Value::Object(fields))
            });
        }
    }
}

#[tokio::test]
async fn what_is_wrong_is_never_echoed() {
    let manager = Manager::builder().build().await.unwrap();
    let whole = json!({
        "integration_id": "a", "name": "n", "description": "d", "type": "rest", "enabled": true,
        "base_url": "https://h/v1", "auth_type": "api_key",
        "auth_config": { "key": "k", "header": "X-K", "format": "{key}" },
        "headers": { "accept": "text/plain" }, "timeout": 3, "attempt_timeout": 2,
        "timeouts": { "connect": 1, "first_byte": 1, "idle": 1 },
        "tls": { "ca": "pem", "client_cert": "pem", "client_key": "pem" },
        "proxy": { "url": "http://p:1", "username": "u", "password": "p" },
        "redirects": "none", "http_version": "auto", "probe": { "method": "GET", "endpoint": "/" },
        "retry_config": { "max_retries": 1, "backoff_factor": 2 },
        "rate_limit": { "requests": 1, "per": 1, "burst": 1, "max_wait": 1 }, "cache_config": { "ttl": 1 },
        "metadata": {},
    });
    let secret = canary("wrong");
    let mut cases = Vec::new();
    for canary in [json!(secret), json!([secret]), json!({ "value": secret }), json!(format!("{secret}\n"))] {
        spoilt(&whole, &canary, &mut cases, &|json| json);
    }
    // Serde quotes numbers too.
    spoilt(&whole, &json!(7_355_608.25), &mut cases, &|json| json);
    let (mut errors, mut configs) = (0, 0);
    for case in &cases {
        let result = match IntegrationConfig::from_json(case.clone()) {
            Err(error) => Err(error),
            Ok(config) => {
                configs += 1;
                manager.check(&config)
            }
        };
        if let Err(error) = result {
            errors += 1;
            let text = format!("{error} {error:?} {:?}", error.context());
            clean(&format!("the error of {case}"), &text, std::slice::from_ref(&secret));
            assert!(!text.contains("7355608"), "{text}");
        }
        // And as text, where it may be cut anywhere.
        let text = case.to_string();
        let cut = &text.as_bytes()[..text.len() - 1];
        let error = IntegrationConfig::from_slice(cut).unwrap_err();
        clean("the error of cut JSON", format!("{error:?}"), std::slice::from_ref(&secret));
    }
    assert!(errors > 150 && configs > 100, "{errors} errors, {configs} configurations");
}
