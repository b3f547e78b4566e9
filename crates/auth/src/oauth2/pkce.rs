//! Proof Key for Code Exchange (RFC 7636): that who asks for the tokens is who sent the browser off.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest, Sha256};
use trunkline_core::{Error, Kind, Result};

/// A verifier of 256 random bits (section 4.1).
pub(super) fn verifier() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(Kind::Internal, "the operating system gives no randomness").source(error)
    })?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// Its challenge by the method `S256` (section 4.2).
pub(super) fn challenge(verifier: &str) -> String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_7636_appendix_b() {
        let verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        assert_eq!(challenge(verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn no_two_verifiers_are_the_same() {
        let (one, two) = (verifier().unwrap(), verifier().unwrap());
        assert_ne!(one, two);
        assert_eq!(one.len(), 43);
    }
}
