//! A load that costs little itself: connections that send the same bytes again and again.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::JoinSet,
    time::Instant,
};

/// Sends `request` over each connection, one after the other, for some seconds; gives how many were
/// answered with 200.
#[expect(clippy::disallowed_methods, reason = "a load generator dials what it measures")]
pub(crate) async fn run(address: &str, request: &[u8], connections: usize, seconds: u64) -> u64 {
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut tasks = JoinSet::new();
    for _ in 0..connections {
        let (address, request) = (address.to_owned(), request.to_vec());
        tasks.spawn(async move {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = vec![0; 256 << 10];
            let mut done = 0;
            while Instant::now() < end {
                stream.write_all(&request).await.unwrap();
                let mut filled = 0;
                loop {
                    let read = stream.read(&mut buffer[filled..]).await.unwrap();
                    assert!(read > 0, "the gateway closed the connection");
                    filled += read;
                    if length(&buffer[..filled]).is_some_and(|length| filled >= length) {
                        break;
                    }
                }
                assert!(
                    buffer.starts_with(b"HTTP/1.1 200"),
                    "{}",
                    String::from_utf8_lossy(&buffer[..filled])
                );
                done += 1;
            }
            done
        });
    }
    tasks.join_all().await.into_iter().sum()
}

/// How long the response is, once its head is there.
fn length(bytes: &[u8]) -> Option<usize> {
    let head = bytes.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let name = b"content-length: ";
    let at =
        bytes[..head].windows(name.len()).position(|window| window.eq_ignore_ascii_case(name))? + name.len();
    let digits = bytes[at..head].iter().take_while(|byte| byte.is_ascii_digit());
    Some(head + digits.fold(0, |length, digit| length * 10 + usize::from(digit - b'0')))
}
