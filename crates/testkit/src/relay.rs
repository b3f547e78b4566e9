//! `Relay`: a way to a server that a test can spoil: cut, so that neither side hears of it, deprived of answers, hung up, or
//! closed to whoever comes.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
};

use crate::Peer;

/// A TCP relay on a port of its own. It stops when it is dropped.
#[derive(Debug)]
pub struct Relay {
    peer: Peer,
    target: watch::Sender<Option<String>>,
    faults: watch::Sender<Faults>,
    counts: Counts,
}

/// How many bytes there were.
#[derive(Debug, Default, Clone)]
struct Counts {
    lost: watch::Sender<usize>,
    /// Of what servers said, and so many that are passed on at most.
    answered: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
}

/// How often each was done: it is done to whoever was connected before.
#[derive(Debug, Default, Clone, Copy)]
struct Faults {
    cuts: usize,
    losses: usize,
    hang_ups: usize,
    refuses: bool,
}

impl Relay {
    /// One that leads nowhere yet: whoever comes before it does has the connection closed.
    pub async fn start() -> Self {
        let (target, faults) =
            (watch::Sender::<Option<String>>::default(), watch::Sender::<Faults>::default());
        let counts = Counts::default();
        counts.most.store(usize::MAX, SeqCst);
        let (leads, now, all) = (target.clone(), faults.clone(), counts.clone());
        let peer = Peer::raw(move |near| {
            let (target, faults, counts) = (leads.borrow().clone(), now.subscribe(), all.clone());
            async move {
                if let Some(target) = target {
                    serve(near, &target, faults, &counts).await;
                }
            }
        });
        Self { peer: peer.await, target, faults, counts }
    }

    /// Leads whoever comes from now on to a server, such as `127.0.0.1:4222`. What is connected stays so.
    pub fn leads_to(&self, target: impl Into<String>) {
        self.target.send_replace(Some(target.into()));
    }

    /// Where it takes connections.
    pub fn address(&self) -> SocketAddr {
        self.peer.address()
    }

    /// How many connections it has taken, those included that it has closed at once.
    pub fn connections(&self) -> usize {
        self.peer.connections()
    }

    /// Cuts what is connected: nothing is passed on any more, not even that a side is gone.
    pub fn cut(&self) {
        self.faults.send_modify(|faults| faults.cuts += 1);
    }

    /// Loses what the server says over what is connected; it goes on hearing what it is told.
    pub fn lose_answers(&self) {
        self.faults.send_modify(|faults| faults.losses += 1);
    }

    /// Passes on so many more bytes of what servers say, and loses the rest.
    pub fn lose_answers_after(&self, bytes: usize) {
        self.counts.most.store(self.counts.answered.load(SeqCst) + bytes, SeqCst);
    }

    /// Waits until something is lost from now on.
    pub async fn loses(&self) {
        let _ = self.counts.lost.subscribe().changed().await;
    }

    /// Ends what is connected.
    pub fn hang_up(&self) {
        self.faults.send_modify(|faults| faults.hang_ups += 1);
    }

    /// Closes connections as soon as they are made from now on, or takes them again.
    pub fn refuse(&self, refuses: bool) {
        self.faults.send_modify(|faults| faults.refuses = refuses);
    }
}

async fn serve(near: TcpStream, target: &str, mut faults: watch::Receiver<Faults>, counts: &Counts) {
    let since = *faults.borrow();
    if since.refuses {
        return;
    }
    let Ok(far) = connect(target).await else { return };
    let (near, far) = (near.into_split(), far.into_split());
    let now = faults.clone();
    let cut = || now.borrow().cuts > since.cuts;
    let sent = |count: usize| if cut() { 0 } else { count };
    let answered = |count: usize| {
        let before = counts.answered.fetch_add(count, SeqCst);
        let left = counts.most.load(SeqCst).saturating_sub(before);
        if cut() || now.borrow().losses > since.losses { 0 } else { count.min(left) }
    };
    let lost = &counts.lost;
    let both = async { tokio::join!(pass(near.0, far.1, sent, lost), pass(far.0, near.1, answered, lost)) };
    let hung_up = async { drop(faults.wait_for(|now| now.hang_ups > since.hang_ups).await) };
    tokio::select! {
        _ = both => {}
        () = hung_up => {}
    }
}

async fn pass(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    passes: impl Fn(usize) -> usize,
    lost: &watch::Sender<usize>,
) {
    let mut bytes = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        let passed = passes(count);
        if to.write_all(&bytes[..passed]).await.is_err() {
            break;
        }
        if passed < count {
            lost.send_modify(|lost| *lost += count - passed);
        }
    }
    // That one side gave up is lost too.
    if passes(1) == 0 {
        std::future::pending::<()>().await;
    }
}

#[expect(clippy::disallowed_methods, reason = "it is the network, and no client of ours")]
async fn connect(target: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect(target).await
}
