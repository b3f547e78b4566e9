//! Events over a WebSocket: messages as the service sent them, and all else as `{"event": …, "data": …}`. The client only
//! listens.

use std::{future::poll_fn, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use futures_util::SinkExt;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Value, value::RawValue};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    time::{Instant, MissedTickBehavior, interval_at, timeout},
};
use tokio_util::sync::CancellationToken;
use trunkline::{Body, Event, Events, Kind};
use yawc::{Frame, OpCode, Options, Role, WebSocket, WebSocketError, close::CloseCode};

use super::{kept::stopping, lasting::UNAUTHORIZED, upgrade::Upgrade};

/// So often a client is asked whether it is there …
const PING: Duration = Duration::from_secs(20);
/// … and so long it may be silent, or not read what is sent.
const SILENT: Duration = Duration::from_secs(60);
/// How long a client has to answer a farewell.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes of the largest message of a client, which has nothing to say.
const MESSAGE: usize = 4 << 10;

type Socket = WebSocket<TokioIo<Upgraded>>;

/// Why a connection is closed: the code (RFC 6455 section 7.4.1), and in words.
type Why = (u16, String);

/// Sends events until they, the client or the server come to an end.
pub(super) async fn serve(upgrade: Upgrade, events: Body, stop: CancellationToken) {
    // A client that goes away instead of reading the answer is nothing to report.
    let Ok(connection) = upgrade.connection.await else { return };
    let options = Options::default().with_limits(MESSAGE, MESSAGE).with_utf8();
    let Ok(mut socket) = Socket::from_stream(TokioIo::new(connection), Role::Server, options) else { return };
    let why = tokio::select! {
        biased;
        () = stop.cancelled() => Some((1001, stopping().message().to_owned())),
        why = pass_on(&mut socket, Events::new(events)) => why,
    };
    if let Some((code, reason)) = why {
        let _ = timeout(FAREWELL, close(socket, code, &reason)).await;
    }
}

/// Gives why to close the connection, or nothing where it is gone.
async fn pass_on(socket: &mut Socket, mut events: Events) -> Option<Why> {
    let mut ping = interval_at(Instant::now() + PING, PING);
    ping.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = Instant::now();
    loop {
        let frame = tokio::select! {
            biased;
            // First, so that nobody is silent whose words are there already.
            frame = next(socket) => {
                heard = Instant::now();
                match frame.map(|frame| frame.opcode()) {
                    Ok(OpCode::Text | OpCode::Binary) => {
                        return Some((1008, "this connection is for listening; call with POST …/call".to_owned()));
                    }
                    Ok(OpCode::Close) => {
                        // The library answers when it is asked for the frame after it.
                        let _ = timeout(FAREWELL, socket.next_frame()).await;
                        return None;
                    }
                    Ok(_) => continue,
                    Err(error) => return fault(&error),
                }
            }
            _ = ping.tick() => Frame::ping(Bytes::new()),
            event = events.next() => match event {
                Some(Ok(event)) => {
                    let last = (event.name == Event::ERROR).then(|| farewell(&event));
                    send(socket, frame_of(event)).await?;
                    match last {
                        Some(why) => return Some(why),
                        None => continue,
                    }
                }
                Some(Err(error)) => {
                    let event = Event::error(&error);
                    let why = farewell(&event);
                    send(socket, frame_of(event)).await?;
                    return Some(why);
                }
                None => return Some((1000, String::new())),
            },
        };
        if heard.elapsed() > SILENT {
            return None;
        }
        send(socket, frame).await?;
    }
}

/// The next frame. The library answers pings, and keeps the answers for as long as they cannot be written: whoever sends
/// pings and does not read is not read any more either.
async fn next<S: AsyncRead + AsyncWrite + Unpin>(socket: &mut WebSocket<S>) -> Result<Frame, WebSocketError> {
    let frame = socket.next_frame().await?;
    if frame.opcode() == OpCode::Ping {
        poll_fn(|cx| socket.poll_ready_unpin(cx)).await?;
    }
    Ok(frame)
}

/// Nothing where the client is gone, or does not read.
async fn send(socket: &mut Socket, frame: Frame) -> Option<()> {
    timeout(SILENT, socket.send(frame)).await.ok()?.ok()
}

async fn close(mut socket: Socket, code: u16, reason: &str) {
    let frame = Frame::close(CloseCode::from(code), reason);
    if socket.send(frame).await.is_ok() {
        while next(&mut socket).await.is_ok() {}
    }
}

/// Why to close a connection whose client broke the protocol; nothing where it is gone.
fn fault(error: &WebSocketError) -> Option<Why> {
    let (code, reason) = match error {
        WebSocketError::IoError(_) | WebSocketError::ConnectionClosed => return None,
        WebSocketError::FrameTooLarge => (1009, "this connection is for listening; the message is too large"),
        WebSocketError::InvalidUTF8 => (1007, "a text message is not UTF-8"),
        _ => (1002, "the WebSocket protocol was broken"),
    };
    Some((code, reason.to_owned()))
}

/// An event as a message.
fn frame_of(event: Event) -> Frame {
    match &*event.name {
        Event::MESSAGE => Frame::text(event.data),
        "text" => match serde_json::from_slice::<String>(&event.data) {
            Ok(text) => Frame::text(text),
            Err(_) => Frame::text(event.data),
        },
        "binary" => match STANDARD.decode(&event.data) {
            Ok(bytes) => Frame::binary(bytes),
            Err(_) => Frame::text(event.data),
        },
        name => {
            let data = match serde_json::from_slice::<&RawValue>(&event.data) {
                Ok(json) => json.get().to_owned(),
                Err(_) => Value::from(String::from_utf8_lossy(&event.data)).to_string(),
            };
            Frame::text(format!("{{\"event\":{},\"data\":{data}}}", Value::from(name)))
        }
    }
}

/// The code for an event that says why a stream failed, and the kind as the reason.
fn farewell(event: &Event) -> Why {
    let said: Value = serde_json::from_slice(&event.data).unwrap_or_default();
    // A driver can say anything, and there is little room (RFC 6455 section 5.5).
    let said = said["kind"].as_str().unwrap_or_default();
    if said == UNAUTHORIZED {
        return (1008, UNAUTHORIZED.to_owned());
    }
    let kind = Kind::from_code(said);
    let code = match kind {
        Some(Kind::ShuttingDown) => 1001,
        // What passes by itself: come again.
        Some(Kind::Unavailable | Kind::Throttled | Kind::RateLimited | Kind::Overloaded | Kind::Timeout) => {
            1013
        }
        _ => 1011,
    };
    (code, kind.map_or("", |kind| kind.code()).to_owned())
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use tokio::{
        io::{AsyncWriteExt, duplex},
        task::unconstrained,
    };
    use trunkline::Error;

    use super::{super::lasting::refused, *};

    #[tokio::test]
    async fn pings_are_taken_as_fast_as_their_answers_can_be_written() {
        let (io, mut client) = duplex(1024);
        let mut socket = WebSocket::from_stream(io, Role::Server, Options::default()).unwrap();
        let pings = async { while client.write_all(&[0x89, 0x80, 0, 0, 0, 0]).await.is_ok() {} };
        let mut taken = 0;
        let reads = async {
            while next(&mut socket).await.is_ok() {
                taken += 1;
            }
        };
        let both = async { tokio::join!(pings, reads) };
        let mut both = Box::pin(unconstrained(both));
        for _ in 0..1000 {
            assert!(both.as_mut().now_or_never().is_none());
        }
        drop(both);
        assert!((1..2000).contains(&taken), "{taken}");
    }

    #[test]
    fn messages_are_passed_on_as_they_are_and_other_events_say_what_they_are() {
        for (event, opcode, payload) in [
            (Event::message("{\"a\":1}"), OpCode::Text, &b"{\"a\":1}"[..]),
            (Event::named("text", "\"a\\r\\nb\""), OpCode::Text, b"a\r\nb"),
            (Event::named("binary", "AAE="), OpCode::Binary, b"\0\x01"),
            (
                Event::named("dropped", "{\"messages\":3}"),
                OpCode::Text,
                b"{\"event\":\"dropped\",\"data\":{\"messages\":3}}",
            ),
            (Event::named("complete", ""), OpCode::Text, b"{\"event\":\"complete\",\"data\":\"\"}"),
        ] {
            let frame = frame_of(event);
            assert_eq!((frame.opcode(), &**frame.payload()), (opcode, payload));
        }
    }

    #[test]
    fn a_stream_that_failed_is_closed_with_a_code_that_says_whether_to_come_again() {
        for (kind, code) in [(Kind::Unavailable, 1013), (Kind::Forbidden, 1011), (Kind::ShuttingDown, 1001)] {
            let event = Event::error(&Error::new(kind, "why"));
            assert_eq!(farewell(&event), (code, kind.code().to_owned()));
        }
        assert_eq!(farewell(&refused()), (1008, "unauthorized".to_owned()));
        let event = Event::named("error", format!("{{\"kind\":\"{}\"}}", "x".repeat(200)));
        assert_eq!(farewell(&event), (1011, String::new()));
    }
}
