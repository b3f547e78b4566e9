//! `POST /api/v1/integrations/{id}/call`: a call of any type. The reply's body comes back unparsed;
//! an error is a problem that says what the service answered.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::{Request, Response, header};
use hyper::body::Incoming;
use serde_json::value::RawValue;
use trunkline::{Body, Call, Credential, Error, Form, MASK};

use crate::{app::App, headers, inbound, problem::Problem, proxy::answer};

/// Makes a call.
pub(crate) async fn call(app: &App, id: &str, request: Request<Incoming>) -> Result<Response<Body>, Problem> {
    let handle = app.manager.get(id)?;
    let (head, body) = request.into_parts();
    let bytes = inbound::json(&head.headers, body, app.body_limit).await?;
    let operation = handle.parse(raw(&bytes)?)?;
    let mut call = Call::new(handle.id().clone(), operation);
    match handle.call(&mut call).await {
        Ok(reply) => {
            let mut response = answer(reply, &call);
            // A cookie of the service is none of ours to set.
            response.headers_mut().remove(header::SET_COOKIE);
            Ok(response)
        }
        Err(error) => {
            let mut response = problem(error, &call).await.response();
            headers::tell(response.headers_mut(), &call);
            Ok(response)
        }
    }
}

/// The problem of a call that failed, with the credential hidden where the service echoes it.
pub(crate) async fn problem(error: Error, call: &Call) -> Problem {
    Problem::of_call(error, &call.integration, call.request_id, |text| mask(text, call)).await
}

/// Hides the credential of a call in a text that the service wrote.
pub(crate) fn mask(text: String, call: &Call) -> String {
    let secrets = call.credential.as_deref().map(secrets).unwrap_or_default();
    secrets.iter().fold(text, |text, secret| text.replace(secret, MASK))
}

/// What a credential would look like in an echo, longest first. Shorter ones than six characters would
/// hide words that mean nothing.
fn secrets(credential: &Credential) -> Vec<String> {
    let mut secrets = Vec::new();
    let values = match credential.form() {
        Form::Header { value, .. }
        | Form::Query { value, .. }
        | Form::Cookie { value, .. }
        | Form::Bearer(value) => vec![value],
        Form::Basic { user, password } => {
            if let Ok(password) = password.expose() {
                secrets.push(STANDARD.encode(format!("{user}:{password}")));
            }
            // Some vendors take a key as the user of an empty password.
            secrets.push(user.clone());
            vec![password]
        }
        _ => Vec::new(),
    };
    for value in values {
        if let Ok(value) = value.expose() {
            // `Bearer x` in a header: the echo may be of `x` alone.
            secrets.extend(value.split(' ').map(str::to_owned));
        }
    }
    secrets.retain(|secret| secret.len() >= 6);
    secrets.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
    secrets
}

/// The body as JSON that was checked and not taken apart.
pub(crate) fn raw(bytes: &[u8]) -> Result<&RawValue, Error> {
    serde_json::from_slice(bytes).or_else(|_| trunkline::parse::text(bytes))
}
