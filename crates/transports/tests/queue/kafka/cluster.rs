//! What becomes of messages where a cluster of several brokers is in trouble: a broker goes, leaders move, brokers err.

use std::{
    collections::BTreeMap,
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::Duration,
};

use futures_util::{StreamExt, stream};
use serde_json::{Value, json};
use trunkline_testkit::MockKafka;

use crate::common::{Client, bodies};

const MANY: usize = 10_000;
/// So many of them in one call, and so many calls at once.
const BATCH: usize = 250;
const AT_ONCE: usize = 4;
const PARTITIONS: u32 = 6;

/// What was said of a message: nothing against it, or the outcome of its error.
type Said = Option<String>;

#[tokio::test]
async fn of_ten_thousand_each_is_there_or_was_reported_whichever_broker_goes() {
    let mut kafka = MockKafka::start(3);
    kafka.topic("t", PARTITIONS);
    let lead = |kafka: &mut MockKafka, brokers: [usize; 3]| {
        (0..PARTITIONS).for_each(|n| kafka.leader("t", n, brokers[n as usize % 3]));
    };
    lead(&mut kafka, [1, 2, 3]);
    let client = Client::of(&format!("kafka://{}", kafka.brokers().join(",")), json!({}));
    let settled = AtomicUsize::new(0);
    let send = async |first: usize| {
        let message = |n: usize| json!({"partition": n % PARTITIONS as usize, "message": n});
        let messages: Vec<_> = (first..first + BATCH).map(message).collect();
        let said: Vec<Said> = match client.call(&json!({"queue": "t", "messages": messages})).await {
            Ok(reply) => reply["results"].as_array().unwrap().iter().map(said).collect(),
            Err(error) => vec![Some(json!(error.outcome()).as_str().unwrap().to_owned()); BATCH],
        };
        settled.fetch_add(BATCH, Relaxed);
        (first..).zip(said)
    };
    let sending = stream::iter((0..MANY).step_by(BATCH)).map(send).buffer_unordered(AT_ONCE);
    let sending = sending.flat_map(stream::iter).collect::<BTreeMap<usize, Said>>();
    let trouble = async {
        let part_is_settled = async |part: usize| {
            while settled.load(Relaxed) < MANY * part / 8 {
                tokio::task::yield_now().await;
            }
        };
        let errors =
            ["NOT_LEADER_FOR_PARTITION", "REQUEST_TIMED_OUT", "NOT_ENOUGH_REPLICAS", "KAFKA_STORAGE_ERROR"];
        for (part, error) in (1..).zip(errors) {
            part_is_settled(part).await;
            kafka.error("Produce", error, 3);
        }
        part_is_settled(5).await;
        kafka.down(2);
        lead(&mut kafka, [1, 3, 3]);
        part_is_settled(6).await;
        kafka.up(2);
        lead(&mut kafka, [2, 2, 1]);
        part_is_settled(7).await;
        kafka.error("Produce", "NOT_ENOUGH_REPLICAS_AFTER_APPEND", 3);
        kafka
    };
    let (said, _kafka) = tokio::join!(sending, trouble);
    assert_eq!(said.len(), MANY);

    // Behind all that was sent to a partition, so that what is not there by then is not there.
    for partition in 0..PARTITIONS {
        client.call(&json!({"queue": "t", "partition": partition, "text": "end"})).await.unwrap();
    }
    let mut reader = client.listen(&json!({"queue": "t", "from": "earliest"})).await.unwrap();
    let (mut there, mut ends) = (vec![false; MANY], 0);
    while ends < PARTITIONS {
        match bodies(&[reader.message().await]).remove(0) {
            Value::Number(n) => there[n.as_u64().unwrap() as usize] = true,
            _ => ends += 1,
        }
    }
    let confirmed = said.values().filter(|said| said.is_none()).count();
    assert!(confirmed > MANY * 3 / 4, "{confirmed} were confirmed");
    for (n, said) in said {
        match said.as_deref() {
            None => assert!(there[n], "{n} was confirmed and is not there"),
            Some("unknown") => {}
            Some(outcome) => assert!(!there[n], "{n} was {outcome}, and is there"),
        }
    }
}

/// One broker does not answer: whoever waits no longer hears which messages the others have.
#[tokio::test]
async fn a_batch_that_runs_out_of_time_has_a_result_for_each() {
    let mut kafka = MockKafka::start(2);
    kafka.topic("t", 2);
    (0..2).for_each(|n| kafka.leader("t", n, n as usize + 1));
    let client = Client::of(&format!("kafka://{}", kafka.brokers()[0]), json!({}));
    let message = |n: usize| json!({"partition": n % 2, "message": n});
    let batch = json!({"queue": "t", "messages": (0..4).map(message).collect::<Vec<_>>()});
    client.call(&batch).await.unwrap();
    kafka.slow(2, 60_000);
    let reply = client.within(&batch, Some(Duration::from_secs(2))).await.unwrap();
    assert_eq!((&reply["published"], &reply["failed"]), (&json!(2), &json!(2)), "{reply}");
    for (n, result) in reply["results"].as_array().unwrap().iter().enumerate() {
        let error = result.get("error").map(|error| (error["kind"].as_str(), error["outcome"].as_str()));
        assert_eq!(error, (n % 2 == 1).then_some((Some("timeout"), Some("unknown"))), "{reply}");
    }
}

fn said(result: &Value) -> Said {
    result.get("error").map(|error| error["outcome"].as_str().unwrap().to_owned())
}
