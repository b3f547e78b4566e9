//! The parts of a multipart body as callers write them.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use trunkline_core::{Error, Result};

use crate::http::multipart;

/// One part. It has a `value` (text) or `base64` (bytes).
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Part {
    /// The name of the field.
    name: String,
    /// The name of a file, where the part is one.
    #[serde(default)]
    filename: Option<String>,
    /// Its media type.
    #[serde(default)]
    content_type: Option<String>,
    /// The content as text.
    #[serde(default)]
    value: Option<String>,
    /// The content as bytes.
    #[serde(default)]
    base64: Option<String>,
}

/// The body and its media type.
pub(super) fn encode(parts: &[Part]) -> Result<(Bytes, Cow<'static, str>)> {
    let parts = parts.iter().map(Part::read).collect::<Result<Vec<_>>>()?;
    multipart::encode(&parts).map(|(body, media)| (body, media.into()))
}

impl Part {
    fn read(&self) -> Result<multipart::Part<'_>> {
        let name = &self.name;
        let content = match (&self.value, &self.base64) {
            (Some(text), None) => Cow::Borrowed(text.as_bytes()),
            (None, Some(text)) => Cow::Owned(
                STANDARD
                    .decode(text)
                    .map_err(|_| Error::invalid(format!("multipart {name:?}: base64 is not base64")))?,
            ),
            _ => return Err(Error::invalid(format!("multipart {name:?}: give value or base64"))),
        };
        Ok(multipart::Part {
            name: name.into(),
            filename: self.filename.as_deref(),
            media: self.content_type.as_deref(),
            content,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_one_content() {
        for (json, right) in [
            (r#"[{"name": "a", "value": "1"}, {"name": "b", "base64": "AAE="}]"#, true),
            (r#"[{"name": "a"}]"#, false),
            (r#"[{"name": "a", "value": "1", "base64": "AAE="}]"#, false),
            (r#"[{"name": "a", "base64": "%"}]"#, false),
        ] {
            let parts: Vec<Part> = serde_json::from_str(json).unwrap();
            assert_eq!(encode(&parts).is_ok(), right, "{json}");
        }
    }
}
