//! The time of day.

/// The present, in milliseconds of Unix time.
pub(crate) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
