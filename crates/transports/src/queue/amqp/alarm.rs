//! `Alarm`: what RabbitMQ says while it takes no messages, for want of memory or disk (RabbitMQ's guides "Memory and Disk Alarms"
//! and "Blocked Connection Notifications"), and that the connection it says it on is lost.

use std::{future::pending, sync::Arc, time::Duration};

use futures_util::StreamExt;
use lapin::{Connection, Event};
use tokio::{
    select,
    sync::watch::{self, Receiver},
    time::sleep,
};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Error, Kind, Outcome, Result};

/// Whoever has sent a message waits so long for an alarm to be over.
const PATIENCE: Duration = Duration::from_secs(5);

/// What the broker says, if there is an alarm.
type Reason = Option<Arc<str>>;

/// What is known of the connection that messages are published over.
#[derive(Debug)]
pub(super) struct Alarm {
    raised: Receiver<Reason>,
    /// The same once it has been there for a while.
    lasting: Receiver<Reason>,
    lost: CancellationToken,
}

impl Alarm {
    /// Listens to a connection, for as long as there is one.
    pub(super) fn of(connection: &Connection) -> Self {
        let (raise, raised) = watch::channel(None);
        let (last, lasting) = watch::channel(None);
        let lost = CancellationToken::new();
        let mut events = connection.events_listener();
        let over = lost.clone().drop_guard();
        tokio::spawn(async move {
            let _over = over;
            loop {
                let waits = raise.borrow().is_some() && last.borrow().is_none();
                let event = select! {
                    event = events.next() => event,
                    () = sleep(PATIENCE), if waits => {
                        last.send_replace(raise.borrow().clone());
                        continue;
                    }
                };
                match event {
                    Some(Event::ConnectionBlocked(reason)) => {
                        raise.send_replace(Some(reason.into()));
                    }
                    Some(Event::ConnectionUnblocked) => {
                        raise.send_replace(None);
                        last.send_replace(None);
                    }
                    // A channel was closed, as over a question of something that is not there: the connection stays.
                    Some(Event::Error(error)) if error.is_amqp_soft_error() => {}
                    Some(Event::Error(_)) | None => return,
                    Some(_) => {}
                }
            }
        });
        Self { raised, lasting, lost }
    }

    /// Refuses while there is one: what is published now would wait for as long as it lasts.
    ///
    /// # Errors
    ///
    /// `unavailable`, with outcome `not_sent` and what the broker says.
    pub(super) fn refuse(&self) -> Result<()> {
        match &*self.raised.borrow() {
            Some(reason) => Err(error(reason)),
            None => Ok(()),
        }
    }

    /// Ends once one has lasted for a while: what was sent before it waits at the broker until it is over.
    pub(super) async fn lasts(&self) -> Error {
        let mut lasting = self.lasting.clone();
        let reason = lasting.wait_for(Option::is_some).await.ok().and_then(|reason| reason.clone());
        match reason {
            Some(reason) => error(&reason).outcome_is(Outcome::Unknown),
            // The connection is lost, which whoever waits hears from it.
            None => pending().await,
        }
    }

    /// Ends once the connection is lost.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }
}

fn error(reason: &str) -> Error {
    let message = format!(
        "RabbitMQ takes no messages ({reason}); give it memory or disk, or have the messages read that it has"
    );
    Error::new(Kind::Unavailable, message).outcome_is(Outcome::NotSent)
}
