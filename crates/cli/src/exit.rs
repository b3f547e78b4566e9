//! `Exit`: how a command failed, as a code for scripts and words for people.

use trunkline::{Error, Kind, Trouble};

/// A failure and its exit code.
#[derive(Debug)]
pub(crate) struct Exit {
    pub(crate) code: u8,
    pub(crate) message: String,
}

impl Exit {
    /// The call, the service or the server failed.
    pub(crate) fn failed(message: impl Into<String>) -> Self {
        Self { code: 1, message: message.into() }
    }

    /// The input is not valid.
    pub(crate) fn input(message: impl Into<String>) -> Self {
        Self { code: 2, message: message.into() }
    }

    /// No server answers.
    pub(crate) fn no_server(message: impl Into<String>) -> Self {
        Self { code: 3, message: message.into() }
    }
}

impl From<Error> for Exit {
    fn from(error: Error) -> Self {
        let code = match (Trouble::of(&error), error.kind()) {
            // EX_DATAERR of sysexits.h
            (Some(Trouble::Corrupt), _) => 65,
            (_, Kind::InvalidConfig | Kind::Unsupported | Kind::Conflict) => 2,
            _ => 1,
        };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self { code, message: format!("{}{}", error.message(), cause.unwrap_or_default()) }
    }
}
