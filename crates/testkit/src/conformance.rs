//! `conformance`: what a transport owes its callers, checked rule by rule against a peer on a real socket.
//!
//! A transport joins by implementing [`Subject`] in a test and handing it to [`check`]. What it cannot do by
//! its nature it declares in [`Subject::LACKS`]; the rules that need it are then listed as skipped, never as
//! kept.

mod bench;
mod rules;
mod stage;

use std::{future::Future, io, sync::Arc, time::Duration};

use serde_json::Value;
use tokio::net::TcpStream;
use trunkline_core::{Kind, Outcome, Transport};

/// No rule takes longer than this unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// A transport, and the service's side of its protocol in as few words as the rules need.
///
/// Requests carry a mark, a word that the service has to give back in its answer: by it the rules see whose
/// answer a caller got.
pub trait Subject: Send + Sync + 'static {
    /// The transport.
    type Transport: Transport;

    /// What the service has to remember of a connection, such as how many messages came; often `()`.
    type Session: Default + Send;

    /// What the transport cannot do by its nature.
    const LACKS: &'static [Capability] = &[];

    /// A configuration whose service is at `authority`, a host and a port.
    fn config(&self, authority: &str) -> Value;

    /// Configurations that `open`, or the reading of its keys, has to refuse, each with the key to name.
    fn bad_configs(&self) -> Vec<(Value, &'static str)>;

    /// A request, as callers write it, that only reads.
    fn read(&self, mark: &str) -> Value;

    /// A request that changes something, and that a service would do twice if it came twice.
    fn write(&self, mark: &str) -> Value;

    /// Requests that `parse` has to refuse, each with the key to name.
    fn bad_requests(&self) -> Vec<(Value, &'static str)>;

    /// The service's side of all that comes before the first request: a handshake, a login, the setting of
    /// variables.
    fn greet(&self, _: &mut TcpStream, _: &mut Self::Session) -> impl Future<Output = io::Result<()>> + Send {
        async { Ok(()) }
    }

    /// Reads one request whole and gives what [`Subject::answer`] needs of it, the mark in clear, or nothing if
    /// the client has hung up. Answers by itself whatever is no request, such as a ping.
    fn take(
        &self,
        stream: &mut TcpStream,
        session: &mut Self::Session,
    ) -> impl Future<Output = io::Result<Option<Vec<u8>>>> + Send;

    /// All bytes of a good answer to this request, its mark among them.
    fn answer(&self, request: &[u8]) -> Vec<u8>;

    /// All bytes of an answer that is an error, the mark of the request in what the service says of it.
    fn refusal(&self, request: &[u8]) -> Vec<u8>;

    /// What the transport makes of [`Subject::refusal`].
    fn refused_as(&self) -> (Kind, Outcome);

    /// Bytes that are nothing in this protocol.
    fn garbage(&self) -> Vec<u8> {
        b"\xff\0 this is nothing\r\n\r\n".to_vec()
    }
}

/// What not every transport can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Capability {
    /// Reaches its service through a socket; a database in a file has none.
    Network,
    /// Reads; a queue that only takes messages does not.
    Reading,
    /// Changes something, such as sending a message.
    Writing,
    /// Hears from the service that it refused.
    Refusals,
    /// Gives a connection to one call at a time, so that dropping the call closes it. Where calls share a
    /// connection only their answers are told apart.
    OwnConnections,
}

/// Checks every rule, prints what became of each, and fails if one is broken.
///
/// # Panics
///
/// Naming the rules that the transport breaks, and how.
#[expect(clippy::print_stdout, reason = "a test's output, where what was skipped can be read")]
pub async fn check<S: Subject>(subject: S) {
    let report = run(subject).await;
    println!("{}", report.text());
    assert!(report.broken().is_empty(), "{} breaks these rules:\n{}", S::Transport::NAME, report.text());
}

/// Checks every rule and tells what became of each.
pub async fn run<S: Subject>(subject: S) -> Report {
    let subject = Arc::new(subject);
    let mut rules = Vec::new();
    for rule in rules::all::<S>() {
        let lacks = rule.needs.iter().find(|need| S::LACKS.contains(need));
        let verdict = match lacks {
            Some(lacks) => Verdict::Skipped(*lacks),
            // A task of its own: one rule that is broken keeps none of the others from being checked.
            None => match tokio::spawn(tokio::time::timeout(PATIENCE, (rule.check)(subject.clone()))).await {
                Ok(Ok(())) => Verdict::Kept,
                Ok(Err(_)) => Verdict::Broken(format!("nothing came of it in {PATIENCE:?}")),
                Err(error) => Verdict::Broken(said(error.into_panic())),
            },
        };
        rules.push((rule.name, verdict));
    }
    Report(rules)
}

/// What became of each rule.
#[derive(Debug)]
pub struct Report(Vec<(&'static str, Verdict)>);

#[derive(Debug)]
enum Verdict {
    Kept,
    Skipped(Capability),
    Broken(String),
}

impl Report {
    /// The rules that are broken.
    pub fn broken(&self) -> Vec<&'static str> {
        self.select(|verdict| matches!(verdict, Verdict::Broken(_)))
    }

    /// The rules that were not checked, for want of a capability.
    pub fn skipped(&self) -> Vec<&'static str> {
        self.select(|verdict| matches!(verdict, Verdict::Skipped(_)))
    }

    fn select(&self, wanted: impl Fn(&Verdict) -> bool) -> Vec<&'static str> {
        self.0.iter().filter(|(_, verdict)| wanted(verdict)).map(|(name, _)| *name).collect()
    }

    /// A line for each rule.
    fn text(&self) -> String {
        let line = |(name, verdict): &(&str, Verdict)| match verdict {
            Verdict::Kept => format!("kept     {name}\n"),
            Verdict::Skipped(lacks) => format!("skipped  {name} (lacks {lacks:?})\n"),
            Verdict::Broken(how) => format!("BROKEN   {name}: {how}\n"),
        };
        self.0.iter().map(line).collect()
    }
}

/// The words of a panic.
fn said(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(panic) => panic.downcast_ref::<&str>().map_or("it panicked", |text| *text).to_owned(),
    }
}
