//! A service that sends every message back, and does as little as that needs.

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::service;

/// Serves, and says where.
pub(crate) fn serve() {
    service::serve(echo);
}

async fn echo(mut stream: TcpStream) -> std::io::Result<()> {
    let (mut read, mut write, mut filled) = (vec![0; 64 << 10], Vec::new(), 0);
    loop {
        filled += match stream.read(&mut read[filled..]).await? {
            0 => return Ok(()),
            more => more,
        };
        // All frames that have come, of texts shorter than 126 bytes and of control frames (RFC 6455 section 5.2).
        let mut at = 0;
        while filled - at >= 6 && filled - at >= 6 + usize::from(read[at + 1] & 0x7F) {
            let (length, mask) = (usize::from(read[at + 1] & 0x7F), [2, 3, 4, 5].map(|n| read[at + n]));
            let payload = read[at + 6..at + 6 + length].iter().zip(mask.iter().cycle());
            let opcode = if read[at] == 0x89 { 0x8A } else { read[at] };
            write.extend([opcode, length as u8]);
            write.extend(payload.map(|(byte, mask)| byte ^ mask));
            at += 6 + length;
        }
        stream.write_all(&write).await?;
        write.clear();
        read.copy_within(at..filled, 0);
        filled -= at;
    }
}
