//! `Nats`: NATS, with JetStream where a stream keeps a subject. What no stream keeps is for those who listen at the moment.

mod consume;
mod failure;
mod link;
mod message;
mod publish;
mod target;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_nats::jetstream::stream;
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use trunkline_core::{Context, Error, Kind, Message, Outcome, Proof, Result};

pub(super) use self::link::NatsLink;
use self::{consume::Consuming, target::Target};
use super::{
    broker::{Broker, Delivered, Login, Receipt, Subscription},
    config::{DeclareConfig, Parts},
    replies::Replies,
};

/// NATS.
#[derive(Debug)]
pub(super) struct Nats {
    target: Target,
    declare: BTreeMap<String, DeclareConfig>,
    replies: Arc<Replies>,
}

impl Nats {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        for (name, declared) in &parts.declare {
            let wanted = DeclareConfig {
                subjects: declared.subjects.clone(),
                replicas: declared.replicas,
                max_length: declared.max_length,
                ..DeclareConfig::default()
            };
            if *declared != wanted {
                return Err(Error::invalid(format!(
                    "declare.{name}: a stream of NATS has subjects, replicas and max_length, and nothing else"
                )));
            }
        }
        let declare = parts.declare.clone();
        Ok(Self { target: Target::open(parts)?, declare, replies: Arc::default() })
    }

    /// Makes a stream where it is not there. One that is there has to be as somebody says that it is.
    async fn declare(link: &NatsLink, name: &str, declared: &DeclareConfig) -> Result<()> {
        let mut subjects = declared.subjects.clone();
        if subjects.is_empty() {
            subjects.push(name.to_owned());
        }
        let config = stream::Config {
            // What a subject has that a name may not have.
            name: name.chars().map(|c| if ".*> /\\".contains(c) { '_' } else { c }).collect(),
            subjects,
            num_replicas: declared.replicas.map_or(1, |replicas| replicas.max(1) as usize),
            max_messages: declared.max_length.map_or(-1, |most| most as i64),
            ..stream::Config::default()
        };
        let stream = link.jetstream.get_or_create_stream(config.clone()).await;
        let stream = stream.map_err(|error| failure::declaring(&error))?;
        let there = &stream.cached_info().config;
        let sorted = |subjects: &[String]| subjects.iter().cloned().collect::<BTreeSet<_>>();
        let differs = [
            (
                "subjects",
                !declared.subjects.is_empty() && sorted(&there.subjects) != sorted(&config.subjects),
            ),
            ("replicas", declared.replicas.is_some() && there.num_replicas != config.num_replicas),
            ("max_length", declared.max_length.is_some() && there.max_messages != config.max_messages),
        ];
        match differs.iter().find(|(_, differs)| *differs) {
            Some((key, _)) => {
                let message = format!(
                    "{key}: the stream is there already with another value; make them the same, or leave it out"
                );
                Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::Rejected))
            }
            None => Ok(()),
        }
    }
}

impl Broker for Nats {
    type Link = NatsLink;
    type Consumer = Consuming;

    const SYSTEM: &'static str = "nats";
    const IS_LOG: bool = true;

    async fn connect(&self, context: &Context, login: &Login) -> Result<NatsLink> {
        let link = self.target.connect(context, login, self.replies.beside()).await?;
        for (name, declared) in &self.declare {
            Self::declare(&link, name, declared)
                .await
                .map_err(|error| error.at(&format!("declare.{name}")))?;
        }
        Ok(link)
    }

    fn is_alive(&self, link: &NatsLink) -> bool {
        link.is_alive()
    }

    fn check(&self, message: &Message) -> Result<()> {
        message::check(message)
    }

    async fn publish(&self, link: &NatsLink, messages: &[Message]) -> Vec<Result<Receipt>> {
        publish::publish(link, messages).await
    }

    async fn ask(&self, link: &NatsLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        publish::ask(link, message, delivered).await
    }

    fn late(&self) -> u64 {
        self.replies.late()
    }

    async fn consume(&self, link: &Arc<NatsLink>, subscription: &Subscription) -> Result<Consuming> {
        Consuming::begin(link, subscription).await
    }

    /// In front, so that whoever reads `orders.>` does not read it.
    fn beside(source: &str) -> String {
        format!("dead.{source}")
    }

    async fn prepare(&self, link: &NatsLink, destination: &str) -> Result<()> {
        if link.stream_of(destination).await?.is_some() {
            return Ok(());
        }
        let subjects = vec![destination.to_owned()];
        Self::declare(link, destination, &DeclareConfig { subjects, ..DeclareConfig::default() }).await?;
        link.forget(destination);
        Ok(())
    }

    async fn proof(&self, link: &NatsLink) -> Result<Proof> {
        link.client.flush().await.map_err(|error| failure::lost("asking whether it is there", &error))?;
        let info = link.client.server_info();
        let mut proof = Proof::ANSWERED.fact("version", info.version).fact("server", info.server_name);
        if !link.has_jetstream {
            return Ok(proof.fact("jetstream", "off"));
        }
        let mut lag = None;
        for name in self.declare.keys() {
            let Ok(stream) = link.jetstream.get_stream(name).await else { continue };
            let groups: Vec<_> = stream.consumers().try_collect().await.unwrap_or_default();
            let behind =
                groups.iter().map(|group| group.num_pending + group.num_ack_pending as u64).sum::<u64>();
            *lag.get_or_insert(0) += behind;
        }
        if let Some(lag) = lag {
            proof = proof.fact("lag", lag.to_string());
        }
        Ok(proof)
    }

    async fn schema(&self, link: &NatsLink) -> Result<Value> {
        if !link.has_jetstream {
            let message = "NATS knows its streams, and JetStream is off; subjects are known to nobody";
            return Err(Error::new(Kind::Unsupported, message));
        }
        let streams: Vec<stream::Info> = link
            .jetstream
            .streams()
            .try_collect()
            .await
            .map_err(|error| failure::lost("listing streams", &error))?;
        let told = |info: &stream::Info| {
            json!({
                "name": info.config.name, "subjects": info.config.subjects, "messages": info.state.messages,
                "bytes": info.state.bytes, "groups": info.state.consumer_count,
            })
        };
        Ok(json!({"streams": streams.iter().map(told).collect::<Vec<_>>()}))
    }
}
