//! `Output`: how a signature is written.

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD},
};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a signature is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Output {
    /// In hexadecimal digits, small ones.
    #[default]
    Hex,
    /// In hexadecimal digits, capital ones.
    HexUpper,
    /// In base64.
    Base64,
    /// In base64 with the alphabet for URLs.
    Base64url,
    /// As `base64url`, without padding.
    Base64urlNoPad,
}

impl Output {
    /// The bytes, written so.
    pub(crate) fn write(self, bytes: &[u8]) -> String {
        match self {
            Self::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Self::HexUpper => bytes.iter().map(|byte| format!("{byte:02X}")).collect(),
            Self::Base64 => STANDARD.encode(bytes),
            Self::Base64url => URL_SAFE.encode(bytes),
            Self::Base64urlNoPad => URL_SAFE_NO_PAD.encode(bytes),
        }
    }
}
