//! Secrets that nobody can guess, and what they are known by.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};
use trunkline::{Error, Kind, Result};

/// What a secret is known by. Who reads the memory of the process, or what is stored, does not find the secret in it.
///
/// A password would need a slow hash, since it can be guessed; 256 random bits cannot.
pub(crate) type Digest = [u8; 32];

/// The digest of a secret.
pub(crate) fn digest(secret: impl AsRef<[u8]>) -> Digest {
    Sha256::digest(secret).into()
}

/// A secret of 256 random bits that needs no escape in a URL, a header or a cookie.
pub(crate) fn secret() -> Result<String> {
    Ok(URL_SAFE_NO_PAD.encode(bytes::<32>()?))
}

/// Random bytes of the operating system.
pub(crate) fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| {
        Error::new(Kind::Internal, "the operating system gives no randomness").source(error)
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_secrets_are_the_same_and_each_has_256_bits() {
        let (one, two) = (secret().unwrap(), secret().unwrap());
        assert_ne!(one, two);
        assert_eq!(URL_SAFE_NO_PAD.decode(one).unwrap().len(), 32);
    }
}
