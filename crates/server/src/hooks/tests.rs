//! Webhooks that come in, over real HTTP and with time that stands still.

use std::{convert::Infallible, sync::Arc};

use futures_util::stream;
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use hyper::{client, server, service::service_fn};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::time::{Instant, sleep};
use trunkline::{IntegrationConfig, Manager, MemoryStore};

use super::*;
use crate::{edge, gate::Gate, places::Places, room::Held, stream::Seat};

/// Two KiB a second, so many times: neither a pause nor a trickle.
async fn of(seconds: u32) -> Result<usize, u16> {
    let frames = stream::unfold(0, move |n| async move {
        sleep(Duration::from_secs(1)).await;
        (n < seconds).then(|| (Ok::<_, std::io::Error>(Frame::data(Bytes::from(vec![0; 2048]))), n + 1))
    });
    let body = StreamBody::new(Box::pin(frames));
    let read = whole(body, 1 << 20, &mut Held::unbounded()).await;
    read.map(|bytes| bytes.len()).map_err(|problem| problem.response().status().as_u16())
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_not_there_in_half_a_minute_is_waited_for_no_longer() {
    assert_eq!(of(28).await, Ok(28 * 2048));
    let began = Instant::now();
    assert_eq!(of(40).await, Err(408));
    assert_eq!(began.elapsed(), WHOLE);
}

#[tokio::test(start_paused = true)]
async fn who_sends_too_much_that_is_unsigned_is_looked_at_no_more_and_others_are() {
    let store = Arc::new(MemoryStore::new(8));
    let manager = Manager::builder().store(store.clone()).build().await.unwrap();
    let shop = json!({
        "integration_id": "shop", "type": "rest", "base_url": "https://example.com",
        "webhooks": {"verify": {"type": "stripe", "secret": "whsec_1"}},
    });
    manager.register(IntegrationConfig::from_json(shop).unwrap()).await.unwrap();
    let gate = Gate::new(None, Vec::new(), "127.0.0.1:1".parse().unwrap()).unwrap();
    let app = App::new(manager, store, gate, None, Proxies::default(), 1 << 20, 1 << 20).unwrap();
    let (ours, theirs) = tokio::io::duplex(64 << 10);
    let places = Places::new(1);
    let seat = Arc::new(Seat::new(places.take(places.leave().await), [127, 0, 0, 1].into()));
    let service = service_fn(move |request: Request<Incoming>| {
        let (app, seat) = (app.clone(), seat.clone());
        async move { Ok::<Response<edge::Out>, Infallible>(edge::handle(app, request, seat).await) }
    });
    tokio::spawn(server::conn::http1::Builder::new().serve_connection(TokioIo::new(theirs), service));
    let (mut sender, connection) = client::conn::http1::handshake(TokioIo::new(ours)).await.unwrap();
    tokio::spawn(connection);
    let mut from = async |client: &str| {
        let request = Request::post("/hooks/shop").header("host", "localhost");
        let request = request.header("x-forwarded-for", client).body(Full::<Bytes>::default()).unwrap();
        sender.ready().await.unwrap();
        sender.send_request(request).await.unwrap().status().as_u16()
    };
    for _ in 0..2_000 {
        assert_eq!(from("198.51.100.7").await, 401);
    }
    assert_eq!(from("198.51.100.7").await, 429);
    // What it says of itself before the proxy says who it is makes it nobody else.
    assert_eq!(from("198.51.100.9, 198.51.100.7").await, 429);
    assert_eq!(from("198.51.100.7, 198.51.100.9").await, 401);
}
