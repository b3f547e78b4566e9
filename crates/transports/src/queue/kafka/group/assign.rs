//! How the leader of a group shares partitions out: by ranges, or one after the other (`RangeAssignor` and
//! `RoundRobinAssignor` of Apache Kafka's clients, which others do alike).

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::queue::kafka::messages::{
    OfTopic, by_topic,
    group::{assignment, read_subscription},
};

/// The ways that are known here, the best first.
pub(super) const KNOWN: &[&str] = &[RANGE, ROUND_ROBIN];
const RANGE: &str = "range";
const ROUND_ROBIN: &str = "roundrobin";

/// What each member gets. `counts` says how many partitions topics have.
pub(super) fn share_out(
    way: &str,
    members: &[(String, Bytes)],
    counts: &BTreeMap<String, i32>,
) -> Vec<(String, Bytes)> {
    // Whose subscription cannot be read gets nothing, and spoils nothing for the others.
    let wishes =
        members.iter().map(|(member, wish)| (&**member, read_subscription(wish.clone()).unwrap_or_default()));
    let wishes: BTreeMap<&str, Vec<String>> = wishes.collect();
    let parts = if way == ROUND_ROBIN { in_turn(&wishes, counts) } else { by_ranges(&wishes, counts) };
    let empty = Vec::new();
    let part = |member: &str| {
        let part = parts.get(member).unwrap_or(&empty).iter().map(|(topic, index)| (*topic, *index));
        let topics: Vec<OfTopic<i32>> = by_topic(part);
        assignment(&topics)
    };
    wishes.keys().map(|member| ((*member).to_owned(), part(member))).collect()
}

/// All topics that somebody wants.
pub(super) fn wanted(members: &[(String, Bytes)]) -> Vec<String> {
    let wishes = members.iter().flat_map(|(_, wish)| read_subscription(wish.clone()).unwrap_or_default());
    let mut topics: Vec<_> = wishes.collect();
    topics.sort_unstable();
    topics.dedup();
    topics
}

type Parts<'a> = BTreeMap<&'a str, Vec<(&'a str, i32)>>;

/// Of each topic, a stretch for each member; the first members get one more where it does not come out even.
fn by_ranges<'a>(wishes: &BTreeMap<&'a str, Vec<String>>, counts: &'a BTreeMap<String, i32>) -> Parts<'a> {
    let mut parts = Parts::new();
    for (topic, count) in counts {
        let who: Vec<_> =
            wishes.iter().filter(|(_, wish)| wish.contains(topic)).map(|(who, _)| *who).collect();
        if who.is_empty() {
            continue;
        }
        let (each, over) = (*count / who.len() as i32, *count % who.len() as i32);
        let mut next = 0;
        for (at, member) in (0..).zip(who) {
            let end = next + each + i32::from(at < over);
            parts.entry(member).or_default().extend((next..end).map(|index| (&**topic, index)));
            next = end;
        }
    }
    parts
}

/// All partitions of all topics in order, to one member after the other of those who want the topic.
fn in_turn<'a>(wishes: &BTreeMap<&'a str, Vec<String>>, counts: &'a BTreeMap<String, i32>) -> Parts<'a> {
    let mut parts = Parts::new();
    let mut turn = wishes.iter().cycle();
    for (topic, index) in
        counts.iter().flat_map(|(topic, count)| (0..*count).map(move |index| (topic, index)))
    {
        let next = turn.by_ref().take(wishes.len()).find(|(_, wish)| wish.contains(topic));
        if let Some((member, _)) = next {
            parts.entry(member).or_default().push((topic, index));
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::queue::kafka::messages::group::{read_assignment, subscription};

    fn shared(way: &str, wishes: &[(&str, &[&str])], counts: &[(&str, i32)]) -> Vec<String> {
        let wish = |topics: &[&str]| {
            subscription(&topics.iter().map(|topic| (*topic).to_owned()).collect::<Vec<_>>())
        };
        let members: Vec<_> = wishes.iter().map(|(who, topics)| ((*who).to_owned(), wish(topics))).collect();
        let counts = counts.iter().map(|(topic, count)| ((*topic).to_owned(), *count)).collect();
        let parts = share_out(way, &members, &counts).into_iter();
        let told = parts.map(|(who, part)| {
            let topics = read_assignment(part).unwrap();
            let topics: Vec<_> =
                topics.iter().map(|topic| format!("{}{:?}", topic.name, topic.partitions)).collect();
            format!("{who}: {}", topics.join(" "))
        });
        told.collect()
    }

    /// The examples in the documentation of both classes.
    #[test]
    fn partitions_are_shared_out_as_other_clients_do() {
        let both: &[(&str, &[&str])] = &[("c1", &["t0", "t1"]), ("c0", &["t0", "t1"])];
        let counts = &[("t0", 3), ("t1", 3)];
        assert_eq!(shared("range", both, counts), ["c0: t0[0, 1] t1[0, 1]", "c1: t0[2] t1[2]"]);
        assert_eq!(shared("roundrobin", both, counts), ["c0: t0[0, 2] t1[1]", "c1: t0[1] t1[0, 2]"]);
        let uneven: &[(&str, &[&str])] =
            &[("c0", &["t0"]), ("c1", &["t0", "t1"]), ("c2", &["t0", "t1", "t2"])];
        let counts = &[("t0", 1), ("t1", 2), ("t2", 3)];
        assert_eq!(shared("roundrobin", uneven, counts), ["c0: t0[0]", "c1: t1[0]", "c2: t1[1] t2[0, 1, 2]"]);
    }

    #[test]
    fn nobody_gets_a_topic_that_is_not_there_and_some_get_nothing() {
        let wishes: &[(&str, &[&str])] = &[("a", &["t", "gone"]), ("b", &["t"])];
        assert_eq!(shared("range", wishes, &[("t", 1)]), ["a: t[0]", "b: "]);
        assert_eq!(shared("roundrobin", wishes, &[("t", 1)]), ["a: t[0]", "b: "]);
    }
}
