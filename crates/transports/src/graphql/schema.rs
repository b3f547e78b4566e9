//! `Source`: the schema that documents are checked against. It is in the configuration, or the service is asked for it
//! when it is first needed, and again when it has grown old.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use arc_swap::ArcSwapOption;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use trunkline_core::{Context, Credential, Error, Kind, Result, Seconds, parse};

use super::{
    ask::Sender,
    introspection,
    known::{Known, Schemas},
};

/// The schema of a service.
#[derive(Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SchemaConfig {
    /// The schema itself, in the schema language (SDL). `${file:schema.graphql}` reads it from a file.
    #[serde(default)]
    sdl: Option<String>,
    /// Whether the service is asked for it (introspection) when a document is first to be checked.
    #[serde(default)]
    introspect: bool,
    /// When it is asked again. 3600 seconds unless set.
    #[serde(default)]
    refresh: Option<Seconds>,
}

/// Where the schema comes from.
#[derive(Debug)]
pub(super) struct Source {
    known: ArcSwapOption<Known>,
    schemas: Arc<Schemas>,
    /// When it is asked for again; never for one that is in the configuration.
    refresh: Option<Duration>,
    /// Whoever has it asks.
    turn: Arc<tokio::sync::Mutex<()>>,
    heard: Mutex<Heard>,
}

/// What came of asking for it.
#[derive(Debug, Clone, Default)]
struct Heard {
    /// When what is known was asked for.
    asked: Option<Instant>,
    /// When it could not be had since, and why.
    failed: Option<(Instant, String)>,
}

/// How long a call waits for the schema; then its document is not checked.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long asking may take in all.
const LIMIT: Duration = Duration::from_secs(60);

/// A service that does not give its schema is left alone for so long.
const PAUSE: Duration = Duration::from_secs(60);

impl SchemaConfig {
    /// Checks it. Sends nothing.
    pub(super) fn open(&self, context: &Context) -> Result<Source> {
        let schemas = context.shared::<Schemas>();
        let known = match (&self.sdl, self.introspect) {
            (Some(sdl), false) if self.refresh.is_none() => {
                let sdl = parse::resolve(sdl).map_err(|error| error.at("schema.sdl"))?;
                Some(schemas.of(&sdl).map_err(|error| error.at("schema.sdl"))?)
            }
            (None, true) => None,
            (Some(_), _) => {
                return Err(Error::invalid(
                    "schema: is given as sdl, or asked for with introspect and refresh",
                ));
            }
            (None, false) => return Err(Error::invalid("schema: give sdl, or introspect: true")),
        };
        let hour = Duration::from_secs(3600);
        Ok(Source {
            refresh: known.is_none().then(|| self.refresh.map_or(hour, Seconds::get)),
            known: ArcSwapOption::new(known),
            schemas,
            turn: Arc::default(),
            heard: Mutex::default(),
        })
    }
}

impl Source {
    /// What is known now.
    pub(super) fn known(&self) -> Option<Arc<Known>> {
        self.known.load_full()
    }

    /// What is known, where nobody has to be asked.
    pub(super) fn fresh(&self) -> Option<Arc<Known>> {
        let known = self.known()?;
        let asked = self.heard().asked;
        let old = self.refresh.is_some_and(|refresh| asked.is_none_or(|asked| asked.elapsed() >= refresh));
        (!old).then_some(known)
    }

    /// What is known, after asking the service where nothing is. Nobody waits for what is only old, and what cannot be had
    /// stops no call.
    pub(super) async fn wanted(
        self: &Arc<Self>,
        sender: &Arc<Sender>,
        credential: Option<&Arc<Credential>>,
    ) -> Option<Arc<Known>> {
        let known = self.known();
        let Some(refresh) = self.refresh else { return known };
        let Heard { asked, failed } = self.heard().clone();
        let fresh = asked.is_some_and(|asked| asked.elapsed() < refresh);
        if fresh || failed.is_some_and(|(when, _)| when.elapsed() < PAUSE) {
            return known;
        }
        let Ok(turn) = self.turn.clone().try_lock_owned() else {
            return match known {
                Some(known) => Some(known),
                // Until whoever asks has ended.
                None => timeout(PATIENCE, self.turn.lock()).await.ok().and_then(|_| self.known()),
            };
        };
        let (source, sender, credential) = (self.clone(), sender.clone(), credential.cloned());
        // A task of its own: a caller who goes away, or is in a hurry, takes it from nobody.
        let asking = tokio::spawn(async move {
            let _turn = turn;
            source.ask(&sender, credential.as_deref()).await;
        });
        if known.is_none() {
            let _ = timeout(PATIENCE, asking).await;
        }
        known.or_else(|| self.known())
    }

    /// Why it could not be had, if that is so.
    pub(super) fn failure(&self) -> Option<String> {
        self.heard().failed.as_ref().map(|(_, why)| why.clone())
    }

    /// Asks, and notes what came of it.
    async fn ask(&self, sender: &Sender, credential: Option<&Credential>) {
        let asked = Instant::now();
        let failed = match timeout(LIMIT, self.fetch(sender, credential)).await {
            Ok(Ok(known)) => {
                self.known.store(Some(known));
                self.heard().asked = Some(asked);
                None
            }
            Ok(Err(error)) => Some(error.message().to_owned()),
            Err(_) => Some(format!("it did not come within {LIMIT:?}")),
        };
        self.heard().failed = failed.map(|why| (Instant::now(), why));
    }

    async fn fetch(&self, sender: &Sender, credential: Option<&Credential>) -> Result<Arc<Known>> {
        let sdl = sdl(sender, credential).await?;
        let schemas = self.schemas.clone();
        // A large one takes a while to read.
        let read = tokio::task::spawn_blocking(move || schemas.of(&sdl)).await;
        let read =
            read.map_err(|error| Error::new(Kind::Internal, "reading a schema broke off").source(error))?;
        read.map_err(|error| {
            let what = format!("the service's schema is not valid: {}", error.message());
            Error::new(Kind::Protocol, what)
        })
    }

    fn heard(&self) -> MutexGuard<'_, Heard> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks a service for its schema, in the schema language.
///
/// # Errors
///
/// Those of the request, and `protocol` where the answer is no schema.
pub(super) async fn sdl(sender: &Sender, credential: Option<&Credential>) -> Result<String> {
    introspection::sdl(&sender.introspect(credential).await?)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use trunkline_core::{Egress, Profile};

    use super::*;

    fn open(config: Value) -> Result<Source> {
        let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
        serde_json::from_value::<SchemaConfig>(config).unwrap().open(&context)
    }

    #[test]
    fn a_schema_of_the_configuration_is_checked_with_line_and_column() {
        assert!(open(json!({"sdl": "type Query { a: Int }"})).unwrap().known().is_some());
        let error = open(json!({"sdl": "type Query {\n  a: Nothing }"})).unwrap_err();
        assert!(error.message().starts_with("schema.sdl: "), "{error}");
        assert!(error.message().contains("at line 2 column 6"), "{error}");
    }

    #[test]
    fn a_schema_is_given_or_asked_for() {
        for config in [
            json!({}),
            json!({"sdl": "type Query { a: Int }", "introspect": true}),
            json!({"sdl": "type Query { a: Int }", "refresh": 5}),
        ] {
            assert!(open(config.clone()).unwrap_err().message().starts_with("schema: "), "{config}");
        }
        assert!(open(json!({"introspect": true, "refresh": 5})).unwrap().known().is_none());
    }
}
