//! The rules: each line of what [`trunkline_core::Transport`] promises, as something that can be seen.

use std::{net::TcpListener, sync::Arc, time::Duration};

use tokio::{task::JoinSet, time::timeout};
use trunkline_core::{BoxFuture, Context, Egress, Error, Kind, Outcome, Profile, Transport};

use super::{
    Capability, Subject,
    bench::{Aim, Bench, open},
    stage::{Event, Manner, Stage},
};

/// What is dropped has let go of its connection after this.
const SOON: Duration = Duration::from_secs(1);

/// A rule.
pub(super) struct Rule<S> {
    pub(super) name: &'static str,
    pub(super) needs: &'static [Capability],
    pub(super) check: fn(Arc<S>) -> BoxFuture<'static, ()>,
}

macro_rules! rules {
    ($($name:ident needs $needs:expr;)*) => {
        /// Every rule, in the order of the trait.
        pub(super) fn all<S: Subject>() -> Vec<Rule<S>> {
            vec![$(Rule {
                name: stringify!($name),
                needs: &$needs,
                check: |subject| Box::pin($name(subject)),
            }),*]
        }
    };
}

use Capability::{Network, OwnConnections, Refusals};

rules! {
    opening_performs_no_io needs [Network];
    a_bad_configuration_is_refused_and_its_key_is_named needs [];
    a_bad_request_is_refused_and_its_key_is_named needs [];
    a_request_gets_the_answer_of_the_service needs [Network];
    a_refused_connection_was_not_sent needs [Network];
    a_fault_is_met_with_one_attempt_that_may_have_been_applied needs [Network];
    an_answer_that_is_an_error_is_an_error_that_holds_it needs [Network, Refusals];
    an_address_that_is_not_allowed_is_not_dialled needs [Network];
    a_dropped_call_closes_its_connection needs [Network, OwnConnections];
    what_a_dropped_call_left_behind_reaches_nobody needs [Network];
    of_many_calls_at_once_each_gets_its_own_answer needs [Network];
    a_probe_proves_what_it_says needs [Network];
    a_call_under_way_ends_well_after_close needs [Network];
    what_is_closed_and_dropped_leaves_no_connection needs [Network];
}

/// `open` parses and checks everything, and performs no I/O.
async fn opening_performs_no_io<S: Subject>(subject: Arc<S>) {
    let mut stage = Stage::new(&subject, Manner::Answers).await;
    Bench::at(&subject, &refused());
    Bench::at(&subject, "service.invalid:1");
    let opened = Bench::at(&subject, &stage.authority());
    // Connections are accepted in their order: when ours has ended, one made before it has been seen.
    drop(connect(&stage).await);
    stage.saw(Event::Ended).await;
    assert_eq!(stage.peer.connections(), 1, "a connection was made");
    drop(opened);
}

async fn a_bad_configuration_is_refused_and_its_key_is_named<S: Subject>(subject: Arc<S>) {
    let context = Context::new(Arc::default());
    assert!(!subject.bad_configs().is_empty(), "a key that it does not know is wrong in any configuration");
    for (config, key) in subject.bad_configs() {
        match open::<S>(config.clone(), &context) {
            Ok(_) => panic!("{config} opens"),
            Err(error) => assert_names(&error, key),
        }
    }
}

async fn a_bad_request_is_refused_and_its_key_is_named<S: Subject>(subject: Arc<S>) {
    let bench = Bench::at(&subject, &refused());
    assert!(!subject.bad_requests().is_empty(), "a key that it does not know is wrong in any request");
    for (request, key) in subject.bad_requests() {
        match bench.transport.parse(&serde_json::value::to_raw_value(&request).unwrap()) {
            Ok(_) => panic!("{request} is taken"),
            Err(error) => assert_names(&error, key),
        }
    }
}

async fn a_request_gets_the_answer_of_the_service<S: Subject>(subject: Arc<S>) {
    let mut stage = Stage::new(&subject, Manner::Answers).await;
    let bench = Bench::at(&subject, &stage.authority());
    for (n, aim) in Aim::of::<S>().cycle().take(4).enumerate() {
        bench.answered(aim, &mark(n)).await;
    }
    assert_eq!(stage.asked(), 4);
}

/// `not_sent` only when nothing can have left this process; and then it is said.
async fn a_refused_connection_was_not_sent<S: Subject>(subject: Arc<S>) {
    let bench = Bench::at(&subject, &refused());
    for aim in Aim::of::<S>() {
        let error = bench.fails(aim).await;
        assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
    }
}

/// `call` performs one attempt; and once a byte may have left nobody can tell what became of it.
async fn a_fault_is_met_with_one_attempt_that_may_have_been_applied<S: Subject>(subject: Arc<S>) {
    for (manner, kind) in [
        (Manner::ResetsUnread, Kind::Unavailable),
        (Manner::ResetsRead, Kind::Unavailable),
        (Manner::HangsUp, Kind::Unavailable),
        (Manner::Cuts(0), Kind::Unavailable),
        (Manner::Cuts(500), Kind::Unavailable),
        (Manner::Cuts(1000), Kind::Unavailable),
        (Manner::Garbles, Kind::Protocol),
    ] {
        for aim in Aim::of::<S>() {
            let mut stage = Stage::new(&subject, manner).await;
            let error = Bench::at(&subject, &stage.authority()).fails(aim).await;
            let found = (error.kind(), error.outcome());
            assert_eq!(found, (kind, Outcome::Unknown), "{aim:?} of one that {manner:?}: {error}");
            let (connections, asked) = (stage.peer.connections(), stage.asked());
            assert!(
                connections == 1 && asked <= 1,
                "{aim:?} of one that {manner:?}: asked {asked} times over {connections} connections"
            );
        }
    }
}

async fn an_answer_that_is_an_error_is_an_error_that_holds_it<S: Subject>(subject: Arc<S>) {
    let mut stage = Stage::new(&subject, Manner::Refuses).await;
    let bench = Bench::at(&subject, &stage.authority());
    for aim in Aim::of::<S>() {
        let Err(error) = bench.call(aim, &mark(7)).await else { panic!("{aim:?} was not refused") };
        assert_eq!((error.kind(), error.outcome()), subject.refused_as(), "{error}");
        assert!(error.reply().is_some(), "{aim:?} forgets what the service said: {error}");
        let body = error.into_reply().unwrap().bytes().await.unwrap();
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains(&mark(7)), "{aim:?} does not hold what the service said: {text:?}");
    }
    assert_eq!(stage.asked(), Aim::of::<S>().count(), "a refusal is not asked for again");
}

/// Every address is dialled through the egress guard of the context.
async fn an_address_that_is_not_allowed_is_not_dialled<S: Subject>(subject: Arc<S>) {
    let stage = Stage::new(&subject, Manner::Answers).await;
    let port = stage.peer.address().port();
    let strict = || Egress::new(Profile::Strict, &[]).unwrap();
    let own = || {
        let egress = Egress::new(Profile::Lab, &[]).unwrap();
        egress.forbid(stage.peer.address());
        egress
    };
    let literal = format!("127.0.0.1:{port}");
    // A name passes the guard once itself, and once for what it resolves to.
    let name = format!("localhost:{port}");
    for (authority, egress) in [(&literal, strict()), (&name, strict()), (&literal, own()), (&name, own())] {
        let bench = Bench::within(&subject, authority, egress);
        for aim in Aim::of::<S>() {
            let error = bench.fails(aim).await;
            assert_eq!((error.kind(), error.outcome()), (Kind::Blocked, Outcome::NotSent), "{error}");
        }
        let Err(error) = bench.probe().await else { panic!("a probe of {authority} succeeds") };
        assert_eq!(error.kind(), Kind::Blocked, "{error}");
    }
    assert_eq!(stage.peer.connections(), 0);
}

/// A dropped future cancels the attempt.
async fn a_dropped_call_closes_its_connection<S: Subject>(subject: Arc<S>) {
    for aim in Aim::of::<S>() {
        let mut stage = Stage::new(&subject, Manner::HoldsFirst).await;
        let bench = Bench::at(&subject, &stage.authority());
        drop_when_asked(&bench, aim, &mut stage).await;
        let ended = timeout(SOON, stage.saw(Event::Ended)).await;
        assert!(ended.is_ok(), "{aim:?}: the connection is there {SOON:?} after its call was dropped");
    }
}

/// Nothing half-used goes back to a pool.
async fn what_a_dropped_call_left_behind_reaches_nobody<S: Subject>(subject: Arc<S>) {
    for aim in Aim::of::<S>() {
        let mut stage = Stage::new(&subject, Manner::HoldsFirst).await;
        let bench = Bench::at(&subject, &stage.authority());
        drop_when_asked(&bench, aim, &mut stage).await;
        for n in 1..4 {
            bench.answered(aim, &mark(n)).await;
        }
    }
}

async fn of_many_calls_at_once_each_gets_its_own_answer<S: Subject>(subject: Arc<S>) {
    let stage = Stage::new(&subject, Manner::Answers).await;
    let bench = Arc::new(Bench::at(&subject, &stage.authority()));
    let mut calls = JoinSet::new();
    for n in 0..100 {
        let bench = bench.clone();
        let aim = Aim::of::<S>().cycle().nth(n).expect("a cycle has no end");
        let call = calls.spawn(async move { bench.answered(aim, &mark(n)).await });
        // Wherever they happen to be when somebody else is at work.
        if n % 4 == 0 {
            tokio::task::yield_now().await;
            call.abort();
        }
    }
    while let Some(done) = calls.join_next().await {
        if let Err(error) = done
            && error.is_panic()
        {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    bench.answered(Aim::any::<S>(), "mark-last-").await;
}

/// A probe that says no more than `reachable_only` proves a connection; any other, that the service answers in
/// its protocol.
async fn a_probe_proves_what_it_says<S: Subject>(subject: Arc<S>) {
    let stage = Stage::new(&subject, Manner::Answers).await;
    let probed = Bench::at(&subject, &stage.authority()).probe().await;
    let said = probed.unwrap_or_else(|error| panic!("a service that is well fails its probe: {error}"));
    assert!(stage.peer.connections() > 0, "{said:?} was said without asking");
    let gone = Bench::at(&subject, &refused()).probe().await;
    let Err(error) = gone else { panic!("a service that is gone passes its probe") };
    assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
    if said.reason != "reachable_only" {
        let liar = crate::Peer::raw(async |mut stream| {
            let _ = tokio::io::AsyncWriteExt::write_all(&mut stream, b"\xff\0\r\n\r\n").await;
        })
        .await;
        let probed = Bench::at(&subject, &liar.address().to_string()).probe().await;
        assert!(probed.is_err(), "{said:?} is said of a port that does not speak the protocol");
    }
}

/// Calls under way may still end.
async fn a_call_under_way_ends_well_after_close<S: Subject>(subject: Arc<S>) {
    let mut stage = Stage::new(&subject, Manner::HoldsFirst).await;
    let bench = Bench::at(&subject, &stage.authority());
    let release = stage.release.clone();
    let closing = async {
        stage.saw(Event::Asked).await;
        // It may wait for the call, so that the call has to go on meanwhile.
        tokio::join!(bench.transport.close(), async { release.notify_one() });
    };
    let mark = mark(1);
    tokio::join!(bench.answered(Aim::any::<S>(), &mark), closing);
}

/// `close` gives back what the transport holds.
async fn what_is_closed_and_dropped_leaves_no_connection<S: Subject>(subject: Arc<S>) {
    let mut stage = Stage::new(&subject, Manner::Answers).await;
    let bench = Bench::at(&subject, &stage.authority());
    bench.answered(Aim::any::<S>(), &mark(1)).await;
    bench.transport.close().await;
    // What integrations share goes on for the others.
    let context = bench.context.clone();
    drop(bench);
    for _ in 0..stage.peer.connections() {
        let ended = timeout(SOON, stage.saw(Event::Ended)).await;
        assert!(ended.is_ok(), "a connection is there {SOON:?} later");
    }
    drop(context);
}

/// Drops a call when the service has read it.
async fn drop_when_asked<S: Subject>(bench: &Bench<S>, aim: Aim, stage: &mut Stage) {
    tokio::select! {
        _ = bench.call(aim, "mark-dropped-") => panic!("{aim:?} is over before it was answered"),
        () = stage.saw(Event::Asked) => {}
    }
}

fn assert_names(error: &Error, key: &str) {
    assert_eq!(error.kind(), Kind::InvalidConfig, "{error}");
    assert!(error.message().contains(key), "{key} is wrong, and is not named: {error}");
}

/// Where nobody listens.
fn refused() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[expect(clippy::disallowed_methods, reason = "a test's own client has no egress guard")]
async fn connect(stage: &Stage) -> tokio::net::TcpStream {
    tokio::net::TcpStream::connect(stage.peer.address()).await.unwrap()
}

/// A word that is the beginning of no other.
fn mark(n: usize) -> String {
    format!("mark-{n}-")
}
