//! `MockKafka`: several brokers that speak Kafka and fail as they are told to.

use crate::program::Program;

/// The brokers of librdkafka's own tests, which PyPI's `confluent-kafka` carries: a cluster without TLS and without
/// users whose brokers go away and whose answers are errors on command. It ends when it is dropped. It takes whatever it
/// is sent, and makes topics of four partitions when they are first named.
#[derive(Debug)]
pub struct MockKafka {
    program: Program,
    brokers: Vec<String>,
}

impl MockKafka {
    /// Starts a cluster of so many brokers, whose ids begin with 1.
    ///
    /// # Panics
    ///
    /// Where it is not installed: `scripts/need.sh python` does that.
    pub fn start(brokers: usize) -> Self {
        let mut program = Program::python("python", &["kafka.py", &brokers.to_string()]);
        let mut addresses = vec![program.address().to_string()];
        while addresses.len() < brokers {
            let line = program.line();
            addresses.push(line.strip_prefix("kafka://").expect("it prints where each listens").to_owned());
        }
        Self { program, brokers: addresses }
    }

    /// Where each listens, such as `127.0.0.1:9093`.
    pub fn brokers(&self) -> &[String] {
        &self.brokers
    }

    /// Makes a topic, each of whose partitions is on all brokers.
    pub fn topic(&mut self, name: &str, partitions: u32) {
        self.tell(&format!("topic {name} {partitions}"));
    }

    /// Makes a broker the leader of a partition.
    pub fn leader(&mut self, topic: &str, partition: u32, broker: usize) {
        self.tell(&format!("leader {topic} {partition} {broker}"));
    }

    /// Makes a broker the coordinator of a group of consumers.
    pub fn coordinator(&mut self, group: &str, broker: usize) {
        self.tell(&format!("coordinator group {group} {broker}"));
    }

    /// Takes a broker away: its connections are closed, and it takes no others.
    pub fn down(&mut self, broker: usize) {
        self.tell(&format!("down {broker}"));
    }

    /// Brings it back on the same port.
    pub fn up(&mut self, broker: usize) {
        self.tell(&format!("up {broker}"));
    }

    /// Has a broker take so many milliseconds for each answer.
    pub fn slow(&mut self, broker: usize, milliseconds: u32) {
        self.tell(&format!("slow {broker} {milliseconds}"));
    }

    /// Answers the next requests of a kind, such as `Produce`, by an error, such as `NOT_LEADER_FOR_PARTITION`, which is
    /// what librdkafka calls it.
    pub fn error(&mut self, request: &str, error: &str, times: usize) {
        self.tell(&format!("error {request} {error} {times}"));
    }

    /// Takes back the errors for requests of a kind that were not answered yet.
    pub fn clear(&mut self, request: &str) {
        self.tell(&format!("clear {request}"));
    }

    /// Has a topic be in error, such as `TOPIC_AUTHORIZATION_FAILED`, or no longer: `NO_ERROR`.
    pub fn topic_error(&mut self, topic: &str, error: &str) {
        self.tell(&format!("topic_error {topic} {error}"));
    }

    fn tell(&mut self, command: &str) {
        let answer = self.program.ask(command);
        assert_eq!(answer, "ok", "{command} fails");
    }
}
