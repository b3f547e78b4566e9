//! What the error codes of Kafka mean for a caller: one table (Kafka protocol guide, "Error Codes").

use trunkline_core::{
    Error, Kind,
    Outcome::{self, Rejected, Unknown},
};

/// What helps against an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Help {
    /// Nothing.
    None,
    /// Time.
    Time,
    /// To find out anew who is in charge.
    Look,
}

/// What follows from a code.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Row {
    code: i16,
    name: &'static str,
    pub(super) kind: Kind,
    /// Whether what was asked for can have been done all the same.
    pub(super) outcome: Outcome,
    pub(super) help: Help,
    advice: &'static str,
}

const fn row(
    code: i16,
    name: &'static str,
    kind: Kind,
    outcome: Outcome,
    help: Help,
    advice: &'static str,
) -> Row {
    Row { code, name, kind, outcome, help, advice }
}

pub(super) const OFFSET_OUT_OF_RANGE: i16 = 1;
#[cfg(test)]
pub(super) const NOT_LEADER_OR_FOLLOWER: i16 = 6;
pub(super) const MESSAGE_TOO_LARGE: i16 = 10;
#[cfg(test)]
pub(super) const COORDINATOR_NOT_AVAILABLE: i16 = 15;
pub(super) const ILLEGAL_GENERATION: i16 = 22;
pub(super) const UNKNOWN_MEMBER_ID: i16 = 25;
pub(super) const REBALANCE_IN_PROGRESS: i16 = 27;
pub(super) const TOPIC_ALREADY_EXISTS: i16 = 36;
pub(super) const INVALID_REQUEST: i16 = 42;
pub(super) const OUT_OF_ORDER_SEQUENCE_NUMBER: i16 = 45;
pub(super) const DUPLICATE_SEQUENCE_NUMBER: i16 = 46;
pub(super) const INVALID_PRODUCER_EPOCH: i16 = 47;
pub(super) const UNKNOWN_PRODUCER_ID: i16 = 59;
pub(super) const MEMBER_ID_REQUIRED: i16 = 79;

const TABLE: &[Row] = &[
    row(-1, "UNKNOWN_SERVER_ERROR", Kind::Failed, Unknown, Help::None, "look into the broker's log"),
    row(
        1,
        "OFFSET_OUT_OF_RANGE",
        Kind::Rejected,
        Rejected,
        Help::None,
        "the records there were deleted, or are yet to be written; begin elsewhere",
    ),
    row(2, "CORRUPT_MESSAGE", Kind::Failed, Rejected, Help::Time, ""),
    row(
        3,
        "UNKNOWN_TOPIC_OR_PARTITION",
        Kind::Rejected,
        Rejected,
        Help::Look,
        "create the topic, or correct its name",
    ),
    row(4, "INVALID_FETCH_SIZE", Kind::Rejected, Rejected, Help::None, ""),
    row(
        5,
        "LEADER_NOT_AVAILABLE",
        Kind::Unavailable,
        Rejected,
        Help::Look,
        "the partition has no leader at the moment; see that its brokers are up",
    ),
    row(
        6,
        "NOT_LEADER_OR_FOLLOWER",
        Kind::Unavailable,
        Rejected,
        Help::Look,
        "the partition has another leader",
    ),
    row(7, "REQUEST_TIMED_OUT", Kind::Timeout, Unknown, Help::Time, ""),
    row(8, "BROKER_NOT_AVAILABLE", Kind::Unavailable, Rejected, Help::Look, ""),
    row(9, "REPLICA_NOT_AVAILABLE", Kind::Unavailable, Rejected, Help::Look, ""),
    row(
        10,
        "MESSAGE_TOO_LARGE",
        Kind::Rejected,
        Rejected,
        Help::None,
        "send smaller messages, or raise max.message.bytes of the topic",
    ),
    row(13, "NETWORK_EXCEPTION", Kind::Unavailable, Unknown, Help::Look, ""),
    row(14, "COORDINATOR_LOAD_IN_PROGRESS", Kind::Unavailable, Rejected, Help::Time, ""),
    row(15, "COORDINATOR_NOT_AVAILABLE", Kind::Unavailable, Rejected, Help::Look, ""),
    row(16, "NOT_COORDINATOR", Kind::Unavailable, Rejected, Help::Look, ""),
    row(
        17,
        "INVALID_TOPIC_EXCEPTION",
        Kind::Rejected,
        Rejected,
        Help::None,
        "correct the name: topics have letters, digits, dots, underscores and hyphens",
    ),
    row(
        18,
        "RECORD_LIST_TOO_LARGE",
        Kind::Rejected,
        Rejected,
        Help::None,
        "send smaller messages, or raise segment.bytes of the topic",
    ),
    row(
        19,
        "NOT_ENOUGH_REPLICAS",
        Kind::Unavailable,
        Rejected,
        Help::Time,
        "fewer replicas are in sync than min.insync.replicas wants; see that all brokers are up",
    ),
    row(
        20,
        "NOT_ENOUGH_REPLICAS_AFTER_APPEND",
        Kind::Unavailable,
        Unknown,
        Help::Time,
        "fewer replicas are in sync than min.insync.replicas wants; see that all brokers are up",
    ),
    row(21, "INVALID_REQUIRED_ACKS", Kind::Rejected, Rejected, Help::None, ""),
    row(
        22,
        "ILLEGAL_GENERATION",
        Kind::Rejected,
        Rejected,
        Help::None,
        "the group has shared its partitions out anew since; pull again",
    ),
    row(
        23,
        "INCONSISTENT_GROUP_PROTOCOL",
        Kind::Rejected,
        Rejected,
        Help::None,
        "members of the group share partitions out in other ways; let them have range or roundrobin too",
    ),
    row(24, "INVALID_GROUP_ID", Kind::Rejected, Rejected, Help::None, "name another group"),
    row(
        25,
        "UNKNOWN_MEMBER_ID",
        Kind::Rejected,
        Rejected,
        Help::None,
        "the member was silent for longer than its session timeout; pull again, or raise session_timeout",
    ),
    row(
        26,
        "INVALID_SESSION_TIMEOUT",
        Kind::Rejected,
        Rejected,
        Help::None,
        "set session_timeout within the bounds of the broker, group.min.session.timeout.ms and group.max.session.timeout.ms",
    ),
    row(
        27,
        "REBALANCE_IN_PROGRESS",
        Kind::Contended,
        Rejected,
        Help::Time,
        "the group is sharing its partitions out anew; pull again",
    ),
    row(28, "INVALID_COMMIT_OFFSET_SIZE", Kind::Rejected, Rejected, Help::None, ""),
    row(
        29,
        "TOPIC_AUTHORIZATION_FAILED",
        Kind::Forbidden,
        Rejected,
        Help::None,
        "let the user have the topic",
    ),
    row(
        30,
        "GROUP_AUTHORIZATION_FAILED",
        Kind::Forbidden,
        Rejected,
        Help::None,
        "let the user have the group",
    ),
    row(
        31,
        "CLUSTER_AUTHORIZATION_FAILED",
        Kind::Forbidden,
        Rejected,
        Help::None,
        "let the user do this with the cluster; to write, IdempotentWrite",
    ),
    row(
        32,
        "INVALID_TIMESTAMP",
        Kind::Rejected,
        Rejected,
        Help::None,
        "the topic takes no record of that time; see message.timestamp.before.max.ms",
    ),
    row(
        33,
        "UNSUPPORTED_SASL_MECHANISM",
        Kind::Unsupported,
        Rejected,
        Help::None,
        "name one that the broker has",
    ),
    row(
        34,
        "ILLEGAL_SASL_STATE",
        Kind::Unauthenticated,
        Rejected,
        Help::None,
        "the broker wants a login, or none; correct base_url or auth_config",
    ),
    row(
        35,
        "UNSUPPORTED_VERSION",
        Kind::Unsupported,
        Rejected,
        Help::None,
        "the broker has no such version of the API; bring it up to date",
    ),
    row(36, "TOPIC_ALREADY_EXISTS", Kind::Rejected, Rejected, Help::None, ""),
    row(37, "INVALID_PARTITIONS", Kind::Rejected, Rejected, Help::None, ""),
    row(
        38,
        "INVALID_REPLICATION_FACTOR",
        Kind::Rejected,
        Rejected,
        Help::None,
        "there are fewer brokers than replicas are wanted; declare fewer",
    ),
    row(39, "INVALID_REPLICA_ASSIGNMENT", Kind::Rejected, Rejected, Help::None, ""),
    row(40, "INVALID_CONFIG", Kind::Rejected, Rejected, Help::None, ""),
    row(41, "NOT_CONTROLLER", Kind::Unavailable, Rejected, Help::Look, ""),
    row(42, "INVALID_REQUEST", Kind::Rejected, Rejected, Help::None, ""),
    row(
        43,
        "UNSUPPORTED_FOR_MESSAGE_FORMAT",
        Kind::Unsupported,
        Rejected,
        Help::None,
        "the topic keeps records in a format from before Kafka 0.11; raise its message.format.version",
    ),
    row(44, "POLICY_VIOLATION", Kind::Rejected, Rejected, Help::None, ""),
    row(
        45,
        "OUT_OF_ORDER_SEQUENCE_NUMBER",
        Kind::Failed,
        Rejected,
        Help::None,
        "the broker misses records that were written before; see its log",
    ),
    row(46, "DUPLICATE_SEQUENCE_NUMBER", Kind::Rejected, Outcome::Applied, Help::None, ""),
    row(47, "INVALID_PRODUCER_EPOCH", Kind::Failed, Rejected, Help::None, ""),
    row(53, "TRANSACTIONAL_ID_AUTHORIZATION_FAILED", Kind::Forbidden, Rejected, Help::None, ""),
    row(54, "SECURITY_DISABLED", Kind::Rejected, Rejected, Help::None, ""),
    row(
        56,
        "KAFKA_STORAGE_ERROR",
        Kind::Unavailable,
        Rejected,
        Help::Look,
        "a disk of the broker fails; see its log",
    ),
    row(58, "SASL_AUTHENTICATION_FAILED", Kind::Unauthenticated, Rejected, Help::None, ""),
    row(
        59,
        "UNKNOWN_PRODUCER_ID",
        Kind::Failed,
        Rejected,
        Help::None,
        "the broker has forgotten the producer; send it again",
    ),
    row(60, "REASSIGNMENT_IN_PROGRESS", Kind::Contended, Rejected, Help::Time, ""),
    row(68, "NON_EMPTY_GROUP", Kind::Rejected, Rejected, Help::None, ""),
    row(69, "GROUP_ID_NOT_FOUND", Kind::Rejected, Rejected, Help::None, ""),
    row(
        72,
        "LISTENER_NOT_FOUND",
        Kind::Unavailable,
        Rejected,
        Help::Look,
        "the leader has no listener of the kind that is spoken to; see its listeners",
    ),
    row(73, "TOPIC_DELETION_DISABLED", Kind::Rejected, Rejected, Help::None, ""),
    row(74, "FENCED_LEADER_EPOCH", Kind::Unavailable, Rejected, Help::Look, ""),
    row(75, "UNKNOWN_LEADER_EPOCH", Kind::Unavailable, Rejected, Help::Look, ""),
    row(
        76,
        "UNSUPPORTED_COMPRESSION_TYPE",
        Kind::Unsupported,
        Rejected,
        Help::None,
        "choose another compression",
    ),
    row(77, "STALE_BROKER_EPOCH", Kind::Unavailable, Rejected, Help::Look, ""),
    row(78, "OFFSET_NOT_AVAILABLE", Kind::Unavailable, Rejected, Help::Time, ""),
    row(79, "MEMBER_ID_REQUIRED", Kind::Rejected, Rejected, Help::None, ""),
    row(80, "PREFERRED_LEADER_NOT_AVAILABLE", Kind::Unavailable, Rejected, Help::Look, ""),
    row(
        81,
        "GROUP_MAX_SIZE_REACHED",
        Kind::Rejected,
        Rejected,
        Help::None,
        "the broker lets a group have no more members; raise group.max.size, or read with fewer",
    ),
    row(
        82,
        "FENCED_INSTANCE_ID",
        Kind::Rejected,
        Rejected,
        Help::None,
        "another member has the same instance id; end one of them",
    ),
    row(
        87,
        "INVALID_RECORD",
        Kind::Rejected,
        Rejected,
        Help::None,
        "give a key, which a compacted topic wants with each record",
    ),
    row(88, "UNSTABLE_OFFSET_COMMIT", Kind::Unavailable, Rejected, Help::Time, ""),
    row(89, "THROTTLING_QUOTA_EXCEEDED", Kind::RateLimited, Rejected, Help::Time, ""),
    row(90, "PRODUCER_FENCED", Kind::Failed, Rejected, Help::None, ""),
];

/// What a leader says of records before it writes any of them. All else, it may say of records that it has written: while it waits
/// for its replicas it may stop leading (3, 6), its disk may fail (56), or time run out (`DelayedProduce` in Apache Kafka).
const BEFORE_APPEND: &[i16] =
    &[2, 10, 17, 18, 19, 21, 29, 31, 32, 33, 34, 35, 42, 43, 44, 45, 47, 53, 58, 59, 76, 87, 90];

/// Whether a code says of records that they were not written.
pub(super) fn is_before_append(code: i16) -> bool {
    BEFORE_APPEND.contains(&code)
}

/// A code that the table does not have: of an API that is not used here, or from the future.
const OTHER: Row = row(0, "", Kind::Failed, Unknown, Help::None, "");

/// What a code means; 0 is none.
pub(super) fn judge(code: i16) -> Row {
    let found = TABLE.binary_search_by_key(&code, |row| row.code);
    found.map_or(Row { code, ..OTHER }, |at| TABLE[at])
}

/// The error of a code. `what` was asked for, such as `the broker takes no records for topic a`; `reason` is what the
/// broker says of it in its own words.
pub(super) fn refused(code: i16, what: &str, reason: Option<&str>) -> Error {
    let row = judge(code);
    let said = reason.map(str::trim).filter(|reason| !reason.is_empty());
    let words: String = said.unwrap_or(row.advice).chars().filter(|c| !c.is_control()).take(600).collect();
    let colon = if words.is_empty() { "" } else { ": " };
    Error::new(row.kind, format!("{what}{colon}{words}"))
        .outcome_is(row.outcome)
        .with("code", if row.name.is_empty() { code.to_string() } else { format!("{code} ({})", row.name) })
}

/// Nothing, where the code is 0; or else as [`refused`].
pub(super) fn accepted(code: i16, what: &str, reason: Option<&str>) -> Result<(), Error> {
    if code == 0 { Ok(()) } else { Err(refused(code, what, reason)) }
}

#[cfg(test)]
mod tests {
    use kafka_protocol::ResponseError;

    use super::*;

    #[test]
    fn codes_stand_in_order_and_have_the_names_of_the_protocol() {
        assert!(TABLE.is_sorted_by(|a, b| a.code < b.code));
        let plain = |name: &str| name.replace('_', "").to_uppercase().replace("EXCEPTION", "");
        for row in TABLE {
            let known = ResponseError::try_from_code(row.code).unwrap();
            assert_eq!(plain(row.name), plain(&format!("{known:?}")), "{}", row.code);
        }
    }

    #[test]
    fn what_is_known_to_pass_is_no_fault_of_the_caller() {
        for row in TABLE.iter().filter(|row| row.help != Help::None) {
            assert!(row.kind != Kind::Rejected || row.name == "UNKNOWN_TOPIC_OR_PARTITION", "{}", row.name);
        }
    }

    #[test]
    fn records_of_which_a_leader_says_that_it_leads_no_more_may_be_written() {
        for row in TABLE.iter().filter(|row| is_before_append(row.code)) {
            assert_eq!(row.outcome, Rejected, "{}", row.name);
            assert_ne!(row.help, Help::Look, "{}", row.name);
        }
        assert!([3, 6, 7, 20, 56, -1, 4711].into_iter().all(|code| !is_before_append(code)));
    }

    #[test]
    fn an_error_quotes_the_broker_or_else_gives_advice() {
        let error = refused(29, "the broker takes no records for topic a", None);
        assert_eq!(error.kind(), Kind::Forbidden);
        assert_eq!(
            error.to_string(),
            "forbidden: the broker takes no records for topic a: let the user have the topic, code=29 (TOPIC_AUTHORIZATION_FAILED)"
        );
        let error = refused(4711, "x", Some("because\n"));
        assert_eq!((error.kind(), error.outcome()), (Kind::Failed, Unknown));
        assert_eq!(error.to_string(), "failed: x: because, code=4711");
    }
}
