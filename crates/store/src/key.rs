//! The master key: how it is written down, what it is called, and the older ones that still open.

use std::{fmt, sync::Arc};

use base64::{
    Engine as _, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use chacha20poly1305::{AeadInPlace as _, KeyInit as _, XChaCha20Poly1305};
use trunkline_core::{Error, Kind, Result};
use zeroize::Zeroizing;

use crate::trouble::Trouble;

/// The public name of a master key, derived from the key: the same key has the same id wherever it is kept.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// Reads an id from an envelope.
    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Reads an id as it is printed: 32 hexadecimal digits.
    ///
    /// # Errors
    ///
    /// `invalid_config` when it is none.
    pub fn parse(text: &str) -> Result<Self> {
        let mut id = [0; 16];
        if hex(text, &mut id) {
            Ok(Self(id))
        } else {
            Err(Error::invalid("a key's id has 32 hexadecimal digits"))
        }
    }

    /// The bytes that stand in an envelope.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

/// Bytes of a key in its file.
const LINE: usize = 65;

/// A key that wraps data keys: 32 random bytes, zeroed when dropped, never printed.
pub struct MasterKey {
    id: KeyId,
    bytes: Box<Zeroizing<[u8; 32]>>,
}

impl MasterKey {
    /// A new random key.
    ///
    /// # Errors
    ///
    /// `internal` when the operating system gives no randomness.
    pub fn generate() -> Result<Self> {
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        random(&mut **bytes)?;
        Ok(Self::from_bytes(bytes))
    }

    /// Reads a key as it is written down: 64 hexadecimal characters, or base64 (either alphabet, padded or
    /// not) of 32 bytes.
    ///
    /// # Errors
    ///
    /// `invalid_config` that says what is expected and how long the text is, and repeats none of it.
    pub fn parse(text: &str) -> Result<Self> {
        let mut bytes = Box::new(Zeroizing::new([0; 32]));
        if hex(text, &mut bytes) || base64(text, &mut bytes) {
            return Ok(Self::from_bytes(bytes));
        }
        Err(Trouble::Key.on(Error::invalid(format!(
            "not a master key: expected 64 hexadecimal characters or base64 of 32 bytes, found {} characters",
            text.chars().count()
        ))))
    }

    /// The public name of this key.
    pub fn id(&self) -> KeyId {
        self.id
    }

    pub(crate) fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&**self.bytes).into())
    }

    fn from_bytes(bytes: Box<Zeroizing<[u8; 32]>>) -> Self {
        // The key stream under a nonce of its own is a pseudo-random function of the key: it names the
        // key and says nothing about it. No random nonce of an envelope meets this one (2^-192).
        let mut id = [0; 16];
        XChaCha20Poly1305::new((&**bytes).into())
            .encrypt_in_place_detached(b"trunkline1 master key id".into(), b"", &mut id)
            .expect("16 bytes are fewer than ChaCha20 can encrypt");
        Self { id: KeyId(id), bytes }
    }

    /// Appends the key as it is written to its file: hexadecimal and a line break.
    fn write_line(&self, out: &mut Vec<u8>) {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        for byte in self.bytes.iter() {
            out.extend([DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        out.push(b'\n');
    }
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

fn hex<const N: usize>(text: &str, out: &mut [u8; N]) -> bool {
    let digit = |byte: u8| (byte as char).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    text.len() == N * 2
        && text.as_bytes().chunks_exact(2).zip(out).all(|(pair, byte)| {
            match (digit(pair[0]), digit(pair[1])) {
                (Some(high), Some(low)) => {
                    *byte = high << 4 | low;
                    true
                }
                _ => false,
            }
        })
}

fn base64(text: &str, out: &mut [u8; 32]) -> bool {
    if !(43..=44).contains(&text.len()) {
        return false;
    }
    let config = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let mut room = Zeroizing::new([0; 48]);
    [alphabet::STANDARD, alphabet::URL_SAFE].iter().any(|alphabet| {
        let decoded = GeneralPurpose::new(alphabet, config).decode_slice(text, &mut *room) == Ok(32);
        if decoded {
            out.copy_from_slice(&room[..32]);
        }
        decoded
    })
}

/// Fills `bytes` from the operating system's generator.
pub(crate) fn random(bytes: &mut [u8]) -> Result<()> {
    getrandom::fill(bytes).map_err(|error| {
        Error::new(Kind::Internal, format!("the operating system gives no random bytes: {error}"))
    })
}

/// The key that seals, and older ones that only open.
///
/// Written down it is one key a line (or separated by blanks), the sealing one first. What an older one wrapped
/// is wrapped anew at the next start, or by [`Keys::rotate`](crate::Keys::rotate), after which the older one
/// can be taken out.
#[derive(Debug, Clone)]
pub struct Keyring {
    primary: Arc<MasterKey>,
    older: Vec<Arc<MasterKey>>,
}

impl Keyring {
    /// A ring of one or more keys.
    pub fn new(primary: MasterKey, older: Vec<MasterKey>) -> Self {
        Self { primary: Arc::new(primary), older: older.into_iter().map(Arc::new).collect() }
    }

    /// Reads keys separated by white space, the sealing one first.
    ///
    /// # Errors
    ///
    /// See [`MasterKey::parse`].
    pub fn parse(text: &str) -> Result<Self> {
        let mut words = text.split_whitespace();
        let primary = MasterKey::parse(words.next().unwrap_or_default())?;
        Ok(Self::new(primary, words.map(MasterKey::parse).collect::<Result<_>>()?))
    }

    /// The key that seals.
    pub fn primary(&self) -> &MasterKey {
        &self.primary
    }

    /// The keys that only open.
    pub fn older(&self) -> impl ExactSizeIterator<Item = &MasterKey> {
        self.older.iter().map(|key| &**key)
    }

    /// All keys, the sealing one first.
    pub fn keys(&self) -> impl Iterator<Item = &MasterKey> {
        std::iter::once(self.primary()).chain(self.older())
    }

    /// The key called `id`.
    pub fn get(&self, id: KeyId) -> Option<&MasterKey> {
        self.keys().find(|key| key.id == id)
    }

    /// The same with `key` as the one that seals.
    pub(crate) fn with(&self, key: MasterKey) -> Self {
        let older = std::iter::once(&self.primary).chain(&self.older).cloned();
        Self { primary: Arc::new(key), older: older.collect() }
    }

    /// The same without an older key.
    pub(crate) fn without(&self, id: KeyId) -> Self {
        let older = self.older.iter().filter(|key| key.id != id).cloned();
        Self { primary: self.primary.clone(), older: older.collect() }
    }

    /// How the ring is written to its file: a key a line.
    pub(crate) fn to_lines(&self) -> Zeroizing<Vec<u8>> {
        // Room for all at once: a growing buffer would leave copies of the keys behind.
        let mut lines = Zeroizing::new(Vec::with_capacity((1 + self.older.len()) * LINE));
        self.keys().for_each(|key| key.write_line(&mut lines));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    #[test]
    fn hexadecimal_and_both_base64_alphabets_give_the_same_key() {
        let id = MasterKey::parse(HEX).unwrap().id();
        for text in [
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
            "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8",
            &HEX.to_uppercase(),
        ] {
            assert_eq!(MasterKey::parse(text).unwrap().id(), id, "{text}");
        }
        let url_safe = "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8";
        let standard = url_safe.replace('-', "+").replace('_', "/");
        assert_eq!(MasterKey::parse(url_safe).unwrap().id(), MasterKey::parse(&standard).unwrap().id());
    }

    #[test]
    fn the_id_of_a_key_never_changes_between_versions() {
        assert_eq!(MasterKey::parse(HEX).unwrap().id().to_string(), "7735bb3f8f6bd60b46eb957c7536c66b");
    }

    #[test]
    fn a_garbled_key_is_refused_without_repeating_it() {
        let long = "ab".repeat(33);
        for text in ["", "hunter2-hunter2", &HEX[..63], &HEX.replace('a', "g"), &long, &"é".repeat(32)] {
            let error = MasterKey::parse(text).unwrap_err();
            assert_eq!(Trouble::of(&error), Some(Trouble::Key));
            assert!(error.message().contains("64 hexadecimal characters or base64 of 32 bytes"), "{error}");
            assert!(text.is_empty() || !format!("{error:?}").contains(text), "{error}");
        }
    }

    #[test]
    fn no_debug_output_holds_a_key() {
        let ring = Keyring::parse(&format!("{HEX}\n{}", "ab".repeat(32))).unwrap();
        let printed = format!("{ring:?}");
        assert!(!printed.contains("0a0b0c") && !printed.contains("abab"), "{printed}");
        assert_eq!(ring.older().len(), 1);
    }
}
