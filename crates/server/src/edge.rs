//! `edge`: where requests come in. Calls, streams and proxied requests go straight down the pipeline, since they are
//! what must be fast; webhooks to be checked and stored; all else goes to the router.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, header};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tower::ServiceExt;
use trunkline::Body;

use crate::{
    app::App,
    call,
    gate::Admitted,
    hooks, places,
    proxy::{self, Tail},
    stream::{self, Seat},
};

/// Before the id of an integration.
const PREFIX: &str = "/api/v1/integrations/";

/// Where the activity is followed.
const ACTIVITY: &str = "/api/v1/activity/stream";

/// The roads: calls have four lanes.
enum Road {
    /// To the id that ends here, the rest of the path begins there.
    Proxy(usize, Tail),
    Call(usize),
    /// The name of the action begins there.
    Action(usize, usize),
    Stream(usize),
    Activity,
    Hook,
    Router,
}

fn road(method: &Method, path: &str) -> Road {
    let Some(rest) = path.strip_prefix(PREFIX) else {
        if path == ACTIVITY && method == Method::GET {
            return Road::Activity;
        }
        let hook = method == Method::POST && hooks::integration(path).is_some();
        return if hook { Road::Hook } else { Road::Router };
    };
    let Some((id, tail)) = rest.split_once('/') else { return Road::Router };
    let end = PREFIX.len() + id.len();
    match tail.strip_prefix("proxy") {
        Some(tail) if tail.is_empty() || tail.starts_with('/') => {
            Road::Proxy(end, Tail(path.len() - tail.len()))
        }
        _ if tail == "call" && method == Method::POST => Road::Call(end),
        _ if method == Method::POST
            && tail.strip_prefix("actions/").is_some_and(|name| !name.is_empty() && !name.contains('/')) =>
        {
            Road::Action(end, end + "/actions/".len())
        }
        _ if tail == "stream" && matches!(*method, Method::GET | Method::POST) => Road::Stream(end),
        _ => Road::Router,
    }
}

/// Answers one request. One that came over a connection of the reserve must not be a call.
pub(crate) async fn handle(app: Arc<App>, request: Request<Incoming>, seat: Arc<Seat>) -> Response<Out> {
    let Admitted { pass, token } = match app.gate.judge(request.method(), request.uri(), request.headers()) {
        Ok(admitted) => admitted,
        Err(problem) => return ours(problem.response().map(Out::Ours)),
    };
    let path = request.uri().path();
    let result = match road(request.method(), path) {
        Road::Proxy(..)
        | Road::Call(_)
        | Road::Action(..)
        | Road::Stream(_)
        | Road::Activity
        | Road::Hook
            if seat.place.is_reserved() =>
        {
            Err(places::full().into())
        }
        Road::Proxy(end, tail) => {
            let handle = app.manager.get(&path[PREFIX.len()..end]);
            proxy::proxy(&app, handle, tail, pass, request).await
        }
        Road::Call(end) => {
            let handle = app.manager.get(&path[PREFIX.len()..end]);
            call::call(&app, handle, None, request).await
        }
        Road::Action(end, name) => {
            let (handle, name) = (app.manager.get(&path[PREFIX.len()..end]), path[name..].to_owned());
            call::call(&app, handle, Some(&name), request).await
        }
        Road::Stream(end) => {
            let handle = app.manager.get(&path[PREFIX.len()..end]);
            stream::stream(&app, handle, request, token, seat).await
        }
        Road::Activity => stream::activity(&app, &request, token, seat),
        Road::Hook => hooks::receive(&app, request, seat.peer).await,
        Road::Router => {
            let mut request = request.map(axum::body::Body::new);
            request.extensions_mut().insert(app.clone());
            let response = app.router.clone().oneshot(request).await.unwrap_or_else(|never| match never {});
            return ours(response.map(Out::Router));
        }
    };
    result.map_or_else(|problem| ours(problem.response().map(Out::Ours)), |response| response.map(Out::Ours))
}

/// An answer of our own, as against one that is passed on: nobody keeps it, frames it or guesses its type.
fn ours(mut response: Response<Out>) -> Response<Out> {
    let headers = response.headers_mut();
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(
        "default-src 'self'; frame-ancestors 'none'; object-src 'none'; base-uri 'none'",
    ));
    response
}

/// The body of an answer: from the pipeline, or from the router.
#[derive(Debug)]
pub(crate) enum Out {
    Ours(Body),
    Router(axum::body::Body),
}

impl http_body::Body for Out {
    type Data = Bytes;
    type Error = Box<dyn std::error::Error + Send + Sync>;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match &mut *self {
            Self::Ours(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Self::Router(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Ours(body) => body.is_end_stream(),
            Self::Router(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Ours(body) => body.size_hint(),
            Self::Router(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_decides_the_road() {
        let taken = |method: Method, path: &str| match road(&method, path) {
            Road::Proxy(end, Tail(tail)) => format!("proxy {} {}", &path[PREFIX.len()..end], &path[tail..]),
            Road::Call(end) => format!("call {}", &path[PREFIX.len()..end]),
            Road::Action(end, name) => format!("action {} {}", &path[PREFIX.len()..end], &path[name..]),
            Road::Stream(end) => format!("stream {}", &path[PREFIX.len()..end]),
            Road::Activity => "activity".to_owned(),
            Road::Hook => "hook".to_owned(),
            Road::Router => "router".to_owned(),
        };
        for (method, path, expected) in [
            (Method::GET, "/api/v1/integrations/a/proxy/x/y", "proxy a /x/y"),
            (Method::GET, "/api/v1/integrations/a/proxy", "proxy a "),
            (Method::DELETE, "/api/v1/integrations/a/proxy/", "proxy a /"),
            (Method::POST, "/api/v1/integrations/a/call", "call a"),
            (Method::GET, "/api/v1/integrations/a/call", "router"),
            (Method::POST, "/api/v1/integrations/a/actions/send_sms", "action a send_sms"),
            (Method::GET, "/api/v1/integrations/a/actions/send_sms", "router"),
            (Method::POST, "/api/v1/integrations/a/actions/", "router"),
            (Method::POST, "/api/v1/integrations/a/actions/x/y", "router"),
            (Method::GET, "/api/v1/integrations/a/stream", "stream a"),
            (Method::POST, "/api/v1/integrations/a/stream", "stream a"),
            (Method::PUT, "/api/v1/integrations/a/stream", "router"),
            (Method::GET, "/api/v1/integrations/a/proxyx", "router"),
            (Method::GET, "/api/v1/integrations/list", "router"),
            (Method::GET, "/api/v1/activity/stream", "activity"),
            (Method::POST, "/api/v1/activity/stream", "router"),
            (Method::GET, "/api/v1/activity", "router"),
            (Method::POST, "/hooks/a", "hook"),
            (Method::GET, "/hooks/a", "router"),
            (Method::POST, "/hooks/", "router"),
            (Method::POST, "/hooks/a/b", "router"),
            (Method::GET, "/", "router"),
        ] {
            assert_eq!(taken(method, path), expected, "{path}");
        }
    }
}
