use super::super::{
    cluster::Cluster,
    compression::Compression,
    fetch::{self, Fetcher},
    producer::{Producer, Settings},
    records::Record,
    target::Target,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;
use trunkline_core::{Egress, Profile};

fn soon() -> Instant {
    Instant::now() + Duration::from_secs(10)
}

#[tokio::test]
async fn slice() {
    let Ok(at) = std::env::var("BOOT") else { return };
    let egress = Arc::new(Egress::new(Profile::Lab, &[]).unwrap());
    let target = Target::new(trunkline_core::Context::new(egress), None, None, "trunkline".to_owned(), Duration::from_secs(5));
    let (host, port) = at.rsplit_once(':').unwrap();
    let cluster = Cluster::new(target, vec![(host.to_owned(), port.parse().unwrap())], false);
    for compression in
        [Compression::None, Compression::Gzip, Compression::Snappy, Compression::Lz4, Compression::Zstd]
    {
        let producer =
            Arc::new(Producer::new(cluster.clone(), Settings { compression, ..Settings::default() }));
        let mut all = Vec::new();
        for i in 0..500 {
            let producer = producer.clone();
            all.push(tokio::spawn(async move {
                let record = Record {
                    key: None,
                    value: Some(Bytes::from(format!("hello {i}"))),
                    headers: vec![("a".into(), Some("b".into()))],
                    timestamp: 1_700_000_000_000,
                };
                producer.publish("slice", None, record, soon()).await
            }));
        }
        for one in all {
            let p = one.await.unwrap();
            if let Err(p) = &p {
                println!("{p}");
            }
            p.unwrap();
        }
        let begun = std::time::Instant::now();
        let record = Record { value: Some("x".into()), ..Record::default() };
        println!("{:?} {:?}", producer.publish("slice", Some(1), record, soon()).await, begun.elapsed());
    }
    let mut fetcher = Fetcher::new(cluster.clone(), fetch::Settings::default());
    fetcher.assign((0..3).map(|p| (("slice".to_owned(), p), 0)));
    let mut n = 0;
    let end = Instant::now() + Duration::from_secs(3);
    while let Some(read) = fetcher.next(end).await.unwrap() {
        println!("{} {} {:?}", read.partition, read.records.len(), read.records[0]);
        n += read.records.len();
    }
    println!("{n}");
}
