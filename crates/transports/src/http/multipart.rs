//! Multipart bodies: `multipart/form-data` (RFC 7578).

use std::borrow::Cow;

use bytes::Bytes;
use trunkline_core::{Error, RequestId, Result};

/// One part: a field, or a file where it has a `filename`.
#[derive(Debug)]
pub(crate) struct Part<'a> {
    /// The name of the field.
    pub(crate) name: Cow<'a, str>,
    /// The name of the file.
    pub(crate) filename: Option<&'a str>,
    /// Its media type; a file without one is `application/octet-stream`.
    pub(crate) media: Option<&'a str>,
    /// What is in it.
    pub(crate) content: Cow<'a, [u8]>,
}

/// The body and its media type with the boundary.
///
/// # Errors
///
/// `invalid_config` for a media type with a control character.
pub(crate) fn encode(parts: &[Part<'_>]) -> Result<(Bytes, String)> {
    // Unguessable for whoever wrote the contents, so it cannot occur in them by intent.
    let boundary = format!("trunkline-{}", RequestId::new());
    let mut out = Vec::with_capacity(parts.iter().map(|part| part.content.len() + 256).sum());
    for part in parts {
        let name = &part.name;
        out.extend_from_slice(
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quote(name)).as_bytes(),
        );
        if let Some(filename) = &part.filename {
            out.extend_from_slice(format!("; filename=\"{}\"", quote(filename)).as_bytes());
        }
        if let Some(media) = part.media.or(part.filename.map(|_| "application/octet-stream")) {
            if media.bytes().any(|c| c.is_ascii_control()) {
                return Err(Error::invalid(format!(
                    "multipart {name:?}: content_type has a control character"
                )));
            }
            out.extend_from_slice(format!("\r\nContent-Type: {media}").as_bytes());
        }
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&part.content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok((out.into(), format!("multipart/form-data; boundary={boundary}")))
}

/// Quotes a name the way browsers do (HTML standard, multipart form data): a line break in a name would
/// begin a header of the caller's making.
fn quote(name: &str) -> String {
    name.replace('"', "%22").replace('\r', "%0D").replace('\n', "%0A")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part<'a>(name: &'a str, filename: Option<&'a str>, content: &'a [u8]) -> Part<'a> {
        Part { name: name.into(), filename, media: None, content: content.into() }
    }

    #[test]
    fn parts_are_fields_and_files() {
        let parts = [part("a\"\r\nX: y", None, b"1"), part("f", Some("x.bin"), b"\0\x01")];
        let (body, media) = encode(&parts).unwrap();
        let boundary = media.strip_prefix("multipart/form-data; boundary=").unwrap();
        let expected = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22%0D%0AX: y\"\r\n\r\n1\r\n--{boundary}\r\nContent-Disposition: \
             form-data; name=\"f\"; filename=\"x.bin\"\r\nContent-Type: application/octet-stream\r\n\r\n\0\u{1}\r\n--{boundary}--\r\n"
        );
        assert_eq!(body, expected);
        let bad = Part { media: Some("a\r\nb"), ..part("f", None, b"") };
        assert!(encode(&[bad]).is_err());
    }
}
