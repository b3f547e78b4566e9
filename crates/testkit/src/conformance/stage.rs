//! `Stage`: a service that treats its callers in one of the ways in which services do.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Notify, mpsc},
};

use super::Subject;
use crate::Peer;

/// How the service treats a request.
#[derive(Debug, Clone, Copy)]
pub(super) enum Manner {
    /// Answers.
    Answers,
    /// Answers that it refuses.
    Refuses,
    /// Resets the connection when a request has come, without reading it.
    ResetsUnread,
    /// Resets the connection when it has read the request.
    ResetsRead,
    /// Hangs up when it has read the request.
    HangsUp,
    /// Sends so much of its answer, in thousandths, though never all of it, and hangs up.
    Cuts(usize),
    /// Sends what is no answer.
    Garbles,
    /// Answers the first request only when the client hangs up or goes on, or it is told to. Others as usual.
    HoldsFirst,
}

/// What a stage tells of itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A request was read.
    Asked,
    /// A connection has ended.
    Ended,
}

/// The service.
pub(super) struct Stage {
    pub(super) peer: Peer,
    events: mpsc::UnboundedReceiver<Event>,
    /// Lets go of the request that is held.
    pub(super) release: Arc<Notify>,
}

impl Stage {
    pub(super) async fn new<S: Subject>(subject: &Arc<S>, manner: Manner) -> Self {
        let (tell, events) = mpsc::unbounded_channel();
        let (subject, release) = (subject.clone(), Arc::new(Notify::new()));
        let player =
            Arc::new(Player { manner, tell, first: AtomicBool::new(true), release: release.clone() });
        let peer = Peer::raw(move |mut stream| {
            let (subject, player) = (subject.clone(), player.clone());
            async move {
                // A client that goes away is what many rules are about.
                let _ = player.play(&*subject, &mut stream).await;
                drop(stream);
                let _ = player.tell.send(Event::Ended);
            }
        })
        .await;
        Self { peer, events, release }
    }

    /// Host and port.
    pub(super) fn authority(&self) -> String {
        self.peer.address().to_string()
    }

    /// Waits until the stage tells this.
    pub(super) async fn saw(&mut self, wanted: Event) {
        while self.events.recv().await.expect("a stage tells as long as it lives") != wanted {}
    }

    /// How many requests were read and not asked for yet.
    pub(super) fn asked(&mut self) -> usize {
        std::iter::from_fn(|| self.events.try_recv().ok()).filter(|event| *event == Event::Asked).count()
    }
}

struct Player {
    manner: Manner,
    tell: mpsc::UnboundedSender<Event>,
    first: AtomicBool,
    release: Arc<Notify>,
}

impl Player {
    /// One connection, from its greeting to its end.
    async fn play<S: Subject>(&self, subject: &S, stream: &mut TcpStream) -> io::Result<()> {
        let mut session = S::Session::default();
        subject.greet(stream, &mut session).await?;
        if let Manner::ResetsUnread = self.manner {
            // Not before a byte has come: until then the client could know that nothing was sent.
            stream.peek(&mut [0]).await?;
            return stream.set_zero_linger();
        }
        while let Some(request) = subject.take(stream, &mut session).await? {
            let _ = self.tell.send(Event::Asked);
            match self.manner {
                Manner::Answers | Manner::ResetsUnread => {}
                Manner::Refuses => {
                    stream.write_all(&subject.refusal(&request)).await?;
                    continue;
                }
                Manner::ResetsRead => return stream.set_zero_linger(),
                Manner::HangsUp => return Ok(()),
                Manner::Cuts(thousandths) => {
                    let answer = subject.answer(&request);
                    let end = (answer.len() * thousandths / 1000).max(1).min(answer.len().saturating_sub(1));
                    return finish(stream, &answer[..end]).await;
                }
                Manner::Garbles => return finish(stream, &subject.garbage()).await,
                Manner::HoldsFirst => {
                    if self.first.swap(false, Ordering::SeqCst) {
                        let mut byte = [0];
                        tokio::select! {
                            _ = stream.peek(&mut byte) => {}
                            () = self.release.notified() => {}
                        }
                    }
                }
            }
            stream.write_all(&subject.answer(&request)).await?;
        }
        Ok(())
    }
}

/// Writes these last bytes and waits for the other side to hang up too, lest what is unread turn the end into
/// a reset.
async fn finish(stream: &mut TcpStream, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes).await?;
    stream.shutdown().await?;
    tokio::io::copy(stream, &mut tokio::io::sink()).await.map(drop)
}
