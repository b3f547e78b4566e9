//! Schemes that a program brings along, and what probes do with any scheme.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use http::{HeaderMap, StatusCode};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};
use trunkline::{
    ConnectionConfig, Context, Credential, Error, Form, HttpRequest, IntegrationConfig, Kind, MASK, Manager,
    Result, Scheme, Secret, Site, State,
};
use trunkline_testkit::Peer;

use crate::{answer, config, lab};

/// How often the schemes of a test were asked and told, by the word that their configuration has for it.
static SEEN: Mutex<Vec<(String, &str)>> = Mutex::new(Vec::new());

fn seen(word: &str) -> Vec<&'static str> {
    SEEN.lock().unwrap().iter().filter(|(of, _)| of == word).map(|(_, what)| *what).collect()
}

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WordConfig {
    /// What is sent, in clear in a configuration.
    word: String,
    /// Beside it.
    secret: Secret,
    /// Whether it is there from the beginning.
    #[serde(default)]
    at_hand: bool,
}

/// Sends a word as the bearer token; `N` keeps types apart that have the same name.
#[derive(Debug)]
struct Word<const N: usize> {
    config: (String, bool),
    credential: Arc<Credential>,
    asked: AtomicU32,
}

const NAMES: [&str; 3] = ["word", "api_key", "none"];

impl<const N: usize> Scheme for Word<N> {
    const NAME: &'static str = NAMES[N];
    type Config = WordConfig;

    fn open(WordConfig { word, secret, at_hand }: WordConfig, _: &Site) -> Result<Self> {
        if secret.expose()?.is_empty() {
            return Err(Error::invalid("secret: must not be empty"));
        }
        let credential = Arc::new(Credential::new(Form::Bearer(Secret::literal(&*word))));
        Ok(Self { config: (word, at_hand), credential, asked: AtomicU32::new(0) })
    }

    fn at_hand(&self) -> Option<Arc<Credential>> {
        let there = self.config.1 || self.asked.load(Ordering::Relaxed) > 0;
        there.then(|| self.credential.clone())
    }

    async fn credential(&self, _: &Context) -> Result<Option<Arc<Credential>>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        SEEN.lock().unwrap().push((self.config.0.clone(), "asked"));
        Ok(Some(self.credential.clone()))
    }

    async fn rejected(&self, _: &Arc<Credential>, _: &HeaderMap) {
        SEEN.lock().unwrap().push((self.config.0.clone(), "rejected"));
    }

    fn retire(&self) {
        SEEN.lock().unwrap().push((self.config.0.clone(), "retired"));
    }
}

/// An integration of a peer that answers what the authorization header was, or that it was wrong.
fn of(peer: &Peer, id: &str, auth: &Value) -> IntegrationConfig {
    let mut json = json!({
        "integration_id": id, "type": "rest", "base_url": peer.url(), "probe": { "endpoint": "/me" },
    });
    json.as_object_mut().unwrap().extend(auth.as_object().unwrap().clone());
    config(json)
}

async fn peer() -> Peer {
    Peer::http(|request| match request.header("authorization").to_owned() {
        wrong if wrong == "Bearer wrong" => answer(StatusCode::UNAUTHORIZED, ""),
        shown => answer(StatusCode::OK, shown),
    })
    .await
}

async fn told(manager: &Manager, id: &str) -> String {
    manager.call(id, HttpRequest::get("/")).await.unwrap().text().await.unwrap()
}

#[tokio::test]
async fn an_own_scheme_is_an_auth_type_with_a_schema_by_which_it_is_checked_and_masked() {
    let peer = peer().await;
    let manager = lab().scheme::<Word<0>>().build().await.unwrap();
    let auth = |auth: Value| of(&peer, "a", &json!({ "auth_type": "word", "auth_config": auth }));
    for (wrong, says) in [
        (json!({ "word": "w" }), "auth_config: missing field `secret`"),
        (
            json!({ "word": "w", "sekret": "hunter2" }),
            "auth_config: unknown key `sekret`, did you mean `secret`?",
        ),
        (json!({ "word": "w", "secret": "" }), "auth_config: secret: must not be empty"),
    ] {
        let error = manager.register(auth(wrong)).await.unwrap_err();
        assert!(error.message().starts_with(says), "{error}");
    }
    let error = manager.register(of(&peer, "a", &json!({ "auth_type": "wrd" }))).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Unsupported);
    assert!(error.message().contains("did you mean `word`?"), "{error}");

    let registered = manager.register(auth(json!({ "word": "hello", "secret": "hunter2" }))).await.unwrap();
    assert_eq!(told(&manager, "a").await, "Bearer hello");
    let config = registered.handle.config().unwrap();
    assert_eq!(config.masked()["auth_config"], json!({ "word": "hello", "secret": MASK }));
    assert!(!format!("{config:?}").contains("hunter2"));
    let unknown = auth(json!({ "word": "hello", "secret": "hunter2" })).masked();
    assert_eq!(unknown["auth_config"], json!({ "word": MASK, "secret": MASK }), "no manager has it yet");
}

#[tokio::test]
async fn an_own_scheme_takes_the_place_of_what_has_its_name() {
    let peer = peer().await;
    let manager = lab().scheme::<Word<1>>().scheme::<Word<2>>().build().await.unwrap();
    let auth = json!({ "word": "mine", "secret": "hunter2" });
    manager.register(of(&peer, "a", &json!({ "auth_type": "api_key", "auth_config": auth }))).await.unwrap();
    assert_eq!(told(&manager, "a").await, "Bearer mine");
    let masked = manager.get("a").unwrap().config().unwrap().masked();
    assert_eq!(masked["auth_config"], json!({ "word": "mine", "secret": MASK }));
    // `none` is what integrations have that name no other.
    manager.register(of(&peer, "b", &json!({ "auth_config": auth }))).await.unwrap();
    assert_eq!(told(&manager, "b").await, "Bearer mine");
    let basic = json!({ "auth_type": "basic", "auth_config": { "username": "u", "password": "p" } });
    manager.register(of(&peer, "c", &basic)).await.unwrap();
    assert_eq!(told(&manager, "c").await, "Basic dTpw", "others are as they were");
}

#[tokio::test]
async fn a_probe_takes_what_is_at_hand_and_never_tells_of_a_refusal() {
    let peer = peer().await;
    let manager = lab().scheme::<Word<0>>().build().await.unwrap();
    for (id, word, at_hand, probed, state) in [
        ("there", "there", true, &[][..], State::Healthy),
        ("missing", "missing", false, &["asked"], State::Healthy),
        ("wrong", "wrong", true, &[], State::Unhealthy),
    ] {
        let auth = json!({ "word": word, "secret": "s", "at_hand": at_hand });
        manager.register(of(&peer, id, &json!({ "auth_type": "word", "auth_config": auth }))).await.unwrap();
        let handle = manager.get(id).unwrap();
        assert_eq!(manager.health(id).await.unwrap().state, state, "{id}");
        let _ = handle.probe().await;
        assert_eq!(seen(word), probed, "{id}: asked once at most, whatever the answer");
    }
    manager.call("wrong", HttpRequest::get("/")).await.unwrap_err();
    assert_eq!(seen("wrong"), ["asked", "rejected", "asked"], "calls do tell");
}

#[tokio::test]
async fn a_scheme_hears_that_another_configuration_has_taken_its_place() {
    let peer = peer().await;
    let manager = lab().scheme::<Word<0>>().open_connections(1).build().await.unwrap();
    let auth =
        |word: &str| json!({ "auth_type": "word", "auth_config": { "word": word, "secret": "hunter2" } });
    let connection = |name: &str, word: &str| {
        let auth = json!({ "word": word, "secret": "hunter2" });
        ConnectionConfig::from_json(json!({ "connection": name, "auth_config": auth })).unwrap()
    };
    let call = async |name: &str| drop(manager.call_for("a", name, HttpRequest::get("/")).await.unwrap());
    manager.register(of(&peer, "a", &auth("leave-1"))).await.unwrap();
    manager.check(&of(&peer, "a", &auth("leave-1"))).unwrap();
    call("default").await;
    for (name, word) in [("x", "leave-x"), ("y", "leave-y"), ("z", "leave-z")] {
        manager.add_connection("a", connection(name, word)).await.unwrap();
        call(name).await;
    }
    // That others were called meanwhile is no reason.
    for word in ["leave-1", "leave-x", "leave-y", "leave-z"] {
        assert_eq!(seen(word), ["asked"], "{word}");
    }
    manager.replace(of(&peer, "a", &auth("leave-2")), None).await.unwrap();
    assert_eq!(seen("leave-1"), ["asked", "retired"]);
    manager.replace_connection("a", connection("z", "leave-z2"), None).await.unwrap();
    assert_eq!(seen("leave-z"), ["asked", "retired"]);
    call("z").await;
    manager.remove_connection("a", "z", None).await.unwrap();
    assert_eq!(seen("leave-z2"), ["asked", "retired"]);
    manager.remove("a", None).await.unwrap();
    assert_eq!(seen("leave-2"), ["retired"]);
}
