//! `Librdkafka`: another client of Kafka, to hold ours against.

use serde_json::Value;

use crate::program::Program;

/// The client that PyPI's `confluent-kafka` carries, in a process of its own. It ends when it is dropped.
#[derive(Debug)]
pub struct Librdkafka(Program);

impl Librdkafka {
    /// One for the broker at this address.
    ///
    /// # Panics
    ///
    /// Where it is not installed: `scripts/need.sh python` does that.
    pub fn start(address: &str) -> Self {
        Self(Program::python("python", &["librdkafka.py", address]))
    }

    /// Writes records, packed in that way: their values are the numbers up to `count`, their keys `key 0` and so on.
    pub fn write(&mut self, topic: &str, compression: &str, count: usize) {
        let answer = self.tell(&format!("write {topic} {compression} {count}"));
        assert_eq!(answer, serde_json::json!({"left": 0, "failed": []}));
    }

    /// Reads so many records of partition 0: of each its offset, time, key, value, and headers.
    pub fn read(&mut self, topic: &str, count: usize) -> Value {
        self.tell(&format!("read {topic} {count}"))
    }

    /// Joins a group.
    pub fn join(&mut self, group: &str, topic: &str) {
        self.tell(&format!("join {group} {topic}"));
    }

    /// The partitions that it has in the group, and the values that it has read.
    pub fn part(&mut self) -> Value {
        self.tell("part")
    }

    /// Leaves the group, having said how far it has come: the values that it has read.
    pub fn leave(&mut self) -> Value {
        self.tell("leave")
    }

    fn tell(&mut self, command: &str) -> Value {
        serde_json::from_str(&self.0.ask(command)).expect("it answers in JSON")
    }
}
