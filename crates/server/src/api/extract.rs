//! `Id` and `Params`: what handlers take from a URL, with problems instead of the router's own words.

use axum::extract::{FromRequestParts, Path, Query};
use http::{StatusCode, request::Parts};
use serde::de::DeserializeOwned;
use trunkline::{Error, Kind};

use crate::problem::Problem;

/// The id in the path.
pub(super) struct Id(pub(super) String);

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

/// The parameters of the query.
pub(super) struct Params<T>(pub(super) T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::try_from_uri(&parts.uri) {
            Ok(Query(params)) => Ok(Self(params)),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
                let shown: String = cause.chars().filter(|c| !c.is_control()).take(300).collect();
                let status = StatusCode::UNPROCESSABLE_ENTITY;
                Err(Problem::plain(status, "invalid_config", format!("in the query: {shown}")))
            }
        }
    }
}
