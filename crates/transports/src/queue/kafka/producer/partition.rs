//! Which partition a record goes to: the one of its key, as clients in Java have it, or else one after the other, each for
//! as long as a small batch takes (KIP-794).

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use trunkline_core::{Error, Kind, Outcome, Result};

use crate::queue::kafka::messages::metadata::TopicView;

/// How many bytes go to a partition before the next one's turn (`batch.size`).
const STRETCH: usize = 16 << 10;

/// Whose turn it is, by topic, and how much it has had.
#[derive(Debug, Default)]
pub(super) struct Sticky(Mutex<HashMap<String, (i32, usize)>>);

impl Sticky {
    /// The partition for a record of `size` bytes.
    ///
    /// # Errors
    ///
    /// `unavailable` where the topic has no partition.
    pub(super) fn choose(&self, topic: &TopicView, key: Option<&[u8]>, size: usize) -> Result<i32> {
        let count = topic.partitions.len();
        if count == 0 {
            let message =
                format!("topic {} has no partitions at the moment; see that its brokers are up", topic.name);
            return Err(Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent));
        }
        if let Some(key) = key {
            // Java makes it positive by dropping the sign.
            return Ok(((murmur2(key) & 0x7fff_ffff) % count as u32) as i32);
        }
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((partition, had)) = turns.get_mut(&topic.name)
            && *had < STRETCH
            && (*partition as usize) < count
        {
            *had += size;
            return Ok(*partition);
        }
        let last = turns.get(&topic.name).map_or_else(|| fastrand::usize(..count) as i32, |(last, _)| *last);
        // The next that has a leader; where none has, whoever writes to it will hear so.
        let led =
            |index: &i32| topic.partitions.iter().any(|found| found.index == *index && found.leader >= 0);
        let order = (1..=count as i32).map(|step| (last + step).rem_euclid(count as i32));
        let next = order.clone().find(led).or_else(|| order.clone().next()).unwrap_or_default();
        turns.insert(topic.name.clone(), (next, size));
        Ok(next)
    }
}

/// The hash that clients in Java choose a partition by (`org.apache.kafka.common.utils.Utils.murmur2`).
fn murmur2(key: &[u8]) -> u32 {
    const M: u32 = 0x5bd1_e995;
    let mut hash = 0x9747_b28c ^ key.len() as u32;
    let (words, rest) = key.as_chunks::<4>();
    for word in words {
        let mut word = u32::from_le_bytes(*word).wrapping_mul(M);
        word ^= word >> 24;
        hash = hash.wrapping_mul(M) ^ word.wrapping_mul(M);
    }
    if !rest.is_empty() {
        let word = rest.iter().rev().fold(0, |word, byte| word << 8 | u32::from(*byte));
        hash = (hash ^ word).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::kafka::messages::metadata::PartitionView;

    /// The values are those of the tests of Apache Kafka (`UtilsTest.testMurmur2`).
    #[test]
    fn a_key_hashes_as_in_java() {
        for (key, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(key.as_bytes()) as i32, hash, "{key}");
        }
    }

    fn topic(leaders: &[i32]) -> TopicView {
        let partitions = leaders.iter().zip(0..);
        let partitions = partitions.map(|(leader, index)| PartitionView {
            index,
            leader: *leader,
            ..PartitionView::default()
        });
        TopicView { name: "t".to_owned(), partitions: partitions.collect(), ..TopicView::default() }
    }

    #[test]
    fn records_with_a_key_stay_together_and_others_take_turns_where_somebody_leads() {
        let (sticky, view) = (Sticky::default(), topic(&[1, -1, 1]));
        let of_key = sticky.choose(&view, Some(b"foobar"), 1).unwrap();
        assert_eq!(of_key, ((-790_332_482_i32 as u32 & 0x7fff_ffff) % 3) as i32);
        let chosen: Vec<_> = (0..6).map(|_| sticky.choose(&view, None, STRETCH / 2).unwrap()).collect();
        assert_eq!((chosen[0], chosen[2], chosen[4]), (chosen[1], chosen[3], chosen[5]));
        assert!(chosen[0] == chosen[4] && chosen[0] != chosen[2], "{chosen:?}");
        assert!(!chosen.contains(&1), "nobody leads it: {chosen:?}");
        assert!((0..3).contains(&sticky.choose(&topic(&[-1, -1, -1]), None, STRETCH).unwrap()));
        assert_eq!(sticky.choose(&topic(&[]), None, 1).unwrap_err().kind(), Kind::Unavailable);
    }
}
