//! The key by which a service recognises a message that comes again: of where it comes from, the entry that passes it on, and its
//! id. So it is the same on every attempt and after a restart, and no other message or entry has it. And its print, which tells it
//! from another message whose producer has used the id before.

use http::HeaderValue;
use serde::Serialize;

/// What tells messages apart that are known by the same key.
pub(crate) type Print = u128;

/// The key of what these parts name, in the form of a UUID of version 8.
pub(crate) fn key(parts: &impl Serialize) -> HeaderValue {
    let hash = hash(parts);
    let uuid =
        format!("{}-{}-8{}-8{}-{}", &hash[..8], &hash[8..12], &hash[12..15], &hash[15..18], &hash[18..30]);
    HeaderValue::try_from(uuid).expect("a UUID is hex and dashes")
}

/// The print of these parts.
pub(crate) fn print(parts: &impl Serialize) -> Print {
    u128::from_str_radix(&hash(parts)[..32], 16).expect("a hash is hex")
}

fn hash(parts: &impl Serialize) -> String {
    trunkline_auth::hash(&serde_json::to_vec(parts).expect("texts and numbers are JSON"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_same_for_the_same_parts_and_another_for_others() {
        let first = key(&("webhook", "shop", "st", "17", 0));
        assert_eq!(first, key(&("webhook", "shop", "st", "17", 0)));
        for other in [
            ("shop", "st", "17", 1),
            ("shop", "st", "18", 0),
            ("shop", "s", "t17", 0),
            ("shopst", "", "17", 0),
        ] {
            let (from, entry, id, times) = other;
            assert_ne!(first, key(&("webhook", from, entry, id, times)), "{other:?}");
        }
        let parts: Vec<_> = first.to_str().unwrap().split('-').map(str::len).collect();
        assert_eq!(parts, [8, 4, 4, 4, 12]);
    }
}
