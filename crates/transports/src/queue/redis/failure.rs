//! What Redis says, as kinds: by the word that an error begins with.

use redis::{ErrorKind, RedisError};
use trunkline_core::{Error, Kind, Outcome};

/// What a replica says to whoever wants to change something.
pub(super) const READONLY: &str = "READONLY";

/// Words that errors begin with, what they are, and what to do about them.
const WORDS: &[(&str, Kind, &str)] = &[
    ("NOAUTH", Kind::Unauthenticated, "Redis wants a password; give one in base_url or auth_config"),
    (
        "WRONGPASS",
        Kind::Unauthenticated,
        "Redis refused the user or the password; correct base_url or auth_config",
    ),
    ("NOPERM", Kind::Forbidden, "the login may not do this; see its ACL"),
    ("WRONGTYPE", Kind::Rejected, "the key of this name holds something else than a stream"),
    ("NOGROUP", Kind::Rejected, "there is no group of this name"),
    ("OOM", Kind::Contended, "Redis has no memory left (maxmemory); trim its streams"),
    (READONLY, Kind::Contended, "this Redis is a replica now, which takes no messages; name the primary"),
    (
        "MOVED",
        Kind::Unsupported,
        "the stream is on another node of a cluster, which is not followed there; name that node",
    ),
    ("ASK", Kind::Unsupported, "the stream is on its way to another node of a cluster"),
    ("CROSSSLOT", Kind::Unsupported, "the streams are on several nodes of a cluster"),
    ("LOADING", Kind::Contended, "Redis is starting"),
    ("BUSY", Kind::Contended, "Redis is busy with a script"),
    ("TRYAGAIN", Kind::Contended, "Redis moves the stream at the moment"),
    ("MASTERDOWN", Kind::Contended, "the replica has lost its primary"),
    ("CLUSTERDOWN", Kind::Contended, "the cluster is down"),
    ("NOREPLICAS", Kind::Contended, "Redis has too few replicas to take a write"),
    ("MISCONF", Kind::Contended, "Redis cannot write to its disk, and takes nothing; see its log"),
];

/// What an error means that came while Redis was busy with `what`.
pub(super) fn explain(error: &RedisError, what: &str) -> Error {
    // The words of a server stand at the beginning of what it says.
    let detail = error.detail().unwrap_or_default();
    let word = error.code().unwrap_or_default();
    if let Some((_, kind, message)) = WORDS.iter().find(|(known, ..)| *known == word) {
        return Error::new(*kind, *message).outcome_is(Outcome::Rejected).with("error_code", word);
    }
    // Its word is no other than that of most errors.
    if detail.starts_with("max number of clients reached") {
        let message = "Redis has as many clients as it takes (maxclients)";
        return Error::new(Kind::Contended, message).outcome_is(Outcome::Rejected).with("error_code", word);
    }
    match error.kind() {
        ErrorKind::AuthenticationFailed => Error::new(
            Kind::Unauthenticated,
            "Redis refused the user or the password; correct base_url or auth_config",
        )
        .outcome_is(Outcome::Rejected),
        ErrorKind::Server(_) | ErrorKind::Extension => {
            Error::new(Kind::Rejected, format!("Redis says no when {what} ({word} {detail})"))
                .outcome_is(Outcome::Rejected)
        }
        ErrorKind::Parse | ErrorKind::UnexpectedReturnType => Error::new(
            Kind::Protocol,
            format!("what answers when {what} is no Redis, or one that is not known"),
        )
        .outcome_is(Outcome::Unknown)
        .source(error.to_string()),
        _ => Error::new(Kind::Unavailable, format!("the connection to Redis was lost when {what}"))
            .outcome_is(Outcome::Unknown)
            .source(error.to_string()),
    }
}
