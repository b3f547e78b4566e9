//! SCRAM (RFC 5802, RFC 7677) as Kafka has it: with SHA-256 or SHA-512, without binding to a channel, and with names and
//! passwords as they are (Kafka normalises neither).

use std::num::NonZeroU32;

use aws_lc_rs::{digest, hmac, pbkdf2};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use trunkline_core::{Error, Kind, Outcome, Result};

/// Fewer make guessing cheap for whoever plays the broker (RFC 7677 section 4, and Kafka itself).
const LEAST: u32 = 4096;

/// More keep a core busy for seconds: no installation has as many.
const MOST: u32 = 1_000_000;

/// Which hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha512,
}

impl Hash {
    fn hmac(self) -> hmac::Algorithm {
        match self {
            Self::Sha256 => hmac::HMAC_SHA256,
            Self::Sha512 => hmac::HMAC_SHA512,
        }
    }

    fn digest(self) -> &'static digest::Algorithm {
        match self {
            Self::Sha256 => &digest::SHA256,
            Self::Sha512 => &digest::SHA512,
        }
    }

    fn pbkdf2(self) -> pbkdf2::Algorithm {
        match self {
            Self::Sha256 => pbkdf2::PBKDF2_HMAC_SHA256,
            Self::Sha512 => pbkdf2::PBKDF2_HMAC_SHA512,
        }
    }
}

/// A login that has begun.
#[derive(Debug)]
pub(super) struct Scram {
    hash: Hash,
    nonce: String,
    bare: String,
}

/// A login that the broker has to prove.
#[derive(Debug)]
pub(super) struct Proven {
    hash: Hash,
    key: Vec<u8>,
    auth: String,
}

impl Scram {
    /// Begins a login. `nonce` is printable, without commas, and never used before.
    pub(super) fn new(hash: Hash, user: &str, nonce: String) -> Self {
        let user = user.replace('=', "=3D").replace(',', "=2C");
        let bare = format!("n={user},r={nonce}");
        Self { hash, nonce, bare }
    }

    /// What is sent first.
    pub(super) fn first(&self) -> String {
        format!("n,,{}", self.bare)
    }

    /// What is sent upon the broker's first message.
    ///
    /// # Errors
    ///
    /// `protocol` where that is none that a broker sends.
    pub(super) fn last(self, password: &str, said: &[u8]) -> Result<(String, Proven)> {
        let said = std::str::from_utf8(said).map_err(|_| foul("is no text"))?;
        let mut fields = said.split(',');
        let mut field = |name: &str| fields.next().and_then(|field| field.strip_prefix(name));
        let nonce = field("r=").filter(|nonce| nonce.len() > self.nonce.len());
        let nonce =
            nonce.filter(|nonce| nonce.starts_with(&self.nonce)).ok_or_else(|| foul("has a wrong nonce"))?;
        let salt =
            field("s=").and_then(|salt| STANDARD.decode(salt).ok()).ok_or_else(|| foul("has no salt"))?;
        let rounds = field("i=").and_then(|rounds| rounds.parse().ok()).unwrap_or_default();
        let rounds = NonZeroU32::new(rounds).filter(|rounds| (LEAST..=MOST).contains(&rounds.get()));
        let rounds =
            rounds.ok_or_else(|| foul("has a number of iterations that is not from 4096 to a million"))?;

        let mut salted = vec![0; self.hash.digest().output_len()];
        pbkdf2::derive(self.hash.pbkdf2(), rounds, &salt, password.as_bytes(), &mut salted);
        let sign = |key: &[u8], text: &[u8]| hmac::sign(&hmac::Key::new(self.hash.hmac(), key), text);
        let client = sign(&salted, b"Client Key");
        let stored = digest::digest(self.hash.digest(), client.as_ref());
        // "biws" is "n,," in base64.
        let without_proof = format!("c=biws,r={nonce}");
        let auth = format!("{},{said},{without_proof}", self.bare);
        let signature = sign(stored.as_ref(), auth.as_bytes());
        let proof: Vec<u8> = client.as_ref().iter().zip(signature.as_ref()).map(|(a, b)| a ^ b).collect();
        let message = format!("{without_proof},p={}", STANDARD.encode(proof));
        let key = sign(&salted, b"Server Key").as_ref().to_vec();
        Ok((message, Proven { hash: self.hash, key, auth }))
    }
}

impl Proven {
    /// Looks at the broker's last message: who does not know the password must not pass for the broker.
    ///
    /// # Errors
    ///
    /// `protocol` where it proves nothing, `unauthenticated` where it refuses.
    pub(super) fn check(&self, said: &[u8]) -> Result<()> {
        let said = String::from_utf8_lossy(said);
        if let Some(reason) = said.strip_prefix("e=") {
            let reason: String = reason.chars().filter(char::is_ascii_graphic).take(64).collect();
            return Err(Error::new(
                Kind::Unauthenticated,
                format!("the broker refuses the login; correct base_url or auth_config: {reason}"),
            ));
        }
        let proof = said.split(',').next().and_then(|field| field.strip_prefix("v="));
        let proof = proof.and_then(|proof| STANDARD.decode(proof).ok()).unwrap_or_default();
        let key = hmac::Key::new(self.hash.hmac(), &self.key);
        hmac::verify(&key, self.auth.as_bytes(), &proof)
            .map_err(|_| foul("does not prove that it knows the password"))
    }
}

fn foul(what: &str) -> Error {
    Error::new(Kind::Protocol, format!("the broker's part of the login {what}")).outcome_is(Outcome::NotSent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_with_sha_256_is_the_one_of_rfc_7677() {
        let scram = Scram::new(Hash::Sha256, "user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        assert_eq!(scram.first(), "n,,n=user,r=rOprNGfwEbeRWgbNEkqO");
        let said = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (message, proven) = scram.last("pencil", said).unwrap();
        assert_eq!(
            message,
            "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="
        );
        proven.check(b"v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap();
        let error = proven.check(b"v=7rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=").unwrap_err();
        assert_eq!((error.kind(), error.outcome()), (Kind::Protocol, Outcome::NotSent));
        assert_eq!(proven.check(b"e=other-error").unwrap_err().kind(), Kind::Unauthenticated);
    }

    /// The same conversation with SHA-512, computed with hashlib and hmac of Python.
    #[test]
    fn a_login_with_sha_512_differs_in_nothing_but_the_hash() {
        let scram = Scram::new(Hash::Sha512, "user", "rOprNGfwEbeRWgbNEkqO".to_owned());
        let said = b"r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
        let (message, proven) = scram.last("pencil", said).unwrap();
        assert!(
            message.ends_with(
                ",p=gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ=="
            ),
            "{message}"
        );
        proven
            .check(
                b"v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==",
            )
            .unwrap();
    }

    #[test]
    fn a_name_may_have_commas_and_equals_signs() {
        let scram = Scram::new(Hash::Sha256, "a=b,c", "x".to_owned());
        assert_eq!(scram.first(), "n,,n=a=3Db=2Cc,r=x");
    }

    #[test]
    fn a_broker_that_makes_guessing_cheap_gets_no_proof() {
        for said in [
            "r=ab,s=QQ==,i=1",
            "r=ab,s=QQ==,i=2000000",
            "r=a,s=QQ==,i=4096",
            "r=xb,s=QQ==,i=4096",
            "r=ab,s=?,i=4096",
            "",
        ] {
            let scram = Scram::new(Hash::Sha256, "user", "a".to_owned());
            assert_eq!(scram.last("pencil", said.as_bytes()).unwrap_err().kind(), Kind::Protocol, "{said}");
        }
    }
}
