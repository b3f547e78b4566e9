//! Bytes: `bytea` as base64 and back.

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::BytesMut;
use trunkline_core::{Error, Result};

use crate::sql::json;

/// Base64 with and without padding.
const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const STANDARD: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const URL_SAFE: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// Writes bytes as base64, from `\x…`, or from the form that `bytea_output=escape` gives.
pub(super) fn to_json(text: &[u8], out: &mut Vec<u8>) {
    let start = out.len();
    if let Some(hex) = text.strip_prefix(b"\\x") {
        if from_hex(hex, out).is_some() {
            return;
        }
        out.truncate(start);
        return json::lossy(out, text);
    }
    match unescaped(text) {
        Some(bytes) => json::bytes(out, &bytes),
        None => json::lossy(out, text),
    }
}

fn from_hex(hex: &[u8], out: &mut Vec<u8>) -> Option<()> {
    // A multiple of 3 bytes is a multiple of 4 characters of base64, so pieces can follow each other.
    const BYTES: usize = 768;
    let mut bytes = [0; BYTES];
    if !hex.len().is_multiple_of(2) {
        return None;
    }
    out.push(b'"');
    for piece in hex.chunks(BYTES * 2) {
        for (byte, pair) in bytes.iter_mut().zip(piece.chunks_exact(2)) {
            *byte = nibble(pair[0])? << 4 | nibble(pair[1])?;
        }
        let start = out.len();
        out.resize(start + piece.len().div_ceil(6) * 4, 0);
        STANDARD.encode_slice(&bytes[..piece.len() / 2], &mut out[start..]).ok()?;
    }
    out.push(b'"');
    Some(())
}

fn nibble(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}

/// `\\` is a backslash, `\ooo` a byte in octal.
fn unescaped(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        match (first, after) {
            (b'\\', [b'\\', after @ ..]) => {
                bytes.push(b'\\');
                rest = after;
            }
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                bytes.push((a - b'0') << 6 | (b - b'0') << 3 | (c - b'0'));
                rest = after;
            }
            (b'\\', _) => return None,
            (first, _) => bytes.push(*first),
        }
    }
    Some(bytes)
}

/// Writes base64, the usual or the URL-safe one, as `\x…`.
///
/// # Errors
///
/// `invalid_config` if it is none.
pub(super) fn to_text(text: &str, out: &mut BytesMut) -> Result<()> {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    let bytes = bytes.map_err(|_| Error::invalid("is no base64, which bytea takes"))?;
    out.reserve(2 + bytes.len() * 2);
    out.extend_from_slice(b"\\x");
    for byte in bytes {
        out.extend_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(text: &str) -> String {
        let mut out = Vec::new();
        to_json(text.as_bytes(), &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn both_forms_of_the_server_become_base64() {
        for (text, expected) in [
            ("\\x", "\"\""),
            ("\\x61fF00", "\"Yf8A\""),
            ("a\\\\\\000\\377", "\"YVwA/w==\""),
            ("\\xzz", "\"\\\\xzz\""),
            ("a\\9", "\"a\\\\9\""),
        ] {
            assert_eq!(written(text), expected, "{text}");
        }
    }

    #[test]
    fn long_bytes_are_one_base64() {
        let bytes: Vec<u8> = (0..5000_u32).map(|n| n.to_le_bytes()[0]).collect();
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        let mut expected = Vec::new();
        json::bytes(&mut expected, &bytes);
        assert_eq!(written(&format!("\\x{hex}")).as_bytes(), expected);
    }

    #[test]
    fn base64_of_either_alphabet_is_taken_with_padding_or_without() {
        for text in ["-_8=", "-_8", "+/8=", "+/8"] {
            let mut out = BytesMut::new();
            to_text(text, &mut out).unwrap();
            assert_eq!(out, "\\xfbff");
        }
        assert!(to_text("%", &mut BytesMut::new()).is_err());
    }
}
