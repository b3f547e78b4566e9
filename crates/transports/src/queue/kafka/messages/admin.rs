//! Making topics.

use trunkline_core::Result;

use super::{Api, Reader, Request, Writer, api};

/// Makes one topic.
#[derive(Debug)]
pub(crate) struct CreateTopic<'a> {
    pub(crate) name: &'a str,
    /// -1 for as many as the broker is set up to (brokers since 2.4, KIP-464).
    pub(crate) partitions: i32,
    pub(crate) replicas: i16,
    pub(crate) settings: &'a [(String, String)],
    /// How long the broker may take, in milliseconds.
    pub(crate) timeout: i32,
}

/// Whether it was made.
#[derive(Debug, Default)]
pub(crate) struct Created {
    pub(crate) error: i16,
    pub(crate) reason: Option<String>,
}

impl Request for CreateTopic<'_> {
    const API: Api = api(19, "CreateTopics", 2, 4);
    type Reply = Created;

    fn write(&self, to: &mut Writer, _: i16) {
        to.array(&[()], |to, ()| {
            to.string(self.name);
            to.i32(self.partitions);
            to.i16(self.replicas);
            to.i32(0);
            to.array(self.settings, |to, (name, value)| {
                to.string(name);
                to.nullable_string(Some(value));
            });
        });
        to.i32(self.timeout);
        // Not just to try.
        to.bool(false);
    }

    fn read(from: &mut Reader, _: i16) -> Result<Created> {
        let _throttle = from.i32()?;
        let mut topics = from.array(|from| {
            let _name = from.string()?;
            Ok(Created { error: from.i16()?, reason: from.nullable_string()? })
        })?;
        Ok(topics.pop().unwrap_or_default())
    }
}
