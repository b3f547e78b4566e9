//! `run`: the loop of one bridge: it pulls as many messages as there is room for, and none while they could not be passed on.

use std::{future::pending, sync::Arc, time::Duration};

use tokio::{
    select,
    sync::Notify,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use tokio_util::sync::CancellationToken;
use trunkline_core::{Call, Error, Kind, Result};
use trunkline_transports::pause;

use super::{
    Entry, GRACE,
    deliver::deliver,
    marks::Marks,
    message::{Message, messages},
    status::Why,
};
use crate::{Handle, manager::Weakly};

/// What a bridge works with.
pub(super) struct Work {
    pub(super) entry: Arc<Entry>,
    /// What it pulls from.
    pub(super) queue: Arc<Handle>,
    pub(super) manager: Weakly,
    /// Which calls have begun.
    pub(super) marks: Arc<Marks>,
    /// Rung when there are other integrations than before.
    pub(super) changed: Arc<Notify>,
    pub(super) stop: CancellationToken,
}

/// Passes messages on until it is stopped; then waits a little for what is under way. What is not over by then goes back when
/// the queue is closed.
pub(super) async fn run(work: Arc<Work>) {
    let mut under_way = JoinSet::new();
    work.stop.run_until_cancelled(pass_on(&work, &mut under_way)).await;
    let _ = timeout(GRACE, async { while under_way.join_next().await.is_some() {} }).await;
    work.entry.status.ended();
}

async fn pass_on(work: &Arc<Work>, under_way: &mut JoinSet<()>) {
    let (route, status) = (&work.entry.route, &work.entry.status);
    // Pauses in a row.
    let mut tries = 0;
    loop {
        while under_way.try_join_next().is_some() {}
        let changed = work.changed.notified();
        if let Err(error) = work.target().await {
            work.paused(Why::Target, &error);
            select! {
                () = sleep(pause(tries)) => {}
                () = changed => {}
            }
            tries += 1;
            continue;
        }
        work.goes_on(&[Why::Target]);
        let on = status.on.notified();
        let room = match status.why() {
            None => {
                tries = 0;
                route.concurrency.saturating_sub(under_way.len() as u32)
            }
            // Those that are there find out when it goes on.
            Some(_) if !under_way.is_empty() => 0,
            Some(_) => {
                select! {
                    () = sleep(pause(tries).max(status.left())) => {}
                    () = changed => {}
                }
                tries += 1;
                // One finds out.
                1
            }
        };
        if room == 0 {
            select! {
                _ = under_way.join_next() => {}
                () = on => {}
            }
            continue;
        }
        let until = Instant::now() + route.hold;
        match work.pull(room).await {
            Ok(came) => {
                let none = came.is_empty() && under_way.is_empty();
                // Where no message waits none is kept waiting.
                work.goes_on(if none { &[Why::Queue, Why::Calls] } else { &[Why::Queue] });
                for message in came {
                    under_way.spawn(deliver(work.clone(), message, until));
                }
            }
            Err(error) => work.paused(Why::Queue, &error),
        }
    }
}

impl Work {
    /// The integration that is called, or why it cannot be.
    pub(super) async fn target(&self) -> Result<Arc<Handle>> {
        // Where the manager is gone, so is the bridge in a moment.
        let Some(manager) = self.manager.upgrade() else { return pending().await };
        self.entry.route.target.handle(&manager).await
    }

    async fn pull(&self, most: u32) -> Result<Vec<Message>> {
        let operation = self.entry.route.receive(most, |json| self.queue.parse(json))?;
        let mut call = Call::new(self.queue.id().clone(), operation);
        let reply = self.queue.call(&mut call).await?;
        // All of it is in memory already.
        messages(&reply.body.collect(usize::MAX).await?)
    }

    /// Rests before a message is tried again. Says whether there is a next time: not once the bridge is stopped.
    pub(super) async fn rest(&self, pause: Duration) -> bool {
        select! {
            () = sleep(pause) => true,
            () = self.entry.status.on.notified() => true,
            () = self.stop.cancelled() => false,
        }
    }

    pub(super) fn paused(&self, why: Why, error: &Error) {
        if self.entry.status.pause(why, error) {
            let (integration, queue, to) =
                (self.queue.id(), &self.entry.route.queue, &self.entry.route.target.to);
            tracing::warn!(%integration, queue, %to, %error, "forwarding pauses");
            self.note("forward_paused", Some(error.kind()));
        }
    }

    pub(super) fn goes_on(&self, over: &[Why]) {
        if self.entry.status.resume(over) {
            let (integration, queue, to) =
                (self.queue.id(), &self.entry.route.queue, &self.entry.route.target.to);
            tracing::info!(%integration, queue, %to, "forwarding goes on");
            self.note("forward_resumed", None);
        }
    }

    fn note(&self, event: &'static str, kind: Option<Kind>) {
        if let Some(manager) = self.manager.upgrade() {
            manager.note(self.queue.id(), event, kind);
        }
    }
}
