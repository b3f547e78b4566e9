//! `Mode`: when a connection to a database is encrypted, and what the server has to prove.

use trunkline_core::{Error, Result};

/// When TLS is spoken, and what the server has to prove (documentation of PostgreSQL, 34.19.1 "Client Verification of
/// Server Certificates"; MySQL manual, 6.3.1 `--ssl-mode`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd)]
pub(crate) enum Mode {
    /// Never.
    Disable,
    /// If the server does. It proves nothing.
    Prefer,
    /// Always. It proves nothing, unless an authority is given.
    Require,
    /// Always, with a certificate of an authority that is known.
    VerifyCa,
    /// Always, with such a certificate for the name that was dialled.
    VerifyFull,
}

impl Mode {
    /// Reads the value of the parameter `name` of a connection string, in the words of libpq or those of MySQL.
    pub(crate) fn parse(name: &str, text: &str) -> Result<Self> {
        Ok(match &*text.to_ascii_lowercase().replace('_', "-") {
            "disable" | "disabled" => Self::Disable,
            // libpq tries clear text first, which gives away more for nothing.
            "allow" | "prefer" | "preferred" => Self::Prefer,
            "require" | "required" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" | "verify-identity" => Self::VerifyFull,
            _ => {
                return Err(Error::invalid(format!(
                    "base_url: {name}: must be disable, prefer, require, verify-ca or verify-full"
                )));
            }
        })
    }
}
