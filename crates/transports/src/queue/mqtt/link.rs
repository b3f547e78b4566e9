//! `MqttLink`: a connection that messages are sent over, and answers come.

use std::{collections::VecDeque, fmt, sync::Arc, time::Duration};

use rumqttc::{AsyncClient, Event, EventLoop, Incoming, PubAckReason, PublishNotice, PublishResult, QoS};
use tokio::{
    sync::{OnceCell, watch},
    time::{Instant, timeout},
};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Context, Error, Kind, Message, Outcome, Result};
use uuid::Uuid;

use super::{
    failure,
    limits::Limits,
    message::{message, options},
    target::{ANSWER, Target},
};
use crate::queue::{
    broker::{Delivered, Guarantee, Login, Receipt, handed_by, said_by},
    replies::Replies,
};

/// A connection that is logged in.
pub(in crate::queue) struct MqttLink {
    client: AsyncClient,
    limits: Limits,
    ended: CancellationToken,
    replies: Arc<Replies>,
    /// Where answers come; subscribed to with the first request.
    answers: OnceCell<String>,
    version: watch::Receiver<Option<String>>,
    /// Who else reads makes a connection like this one.
    pub(super) context: Context,
    pub(super) login: Login,
}

/// Where brokers say what they are, those that do.
const VERSION: &str = "$SYS/broker/version";
/// So long they have to say so.
const SOON: Duration = Duration::from_millis(500);
/// So many messages of a batch may be unacknowledged.
const WINDOW: usize = 1024;

impl MqttLink {
    pub(super) async fn connect(
        target: &Target,
        context: &Context,
        login: &Login,
        replies: &Arc<Replies>,
    ) -> Result<Self> {
        let made = target.publishing(context, login).await?;
        let ended = CancellationToken::new();
        let (tell, version) = watch::channel(None);
        tokio::spawn(run(made.events, ended.clone(), replies.clone(), tell));
        Ok(Self {
            client: made.client,
            limits: made.limits,
            ended,
            replies: replies.clone(),
            answers: OnceCell::new(),
            version,
            context: context.clone(),
            login: login.clone(),
        })
    }

    pub(super) fn is_alive(&self) -> bool {
        !self.ended.is_cancelled()
    }

    /// Sends messages one behind the other and waits for what the broker says of each.
    pub(super) async fn publish(&self, messages: &[Message], until: Instant) -> Vec<Result<Receipt>> {
        let mut results = Vec::with_capacity(messages.len());
        let mut under_way: VecDeque<Result<PublishNotice>> = VecDeque::new();
        for message in messages {
            if under_way.len() >= WINDOW
                && let Some(first) = under_way.pop_front()
            {
                results.push(said_by(until, self.outcome(first)).await);
            }
            under_way.push_back(handed_by(until, self.send(message)).await);
        }
        for sent in under_way {
            results.push(said_by(until, self.outcome(sent)).await);
        }
        results
    }

    /// What becomes of a message. Nobody says anything of one that still waited to be written when the connection was lost.
    async fn outcome(&self, sent: Result<PublishNotice>) -> Result<Receipt> {
        tokio::select! {
            // In this order: the end comes behind all that is said.
            biased;
            said = ended(sent) => said,
            () = self.ended.cancelled() => Err(failure::lost("sending a message", &"it ended")),
        }
    }

    async fn send(&self, message: &Message) -> Result<PublishNotice> {
        if !self.is_alive() {
            return Err(failure::lost("sending a message", &"it ended").outcome_is(Outcome::NotSent));
        }
        self.limits.check(message)?;
        let sent =
            self.client.publish_tracked(message.destination.as_str(), message.body.clone(), options(message));
        sent.await.map_err(|error| failure::lost("sending a message", &error).outcome_is(Outcome::NotSent))
    }

    /// Asks, and waits for the answer.
    pub(super) async fn ask(&self, message: &Message, delivered: Delivered<'_>) -> Result<Message> {
        let answers = self.answers.get_or_try_init(async || {
            let topic = format!("trunkline/answers/{}", Uuid::new_v4().simple());
            self.subscribe(&topic).await?;
            Ok(topic)
        });
        let answers = answers.await.map_err(|error: Error| error.outcome_is(Outcome::NotSent))?.clone();
        let waiting = self.replies.expect()?;
        let mut message = message.clone();
        (message.reply_to, message.correlation_id) = (Some(answers), Some(waiting.id.clone()));
        let sent = self.send(&message).await;
        let receipt = self.outcome(sent).await?;
        if !is_kept(&receipt) {
            return Err(Error::new(
                Kind::Unroutable,
                "nobody subscribes to the topic, so nobody answers; see that who answers is there",
            ));
        }
        delivered();
        waiting.answer().await
    }

    async fn subscribe(&self, topic: &str) -> Result<()> {
        subscribe(&self.client, topic, QoS::AtLeastOnce).await
    }

    /// What the broker says of its version, if it is one of those that do. It is asked each time, which proves that it is there.
    pub(super) async fn version(&self) -> Result<Option<String>> {
        let mut version = self.version.clone();
        match self.subscribe(VERSION).await {
            Ok(()) if version.borrow().is_some() => {}
            Ok(()) => drop(timeout(SOON, version.changed()).await),
            // It answered: that it keeps this to itself says nothing against it.
            Err(error) if error.outcome() == Outcome::Rejected => {}
            Err(error) => return Err(error),
        }
        let told = version.borrow().clone();
        Ok(told)
    }

    pub(super) async fn close(&self) {
        let _ = self.client.disconnect_now().await;
    }
}

/// Subscribes, and waits until the broker says that it is so.
pub(super) async fn subscribe(client: &AsyncClient, topic: &str, qos: QoS) -> Result<()> {
    let lost = |error: &dyn fmt::Display| failure::lost("subscribing", &error.to_string());
    let asked = client.subscribe_tracked(topic, qos).await.map_err(|error| lost(&error))?;
    match timeout(ANSWER, asked.wait_completion_async()).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(rumqttc::SubscribeNoticeError::V5SubAckFailure(codes))) => Err(failure::refused(
            Kind::Forbidden,
            "the broker does not allow the subscription; see the permissions of the login",
            codes,
        )),
        Ok(Err(error)) => Err(lost(&error)),
        Err(_) => Err(Error::new(
            Kind::Timeout,
            "the broker did not answer to a subscription in time; see that it is up",
        )),
    }
}

/// Nobody had subscribed to the topic of a message.
const UNMATCHED: &str = "no_subscribers";

/// Whether anybody has a message that the broker took. What nobody has subscribed to it throws away.
pub(super) fn is_kept(receipt: &Receipt) -> bool {
    !receipt.facts.iter().any(|(name, _)| *name == UNMATCHED)
}

/// What the broker says of a message.
async fn ended(sent: Result<PublishNotice>) -> Result<Receipt> {
    let said = sent?.wait_async().await.map_err(|error| failure::publishing(&error))?;
    let receipt = |guarantee, facts| Ok(Receipt { guarantee, facts });
    match said {
        PublishResult::Qos0Flushed => receipt(Guarantee::AtMostOnce, Vec::new()),
        PublishResult::Qos1(ack) => match failure::acknowledged(ack.reason) {
            Some(error) => Err(error),
            None => {
                let mut facts = vec![("packet_id", ack.pkid.into())];
                if ack.reason == PubAckReason::NoMatchingSubscribers {
                    facts.push((UNMATCHED, true.into()));
                }
                receipt(Guarantee::AtLeastOnce, facts)
            }
        },
        PublishResult::Qos2Completed(done) => {
            receipt(Guarantee::ExactlyOnce, vec![("packet_id", done.pkid.into())])
        }
        PublishResult::Qos2PubRecRejected(refused) => Err(failure::refused(
            Kind::Rejected,
            "the broker did not take the message; its log says why",
            refused.reason,
        )),
    }
}

/// Keeps the connection until it is lost. It is not made again here: whoever needs it does, and knows what was lost with it.
async fn run(
    mut events: EventLoop,
    ended: CancellationToken,
    replies: Arc<Replies>,
    version: watch::Sender<Option<String>>,
) {
    while let Ok(event) = events.poll().await {
        if let Event::Incoming(Incoming::Publish(came)) = event {
            if came.topic == VERSION.as_bytes() {
                version.send_replace(Some(String::from_utf8_lossy(&came.payload).into_owned()));
            } else {
                replies.tell(message(&came));
            }
        }
    }
    // With this it is said of all that was written that nobody knows what became of it.
    drop(events);
    ended.cancel();
    replies.lost();
}

impl fmt::Debug for MqttLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MqttLink").field("is_alive", &self.is_alive()).finish_non_exhaustive()
    }
}
