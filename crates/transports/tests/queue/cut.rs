//! What becomes of calls where a connection is lost on the way: cut so that neither side hears of it, or ended in the middle.

use std::{collections::BTreeSet, fs, time::Duration};

use futures_util::future::join_all;
use serde_json::json;
use tokio::time::{Instant, advance, pause, resume, sleep, timeout};
use trunkline_core::{Kind, Outcome, Transport as _};

use crate::{
    common::{Client, bodies, unique},
    rules::{Broker, behind, client_at},
};

/// Lets so much time pass, at once.
pub(crate) async fn pass(time: Duration) {
    pause();
    advance(time).await;
    resume();
}

/// Calls go on over new connections within the time that `often` sets, which stands behind the address; or when `patience`
/// has passed, for what nobody sets.
pub(crate) async fn a_network_that_was_cut_is_noticed<B: Broker>(often: &str, patience: Duration) {
    let Some((relay, _broker, url)) = behind::<B>().await else { return };
    let mark = if url.contains('?') { '&' } else { '?' };
    let url = if often.is_empty() { url } else { format!("{url}{mark}{often}") };
    let (client, queue) = client_at::<B>(&url, json!({})).await;
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), ["before"]);
    let before = relay.connections();
    relay.cut();
    let mut pull = B::pull(1);
    pull["wait"] = json!(1);
    let pull = json!({"queue": queue, "receive": pull});
    let after = json!({"queue": queue, "message": "after"});
    let all = async {
        while client.call(&after).await.is_err() {}
        // What was acknowledged on the way that was cut may come again.
        while client.call(&pull).await.unwrap_or_default()["messages"][0]["message"] != "after" {}
    };
    // Whoever sent something that was lost waits for it.
    let passes = async {
        loop {
            relay.loses().await;
            pass(patience).await;
        }
    };
    let noticed = Box::pin(async {
        tokio::select! {
            () = all => {}
            () = passes, if !patience.is_zero() => {}
        }
    });
    // Of a clock that is put forward more passes.
    timeout(Duration::from_secs(60) + 20 * patience, noticed).await.expect("it was noticed");
    assert!(relay.connections() > before);
}

/// What was under way when the connection was lost may have arrived, and goes out under the same id when it is sent again.
pub(crate) async fn a_message_whose_confirm_was_lost_has_the_same_id_on_the_retry<B: Broker>() {
    let Some((relay, broker, url)) = behind::<B>().await else { return };
    let (first, queue) = client_at::<B>(&url, json!({})).await;
    first.transport.close().await;
    // What it sends is read another way.
    let (client, other) = (first.beside(&url, json!({})), first.beside(&broker.url(), json!({})));
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    assert_eq!(bodies(&other.take(&queue, B::pull(1), 1).await), ["before"]);

    relay.lose_answers();
    let mut call = client.prepare(&json!({"queue": queue, "message": 1})).await;
    let (first, came) = tokio::join!(client.attempt(&mut call), async {
        let came = other.take(&queue, B::pull(1), 1).await;
        relay.hang_up();
        came
    });
    let error = first.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
    // It has arrived, and is sent again.
    let sent = client.attempt(&mut call).await.unwrap();
    assert_eq!(came[0]["message_id"], sent["message_id"]);
    if B::knows_repetitions() {
        assert_eq!(sent["duplicate"], true, "{sent}");
    } else {
        let again = other.take(&queue, B::pull(1), 1).await;
        assert_eq!((&again[0]["message_id"], &again[0]["message"]), (&sent["message_id"], &json!(1)));
    }
    client.call(&json!({"queue": queue, "message": "after"})).await.unwrap();
    assert_eq!(bodies(&other.take(&queue, B::pull(2), 1).await), ["after"]);
}

/// What a broker did not hear comes again, whatever its client could know of that: the error of one that answers to
/// acknowledgements says so. After `patience` who waits for the answer gives up.
pub(crate) async fn an_acknowledgement_that_is_lost_on_the_way_loses_no_message<B: Broker>(
    answers: bool,
    patience: Duration,
) {
    let Some((relay, _broker, url)) = behind::<B>().await else { return };
    let (client, queue) = client_at::<B>(&url, json!({})).await;
    client.call(&json!({"queue": queue, "message": 1})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(1), 1).await;
    relay.cut();
    let mut ack = client.prepare(&json!({"ack": [came[0]["token"]]})).await;
    let ((), settled) = tokio::join!(
        async {
            relay.loses().await;
            relay.refuse(true);
            let before = relay.connections();
            relay.hang_up();
            if !patience.is_zero() {
                // It looks for the broker once more.
                while relay.connections() == before {
                    tokio::task::yield_now().await;
                }
                pass(patience).await;
            }
        },
        client.attempt(&mut ack)
    );
    assert!(settled.is_err() || !answers, "the broker has not heard it: {settled:?}");
    if let Err(error) = settled {
        assert!(matches!(error.outcome(), Outcome::NotSent | Outcome::Unknown), "{error:?}");
        assert!(error.is_lasting(), "its token is spent: another attempt changes nothing");
    }
    relay.refuse(false);
    let pull = json!({"queue": queue, "receive": B::pull(1)});
    let again = async {
        loop {
            match client.call(&pull).await {
                Ok(came) if came["messages"][0]["message"] == 1 => break,
                Ok(_) | Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    timeout(Duration::from_secs(60), again).await.expect("it comes again");
}

/// What was sent meanwhile comes, and nothing a second time: whether there was anything before or not.
pub(crate) async fn whoever_reads_alone_goes_on_behind_what_they_had<B: Broker>() {
    let Some((relay, broker, url)) = behind::<B>().await else { return };
    let (client, queue) = client_at::<B>(&url, json!({})).await;
    let other = Client::of(&broker.url(), json!({}));
    let send = async |n: usize| other.call(&json!({"queue": queue, "message": n})).await.unwrap();
    send(0).await;
    send(1).await;
    let mut whole = client.listen(&json!({"queue": queue, "from": "earliest"})).await.unwrap();
    assert_eq!(bodies(&[whole.message().await, whole.message().await]), [0, 1]);
    let mut rest = client.listen(&json!({ "queue": queue })).await.unwrap();
    for n in 2..5 {
        relay.refuse(true);
        relay.hang_up();
        while client.probe().await.is_ok() {}
        send(n).await;
        relay.refuse(false);
        for reader in [&mut whole, &mut rest] {
            let mut next = reader.next().await.unwrap();
            while next.0 == "reconnected" {
                next = reader.next().await.unwrap();
            }
            assert_eq!((&*next.0, bodies(&[next.1])), ("message", vec![json!(n)]));
        }
    }
}

/// Each message of a batch has what was known of it when the time was over: those that are there, those that may be, and those
/// that were not sent. The client hears so many bytes of what the broker says of it.
pub(crate) async fn a_batch_that_runs_out_of_time_has_a_result_for_each<B: Broker>(heard: usize) {
    const MANY: usize = 5000;
    let Some((relay, broker, url)) = behind::<B>().await else { return };
    let (client, queue) = client_at::<B>(&url, json!({})).await;
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), ["before"]);
    relay.lose_answers_after(heard);
    let messages: Vec<_> = (0..MANY).map(|n| json!({ "message": n })).collect();
    let batch = json!({"queue": queue, "messages": messages});
    let reply = client.within(&batch, Some(Duration::from_secs(3))).await.unwrap();
    let (mut published, mut outcomes) = (BTreeSet::new(), BTreeSet::new());
    for (n, result) in reply["results"].as_array().unwrap().iter().enumerate() {
        match result.get("error") {
            None => drop(published.insert(n as u64)),
            Some(error) => {
                assert_eq!(error["kind"], "timeout", "{error}");
                outcomes.insert(error["outcome"].as_str().unwrap().to_owned());
            }
        }
    }
    assert_eq!(outcomes, ["not_sent".to_owned(), "unknown".to_owned()].into());
    assert!(!published.is_empty(), "none was heard of");
    assert_eq!(reply["failed"], MANY - published.len());
    let other = Client::of(&broker.url(), json!({}));
    while !published.is_empty() {
        for n in bodies(&other.take(&queue, B::pull(1000), 1).await) {
            published.remove(&n.as_u64().unwrap());
        }
    }
}

/// Reading needs a connection of its own, beside the one that is there: that is not looked for with each pull.
pub(crate) async fn who_cannot_get_a_connection_to_read_looks_for_it_seldom<B: Broker>() {
    let Some((relay, _broker, url)) = behind::<B>().await else { return };
    let queue = unique("orders");
    let client = Client::of(&url, json!({ "declare": B::declare(&queue) }));
    client.probe().await.unwrap();
    relay.refuse(true);
    let pull = json!({"queue": queue, "receive": {"max": 1}});
    let error = client.fails(&pull).await;
    assert_eq!(error.kind(), Kind::Unavailable, "{error}");
    let before = relay.connections();
    for attempt in join_all((0..500).map(|_| client.call(&pull))).await {
        assert_eq!(attempt.unwrap_err().kind(), Kind::Unavailable);
    }
    let attempts = relay.connections() - before;
    // Pauses begin small, and those who ask later may try again.
    assert!((1..=20).contains(&attempts), "{attempts} attempts");
    assert_eq!(client.transport.occupancy().unwrap().opened, 1, "the other one is there");
    relay.refuse(false);
    let again = async { while client.call(&pull).await.is_err() {} };
    timeout(Duration::from_secs(60), again).await.expect("it goes on");
}

/// So long the broker is not there.
const DOWN: Duration = Duration::from_secs(600);
/// Pauses grow to half a minute, and are a quarter of a minute on average: so it is tried some fifty times.
const ATTEMPTS: usize = 120;
/// Who would have to wait longer hears so at once; and an attempt may take so long.
const FAST: Duration = Duration::from_secs(5 + 5 + 1);
/// How long each message is that cannot be sent.
const LONG: usize = 256 << 10;

/// Whoever sends meanwhile hears so soon, whoever reads goes on afterwards, and nothing is kept for later.
pub(crate) async fn while_a_broker_is_down_attempts_are_few_and_nothing_is_kept<B: Broker>() {
    let Some((relay, _broker, url)) = behind::<B>().await else { return };
    let (client, queue) = client_at::<B>(&url, json!({})).await;
    let mut listen = json!({"queue": queue, "ack": "auto"});
    listen.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let mut reader = client.listen(&listen).await.unwrap();
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    assert_eq!(bodies(&[reader.message().await]), ["before"]);
    // Whoever pulled is there for a while, too.
    let came = client.pull_with(&queue, json!({"max": 1, "wait": "1ms"})).await;
    if !came.is_empty() {
        client.ack(&came).await;
    }

    relay.refuse(true);
    relay.hang_up();
    while client.probe().await.is_ok() {}
    let publish = json!({"queue": queue, "text": "x".repeat(LONG)});
    while client.call(&publish).await.err().map(|error| error.outcome()) != Some(Outcome::NotSent) {}
    let (before, memory) = (relay.connections(), self::memory());
    pause();
    let (began, mut calls) = (Instant::now(), 0);
    while began.elapsed() < DOWN {
        let asked = Instant::now();
        let error = client.fails(&publish).await;
        assert_eq!(error.outcome(), Outcome::NotSent, "{error}");
        assert!(asked.elapsed() <= FAST, "it took {:?}: {error}", asked.elapsed());
        calls += 1;
        sleep(Duration::from_secs(1)).await;
    }
    let attempts = relay.connections() - before;
    assert!((10..=ATTEMPTS).contains(&attempts), "{attempts} attempts in {:?}", began.elapsed());
    let (sent, grown) = (calls * LONG, self::memory().saturating_sub(memory));
    assert!(grown < sent / 2, "{calls} messages were not sent, and {grown} bytes are kept");
    let messages = client.transport.occupancy().unwrap().messages.unwrap();
    assert_eq!((messages.in_flight, messages.unacknowledged), (0, 0));

    relay.refuse(false);
    // The longest pause.
    advance(Duration::from_secs(30)).await;
    resume();
    let after = json!({"queue": queue, "message": "after"});
    let again = async {
        while client.call(&after).await.is_err() {}
        loop {
            match reader.next().await.unwrap() {
                (name, _) if name == "reconnected" => {
                    // Who kept nothing for those who were away sends it once more.
                    client.call(&after).await.unwrap();
                }
                (name, message) => {
                    assert_eq!(name, "message", "{message}");
                    if bodies(&[message]) == ["after"] {
                        break;
                    }
                }
            }
        }
    };
    timeout(Duration::from_secs(60), again).await.expect("it goes on");
}

/// How much memory this process has, in bytes (proc(5)).
fn memory() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<usize>().unwrap() * 4096
}

/// The rules of lost connections, for a broker.
macro_rules! cut {
    ($broker:ty) => {
        rules! { @cut $broker:
            a_message_whose_confirm_was_lost_has_the_same_id_on_the_retry,
            while_a_broker_is_down_attempts_are_few_and_nothing_is_kept,
        }
    };
}
