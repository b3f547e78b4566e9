//! `Source`: the schema that documents are checked against. It is in the configuration, or the service is asked for it
//! when it is first needed, and again when it has grown old.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use apollo_compiler::{Schema, validation::Valid};
use arc_swap::ArcSwapOption;
use schemars::JsonSchema;
use serde::Deserialize;
use tokio::time::{Instant, timeout};
use trunkline_core::{Credential, Error, Result, Seconds, parse};

use super::{ask::Sender, explain::all, introspection};

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
    /// When it is asked for again; never for one that is in the configuration.
    refresh: Option<Duration>,
    /// Whoever has it asks.
    turn: Arc<tokio::sync::Mutex<()>>,
    /// When it could not be had, and why.
    failed: Mutex<Option<(Instant, String)>>,
}

/// A schema that is known.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) schema: Valid<Schema>,
    pub(super) sdl: String,
    /// Which one it is, among all of this process.
    pub(super) number: u64,
    asked: Option<Instant>,
}

/// How long a call waits for the schema; then its document is not checked.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long asking may take in all.
const LIMIT: Duration = Duration::from_secs(60);

/// A service that does not give its schema is left alone for so long.
const PAUSE: Duration = Duration::from_secs(60);

impl SchemaConfig {
    /// Checks it. Sends nothing.
    pub(super) fn open(&self) -> Result<Source> {
        let known = match (&self.sdl, self.introspect) {
            (Some(sdl), false) if self.refresh.is_none() => {
                let sdl = parse::resolve(sdl).map_err(|error| error.at("schema.sdl"))?;
                Some(Arc::new(Known::read(&sdl, None).map_err(|error| error.at("schema.sdl"))?))
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
            turn: Arc::default(),
            failed: Mutex::default(),
        })
    }
}

impl Known {
    /// Reads a schema.
    ///
    /// # Errors
    ///
    /// `invalid_config` with all that is wrong with it, up to ten of it.
    pub(super) fn read(sdl: &str, asked: Option<Instant>) -> Result<Self> {
        static NUMBER: AtomicU64 = AtomicU64::new(1);
        let schema = Schema::parse_and_validate(sdl, "schema").map_err(|found| all(&found.errors))?;
        Ok(Self { schema, sdl: sdl.to_owned(), number: NUMBER.fetch_add(1, Ordering::Relaxed), asked })
    }
}

impl Source {
    /// What is known now.
    pub(super) fn known(&self) -> Option<Arc<Known>> {
        self.known.load_full()
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
        let asked = known.as_ref().and_then(|known| known.asked);
        if asked.is_some_and(|asked| asked.elapsed() < refresh) || self.pauses() {
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

    /// Asks the service now, for whoever wants to see the schema.
    ///
    /// # Errors
    ///
    /// Those of the request, and `protocol` where the answer is no schema.
    pub(super) async fn fetch(sender: &Sender, credential: Option<&Credential>) -> Result<Known> {
        let asked = Instant::now();
        let answer = sender.introspect(credential).await?;
        // A large one takes a while to read.
        let read =
            tokio::task::spawn_blocking(move || Known::read(&introspection::sdl(&answer)?, Some(asked)));
        let read = read
            .await
            .map_err(|error| Error::new(trunkline_core::Kind::Internal, "reading ended").source(error))?;
        read.map_err(|error| {
            let what = format!("the service's schema is not valid: {}", error.message());
            Error::new(trunkline_core::Kind::Protocol, what)
        })
    }

    /// Why it could not be had, if that is so.
    pub(super) fn failure(&self) -> Option<String> {
        self.failed().as_ref().map(|(_, why)| why.clone())
    }

    /// Asks, and notes what came of it.
    async fn ask(&self, sender: &Sender, credential: Option<&Credential>) {
        let fetched = timeout(LIMIT, Self::fetch(sender, credential)).await;
        let why = match fetched {
            Ok(Ok(known)) => {
                self.known.store(Some(Arc::new(known)));
                None
            }
            Ok(Err(error)) => Some(error.message().to_owned()),
            Err(_) => Some(format!("it did not come within {LIMIT:?}")),
        };
        *self.failed() = why.map(|why| (Instant::now(), why));
    }

    fn pauses(&self) -> bool {
        self.failed().as_ref().is_some_and(|(when, _)| when.elapsed() < PAUSE)
    }

    fn failed(&self) -> std::sync::MutexGuard<'_, Option<(Instant, String)>> {
        self.failed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn open(config: Value) -> Result<Source> {
        serde_json::from_value::<SchemaConfig>(config).unwrap().open()
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
