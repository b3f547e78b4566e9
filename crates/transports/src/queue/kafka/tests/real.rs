//! Against brokers and clients that others wrote.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline_core::{Kind, Outcome};
use trunkline_testkit::{Kafka, Librdkafka, MockKafka};

use super::{
    super::{
        cluster::Cluster,
        compression::Compression,
        consume::Consuming,
        fetch::{self, Fetcher, Reset},
        messages::fetch::{EARLIEST, LATEST},
        offsets,
        producer::{Producer, Settings},
        records::Record,
    },
    cluster, in_group,
};
use crate::queue::broker::{Consumer as _, Fate};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(20)
}

fn record(text: String) -> Record {
    Record { value: Some(text.into()), timestamp: 1_700_000_000_000, ..Record::default() }
}

/// Writes so many records one behind the other, and waits for all.
async fn write(producer: &Producer, topic: &str, partition: i32, from: usize, count: usize) {
    let mut tickets = Vec::new();
    for n in from..from + count {
        tickets.push(producer.begin(topic, Some(partition), record(n.to_string()), soon()).await.unwrap());
    }
    for ticket in tickets {
        ticket.placed(soon()).await.unwrap();
    }
}

/// Reads so many records of a partition.
async fn read(fetcher: &mut Fetcher, count: usize) -> Vec<String> {
    let mut all = Vec::new();
    while all.len() < count {
        let Some(read) = fetcher.next(soon()).await.unwrap() else { panic!("{} of {count} came", all.len()) };
        let text = |value: Option<Bytes>| String::from_utf8(value.unwrap_or_default().into()).unwrap();
        all.extend(read.records.into_iter().map(|stored| text(stored.record.value)));
    }
    all
}

fn numbers(range: std::ops::Range<usize>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

fn fetcher(cluster: &std::sync::Arc<Cluster>, topic: &str, offset: i64) -> Fetcher {
    let mut fetcher = Fetcher::new(cluster.clone(), fetch::Settings::default());
    fetcher.begin([((topic.to_owned(), 0), offset)]);
    fetcher
}

#[tokio::test]
async fn records_come_back_as_they_were_written_packed_in_whichever_way() {
    let kafka = Kafka::start().await;
    kafka.topic("t", 1);
    let cluster = cluster(&kafka.address(), None);
    for (round, (_, compression)) in WAYS.into_iter().enumerate() {
        let producer = Producer::new(cluster.clone(), Settings { compression, ..Settings::default() });
        write(&producer, "t", 0, round * 300, 300).await;
    }
    let headers = vec![("a".to_owned(), Some(Bytes::from("1"))), ("a".to_owned(), None)];
    let odd = Record { key: Some("k".into()), value: None, headers, timestamp: 1_700_000_000_001 };
    let producer = Producer::new(cluster.clone(), Settings::default());
    let placed = producer.begin("t", None, odd.clone(), soon()).await.unwrap().placed(soon()).await.unwrap();
    assert_eq!((placed.offset, placed.timestamp), (Some(1500), 1_700_000_000_001));
    let mut fetcher = fetcher(&cluster, "t", 0);
    assert_eq!(read(&mut fetcher, 1501).await[..1500], numbers(0..1500));
    fetcher.seek(&("t".to_owned(), 0), 1500);
    let last = fetcher.next(soon()).await.unwrap().unwrap();
    assert_eq!((&last.records[0].record, last.records[0].offset), (&odd, 1500));
}

#[tokio::test]
async fn where_records_begin_and_end_is_told_and_who_asks_beyond_is_set_back() {
    let mut kafka = MockKafka::start(2);
    kafka.topic("t", 2);
    let cluster = cluster(&kafka.brokers()[0].clone(), None);
    let producer = Producer::new(cluster.clone(), Settings::default());
    write(&producer, "t", 0, 0, 3).await;
    let both = [("t".to_owned(), 0), ("t".to_owned(), 1)];
    let offsets = async |time| {
        let found = offsets::list(&cluster, &both, time, true, soon()).await.unwrap();
        found.into_values().collect::<Vec<_>>()
    };
    assert_eq!((offsets(EARLIEST).await, offsets(LATEST).await), (vec![0, 0], vec![3, 0]));
    let mut beyond = Fetcher::new(
        cluster.clone(),
        fetch::Settings { reset: Reset::Earliest, ..fetch::Settings::default() },
    );
    beyond.begin([(both[0].clone(), 1000)]);
    assert_eq!(read(&mut beyond, 3).await, numbers(0..3));
}

#[tokio::test]
async fn a_broker_that_comes_back_is_read_and_written_on() {
    let mut kafka = Kafka::start_durable().await;
    kafka.topic("t", 1);
    let cluster = cluster(&kafka.address(), None);
    let producer = Producer::new(cluster.clone(), Settings::default());
    write(&producer, "t", 0, 0, 10).await;
    let mut fetcher = fetcher(&cluster, "t", 0);
    assert_eq!(read(&mut fetcher, 10).await, numbers(0..10));
    kafka.kill().await;
    // Once it is noticed that the connection is gone.
    while cluster.any(soon()).await.is_ok() {
        tokio::task::yield_now().await;
    }
    let ticket = producer.begin("t", Some(0), record("lost".to_owned()), soon()).await.unwrap();
    let error = ticket.placed(soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
    assert!(kafka.again().await);
    write(&producer, "t", 0, 10, 10).await;
    loop {
        // It hears of the old connection first.
        match fetcher.next(soon()).await {
            Ok(Some(read)) => {
                assert_eq!(read.records[0].record.value.as_deref(), Some(&b"10"[..]));
                break;
            }
            Ok(None) => panic!("nothing came"),
            Err(error) => assert_eq!(error.kind(), Kind::Unavailable, "{error}"),
        }
    }
}

#[tokio::test]
async fn another_leader_is_found_and_written_to_and_read_from() {
    let mut kafka = MockKafka::start(3);
    kafka.topic("t", 1);
    kafka.leader("t", 0, 1);
    let cluster = cluster(&kafka.brokers()[0].clone(), None);
    let producer = Producer::new(cluster.clone(), Settings::default());
    write(&producer, "t", 0, 0, 10).await;
    let mut fetcher = fetcher(&cluster, "t", 0);
    assert_eq!(read(&mut fetcher, 10).await, numbers(0..10));
    kafka.leader("t", 0, 2);
    write(&producer, "t", 0, 10, 10).await;
    assert_eq!(read(&mut fetcher, 10).await, numbers(10..20));
    // The one that was asked first, and leads nothing, goes away.
    kafka.down(1);
    write(&producer, "t", 0, 20, 10).await;
    assert_eq!(read(&mut fetcher, 10).await, numbers(20..30));
}

#[tokio::test]
async fn what_passes_is_waited_for_and_what_does_not_is_told() {
    let mut kafka = MockKafka::start(1);
    kafka.topic("t", 1);
    let cluster = cluster(&kafka.brokers()[0].clone(), None);
    let producer = Producer::new(cluster.clone(), Settings::default());
    kafka.error("Produce", "NOT_LEADER_FOR_PARTITION", 2);
    write(&producer, "t", 0, 0, 1).await;
    kafka.error("Produce", "TOPIC_AUTHORIZATION_FAILED", 1);
    let ticket = producer.begin("t", Some(0), record("no".to_owned()), soon()).await.unwrap();
    let error = ticket.placed(soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::Rejected), "{error}");
    kafka.error("InitProducerId", "CLUSTER_AUTHORIZATION_FAILED", 1);
    let another = Producer::new(cluster.clone(), Settings::default());
    let ticket = another.begin("t", Some(0), record("no".to_owned()), soon()).await.unwrap();
    let error = ticket.placed(soon()).await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Forbidden, Outcome::NotSent), "{error}");
    kafka.topic_error("t", "TOPIC_AUTHORIZATION_FAILED");
    cluster.refresh();
    let error = cluster.topic("t", soon()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Forbidden, "{error}");
}

const WAYS: [(&str, Compression); 5] = [
    ("none", Compression::None),
    ("gzip", Compression::Gzip),
    ("snappy", Compression::Snappy),
    ("lz4", Compression::Lz4),
    ("zstd", Compression::Zstd),
];

#[tokio::test]
async fn librdkafka_reads_what_is_written_here() {
    let kafka = Kafka::start().await;
    let mut other = Librdkafka::start(&kafka.address());
    let cluster = cluster(&kafka.address(), None);
    for (topic, compression) in WAYS {
        kafka.topic(topic, 1);
        let producer = Producer::new(cluster.clone(), Settings { compression, ..Settings::default() });
        let record = |n: usize| Record {
            key: Some(format!("key {n}").into()),
            headers: vec![("a".to_owned(), Some("1".into())), ("a".to_owned(), None)],
            ..record(n.to_string())
        };
        let mut tickets = Vec::new();
        for n in 0..200 {
            tickets.push(producer.begin(topic, None, record(n), soon()).await.unwrap());
        }
        for ticket in tickets {
            ticket.placed(soon()).await.unwrap();
        }
        let headers = json!([["a", "1"], ["a", null]]);
        let expected = |n: u64| json!([n, 1_700_000_000_000_u64, format!("key {n}"), n.to_string(), headers]);
        assert_eq!(other.read(topic, 200), (0..200).map(expected).collect::<Value>(), "{topic}");
    }
}

#[tokio::test]
async fn what_librdkafka_writes_is_read_here() {
    let kafka = Kafka::start().await;
    let mut other = Librdkafka::start(&kafka.address());
    let cluster = cluster(&kafka.address(), None);
    for (topic, _) in WAYS {
        kafka.topic(topic, 1);
        other.write(topic, topic, 200);
        let mut fetcher = fetcher(&cluster, topic, 0);
        let mut all = Vec::new();
        while all.len() < 200 {
            all.extend(fetcher.next(soon()).await.unwrap().unwrap().records);
        }
        for (n, stored) in all.into_iter().enumerate() {
            let headers = vec![("n".to_owned(), Some(Bytes::from(n.to_string()))), ("n".to_owned(), None)];
            assert_eq!(stored.offset, n as i64);
            assert_eq!(stored.record.key, Some(Bytes::from(format!("key {n}"))));
            assert_eq!(stored.record.value, Some(Bytes::from(n.to_string())));
            assert_eq!(stored.record.headers, headers, "{topic}");
        }
    }
}

#[tokio::test]
async fn a_group_has_members_of_both_kinds() {
    let mut kafka = MockKafka::start(1);
    kafka.topic("t", 4);
    let address = kafka.brokers()[0].clone();
    let cluster = cluster(&address, None);
    let producer = Producer::new(cluster.clone(), Settings::default());
    let ours = Consuming::begin(&cluster, &Arc::default(), &in_group(), Duration::from_secs(6), false)
        .await
        .unwrap();
    let mut other = Librdkafka::start(&address);
    other.join("g", "t");
    let (mut sent, mut seen) = (0, Vec::new());
    let take = async |seen: &mut Vec<String>| {
        for delivery in ours.fetch(100, Instant::now() + Duration::from_millis(500)).await.unwrap() {
            // What the group does not hear because it is sharing out comes again, to one or the other.
            let _ = ours.settle(delivery.mark.as_ref().unwrap(), Fate::Ack).await;
            seen.push(String::from_utf8(delivery.message.body.into()).unwrap());
        }
    };
    // Each has two, and reads them.
    while other.part()["partitions"] != json!([0, 1]) && other.part()["partitions"] != json!([2, 3])
        || other.part()["seen"] == json!([])
        || seen.is_empty()
    {
        for partition in 0..4 {
            write(&producer, "t", partition, sent, 1).await;
            sent += 1;
        }
        take(&mut seen).await;
    }
    let theirs: Vec<String> = serde_json::from_value(other.leave()).unwrap();
    let all = |seen: &[String]| {
        let all: std::collections::BTreeSet<_> = seen.iter().chain(&theirs).cloned().collect();
        all.len()
    };
    while all(&seen) < sent {
        take(&mut seen).await;
    }
    assert_eq!(all(&seen), sent);
}
