//! What is kept of a grant, through everything that can go wrong between two lines of it.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicBool, AtomicU32, Ordering},
    time::Duration,
};

use tokio::{task::JoinSet, time::timeout};
use trunkline_core::{Consent, ConsentState, Credential, Error, Form, Journal, Kept, Vault};
use zeroize::Zeroizing;

use super::*;

/// What is kept, as if on a disk, and what befalls whoever writes it.
#[derive(Debug, Default)]
struct Disk {
    kept: Mutex<Option<(u64, Vec<u8>)>>,
    writes: AtomicU32,
    /// From this write on nothing is heard any more: before it is done, or after.
    dies_before: Mutex<Option<u32>>,
    dies_after: Mutex<Option<u32>>,
    full: AtomicBool,
    /// What it holds cannot be read.
    spoilt: AtomicBool,
}

impl Disk {
    fn text(&self) -> String {
        let kept = self.kept.lock().unwrap();
        kept.as_ref().map(|(_, document)| String::from_utf8(document.clone()).unwrap()).unwrap_or_default()
    }

    /// The process that wrote it has ended, and another has begun.
    fn restarted(&self) -> Arc<Self> {
        let owner = super::super::keep::Keep::owner();
        let kept = self.kept.lock().unwrap().clone().map(|(at, document)| {
            let text = String::from_utf8(document).unwrap();
            (at, text.replace(owner, "another").into_bytes())
        });
        Arc::new(Self { kept: Mutex::new(kept), ..Self::default() })
    }
}

impl Vault for Disk {
    fn load(&self) -> BoxFuture<'_, Result<Option<Kept>>> {
        let kept = self.kept.lock().unwrap().clone();
        let kept = kept.map(|(generation, document)| Kept {
            generation,
            document: match self.spoilt.load(Ordering::Relaxed) {
                true => Err(Error::new(Kind::Store, "it does not open")),
                false => Ok(Zeroizing::new(document)),
            },
        });
        Box::pin(async { Ok(kept) })
    }

    fn save<'a>(&'a self, expected: Option<u64>, document: &'a [u8]) -> BoxFuture<'a, Result<u64>> {
        Box::pin(async move {
            let write = self.writes.fetch_add(1, Ordering::Relaxed) + 1;
            if self.dies_before.lock().unwrap().is_some_and(|at| at == write) {
                std::future::pending::<()>().await;
            }
            if self.full.load(Ordering::Relaxed) {
                return Err(Error::new(Kind::Store, "the disk is full"));
            }
            let next = {
                let mut kept = self.kept.lock().unwrap();
                if kept.as_ref().map(|(at, _)| *at) != expected {
                    return Err(Error::new(Kind::Conflict, "changed"));
                }
                let next = expected.unwrap_or(0) + 1;
                *kept = Some((next, document.to_vec()));
                next
            };
            if self.dies_after.lock().unwrap().is_some_and(|at| at == write) {
                std::future::pending::<()>().await;
            }
            Ok(next)
        })
    }
}

/// What an authorization server does that rotates refresh tokens and takes each of them once: the number of the one
/// that it takes next, or nothing once a used one was shown.
#[derive(Debug, Default)]
struct Provider {
    valid: Mutex<Option<u32>>,
    asked: AtomicU32,
    /// It acts, and is not heard.
    mute: AtomicBool,
    down: AtomicBool,
    /// It does not answer for so long.
    slow: Mutex<Duration>,
    says: Mutex<Value>,
}

impl Provider {
    fn new() -> Arc<Self> {
        Arc::new(Self { valid: Mutex::new(Some(0)), says: Mutex::new(json!({})), ..Self::default() })
    }

    fn asked(&self) -> u32 {
        self.asked.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Line(Arc<Provider>);

impl Web for Line {
    fn send<'a>(&'a self, _: &'a str, request: HttpRequest) -> BoxFuture<'a, Result<Reply>> {
        Box::pin(async move {
            let provider = &self.0;
            let form = request.body.collect(10_000).await?;
            let form: BTreeMap<_, _> = url::form_urlencoded::parse(&form).into_owned().collect();
            provider.asked.fetch_add(1, Ordering::Relaxed);
            if provider.down.load(Ordering::Relaxed) {
                return Err(Error::new(Kind::Unavailable, "refused").outcome_is(Outcome::NotSent));
            }
            let slow = *provider.slow.lock().unwrap();
            tokio::time::sleep(slow).await;
            let (status, mut answer) = match form
                .get("refresh_token")
                .map(|token| token.parse::<u32>().unwrap())
            {
                Some(shown) => {
                    let mut valid = provider.valid.lock().unwrap();
                    if *valid == Some(shown) {
                        *valid = Some(shown + 1);
                        let next = (shown + 1).to_string();
                        (
                            200,
                            json!({ "access_token": format!("a{next}"), "expires_in": 3600, "refresh_token": next }),
                        )
                    } else {
                        *valid = None;
                        (
                            400,
                            json!({ "error": "invalid_grant", "error_description": format!("used before: {shown}") }),
                        )
                    }
                }
                None => (200, json!({ "access_token": "own", "expires_in": 3600 })),
            };
            if provider.mute.load(Ordering::Relaxed) {
                return Err(Error::new(Kind::Unavailable, "the connection broke off"));
            }
            if status == 200 {
                answer
                    .as_object_mut()
                    .unwrap()
                    .extend(provider.says.lock().unwrap().as_object().unwrap().clone());
                answer.as_object_mut().unwrap().retain(|_, value| !value.is_null());
            }
            let body = answer.to_string().into_bytes();
            Ok(Reply::new(StatusCode::from_u16(status).unwrap(), body))
        })
    }
}

#[derive(Debug, Default)]
struct Notes(Mutex<Vec<(&'static str, Option<Kind>)>>);

impl Journal for Notes {
    fn note(&self, event: &'static str, kind: Option<Kind>) {
        self.0.lock().unwrap().push((event, kind));
    }
}

struct Bench {
    provider: Arc<Provider>,
    disk: Arc<Disk>,
    notes: Arc<Notes>,
    context: Context,
    scheme: OAuth2,
}

impl Bench {
    fn new(provider: &Arc<Provider>, disk: &Arc<Disk>, auth: &Value) -> Self {
        let mut config =
            json!({ "token_url": "https://login.test/token", "client_id": "me", "client_secret": "s" });
        config.as_object_mut().unwrap().extend(auth.as_object().unwrap().clone());
        let notes = Arc::new(Notes::default());
        let site = Site {
            origin: Some("https://api.test".to_owned()),
            vault: Some(disk.clone()),
            journal: Some(notes.clone()),
        };
        let scheme = OAuth2::open(parse::value(config, "auth_config").unwrap(), &site).unwrap();
        let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
        let context = context.with_web(Arc::new(Line(provider.clone())));
        Self { provider: provider.clone(), disk: disk.clone(), notes, context, scheme }
    }

    /// One with a refresh token in its configuration.
    fn pasted(provider: &Arc<Provider>, disk: &Arc<Disk>) -> Self {
        Self::new(provider, disk, &json!({ "grant_type": "refresh_token", "refresh_token": "0" }))
    }

    fn fresh() -> Self {
        Self::pasted(&Provider::new(), &Arc::default())
    }

    async fn credential(&self) -> Result<Arc<Credential>, Error> {
        match self.scheme.ready() {
            Some(credential) => Ok(credential),
            None => self.scheme.credential(&self.context).await.map(Option::unwrap),
        }
    }

    async fn token(&self) -> Result<String, Kind> {
        let credential = self.credential().await.map_err(|error| error.kind())?;
        let Form::Bearer(token) = credential.form() else { panic!("it is a bearer token") };
        Ok(token.expose().unwrap().into_owned())
    }

    async fn state(&self) -> (ConsentState, String) {
        let standing = Consent::standing(&self.scheme).await.unwrap();
        (standing.state, standing.reason.unwrap_or_default())
    }

    /// The service refuses the present token.
    async fn refused(&self) {
        let credential = self.credential().await.unwrap();
        self.scheme.rejected(&credential, &HeaderMap::new()).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rotated_refresh_token_is_kept_before_anybody_has_its_access_token() {
    let bench = Bench::fresh();
    assert_eq!(bench.token().await.as_deref(), Ok("a1"));
    assert!(bench.disk.text().contains(r#""refresh_token":"1""#), "{}", bench.disk.text());
    bench.refused().await;
    assert_eq!(bench.token().await.as_deref(), Ok("a2"));
    assert!(bench.disk.text().contains(r#""refresh_token":"2""#));
    assert_eq!(bench.state().await.0, ConsentState::Connected);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_is_good_is_taken_up_after_a_restart_without_asking() {
    let bench = Bench::fresh();
    bench.token().await.unwrap();
    let after = Bench::pasted(&bench.provider, &bench.disk.restarted());
    assert_eq!((after.token().await.as_deref(), after.provider.asked()), (Ok("a1"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_the_answer_leaves_out_stays() {
    let bench = Bench::fresh();
    *bench.provider.says.lock().unwrap() = json!({ "refresh_token": null });
    bench.token().await.unwrap();
    assert!(bench.disk.text().contains(r#""refresh_token":"0""#), "{}", bench.disk.text());
}

#[tokio::test(start_paused = true)]
async fn whatever_the_moment_of_a_kill_the_next_start_works_or_says_who_is_needed() {
    // The writes of an exchange: that it begins, and what it brought. Each can be the last thing done or not done.
    for (before, after, works) in [
        (Some(1), None, true),
        (None, Some(1), true),
        (Some(2), None, false), // the server has acted, and what it said was in memory alone
        (None, Some(2), true),
    ] {
        let bench = Bench::fresh();
        *bench.disk.dies_before.lock().unwrap() = before;
        *bench.disk.dies_after.lock().unwrap() = after;
        if after == Some(1) {
            *bench.provider.slow.lock().unwrap() = Duration::from_secs(1_000_000);
        }
        assert_eq!(bench.token().await, Err(Kind::Timeout));
        *bench.provider.slow.lock().unwrap() = Duration::ZERO;

        let next = Bench::pasted(&bench.provider, &bench.disk.restarted());
        let asked = next.provider.asked();
        if works {
            assert_eq!(next.token().await.as_deref(), Ok("a1"), "{before:?} {after:?}");
            assert_eq!(next.state().await.0, ConsentState::Connected);
        } else {
            for _ in 0..100 {
                assert_eq!(next.token().await, Err(Kind::NeedsReauth));
            }
            let (state, reason) = next.state().await;
            assert_eq!(state, ConsentState::NeedsReauth);
            assert!(reason.contains("interrupted") && reason.contains("used before"), "{reason}");
        }
        assert!(next.provider.asked() <= asked + 1, "{before:?} {after:?}: it goes on asking");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_withdrawn_needs_a_person_is_noted_once_and_asked_for_no_more() {
    let bench = Bench::fresh();
    *bench.provider.valid.lock().unwrap() = None;
    for _ in 0..1000 {
        let error = bench.credential().await.unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::NeedsReauth, Outcome::NotSent));
        assert!(error.message().contains("invalid_grant (used before"), "{error}");
        tokio::time::advance(Duration::from_secs(7)).await;
    }
    assert_eq!(bench.provider.asked(), 1);
    assert_eq!(*bench.notes.0.lock().unwrap(), [("reauth", Some(Kind::NeedsReauth))]);
    // After a restart nobody is asked either.
    let after = Bench::pasted(&bench.provider, &bench.disk.restarted());
    assert_eq!((after.token().await, after.provider.asked()), (Err(Kind::NeedsReauth), 1));
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_imported_end_that_at_once() {
    let bench = Bench::fresh();
    *bench.provider.valid.lock().unwrap() = None;
    assert_eq!(bench.token().await, Err(Kind::NeedsReauth));
    *bench.provider.valid.lock().unwrap() = Some(7);
    Consent::import(&bench.scheme, &json!({ "refresh_token": "7" })).await.unwrap();
    assert_eq!(bench.token().await.as_deref(), Ok("a8"));
    Consent::import(&bench.scheme, &json!({ "access_token": "theirs", "expires_in": "60" })).await.unwrap();
    assert_eq!(bench.token().await.as_deref(), Ok("theirs"));
    for (tokens, key) in [
        (json!([]), "expected an object"),
        (json!({}), "access_token"),
        (json!({ "access_token": "" }), "access_token"),
        (json!({ "refresh_token": 7 }), "refresh_token"),
        (json!({ "access_token": "t", "expires_in": "soon" }), "expires_in"),
        (json!({ "access_token": "t", "token_type": "mac" }), "access_token"),
    ] {
        let error = Consent::import(&bench.scheme, &tokens).await.unwrap_err();
        assert!(error.message().starts_with(key), "{tokens}: {error}");
    }
    assert_eq!(bench.token().await.as_deref(), Ok("theirs"), "what was there stays");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_down_or_breaks_off_does_not_cost_the_grant() {
    let bench = Bench::fresh();
    bench.provider.down.store(true, Ordering::Relaxed);
    assert_eq!(bench.token().await, Err(Kind::Unavailable));
    bench.provider.down.store(false, Ordering::Relaxed);
    assert_eq!(bench.token().await, Err(Kind::Unavailable), "not before half a minute");
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(bench.token().await.as_deref(), Ok("a1"));

    // It acted, and was not heard: the refresh token that is known is used up, and that is what is said.
    let bench = Bench::fresh();
    bench.provider.mute.store(true, Ordering::Relaxed);
    assert_eq!(bench.token().await, Err(Kind::Unavailable));
    bench.provider.mute.store(false, Ordering::Relaxed);
    tokio::time::advance(Duration::from_secs(31)).await;
    assert_eq!(bench.token().await, Err(Kind::NeedsReauth));
    assert!(bench.state().await.1.contains("interrupted"));
    assert_eq!(bench.provider.asked(), 2);
}

#[tokio::test(start_paused = true)]
async fn tokens_that_cannot_be_stored_are_served_from_memory_and_stored_later_without_another_exchange() {
    let bench = Bench::fresh();
    // The intent is written, and then the disk is full.
    *bench.provider.slow.lock().unwrap() = Duration::from_secs(1);
    let full = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        bench.disk.full.store(true, Ordering::Relaxed);
    };
    let (token, ()) = tokio::join!(bench.token(), full);
    assert_eq!(token.as_deref(), Ok("a1"));
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!((bench.token().await.as_deref(), bench.provider.asked()), (Ok("a1"), 1));
    assert!(
        timeout(Duration::from_secs(5), bench.scheme.close()).await.is_err(),
        "a stop waits for the disk"
    );
    bench.disk.full.store(false, Ordering::Relaxed);
    timeout(Duration::from_secs(60), bench.scheme.close()).await.unwrap();
    assert!(bench.disk.text().contains(r#""refresh_token":"1""#), "{}", bench.disk.text());
    let after = Bench::pasted(&bench.provider, &bench.disk.restarted());
    assert_eq!((after.token().await.as_deref(), after.provider.asked()), (Ok("a1"), 1));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_is_not_exchanged_where_the_next_could_not_be_kept() {
    let bench = Bench::fresh();
    bench.disk.full.store(true, Ordering::Relaxed);
    assert_eq!((bench.token().await, bench.provider.asked()), (Err(Kind::Store), 0));
    // A client's own account has nothing to lose.
    let own = Bench::new(&bench.provider, &bench.disk, &json!({}));
    assert_eq!(own.token().await.as_deref(), Ok("own"));
}

#[tokio::test]
async fn of_three_who_share_what_is_kept_one_asks() {
    let (provider, disk) = (Provider::new(), Arc::<Disk>::default());
    *provider.slow.lock().unwrap() = Duration::from_millis(50);
    let mut all = JoinSet::new();
    for _ in 0..3 {
        let bench = Arc::new(Bench::pasted(&provider, &disk));
        for _ in 0..100 {
            let bench = bench.clone();
            all.spawn(async move { bench.token().await });
        }
    }
    assert!(all.join_all().await.into_iter().all(|token| token.as_deref() == Ok("a1")));
    assert_eq!(provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_was_granted_for_one_service_or_client_is_of_no_use_to_another() {
    let bench = Bench::fresh();
    bench.token().await.unwrap();
    let other = Bench::new(
        &bench.provider,
        &bench.disk,
        &json!({ "grant_type": "authorization_code", "authorization_url": "https://login.test/auth", "client_id": "you" }),
    );
    assert_eq!(other.state().await.0, ConsentState::NotConnected);
    assert_eq!(other.token().await, Err(Kind::NeedsReauth));
    assert_eq!(bench.provider.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_is_new_in_the_configuration_wins_over_what_is_kept() {
    let bench = Bench::fresh();
    bench.token().await.unwrap();
    *bench.provider.valid.lock().unwrap() = Some(40);
    let config = json!({ "grant_type": "refresh_token", "refresh_token": "40" });
    let after = Bench::new(&bench.provider, &bench.disk, &config);
    assert_eq!(after.token().await.as_deref(), Ok("a41"));
}

#[tokio::test(start_paused = true)]
async fn a_browser_comes_back_with_a_code_that_is_exchanged_with_its_verifier() {
    let auth = json!({
        "grant_type": "authorization_code", "authorization_url": "https://login.test/auth?tenant=7",
        "scope": "read", "authorization_params": { "prompt": "consent" },
    });
    let bench = Bench::new(&Provider::new(), &Arc::default(), &auth);
    assert_eq!(bench.token().await, Err(Kind::NeedsReauth));
    let begun = Consent::begin(&bench.scheme, &bench.context, "https://me.test/back", "st").await.unwrap();
    let url = url::Url::parse(&begun.url).unwrap();
    let query: BTreeMap<_, _> = url.query_pairs().into_owned().collect();
    let challenge = super::super::pkce::challenge(&begun.verifier.expose().unwrap());
    for (name, value) in [
        ("tenant", "7"),
        ("response_type", "code"),
        ("client_id", "me"),
        ("redirect_uri", "https://me.test/back"),
        ("scope", "read"),
        ("state", "st"),
        ("code_challenge", &challenge),
        ("code_challenge_method", "S256"),
        ("prompt", "consent"),
    ] {
        assert_eq!(query.get(name).map(String::as_str), Some(value), "{name}");
    }
    let finish = async |answer: Value| {
        let answer = parse::value(answer, "").unwrap();
        Consent::finish(&bench.scheme, &bench.context, &begun, &answer)
            .await
            .map_err(|error| error.to_string())
    };
    let refused =
        finish(json!({ "error": "access_denied", "error_description": "not\ntoday" })).await.unwrap_err();
    assert!(refused.contains("access_denied (nottoday)"), "{refused}");
    assert!(finish(json!({})).await.unwrap_err().contains("no code"));
    assert_eq!(bench.state().await.0, ConsentState::NotConnected);
    finish(json!({ "code": "c" })).await.unwrap();
    assert_eq!(bench.token().await.as_deref(), Ok("own"));
    assert_eq!(
        *bench.notes.0.lock().unwrap(),
        [("connect", Some(Kind::Forbidden)), ("connect", Some(Kind::Rejected)), ("connect", None)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_life_of_nothing_is_asked_about_once_and_then_not_known() {
    let bench = Bench::fresh();
    *bench.provider.says.lock().unwrap() = json!({ "expires_in": 0 });
    assert_eq!((bench.token().await.as_deref(), bench.provider.asked()), (Ok("a2"), 2));
    tokio::time::advance(Duration::from_secs(1_000_000)).await;
    assert_eq!((bench.token().await.as_deref(), bench.provider.asked()), (Ok("a2"), 2));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_while_nothing_ran_costs_one_exchange_at_most() {
    const TWO_HOURS: i64 = 2 * 3600 * 1000;
    for (shift, asks) in [(TWO_HOURS, 1), (-TWO_HOURS, 2)] {
        let bench = Bench::fresh();
        bench.token().await.unwrap();
        let disk = bench.disk.restarted();
        let mut kept: Value = serde_json::from_str(&disk.text()).unwrap();
        kept["issued_at_ms"] = (kept["issued_at_ms"].as_i64().unwrap() + shift).into();
        disk.kept.lock().unwrap().as_mut().unwrap().1 = kept.to_string().into_bytes();
        let after = Bench::pasted(&bench.provider, &disk);
        for _ in 0..100 {
            after.token().await.unwrap();
        }
        assert_eq!(after.provider.asked(), asks, "{shift}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_leaves_out_where_the_service_is_costs_no_token() {
    let auth = json!({ "grant_type": "refresh_token", "refresh_token": "0", "origin_from": "/instance_url" });
    let bench = Bench::new(&Provider::new(), &Arc::default(), &auth);
    *bench.provider.says.lock().unwrap() = json!({ "instance_url": "https://eu.api.test/x" });
    assert_eq!(bench.credential().await.unwrap().origin(), Some("https://eu.api.test"));
    *bench.provider.says.lock().unwrap() = json!({ "instance_url": null });
    bench.refused().await;
    assert_eq!(
        bench.credential().await.unwrap().origin(),
        Some("https://eu.api.test"),
        "as it was said before"
    );
    assert!(bench.disk.text().contains(r#""refresh_token":"2""#), "{}", bench.disk.text());

    // One that never says it is told so, and what it issued is kept all the same.
    let bench = Bench::new(&Provider::new(), &Arc::default(), &auth);
    let error = bench.credential().await.unwrap_err();
    assert!(error.message().starts_with("origin_from: "), "{error}");
    assert!(bench.disk.text().contains(r#""refresh_token":"1""#));
}

#[tokio::test(start_paused = true)]
async fn a_token_is_of_no_use_to_who_asks_for_another() {
    let (provider, disk) = (Provider::new(), Arc::<Disk>::default());
    let asked = async |auth: &Value| {
        let bench = Bench::new(&provider, &disk, auth);
        bench.token().await.unwrap();
        provider.asked()
    };
    assert_eq!(asked(&json!({ "scope": "a" })).await, 1);
    assert_eq!(asked(&json!({ "scope": "a" })).await, 1, "the same is asked for");
    assert_eq!(asked(&json!({ "scope": "b" })).await, 2);
    assert_eq!(asked(&json!({ "scope": "b", "audience": "x" })).await, 3);
    assert_eq!(asked(&json!({ "scope": "b", "params": { "tenant": "7" } })).await, 4);
    // A person's consent is not the client's own account.
    let person =
        json!({ "grant_type": "authorization_code", "authorization_url": "https://login.test/auth" });
    let person = Bench::new(&provider, &disk, &person);
    assert_eq!(person.state().await.0, ConsentState::NotConnected);
    Consent::import(&person.scheme, &json!({ "access_token": "persons" })).await.unwrap();
    assert_eq!(asked(&json!({ "scope": "b" })).await, 5);
}

#[tokio::test(start_paused = true)]
async fn a_token_that_cannot_be_renewed_outlives_a_refusal() {
    let auth = json!({ "grant_type": "authorization_code", "authorization_url": "https://login.test/auth" });
    let bench = Bench::new(&Provider::new(), &Arc::default(), &auth);
    Consent::import(&bench.scheme, &json!({ "access_token": "only" })).await.unwrap();
    let before = bench.credential().await.unwrap();
    bench.refused().await;
    let after = bench.credential().await.unwrap();
    assert!(Arc::ptr_eq(&before, &after), "it is no other one: nobody tries again with it");
    assert_eq!(bench.state().await.0, ConsentState::Connected);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_does_not_keep_a_token_in_use_beyond_its_end() {
    let bench = Bench::fresh();
    bench.token().await.unwrap();
    // Two hours earlier by the clock, an hour later by the one that nobody sets.
    let mut kept: Value = serde_json::from_str(&bench.disk.text()).unwrap();
    kept["issued_at_ms"] = (kept["issued_at_ms"].as_i64().unwrap() + 2 * 3600 * 1000).into();
    bench.disk.kept.lock().unwrap().as_mut().unwrap().1 = kept.to_string().into_bytes();
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!((bench.token().await.as_deref(), bench.provider.asked()), (Ok("a2"), 2));
}

#[tokio::test(start_paused = true)]
async fn a_grant_that_cannot_be_read_is_said_to_be_so_and_can_be_replaced() {
    let bench = Bench::fresh();
    bench.token().await.unwrap();
    let after = Bench::pasted(&bench.provider, &bench.disk.restarted());
    after.disk.spoilt.store(true, Ordering::Relaxed);
    assert_eq!((after.token().await, after.provider.asked()), (Err(Kind::Store), 1));
    Consent::import(&after.scheme, &json!({ "access_token": "theirs" })).await.unwrap();
    after.disk.spoilt.store(false, Ordering::Relaxed);
    assert_eq!(after.token().await.as_deref(), Ok("theirs"));
}

#[tokio::test(start_paused = true)]
async fn a_refresh_token_that_the_server_repeats_is_shown_to_nobody() {
    let provider = Provider::new();
    *provider.valid.lock().unwrap() = None;
    let auth = json!({ "grant_type": "refresh_token", "refresh_token": "471100471" });
    let bench = Bench::new(&provider, &Arc::default(), &auth);
    let error = bench.credential().await.unwrap_err();
    assert!(error.message().contains("used before") && !error.message().contains("471100471"), "{error}");
    assert!(!bench.state().await.1.contains("471100471"));
}
