//! Multipart bodies: `multipart/form-data` (RFC 7578).

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde::Deserialize;
use trunkline_core::{Error, RequestId, Result};

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

/// The body and its media type with the boundary.
pub(super) fn encode(parts: &[Part]) -> Result<(Bytes, Cow<'static, str>)> {
    // Unguessable for whoever wrote the contents, so it cannot occur in them by intent.
    let boundary = format!("trunkline-{}", RequestId::new());
    let mut out = Vec::new();
    for part in parts {
        let name = &part.name;
        let content = match (&part.value, &part.base64) {
            (Some(text), None) => Cow::Borrowed(text.as_bytes()),
            (None, Some(text)) => Cow::Owned(
                STANDARD
                    .decode(text)
                    .map_err(|_| Error::invalid(format!("multipart {name:?}: base64 is not base64")))?,
            ),
            _ => return Err(Error::invalid(format!("multipart {name:?}: give value or base64"))),
        };
        out.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quote(name)).as_bytes(),
        );
        if let Some(filename) = &part.filename {
            out.extend_from_slice(format!("; filename=\"{}\"", quote(filename)).as_bytes());
        }
        let media =
            part.content_type.as_deref().or(part.filename.as_ref().map(|_| "application/octet-stream"));
        if let Some(media) = media {
            if media.bytes().any(|c| c.is_ascii_control()) {
                return Err(Error::invalid(format!(
                    "multipart {name:?}: content_type has a control character"
                )));
            }
            out.extend_from_slice(format!("\r\nContent-Type: {media}").as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((out.into(), format!("multipart/form-data; boundary={boundary}").into()))
}

/// Quotes a name the way browsers do (HTML standard, multipart form data): a line break in a name would
/// begin a header of the caller's making.
fn quote(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_fields_and_files() {
        let parts: Vec<Part> = serde_json::from_str(
            r#"[{"name": "a\"\r\nX: y", "value": "1"}, {"name": "f", "filename": "x.bin", "base64": "AAE="}]"#,
        )
        .unwrap();
        let (body, media) = encode(&parts).unwrap();
        let boundary = media.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22%0D%0AX: y\"\r\n\r\n1\r\n--{boundary}\r\nContent-Disposition: \
             form-data; name=\"f\"; filename=\"x.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n\0\u{1}\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, expected);
        assert!(encode(&serde_json::from_str::<Vec<Part>>(r#"[{"name": "a"}]"#).unwrap()).is_err());
    }
}
