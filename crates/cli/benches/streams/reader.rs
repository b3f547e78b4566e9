//! A subscriber that costs little itself, and the call that has the service send.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// One who subscribed.
pub(crate) struct Reader(TcpStream);

impl Reader {
    /// Subscribes; the server has agreed when this ends.
    pub(crate) async fn open(address: &str) -> Self {
        let request = format!("GET /api/v1/integrations/feed/stream HTTP/1.1\r\nhost: {address}\r\n\r\n");
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = Vec::new();
        while !head.windows(4).any(|window| window == b"\r\n\r\n") {
            assert!(stream.read_buf(&mut head).await.unwrap() > 0, "the server closed the connection");
        }
        assert!(head.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// Reads so many messages, each of which has one closing brace.
    pub(crate) async fn read(&mut self, messages: u64) {
        let (mut buffer, mut seen) = (vec![0; 16 << 10], 0);
        while seen < messages {
            let read = self.0.read(&mut buffer).await.unwrap();
            assert!(read > 0, "the server closed the connection");
            seen += buffer[..read].iter().filter(|byte| **byte == b'}').count() as u64;
        }
    }
}

/// Has the service send so many messages.
pub(crate) async fn burst(address: &str, messages: u64) {
    let body = format!(r#"{{"text": "{messages}", "wait_response": false}}"#);
    let request = format!(
        "POST /api/v1/integrations/feed/call HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 202"), "{}", String::from_utf8_lossy(&answer));
}
