//! `/api/v1/activity`: what happened lately, record by record and in figures.

use std::time::{SystemTime, UNIX_EPOCH};

use axum::{Json, extract::State};
use http::Uri;
use serde::Deserialize;
use trunkline::{Error, Filter, Manager, Period, Record, Summary};

use super::extract::{Params, params};
use crate::problem::Problem;

/// How long a summary reaches back, and its steps, unless something else is asked for.
const HOUR_MS: u64 = 3_600_000;
const STEPS: u64 = 12;

/// What is looked for in a stream, which has no end and no pages.
pub(crate) fn endless(uri: &Uri) -> Result<Filter, Problem> {
    let filter: Filter = params(uri)?;
    let useless = [
        ("until_ms", filter.until_ms.is_some()),
        ("before", filter.before.is_some()),
        ("after", filter.after.is_some()),
        ("limit", filter.limit.is_some()),
    ];
    match useless.into_iter().find(|(_, given)| *given) {
        Some((key, _)) => Err(Error::invalid(format!("{key}: is of no use for a stream; remove it")).into()),
        None => Ok(filter),
    }
}

pub(super) async fn query(
    State(manager): State<Manager>,
    Params(filter): Params<Filter>,
) -> Json<Vec<Record>> {
    Json(manager.activity().query(&filter))
}

/// The period as query parameters.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Span {
    integration: Option<String>,
    connection: Option<String>,
    since_ms: Option<u64>,
    until_ms: Option<u64>,
    step_ms: Option<u64>,
}

pub(super) async fn summary(
    State(manager): State<Manager>,
    Params(span): Params<Span>,
) -> Result<Json<Summary>, Problem> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    // What has begun in this millisecond belongs to it.
    let until = span.until_ms.unwrap_or_else(|| u64::try_from(now.as_millis()).unwrap_or(u64::MAX) + 1);
    let since = span.since_ms.unwrap_or_else(|| until.saturating_sub(HOUR_MS));
    let step = span.step_ms.unwrap_or_else(|| until.saturating_sub(since).div_ceil(STEPS));
    let period = Period::new(since, until, step)?;
    let filter = Filter { integration: span.integration, connection: span.connection, ..Filter::default() };
    let counted = tokio::task::spawn_blocking(move || manager.activity().summary(&filter, period)).await;
    Ok(Json(counted.map_err(|_| Error::new(trunkline::Kind::Internal, "the activity could not be counted"))?))
}
