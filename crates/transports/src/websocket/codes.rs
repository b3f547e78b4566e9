//! Close codes as kinds: one table (RFC 6455 section 7.4 and the registry that it founds).

use std::{collections::BTreeMap, ops::RangeInclusive};

use trunkline_core::{Error, Kind, Outcome, Result};

/// First match wins.
const CODES: &[(RangeInclusive<u16>, Kind, &str)] = &[
    (1000..=1000, Kind::Unavailable, "normal"),
    (1001..=1001, Kind::Unavailable, "going away"),
    (1002..=1002, Kind::Protocol, "protocol error"),
    (1003..=1003, Kind::Rejected, "unsupported data"),
    // Never on the wire: what is made of a close frame without a code.
    (1005..=1005, Kind::Unavailable, "no code"),
    (1007..=1007, Kind::Rejected, "invalid payload"),
    // As services use it: the credential was good enough to connect, and is not for this.
    (1008..=1008, Kind::Forbidden, "policy violation"),
    (1009..=1009, Kind::Rejected, "message too big"),
    (1010..=1010, Kind::Unsupported, "mandatory extension"),
    (1011..=1011, Kind::Failed, "internal error"),
    (1012..=1012, Kind::Unavailable, "service restart"),
    (1013..=1013, Kind::RateLimited, "try again later"),
    (1014..=1014, Kind::Unavailable, "bad gateway"),
    // Registered with IANA.
    (3000..=3000, Kind::Unauthenticated, "unauthorized"),
    (3003..=3003, Kind::Forbidden, "forbidden"),
    (3008..=3008, Kind::Timeout, "timeout"),
    // For applications. Many have an HTTP status in the last three digits, the protocols of GraphQL among them.
    (4400..=4400, Kind::Rejected, "bad request"),
    (4401..=4401, Kind::Unauthenticated, "unauthorized"),
    (4403..=4403, Kind::Forbidden, "forbidden"),
    (4404..=4404, Kind::Rejected, "not found"),
    (4406..=4406, Kind::Unsupported, "subprotocol not acceptable"),
    (4408..=4408, Kind::Timeout, "timeout"),
    (4409..=4409, Kind::Protocol, "subscriber already exists"),
    (4429..=4429, Kind::RateLimited, "too many requests"),
    (4500..=4500, Kind::Failed, "internal server error"),
    (4503..=4503, Kind::Unavailable, "service unavailable"),
    (0..=u16::MAX, Kind::Unavailable, "a code of its own"),
];

/// Codes that a service has of its own, and what they mean.
#[derive(Debug, Clone, Default)]
pub(crate) struct CloseCodes(BTreeMap<u16, Kind>);

impl CloseCodes {
    /// The rows of a configuration.
    ///
    /// # Errors
    ///
    /// `invalid_config`, naming the row.
    pub(crate) fn open(rows: &BTreeMap<String, String>) -> Result<Self> {
        let row = |(code, kind): (&String, &String)| {
            let bad = |what: &str| Error::invalid(format!("close_codes.{code}: {what}"));
            let code = code.parse().ok().filter(|code| (1000..5000).contains(code));
            let known = |kind: &Kind| kind.is_of_a_service() || *kind == Kind::Unsupported;
            let kind = Kind::from_code(kind).filter(known);
            Ok((
                code.ok_or_else(|| bad("is no close code from 1000 to 4999"))?,
                kind.ok_or_else(|| {
                    bad("is not a kind of error that a service has, such as rate_limited; see /docs/problems")
                })?,
            ))
        };
        rows.iter().map(row).collect::<Result<_>>().map(Self)
    }

    /// The error of whatever waited on a connection that the service closed.
    pub(crate) fn closed(&self, code: Option<u16>, reason: &str) -> Error {
        let code = code.unwrap_or(1005);
        let (_, kind, name) =
            CODES.iter().find(|(range, ..)| range.contains(&code)).expect("the last row takes every code");
        let kind = self.0.get(&code).unwrap_or(kind);
        let reason: String = reason.chars().filter(|c| !c.is_control()).collect();
        let said = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        Error::new(*kind, format!("the service closed the connection with {code} ({name}){said}"))
            .outcome_is(Outcome::Unknown)
            .with("close_code", code.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_close_code_has_the_kind_of_its_row_and_the_configuration_has_the_last_word() {
        let rows =
            [("4001".to_owned(), "contended".to_owned()), ("1011".to_owned(), "unavailable".to_owned())];
        let codes = CloseCodes::open(&rows.into()).unwrap();
        for (code, kind) in [
            (Some(1000), Kind::Unavailable),
            (None, Kind::Unavailable),
            (Some(1008), Kind::Forbidden),
            (Some(1011), Kind::Unavailable),
            (Some(1013), Kind::RateLimited),
            (Some(4001), Kind::Contended),
            (Some(4002), Kind::Unavailable),
            (Some(4401), Kind::Unauthenticated),
            (Some(4429), Kind::RateLimited),
        ] {
            let error = codes.closed(code, "why\n");
            assert_eq!((error.kind(), error.outcome()), (kind, Outcome::Unknown), "{code:?}");
            assert!(error.message().ends_with(": why"), "{error}");
        }
        for (code, kind) in [
            ("999", "failed"),
            ("5000", "failed"),
            ("x", "failed"),
            ("4000", "bad"),
            ("4000", "circuit_open"),
        ] {
            let error = CloseCodes::open(&[(code.to_owned(), kind.to_owned())].into()).unwrap_err();
            assert!(error.message().starts_with(&format!("close_codes.{code}: ")), "{error}");
        }
    }
}
