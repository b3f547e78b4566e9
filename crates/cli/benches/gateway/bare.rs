//! The floor: a reverse proxy that adds a header and does nothing else.

use std::convert::Infallible;

use http::{HeaderValue, Request, Response, Uri, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioIo},
};
use tokio::net::TcpListener;

use crate::upstream::TOKEN;

pub(crate) fn serve(upstream: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client: Client<_, Incoming> = Client::builder(TokioExecutor::new()).build(connector);
        let credential = HeaderValue::from_str(&format!("Bearer {TOKEN}")).unwrap();
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            let (client, credential, upstream) = (client.clone(), credential.clone(), upstream.to_owned());
            let service = service_fn(move |mut request: Request<Incoming>| {
                let path = request.uri().path_and_query().unwrap().as_str();
                *request.uri_mut() = Uri::try_from(format!("http://{upstream}{path}")).unwrap();
                request.headers_mut().remove(header::HOST);
                request.headers_mut().insert(header::AUTHORIZATION, credential.clone());
                let client = client.clone();
                async move { Ok::<Response<Incoming>, Infallible>(client.request(request).await.unwrap()) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        }
    });
}
