//! Rules that hold for every broker.

mod asking;
mod ending;
mod receiving;
mod sending;

use serde_json::{Value, json};
use trunkline_testkit::Relay;

pub(crate) use self::{asking::*, ending::*, receiving::*, sending::*};
use crate::common::{Client, unique};

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
    /// What it assigns to a message, and what it promises.
    fn assigns() -> [&'static str; 2] {
        ["sequence", "at_least_once"]
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
    /// Whether it knows a repetition by the id of a message.
    fn knows_repetitions() -> bool {
        false
    }
    /// The same behind a relay: where it sends its clients to an address, that is the relay's.
    async fn start_behind(relay: &Relay) -> Option<Self> {
        let broker = Self::start().await?;
        relay.leads_to(place(&broker.url()));
        Some(broker)
    }
}

/// The host and the port in an address.
fn place(url: &str) -> &str {
    let (_, behind) = url.rsplit_once('@').or(url.split_once("//")).unwrap();
    behind.split(['/', '?']).next().unwrap()
}

/// A broker behind a relay, and its address by way of that.
pub(crate) async fn behind<B: Broker>() -> Option<(Relay, B, String)> {
    let relay = Relay::start().await;
    let broker = B::start_behind(&relay).await?;
    let url = broker.url();
    let by_way = url.replace(place(&url), &relay.address().to_string());
    Some((relay, broker, by_way))
}

/// A client with a queue of its own.
pub(crate) async fn client<B: Broker>(further: Value) -> Option<(B, Client, String)> {
    let broker = B::start().await?;
    let (client, queue) = client_at::<B>(&broker.url(), further).await;
    Some((broker, client, queue))
}

/// The same at an address.
pub(crate) async fn client_at<B: Broker>(url: &str, further: Value) -> (Client, String) {
    let queue = unique("orders");
    let mut config = json!({ "declare": B::declare(&queue) });
    config.as_object_mut().unwrap().extend(further.as_object().unwrap().clone());
    let client = Client::of(url, config);
    // What is declared is there once there is a connection.
    client.probe().await.unwrap();
    if !B::keeps_for_those_who_come_later() {
        client.call(&json!({"queue": queue, "receive": {}})).await.unwrap();
    }
    (client, queue)
}

/// What is put aside is kept from now on: where nothing is kept for those who come later, somebody has to be there for it.
pub(crate) async fn keep_aside<B: Broker>(client: &Client, queue: &str) {
    if !B::keeps_for_those_who_come_later() {
        client.call(&json!({"queue": B::aside(queue), "receive": {}})).await.unwrap();
    }
}

/// So many messages, numbered.
pub(crate) fn numbered(count: usize) -> Vec<Value> {
    (0..count).map(|n| json!({ "message": n })).collect()
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
    (@cut $broker:ty: $($rule:ident),+ $(,)?) => {
        $(#[tokio::test]
        async fn $rule() {
            crate::cut::$rule::<$broker>().await;
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
            what_fails_goes_aside_after_five_deliveries_and_its_neighbours_pass,
            whoever_gets_a_message_can_put_it_aside_with_the_reason,
            what_is_sent_back_comes_at_once_though_others_are_held,
            a_stream_has_so_many_unacknowledged_and_gives_back_what_it_had,
            what_comes_for_a_caller_who_is_gone_comes_to_the_next,
            a_reply_that_is_not_taken_to_its_end_takes_no_message_along,
            a_stream_may_acknowledge_by_itself,
            what_waits_for_a_client_who_never_reads_comes_to_the_next,
            everybody_gets_the_answer_to_their_own_request,
            a_late_answer_is_dropped_and_the_next_caller_gets_their_own,
            what_a_request_sets_by_itself_is_refused,
            one_that_was_closed_gives_back_what_was_out_and_begins_nothing,
            a_probe_says_who_answers,
        }
    };
}
