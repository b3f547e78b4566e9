//! `POST /hooks/{integration}`: where webhooks come in. They show a signature and no API token, so nobody is told more than
//! whether theirs was taken.

mod clients;
mod sender;

use std::{net::IpAddr, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body::Body as HttpBody;
use hyper::body::Incoming;
use tokio::time::timeout;
use trunkline::{Body, Error, Kind, Received, Refused, Webhook};

pub(crate) use self::{clients::Clients, sender::Proxies};
use crate::{app::App, inbound, problem::Problem, room::Takes};

/// Before the id of an integration.
const PREFIX: &str = "/hooks/";
/// When to come again where something of ours is in the way.
const LATER: Duration = Duration::from_secs(60);
/// How long a body may take until it is there whole: senders of webhooks have all of it when they begin.
const WHOLE: Duration = Duration::from_secs(30);

/// The id of the integration that a path of webhooks names.
pub(crate) fn integration(path: &str) -> Option<&str> {
    path.strip_prefix(PREFIX).filter(|id| !id.is_empty() && !id.contains('/'))
}

/// Takes a webhook: it is stored when its sender hears of success.
pub(crate) async fn receive(
    app: &App,
    request: Request<Incoming>,
    peer: IpAddr,
) -> Result<Response<Body>, Problem> {
    let (head, body) = request.into_parts();
    let sender = app.proxies.sender(peer, &head.headers);
    app.hook_clients.admit(sender)?;
    let id = integration(head.uri.path()).unwrap_or_default();
    // One that is not there and one that takes none look alike.
    let handle = app.manager.get(id).map_err(|_| Refused::Nowhere)?;
    let url = url(app, &head.uri, &head.headers);
    let head = Webhook { method: &head.method, url: &url, headers: &head.headers, body: &[] };
    let refused = |refused: Refused| {
        if let Refused::Signature = refused {
            app.hook_clients.refused(sender);
        }
        Problem::from(refused)
    };
    // What its head already tells costs no memory.
    app.manager.admit_webhook(&handle, head).map_err(refused)?;
    let mut held = app.hook_clients.hold(&app.hook_room, handle.id(), sender);
    let body = whole(body, app.hook_limit, &mut held).await?;
    let webhook = Webhook { body: &body, ..head };
    Ok(match app.manager.receive_webhook(&handle, webhook).await.map_err(refused)? {
        Received::New | Received::Known => {
            let mut taken = Response::new(Body::Empty);
            *taken.status_mut() = StatusCode::NO_CONTENT;
            taken
        }
        Received::Challenge(answer) => plain(answer),
    })
}

/// A body that comes in time.
async fn whole<B>(body: B, limit: usize, held: &mut impl Takes) -> Result<Bytes, Problem>
where
    B: HttpBody<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    timeout(WHOLE, inbound::read(body, limit, held)).await.unwrap_or_else(|_| {
        let message = format!("the body of a webhook has to be there within {WHOLE:?}");
        Err(Problem::plain(StatusCode::REQUEST_TIMEOUT, "slow_body", message))
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

#[cfg(test)]
mod tests;
