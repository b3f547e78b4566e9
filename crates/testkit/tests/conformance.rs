//! The rules for transports, against a transport that keeps them all and, one flaw at a time, one that does not.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]

use std::{
    io,
    net::SocketAddr,
    sync::{Arc, Mutex},
};

use http::StatusCode;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json, value::RawValue};
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
    sync::Notify,
};
use trunkline_core::{
    Call, Context, Error, Kind, Operation, Outcome, Proof, Query, Reply, Result, Transport, Zone, parse,
};
use trunkline_testkit::conformance::{Capability, Subject, check, run};

/// What is wrong with a transport.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum Flaw {
    DialsWhenOpened,
    NamesNoKey,
    AnswersByItself,
    CannotTellRefused,
    SaysNotSent,
    TriesAgain,
    TakesNothingForSilence,
    ForgetsWhatWasSaid,
    AsksNoGuard,
    GoesOnAlone,
    KeepsWhatIsHalfUsed,
    ProvesTooLittle,
    ClosesAtOnce,
    KeepsItsConnection,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Config {
    authority: String,
    flaw: Option<Flaw>,
}

/// A service of lines: `get WORD` and `set WORD` are answered with `ok WORD`, or with `no WORD`.
#[derive(Debug, Clone)]
struct Lines(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: Config,
    idle: Mutex<Option<BufReader<TcpStream>>>,
    closed: Notify,
}

/// A connection; one whose answer came whole goes back.
struct Lease<'a> {
    connection: Option<BufReader<TcpStream>>,
    idle: &'a Mutex<Option<BufReader<TcpStream>>>,
    whole: bool,
}

impl Drop for Lease<'_> {
    fn drop(&mut self) {
        if self.whole {
            *self.idle.lock().unwrap() = self.connection.take();
        }
    }
}

/// A request: one of the two.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    get: Option<String>,
    set: Option<String>,
}

impl Transport for Lines {
    const NAME: &'static str = "lines";
    type Config = Config;

    fn open(config: Config, _: &Context) -> Result<Self> {
        if !config.authority.contains(':') {
            let named = if config.flaw == Some(Flaw::NamesNoKey) { "something" } else { "authority" };
            return Err(Error::invalid(format!("{named}: has no port")));
        }
        if config.flaw == Some(Flaw::DialsWhenOpened)
            && let Ok(address) = config.authority.parse::<SocketAddr>()
        {
            drop(std::net::TcpStream::connect(address));
        }
        Ok(Self(Arc::new(Inner { config, idle: Mutex::default(), closed: Notify::new() })))
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        let request: Request = parse::value(serde_json::from_str(request.get()).unwrap(), "")?;
        let (text, read_only) = match (request.get, request.set) {
            (Some(word), None) => (format!("get {word}"), true),
            (None, Some(word)) => (format!("set {word}"), false),
            _ => return Err(Error::invalid("get: is needed, or else set")),
        };
        Ok(Query { read_only, ..Query::new(text) }.into())
    }

    async fn call(&self, context: &Context, call: &mut Call) -> Result<Reply> {
        let Operation::Query(query) = &call.operation else { panic!("lines are queries") };
        let text = query.text().to_owned();
        match self.0.config.flaw {
            Some(Flaw::TriesAgain) => match self.0.exchange(context, &text).await {
                Err(error) if error.outcome() == Outcome::Unknown => self.0.exchange(context, &text).await,
                result => result,
            },
            Some(Flaw::GoesOnAlone) => {
                let (inner, context) = (self.0.clone(), context.clone());
                tokio::spawn(async move { inner.exchange(&context, &text).await }).await.unwrap()
            }
            Some(Flaw::ClosesAtOnce) => tokio::select! {
                result = self.0.exchange(context, &text) => result,
                () = self.0.closed.notified() => Err(Error::new(Kind::Unavailable, "closed")),
            },
            _ => self.0.exchange(context, &text).await,
        }
    }

    async fn probe(&self, context: &Context, _: &mut Call) -> Result<Proof> {
        match self.0.config.flaw {
            Some(Flaw::ProvesTooLittle) => self.0.dial(context).await.map(drop)?,
            _ => drop(self.0.exchange(context, "get probe").await?),
        }
        Ok(Proof::ANSWERED)
    }

    async fn close(&self) {
        self.0.closed.notify_waiters();
        if self.0.config.flaw == Some(Flaw::KeepsItsConnection) {
            std::mem::forget(self.0.idle.lock().unwrap().take());
        }
    }
}

impl Inner {
    #[expect(clippy::disallowed_methods, reason = "this transport asks the guard itself, as `dial` does")]
    async fn dial(&self, context: &Context) -> Result<BufReader<TcpStream>> {
        let (host, port) = self.config.authority.rsplit_once(':').unwrap();
        let failed = |error: io::Error| {
            let refused = self.config.flaw != Some(Flaw::CannotTellRefused);
            let outcome = if refused { Outcome::NotSent } else { Outcome::Unknown };
            Error::new(Kind::Unavailable, "cannot be reached").outcome_is(outcome).source(error)
        };
        let guard = (self.config.flaw != Some(Flaw::AsksNoGuard)).then_some(&context.egress);
        guard.map_or(Ok(()), |guard| guard.check_host(Zone::Service, host, port.parse().unwrap()))?;
        let found: Vec<_> = tokio::net::lookup_host(&self.config.authority).await.map_err(failed)?.collect();
        for address in &found {
            guard.map_or(Ok(()), |guard| guard.check(Zone::Service, host, *address))?;
        }
        TcpStream::connect(&*found).await.map(BufReader::new).map_err(failed)
    }

    async fn exchange(&self, context: &Context, text: &str) -> Result<Reply> {
        let flaw = self.config.flaw;
        let idle = self.idle.lock().unwrap().take();
        let connection = match idle {
            Some(connection) => connection,
            None => self.dial(context).await?,
        };
        let whole = flaw == Some(Flaw::KeepsWhatIsHalfUsed);
        let mut lease = Lease { connection: Some(connection), idle: &self.idle, whole };
        let connection = lease.connection.as_mut().unwrap();
        let cut = || {
            let outcome = if flaw == Some(Flaw::SaysNotSent) { Outcome::NotSent } else { Outcome::Unknown };
            Error::new(Kind::Unavailable, "the connection was cut").outcome_is(outcome)
        };
        connection.write_all(format!("{text}\n").as_bytes()).await.map_err(|_| cut())?;
        let mut line = Vec::new();
        connection.read_until(b'\n', &mut line).await.map_err(|_| cut())?;
        if line.pop() != Some(b'\n') {
            return Err(cut());
        }
        let text = String::from_utf8(line).ok().and_then(|line| {
            Some(line.split_once(' ')?).map(|(word, rest)| {
                let rest = if flaw == Some(Flaw::AnswersByItself) { "always" } else { rest };
                (word.to_owned(), rest.to_owned())
            })
        });
        let (word, rest) = match text {
            Some((word, rest)) if word == "ok" || word == "no" => (word, rest),
            _ if flaw == Some(Flaw::TakesNothingForSilence) => return Err(cut()),
            _ => return Err(Error::new(Kind::Protocol, "the answer is neither ok nor no")),
        };
        lease.whole = true;
        let reply = Reply::new(StatusCode::OK, rest);
        match &*word {
            "ok" => Ok(reply),
            _ if flaw == Some(Flaw::ForgetsWhatWasSaid) => Err(Error::new(Kind::Rejected, "refused")),
            _ => Err(Error::new(Kind::Rejected, "refused").replied(reply)),
        }
    }
}

/// The service of lines, or what lacks a network.
struct Lined<const EMBEDDED: bool>(Option<Flaw>);

impl<const EMBEDDED: bool> Subject for Lined<EMBEDDED> {
    type Transport = Lines;
    type Session = ();
    const LACKS: &'static [Capability] = if EMBEDDED { &[Capability::Network] } else { &[] };

    fn config(&self, authority: &str) -> Value {
        json!({"authority": authority, "flaw": self.0.map(|flaw| format!("{flaw:?}"))})
    }

    fn bad_configs(&self) -> Vec<(Value, &'static str)> {
        let without = json!({"authority": "h", "flaw": self.config("")["flaw"]});
        vec![(without, "authority"), (json!({"authority": "h:1", "fluw": null}), "fluw")]
    }

    fn read(&self, mark: &str) -> Value {
        json!({"get": mark})
    }

    fn write(&self, mark: &str) -> Value {
        json!({"set": mark})
    }

    fn bad_requests(&self) -> Vec<(Value, &'static str)> {
        vec![(json!({}), "get"), (json!({"got": "x"}), "got")]
    }

    async fn take(&self, stream: &mut TcpStream, (): &mut ()) -> io::Result<Option<Vec<u8>>> {
        let mut line = Vec::new();
        while line.last() != Some(&b'\n') {
            if stream.read_buf(&mut line).await? == 0 {
                return Ok(None);
            }
        }
        Ok(Some(line))
    }

    fn answer(&self, request: &[u8]) -> Vec<u8> {
        [b"ok ", request].concat()
    }

    fn refusal(&self, request: &[u8]) -> Vec<u8> {
        [b"no ", request].concat()
    }

    fn refused_as(&self) -> (Kind, Outcome) {
        (Kind::Rejected, Outcome::Rejected)
    }
}

#[tokio::test]
async fn a_transport_that_keeps_every_rule_is_told_so() {
    check(Lined::<false>(None)).await;
}

#[tokio::test]
async fn each_flaw_breaks_its_rule_and_no_other() {
    for (flaw, rules) in [
        (Flaw::NamesNoKey, &["a_bad_configuration_is_refused_and_its_key_is_named"][..]),
        (Flaw::SaysNotSent, &["a_fault_is_met_with_one_attempt_that_may_have_been_applied"]),
        (Flaw::TriesAgain, &["a_fault_is_met_with_one_attempt_that_may_have_been_applied"]),
        (Flaw::TakesNothingForSilence, &["a_fault_is_met_with_one_attempt_that_may_have_been_applied"]),
        (Flaw::ForgetsWhatWasSaid, &["an_answer_that_is_an_error_is_an_error_that_holds_it"]),
        (Flaw::AsksNoGuard, &["an_address_that_is_not_allowed_is_not_dialled"]),
        (Flaw::GoesOnAlone, &["a_dropped_call_closes_its_connection"]),
        (Flaw::ProvesTooLittle, &["a_probe_proves_what_it_says"]),
        (Flaw::ClosesAtOnce, &["a_call_under_way_ends_well_after_close"]),
        (Flaw::KeepsItsConnection, &["what_is_closed_and_dropped_leaves_no_connection"]),
    ] {
        assert_eq!(run(Lined::<false>(Some(flaw))).await.broken(), rules, "{flaw:?}");
    }
}

#[tokio::test]
async fn a_flaw_that_shows_in_more_than_one_way_breaks_its_rule_too() {
    for (flaw, rule) in [
        (Flaw::DialsWhenOpened, "opening_performs_no_io"),
        (Flaw::CannotTellRefused, "a_refused_connection_was_not_sent"),
        (Flaw::AnswersByItself, "a_request_gets_the_answer_of_the_service"),
        (Flaw::KeepsWhatIsHalfUsed, "what_a_dropped_call_left_behind_reaches_nobody"),
        (Flaw::AnswersByItself, "of_many_calls_at_once_each_gets_its_own_answer"),
        (Flaw::KeepsWhatIsHalfUsed, "a_dropped_call_closes_its_connection"),
    ] {
        let broken = run(Lined::<false>(Some(flaw))).await.broken();
        assert!(broken.contains(&rule), "{flaw:?}: {broken:?}");
    }
}

#[tokio::test]
async fn a_rule_that_needs_what_the_transport_lacks_is_skipped_and_not_kept() {
    let report = run(Lined::<true>(Some(Flaw::SaysNotSent))).await;
    assert!(report.broken().is_empty(), "{report:?}");
    assert!(report.skipped().contains(&"a_refused_connection_was_not_sent"), "{report:?}");
    assert!(!report.skipped().contains(&"a_bad_request_is_refused_and_its_key_is_named"), "{report:?}");
}
