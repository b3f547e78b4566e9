//! `RequestId`: a UUIDv7 for every call, made without a system call.

use std::{
    fmt,
    sync::{
        OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

/// Identifies one logical call in activity, logs and answers (UUIDv7, RFC 9562 section 5.7).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct RequestId(u128);

impl RequestId {
    /// A new id. Ids of one process are distinct; ids of two processes differ by a random seed.
    pub fn new() -> Self {
        static SEED: OnceLock<u64> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let seed = *SEED.get_or_init(|| {
            let mut bytes = [0; 8];
            // Without entropy, ids of two processes may collide: they name log lines, they guard nothing.
            let _ = getrandom::fill(&mut bytes);
            u64::from_ne_bytes(bytes)
        });
        let millis = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        // SplitMix64 of seed and count: a bijection of the count, so no two are the same.
        let mut mixed =
            seed.wrapping_add(COUNT.fetch_add(1, Ordering::Relaxed).wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let random_a = u128::from(mixed >> 62);
        let random_b = u128::from(mixed & ((1 << 62) - 1));
        Self(((millis & ((1 << 48) - 1)) << 80) | (0x7 << 76) | (random_a << 64) | (0b10 << 62) | random_b)
    }

    /// The id as a number, the form in which activity keeps it.
    pub fn as_u128(self) -> u128 {
        self.0
    }

    /// The call's own id in a trace: the latter half, which its variant bits keep from being zero. Whoever looks
    /// at a trace finds the call in activity.
    pub fn span_id(self) -> u64 {
        self.0 as u64
    }

    /// When the id was made, in milliseconds since 1970 (UTC): its first 48 bits.
    pub fn at_ms(self) -> u64 {
        (self.0 >> 80) as u64
    }

    /// An id from its number.
    pub fn from_u128(id: u128) -> Self {
        Self(id)
    }

    /// Writes the 36 characters of the usual form into `buffer`.
    pub fn encode(self, buffer: &mut [u8; 36]) -> &str {
        uuid::Uuid::from_u128(self.0).hyphenated().encode_lower(buffer)
    }
}

impl Default for RequestId {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.encode(&mut [0; 36]))
    }
}

impl fmt::Debug for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_are_distinct_version_7_uuids() {
        let ids: HashSet<_> = (0..10_000).map(|_| RequestId::new()).collect();
        assert_eq!(ids.len(), 10_000);
        for id in ids {
            let uuid = uuid::Uuid::parse_str(&id.to_string()).unwrap();
            assert_eq!((uuid.get_version_num(), uuid.get_variant()), (7, uuid::Variant::RFC4122));
        }
    }
}
