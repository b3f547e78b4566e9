//! A door before a broker that speaks Kafka and knows no users: it lets in who logs in by `PLAIN` (RFC 4616), and nobody else.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Numbers of requests in Kafka's protocol.
const SASL_HANDSHAKE: i16 = 17;
const API_VERSIONS: i16 = 18;
const SASL_AUTHENTICATE: i16 = 36;
/// Errors in it.
const UNSUPPORTED_MECHANISM: i16 = 33;
const AUTHENTICATION_FAILED: i16 = 58;

/// Answers until somebody has logged in; what they ask for then is the broker's to answer. Ends where it is asked for anything
/// before.
pub(super) async fn pass(
    client: &mut (impl AsyncRead + AsyncWrite + Unpin),
    broker: &mut (impl AsyncRead + AsyncWrite + Unpin),
    users: &[(String, String)],
) -> io::Result<()> {
    loop {
        let frame = frame(client).await?;
        let number = |at: usize| i16::from_be_bytes([frame[at], frame[at + 1]]);
        let (request, version) = (number(0), number(2));
        // Behind the numbers: the correlation and the name of the client.
        let body = 10 + number(8).max(0) as usize;
        let mut answer = frame[4..8].to_vec();
        let mut let_in = false;
        match request {
            API_VERSIONS => {
                send(broker, &frame).await?;
                answer = self::frame(broker).await?;
            }
            SASL_HANDSHAKE => {
                let is_known = frame[body..].ends_with(b"PLAIN");
                answer.extend(if is_known { 0 } else { UNSUPPORTED_MECHANISM }.to_be_bytes());
                answer.extend(b"\0\0\0\x01\0\x05PLAIN");
            }
            SASL_AUTHENTICATE => {
                let_in = users.iter().any(|(user, password)| {
                    // It is the end of the request but for what newer versions may have behind it.
                    let said = format!("\0{user}\0{password}");
                    let rest = &frame[body..];
                    rest.ends_with(said.as_bytes()) || rest.ends_with(format!("{said}\0").as_bytes())
                });
                let code = if let_in { 0 } else { AUTHENTICATION_FAILED }.to_be_bytes();
                // No reason and no words; from the first version on how long it lasts, from the second on shorter.
                match version {
                    0 | 1 => {
                        answer.extend(code);
                        answer.extend(b"\xff\xff\0\0\0\0");
                        answer.extend(vec![0; 8 * version as usize]);
                    }
                    _ => {
                        answer.push(0);
                        answer.extend(code);
                        answer.extend(b"\0\x01\0\0\0\0\0\0\0\0\0");
                    }
                }
            }
            _ => return Err(io::ErrorKind::PermissionDenied.into()),
        }
        send(client, &answer).await?;
        if let_in {
            return Ok(());
        }
    }
}

async fn frame(from: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let length = usize::try_from(from.read_i32().await?).ok().filter(|length| (10..1 << 20).contains(length));
    let mut frame = vec![0; length.ok_or(io::ErrorKind::InvalidData)?];
    from.read_exact(&mut frame).await?;
    Ok(frame)
}

async fn send(to: &mut (impl AsyncWrite + Unpin), frame: &[u8]) -> io::Result<()> {
    let mut whole = (frame.len() as i32).to_be_bytes().to_vec();
    whole.extend(frame);
    to.write_all(&whole).await?;
    to.flush().await
}
