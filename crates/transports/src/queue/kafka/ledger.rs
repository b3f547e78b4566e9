//! `Ledger`: which records of a partition are dealt with, and how far a group can be said to have come: up to the first
//! that is not. Kafka keeps one number for each partition, so what is dealt with behind that is known here alone.

use std::collections::{BTreeMap, BTreeSet};

use super::offsets::Partition;

/// What a record is acknowledged by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::queue) struct Mark {
    pub(super) partition: Partition,
    pub(super) offset: i64,
    /// Which time it is that the partition is ours.
    pub(super) tenure: u64,
}

/// The partitions that are ours.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    partitions: BTreeMap<Partition, Page>,
    tenures: u64,
}

/// One of them.
#[derive(Debug)]
struct Page {
    tenure: u64,
    /// Behind what was handed out last.
    next: i64,
    /// What was handed out and is not dealt with.
    out: BTreeSet<i64>,
    /// What the group was told last.
    told: i64,
}

/// How far the group can be told that a partition is dealt with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Due {
    pub(super) partition: Partition,
    pub(super) offset: i64,
    tenure: u64,
}

impl Ledger {
    /// A partition is ours from now on, from this offset on, which the group knows. What was handed out of it before is void.
    pub(super) fn own(&mut self, partition: Partition, offset: i64) {
        self.tenures += 1;
        let page = Page { tenure: self.tenures, next: offset, out: BTreeSet::new(), told: offset };
        self.partitions.insert(partition, page);
    }

    /// The same of one in which the group begins, and is to be told so.
    pub(super) fn begin(&mut self, partition: Partition, offset: i64) {
        self.own(partition.clone(), offset);
        self.partitions.entry(partition).and_modify(|page| page.told = offset - 1);
    }

    /// These are still ours, and no others.
    pub(super) fn keep(&mut self, partitions: &[Partition]) {
        self.partitions.retain(|partition, _| partitions.contains(partition));
    }

    /// Whether a partition is ours.
    pub(super) fn has(&self, partition: &Partition) -> bool {
        self.partitions.contains_key(partition)
    }

    /// Hands out a record. `None` where its partition is not ours.
    pub(super) fn hand_out(&mut self, partition: &Partition, offset: i64) -> Option<Mark> {
        let page = self.partitions.get_mut(partition)?;
        if offset < page.next {
            // The log ends before where it was read, and is read from its beginning: the group is to be told of that too.
            page.told = page.told.min(offset);
        }
        page.out.insert(offset);
        page.next = offset + 1;
        Some(Mark { partition: partition.clone(), offset, tenure: page.tenure })
    }

    /// Whether a record is still ours to deal with.
    pub(super) fn holds(&self, mark: &Mark) -> bool {
        self.partitions.get(&mark.partition).is_some_and(|page| page.tenure == mark.tenure)
    }

    /// A record is dealt with. `false` where its partition is not ours any more.
    pub(super) fn done(&mut self, mark: &Mark) -> bool {
        let page = self.partitions.get_mut(&mark.partition).filter(|page| page.tenure == mark.tenure);
        page.map(|page| page.out.remove(&mark.offset)).is_some()
    }

    /// Whether the group has been told that a record is dealt with, or cannot be as one before it is not.
    pub(super) fn is_told(&self, mark: &Mark) -> bool {
        let page = self.partitions.get(&mark.partition).filter(|page| page.tenure == mark.tenure);
        page.is_none_or(|page| page.told > mark.offset || page.reach() <= mark.offset)
    }

    /// What the group is to be told.
    pub(super) fn due(&self) -> Vec<Due> {
        let due = |(partition, page): (&Partition, &Page)| {
            let (offset, tenure) = (page.reach(), page.tenure);
            (offset > page.told).then(|| Due { partition: partition.clone(), offset, tenure })
        };
        self.partitions.iter().filter_map(due).collect()
    }

    /// The group has been told.
    pub(super) fn told(&mut self, due: &Due) {
        let page = self.partitions.get_mut(&due.partition).filter(|page| page.tenure == due.tenure);
        if let Some(page) = page {
            page.told = page.told.max(due.offset);
        }
    }
}

impl Page {
    /// Up to where all is dealt with.
    fn reach(&self) -> i64 {
        self.out.first().copied().unwrap_or(self.next).min(self.next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partition(index: i32) -> Partition {
        ("t".to_owned(), index)
    }

    fn reach(ledger: &Ledger) -> Vec<(i32, i64)> {
        ledger.due().into_iter().map(|due| (due.partition.1, due.offset)).collect()
    }

    #[test]
    fn a_group_has_come_as_far_as_the_first_that_is_not_dealt_with() {
        let mut ledger = Ledger::default();
        ledger.own(partition(0), 10);
        let marks: Vec<_> = [10, 11, 14].map(|offset| ledger.hand_out(&partition(0), offset).unwrap()).into();
        assert_eq!(reach(&ledger), []);
        assert!(ledger.done(&marks[1]) && ledger.is_told(&marks[1]), "it waits for the one before it");
        assert_eq!(reach(&ledger), []);
        assert!(ledger.done(&marks[0]) && !ledger.is_told(&marks[0]));
        assert_eq!(reach(&ledger), [(0, 14)]);
        let due = ledger.due().remove(0);
        assert!(ledger.done(&marks[2]) && ledger.done(&marks[2]), "twice is once");
        ledger.told(&due);
        assert!(ledger.is_told(&marks[1]) && !ledger.is_told(&marks[2]));
        assert_eq!(reach(&ledger), [(0, 15)]);
    }

    #[test]
    fn where_a_group_begins_it_is_told() {
        let mut ledger = Ledger::default();
        ledger.own(partition(0), 5);
        ledger.begin(partition(1), 5);
        assert_eq!(reach(&ledger), [(1, 5)]);
        let due = ledger.due().remove(0);
        ledger.told(&due);
        assert_eq!(reach(&ledger), []);
    }

    /// A leader that was elected uncleanly may have less than was read of the one before.
    #[test]
    fn a_group_goes_back_where_a_log_has_become_shorter() {
        let mut ledger = Ledger::default();
        ledger.own(partition(0), 1000);
        let lost = ledger.hand_out(&partition(0), 1000).unwrap();
        let marks: Vec<_> = [3, 4].map(|offset| ledger.hand_out(&partition(0), offset).unwrap()).into();
        assert!(ledger.done(&marks[0]) && !ledger.is_told(&marks[0]));
        assert_eq!(reach(&ledger), [(0, 4)]);
        ledger.told(&ledger.due().remove(0));
        assert!(ledger.done(&marks[1]));
        assert_eq!(reach(&ledger), [(0, 5)], "what is lost is not waited for");
        ledger.told(&ledger.due().remove(0));
        assert!(ledger.done(&lost));
        assert_eq!(reach(&ledger), []);
    }

    #[test]
    fn what_was_handed_out_before_a_partition_was_anothers_is_void() {
        let mut ledger = Ledger::default();
        ledger.own(partition(0), 0);
        ledger.own(partition(1), 0);
        let marks = [0, 1].map(|index| ledger.hand_out(&partition(index), 0).unwrap());
        ledger.keep(&[partition(1)]);
        assert!(!ledger.holds(&marks[0]) && ledger.holds(&marks[1]));
        ledger.own(partition(0), 0);
        assert!(!ledger.done(&marks[0]) && ledger.done(&marks[1]));
        assert_eq!(reach(&ledger), [(1, 1)]);
        assert_eq!(ledger.hand_out(&partition(2), 0), None);
    }
}
