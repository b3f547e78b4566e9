//! Codes of GraphQL errors as kinds: one table.

use std::collections::BTreeMap;

use trunkline_core::{Error, Kind, Result};

/// Compared without regard to case. No standard names codes: these are what the servers in wide use send as
/// `extensions.code`, and some services as `type` or `errorType` beside the message.
const CODES: &[(&str, Kind)] = &[
    // Apollo Server (apollographql.com/docs/apollo-server/data/errors), and whoever follows it.
    ("UNAUTHENTICATED", Kind::Unauthenticated),
    ("FORBIDDEN", Kind::Forbidden),
    ("BAD_USER_INPUT", Kind::Rejected),
    ("BAD_REQUEST", Kind::Rejected),
    ("GRAPHQL_PARSE_FAILED", Kind::Rejected),
    ("GRAPHQL_VALIDATION_FAILED", Kind::Rejected),
    ("OPERATION_RESOLUTION_FAILURE", Kind::Rejected),
    ("PERSISTED_QUERY_NOT_FOUND", Kind::Rejected),
    ("PERSISTED_QUERY_NOT_SUPPORTED", Kind::Rejected),
    ("INTERNAL_SERVER_ERROR", Kind::Failed),
    // Apollo Router (docs/graphos/routing/errors).
    ("UNAUTHORIZED_FIELD_OR_TYPE", Kind::Forbidden),
    ("AUTH_ERROR", Kind::Unauthenticated),
    ("REQUEST_RATE_LIMITED", Kind::RateLimited),
    ("REQUEST_CONCURRENCY_LIMITED", Kind::RateLimited),
    ("REQUEST_TIMEOUT", Kind::Timeout),
    ("GATEWAY_TIMEOUT", Kind::Timeout),
    ("MAX_DEPTH_LIMIT", Kind::Rejected),
    // Shopify (shopify.dev/docs/api/admin-graphql, status and error codes).
    ("THROTTLED", Kind::RateLimited),
    ("ACCESS_DENIED", Kind::Forbidden),
    ("SHOP_INACTIVE", Kind::Forbidden),
    ("MAX_COST_EXCEEDED", Kind::Rejected),
    // GitHub, as `type` (docs.github.com/graphql, rate limits and node limits).
    ("RATE_LIMITED", Kind::RateLimited),
    ("RATE_LIMIT", Kind::RateLimited),
    ("NOT_FOUND", Kind::Rejected),
    ("INSUFFICIENT_SCOPES", Kind::Forbidden),
    ("MAX_NODE_LIMIT_EXCEEDED", Kind::Rejected),
    ("RESOURCE_LIMITS_EXCEEDED", Kind::Rejected),
    ("UNPROCESSABLE", Kind::Rejected),
    ("SERVICE_UNAVAILABLE", Kind::Unavailable),
    // Linear (linear.app/developers/rate-limiting) and others.
    ("RATELIMITED", Kind::RateLimited),
    ("RATE_LIMIT_EXCEEDED", Kind::RateLimited),
    ("TOO_MANY_REQUESTS", Kind::RateLimited),
    ("AUTHENTICATION_ERROR", Kind::Unauthenticated),
    // Hasura (hasura.io/docs, API reference).
    ("access-denied", Kind::Forbidden),
    ("invalid-jwt", Kind::Unauthenticated),
    ("invalid-headers", Kind::Unauthenticated),
    ("validation-failed", Kind::Rejected),
    ("constraint-violation", Kind::Rejected),
    ("unexpected", Kind::Failed),
    // AWS AppSync, as `errorType`.
    ("UnauthorizedException", Kind::Unauthenticated),
    ("Unauthorized", Kind::Forbidden),
];

/// Codes that a service has of its own, and what they mean.
#[derive(Debug, Default)]
pub(super) struct Codes(BTreeMap<String, Kind>);

impl Codes {
    /// The rows of a configuration.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the row.
    pub(super) fn open(rows: &BTreeMap<String, String>) -> Result<Self> {
        let known = |kind: &Kind| kind.is_of_a_service() || *kind == Kind::Unsupported;
        let row = |(code, kind): (&String, &String)| match Kind::from_code(kind).filter(known) {
            Some(kind) => Ok((code.clone(), kind)),
            None => Err(Error::invalid(format!(
                "error_codes.{code}: is not a kind of error that a service has, such as rate_limited; see /docs/problems"
            ))),
        };
        rows.iter().map(row).collect::<Result<_>>().map(Self)
    }

    /// What a code means, if anybody said so. The configuration has the first word.
    pub(super) fn kind(&self, code: &str) -> Option<Kind> {
        let known = || CODES.iter().find(|(known, _)| known.eq_ignore_ascii_case(code));
        self.0.get(code).copied().or_else(|| known().map(|(_, kind)| *kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_the_kind_of_its_row_and_the_configuration_has_the_first_word() {
        let rows = [("NOT_FOUND", "unavailable"), ("QUOTA", "rate_limited")];
        let rows = rows.map(|(code, kind)| (code.to_owned(), kind.to_owned()));
        let codes = Codes::open(&rows.into()).unwrap();
        for (code, kind) in [
            ("UNAUTHENTICATED", Some(Kind::Unauthenticated)),
            ("unauthenticated", Some(Kind::Unauthenticated)),
            ("THROTTLED", Some(Kind::RateLimited)),
            ("NOT_FOUND", Some(Kind::Unavailable)),
            ("QUOTA", Some(Kind::RateLimited)),
            ("QUOTAS", None),
        ] {
            assert_eq!(codes.kind(code), kind, "{code}");
        }
        // What is no kind, and one that is Trunkline's own.
        for kind in ["throtled", "blocked"] {
            let error = Codes::open(&[("X".to_owned(), kind.to_owned())].into()).unwrap_err();
            assert!(error.message().starts_with("error_codes.X: "), "{error}");
        }
    }
}
