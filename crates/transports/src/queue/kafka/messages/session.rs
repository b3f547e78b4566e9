//! What opens a connection: which versions the broker has (KIP-35), and who logs in (KIP-152).

use bytes::Bytes;
use trunkline_core::Result;

use super::{Api, Reader, Request, Writer, api};

/// Asks which APIs the broker has.
#[derive(Debug)]
pub(crate) struct ApiVersions;

/// The APIs of a broker: key, oldest and newest version.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub(crate) error: i16,
    pub(crate) apis: Vec<(i16, i16, i16)>,
}

impl Request for ApiVersions {
    // The one version that a broker answers whatever it knows: later ones it may refuse.
    const API: Api = api(18, "ApiVersions", 0, 0);
    type Reply = Versions;

    fn write(&self, _: &mut Writer, _: i16) {}

    fn read(from: &mut Reader, _: i16) -> Result<Versions> {
        Ok(Versions {
            error: from.i16()?,
            apis: from.array(|from| Ok((from.i16()?, from.i16()?, from.i16()?)))?,
        })
    }
}

/// Names the way to log in.
#[derive(Debug)]
pub(crate) struct SaslHandshake {
    pub(crate) mechanism: &'static str,
}

/// Whether it is taken, and which ways there are.
#[derive(Debug)]
pub(crate) struct Mechanisms {
    pub(crate) error: i16,
    pub(crate) offered: Vec<String>,
}

impl Request for SaslHandshake {
    // Version 0 would have the login outside of requests.
    const API: Api = api(17, "SaslHandshake", 1, 1);
    type Reply = Mechanisms;

    fn write(&self, to: &mut Writer, _: i16) {
        to.string(self.mechanism);
    }

    fn read(from: &mut Reader, _: i16) -> Result<Mechanisms> {
        Ok(Mechanisms { error: from.i16()?, offered: from.array(Reader::string)? })
    }
}

/// One message of a login.
#[derive(Debug)]
pub(crate) struct SaslAuthenticate<'a> {
    pub(crate) message: &'a [u8],
}

/// The broker's answer to it.
#[derive(Debug)]
pub(crate) struct Authenticated {
    pub(crate) error: i16,
    pub(crate) reason: Option<String>,
    pub(crate) message: Bytes,
    /// For how long the login is good, in milliseconds; 0 for good (KIP-368).
    pub(crate) lifetime: i64,
}

impl Request for SaslAuthenticate<'_> {
    const API: Api = api(36, "SaslAuthenticate", 0, 1);
    type Reply = Authenticated;

    fn write(&self, to: &mut Writer, _: i16) {
        to.bytes(self.message);
    }

    fn read(from: &mut Reader, version: i16) -> Result<Authenticated> {
        Ok(Authenticated {
            error: from.i16()?,
            reason: from.nullable_string()?,
            message: from.bytes()?,
            lifetime: if version >= 1 { from.i64()? } else { 0 },
        })
    }
}
