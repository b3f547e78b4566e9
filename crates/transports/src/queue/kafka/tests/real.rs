use super::super::{
    cluster::Cluster,
    compression::Compression,
    fetch::{self, Fetcher},
    producer::{Producer, Settings},
    records::Record,
    target::Target,
};
use crate::queue::net::Net;
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use trunkline_core::{Context, Egress, Profile};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

#[tokio::test]
async fn slice() {
    let Ok(at) = std::env::var("BOOT") else { return };
    let egress = Arc::new(Egress::new(Profile::Lab, &[]).unwrap());
    let target = Target::new(
        Context::new(egress),
        Net::new(None),
        None,
        "trunkline".to_owned(),
        Duration::from_secs(5),
    );
    let (host, port) = at.rsplit_once(':').unwrap();
    let cluster = Cluster::new(target, vec![(host.to_owned(), port.parse().unwrap())], true);
    for compression in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let producer =
            Arc::new(Producer::new(cluster.clone(), Settings { compression, ..Settings::default() }));
        let mut all = Vec::new();
        for i in 0..500 {
            let record = Record {
                key: None,
                value: Some(Bytes::from(format!("hello {i}"))),
                headers: vec![("a".into(), Some("b".into()))],
                timestamp: 1_700_000_000_000,
            };
            all.push(producer.begin("slice", None, record, soon()).await.unwrap());
        }
        for one in all {
            let p = one.placed(soon()).await;
            if let Err(p) = &p {
                println!("{p}");
            }
            p.unwrap();
        }
        let begun = std::time::Instant::now();
        let record = Record { value: Some("x".into()), ..Record::default() };
        println!(
            "{:?} {:?}",
            producer.begin("slice", Some(1), record, soon()).await.unwrap().placed(soon()).await,
            begun.elapsed()
        );
    }
    let mut fetcher = Fetcher::new(cluster.clone(), fetch::Settings::default());
    fetcher.assign((0..3).map(|p| (("slice".to_owned(), p), Some(0))));
    let mut n = 0;
    let end = Instant::now() + Duration::from_secs(3);
    while let Some(read) = fetcher.next(end).await.unwrap() {
        println!("{} {} {:?}", read.partition, read.records.len(), read.records[0]);
        n += read.records.len();
    }
    println!("{n}");
}

use super::super::Kafka;
use crate::queue::{
    address::Address,
    broker::{Broker, Consumer, Fate, Login, Subscription},
    config::Parts,
};
use trunkline_core::{Ack, Message};

#[tokio::test]
async fn through_the_trait() {
    let Ok(at) = std::env::var("BOOT") else { return };
    let topic = format!("t{}", fastrand::u32(..));
    let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
    let declare =
        [(topic.clone(), serde_json::from_value(serde_json::json!({"partitions": 3})).unwrap())].into();
    let parts = Parts {
        address: Address::parse(&format!("kafka://{at}?session_timeout=6s&answers=replies")).unwrap(),
        tls: Default::default(),
        declare,
        max_message: 1 << 20,
    };
    let kafka = Kafka::open(parts).unwrap();
    let link = Arc::new(kafka.connect(&context, &Login::default()).await.unwrap());
    println!("{:?}", kafka.proof(&link).await);
    kafka.prepare(&link, "replies").await.unwrap();
    let messages: Vec<_> = (0..10)
        .map(|n| Message { key: Some(n.to_string()), ..Message::text(&topic, format!("m{n}")) })
        .collect();
    println!("{:?}", kafka.publish(&link, &messages).await);
    println!("{:?}", kafka.schema(&link).await.unwrap());
    let sub = Subscription {
        source: topic.clone(),
        group: Some("g".into()),
        start: None,
        ack: Ack::Explicit,
        prefetch: None,
        hold: Duration::from_secs(5),
    };
    let t = Instant::now();
    let a = kafka.consume(&link, &sub).await.unwrap();
    let mut got = Vec::new();
    while got.len() < 10 {
        got.extend(a.fetch(5, soon()).await.unwrap());
        println!("{} {:?}", got.len(), t.elapsed());
    }
    println!("{:?}", got[0]);
    a.settle(got[0].mark.as_ref().unwrap(), Fate::Requeue).await.unwrap();
    let back = a.fetch(5, soon()).await.unwrap();
    println!("{:?}", back);
    println!("{:?}", kafka.proof(&link).await);
    for one in got.iter().skip(1) {
        a.settle(one.mark.as_ref().unwrap(), Fate::Ack).await.unwrap();
    }
    println!("{:?}", kafka.proof(&link).await);
    for one in back.iter() {
        a.settle(one.mark.as_ref().unwrap(), Fate::Ack).await.unwrap();
    }
    println!("{:?} {:?}", kafka.proof(&link).await, t.elapsed());
    let b = kafka.consume(&link, &sub).await.unwrap();
    println!(
        "b {:?} {:?}",
        b.fetch(5, Instant::now() + Duration::from_secs(15)).await.unwrap().len(),
        t.elapsed()
    );
    for n in 10..40 {
        kafka
            .publish(&link, &[Message { key: Some(n.to_string()), ..Message::text(&topic, format!("m{n}")) }])
            .await
            .remove(0)
            .unwrap();
    }
    let (mut na, mut nb) = (0, 0);
    while na + nb < 30 {
        tokio::select! { got = a.fetch(5, soon()) => na += got.unwrap().len(), got = b.fetch(5, soon()) => nb += got.unwrap().len() };
        println!("{na} {nb} {:?}", t.elapsed());
    }
    drop(b);
    let mut again = 0;
    while again < nb {
        again += a.fetch(5, soon()).await.unwrap().len();
        println!("again {again} {:?}", t.elapsed());
    }
    let mut delivered = false;
    let alone = Subscription { group: None, ..sub };
    let c = kafka.consume(&link, &alone).await.unwrap();
    let request = Message::text(&topic, "ask");
    let asked = kafka.ask(&link, &request, &mut delivered);
    let answer = async {
        let got = c.fetch(1, soon()).await.unwrap().remove(0);
        println!("{got:?}");
        let m = Message {
            correlation_id: got.message.correlation_id,
            ..Message::text(got.message.reply_to.unwrap(), "answer")
        };
        kafka.publish(&link, &[m]).await
    };
    println!("{:?}", tokio::join!(asked, answer));
    println!("{:?}", t.elapsed());
}
