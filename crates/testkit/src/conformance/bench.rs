//! `Bench`: a transport that was opened, and its calls as a caller makes them.

use std::sync::Arc;

use serde_json::{Value, value::to_raw_value};
use trunkline_core::{
    Call, Context, Egress, Error, HttpRequest, IntegrationId, Profile, Proof, Reply, Result, Transport, parse,
};

use super::{Capability, Subject};

/// What a request is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Aim {
    Read,
    Write,
}

impl Aim {
    /// Those that the subject can have.
    pub(super) fn of<S: Subject>() -> impl Iterator<Item = Self> + Clone {
        [(Self::Read, Capability::Reading), (Self::Write, Capability::Writing)]
            .into_iter()
            .filter(|(_, needs)| !S::LACKS.contains(needs))
            .map(|(aim, _)| aim)
    }

    /// One of them: reading where that can be.
    pub(super) fn any<S: Subject>() -> Self {
        Self::of::<S>().next().expect("a transport reads or writes")
    }
}

/// A transport and its context.
pub(super) struct Bench<S: Subject> {
    pub(super) subject: Arc<S>,
    pub(super) context: Context,
    pub(super) transport: S::Transport,
}

impl<S: Subject> Bench<S> {
    /// One that may dial what it likes.
    pub(super) fn at(subject: &Arc<S>, authority: &str) -> Self {
        Self::within(subject, authority, Egress::new(Profile::Lab, &[]).unwrap())
    }

    pub(super) fn within(subject: &Arc<S>, authority: &str, egress: Egress) -> Self {
        let context = Context::new(Arc::new(egress));
        let transport = open::<S>(subject.config(authority), &context)
            .unwrap_or_else(|error| panic!("{authority} does not open: {error}"));
        Self { subject: subject.clone(), context, transport }
    }

    fn prepare(&self, aim: Aim, mark: &str) -> Call {
        let request = match aim {
            Aim::Read => self.subject.read(mark),
            Aim::Write => self.subject.write(mark),
        };
        let operation = self.transport.parse(&to_raw_value(&request).unwrap());
        Call::new(id(), operation.unwrap_or_else(|error| panic!("{request} is refused: {error}")))
    }

    /// One attempt.
    pub(super) async fn call(&self, aim: Aim, mark: &str) -> Result<Reply> {
        self.transport.call(&self.context, &mut self.prepare(aim, mark)).await
    }

    /// One attempt that has to be answered, and with this mark.
    pub(super) async fn answered(&self, aim: Aim, mark: &str) {
        let reply = self.call(aim, mark).await.unwrap_or_else(|error| panic!("{aim:?} failed: {error}"));
        let body = reply.bytes().await.unwrap_or_else(|error| panic!("{aim:?} was cut: {error}"));
        let text = String::from_utf8_lossy(&body);
        assert!(text.contains(mark), "{aim:?} of {mark} got the answer of another: {text:?}");
    }

    /// The error of an attempt that has to fail, with its head or while its body is read.
    pub(super) async fn fails(&self, aim: Aim) -> Error {
        match self.call(aim, "mark-0-").await {
            Err(error) => error,
            Ok(reply) => match reply.bytes().await {
                Err(error) => error,
                Ok(body) => panic!("{aim:?} succeeded with {:?}", String::from_utf8_lossy(&body)),
            },
        }
    }

    pub(super) async fn probe(&self) -> Result<Proof> {
        // The transport puts its own question in place of the operation.
        self.transport.probe(&self.context, &mut Call::new(id(), HttpRequest::get(""))).await
    }
}

/// Opens a configuration as a manager does.
pub(super) fn open<S: Subject>(config: Value, context: &Context) -> Result<S::Transport> {
    S::Transport::open(parse::value(config, "")?, context)
}

fn id() -> IntegrationId {
    IntegrationId::new("a").unwrap()
}
