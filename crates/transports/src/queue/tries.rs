//! `Tries`: how often messages were delivered, for brokers that do not count; and how often that was nobody's fault.

use std::{
    collections::BTreeMap,
    hash::{BuildHasher, RandomState},
    sync::{Mutex, MutexGuard, PoisonError},
};

use quick_cache::unsync::Cache;

use super::broker::Delivery;

/// Messages that are remembered: those that came lately.
const REMEMBERED: usize = 10_000;

/// Counts deliveries, of each group by itself, by what a message is known by: its id, or where it has none all that it says. Messages that are the same in
/// all of that are the same to everyone, so each has one of the counts that are known of them, and it does not matter which.
pub(super) struct Tries {
    keys: RandomState,
    bags: Mutex<Cache<u64, Bag>>,
}

/// What is known of the messages of one key.
#[derive(Debug, Default)]
struct Bag {
    /// How often each was delivered, where the broker does not say.
    counts: Numbers,
    /// How many of its deliveries do not count, where it does.
    forgiven: Numbers,
}

/// Numbers, and how often there is each.
#[derive(Debug, Default)]
struct Numbers(BTreeMap<u32, u32>);

impl Tries {
    pub(super) fn new() -> Self {
        Self { keys: RandomState::new(), bags: Mutex::new(Cache::new(REMEMBERED)) }
    }

    /// How often a message was delivered, this time included: as the broker says, or as it was seen here. One that the
    /// broker says is new was not. What was forgiven does not count. `None` where it is not known, since nobody says what
    /// becomes of it.
    pub(super) fn count<M>(&self, group: Option<&str>, delivery: &Delivery<M>) -> Option<u32> {
        if delivery.mark.is_none() {
            return delivery.deliveries;
        }
        if let Some(told) = delivery.deliveries {
            let Some(earlier) = told.checked_sub(1).filter(|earlier| *earlier > 0) else { return Some(1) };
            let forgiven = self.of(self.key(group, delivery), |bag| {
                // Quorum queues of RabbitMQ say nothing the first time, which was counted here then.
                if bag.counts.take_lowest() == Some(0) {
                    bag.forgiven.add(1);
                }
                bag.forgiven.highest(earlier)
            });
            return Some(told - forgiven.unwrap_or_default());
        }
        let again = delivery.redelivered;
        self.of(self.key(group, delivery), |bag| {
            // The lowest that is known: so none is put aside early, and of those that come again one has it in the end.
            let count = if again { bag.counts.take_lowest().unwrap_or(1) + 1 } else { 1 };
            bag.counts.add(count);
            Some(count)
        })
    }

    /// That a message was delivered this time, as was `counted`, does not count.
    pub(super) fn forgive<M>(&self, group: Option<&str>, delivery: &Delivery<M>, counted: Option<u32>) {
        let Some(count) = counted.or_else(|| self.count(group, delivery)) else { return };
        self.of(self.key(group, delivery), |bag| match delivery.deliveries {
            Some(told) => bag.forgiven.replace(told.saturating_sub(count), |own| own + 1),
            None => bag.counts.replace(count, |own| own.saturating_sub(1)),
        });
    }

    /// A message was dealt with that was `counted`.
    pub(super) fn forget<M>(&self, group: Option<&str>, delivery: &Delivery<M>, counted: Option<u32>) {
        let Some(count) = counted else { return };
        match delivery.deliveries {
            // Nothing is known of most.
            Some(told) if told == count => {}
            Some(told) => {
                self.of(self.key(group, delivery), |bag| bag.forgiven.remove(told.saturating_sub(count)));
            }
            None => self.of(self.key(group, delivery), |bag| bag.counts.remove(count)),
        }
    }

    fn key<M>(&self, group: Option<&str>, delivery: &Delivery<M>) -> u64 {
        let message = &delivery.message;
        match &message.id {
            Some(id) => self.keys.hash_one((group, &message.destination, id)),
            None => self.keys.hash_one((
                group,
                &message.destination,
                &message.headers,
                &message.content_type,
                &message.correlation_id,
                &message.reply_to,
                &message.key,
                message.priority,
                delivery.timestamp,
                &message.body,
            )),
        }
    }

    /// Does something with the bag of a key.
    fn of<T>(&self, key: u64, what: impl FnOnce(&mut Bag) -> T) -> T {
        let mut bags = self.bags();
        if let Some(mut bag) = bags.get_mut(&key) {
            let done = what(&mut bag);
            let empty = bag.is_empty();
            drop(bag);
            if empty {
                bags.remove(&key);
            }
            return done;
        }
        let mut bag = Bag::default();
        let done = what(&mut bag);
        if !bag.is_empty() {
            bags.insert(key, bag);
        }
        done
    }

    fn bags(&self) -> MutexGuard<'_, Cache<u64, Bag>> {
        self.bags.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bag {
    fn is_empty(&self) -> bool {
        self.counts.0.is_empty() && self.forgiven.0.is_empty()
    }
}

impl Numbers {
    fn add(&mut self, number: u32) {
        *self.0.entry(number).or_default() += 1;
    }

    fn remove(&mut self, number: u32) {
        if let Some(many) = self.0.get_mut(&number) {
            *many -= 1;
            if *many == 0 {
                self.0.remove(&number);
            }
        }
    }

    /// Puts another in the place of one, also where it is not there.
    fn replace(&mut self, number: u32, by: impl FnOnce(u32) -> u32) {
        self.remove(number);
        self.add(by(number));
    }

    /// Takes the lowest out.
    fn take_lowest(&mut self) -> Option<u32> {
        let number = *self.0.first_key_value()?.0;
        self.remove(number);
        Some(number)
    }

    /// The highest that is not above `most`.
    fn highest(&self, most: u32) -> Option<u32> {
        self.0.range(..=most).next_back().map(|(number, _)| *number)
    }
}

#[cfg(test)]
mod tests {
    use trunkline_core::Message;

    use super::*;

    fn delivery(id: Option<&str>, deliveries: Option<u32>, redelivered: bool) -> Delivery<()> {
        let message = Message { id: id.map(str::to_owned), ..Message::text("orders", "a") };
        Delivery { message, deliveries, redelivered, timestamp: None, facts: Vec::new(), mark: Some(()) }
    }

    fn is_empty(tries: &Tries) -> bool {
        tries.bags().is_empty()
    }

    #[test]
    fn a_delivery_that_is_forgiven_does_not_count_whoever_counts_and_whatever_it_is_known_by() {
        for (counts, id) in [(true, Some("1")), (false, Some("1")), (true, None), (false, None)] {
            let tries = Tries::new();
            let nth = |n: u32| delivery(id, counts.then_some(n), n > 1);
            for n in 1..50 {
                // Also where it went back before anybody had counted it.
                let counted = (n % 2 == 1).then(|| tries.count(None, &nth(n)).unwrap());
                assert!(counted.is_none_or(|count| count == 1), "{counts} {id:?} {n}: {counted:?}");
                tries.forgive(None, &nth(n), counted);
            }
            assert_eq!(tries.count(None, &nth(50)), Some(1), "{counts} {id:?}");
            assert_eq!(tries.count(None, &nth(51)), Some(2), "{counts} {id:?}");
            tries.forget(None, &nth(51), Some(2));
            assert!(is_empty(&tries), "{counts} {id:?}");
        }
    }

    #[test]
    fn of_messages_that_are_the_same_each_has_a_count_and_none_is_put_aside_early() {
        let (tries, new, again) = (Tries::new(), delivery(None, None, false), delivery(None, None, true));
        // Three are out. One comes again and again, and is dealt with in the end; the others were delivered once.
        for _ in 0..3 {
            assert_eq!(tries.count(None, &new), Some(1));
        }
        assert_eq!([2, 2, 2, 3], [(); 4].map(|()| tries.count(None, &again).unwrap()));
        tries.forget(None, &again, Some(3));
        for count in [2, 2] {
            tries.forget(None, &again, Some(count));
        }
        assert!(is_empty(&tries));
        // One that comes again alone comes to its end, though others like it are dealt with meanwhile.
        tries.count(None, &new);
        for count in 2..10 {
            assert_eq!(tries.count(None, &new), Some(1));
            tries.forget(None, &new, Some(1));
            assert_eq!(tries.count(None, &again), Some(count));
        }
        let other = Delivery { timestamp: Some(1), ..delivery(None, None, true) };
        assert_eq!(tries.count(None, &other), Some(2), "another one");
    }

    #[test]
    fn a_broker_may_begin_to_count_with_the_second_delivery() {
        let tries = Tries::new();
        let first = || delivery(Some("1"), None, false);
        for (forgiven, second) in [(true, 1), (false, 2)] {
            assert_eq!(tries.count(None, &first()), Some(1));
            if forgiven {
                tries.forgive(None, &first(), Some(1));
            }
            let again = delivery(Some("1"), Some(2), true);
            assert_eq!(tries.count(None, &again), Some(second));
            tries.forget(None, &again, Some(second));
            assert!(is_empty(&tries));
        }
    }

    #[test]
    fn what_nobody_settles_is_not_counted() {
        let (tries, mut loose) = (Tries::new(), delivery(Some("1"), None, true));
        loose.mark = None;
        assert_eq!(tries.count(None, &loose), None);
        tries.forgive(None, &loose, None);
        assert!(is_empty(&tries));
    }

    #[test]
    fn each_group_counts_by_itself() {
        let tries = Tries::new();
        let told = |n: u32| delivery(Some("1"), Some(n), n > 1);
        for n in 1..=6 {
            assert_eq!(tries.count(Some("a"), &told(n)), Some(1));
            tries.forgive(Some("a"), &told(n), Some(1));
        }
        assert_eq!(tries.count(Some("b"), &told(7)), Some(7), "nothing of its own was forgiven");
        tries.forget(Some("b"), &told(7), Some(7));
        assert_eq!(tries.count(Some("a"), &told(7)), Some(1), "another dealt with it");
    }
}
