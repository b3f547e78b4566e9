//! `POST /api/v1/integrations/try`: tries a configuration before it is stored, step by step; and one that is stored, in the same steps.

use std::{sync::Arc, time::Duration};

use axum::{Extension, Json, extract::State};
use serde_json::{
    Value,
    value::{RawValue, to_raw_value},
};
use tokio::time::{Instant, timeout};
use trunkline::{Asked, Call, Error, Handle, HttpRequest, Kind, Manager, Passage, Stage, Trial, unmask};

use super::{
    extract::Document,
    integrations::{follows, invalid},
    test::is_empty,
    tested::{Step, Tested},
};
use crate::{app::App, problem::Problem};

/// How long a trial may take: somebody waits for it.
const LIMIT: Duration = Duration::from_secs(30);

/// What is said of a credential that is not asked for.
const LATER: &str = "the service was reached without a credential: an account is connected, and a refresh token used, once \
                     the integration is stored";

/// What is said where only connections can be called.
const OF_CONNECTIONS: &str = "nothing was sent: values of the placeholders are in connections; store the integration, add one and test that";

/// Tries `integration`, with a probe or with `request`. Nothing is stored. A masked secret is the one that is stored under
/// the same id, where it would go to the same address.
pub(super) async fn run(
    State(manager): State<Manager>,
    Extension(app): Extension<Arc<App>>,
    Document(sent): Document,
) -> Result<Json<Tested>, Problem> {
    let Value::Object(mut sent) = sent else { return Err(invalid("what is tried is in a JSON object")) };
    let Some(integration) = sent.remove("integration") else {
        return Err(invalid("integration: is missing: the configuration to be tried"));
    };
    let request = sent.remove("request").unwrap_or_else(|| Value::Object(serde_json::Map::new()));
    if let Some(key) = sent.keys().next() {
        return Err(invalid(format!("{key}: is not known here; there are integration and request")));
    }
    let request = to_raw_value(&request).map_err(|_| invalid("request: is no JSON"))?;
    ran(&app, || opened(&manager, &integration), request).await.map(Json)
}

/// Asks an integration that is stored, or a connection of it, for the probe: the same steps, with the credential of its calls.
pub(super) async fn of_stored(app: &App, stored: &Arc<Handle>) -> Result<Tested, Problem> {
    let nothing = to_raw_value(&serde_json::Map::new()).map_err(|_| invalid("request: is no JSON"))?;
    ran(app, || Ok(app.manager.trial_of(stored)), nothing).await
}

/// Opens what is to be tried where there is time for it, and tries it.
async fn ran(
    app: &App,
    open: impl FnOnce() -> Result<Result<Trial, Error>, Problem>,
    request: Box<RawValue>,
) -> Result<Tested, Problem> {
    let Ok(place) = app.trials.clone().try_acquire_owned() else {
        let busy = "as many configurations are being tried as the server has time for; try again in a moment";
        return Err(Error::new(Kind::Overloaded, busy).retry_after(Duration::from_secs(5)).into());
    };
    let trial = match open()? {
        Ok(trial) => trial,
        Err(error) => return Ok(Tested::failed(error).steps(vec![Step::new("configuration", false)])),
    };
    // It is closed whatever becomes of who asked.
    let tried = tokio::spawn(async move {
        let tested = tried(&trial, &request).await;
        trial.close().await;
        drop(place);
        tested
    });
    let broken = |_| Error::new(Kind::Internal, "the trial did not run to its end");
    Ok(tried.await.map_err(broken)?)
}

/// Opens what is to be tried, with the secrets that are stored where it has the mask.
fn opened(manager: &Manager, sent: &Value) -> Result<Result<Trial, Error>, Problem> {
    let mut document = sent.clone();
    let id = sent.get("integration_id").and_then(Value::as_str);
    let stored = id.and_then(|id| manager.get(id).ok());
    if let Some(stored) = &stored {
        unmask(&mut document, &stored.config()?.expose());
    }
    let config = match manager.read(document) {
        Ok(config) => config,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(stored) = &stored {
        follows(&config, sent, stored)?;
    }
    Ok(manager.trial(&config))
}

/// How the service is asked.
async fn tried(trial: &Trial, request: &RawValue) -> Tested {
    let mut steps = vec![Step::new("configuration", true)];
    let handle = trial.handle();
    if handle.needs_connection() {
        return Tested::nothing(OF_CONNECTIONS).steps(steps);
    }
    let began = Instant::now();
    let credential = match timeout(LIMIT, trial.credential()).await {
        Ok(Ok(credential)) => credential,
        Ok(Err(error)) => {
            let text = handle.scrub(None).hide(error.to_string());
            steps.push(Step::new("credential", false).took(began.elapsed()).detail(text));
            return Tested::refused(error, handle, &bare(trial)).await.steps(steps);
        }
        Err(_) => {
            steps.push(Step::new("credential", false).took(began.elapsed()).detail("there was none in time"));
            return Tested::failed(late()).steps(steps);
        }
    };
    let (asked, began) = (began.elapsed(), Instant::now());
    let later = matches!(credential, Asked::Later);
    let tested = timeout(LIMIT, asked_of(trial, credential, request)).await;
    let (tested, shown) = tested.unwrap_or_else(|_| (Tested::failed(late()), false));
    let reached = passed(&trial.passages(), &mut steps, handle);
    if reached && !later {
        let text = || tested.error().unwrap_or_default().to_owned();
        let refused =
            tested.kind.is_some_and(|kind| matches!(kind, Kind::Unauthenticated | Kind::NeedsReauth));
        if refused {
            steps.push(Step::new("credential", false).detail(text()));
        } else {
            if shown {
                steps.push(Step::new("credential", true).took(asked));
            }
            let request = Step::new("request", tested.kind.is_none()).took(began.elapsed());
            steps.push(if tested.kind.is_some() { request.detail(text()) } else { request });
        }
    }
    tested.steps(steps)
}

/// Asks the service, and says whether a credential was shown to it.
async fn asked_of(trial: &Trial, credential: Asked, request: &RawValue) -> (Tested, bool) {
    let handle = trial.handle();
    let credential = match credential {
        Asked::Later => {
            let tested = match trial.reach().await {
                Ok(()) => Tested::nothing(LATER),
                Err(error) => Tested::refused(error, handle, &bare(trial)).await,
            };
            return (tested, false);
        }
        Asked::Nothing => None,
        Asked::Credential(credential) => Some(credential),
    };
    let shown = credential.is_some();
    if is_empty(request) {
        let mut call = bare(trial);
        call.credential = credential.clone();
        let tested = match trial.probe(credential).await {
            Ok(proof) => Tested::proved(proof),
            Err(error) => Tested::refused(error, handle, &call).await,
        };
        return (tested, shown);
    }
    match handle.ask(request) {
        Ok(mut call) => (Tested::call(handle, &mut call).await, shown),
        Err(error) => (Tested::failed(error.at("request")), shown),
    }
}

/// A call that asks for nothing, for what is said of one that was not made.
fn bare(trial: &Trial) -> Call {
    Call::new(trial.handle().id().clone(), HttpRequest::get(""))
}

fn late() -> Error {
    Error::new(Kind::Timeout, format!("there was no answer within {LIMIT:?}"))
}

/// Adds what became of connections; says whether none is known to have failed.
fn passed(passages: &[Passage], steps: &mut Vec<Step>, handle: &Handle) -> bool {
    let mut reached = true;
    for (stage, name) in [(Stage::Dns, "dns"), (Stage::Tcp, "tcp"), (Stage::Tls, "tls")] {
        // Of several the last one decides: those before may have been given up for it.
        let Some(passage) = passages.iter().rfind(|passage| passage.stage == stage) else { continue };
        let ok = passage.took.is_some() && passage.failure.is_none();
        reached &= ok;
        let step = Step::new(name, ok).detail(match (&passage.failure, passage.took) {
            (Some(failure), _) => handle.scrub(None).hide(failure.clone()),
            (None, Some(_)) => passage.host.clone(),
            (None, None) => format!("{}: had no end in time", passage.host),
        });
        steps.push(match passage.took {
            Some(took) => step.took(took),
            None => step,
        });
    }
    reached
}
