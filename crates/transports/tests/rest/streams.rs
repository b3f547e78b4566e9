//! Bodies that stream: bounded memory, encodings, early answers, failures on the caller's side.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{HeaderValue, Method, Response, header};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use serde_json::json;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Notify,
};
use trunkline_core::{Body, Error, HttpRequest, Kind, Outcome};
use trunkline_testkit::{Authority, Peer};

use crate::common::{Service, head};

const SIZE: usize = 64 << 20;
const PIECE: usize = 64 << 10;
/// What two socket buffers of this machine and hyper's own may hold together, with room to spare.
const IN_FLIGHT: usize = 24 << 20;

pub(crate) fn pieces<const N: usize>(pieces: [&'static str; N]) -> Body {
    Body::stream(StreamBody::new(stream::iter(pieces.map(|piece| Ok(Frame::data(Bytes::from(piece)))))))
}

/// Pieces, and then nothing for ever; says when it was dropped.
fn endless(dropped: Arc<Notify>) -> Body {
    struct Dropped(Arc<Notify>);
    impl Drop for Dropped {
        fn drop(&mut self) {
            self.0.notify_one();
        }
    }
    let guard = Dropped(dropped);
    let first = stream::iter([Ok(Frame::data(Bytes::from_static(b"first")))]);
    let rest = stream::poll_fn(move |_| {
        let _held = &guard;
        std::task::Poll::Pending
    });
    Body::stream(StreamBody::new(first.chain(rest)))
}

#[tokio::test]
async fn an_upload_is_paused_while_the_service_does_not_read() {
    let (made, read) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (counted, most) = (made.clone(), Arc::new(AtomicUsize::new(0)));
    let (reader, peak) = (read.clone(), most.clone());
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let (made, read, peak) = (counted.clone(), reader.clone(), peak.clone());
        async move {
            head(&mut stream).await;
            let mut buffer = vec![0; PIECE];
            while read.load(SeqCst) < SIZE {
                let n = stream.read(&mut buffer).await.unwrap();
                assert!(n > 0, "the upload is whole");
                peak.fetch_max(made.load(SeqCst) - read.fetch_add(n, SeqCst), SeqCst);
            }
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.unwrap();
        }
    })
    .await;
    let piece = Bytes::from(vec![7; PIECE]);
    let body = stream::iter(0..SIZE / PIECE).map(move |_| {
        made.fetch_add(PIECE, SeqCst);
        Ok(Frame::data(piece.clone()))
    });
    let mut request = HttpRequest::post("/");
    request.body = Body::stream(Known { body: StreamBody::new(body), length: SIZE as u64 });
    Service::of(&peer).call(request).await.unwrap();
    assert_eq!(read.load(SeqCst), SIZE);
    assert!(most.load(SeqCst) < IN_FLIGHT, "{} bytes were in flight", most.load(SeqCst));
}

/// A body whose length is known.
struct Known<B> {
    body: B,
    length: u64,
}

impl<B: http_body::Body<Data = Bytes> + Unpin> http_body::Body for Known<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(cx)
    }

    fn size_hint(&self) -> http_body::SizeHint {
        http_body::SizeHint::with_exact(self.length)
    }
}

#[tokio::test]
async fn a_download_is_paused_while_the_caller_does_not_read() {
    let written = Arc::new(AtomicUsize::new(0));
    let count = written.clone();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let written = count.clone();
        async move {
            head(&mut stream).await;
            let start = format!("HTTP/1.1 200 OK\r\ncontent-length: {SIZE}\r\n\r\n");
            stream.write_all(start.as_bytes()).await.unwrap();
            let piece = vec![7; PIECE];
            for _ in 0..SIZE / PIECE {
                stream.write_all(&piece).await.unwrap();
                written.fetch_add(PIECE, SeqCst);
            }
            let _ = stream.read_u8().await;
        }
    })
    .await;
    for relay in [false, true] {
        written.store(0, SeqCst);
        let request = HttpRequest { relay, ..HttpRequest::get("/") };
        let mut body = Service::of(&peer).call(request).await.unwrap().body;
        let mut read = 0;
        while let Some(frame) = body.frame().await {
            read += frame.unwrap().into_data().unwrap().len();
            let flying = written.load(SeqCst).saturating_sub(read);
            assert!(flying < IN_FLIGHT, "{flying} bytes were in flight");
        }
        assert_eq!(read, SIZE);
    }
}

#[tokio::test]
async fn a_stream_of_unknown_length_is_chunked_even_for_a_get() {
    let peer = Peer::http(|received| Response::new(Body::from(received.body))).await;
    for method in [Method::POST, Method::GET, Method::DELETE] {
        let mut request = HttpRequest::new(method.clone(), "/");
        request.body = pieces(["one ", "", "two"]);
        let reply = Service::of(&peer).call(request).await.unwrap();
        assert_eq!(reply.text().await.unwrap(), "one two", "{method}");
        assert_eq!(peer.received().pop().unwrap().header("transfer-encoding"), "chunked");
    }
    let authority = Authority::new();
    let peer =
        Peer::https(|received| Response::new(Body::from(received.body)), authority.server(false)).await;
    let base = format!("https://127.0.0.1:{}", peer.address().port());
    let service = Service::new(&base, json!({"tls": {"ca": authority.pem()}}));
    let mut request = HttpRequest::new(Method::GET, "/");
    request.body = pieces(["one ", "two"]);
    assert_eq!(service.call(request).await.unwrap().text().await.unwrap(), "one two", "over HTTP/2");
}

fn encoded(encoding: &str) -> Vec<u8> {
    use async_compression::tokio::write::{BrotliEncoder, GzipEncoder, ZstdEncoder};
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    macro_rules! with {
        ($encoder:ident) => {
            runtime.block_on(async {
                let mut encoder = $encoder::new(Vec::new());
                encoder.write_all(b"{\"n\":1}").await.unwrap();
                encoder.shutdown().await.unwrap();
                encoder.into_inner()
            })
        };
    }
    match encoding {
        "gzip" => with!(GzipEncoder),
        "br" => with!(BrotliEncoder),
        _ => with!(ZstdEncoder),
    }
}

#[test]
fn encodings_are_asked_for_and_removed_for_a_reader_and_left_alone_for_a_relay() {
    let bodies = ["gzip", "br", "zstd"].map(|encoding| (encoding, encoded(encoding)));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let sent = bodies.clone();
        let peer = Peer::http(move |received| {
            let at = sent.iter().find(|(encoding, _)| received.uri.path().ends_with(encoding)).unwrap();
            let builder = Response::builder().header("content-encoding", at.0);
            builder.body(at.1.clone().into()).unwrap()
        })
        .await;
        let service = Service::of(&peer);
        for (encoding, body) in bodies {
            let reply = service.get(encoding).await.unwrap();
            assert!(!reply.headers.contains_key(header::CONTENT_ENCODING));
            assert!(!reply.headers.contains_key(header::CONTENT_LENGTH));
            assert_eq!(reply.text().await.unwrap(), "{\"n\":1}");
            assert_eq!(peer.received().pop().unwrap().header("accept-encoding"), "gzip, br, zstd");

            let relay = HttpRequest { relay: true, ..HttpRequest::get(encoding) };
            let reply = service.call(relay).await.unwrap();
            assert_eq!(reply.headers[header::CONTENT_ENCODING], encoding);
            assert_eq!(reply.bytes().await.unwrap(), body);
            assert_eq!(peer.received().pop().unwrap().header("accept-encoding"), "");
        }
    });
}

#[tokio::test]
async fn a_range_is_asked_for_unencoded_and_given_as_it_comes() {
    let peer = Peer::http(|_| {
        let builder = Response::builder().status(206).header("content-encoding", "gzip");
        builder.body("part".into()).unwrap()
    })
    .await;
    let request = HttpRequest::get("/").header(header::RANGE, HeaderValue::from_static("bytes=0-3"));
    let reply = Service::of(&peer).call(request).await.unwrap();
    assert_eq!(reply.text().await.unwrap(), "part");
    assert_eq!(peer.received().pop().unwrap().header("accept-encoding"), "");
}

#[tokio::test]
async fn a_body_that_fails_on_the_callers_side_is_said_to_have() {
    let authority = Authority::new();
    let clear = Peer::http(|_| Response::new(Body::Empty)).await;
    let secure = Peer::https(|_| Response::new(Body::Empty), authority.server(false)).await;
    let secure_url = format!("https://127.0.0.1:{}", secure.address().port());
    for url in [clear.url(), secure_url] {
        let failing = stream::iter([
            Ok(Frame::data(Bytes::from_static(b"first"))),
            Err(Error::new(Kind::Rejected, "the disk is gone")),
        ]);
        let mut request = HttpRequest::post("/");
        request.body = Body::stream(StreamBody::new(failing));
        let error = Service::new(&url, json!({"tls": {"ca": authority.pem()}})).fails(request).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Rejected, Outcome::Unknown), "{url}: {error}");
        assert!(error.message().contains("the disk is gone"), "{error}");
    }
}

#[tokio::test]
async fn an_answer_that_comes_early_is_given_and_a_refused_upload_ends() {
    let closed = Arc::new(Notify::new());
    let hung_up = closed.clone();
    let peer = Peer::raw(move |mut stream: TcpStream| {
        let closed = hung_up.clone();
        async move {
            head(&mut stream).await;
            stream.write_all(b"HTTP/1.1 413 Too Large\r\ncontent-length: 3\r\n\r\nbig").await.unwrap();
            let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
            closed.notify_one();
        }
    })
    .await;
    let dropped = Arc::new(Notify::new());
    let mut request = HttpRequest::post("/");
    request.body = endless(dropped.clone());
    let error = Service::of(&peer).call(request).await.unwrap_err();
    let reply = error.into_reply().unwrap();
    assert_eq!((reply.status.as_u16(), reply.text().await.unwrap().as_str()), (413, "big"));
    dropped.notified().await;
    closed.notified().await;
}

#[tokio::test]
async fn an_upload_ends_when_the_reply_to_it_is_dropped() {
    let peer = Peer::raw(|mut stream: TcpStream| async move {
        head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000\r\n\r\nsome").await.unwrap();
        let _ = tokio::io::copy(&mut stream, &mut tokio::io::sink()).await;
    })
    .await;
    let dropped = Arc::new(Notify::new());
    let mut request = HttpRequest::post("/");
    request.body = endless(dropped.clone());
    let reply = Service::of(&peer).call(request).await.unwrap();
    drop(reply);
    dropped.notified().await;
}
