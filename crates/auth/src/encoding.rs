//! `Encoding`: how a key that is bytes is written as text.

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use schemars::JsonSchema;
use serde::Deserialize;
use trunkline_core::{Error, Result, Secret};
use zeroize::Zeroizing;

/// Vendors write base64 with and without its padding.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a key is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Encoding {
    /// As it is: its bytes are those of the text in UTF-8.
    #[default]
    Utf8,
    /// In base64, in the alphabet for URLs too, with padding or without. The `whsec_` that Standard Webhooks puts before
    /// it is no part of the key.
    Base64,
    /// In hexadecimal digits.
    Hex,
}

impl Encoding {
    /// The bytes of a key that is written so.
    ///
    /// # Errors
    ///
    /// `invalid_config` where it is not, or empty.
    pub(crate) fn key(self, key: &Secret) -> Result<Zeroizing<Vec<u8>>> {
        let text = key.expose()?;
        let bytes = match self {
            Self::Utf8 => Some(text.as_bytes().to_vec()),
            Self::Base64 => {
                let text = text.trim();
                base64(text.strip_prefix("whsec_").unwrap_or(text))
            }
            Self::Hex => unhex(text.trim()),
        };
        match bytes.map(Zeroizing::new) {
            Some(bytes) if bytes.is_empty() => Err(Error::invalid("must not be empty")),
            Some(bytes) => Ok(bytes),
            None => Err(Error::invalid(match self {
                Self::Base64 => "is not base64; is it written as it is?",
                _ => "is not hexadecimal; is it written as it is, or in base64?",
            })),
        }
    }
}

/// The bytes of base64, in the alphabet for URLs too, with padding or without.
pub(crate) fn base64(text: &str) -> Option<Vec<u8>> {
    let usual = Zeroizing::new(text.replace('-', "+").replace('_', "/"));
    LENIENT.decode(usual.as_bytes()).ok()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u8>> = text.chars().map(|c| Some(c.to_digit(16)? as u8)).collect();
    let (pairs, rest) = digits.as_deref()?.as_chunks::<2>();
    rest.is_empty().then(|| pairs.iter().map(|[high, low]| high << 4 | low).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_read_as_it_is_written() {
        let key = |encoding: Encoding, text: &str| encoding.key(&Secret::new(text)).map(|key| key.to_vec());
        assert_eq!(key(Encoding::Utf8, "a-b ").unwrap(), b"a-b ");
        for text in ["+/8=", "-_8=", "-_8", "+/8", " +/8=\n", "whsec_+/8="] {
            assert_eq!(key(Encoding::Base64, text).unwrap(), [0xfb, 0xff], "{text}");
        }
        assert_eq!(key(Encoding::Hex, "00fFa1").unwrap(), [0, 0xff, 0xa1]);
        for (encoding, text) in [
            (Encoding::Utf8, ""),
            (Encoding::Base64, ""),
            (Encoding::Base64, "hunter2!"),
            (Encoding::Hex, "abc"),
            (Encoding::Hex, "hunter2"),
            (Encoding::Hex, "äö"),
        ] {
            let error = key(encoding, text).unwrap_err();
            assert!(!error.message().contains("hunter2"), "{error}");
        }
    }
}
