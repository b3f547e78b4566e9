//! `Redis`: Redis Streams, and whatever else speaks their commands. What was read stays, and groups remember how far they
//! have come.

mod consume;
mod entry;
mod failure;
mod link;
mod replies;

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use futures_util::{StreamExt, future::ready, stream};
use redis::{Cmd, Value as Said, cmd};
use serde_json::{Value, json};
use tokio::time::Instant;
use trunkline_core::{Context, Error, Lag, Message, Proof, Result};

pub(super) use self::link::RedisLink;
use self::{consume::Consuming, link::Target};
use super::{
    broker::{Broker, Delivered, Guarantee, Login, Receipt, Subscription, handed_by, said_by},
    config::{DeclareConfig, Parts},
    place::only,
    replies::Replies,
};

/// Redis.
#[derive(Debug)]
pub(super) struct Redis {
    target: Target,
    declare: BTreeMap<String, DeclareConfig>,
    replies: Arc<Replies>,
}

/// So many messages of a batch may be unanswered.
const WINDOW: usize = 1024;
/// So many streams are listed.
const LISTED: usize = 1000;

impl Redis {
    pub(super) fn open(parts: Parts) -> Result<Self> {
        for (name, declared) in &parts.declare {
            let wanted = DeclareConfig {
                max_length: declared.max_length,
                groups: declared.groups.clone(),
                ..DeclareConfig::default()
            };
            if *declared != wanted {
                return Err(Error::invalid(format!(
                    "declare.{name}: a stream of Redis has groups and max_length, and nothing else"
                )));
            }
        }
        let declare = parts.declare.clone();
        Ok(Self { target: Target::open(parts)?, declare, replies: Arc::default() })
    }

    /// How a message is added to its stream.
    fn add(&self, message: &Message) -> Cmd {
        let mut add = cmd("XADD");
        add.arg(&message.destination);
        if let Some(most) = self.declare.get(&message.destination).and_then(|declared| declared.max_length) {
            // About so many: Redis takes whole nodes of its tree away.
            add.arg("MAXLEN").arg("~").arg(most);
        }
        add.arg("*");
        entry::write(message, &mut add);
        add
    }

    async fn send(&self, link: &RedisLink, message: &Message) -> Result<Receipt> {
        let id: String = link.ask(&self.add(message), "sending a message").await?;
        Ok(Receipt { guarantee: Guarantee::AtLeastOnce, facts: vec![("entry", id.into())] })
    }

    /// How far the groups of a declared stream are behind, those of which Redis tells: not before version 7, and not where
    /// entries were deleted that a group has yet to read.
    async fn groups(link: &RedisLink, name: &str) -> Vec<Lag> {
        // There is no such stream before the first message, and a login may not be let ask.
        let said = link.ask::<Said>(cmd("XINFO").arg("GROUPS").arg(name), "asking for groups").await;
        let Ok(groups) = said else { return Vec::new() };
        let lag = |group: HashMap<String, Said>| {
            let number = |name: &str| group.get(name).and_then(entry::number);
            Some(Lag {
                queue: name.to_owned(),
                group: Some(group.get("name").and_then(entry::text)?),
                messages: number("lag")? + number("pending")?,
            })
        };
        entry::maps(&groups).into_iter().filter_map(lag).collect()
    }
}

impl Broker for Redis {
    type Link = RedisLink;
    type Consumer = Consuming;

    const SYSTEM: &'static str = "redis";
    const IS_LOG: bool = true;
    const TAKES_BACK: bool = true;

    async fn connect(&self, context: &Context, login: &Login) -> Result<RedisLink> {
        let link = self.target.connect(context, login, &self.replies.beside()).await?;
        for (name, declared) in &self.declare {
            for group in &declared.groups {
                consume::join(&link, name, group, None)
                    .await
                    .map_err(|error| error.at(&format!("declare.{name}")))?;
            }
        }
        Ok(link)
    }

    fn is_alive(&self, link: &RedisLink) -> bool {
        link.is_alive()
    }

    fn check(&self, message: &Message) -> Result<()> {
        only(message, &["key"], |_| "is not for Redis; streams have nothing of the kind")
    }

    async fn publish(&self, link: &RedisLink, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
        // Whoever is too late sends nothing.
        let send = async |message| {
            handed_by(until, ready(Ok(()))).await?;
            said_by(until, self.send(link, message)).await
        };
        if let [message] = messages {
            return vec![send(message).await];
        }
        let mut sends = Vec::with_capacity(messages.len());
        for message in messages {
            sends.push(send(message));
        }
        stream::iter(sends).buffered(WINDOW).collect().await
    }

    async fn ask(&self, link: &RedisLink, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        let stream = link.answers.stream().await?;
        let waiting = link.answers.replies.expect()?;
        let mut message = message.clone();
        (message.reply_to, message.correlation_id) = (Some(stream), Some(waiting.id.clone()));
        self.send(link, &message).await?;
        delivered();
        waiting.answer().await
    }

    fn late(&self) -> u64 {
        self.replies.late()
    }

    async fn consume(&self, link: &Arc<RedisLink>, subscription: &Subscription) -> Result<Consuming> {
        Consuming::begin(link, subscription).await
    }

    async fn proof(&self, link: &RedisLink) -> Result<Proof> {
        let info: String = link.ask(cmd("INFO").arg("server"), "asking for its version").await?;
        let line = |name: &str| {
            info.lines()
                .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
                .map(|text| text.trim().to_owned())
        };
        let mut proof = Proof::ANSWERED;
        if let Some(version) = line("redis_version") {
            proof = proof.fact("version", version);
        }
        if let Some(mode) = line("redis_mode") {
            proof = proof.fact("mode", mode);
        }
        Ok(proof)
    }

    async fn lag(&self, link: &RedisLink) -> Result<Vec<Lag>> {
        let mut each = Vec::new();
        for name in self.declare.keys() {
            each.extend(Self::groups(link, name).await);
        }
        Ok(each)
    }

    async fn schema(&self, link: &RedisLink) -> Result<Value> {
        let (mut streams, mut cursor) = (Vec::new(), String::from("0"));
        loop {
            let mut scan = cmd("SCAN");
            scan.arg(&cursor).arg("TYPE").arg("stream").arg("COUNT").arg(1000);
            let (next, names): (String, Vec<String>) = link.ask(&scan, "listing streams").await?;
            for name in names {
                let length: u64 = link.ask(cmd("XLEN").arg(&name), "asking for a length").await?;
                streams.push(json!({"name": name, "messages": length}));
            }
            if next == "0" || streams.len() >= LISTED {
                break;
            }
            cursor = next;
        }
        streams.sort_by(|one, other| one["name"].as_str().cmp(&other["name"].as_str()));
        Ok(json!({ "streams": streams }))
    }
}
