//! Rules that hold for every broker.

use std::time::Duration;

use serde_json::{Value, json};
use trunkline_core::{Kind, Outcome, Transport as _};

use crate::common::{Client, bodies, unique};

/// A broker that runs, and how it is spoken of.
pub(crate) trait Broker: Sized {
    /// Starts it, or finds it; none where it is not installed.
    async fn start() -> Option<Self>;
    /// Its address.
    fn url(&self) -> String;
    /// What has to be declared for a queue of this name.
    fn declare(name: &str) -> Value {
        json!({ name: {} })
    }
    /// What a pull has to say beside how much it wants.
    fn pull(max: u32) -> Value {
        json!({"max": max, "wait": 10})
    }
    /// What whoever listens has to say to share what is kept.
    fn listen() -> Value {
        json!({})
    }
    /// What a service says that reads requests.
    fn serve(max: u32) -> Value {
        Self::pull(max)
    }
    /// Where messages of a queue are put aside.
    fn aside(queue: &str) -> String {
        format!("{queue}.dead")
    }
    /// Whether somebody who comes later gets what was sent before.
    fn keeps_for_those_who_come_later() -> bool {
        true
    }
    /// Where messages can be sent that nobody gets, where the broker says so.
    fn nowhere() -> Option<&'static str> {
        None
    }
}

/// A client with a queue of its own.
pub(crate) async fn client<B: Broker>(further: Value) -> Option<(B, Client, String)> {
    let broker = B::start().await?;
    let queue = unique("orders");
    let mut config = json!({ "declare": B::declare(&queue) });
    config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let client = Client::of(&broker.url(), config);
    // What is declared is there once there is a connection.
    client.probe().await.unwrap();
    if !B::keeps_for_those_who_come_later() {
        for queue in [&queue, &B::aside(&queue)] {
            client.call(&json!({"queue": queue, "receive": {}})).await.unwrap();
        }
    }
    Some((broker, client, queue))
}

/// Somebody who answers, and reads the queue from now on.
async fn service<B: Broker>(broker: &B, client: &Client, queue: &str) -> Client {
    // Once it is connected, what is declared is there.
    client.probe().await.unwrap();
    let service = client.beside(&broker.url(), json!({}));
    if !B::keeps_for_those_who_come_later() {
        let mut pull = B::serve(1);
        pull["wait"] = json!("1ms");
        service.pull_with(queue, pull).await;
    }
    service
}

/// So many messages, numbered.
pub(crate) fn numbered(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "message": n })).collect()
}

pub(crate) async fn a_message_comes_as_it_was_sent<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let headers = json!({"X-Tenant": "acme \u{e4}", "n": "7"});
    let sent = [
        json!({"queue": queue, "message": {"n": 1.00, "s": "\u{e4}\u{1f600}"}, "headers": headers, "message_id": "m-1"}),
        json!({"queue": queue, "text": "plain \u{e4}"}),
        json!({"queue": queue, "base64": "AP/+"}),
        json!({"queue": queue, "text": ""}),
    ];
    for message in &sent {
        let receipt = client.call(message).await.unwrap();
        assert!(receipt["message_id"].is_string(), "{receipt}");
    }
    let came = client.take(&queue, B::pull(10), sent.len()).await;
    assert_eq!(
        bodies(&came),
        [json!({"n": 1.00, "s": "\u{e4}\u{1f600}"}), "plain \u{e4}".into(), "AP/+".into(), "".into()]
    );
    let first = &came[0];
    assert_eq!(first["headers"]["X-Tenant"], "acme \u{e4}", "{first}");
    assert_eq!(first["headers"]["n"], "7", "{first}");
    assert_eq!((&first["message_id"], &first["content_type"]), (&json!("m-1"), &json!("application/json")));
    assert!(came[1]["message_id"].is_string(), "one that nobody names has an id all the same");
}

pub(crate) async fn a_batch_has_a_result_for_each<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let reply = client.call(&json!({"queue": queue, "messages": numbered(500)})).await.unwrap();
    assert_eq!((&reply["published"], &reply["failed"]), (&json!(500), &json!(0)), "{reply}");
    let came = client.take(&queue, B::pull(100), 500).await;
    let mut numbers: Vec<_> = bodies(&came).iter().map(|n| n.as_u64().unwrap()).collect();
    numbers.sort_unstable();
    assert_eq!(numbers, (0..500).collect::<Vec<_>>());
    let Some(nowhere) = B::nowhere() else { return };
    let mixed =
        json!({"queue": queue, "messages": [{"text": "a"}, {"queue": nowhere, "text": "b"}, {"text": "c"}]});
    let reply = client.call(&mixed).await.unwrap();
    assert_eq!((&reply["published"], &reply["failed"]), (&json!(2), &json!(1)), "{reply}");
    assert_eq!(reply["results"][1]["error"]["kind"], "unroutable", "{reply}");
}

pub(crate) async fn what_nobody_gets_is_an_error<B: Broker>() {
    let Some(nowhere) = B::nowhere() else { return };
    let Some((_broker, client, _)) = client::<B>(json!({})).await else { return };
    let error = client.fails(&json!({"queue": nowhere, "text": "lost"})).await;
    assert_eq!((error.kind(), error.outcome()), (Kind::Unroutable, Outcome::Rejected), "{error}");
}

pub(crate) async fn what_is_not_acknowledged_comes_again<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"ack_timeout": "300ms"})).await else { return };
    client.call(&json!({"queue": queue, "message": 1})).await.unwrap();
    let first = client.pull_with(&queue, B::pull(10)).await;
    let again = client.pull_with(&queue, B::pull(10)).await;
    assert_eq!((bodies(&first), bodies(&again)), (vec![json!(1)], vec![json!(1)]));
    assert_eq!(again[0]["redelivered"], true, "{}", again[0]);
    let late = client.fails(&json!({"ack": [first[0]["token"]]})).await;
    assert_eq!(late.kind(), Kind::Rejected, "{late}");
    client.ack(&again).await;
    let none = client.call(&json!({"queue": queue, "receive": {"max": 1}})).await.unwrap();
    assert_eq!(none["messages"], json!([]), "what was acknowledged is gone");
}

pub(crate) async fn what_is_sent_back_too_often_is_put_aside<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"max_deliveries": 3})).await else { return };
    client.call(&json!({"queue": queue, "text": "poison", "headers": {"a": "b"}})).await.unwrap();
    for count in 1..=3 {
        let came = client.pull_with(&queue, B::pull(1)).await;
        assert_eq!(bodies(&came), ["poison"], "delivery {count}");
        let reply = client.call(&json!({"requeue": [came[0]["token"]]})).await.unwrap();
        assert_eq!(reply["settled"], 1, "{reply}");
    }
    client.call(&json!({"queue": queue, "text": "neighbour"})).await.unwrap();
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), ["neighbour"]);
    let dead = client.take(&B::aside(&queue), B::pull(1), 1).await;
    assert_eq!(bodies(&dead), ["poison"]);
    let headers = &dead[0]["headers"];
    assert_eq!(headers["a"], "b", "{headers}");
    assert_eq!(headers["trunkline-dead-letter-queue"], queue.as_str(), "{headers}");
    assert_eq!(headers["trunkline-dead-letter-deliveries"], "3", "{headers}");
}

pub(crate) async fn whoever_gets_a_message_can_put_it_aside_with_the_reason<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(2), 2).await;
    let said = json!({
        "dead_letter": [came[0]["token"]], "reason": "no such customer,\nsays crm\u{1}", "reject": [came[1]["token"]],
    });
    assert_eq!(client.call(&said).await.unwrap()["settled"], 2);
    let dead = client.take(&B::aside(&queue), B::pull(1), 1).await;
    assert_eq!(bodies(&dead), bodies(&came[..1]));
    // A header has one line.
    assert_eq!(dead[0]["headers"]["trunkline-dead-letter-reason"], "no such customer, says crm");
    let none = client.call(&json!({"queue": queue, "receive": {"max": 1}})).await.unwrap();
    assert_eq!(none["messages"], json!([]), "what was rejected is gone");
}

pub(crate) async fn what_is_sent_back_comes_at_once_though_others_are_held<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"ack_timeout": "60s"})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(40)})).await.unwrap();
    let held = client.take_unsettled(&queue, B::pull(40), 40).await;
    client.call(&json!({"requeue": [held[39]["token"]]})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(1), 1).await;
    assert_eq!(bodies(&came), bodies(&held[39..]));
}

/// Where what was read stays, and groups remember how far they have come.
pub(crate) async fn a_group_that_is_new_begins_where_it_is_told<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let group = |group: &str, from: &Value| json!({"max": 10, "wait": "1ms", "group": group, "from": from});
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    assert_eq!(client.pull_with(&queue, group("late", &json!("latest"))).await, [Value::Null; 0]);
    client.call(&json!({"queue": queue, "message": 2})).await.unwrap();
    let all = client.take(&queue, group("all", &json!("earliest")), 3).await;
    assert_eq!(bodies(&all), [0, 1, 2]);
    assert_eq!(bodies(&client.take(&queue, group("late", &json!("latest")), 1).await), [2]);
    assert!(all[1]["timestamp"] != all[2]["timestamp"], "{all:?}");
    let since = client.take(&queue, group("since", &all[2]["timestamp"]), 1).await;
    assert_eq!(bodies(&since), [2]);
    // One that is there goes on where it has come to, whatever is said.
    assert_eq!(client.pull_with(&queue, group("since", &json!("earliest"))).await, [Value::Null; 0]);
}

pub(crate) async fn a_stream_has_so_many_unacknowledged_and_gives_back_what_it_had<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(10)})).await.unwrap();
    let mut listen = json!({"queue": queue, "prefetch": 2});
    listen.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let mut reader = client.listen(&listen).await.unwrap();
    let first = [reader.message().await, reader.message().await];
    let third = tokio::time::timeout(Duration::from_millis(200), reader.next()).await;
    assert!(third.is_err(), "two may be unacknowledged");
    client.ack(&first[..1]).await;
    let third = reader.message().await;
    let second = bodies(&first[1..])[0].clone();
    drop(reader);
    // What was handed out and not acknowledged comes to whoever is next, and nothing else is missing.
    let mut pull = B::pull(10);
    pull.as_object_mut().unwrap().extend(B::listen().as_object().unwrap().clone());
    let came = client.take(&queue, pull, 9).await;
    let mut numbers: Vec<_> = bodies(&came).iter().map(|n| n.as_u64().unwrap()).collect();
    numbers.sort_unstable();
    let done = bodies(&first[..1])[0].as_u64().unwrap();
    assert_eq!(numbers, (0..10).filter(|n| *n != done).collect::<Vec<_>>());
    assert!(numbers.contains(&second.as_u64().unwrap()));
    assert!(numbers.contains(&bodies(&[third])[0].as_u64().unwrap()));
}

/// What was on its way to a caller who went away while they waited is not kept from others for long: nobody has it.
pub(crate) async fn what_comes_for_a_caller_who_is_gone_comes_to_the_next<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({"ack_timeout": "60s"})).await else { return };
    // Joined and waiting, and then gone, in the middle of whatever they do.
    let pull = json!({"queue": queue, "receive": B::pull(10)});
    for wait in [1, 5, 20, 50, 100, 200, 300] {
        let gone = tokio::time::timeout(Duration::from_millis(wait), client.call(&pull)).await;
        assert!(gone.is_err(), "there is nothing yet");
    }
    client.call(&json!({"queue": queue, "messages": numbered(3)})).await.unwrap();
    for wait in [0, 1, 2, 3, 5, 8] {
        if let Ok(came) = tokio::time::timeout(Duration::from_millis(wait), client.call(&pull)).await {
            let came = came.unwrap();
            let tokens: Vec<_> =
                came["messages"].as_array().unwrap().iter().map(|one| &one["token"]).collect();
            client.call(&json!({ "release": tokens })).await.unwrap();
        }
    }
    let mut all = Vec::new();
    let take = async {
        while all.len() < 3 {
            let came = client.pull_with(&queue, B::pull(10)).await;
            for one in &came {
                assert!(one["deliveries"].is_null() || one["deliveries"] == 1, "nobody had it: {one}");
            }
            all.extend(bodies(&came));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), take).await.expect("what nobody has comes to the next");
    all.sort_by_key(Value::to_string);
    assert_eq!(all, [0, 1, 2]);
}

pub(crate) async fn a_stream_may_acknowledge_by_itself<B: Broker>() {
    let Some((_broker, client, queue)) = client::<B>(json!({})).await else { return };
    let mut reader = client.listen(&json!({"queue": queue, "ack": "auto"})).await.unwrap();
    client.call(&json!({"queue": queue, "messages": numbered(100)})).await.unwrap();
    let mut numbers = Vec::new();
    for _ in 0..100 {
        let message = reader.message().await;
        assert!(message.get("token").is_none(), "{message}");
        numbers.push(bodies(&[message])[0].as_u64().unwrap());
    }
    numbers.sort_unstable();
    assert_eq!(numbers, (0..100).collect::<Vec<_>>());
}

pub(crate) async fn everybody_gets_the_answer_to_their_own_request<B: Broker>() {
    let Some((broker, client, queue)) = client::<B>(json!({})).await else { return };
    let service = service(&broker, &client, &queue).await;
    let asks = (0..50).map(|n| {
        let request = json!({"queue": queue, "message": n, "wait_response": true});
        let client = &client;
        async move { (n, client.within(&request, Some(Duration::from_secs(20))).await.unwrap()) }
    });
    let answers = async {
        let mut requests = service.take(&queue, B::serve(50), 50).await;
        requests.reverse();
        for request in &requests {
            let answer = json!({
                "queue": request["reply_to"], "correlation_id": request["correlation_id"], "message": {"to": request["message"]},
            });
            service.call(&answer).await.unwrap();
        }
    };
    let (told, ()) = tokio::join!(futures_util::future::join_all(asks), answers);
    for (n, answer) in told {
        assert_eq!(answer, json!({ "to": n }));
    }
}

pub(crate) async fn a_late_answer_is_dropped_and_the_next_caller_gets_their_own<B: Broker>() {
    let Some((broker, client, queue)) = client::<B>(json!({})).await else { return };
    let service = service(&broker, &client, &queue).await;
    let ask = |n: u32| json!({"queue": queue, "message": n, "wait_response": true});
    let first = client.within(&ask(1), Some(Duration::from_millis(500))).await.unwrap_err();
    assert_eq!((first.kind(), first.outcome()), (Kind::Timeout, Outcome::Unknown), "{first}");
    assert!(first.context().contains(&("delivered", "yes".to_owned())), "{first:?}");
    let answer = |request: &Value| json!({"queue": request["reply_to"], "correlation_id": request["correlation_id"], "message": request["message"]});
    let late = service.take(&queue, B::serve(1), 1).await;
    // Where whoever asked is known to be gone, the broker may say so.
    let _ = service.call(&answer(&late[0])).await;
    let second_ask = ask(2);
    let (told, ()) = tokio::join!(client.within(&second_ask, Some(Duration::from_secs(10))), async {
        let request = service.take(&queue, B::serve(1), 1).await;
        service.call(&answer(&request[0])).await.unwrap();
    });
    assert_eq!(told.unwrap(), 2);
    let late = client.transport.occupancy().unwrap().streams.unwrap().late;
    assert_eq!(late, 1, "what nobody waits for is counted");
}

pub(crate) async fn one_that_was_closed_gives_back_what_was_out_and_begins_nothing<B: Broker>() {
    let Some((broker, client, queue)) = client::<B>(json!({})).await else { return };
    client.call(&json!({"queue": queue, "messages": numbered(2)})).await.unwrap();
    let came = client.take_unsettled(&queue, B::pull(2), 2).await;
    let opened = client.transport.occupancy().unwrap().opened;
    client.transport.close().await;
    for request in [
        json!({"queue": queue, "text": "late"}),
        json!({"queue": queue, "receive": B::pull(1)}),
        json!({"ack": [came[0]["token"]]}),
    ] {
        let error = client.fails(&request).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::ShuttingDown, Outcome::NotSent), "{error}");
    }
    assert_eq!(client.probe().await.unwrap_err().kind(), Kind::ShuttingDown);
    assert_eq!(
        client.listen(&json!({ "queue": queue })).await.err().map(|error| error.kind()),
        Some(Kind::ShuttingDown)
    );
    assert_eq!(client.transport.occupancy().unwrap().opened, opened);
    let next = client.beside(&broker.url(), json!({}));
    let mut again = bodies(&next.take(&queue, B::pull(2), 2).await);
    again.sort_by_key(Value::to_string);
    assert_eq!(again, [0, 1]);
}

pub(crate) async fn a_probe_says_who_answers<B: Broker>() {
    let Some((_broker, client, _)) = client::<B>(json!({})).await else { return };
    assert_eq!(client.probe().await.unwrap().reason, "answered");
}

/// The rules, for a broker.
macro_rules! rules {
    (@trouble $broker:ty: $($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            crate::trouble::$rule::<$broker>().await;
        })+
    };
    (@secure $broker:ty: $($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            crate::secure::$rule::<$broker>().await;
        })+
    };
    (@certificates $broker:ty: $($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            crate::certificates::$rule::<$broker>().await;
        })+
    };
    (@each $broker:ty: $($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            crate::rules::$rule::<$broker>().await;
        })+
    };
    (@one $broker:ty: $($rule:ident),+ $(,)?) => {
        $(
            println!("{}", stringify!($rule));
            crate::rules::$rule::<$broker>().await;
        )+
    };
    ($broker:ty) => {
        rules! { @all each $broker }
    };
    // One test of them all, for a broker that they share.
    (@together $broker:ty) => {
        rules! { @all one $broker }
    };
    (@all $how:ident $broker:ty) => {
        rules! { @$how $broker:
            a_message_comes_as_it_was_sent,
            a_batch_has_a_result_for_each,
            what_nobody_gets_is_an_error,
            what_is_not_acknowledged_comes_again,
            what_is_sent_back_too_often_is_put_aside,
            whoever_gets_a_message_can_put_it_aside_with_the_reason,
            what_is_sent_back_comes_at_once_though_others_are_held,
            a_stream_has_so_many_unacknowledged_and_gives_back_what_it_had,
            what_comes_for_a_caller_who_is_gone_comes_to_the_next,
            a_stream_may_acknowledge_by_itself,
            everybody_gets_the_answer_to_their_own_request,
            a_late_answer_is_dropped_and_the_next_caller_gets_their_own,
            one_that_was_closed_gives_back_what_was_out_and_begins_nothing,
            a_probe_says_who_answers,
        }
    };
}
