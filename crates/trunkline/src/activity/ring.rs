//! `Ring`: the newest records in memory, numbered as they come, and the form in which they are stored.

use std::collections::VecDeque;

use trunkline_layers::Record;

/// Records are written in segments of this many.
pub(super) const SEGMENT: usize = 1024;

/// The newest records; the oldest may be gone before they were written.
#[derive(Debug)]
pub(super) struct Ring {
    records: VecDeque<Record>,
    keep: usize,
    /// The number that the next record gets.
    next: u64,
    /// The number of the first that is not yet in the store.
    unwritten: u64,
}

impl Ring {
    /// At most `keep` records, of which these are stored.
    pub(super) fn new(stored: impl Iterator<Item = Record>, keep: usize) -> Self {
        let mut ring = Self { records: VecDeque::new(), keep, next: 1, unwritten: 1 };
        ring.extend(stored);
        ring.unwritten = ring.next;
        ring
    }

    /// Adds records, and says how many.
    pub(super) fn extend(&mut self, fresh: impl Iterator<Item = Record>) -> usize {
        let mut more = 0;
        for mut record in fresh {
            // What was stored keeps its number: a client that counts by it goes on over a restart.
            self.next = self.next.max(record.number);
            record.number = self.next;
            self.next += 1;
            more += 1;
            if self.records.len() == self.keep {
                self.records.pop_front();
            }
            if self.keep > 0 {
                self.records.push_back(record);
            }
        }
        more
    }

    /// The number that the next record gets.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// The number of the oldest that is kept, or of the next where none is.
    pub(super) fn first(&self) -> u64 {
        self.records.front().map_or(self.next, |record| record.number)
    }

    /// Those before the one of this number, the newest first.
    pub(super) fn before(&self, number: u64) -> impl Iterator<Item = &Record> {
        let end = self.records.partition_point(|record| record.number < number);
        self.records.range(..end).rev()
    }

    /// That of this number and those after it, the oldest first.
    pub(super) fn from(&self, number: u64) -> impl ExactSizeIterator<Item = &Record> {
        let begin = self.records.partition_point(|record| record.number < number);
        self.records.range(begin..)
    }

    /// How many of the newest are not yet in the store.
    pub(super) fn pending(&self) -> usize {
        self.from(self.unwritten).len()
    }

    /// The next segment to be written, and the number of the record that follows it.
    pub(super) fn segment(&self) -> Option<(Vec<u8>, u64)> {
        let records: Vec<_> = self.from(self.unwritten).take(SEGMENT).collect();
        let last = records.last()?.number;
        Some((write(&records), last + 1))
    }

    /// Those before this number are stored.
    pub(super) fn written(&mut self, number: u64) {
        self.unwritten = number;
    }
}

/// What a segment begins with. Its records are not self-describing: with another [`Record`] comes another number.
const FORMAT: u8 = 5;

/// The bytes of a segment.
fn write(records: &[&Record]) -> Vec<u8> {
    // A record is made of numbers and short strings: it always serialises.
    postcard::to_allocvec(&(FORMAT, records)).unwrap_or_default()
}

/// The records of a segment. One of another version, or that is damaged, is let go.
pub(super) fn read(segment: &[u8]) -> Vec<Record> {
    let records = segment.strip_prefix(&[FORMAT]).map(postcard::from_bytes);
    records.and_then(Result::ok).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stored(count: u64) -> Vec<Record> {
        let fields = |number| {
            (
                1_u64,
                [0_u8; 16],
                "a",
                "GET",
                None::<&str>,
                "ok",
                Some(200_u16),
                0_u64,
                1_u32,
                1.5,
                (0_u64, 2_u64, "", "acme", [0_u8; 0].as_slice(), number),
            )
        };
        let records: Vec<_> = (1..=count).map(fields).collect();
        read(&postcard::to_allocvec(&(FORMAT, records)).unwrap())
    }

    #[test]
    fn a_segment_of_another_version_is_let_go() {
        // A record as it was before actions were in it.
        let last = ("", "acme", [0_u8; 0].as_slice(), 1_u64);
        let before = (1_u64, [0_u8; 16], "a", "GET", "ok", Some(200_u16), 1_u32, 1.5, 0_u64, 2_u64, last);
        let segment = postcard::to_allocvec(&(3_u8, vec![before])).unwrap();
        assert!(read(&segment).is_empty());
        assert_eq!(stored(1)[0].connection.as_deref(), Some("acme"));
        assert!(read(&[]).is_empty());
    }

    #[test]
    fn numbers_go_on_where_the_stored_ones_end_and_the_oldest_go_first() {
        let mut ring = Ring::new(stored(7).into_iter().skip(2), 4);
        assert_eq!((ring.first(), ring.next(), ring.pending()), (4, 8, 0));
        let mut fresh = stored(2);
        fresh.iter_mut().for_each(|record| record.number = 0);
        assert_eq!(ring.extend(fresh.into_iter()), 2);
        let numbers = |records: Vec<&Record>| records.iter().map(|record| record.number).collect::<Vec<_>>();
        assert_eq!(numbers(ring.from(8).collect()), [8, 9]);
        assert_eq!(numbers(ring.before(8).collect()), [7, 6]);
        assert_eq!(numbers(ring.before(u64::MAX).collect()), [9, 8, 7, 6]);
        let (segment, end) = ring.segment().unwrap();
        assert_eq!((read(&segment).len(), end, ring.pending()), (2, 10, 2));
        ring.written(end);
        assert!(ring.segment().is_none());
    }

    #[test]
    fn who_keeps_nothing_counts_all_the_same() {
        let mut ring = Ring::new(std::iter::empty(), 0);
        ring.extend(stored(3).into_iter());
        assert_eq!((ring.first(), ring.next(), ring.pending()), (4, 4, 0));
    }
}
