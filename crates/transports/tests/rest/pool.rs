//! One pool for all integrations with the same settings.

use http::Response;
use serde_json::json;
use trunkline_core::Body;
use trunkline_testkit::{Authority, Peer, Received};

use crate::common::{Service, lab};

fn ok(_: Received) -> Response<Body> {
    Response::new(Body::from("ok"))
}

#[tokio::test]
async fn a_thousand_integrations_of_one_host_share_its_connection() {
    let authority = Authority::new();
    let secure = Peer::https(ok, authority.server(false)).await;
    let clear = Peer::http(ok).await;
    let secure_url = format!("https://127.0.0.1:{}", secure.address().port());
    let context = lab();
    let mut services = Vec::new();
    for n in 0..1000 {
        for url in [&secure_url, &clear.url()] {
            let more = json!({"tls": {"ca": authority.pem()}, "headers": {"x-n": n.to_string()}});
            services.push(Service::within(context.clone(), url, more));
        }
    }
    for service in &services {
        service.get("/").await.unwrap().bytes().await.unwrap();
    }
    assert_eq!((secure.received().len(), clear.received().len()), (1000, 1000));
    assert_eq!(secure.connections(), 1, "HTTP/2 needs one");
    // A connection that is just coming back may miss the next call.
    assert!(clear.connections() <= 3, "{} connections", clear.connections());
}

#[tokio::test]
async fn other_tls_settings_share_nothing() {
    let authority = Authority::new();
    let peer = Peer::https(ok, authority.server(false)).await;
    let url = format!("https://127.0.0.1:{}", peer.address().port());
    let context = lab();
    let ((cert, key), ca) = (authority.client(), authority.pem());
    let both = format!("{ca}{}", Authority::new().pem());
    let services = [
        json!({"tls": {"ca": ca}}),
        json!({"tls": {"ca": ca, "client_cert": cert, "client_key": key}}),
        json!({"tls": {"ca": both}}),
        json!({"tls": {"ca": ca}, "http_version": "http1"}),
    ]
    .map(|more| Service::within(context.clone(), &url, more));
    for (n, service) in services.iter().enumerate() {
        for _ in 0..3 {
            service.get("/").await.unwrap();
        }
        assert!(peer.connections() > n, "the connection of another was used");
    }
    // One whose certificate would not be accepted is not saved by a connection that is open already.
    let stranger = Service::within(context, &url, json!({"tls": {"ca": Authority::new().pem()}}));
    stranger.get("/").await.unwrap_err();
}

#[test]
fn a_runtime_that_ends_takes_nobody_elses_connections_with_it() {
    let runtime =
        || tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let (home, first, second) = (runtime(), runtime(), runtime());
    let peer = home.block_on(Peer::http(ok));
    let service = Service::of(&peer);
    first.block_on(service.get("/")).unwrap();
    drop(first);
    second.block_on(service.get("/")).unwrap();
    home.block_on(service.get("/")).unwrap();
    assert_eq!(peer.received().len(), 3);
}
