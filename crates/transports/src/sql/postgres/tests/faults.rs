//! What becomes of a job when the server breaks its protocol, or goes away.

use std::sync::Arc;

use serde_json::json;
use tokio::{net::TcpStream, sync::mpsc};
use trunkline_core::{Kind, Outcome};

use super::{
    fake::{BEGUN, BOUND, Fake, IN_TRANSACTION, READY, SELECTED, described, error, message, row, serve, url},
    *,
};
use crate::sql::postgres::{
    startup::{Failure, Who, start},
    stream::Stream,
    wire::Wire,
};

const READS: &str = "SELECT a FROM t";
const WRITES: &str = "DELETE FROM t RETURNING a";

/// How a login fails with a server that says this once it was greeted.
async fn login(says: &[&[u8]]) -> Error {
    let says = says.concat();
    let peer = serve(move |mut fake: Fake| {
        let says = says.clone();
        async move {
            fake.untagged().await?;
            fake.say(&[&says]).await?;
            fake.hear(b'?').await;
            None
        }
    })
    .await;
    let failed = Client::new(&url(&peer)).session().await.unwrap_err();
    assert_eq!(failed.outcome(), Outcome::NotSent, "{failed}");
    assert!(!failed.to_string().contains("hunter2"), "{failed}");
    failed
}

/// What becomes of a job with a server that says this in the place of an answer, and closes.
async fn answer(job: Ask, says: &[&[u8]]) -> (Result<Value>, bool) {
    let says = says.concat();
    let begun: &[u8] = if job.read_only { BEGUN } else { b"" };
    let peer = serve(move |mut fake: Fake| {
        let says = says.clone();
        async move {
            fake.welcome().await?;
            fake.hear(b'S').await?;
            fake.say(&[begun, &described(), READY]).await?;
            fake.hear(b'S').await?;
            fake.say(&[&says]).await
        }
    })
    .await;
    let mut session = Client::new(&url(&peer)).session().await.unwrap();
    let result = job.of(&mut session).await;
    (result, session.wire.is_broken())
}

fn failed((result, broken): (Result<Value>, bool)) -> (Kind, Outcome) {
    let failed = result.unwrap_err();
    assert!(broken, "{failed}");
    (failed.kind(), failed.outcome())
}

#[tokio::test]
async fn what_is_no_postgres_is_told_apart() {
    assert_eq!(login(&[b"HTTP/1.1 400 Bad Request\r\n\r\n"]).await.kind(), Kind::Protocol);
    assert_eq!(login(&[b"J\0\0\0\x0a5.5.5-10"]).await.kind(), Kind::Protocol);
    assert_eq!(login(&[&message(b'R', &[0])]).await.kind(), Kind::Protocol);
    assert_eq!(login(&[b"R\0\0\0\x03"]).await.kind(), Kind::Protocol);
}

#[tokio::test]
async fn a_login_that_is_refused_says_so() {
    let refused =
        login(&[&error("FATAL", "28P01", "password authentication failed for user \"tester\"")]).await;
    assert_eq!((refused.kind(), code(&refused)), (Kind::Unauthenticated, "28P01"));
    let none = login(&[&error("FATAL", "3D000", "database \"db\" does not exist")]).await;
    assert_eq!(none.kind(), Kind::Rejected);
    let full = login(&[&error("FATAL", "53300", "sorry, too many clients already")]).await;
    assert_eq!(full.kind(), Kind::Unavailable);
    let early = login(&[&error("FATAL", "57P03", "the database system is starting up")]).await;
    assert_eq!(early.kind(), Kind::Unavailable);
}

#[tokio::test]
async fn ways_to_log_in_that_are_not_known_are_named() {
    for way in [2, 6, 7, 9, 99] {
        assert_eq!(login(&[&message(b'R', &[0, 0, 0, way])]).await.kind(), Kind::Unsupported, "{way}");
    }
    let sasl = login(&[&message(b'R', b"\0\0\0\x0aSCRAM-SHA-512\0\0")]).await;
    assert_eq!(sasl.kind(), Kind::Unsupported);
}

#[tokio::test]
async fn a_server_that_does_not_know_the_password_is_not_believed() {
    let sasl = message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0\0");
    let at_once = login(&[&sasl, &message(b'R', &[0; 4]), READY]).await;
    assert_eq!(at_once.kind(), Kind::Protocol);
    let nonsense = login(&[&sasl, &message(b'R', b"\0\0\0\x0br=other,s=AAAA,i=4096")]).await;
    assert_eq!(nonsense.kind(), Kind::Protocol);
    let costly = login(&[&sasl, &message(b'R', b"\0\0\0\x0br=x,s=AAAA,i=4294967295")]).await;
    assert_eq!(costly.kind(), Kind::Protocol);
    let out_of_turn = login(&[&message(b'R', b"\0\0\0\x0cv=AAAA")]).await;
    assert_eq!(out_of_turn.kind(), Kind::Protocol);
}

#[tokio::test]
async fn a_password_is_not_sent_in_clear_text_where_others_may_listen() {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let peer = serve(move |mut fake: Fake| {
        let heard = heard.clone();
        async move {
            fake.untagged().await?;
            fake.say(&[&message(b'R', &[0, 0, 0, 3])]).await?;
            heard.send(fake.hear(b'p').await).ok()
        }
    })
    .await;
    for plainly in [false, true] {
        #[expect(clippy::disallowed_methods, reason = "the peer of a test")]
        let stream = TcpStream::connect(peer.address()).await.unwrap();
        let mut wire = Wire::new(Stream::Tcp(stream));
        let who = Who { user: "tester", password: Some("hunter2"), plainly, bound: false };
        let Err(Failure::Other(failed)) = start(&mut wire, &who, "db", [].into_iter()).await else {
            panic!()
        };
        drop(wire);
        let sent = hears.recv().await.unwrap();
        assert_eq!(sent.is_some(), plainly);
        assert_eq!(failed.kind() == Kind::Unauthenticated, !plainly, "{failed}");
    }
}

#[tokio::test]
async fn a_password_goes_out_as_the_server_asks_for_it() {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let peer = serve(move |mut fake: Fake| {
        let heard = heard.clone();
        async move {
            fake.untagged().await?;
            fake.say(&[&message(b'R', &[0, 0, 0, 5, 0x2a, 0x3d, 0x8f, 0xe0])]).await?;
            heard.send(fake.hear(b'p').await?).ok()
        }
    })
    .await;
    let url = format!("postgres://md5_user:password@{}/db?sslmode=disable", peer.address());
    assert!(Client::new(&url).session().await.is_err());
    assert_eq!(hears.recv().await.unwrap(), b"md562af4dd09bbb41884907a838a3233294\0");
}

#[tokio::test]
async fn a_login_that_has_to_be_tied_to_tls_is_made_no_other_way() {
    for asks in [
        &message(b'R', &[0; 4])[..],
        &message(b'R', &[0, 0, 0, 3]),
        &message(b'R', &[0, 0, 0, 5, 1, 2, 3, 4]),
        &message(b'R', b"\0\0\0\x0aSCRAM-SHA-256\0SCRAM-SHA-256-PLUS\0\0"),
    ] {
        let asks = asks.to_vec();
        let peer = serve(move |mut fake: Fake| {
            let asks = asks.clone();
            async move {
                fake.untagged().await?;
                fake.say(&[&asks, READY]).await?;
                fake.stay().await
            }
        })
        .await;
        let failed =
            Client::new(&format!("{}&channel_binding=require", url(&peer))).session().await.unwrap_err();
        assert!(failed.message().contains("channel_binding"), "{failed}");
    }
}

#[tokio::test]
async fn tls_that_is_wanted_is_not_gone_without() {
    for (says, mode, kind) in [
        (&b"N"[..], "require", Kind::Protocol),
        (b"N", "verify-full", Kind::Protocol),
        (b"E\0\0\0\x04", "require", Kind::Unavailable),
        (b"X", "prefer", Kind::Protocol),
        // Clear text behind the agreement is what somebody in between would put there.
        (b"SR\0\0\0\x08\0\0\0\0Z\0\0\0\x05I", "require", Kind::Protocol),
    ] {
        let peer = serve(move |mut fake: Fake| async move {
            fake.untagged().await?;
            fake.say(&[says]).await?;
            fake.stay().await
        })
        .await;
        let url = format!("postgres://tester:hunter2@{}/db?sslmode={mode}", peer.address());
        let failed = Client::new(&url).session().await.unwrap_err();
        assert_eq!((failed.kind(), failed.outcome()), (kind, Outcome::NotSent), "{failed}");
    }
}

#[tokio::test]
async fn a_message_that_breaks_the_protocol_ends_the_session() {
    for says in [
        &b"?\0\0\0\x04"[..],
        b"D\0\0\0\x03",
        b"D\x80\0\0\0",
        b"T\x7f\xff\xff\xff",
        b"Z\x7f\xff\xff\xff",
        // Rows that are not what was announced: none, two values, a length beyond the end, one that is cut.
        &message(b'D', b""),
        &message(b'D', b"\0\x02\xff\xff\xff\xff\xff\xff\xff\xff"),
        &message(b'D', b"\0\x01\0\0\0\x09a"),
        &message(b'D', b"\0\x01\0\0\0\x01ab"),
        &message(b'D', b"\0\x01\xff\xff\xff\xfe"),
        b"R\0\0\0\x08\0\0\0\0",
    ] {
        assert_eq!(
            failed(answer(ask(READS, ""), &[BOUND, says]).await),
            (Kind::Protocol, Outcome::Rejected),
            "{says:?}"
        );
        assert_eq!(
            failed(answer(ask(WRITES, ""), &[BOUND, says]).await),
            (Kind::Protocol, Outcome::Unknown),
            "{says:?}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_breaks_has_applied_nothing_only_where_that_is_certain() {
    let unavailable = |outcome| (Kind::Unavailable, outcome);
    for says in [&b""[..], b"2\0\0", BOUND, &[BOUND, b"D\0\0\0\x0b\0\x01\0\0"].concat()] {
        assert_eq!(failed(answer(ask(READS, ""), &[says]).await), unavailable(Outcome::Rejected), "{says:?}");
        assert_eq!(failed(answer(ask(WRITES, ""), &[says]).await), unavailable(Outcome::Unknown), "{says:?}");
        let read_only = ask(WRITES, "").read_only();
        assert_eq!(failed(answer(read_only, &[says]).await), unavailable(Outcome::Rejected), "{says:?}");
    }
}

#[tokio::test]
async fn a_server_that_takes_leave_has_applied_nothing_if_it_had_not_begun() {
    let leave = error("FATAL", "57P01", "terminating connection due to administrator command");
    let unavailable = |outcome| (Kind::Unavailable, outcome);
    assert_eq!(failed(answer(ask(WRITES, ""), &[&leave]).await), unavailable(Outcome::NotSent));
    assert_eq!(failed(answer(ask(WRITES, ""), &[BOUND, &leave]).await), unavailable(Outcome::Unknown));
    assert_eq!(failed(answer(ask(READS, ""), &[BOUND, &leave]).await), unavailable(Outcome::Rejected));
}

#[tokio::test]
async fn a_transaction_is_lost_for_certain_until_its_commit_was_sent() {
    for (commits, outcome) in [(false, Outcome::Rejected), (true, Outcome::Unknown)] {
        let peer = serve(move |mut fake: Fake| async move {
            fake.welcome().await?;
            fake.hear(b'S').await?;
            fake.say(&[BEGUN, &described(), IN_TRANSACTION]).await?;
            fake.hear(b'S').await?;
            if commits {
                fake.say(&[BOUND, &row(b"x"), SELECTED, IN_TRANSACTION]).await?;
                fake.hear(b'Q').await?;
            }
            Some(())
        })
        .await;
        let mut session = Client::new(&url(&peer)).session().await.unwrap();
        let lost = ask(WRITES, "").together().of(&mut session).await.unwrap_err();
        assert_eq!((lost.kind(), lost.outcome()), (Kind::Unavailable, outcome));
    }
}

#[tokio::test]
async fn what_a_server_says_of_its_own_accord_is_passed_over() {
    let notice = message(b'N', b"SNOTICE\0C00000\0Mby the way\0\0");
    let long = message(b'N', &vec![b'x'; 3 << 20]);
    let status = message(b'S', b"TimeZone\0UTC\0");
    let notified = message(b'A', b"\0\0\0\x01channel\0payload\0");
    let all = [&notice[..], &long, &status, &notified].concat();
    let (found, broken) =
        answer(ask(READS, ""), &[&all, BOUND, &all, &row(b"x"), &all, SELECTED, &all, READY]).await;
    assert_eq!(found.unwrap()["rows"], json!([{"a": "x"}]));
    assert!(!broken);
}

#[tokio::test]
async fn an_error_of_any_length_is_told() {
    let long = error("ERROR", "P0001", &"x".repeat(3 << 20));
    let (told, broken) = answer(ask(WRITES, ""), &[BOUND, &long, READY]).await;
    let told = told.unwrap_err();
    assert_eq!((told.kind(), code(&told)), (Kind::Rejected, "P0001"));
    assert!(told.message().len() <= 64 * 1024 && !broken);
}

#[tokio::test]
async fn a_row_that_is_announced_as_large_is_not_waited_for() {
    let (found, broken) = answer(ask(READS, "").bytes(1000), &[BOUND, b"D\x7f\xff\xff\xff\0\x01"]).await;
    let found = found.unwrap();
    assert_eq!((&found["rows"], &found["truncated"]), (&json!([]), &json!("max_bytes")));
    assert!(broken, "the rest of the row is not read");
}

#[tokio::test]
async fn a_statement_that_is_abandoned_is_stopped_at_the_server() {
    let (stopped, mut stops) = mpsc::unbounded_channel();
    let peer = serve(move |mut fake: Fake| {
        let stopped = stopped.clone();
        async move {
            match fake.number {
                0 => {
                    fake.welcome().await?;
                    fake.stay().await
                }
                _ => stopped.send(fake.untagged().await?).ok(),
            }
        }
    })
    .await;
    let client = Client::new(&url(&peer));
    let mut session = client.session().await.unwrap();
    assert!(futures_util::poll!(Box::pin(ask(WRITES, "").of(&mut session))).is_pending());
    client.engine.abandon(&client.context, session, ());
    let request = stops.recv().await.unwrap();
    assert_eq!(request, [0x04, 0xd2, 0x16, 0x2e, 0, 0, 0, 7, 0, 0, 0, 8]);
}

#[tokio::test]
async fn a_pooler_that_knows_few_parameters_is_met_with_few() {
    let (heard, mut hears) = mpsc::unbounded_channel();
    let peer = serve(move |mut fake: Fake| {
        let heard = heard.clone();
        async move {
            let start = String::from_utf8_lossy(&fake.untagged().await?).into_owned();
            let unknown = start.contains("IntervalStyle");
            heard.send(start).ok()?;
            if unknown {
                return fake
                    .say(&[&error("FATAL", "08P01", "unsupported startup parameter: IntervalStyle")])
                    .await;
            }
            fake.say(&[&message(b'R', &[0; 4]), READY]).await?;
            fake.stay().await
        }
    })
    .await;
    let client = Client::new(&url(&peer));
    assert!(client.session().await.unwrap().pooled);
    assert!(client.session().await.unwrap().pooled, "the next begins as the pooler likes");
    hears.close();
    let mut starts = Vec::new();
    while let Some(start) = hears.recv().await {
        starts.push(start.contains("IntervalStyle"));
    }
    assert_eq!(starts, [true, false, false]);
    let told = Client::with(&url(&peer), Tls::default(), Some(false)).session().await.unwrap_err();
    assert_eq!(told.outcome(), Outcome::NotSent);
}

#[tokio::test]
async fn a_session_that_was_closed_meanwhile_is_not_revived() {
    let leave = error("FATAL", "57P01", "terminating connection due to administrator command");
    let notice = message(b'N', b"SNOTICE\0C00000\0Mby the way\0\0");
    for (says, stays, alive) in [(&notice, true, true), (&notice, false, false), (&leave, true, false)] {
        let (said, mut done) = mpsc::unbounded_channel();
        let says = Arc::new(says.clone());
        let peer = serve(move |mut fake: Fake| {
            let (says, said) = (says.clone(), said.clone());
            async move {
                fake.welcome().await?;
                fake.say(&[&says]).await?;
                if stays {
                    said.send(()).ok()?;
                    return fake.stay().await;
                }
                drop(fake);
                said.send(()).ok()
            }
        })
        .await;
        let client = Client::new(&url(&peer));
        let mut session = client.session().await.unwrap();
        done.recv().await.unwrap();
        // What was said is on its way through the loopback interface.
        let revived = async {
            loop {
                if !client.engine.revive(&mut session, Duration::ZERO).await {
                    return false;
                }
                tokio::task::yield_now().await;
            }
        };
        let limit = Duration::from_millis(if alive { 100 } else { 5000 });
        assert_eq!(tokio::time::timeout(limit, revived).await.is_err(), alive);
    }
}

#[tokio::test]
async fn messages_may_come_in_any_pieces() {
    let long = "x".repeat(100_000);
    let rows = [row(b"a"), row(long.as_bytes()), row(b"")].concat();
    let says = Arc::new(
        [described(), READY.to_vec(), BOUND.to_vec(), rows, SELECTED.to_vec(), READY.to_vec()].concat(),
    );
    for size in [1, 7, 4096, 9000] {
        let says = says.clone();
        let peer = serve(move |mut fake: Fake| {
            let says = says.clone();
            async move {
                fake.welcome().await?;
                fake.hear(b'S').await?;
                for piece in says.chunks(size) {
                    fake.say(&[piece]).await?;
                }
                fake.stay().await
            }
        })
        .await;
        let mut session = Client::new(&url(&peer)).session().await.unwrap();
        let found = ask(READS, "").of(&mut session).await.unwrap();
        assert_eq!(found["rows"], json!([{"a": "a"}, {"a": long}, {"a": ""}]));
    }
}
