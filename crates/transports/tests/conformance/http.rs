//! The little HTTP/1.1 that services have to speak here.

use std::io;

use tokio::{io::AsyncReadExt, net::TcpStream};

/// A request whole, or nothing if the client has hung up.
pub(crate) async fn take(stream: &mut TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut request = Vec::new();
    loop {
        if stream.read_buf(&mut request).await? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.map_or(0, |length| length.parse().unwrap()) {
            return Ok(Some(request));
        }
    }
}
