//! A caller that is alone on a connection writes and reads itself; whatever it does, the connection stays everybody's.

use std::{sync::Arc, time::Duration};

use serde_json::{Value, json};
use tokio::{
    io::AsyncWriteExt,
    net::TcpStream,
    sync::{Mutex, mpsc},
    time::timeout,
};
use trunkline_core::{Kind, Outcome, Transport};
use trunkline_testkit::{Peer, shake_hands};

use crate::{common::Client, frames::frame};

/// A service whose frames a test reads and writes.
struct Service {
    peer: Peer,
    says: mpsc::UnboundedSender<Vec<u8>>,
    hears: mpsc::UnboundedReceiver<(u8, Vec<u8>)>,
}

impl Service {
    async fn start() -> Self {
        let (says, said) = mpsc::unbounded_channel::<Vec<u8>>();
        let (heard, hears) = mpsc::unbounded_channel();
        let said = Arc::new(Mutex::new(said));
        let peer = Peer::raw(move |mut stream: TcpStream| {
            let (said, heard) = (said.clone(), heard.clone());
            async move {
                shake_hands(&mut stream, None).await.unwrap();
                let (mut read, mut write) = stream.into_split();
                let listens = async {
                    while let Some(frame) = frame(&mut read).await {
                        let _ = heard.send(frame);
                    }
                };
                let speaks = async {
                    let mut said = said.lock().await;
                    while let Some(bytes) = said.recv().await {
                        write.write_all(&bytes).await.unwrap();
                    }
                };
                tokio::select! {
                    () = listens => {}
                    () = speaks => {}
                }
            }
        })
        .await;
        Self { peer, says, hears }
    }

    fn client(&self) -> Arc<Client> {
        let further = json!({ "correlation": { "request": "/id" } });
        Arc::new(Client::of(&format!("ws://{}", self.peer.address()), further))
    }

    fn say(&self, opcode: u8, payload: &[u8]) {
        let head = [0x80 | opcode, payload.len() as u8];
        self.says.send([&head, payload].concat()).unwrap();
    }

    /// The next frame has come, long before the task of the connection looks whether anybody is there.
    async fn hear(&mut self) -> Vec<u8> {
        timeout(Duration::from_secs(10), self.hears.recv()).await.unwrap().unwrap().1
    }

    /// Sends the next message back.
    async fn answer(&mut self) {
        let message = self.hear().await;
        self.say(TEXT, &message);
    }

    /// Answers a call that may begin.
    async fn answers(&mut self, client: &Client, message: u32) {
        let request = request(message);
        let (reply, ()) = tokio::join!(client.call(&request), self.answer());
        assert_eq!(reply.unwrap(), request["message"]);
    }
}

const TEXT: u8 = 1;
const PING: u8 = 9;

fn request(n: u32) -> Value {
    json!({ "message": { "n": n, "id": "mine" } })
}

#[tokio::test]
async fn who_goes_away_leaves_the_connection_to_others() {
    let mut service = Service::start().await;
    let client = service.client();
    let mut reader = client.listen(&json!({})).await.unwrap();
    let waits = request(1);
    let held = tokio::select! {
        reply = client.call(&waits) => panic!("{reply:?}"),
        held = service.hear() => held,
    };
    service.say(TEXT, b"\"push\"");
    assert_eq!(reader.message().await, "\"push\"");
    // Its answer is nobody's.
    service.say(TEXT, &held);
    service.answers(&client, 2).await;
    let occupancy = client.transport.occupancy().unwrap();
    assert_eq!((occupancy.streams.unwrap().late, occupancy.opened), (1, 1));
}

#[tokio::test]
async fn what_comes_before_its_answer_goes_where_it_belongs() {
    let mut service = Service::start().await;
    let client = service.client();
    let mut reader = client.listen(&json!({})).await.unwrap();
    for n in 0..3 {
        let request = request(n);
        let meanwhile = async {
            let message = service.hear().await;
            service.say(TEXT, b"\"push\"");
            assert_eq!(reader.message().await, "\"push\"");
            service.say(PING, b"x");
            assert_eq!(service.hear().await, b"x");
            service.say(TEXT, &message);
        };
        let (reply, ()) = tokio::join!(client.call(&request), meanwhile);
        assert_eq!(reply.unwrap(), request["message"]);
    }
}

#[tokio::test]
async fn who_comes_meanwhile_gets_an_answer_first_if_it_comes_first() {
    let mut service = Service::start().await;
    let client = service.client();
    service.answers(&client, 0).await;
    let (one, other) = (client.clone(), client.clone());
    let one = tokio::spawn(async move { one.call(&request(1)).await.unwrap() });
    let first = service.hear().await;
    let other = tokio::spawn(async move { other.call(&request(2)).await.unwrap() });
    service.answer().await;
    assert_eq!(other.await.unwrap(), request(2)["message"]);
    service.say(TEXT, &first);
    assert_eq!(one.await.unwrap(), request(1)["message"]);
}

#[tokio::test]
async fn after_it_somebody_listens() {
    let mut service = Service::start().await;
    let client = service.client();
    for n in 0..3 {
        service.answers(&client, n).await;
        service.say(PING, b"there?");
        assert_eq!(service.hear().await, b"there?");
    }
    service.say(8, &1000_u16.to_be_bytes());
    assert_eq!(service.hear().await, 1000_u16.to_be_bytes());
    // Whoever comes when that is known begins anew.
    while client.transport.occupancy().unwrap().idle > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(client.transport.occupancy().unwrap().opened, 1);
}

#[tokio::test]
async fn what_ends_the_connection_it_hears_as_all_do() {
    for (bytes, kind) in [(&[0x88, 2, 0x03, 0xE8][..], Kind::Unavailable), (&[0x83, 0], Kind::Protocol)] {
        let mut service = Service::start().await;
        let client = service.client();
        service.answers(&client, 0).await;
        let request = request(1);
        let ends = async {
            service.hear().await;
            service.says.send(bytes.to_vec()).unwrap();
        };
        let (error, ()) = tokio::join!(client.fails(&request), ends);
        assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Unknown), "{error}");
    }
}

#[test]
fn with_the_runtime_of_the_connection_goes_what_waits_on_it_and_nothing_else() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (first, second) = (runtime(), runtime());
    let mut service = second.block_on(Service::start());
    let client = service.client();
    first.block_on(service.answers(&client, 0));
    let caller = client.clone();
    let waits = second.spawn(async move { caller.fails(&request(1)).await });
    second.block_on(service.hear());
    first.shutdown_timeout(Duration::from_secs(5));
    let error = second.block_on(waits).unwrap();
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::Unknown), "{error}");
    second.block_on(service.answers(&client, 2));
    assert_eq!(client.transport.occupancy().unwrap().opened, 2);
}
