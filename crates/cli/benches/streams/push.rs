//! A service that sends so many messages as it is told, one after the other.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::service;

/// Serves, and says where.
pub(crate) fn serve() {
    service::serve(push);
}

async fn push(mut stream: TcpStream) -> std::io::Result<()> {
    let text = br#"{"channel":"trades","symbol":"ACME","price":"41.25","size":100,"at":"2026-01-01T00:00:00.000000Z"}"#;
    let message = [&[0x81, text.len() as u8], &text[..]].concat();
    loop {
        // A frame of the client (RFC 6455 section 5.2), which is short.
        let mut head = [0; 6];
        stream.read_exact(&mut head).await?;
        let mut payload = vec![0; usize::from(head[1] & 0x7F)];
        stream.read_exact(&mut payload).await?;
        payload.iter_mut().zip(head[2..].iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        if head[0] == 0x89 {
            stream.write_all(&[&[0x8A, payload.len() as u8], &payload[..]].concat()).await?;
            continue;
        }
        let messages: u64 = String::from_utf8(payload).unwrap().parse().unwrap_or_default();
        for _ in 0..messages {
            stream.write_all(&message).await?;
        }
    }
}
