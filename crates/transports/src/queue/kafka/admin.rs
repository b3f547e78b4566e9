//! Topics that have to be there, and what is told of a cluster.

use std::{collections::BTreeMap, time::Duration};

use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{
    cluster::Cluster,
    codes, message,
    messages::{
        Request,
        admin::CreateTopic,
        fetch::{EARLIEST, LATEST},
        metadata::TopicView,
        produce::Produce,
    },
    offsets::{self, Partition},
    wire::Connection,
};
use crate::queue::config::DeclareConfig;

/// How long brokers may take to make a topic, and to tell each other.
const MAKE: Duration = Duration::from_secs(10);

/// How often a new topic is looked for while it is not to be seen everywhere.
const LOOK: Duration = Duration::from_millis(50);

/// Of more partitions nobody is asked how many messages are in them.
const COUNTED: usize = 500;

/// Checks what can be checked without asking.
///
/// # Errors
///
/// `invalid_config`, naming the key.
pub(super) fn check(all: &BTreeMap<String, DeclareConfig>) -> Result<()> {
    for (name, declared) in all {
        let at = |error: Error| error.at(&format!("declare.{name}"));
        message::topic(name).map_err(at)?;
        let other = [
            ("transient", declared.transient, "is not for Kafka; leave it out"),
            ("bind", !declared.bind.is_empty(), "is not for Kafka; leave it out"),
            ("subjects", !declared.subjects.is_empty(), "is not for Kafka; leave it out"),
            (
                "groups",
                declared.groups.iter().any(String::is_empty),
                "one has no name; name it, or leave it out",
            ),
            (
                "max_length",
                declared.max_length.is_some(),
                "is not for Kafka; say {\"retention.bytes\": …} in arguments",
            ),
            ("partitions", declared.partitions.is_some_and(|count| count < 1), "must be at least 1"),
            ("replicas", declared.replicas.is_some_and(|count| count < 1), "must be at least 1"),
        ];
        if let Some((key, _, message)) = other.iter().find(|(_, wrong, _)| *wrong) {
            return Err(at(Error::invalid(format!("{key}: {message}"))));
        }
        settings(declared).map_err(at)?;
    }
    Ok(())
}

/// The settings of a topic: what stands in `arguments`, such as `{"retention.ms": 60000}`.
fn settings(declared: &DeclareConfig) -> Result<Vec<(String, String)>> {
    let setting = |(name, value): (&String, &Value)| {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(_) | Value::Bool(_) => value.to_string(),
            _ => {
                return Err(Error::invalid(format!(
                    "arguments.{name}: must be text, a number, true or false"
                )));
            }
        };
        Ok((name.clone(), text))
    };
    declared.arguments.iter().map(setting).collect()
}

/// Makes a topic where it is not there.
///
/// # Errors
///
/// What brokers refuse.
pub(super) async fn declare(cluster: &Cluster, name: &str, declared: &DeclareConfig) -> Result<()> {
    let until = Instant::now() + MAKE;
    match cluster.topic(name, until).await {
        Ok((view, _)) => return same(&view, declared),
        Err(error) if error.kind() == Kind::Rejected => {}
        Err(error) => return Err(error),
    }
    let what = format!("the broker does not make topic {name}");
    let settings = settings(declared)?;
    let mut tries = 0;
    loop {
        let connection = controller(cluster, until).await?;
        // Brokers since 2.4 have numbers of their own for who names none (KIP-464).
        let usual = if connection.version(CreateTopic::API)? >= 4 { -1 } else { 1 };
        let request = CreateTopic {
            name,
            partitions: declared.partitions.unwrap_or(1),
            replicas: declared.replicas.unwrap_or(usual),
            settings: &settings,
            timeout: MAKE.as_millis() as i32,
        };
        let created = connection.ask(&request, until + MAKE).await?;
        tries += 1;
        match created.error {
            codes::TOPIC_ALREADY_EXISTS => break,
            code if codes::judge(code).help == codes::Help::Look && tries < 3 => cluster.refresh(),
            code => {
                codes::accepted(code, &what, created.reason.as_deref())?;
                break;
            }
        }
    }
    // Those that did not make it hear of it a little later.
    loop {
        cluster.refresh();
        match cluster.leader(name, 0, until).await {
            Err(_) if Instant::now() + LOOK < until => sleep(LOOK).await,
            found => return found.map(drop),
        }
    }
}

/// Whether a topic that is there is as it is declared, as far as somebody says how many there are.
fn same(view: &TopicView, declared: &DeclareConfig) -> Result<()> {
    let partitions = view.partitions.len();
    let replicas = view.partitions.first().map_or(0, |partition| partition.replicas.len());
    let counts = [
        ("partitions", declared.partitions.and_then(|count| usize::try_from(count).ok()), partitions),
        ("replicas", declared.replicas.and_then(|count| usize::try_from(count).ok()), replicas),
    ];
    match counts.iter().find(|(_, declared, there)| declared.is_some_and(|declared| declared != *there)) {
        Some((key, _, there)) => {
            let message = format!(
                "{key}: the topic is there already with {there}; make them the same, or leave it out"
            );
            Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected))
        }
        None => Ok(()),
    }
}

/// The connection to the broker that makes topics.
async fn controller(cluster: &Cluster, until: Instant) -> Result<Connection> {
    let known = cluster.known(until).await?;
    match known.brokers.contains_key(&known.controller) {
        true => cluster.connection(known.controller, &known, until).await,
        false => cluster.any(until).await,
    }
}

/// The topics that there are, and how many messages are in them where that is not too much to ask.
///
/// # Errors
///
/// What brokers refuse.
pub(super) async fn topics(cluster: &Cluster, until: Instant) -> Result<Value> {
    let topics = cluster.all_topics(until).await?;
    let partitions: Vec<Partition> = topics
        .iter()
        .filter(|topic| topic.error == 0)
        .flat_map(|topic| topic.partitions.iter().map(|found| (topic.name.clone(), found.index)))
        .collect();
    let mut messages: BTreeMap<&str, i64> = BTreeMap::new();
    let (begins, ends);
    if partitions.len() <= COUNTED {
        // Where a partition has no leader nobody knows; the topics are told all the same.
        begins = offsets::list(cluster, &partitions, EARLIEST, false, until).await.unwrap_or_default();
        ends = offsets::list(cluster, &partitions, LATEST, false, until).await.unwrap_or_default();
        for ((topic, index), end) in &ends {
            let begin = begins.get(&(topic.clone(), *index)).unwrap_or(end);
            *messages.entry(topic).or_default() += end - begin;
        }
    }
    let topic = |topic: &super::messages::metadata::TopicView| {
        let mut told = json!({"name": topic.name, "partitions": topic.partitions.len()});
        let replicas = topic.partitions.iter().map(|found| found.replicas.len()).max().unwrap_or_default();
        let behind =
            topic.partitions.iter().filter(|found| found.in_sync.len() < found.replicas.len()).count();
        told["replicas"] = replicas.into();
        if behind > 0 {
            told["partitions_out_of_sync"] = behind.into();
        }
        if let Some(count) = messages.get(&*topic.name) {
            told["messages"] = (*count).into();
        }
        told
    };
    Ok(json!({"queues": topics.iter().map(topic).collect::<Vec<_>>()}))
}

/// The newest version of Kafka that a broker has the protocol of, as far as can be told: brokers do not say their own. By the
/// newest version of Produce (`ProduceRequest.json` of Apache Kafka).
pub(super) fn speaks(connection: &Connection) -> &'static str {
    match connection.newest(Produce::API) {
        Some(13..) => "4.1 or later",
        Some(12) => "4.0",
        Some(11) => "3.8",
        Some(10) => "3.7",
        Some(9) => "2.8",
        Some(8) => "2.4",
        Some(7) => "2.1",
        Some(6) => "2.0",
        Some(5) => "1.0",
        _ => "0.11",
    }
}
