//! Who is let in: logins, credentials that change, the egress guard.

use std::{error::Error as StdError, time::Duration};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline_core::{Error, Kind, Outcome, Profile};
use trunkline_testkit::{Options, Peer};

use crate::{
    common::{Client, bodies, unique},
    trouble::Mortal,
};

/// A broker that can be told whom to let in.
pub(crate) trait Secure: Mortal {
    /// What its addresses begin with: in clear text, and over TLS.
    const SCHEMES: [&'static str; 2];
    /// A user with all the characters that names of it may have.
    const USER: &'static str = "\u{fc} s@r:/?%#&\"\\";
    /// Whether it lets in nobody who does not log in, and says so.
    const ASKS: bool = true;
    /// Whether all who read log in anew where a connection was lost, and not the client of the broker by itself.
    const ANEW: bool = true;

    /// Starts one; none where it is not installed.
    async fn guarded(options: Options<'_>) -> Option<Self>;

    /// Its port on this machine.
    fn port(&self) -> u16;

    /// What stands behind its address.
    fn params(&self) -> &'static str {
        ""
    }

    /// Its address in clear text or over TLS, with the login that stands in it and the host.
    fn at(&self, secure: bool, login: &str, host: &str) -> String {
        let scheme = Self::SCHEMES[usize::from(secure)];
        format!("{scheme}://{login}{host}:{}{}", self.port(), self.params())
    }
}

/// A password that has to be escaped wherever it is written.
const PASSWORD: &str = "p@ss:w/o r%d#?&\u{e9}\"\\'+%40";
/// So long nothing takes that is refused: less than the three seconds that RabbitMQ has for those it does not want.
const SOON: Duration = Duration::from_millis(2500);

/// A client with a queue of its own.
pub(crate) fn client<B: Secure>(url: &str, tls: Value) -> (Client, String) {
    let queue = unique("sealed");
    let mut config = json!({ "declare": B::declare(&queue) });
    if !tls.is_null() {
        config["tls"] = tls;
    }
    (Client::of(url, config), queue)
}

/// Sends a message, and takes it.
pub(crate) async fn works<B: Secure>((client, queue): &(Client, String)) {
    if !B::keeps_for_those_who_come_later() {
        client.call(&json!({"queue": queue, "receive": {}})).await.unwrap();
    }
    client.call(&json!({"queue": queue, "text": "sealed"})).await.unwrap();
    assert_eq!(bodies(&client.take(queue, B::pull(1), 1).await), ["sealed"]);
}

/// What becomes of whatever can be asked for, each by a client of its own.
pub(crate) async fn each_fails<B: Secure>(made: impl Fn() -> (Client, String)) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut fails = async |what: &str, request: Value| {
        let (client, queue) = made();
        let began = Instant::now();
        let mut request = request;
        request["queue"] = json!(queue);
        let done = match what {
            "probe" => client.probe().await.map(drop),
            "stream" => client.listen(&request).await.map(drop),
            _ => client.call(&request).await.map(drop),
        };
        let error = done.expect_err(what);
        assert!(began.elapsed() < SOON, "{what} took {:?}: {error}", began.elapsed());
        assert_eq!(error.outcome(), Outcome::NotSent, "{what}: {error}");
        errors.push(error);
    };
    fails("publish", json!({"text": "?"})).await;
    fails("batch", json!({"messages": [{"text": "?"}, {"text": "!"}]})).await;
    fails("request", json!({"text": "?", "wait_response": true})).await;
    fails("pull", json!({"receive": B::pull(1)})).await;
    fails("stream", B::listen()).await;
    fails("probe", json!({})).await;
    errors
}

/// All that an error says, and what caused it.
pub(crate) fn all(error: &Error) -> String {
    let mut said = format!("{error} {error:?}");
    let mut cause = error.source();
    while let Some(error) = cause {
        said.push_str(&format!("\n{error} {error:?}"));
        cause = error.source();
    }
    said
}

pub(crate) async fn a_login_that_is_refused_is_told_whatever_is_asked_for<B: Secure>() {
    let users = [("reader", "swordfish")];
    let Some(broker) = B::guarded(Options { users: &users, ..Options::default() }).await else { return };
    let url = |login: &str| broker.at(false, login, "127.0.0.1");
    works::<B>(&client::<B>(&url("reader:swordfish@"), Value::Null)).await;
    for login in ["reader:hunter2@", "somebody:hunter2@"] {
        for error in each_fails::<B>(|| client::<B>(&url(login), Value::Null)).await {
            assert_eq!(error.kind(), Kind::Unauthenticated, "{}", all(&error));
            assert!(error.message().contains("correct base_url or auth_config"), "{error}");
            assert!(!all(&error).contains("hunter2"), "{}", all(&error));
        }
    }
    let brought = || {
        let (client, queue) = client::<B>(&url(""), Value::Null);
        (client.with_logins(&[("reader", "hunter2")]), queue)
    };
    for error in each_fails::<B>(brought).await {
        assert_eq!(error.kind(), Kind::Unauthenticated, "{}", all(&error));
        assert!(!all(&error).contains("hunter2"), "{}", all(&error));
    }
    if B::ASKS {
        for error in each_fails::<B>(|| client::<B>(&broker.at(false, "", "localhost"), Value::Null)).await {
            assert_eq!(error.kind(), Kind::Unauthenticated, "{}", all(&error));
        }
    }
}

pub(crate) async fn a_login_may_have_any_character<B: Secure>() {
    let users = [(B::USER, PASSWORD)];
    let Some(broker) = B::guarded(Options { users: &users, ..Options::default() }).await else { return };
    let (plain, queue) = client::<B>(&broker.at(false, "", "127.0.0.1"), Value::Null);
    works::<B>(&(plain.with_logins(&users), queue)).await;
    let [user, password] = [B::USER, PASSWORD].map(|text| utf8_percent_encode(text, NON_ALPHANUMERIC));
    works::<B>(&client::<B>(&broker.at(false, &format!("{user}:{password}@"), "127.0.0.1"), Value::Null))
        .await;
}

pub(crate) async fn another_credential_makes_another_connection<B: Secure>() {
    let users = [("first", "one"), ("second", "two")];
    let Some(broker) = B::guarded(Options { users: &users, ..Options::default() }).await else { return };
    let (client, queue) = client::<B>(&broker.at(false, "", "127.0.0.1"), Value::Null);
    let made = (client.with_logins(&[users[0], ("first", "hunter2"), users[1]]), queue);
    works::<B>(&made).await;
    let (client, queue) = &made;
    client.logins().next();
    let error = client.fails(&json!({"queue": queue, "text": "?"})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unauthenticated, Outcome::NotSent), "{error}");
    client.logins().next();
    works::<B>(&made).await;
    assert_eq!(trunkline_core::Transport::occupancy(&client.transport).unwrap().opened, 2);
}

pub(crate) async fn whoever_listens_goes_on_with_the_credential_of_the_day<B: Secure>() {
    if !B::ANEW {
        return;
    }
    let users = [("first", "one"), ("second", "two")];
    let Some(mut broker) = B::guarded(Options { users: &users, ..Options::default() }).await else { return };
    let (client, queue) = client::<B>(&broker.at(false, "", "127.0.0.1"), Value::Null);
    let client = client.with_logins(&[users[0], ("first", "hunter2"), users[1]]);
    let mut reader = client.listen(&json!({"queue": queue, "ack": "auto"})).await.unwrap();
    client.logins().next();
    broker.kill().await;
    broker.again().await;
    let (name, data) = reader.next().await.unwrap();
    assert_eq!(name, "reconnected", "{data}");
    assert_eq!(client.logins().refused(), [1], "it is told once, and not of those that were not refused");
    client.call(&json!({"queue": queue, "text": "after"})).await.unwrap();
    assert_eq!(bodies(&[reader.message().await]), ["after"]);
}

pub(crate) async fn nothing_is_dialled_that_the_guard_refuses<B: Secure>() {
    let peer = Peer::raw(|_| async {}).await;
    let address = peer.address().to_string();
    for (scheme, host) in B::SCHEMES.iter().flat_map(|scheme| [(scheme, "127.0.0.1"), (scheme, "localhost")])
    {
        let url = format!("{scheme}://{host}:{}", peer.address().port());
        let strict = || (Client::within_profile(Profile::Strict, &[], &url, json!({})), unique("guarded"));
        for error in each_fails::<B>(strict).await {
            assert_eq!(error.kind(), Kind::Blocked, "{error}");
            assert!(all(&error).contains("egress"), "it says what the operator can do: {error}");
        }
    }
    for profile in [Profile::Guarded, Profile::Strict, Profile::Lab] {
        let url = format!("{}://169.254.169.254:{}", B::SCHEMES[0], peer.address().port());
        let metadata = || (Client::within_profile(profile, &[], &url, json!({})), unique("guarded"));
        for error in each_fails::<B>(metadata).await {
            assert_eq!(error.kind(), Kind::Blocked, "{error}");
        }
    }
    assert_eq!(peer.connections(), 0);
    // Brokers may be on this machine unless the profile says otherwise, and an operator may say that this one is.
    let url = format!("{}://{address}", B::SCHEMES[0]);
    for (profile, allow) in [(Profile::Guarded, vec![]), (Profile::Strict, vec![address.clone()])] {
        let before = peer.connections();
        let error = Client::within_profile(profile, &allow, &url, json!({})).probe().await.unwrap_err();
        assert_ne!(error.kind(), Kind::Blocked, "{error}");
        assert!(peer.connections() > before, "{error}");
    }
}

/// The rules of who is let in, for a broker.
macro_rules! secure {
    ($broker:ty) => {
        rules! { @certificates $broker:
            a_certificate_is_checked_before_anything_is_said,
            who_speaks_in_clear_text_where_tls_is_wanted_is_told,
            a_client_certificate_is_shown_where_it_is_asked_for,
        }
        rules! { @secure $broker:
            a_login_that_is_refused_is_told_whatever_is_asked_for,
            a_login_may_have_any_character,
            another_credential_makes_another_connection,
            whoever_listens_goes_on_with_the_credential_of_the_day,
            nothing_is_dialled_that_the_guard_refuses,
        }
    };
}
