//! Private keys in PEM (RFC 7468), in each of the three ways that tools write them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::{Engine, engine::general_purpose::STANDARD};
use jsonwebtoken::{AlgorithmFamily, EncodingKey};
use zeroize::Zeroizing;

/// What was found where a private key was expected.
type Found = &'static str;

/// The private key in a text. What else may stand in it, a certificate or parameters, is passed over.
pub(super) fn private_key(text: &str) -> Result<EncodingKey, Found> {
    // In environment variables and JSON, line breaks are often written as two characters.
    let text = Zeroizing::new(text.replace("\\n", "\n"));
    let labels: Vec<_> = text.match_indices("-----BEGIN ").filter_map(|(at, _)| label(&text[at..])).collect();
    let Some(label) = labels.iter().copied().find(|label| label.ends_with("PRIVATE KEY")) else {
        return Err(match labels.first() {
            Some(label) if label.contains("CERTIFICATE") => "a certificate",
            Some(label) if label.contains("PUBLIC KEY") => "a public key",
            Some(_) => "a PEM without a private key",
            None => "no PEM",
        });
    };
    let begin = format!("-----BEGIN {label}-----");
    let block = &text[text.find(&begin).unwrap_or_default()..];
    let Some(end) = block.find("-----END ") else { return Err("a PEM that is cut short") };
    let inside = block[begin.len()..end].trim();
    if label.contains("ENCRYPTED") || inside.contains("ENCRYPTED") {
        return Err("an encrypted private key, which must be decrypted first");
    }
    let block = Zeroizing::new(format!("{begin}\n{inside}\n-----END {label}-----\n"));
    let key = match label {
        "RSA PRIVATE KEY" => EncodingKey::from_rsa_pem(block.as_bytes()).ok(),
        "EC PRIVATE KEY" => sec1(inside),
        "PRIVATE KEY" => [EncodingKey::from_rsa_pem, EncodingKey::from_ec_pem, EncodingKey::from_ed_pem]
            .iter()
            .find_map(|read| read(block.as_bytes()).ok()),
        _ => return Err("a private key of a kind that is not supported"),
    };
    key.ok_or("a private key that cannot be read")
}

/// The label of a block that begins here.
fn label(text: &str) -> Option<&str> {
    text.strip_prefix("-----BEGIN ")?.split_once("-----").map(|(label, _)| label)
}

/// A key as RFC 5915 has it, which is wrapped as PKCS#8 for whoever knows only that.
fn sec1(inside: &str) -> Option<EncodingKey> {
    let lines = Zeroizing::new(inside.split_ascii_whitespace().collect::<String>());
    let der = Zeroizing::new(STANDARD.decode(lines.as_bytes()).ok()?);
    [&ECDSA_P256_SHA256_FIXED_SIGNING, &ECDSA_P384_SHA384_FIXED_SIGNING].into_iter().find_map(|curve| {
        let key = EcdsaKeyPair::from_private_key_der(curve, &der).ok()?;
        Some(EncodingKey::from_ec_der(key.to_pkcs8v1().ok()?.as_ref()))
    })
}

/// What a key of a family is called.
pub(super) fn describe(family: AlgorithmFamily) -> Found {
    match family {
        AlgorithmFamily::Hmac => "a shared secret",
        AlgorithmFamily::Rsa => "an RSA key",
        AlgorithmFamily::Ec => "an EC key",
        AlgorithmFamily::Ed => "an Ed25519 key",
    }
}
