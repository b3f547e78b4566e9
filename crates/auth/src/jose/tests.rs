//! The vectors of the RFCs, whose keys are in `keys/` (RFC 7515 appendix A, RFC 8037 appendix A; the private number of
//! the P-256 one serves as P-384 too), and keys that do not fit.

use aws_lc_rs::signature as known;
use jsonwebtoken::{DecodingKey, Validation, decode};
use serde_json::json;

use super::*;

const RSA: &str = include_str!("keys/rsa.pkcs8.pem");
const RSA_PKCS1: &str = include_str!("keys/rsa.pkcs1.pem");
const RSA_PUBLIC: &str = include_str!("keys/rsa.public.pem");
const RSA_SHORT: &str = include_str!("keys/rsa.short.pem");
const P256: &str = include_str!("keys/p256.pkcs8.pem");
const P256_SEC1: &str = include_str!("keys/p256.sec1.pem");
const P384: &str = include_str!("keys/p384.pkcs8.pem");
const P384_SEC1: &str = include_str!("keys/p384.sec1.pem");
const ED25519: &str = include_str!("keys/ed25519.pem");
const ENCRYPTED: &str = include_str!("keys/encrypted.pem");
/// The 64 bytes of RFC 7515 appendix A.1.1.
const SHARED: &str = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
/// The payload of RFC 7515 appendix A.
const JOE: &str =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

fn key(algorithm: Algorithm, text: &str) -> Result<SigningKey> {
    SigningKey::new("private_key", Secret::new(text), Encoding::Utf8, algorithm)
}

fn claims() -> Map<String, Value> {
    Map::from_iter([("iss".to_owned(), json!("me")), ("exp".to_owned(), json!(4_000_000_000_u64))])
}

#[test]
fn signatures_are_those_of_the_rfcs() {
    let shared = SigningKey::new("key", Secret::new(SHARED), Encoding::Base64, Algorithm::HS256).unwrap();
    let message = format!("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.{JOE}");
    assert_eq!(shared.signature(&message).unwrap(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    let expected = "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5\
        jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0Gar\
        ZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rq\
        Vt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
    for pem in [RSA, RSA_PKCS1] {
        let signature = key(Algorithm::RS256, pem).unwrap();
        assert_eq!(signature.signature(&format!("eyJhbGciOiJSUzI1NiJ9.{JOE}")).unwrap(), expected);
    }
    let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
    assert_eq!(
        key(Algorithm::EdDSA, ED25519).unwrap().signature(message).unwrap(),
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg"
    );
}

#[test]
fn every_algorithm_signs_what_its_public_key_verifies() {
    let public = DecodingKey::from_rsa_pem(RSA_PUBLIC.as_bytes()).unwrap();
    for algorithm in [
        Algorithm::RS256,
        Algorithm::RS384,
        Algorithm::RS512,
        Algorithm::PS256,
        Algorithm::PS384,
        Algorithm::PS512,
    ] {
        let token = key(algorithm, RSA).unwrap().mint(&claims()).unwrap();
        decode::<Value>(&token, &public, &Validation::new(algorithm.get())).unwrap();
    }
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let token = key(algorithm, "shared").unwrap().mint(&claims()).unwrap();
        decode::<Value>(&token, &DecodingKey::from_secret(b"shared"), &Validation::new(algorithm.get()))
            .unwrap();
    }
    for (algorithm, pems, verifies) in [
        (Algorithm::ES256, [P256, P256_SEC1], &known::ECDSA_P256_SHA256_FIXED),
        (Algorithm::ES384, [P384, P384_SEC1], &known::ECDSA_P384_SHA384_FIXED),
    ] {
        let [one, other] = pems.map(|pem| key(algorithm, pem).unwrap());
        let curve = match algorithm {
            Algorithm::ES256 => &known::ECDSA_P256_SHA256_FIXED_SIGNING,
            _ => &known::ECDSA_P384_SHA384_FIXED_SIGNING,
        };
        let pair = known::EcdsaKeyPair::from_pkcs8(curve, other.encoding_key().unwrap().as_bytes()).unwrap();
        let public = known::UnparsedPublicKey::new(verifies, known::KeyPair::public_key(&pair));
        for key in [one, other] {
            let token = key.mint(&claims()).unwrap();
            let (message, signature) = token.rsplit_once('.').unwrap();
            public.verify(message.as_bytes(), &URL_SAFE_NO_PAD.decode(signature).unwrap()).unwrap();
        }
    }
}

#[test]
fn a_token_says_how_it_is_signed_by_which_key_and_what_else_is_wanted() {
    let header = |key: &SigningKey| {
        let token = key.mint(&claims()).unwrap();
        let mut parts = token.split('.').map(|part| URL_SAFE_NO_PAD.decode(part).unwrap());
        let mut part = || serde_json::from_slice::<Value>(&parts.next().unwrap()).unwrap();
        (part(), part())
    };
    let members = |members: Value| members.as_object().unwrap().clone();
    let key = || key(Algorithm::HS256, "shared").unwrap().key_id(Some("k1".into()));
    assert_eq!(
        header(&key()),
        (json!({"alg": "HS256", "typ": "JWT", "kid": "k1"}), json!({"iss": "me", "exp": 4_000_000_000_u64}))
    );
    let more = key().header(members(json!({"typ": "at+jwt", "x5t": "t"}))).unwrap();
    assert_eq!(header(&more).0, json!({"alg": "HS256", "typ": "at+jwt", "kid": "k1", "x5t": "t"}));
    assert_eq!(
        header(&key().header(members(json!({"typ": null}))).unwrap()).0,
        json!({"alg": "HS256", "kid": "k1"})
    );
    for name in ["alg", "kid", "b64", "crit"] {
        let error = key().header(members(json!({ name: "none" }))).unwrap_err();
        assert!(error.message().starts_with(&format!("{name}: ")), "{error}");
    }
}

#[test]
fn a_key_that_does_not_fit_is_said_to_be_what_it_is_and_never_shown() {
    for (algorithm, text, found) in [
        (Algorithm::RS256, P256, "an EC key, but RS256 is signed with an RSA private key"),
        (Algorithm::ES256, RSA, "an RSA key, but ES256 is signed with a P-256 private key"),
        (Algorithm::ES256, ED25519, "an Ed25519 key"),
        (Algorithm::EdDSA, RSA_PKCS1, "an RSA key, but EdDSA"),
        (Algorithm::ES256, P384, "which wants a P-256"),
        (Algorithm::ES384, P256_SEC1, "which wants a P-384"),
        (Algorithm::RS256, RSA_SHORT, "at least 2048 bits"),
        (Algorithm::RS256, RSA_PUBLIC, "a public key"),
        (Algorithm::RS256, "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----", "a certificate"),
        (Algorithm::RS256, ENCRYPTED, "encrypted"),
        (
            Algorithm::RS256,
            &RSA_PKCS1.replacen("KEY-----", "KEY-----\nProc-Type: 4,ENCRYPTED\n", 1),
            "encrypted",
        ),
        (Algorithm::RS256, &RSA[..500], "cut short"),
        (Algorithm::RS256, &RSA.replace("MIIE", "AAAA"), "cannot be read"),
        (Algorithm::RS256, "hunter2", "no PEM"),
        (Algorithm::RS256, "", "no PEM"),
        (
            Algorithm::RS256,
            "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Bl\n-----END OPENSSH PRIVATE KEY-----",
            "not supported",
        ),
        (Algorithm::HS256, RSA, "a PEM, but HS256 is signed with a shared secret"),
        (Algorithm::HS256, "", "empty"),
    ] {
        let error = key(algorithm, text).unwrap_err();
        let message = error.message();
        assert!(message.starts_with("private_key: ") && message.contains(found), "{found}: {error}");
        assert!(!format!("{error:?}").contains("hunter2") && !message.contains("MIIE"), "{error:?}");
    }
    assert!(!format!("{:?}", key(Algorithm::RS256, RSA).unwrap()).contains("MIIE"));
}

#[test]
fn a_key_may_stand_beside_a_certificate_or_with_its_line_breaks_spelt_out() {
    let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    key(Algorithm::RS256, &format!("{certificate}{RSA}")).unwrap();
    key(Algorithm::RS256, &RSA.replace('\n', "\\n")).unwrap();
    key(Algorithm::ES256, &P256_SEC1.replace('\n', "\r\n")).unwrap();
}

#[test]
fn a_key_in_a_file_is_read_for_each_token() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let reference = Secret::new(format!("${{file:{}}}", file.path().display()));
    let key = SigningKey::new("private_key", reference, Encoding::Utf8, Algorithm::ES256).unwrap();
    assert!(key.mint(&claims()).unwrap_err().message().starts_with("private_key: is no PEM"));
    std::fs::write(&file, P256).unwrap();
    key.mint(&claims()).unwrap();
    std::fs::write(&file, RSA).unwrap();
    assert!(key.mint(&claims()).unwrap_err().message().contains("an RSA key"));
}
