//! What handlers take from a request, with problems instead of the router's own words.

use std::sync::Arc;

use axum::{
    Extension, RequestExt,
    extract::{FromRequest, FromRequestParts, Path, Query, Request},
};
use http::{StatusCode, Uri, header, request::Parts};
use http_body::Body as _;
use serde::de::DeserializeOwned;
use serde_json::Value;
use trunkline::{Error, Kind, exact, parse};

use crate::{app::App, inbound, problem::Problem, room::Held};

/// Bytes of a configuration. Certificates make the largest ones, and they are a hundredth of this.
const DOCUMENT: usize = 1 << 20;

/// What is shown beside a configuration and is none of it: sent back, it is ignored.
pub(super) const STATE: &str = "state";

/// The id in the path.
pub(crate) struct Id(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path(id)) => Ok(Self(id)),
            // Escapes that are no UTF-8: nobody has such an id.
            Err(_) => {
                Err(Error::new(Kind::UnknownIntegration, "no such integration; an id is plain ASCII").into())
            }
        }
    }
}

/// The id and the connection in the path.
pub(super) struct Of {
    pub(super) id: String,
    pub(super) connection: String,
}

impl<S: Send + Sync> FromRequestParts<S> for Of {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::from_request_parts(parts, state).await {
            Ok(Path((id, connection))) => Ok(Self { id, connection }),
            // As for an id.
            Err(_) => {
                Err(Error::new(Kind::UnknownConnection, "no such connection; a name is plain ASCII").into())
            }
        }
    }
}

/// The parameters of the query.
pub(crate) struct Params<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        params(&parts.uri).map(Self)
    }
}

/// The parameters of a query.
pub(super) fn params<T: DeserializeOwned>(uri: &Uri) -> Result<T, Problem> {
    Query::try_from_uri(uri).map(|Query(params)| params).map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
        let shown: String = cause.chars().filter(|c| !c.is_control()).take(300).collect();
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        Problem::plain(status, "invalid_config", format!("in the query: {shown}"))
    })
}

/// The generation in `If-Match` (RFC 9110 section 13.1.1), if one is asked for.
pub(super) struct IfMatch(pub(super) Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let Some(value) = parts.headers.get(header::IF_MATCH) else { return Ok(Self(None)) };
        let text = value.to_str().unwrap_or_default().trim();
        if text == "*" {
            return Ok(Self(None));
        }
        let tag =
            text.strip_prefix('"').and_then(|text| text.strip_suffix('"')).and_then(|text| text.parse().ok());
        tag.map(|tag| Self(Some(tag))).ok_or_else(|| {
            Problem::plain(
                StatusCode::PRECONDITION_FAILED,
                "conflict",
                "If-Match takes one ETag that this API has given, such as \"7\"",
            )
        })
    }
}

/// A JSON body in which no key is there twice, and no whole number that would be stored as another.
pub(super) struct Document(pub(super) Value);

impl<S: Send + Sync> FromRequest<S> for Document {
    type Rejection = Problem;

    async fn from_request(mut request: Request, _: &S) -> Result<Self, Problem> {
        let Extension::<Arc<App>>(app) =
            request.extract_parts().await.expect("the edge puts it into every request");
        let (head, body) = request.into_parts();
        let bytes =
            inbound::json(&head.headers, body, app.body_limit.min(DOCUMENT), &mut Held::unbounded()).await?;
        let parse::Unique(mut value) = parse::text(&bytes)?;
        if let Some(place) = exact::outsized(&exact::read::<Value>(&bytes)?) {
            let error = Error::invalid(
                "the number is too large to be stored as it is; write it as a text, in quotes",
            );
            return Err(if place.is_empty() { error } else { error.at(&place) }.into());
        }
        if let Value::Object(fields) = &mut value {
            fields.remove(STATE);
        }
        Ok(Self(value))
    }
}

/// The same where there may be no body at all.
pub(super) struct IfAny(pub(super) Option<Value>);

impl<S: Send + Sync> FromRequest<S> for IfAny {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        if request.body().is_end_stream() {
            return Ok(Self(None));
        }
        Document::from_request(request, state).await.map(|Document(document)| Self(Some(document)))
    }
}
