//! Numbers that are used once.

use uuid::Builder;

/// A random UUID (RFC 9562 section 5.4).
pub(crate) fn uuid() -> String {
    Builder::from_random_bytes(random()).into_uuid().to_string()
}

/// As many digits, of 4 bits each, as a UUID has.
pub(crate) fn hex() -> String {
    Builder::from_random_bytes(random()).into_uuid().simple().to_string()
}

fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("AWS-LC seeds itself, or ends the process");
    bytes
}
