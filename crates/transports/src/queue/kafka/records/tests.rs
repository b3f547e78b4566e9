//! Batches as another implementation reads and writes them.

use bytes::Bytes;
use kafka_protocol::{
    protocol::StrBytes,
    records::{
        self as theirs, NO_PARTITION_LEADER_EPOCH, RecordBatchDecoder, RecordBatchEncoder,
        RecordEncodeOptions, TimestampType,
    },
};

use super::*;

fn sample(count: usize) -> Vec<Record> {
    let record = |at: usize| Record {
        key: at.is_multiple_of(2).then(|| Bytes::from(format!("key {at}"))),
        value: (at % 3 != 2).then(|| Bytes::from("value ".repeat(at * 10))),
        headers: (0..at % 4).map(|at| (format!("h{at}"), (at != 1).then(|| Bytes::from("x")))).collect(),
        timestamp: 1_700_000_000_000 + 40 * at as i64 - (at as i64 % 5) * 100,
    };
    (0..count).map(record).collect()
}

fn theirs_of(record: &Record, offset: i64) -> theirs::Record {
    theirs::Record {
        transactional: false,
        control: false,
        delete_horizon: false,
        partition_leader_epoch: NO_PARTITION_LEADER_EPOCH,
        producer_id: 7,
        producer_epoch: 1,
        timestamp_type: TimestampType::Creation,
        offset,
        sequence: 100 + offset as i32,
        timestamp: record.timestamp,
        key: record.key.clone(),
        value: record.value.clone(),
        headers: record
            .headers
            .iter()
            .map(|(name, value)| (StrBytes::from_string(name.clone()), value.clone()))
            .collect(),
    }
}

#[test]
fn what_is_written_is_read_by_another_implementation() {
    let records = sample(50);
    let mut batch = write(records.iter(), Compression::None).unwrap();
    assert!(batch.len() <= HEAD + records.iter().map(Record::size).sum::<usize>());
    // A stamp replaces the one before it.
    stamp(&mut batch, Stamp { id: 1, epoch: 0, sequence: 0 });
    stamp(&mut batch, Stamp { id: 7, epoch: 1, sequence: 100 });
    let read = RecordBatchDecoder::decode(&mut batch.freeze()).unwrap();
    let expected: Vec<_> =
        records.iter().zip(0..).map(|(record, offset)| theirs_of(record, offset)).collect();
    assert_eq!(format!("{:?}", read.records), format!("{expected:?}"));
}

#[test]
fn what_another_implementation_writes_is_read() {
    let records = sample(50);
    let written: Vec<_> =
        records.iter().zip(1000..).map(|(record, offset)| theirs_of(record, offset)).collect();
    let mut bytes = bytes::BytesMut::new();
    let options = RecordEncodeOptions { version: 2, compression: theirs::Compression::None };
    RecordBatchEncoder::encode(&mut bytes, &written, &options).unwrap();
    let mut batches = Batches::new(bytes.freeze(), Vec::new());
    let (mut read, mut next) = (Vec::new(), 1010);
    while let Some((mut records, then)) = batches.next(next).unwrap() {
        read.append(&mut records);
        next = then;
    }
    assert_eq!((read[0].offset, next), (1010, 1050), "a batch is read from the middle on");
    let read: Vec<_> = read.into_iter().map(|stored| stored.record).collect();
    assert_eq!(read, records[10..]);
}

#[test]
fn a_batch_that_is_cut_off_is_left_for_the_next_time_and_a_damaged_one_is_an_error() {
    for way in [Compression::None, Compression::Zstd] {
        let records = sample(3);
        let mut batch = write(records.iter(), way).unwrap();
        stamp(&mut batch, Stamp { id: 7, epoch: 1, sequence: 0 });
        let whole = batch.freeze();
        let two = Bytes::from([&whole[..], &whole[..whole.len() - 1]].concat());
        let mut batches = Batches::new(two, Vec::new());
        assert_eq!(batches.next(0).unwrap().map(|(records, next)| (records.len(), next)), Some((3, 3)));
        assert_eq!(batches.next(3).unwrap(), None);
        let mut bent = whole.to_vec();
        *bent.last_mut().unwrap() ^= 1;
        assert!(Batches::new(bent.into(), Vec::new()).next(0).is_err());
        let mut old = whole.to_vec();
        old[16] = 1;
        let error = Batches::new(old.into(), Vec::new()).next(0).unwrap_err();
        assert_eq!(error.kind(), trunkline_core::Kind::Unsupported);
    }
}

/// A batch of one record at an offset, of a transaction unless `producer` is 0, or the marker that ends one.
fn batch(offset: i64, producer: i64, marker: Option<i16>) -> Vec<u8> {
    let key = marker.map(|kind| Bytes::from([[0, 0], kind.to_be_bytes()].concat()));
    let record = Record { key, value: Some(Bytes::from(offset.to_string())), ..Record::default() };
    let mut batch = write([record].iter(), Compression::None).unwrap();
    batch[..8].copy_from_slice(&offset.to_be_bytes());
    let attributes = if producer == 0 { 0 } else { TRANSACTIONAL } | marker.map_or(0, |_| CONTROL);
    batch[21..23].copy_from_slice(&attributes.to_be_bytes());
    stamp(&mut batch, Stamp { id: producer, epoch: 0, sequence: 0 });
    batch.to_vec()
}

#[test]
fn what_a_transaction_gave_up_is_left_out_and_markers_always_are() {
    const ABORT: Option<i16> = Some(0);
    const COMMIT: Option<i16> = Some(1);
    let log = [
        batch(0, 0, None),
        batch(1, 5, None),
        batch(2, 6, None),
        batch(3, 5, ABORT),
        batch(4, 5, None),
        batch(5, 5, COMMIT),
        batch(6, 6, COMMIT),
        batch(7, 0, None),
    ];
    let mut batches = Batches::new(log.concat().into(), vec![(5, 1)]);
    let (mut seen, mut next) = (Vec::new(), 0);
    while let Some((records, then)) = batches.next(next).unwrap() {
        seen.extend(records.into_iter().map(|stored| stored.offset));
        next = then;
    }
    assert_eq!((seen, next), (vec![0, 2, 4, 7], 8));
}
