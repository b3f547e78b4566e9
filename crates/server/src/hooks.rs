//! `POST /hooks/{integration}`: where webhooks come in. They show a signature and no API token, so nobody is told more than
//! whether theirs was taken.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use hyper::body::Incoming;
use trunkline::{Body, Error, Kind, Received, Refused, Webhook};

use crate::{app::App, inbound, problem::Problem};

/// Before the id of an integration.
const PREFIX: &str = "/hooks/";
/// When to come again where something of ours is in the way.
const LATER: Duration = Duration::from_secs(60);

/// The id of the integration that a path of webhooks names.
pub(crate) fn integration(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX).filter(|id| !id.is_empty() && !id.contains('/'))
}

/// Takes a webhook: it is stored when its sender hears of success.
pub(crate) async fn receive(app: &App, request: Request<Incoming>) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let id = integration(head.uri.path()).unwrap_or_default();
    // One that is not there and one that takes none look alike.
    let handle = app.manager.get(id).map_err(|_| Refused::Nowhere)?;
    app.manager.admit_webhook(&handle)?;
    let mut held = app.hook_room.hold();
    let body: Bytes = inbound::read(body, app.hook_limit, &mut held).await?;
    let url = url(app, &head.uri, &head.headers);
    let webhook = Webhook { method: &head.method, url: &url, headers: &head.headers, body: &body };
    Ok(match app.manager.receive_webhook(&handle, webhook).await? {
        Received::New | Received::Known => {
            let mut taken = Response::new(Body::Empty);
            *taken.status_mut() = StatusCode::NO_CONTENT;
            taken
        }
        Received::Challenge(answer) => plain(answer),
    })
}

/// What a sender wants to hear. It is its own text, which no browser is to take for a page.
fn plain(text: String) -> Response<Body> {
    let mut answer = Response::new(Body::from(text));
    let headers = answer.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    answer
}

/// The URL as the sender knows it. Where the server does not know its own, it is at the host that the request names: a
/// signature of another one does not fit, and webhooks go to https.
fn url(app: &App, uri: &Uri, headers: &HeaderMap) -> String {
    let path = uri.path_and_query().map_or(uri.path(), |path| path.as_str());
    match &app.public {
        Some(public) => public.at(path),
        None => {
            let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
            format!("https://{}{path}", host.or(uri.host()).unwrap_or_default())
        }
    }
}

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Nowhere => crate::api::nothing(),
            Refused::Signature => {
                Self::plain(StatusCode::UNAUTHORIZED, "unauthorized", "the signature is not accepted")
            }
            Refused::TooMany(wait) => {
                Self::of(&Error::new(Kind::Throttled, "too many webhooks at once").retry_after(wait))
            }
            // What it is stands in the log.
            Refused::Failed(_) => {
                let message = "the webhook cannot be taken now; send it again later";
                Self::of(&Error::new(Kind::Store, message).retry_after(LATER))
            }
        }
    }
}
