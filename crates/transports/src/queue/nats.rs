//! `Nats`: NATS, with JetStream where a stream keeps a subject. What no stream keeps is for those who listen at the moment.

mod alive;
mod aside;
mod consume;
mod failure;
mod group;
mod kept;
mod link;
mod mark;
mod message;
mod patience;
mod publish;
mod repetition;
mod target;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use async_nats::jetstream::{consumer, stream};
use futures_util::TryStreamExt;
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline_core::{Context, Error, Kind, Lag, Message, Outcome, Proof, Result};

pub(super) use self::link::NatsLink;
use self::{consume::Consuming, target::Target};
use super::{
    broker::{Broker, Delivered, Guarantee, Login, Receipt, Subscription},
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
            name: stream_name(name),
            subjects,
            num_replicas: declared.replicas.map_or(1, |replicas| replicas.max(1) as usize),
            max_messages: declared.max_length.map_or(-1, |most| most as i64),
            ..stream::Config::default()
        };
        let stream = link.asks("making a stream", "STREAM.", async {
            let stream = link.jetstream.get_or_create_stream(config.clone()).await;
            stream.map_err(|error| failure::declaring(&error))
        });
        let stream = stream.await?;
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

    /// How far the groups of a declared stream are behind; none where it cannot be asked for them.
    async fn groups(link: &NatsLink, name: &str) -> Vec<Lag> {
        let Ok(stream) = link.jetstream.get_stream_no_info(stream_name(name)).await else {
            return Vec::new();
        };
        let readers = stream.consumers().try_collect::<Vec<_>>().await.unwrap_or_default();
        let lag = |reader: consumer::Info| {
            let reads = reader.config.filter_subject;
            Some(Lag {
                queue: if reads.is_empty() { name.to_owned() } else { reads },
                // Who reads alone is no group.
                group: Some(reader.config.durable_name?),
                messages: reader.num_pending + reader.num_ack_pending as u64,
            })
        };
        readers.into_iter().filter_map(lag).collect()
    }
}

/// The name of the stream that is declared for a subject: what subjects have and names may not is `_` in it.
fn stream_name(subject: &str) -> String {
    subject.chars().map(|c| if ".*> /\\".contains(c) { '_' } else { c }).collect()
}

impl Broker for Nats {
    type Link = NatsLink;
    type Consumer = Consuming;

    const SYSTEM: &'static str = "nats";
    const IS_LOG: bool = true;
    const TAKES_BACK: bool = true;

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

    fn is_kept(receipt: &Receipt) -> bool {
        receipt.guarantee != Guarantee::AtMostOnce
    }

    async fn publish(&self, link: &NatsLink, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
        publish::publish(link, messages, until).await
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

    fn beside(source: &str) -> String {
        aside::beside(source)
    }

    async fn prepare(&self, link: &NatsLink, destination: &str) -> Result<()> {
        aside::prepare(link, destination).await
    }

    async fn proof(&self, link: &NatsLink) -> Result<Proof> {
        link.round_trip("asking whether it is there").await?;
        let info = link.client.server_info();
        let mut proof = Proof::ANSWERED.fact("version", info.version).fact("server", info.server_name);
        if !link.has_jetstream {
            proof = proof.fact("jetstream", "off");
        }
        Ok(proof)
    }

    async fn lag(&self, link: &NatsLink) -> Result<Vec<Lag>> {
        if !link.has_jetstream {
            return Ok(Vec::new());
        }
        let each = link.asks("asking for groups", "CONSUMER.LIST", async {
            let mut each = Vec::new();
            for name in self.declare.keys() {
                each.extend(Self::groups(link, name).await);
            }
            Ok(each)
        });
        // That a login may not ask for it is nothing that is wrong.
        Ok(each.await.unwrap_or_default())
    }

    async fn schema(&self, link: &NatsLink) -> Result<Value> {
        let off = || {
            let message = "NATS knows its streams, and JetStream is off; subjects are known to nobody";
            Error::new(Kind::Unsupported, message)
        };
        if !link.has_jetstream {
            return Err(off());
        }
        let streams = link.asks("listing streams", "STREAM.LIST", async {
            let streams = link.jetstream.streams().try_collect::<Vec<stream::Info>>().await;
            streams.map_err(|error| match failure::is_off(&error) {
                true => off(),
                false => failure::lost("listing streams", &error),
            })
        });
        let streams = streams.await?;
        let told = |info: &stream::Info| {
            json!({
                "name": info.config.name, "subjects": info.config.subjects, "messages": info.state.messages,
                "bytes": info.state.bytes, "groups": info.state.consumer_count,
            })
        };
        Ok(json!({"streams": streams.iter().map(told).collect::<Vec<_>>()}))
    }
}
