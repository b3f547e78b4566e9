//! `custom`: whatever a program of the user's can speak to, a *driver* that is asked over HTTP in a small protocol of its
//! own (docs/custom.md). One attempt is one question to the driver.

mod answer;
mod config;
mod question;

use ::http::{HeaderValue, Method, StatusCode, header};
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use serde_json::value::RawValue;
use tokio::sync::watch;
use trunkline_core::{
    Body, Call, Context, Error, Event, Events, HttpRequest, Kind, Operation, Outcome, Proof, Query, Reply,
    Result, Secret, Transport,
};

pub use self::config::CustomConfig;
use self::question::Question;
use crate::{again::retired, http::classify, json::Marks, rest::Rest};

/// A service behind a driver.
pub struct Custom {
    rest: Rest,
    token: Option<Secret>,
    /// What the driver is told of the integration, as JSON.
    config: Box<RawValue>,
    /// What is in a request that only reads; nothing where no request is known to.
    read_only: Option<Marks>,
    max_bytes: usize,
    /// Ends the streams of drivers when it is closed or gone.
    open: watch::Sender<bool>,
}

/// What the driver is asked to do: the end of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Task {
    Call,
    Probe,
    Schema,
    Stream,
}

impl Task {
    fn path(self) -> &'static str {
        match self {
            Self::Call => "/call",
            Self::Probe => "/probe",
            Self::Schema => "/schema",
            Self::Stream => "/stream",
        }
    }
}

impl Transport for Custom {
    const NAME: &'static str = "custom";
    type Config = CustomConfig;

    fn open(config: CustomConfig, context: &Context) -> Result<Self> {
        config.open(context)
    }

    fn parse(&self, request: &RawValue) -> Result<Operation> {
        let mut query = query(request)?;
        query.read_only = self.read_only.as_ref().is_some_and(|marks| marks.are_in(request.get()));
        Ok(query.into())
    }

    fn parse_stream(&self, request: &RawValue) -> Result<Operation> {
        let mut query = query(request)?;
        (query.read_only, query.wanted.events) = (true, true);
        Ok(query.into())
    }

    async fn call(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let (text, events) = match &call.operation {
            Operation::Query(query) => (query.statements.first(), query.wanted.events),
            _ => (None, false),
        };
        let Some(request) = text.and_then(|statement| serde_json::from_str(&statement.text).ok()) else {
            let what = "an integration of type custom takes a request in JSON, which its driver understands";
            return Err(Error::new(Kind::Unsupported, what));
        };
        let task = if events { Task::Stream } else { Task::Call };
        let reply = self.ask(task, Some(request), call).await?;
        match reply.is_events() {
            true if events => Ok(relayed(reply, self.open.subscribe())),
            // An error, it is to be hoped: nothing else is no stream.
            _ => match answer::read(reply, self.max_bytes).await {
                Ok(_) if events => {
                    Err(Error::new(Kind::Protocol, "the driver answered /stream with no stream of events"))
                }
                result => result,
            },
        }
    }

    /// Asks the driver, or only whether it is there where it cannot tell.
    async fn probe(&self, context: &Context, call: &mut Call) -> Result<Proof> {
        match self.ask(Task::Probe, None, call).await {
            Ok(reply) => answer::read(reply, self.max_bytes).await.map(|_| Proof::ANSWERED),
            Err(error) if error.kind() == Kind::Unsupported => self.rest.probe(context, call).await,
            Err(error) => Err(error),
        }
    }

    async fn schema(&self, _: &Context, call: &mut Call) -> Result<Reply> {
        let reply = self.ask(Task::Schema, None, call).await?;
        answer::read(reply, self.max_bytes).await
    }

    async fn close(&self) {
        self.open.send_replace(false);
    }
}

impl std::fmt::Debug for Custom {
    /// Without what the driver is told, which may hold passwords.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Custom").field("rest", &self.rest).finish_non_exhaustive()
    }
}

/// What is in a request is the driver's to say.
fn query(request: &RawValue) -> Result<Query> {
    match request.get().starts_with('{') {
        true => Ok(Query::new(request.get())),
        false => Err(Error::invalid("request: must be an object, of what the driver understands")),
    }
}

impl Custom {
    /// One question; the answer is a 200, and not read yet.
    async fn ask(&self, task: Task, request: Option<&RawValue>, call: &Call) -> Result<Reply> {
        let question = Question { request, config: &self.config, call };
        let mut wire = HttpRequest::new(Method::POST, task.path()).body(question.json()?);
        wire.relay = task == Task::Stream;
        let accept = if wire.relay { Events::MEDIA } else { "application/json" };
        wire.headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
        wire.headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(token) = &self.token {
            let value = HeaderValue::try_from(format!("Bearer {}", &*token.expose()?));
            let mut value = value.map_err(|_| Error::invalid("driver_token: is no value of a header"))?;
            value.set_sensitive(true);
            wire.headers.insert(header::AUTHORIZATION, value);
        }
        // Its credential is the driver's to use: none of it is a header of this request.
        let reply = self.rest.attempt(&mut wire, None, call.deadline).await;
        let reply = reply.map_err(|error| error.at("the driver"))?;
        match reply.status {
            StatusCode::OK => Ok(reply),
            // To the pipeline the service's credential is another matter.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                let what = "the driver does not accept driver_token; give both the same";
                Err(Error::new(Kind::Forbidden, what))
            }
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED if task != Task::Call => {
                let what = format!("the driver has no {}, so the integration cannot do this", task.path());
                Err(Error::new(Kind::Unsupported, what))
            }
            status @ (StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED) => {
                let what =
                    format!("what answers at base_url has no {} ({status}); is it the driver?", task.path());
                Err(Error::new(Kind::Protocol, what).outcome_is(Outcome::Rejected))
            }
            status => match classify(reply) {
                Err(error) => Err(error.at("the driver")),
                Ok(_) => Err(Error::new(
                    Kind::Protocol,
                    format!("the driver answered {status}; it answers 200, and says in JSON what failed"),
                )),
            },
        }
    }
}

/// The events of a driver, as a reply, for as long as the integration is `open`.
fn relayed(reply: Reply, open: watch::Receiver<bool>) -> Reply {
    let frames = stream::unfold(Some((Events::new(reply.body), open)), |state| async {
        let (mut events, mut open) = state?;
        let event = tokio::select! {
            biased;
            _ = open.wait_for(|open| !open) => None,
            event = events.next() => Some(event?),
        };
        Some(match event {
            Some(event) => {
                let frame = event.map(|event| Frame::data(text(event).frame()));
                (frame.map_err(|error| error.at("the driver")), Some((events, open)))
            }
            None => (Ok(Frame::data(Event::error(&retired()).frame())), None),
        })
    });
    Reply::of_events(Body::stream(StreamBody::new(frames)))
}

/// An event whose data is text, as server-sent events are read: what is no UTF-8 in it is replaced.
fn text(mut event: Event) -> Event {
    if std::str::from_utf8(&event.data).is_err() {
        event.data = String::from_utf8_lossy(&event.data).into_owned().into();
    }
    event
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::json;
    use trunkline_core::{Egress, Profile, parse};

    use super::*;

    #[test]
    fn what_a_driver_is_told_is_not_printed() {
        let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
        let config = json!({
            "base_url": "http://127.0.0.1:1", "driver_token": "hunter2-a", "config": { "password": "hunter2-b" },
        });
        let custom = Custom::open(parse::value(config, "").unwrap(), &context).unwrap();
        assert!(!format!("{custom:?}").contains("hunter2"), "{custom:?}");
    }
}
