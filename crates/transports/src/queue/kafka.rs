//! `Kafka`: Apache Kafka and what speaks its protocol, over connections of our own: a client library dials wherever a broker
//! sends it, past the egress guard, and its futures cannot be given up half way. Records are written by an idempotent
//! producer and read alone or in consumer groups.

mod admin;
mod answers;
mod cluster;
mod codec;
mod codes;
mod compression;
mod consume;
mod fetch;
mod group;
mod ledger;
mod message;
mod messages;
mod offsets;
mod options;
mod producer;
mod records;
mod scram;
mod target;
#[cfg(test)]
mod tests;
mod wire;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::future::join_all;
use serde_json::Value;
use tokio::time::{Instant, timeout_at};
use trunkline_core::{Context, Error, Kind, Lag, Message, Outcome, Proof, Result, now_ms};

use self::{
    answers::Answers,
    cluster::Cluster,
    consume::Consuming,
    group::{GOODBYE, Members},
    options::Options,
    producer::{Placed, Producer, Settings},
    target::Target,
};
use super::{
    broker::{Broker, Delivered, Guarantee, Login, Receipt, Subscription, never},
    config::{DeclareConfig, Parts},
    replies::Replies,
};

/// How long brokers may take to write a record, elections and all. A caller who has less time goes sooner.
const WRITE: Duration = Duration::from_secs(30);

/// How long brokers may take to say what there is.
const ANSWER: Duration = Duration::from_secs(10);

/// So many groups are remembered to tell their lag.
const GROUPS: usize = 64;

/// A cluster of brokers that speak Kafka's protocol.
#[derive(Debug)]
pub(super) struct Kafka {
    options: Options,
    declare: BTreeMap<String, DeclareConfig>,
    replies: Arc<Replies>,
    members: Arc<Members>,
    /// Groups that were read as, and their topics.
    groups: Mutex<BTreeSet<(String, String)>>,
}

/// The cluster, with one login.
#[derive(Debug)]
pub(super) struct KafkaLink {
    cluster: Arc<Cluster>,
    producer: Producer,
    answers: Option<Answers>,
}

impl Kafka {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        admin::check(&parts.declare)?;
        let declare = parts.declare.clone();
        Ok(Self {
            options: Options::open(parts)?,
            declare,
            replies: Arc::default(),
            members: Arc::default(),
            groups: Mutex::default(),
        })
    }

    /// How far behind the groups are that were read as, those that are declared, and whoever names none for what is declared,
    /// as far as that is told.
    async fn groups(&self, cluster: &Cluster, until: Instant) -> Vec<Lag> {
        let read = self.groups.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let of_topic = |(topic, declared): (&String, &DeclareConfig)| {
            let named = declared.groups.iter().map(|group| (group.clone(), topic.clone()));
            named.collect::<Vec<_>>()
        };
        let ours: BTreeSet<_> = read.into_iter().chain(self.declare.iter().flat_map(of_topic)).collect();
        let unnamed = self.declare.keys().map(|topic| (Subscription::UNNAMED.to_owned(), topic.clone()));
        let groups: BTreeSet<_> = ours.iter().cloned().chain(unnamed).collect();
        let each = groups.iter().map(async |group| {
            let told = offsets::lag(cluster, &group.0, &group.1, until).await.ok()?;
            // A group that has never come anywhere is none, unless it is ours.
            let is_one = ours.contains(group) || told.iter().any(|lag| lag.committed.is_some());
            let behind = told.iter().map(|lag| (lag.end - lag.committed.unwrap_or(lag.begin)).max(0));
            let messages = behind.sum::<i64>().unsigned_abs();
            is_one.then(|| Lag { queue: group.1.clone(), group: Some(group.0.clone()), messages })
        });
        join_all(each).await.into_iter().flatten().collect()
    }
}

impl Broker for Kafka {
    type Link = KafkaLink;
    type Consumer = Consuming;

    const SYSTEM: &'static str = "kafka";
    const IS_LOG: bool = true;

    async fn connect(&self, context: &Context, login: &Login) -> Result<KafkaLink> {
        let login = self.options.login(login)?;
        let Options { net, client_id, hosts, compression, .. } = &self.options;
        let target = Target::new(context.clone(), net.clone(), login, client_id.clone(), ANSWER);
        let cluster = Cluster::new(target, hosts.clone(), false);
        cluster.known(Instant::now() + ANSWER).await?;
        for (name, declared) in &self.declare {
            let declared = admin::declare(&cluster, name, declared).await;
            declared.map_err(|error| error.at(&format!("declare.{name}")))?;
        }
        let settings = Settings { compression: *compression, ..Settings::default() };
        let answers = self.options.answers.clone().map(|topic| Answers::new(topic, self.replies.beside()));
        Ok(KafkaLink { producer: Producer::new(cluster.clone(), settings), cluster, answers })
    }

    /// Connections are made anew by the cluster; only where no broker is left, it is best begun from its address.
    fn is_alive(&self, link: &KafkaLink) -> bool {
        !link.cluster.is_lost()
    }

    fn check(&self, message: &Message) -> Result<()> {
        message::check(message)
    }

    async fn publish(&self, link: &KafkaLink, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
        let written = Instant::now() + WRITE;
        let until = until.min(written);
        let mut begun = Vec::with_capacity(messages.len());
        // One behind the other, so that those for the same partition are in order; what they wait for, they wait for together.
        for message in messages {
            let record = message::record(message, now_ms());
            let ticket = link.producer.begin(&message.destination, message.partition, record, written);
            let ticket = timeout_at(until, ticket).await.unwrap_or_else(|_| {
                let message = "the brokers did not make room for the record in time; it was not sent";
                Err(Error::new(Kind::Timeout, message).outcome_is(Outcome::NotSent))
            });
            begun.push(ticket);
        }
        let placed = join_all(begun.into_iter().map(async |ticket| ticket?.placed(until).await)).await;
        placed.into_iter().map(|placed| placed.map(receipt)).collect()
    }

    async fn ask(&self, link: &KafkaLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        let Some(answers) = &link.answers else {
            let message = "wait_response: Kafka has no way back; name the topic that answers come to in base_url, as in \
                           ?answers=replies";
            return Err(Error::new(Kind::Unsupported, message));
        };
        answers.listen(&link.cluster).await?;
        let waiting = answers.replies.expect()?;
        let mut message = message.clone();
        (message.reply_to, message.correlation_id) = (Some(answers.topic.clone()), Some(waiting.id.clone()));
        self.publish(link, std::slice::from_ref(&message), never()).await.remove(0)?;
        delivered();
        waiting.answer().await
    }

    fn late(&self) -> u64 {
        self.replies.late()
    }

    async fn consume(&self, link: &Arc<KafkaLink>, subscription: &Subscription) -> Result<Consuming> {
        let Options { session, uncommitted, .. } = self.options;
        let consuming =
            Consuming::begin(&link.cluster, &self.members, subscription, session, uncommitted).await?;
        if let Some(group) = &subscription.group {
            let mut groups = self.groups.lock().unwrap_or_else(PoisonError::into_inner);
            if groups.len() < GROUPS {
                groups.insert((group.clone(), subscription.source.clone()));
            }
        }
        Ok(consuming)
    }

    async fn prepare(&self, link: &KafkaLink, destination: &str) -> Result<()> {
        let wanted = DeclareConfig::default();
        admin::declare(&link.cluster, destination, self.declare.get(destination).unwrap_or(&wanted)).await
    }

    /// Asks for the brokers.
    async fn proof(&self, link: &KafkaLink) -> Result<Proof> {
        let until = Instant::now() + ANSWER;
        link.cluster.refresh();
        let known = link.cluster.known(until).await?;
        let mut proof = Proof::ANSWERED
            .fact("speaks", format!("Kafka {}", admin::speaks(&link.cluster.any(until).await?)))
            .fact("brokers", known.brokers.len().to_string())
            .fact("controller", known.controller.to_string());
        if let Some(id) = &known.cluster_id {
            proof = proof.fact("cluster", id);
        }
        Ok(proof)
    }

    async fn lag(&self, link: &KafkaLink) -> Result<Vec<Lag>> {
        Ok(self.groups(&link.cluster, Instant::now() + ANSWER).await)
    }

    async fn schema(&self, link: &KafkaLink) -> Result<Value> {
        admin::topics(&link.cluster, Instant::now() + ANSWER).await
    }

    /// Whoever comes next finds groups without the members that were here.
    async fn close(&self, link: Arc<KafkaLink>) {
        self.members.all_gone(GOODBYE).await;
        drop(link);
    }
}

fn receipt(placed: Placed) -> Receipt {
    let mut facts = vec![("partition", placed.partition.into())];
    if let Some(offset) = placed.offset {
        facts.push(("offset", offset.into()));
    }
    Receipt { guarantee: Guarantee::AtLeastOnce, facts }
}
