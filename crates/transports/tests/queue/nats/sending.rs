//! What becomes of messages that no stream keeps, and of those that a login may not send.

use serde_json::json;
use tokio::time::{Duration, timeout};
use trunkline_core::{Error, Kind, Outcome};
use trunkline_testkit::{Nats as Server, Options};

use super::Nats;
use crate::{
    common::{Client, unique},
    rules::{Broker, behind, client_at, numbered},
};

/// They are sent once the server has read them: what was written and never arrives may have.
#[tokio::test]
async fn of_many_that_no_stream_keeps_none_is_called_sent_before_the_server_has_read_it() {
    for count in [1, 3000] {
        loop {
            let Some((relay, nats, url)) = behind::<Nats>().await else { return };
            let (client, _) = client_at::<Nats>(&format!("{url}?heartbeat=1"), json!({})).await;
            let other = Client::of(&nats.url(), json!({}));
            let subject = unique("loose");
            let mut reader = other.listen(&json!({ "queue": subject })).await.unwrap();
            // Once it is known that no stream keeps it.
            client.call(&json!({"queue": subject, "text": "before"})).await.unwrap();
            reader.message().await;
            relay.lose_answers();
            let error = client.fails(&json!({"queue": subject, "messages": numbered(count)})).await;
            assert_eq!(error.kind(), Kind::Unavailable, "{error}");
            if error.outcome() == Outcome::NotSent {
                // It was asked once more whether a stream keeps it, as it is each second.
                continue;
            }
            assert_eq!(error.outcome(), Outcome::Unknown, "{error}");
            // What is behind those that the server is waited for was not sent.
            for n in 0..count.min(1000) {
                assert_eq!(reader.message().await["message"], n);
            }
            break;
        }
    }
}

fn forbidden(error: &Error, what: &str) {
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::Rejected), "{error}");
    assert!(error.message().contains(what) && error.message().contains("permissions"), "{error}");
}

/// The server says so by the way, and answers nothing.
#[tokio::test]
async fn a_login_that_may_not_send_or_listen_hears_so_at_once() {
    let users = r#"authorization { users: [
        { user: boss, password: boss }
        { user: clerk, password: clerk, permissions: {
            publish: { deny: ["kept.secret", "loose.secret", "_INBOX.>"] }, subscribe: { deny: ["loose.secret"] }
        } }
        { user: deaf, password: deaf, permissions: { subscribe: { deny: ["_INBOX.>"] } } }
    ] }"#;
    let options = Options { settings: &[users], ..Options::default() };
    let Some(nats) = Server::start_with(options).await else { return };
    let of =
        |user: &str, further| Client::of(&nats.url().replace("//", &format!("//{user}:{user}@")), further);
    of("boss", json!({"declare": {"kept": {"subjects": ["kept.>"]}}})).probe().await.unwrap();
    let clerk = of("clerk", json!({}));
    let all = async {
        for subject in ["kept.secret", "loose.secret"] {
            for wait_response in [false, true] {
                let message = json!({"queue": subject, "message": 1, "wait_response": wait_response});
                forbidden(&clerk.fails(&message).await, subject);
            }
        }
        forbidden(&clerk.listen(&json!({"queue": "loose.secret"})).await.err().unwrap(), "loose.secret");
        // What else is sent arrives, though this login cannot send anything to itself.
        for (subject, guarantee) in [("kept.open", "at_least_once"), ("loose.open", "at_most_once")] {
            let sent = clerk.call(&json!({"queue": subject, "message": 1})).await.unwrap();
            assert_eq!(sent["guarantee"], guarantee, "{subject}");
        }
        let mixed = json!({"queue": "loose.open", "messages": [{"message": 1}, {"queue": "loose.secret", "message": 2}]});
        let reply = clerk.call(&mixed).await.unwrap();
        assert_eq!(reply["results"][0]["guarantee"], "at_most_once", "{reply}");
        assert_eq!(reply["results"][1]["error"]["kind"], "forbidden", "{reply}");
        // Nobody would hear what JetStream answers.
        let error = of("deaf", json!({})).fails(&json!({"queue": "kept.open", "message": 1})).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::NotSent), "{error}");
        assert!(error.message().contains("_INBOX"), "{error}");
    };
    // Who waits for an answer waits for half a minute.
    timeout(Duration::from_secs(25), Box::pin(all)).await.expect("nobody waits for an answer");
}
