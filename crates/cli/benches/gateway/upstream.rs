//! The service behind every gateway: a kilobyte of JSON for whoever shows the credential.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Bytes of a reply.
pub(crate) const BODY: usize = 1024;
/// What it asks for.
pub(crate) const TOKEN: &str = "bench-token-0123456789";

pub(crate) fn serve() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let body = Bytes::from(format!("{{\"data\":\"{}\"}}", "x".repeat(BODY - 11)));
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let body = body.clone();
            let service = service_fn(move |request: Request<Incoming>| {
                let body = body.clone();
                async move { Ok::<_, Infallible>(answer(&request, body)) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
}

fn answer(request: &Request<Incoming>, body: Bytes) -> Response<Full<Bytes>> {
    let shown = request.headers().get(header::AUTHORIZATION).map(|value| value.as_bytes());
    let known = shown.and_then(|shown| shown.strip_prefix(b"Bearer ")) == Some(TOKEN.as_bytes());
    let mut response = Response::new(Full::new(body));
    if !known {
        *response.status_mut() = StatusCode::UNAUTHORIZED;
    }
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}
