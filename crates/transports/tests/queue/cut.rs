//! What becomes of calls where a network was cut and neither side heard of it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};
use trunkline_testkit::Peer;

use crate::{
    common::{Client, bodies, unique},
    rules::Broker,
};

/// A way to a broker that can be cut.
struct Way {
    peer: Peer,
    /// How often it was cut: what was connected before that is not passed on any more, and nobody is told.
    cuts: Arc<AtomicUsize>,
}

impl Way {
    /// One to what is at this address.
    #[allow(clippy::disallowed_methods, reason = "it is the network, and no client of ours")]
    async fn to(address: String) -> Self {
        let cuts = Arc::new(AtomicUsize::new(0));
        let now = cuts.clone();
        let peer = Peer::raw(move |near| {
            let (address, cuts) = (address.clone(), now.clone());
            async move {
                let since = cuts.load(Ordering::SeqCst);
                let far = TcpStream::connect(address).await.unwrap();
                let (near, far) = (near.into_split(), far.into_split());
                tokio::join!(pass(near.0, far.1, since, &cuts), pass(far.0, near.1, since, &cuts));
            }
        });
        Self { peer: peer.await, cuts }
    }

    fn cut(&self) {
        self.cuts.fetch_add(1, Ordering::SeqCst);
    }
}

async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, since: usize, cuts: &AtomicUsize) {
    let is_cut = || cuts.load(Ordering::SeqCst) > since;
    let mut bytes = vec![0; 16 << 10];
    while let Ok(count @ 1..) = from.read(&mut bytes).await {
        if !is_cut() && to.write_all(&bytes[..count]).await.is_err() {
            break;
        }
    }
    // That one side gave up is not heard by the other.
    if is_cut() {
        std::future::pending::<()>().await;
    }
}

/// Calls go on over new connections within the time that `often` sets, which stands behind the address.
pub(crate) async fn a_network_that_was_cut_is_noticed<B: Broker>(often: &str) {
    let Some(broker) = B::start().await else { return };
    let url = broker.url();
    let (_, behind) = url.rsplit_once('@').or(url.split_once("//")).unwrap();
    let address = behind.split('/').next().unwrap();
    let way = Way::to(address.to_owned()).await;
    let queue = unique("cut");
    let url = format!("{}?{often}", url.replace(address, &way.peer.address().to_string()));
    let client = Client::of(&url, json!({"declare": B::declare(&queue)}));
    client.probe().await.unwrap();
    let pull = json!({"queue": queue, "receive": {"max": 1, "wait": 1}});
    client.call(&pull).await.unwrap();
    client.call(&json!({"queue": queue, "message": "before"})).await.unwrap();
    assert_eq!(bodies(&client.take(&queue, B::pull(1), 1).await), ["before"]);
    let before = way.peer.connections();
    way.cut();
    let after = json!({"queue": queue, "message": "after"});
    let all = async {
        while client.call(&after).await.is_err() {}
        // What was acknowledged on the way that was cut may come again.
        while client.call(&pull).await.unwrap_or_default()["messages"][0]["message"] != "after" {}
    };
    timeout(Duration::from_secs(60), all).await.expect("it was noticed");
    assert!(way.peer.connections() > before);
}
