//! What somebody writes who needs the answers of one service and nothing else: a connection, an id in each message, a
//! task that reads, and a table of those who wait.

use std::{cell::RefCell, collections::HashMap, hint::black_box, rc::Rc};

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt, future::join_all};
use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Mutex, oneshot},
    task::LocalSet,
};
use yawc::{Frame, Options, Role, WebSocket};

use crate::{client::answer, message};

#[derive(Deserialize)]
struct Reply {
    id: u64,
}

/// Asks as it is told.
pub(crate) fn serve(address: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let local = LocalSet::new();
    let stream = runtime.block_on(connect(address));
    let socket =
        local.block_on(&runtime, async { WebSocket::from_stream(stream, Role::Client, Options::default()) });
    let (sink, mut messages) = socket.unwrap().split();
    let (sink, waiting) =
        (Mutex::new(sink), Rc::new(RefCell::new(HashMap::<u64, oneshot::Sender<Bytes>>::new())));
    let answered = waiting.clone();
    local.spawn_local(async move {
        while let Some(frame) = messages.next().await {
            let text = frame.into_payload();
            let Reply { id } = serde_json::from_slice(&text).unwrap();
            let waiter = answered.borrow_mut().remove(&id);
            let _ = waiter.unwrap().send(text);
        }
    });
    let next = RefCell::new(0);
    answer(|callers| {
        let caller = async || {
            for _ in 0..16 {
                let id = next.replace_with(|id| *id + 1);
                let (tell, told) = oneshot::channel();
                waiting.borrow_mut().insert(id, tell);
                sink.lock().await.send(Frame::text(message(id))).await.unwrap();
                black_box(told.await.unwrap());
            }
        };
        local.block_on(&runtime, join_all((0..callers).map(|_| caller())));
        16 * callers as u32
    });
}

async fn connect(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nhost: {address}\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-version: 13\r\nsec-websocket-key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    );
    // The service looks for names in lower case.
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_buf(&mut head).await.unwrap();
    }
    stream
}
