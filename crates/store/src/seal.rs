//! The envelope around everything that is sealed: a fresh data key per write, wrapped by the master key,
//! both bound to the place where the value stands.
//!
//! Envelope 1, in bytes:
//!
//! ```text
//! 0x01 | algorithm 0x01 | key id 16 | nonce 24 | wrapped data key 32+16 | nonce 24 | value n+16
//! ```
//!
//! Algorithm 1 is XChaCha20-Poly1305. Both layers authenticate the [`Place`], so that a value that was
//! damaged, moved, swapped with another or rolled back to an older generation does not open.

use chacha20poly1305::{AeadInPlace as _, KeyInit as _, Tag, XChaCha20Poly1305};
use trunkline_core::{Error, Kind, Result};
use zeroize::Zeroizing;

use crate::{KeyId, Keyring, MasterKey, key::random, trouble::Trouble};

const VERSION: u8 = 1;
const XCHACHA20_POLY1305: u8 = 1;

const NONCE: usize = 24;
const TAG: usize = 16;
const WRAPPED: usize = 32 + TAG;

// Where the parts begin.
const AT_KEY_ID: usize = 2;
const AT_WRAP: usize = AT_KEY_ID + 16;
const AT_VALUE: usize = AT_WRAP + NONCE + WRAPPED;

/// By how much an envelope is longer than the value in it.
pub const OVERHEAD: usize = AT_VALUE + NONCE + TAG;

/// Where a sealed value stands. It opens there and nowhere else.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// The table, such as `integrations`.
    pub table: &'a str,
    /// The row's primary key.
    pub row: &'a str,
    /// The column.
    pub field: &'a str,
    /// The generation of the row.
    pub generation: u64,
}

impl Place<'_> {
    /// Every part with its length before it, so that no two places give the same bytes.
    fn bound(&self) -> Vec<u8> {
        let generation = self.generation.to_be_bytes();
        let parts: [&[u8]; 5] =
            [b"trunkline1", self.table.as_bytes(), self.row.as_bytes(), self.field.as_bytes(), &generation];
        let mut bytes = Vec::with_capacity(parts.iter().map(|part| part.len() + 8).sum());
        for part in parts {
            bytes.extend((part.len() as u64).to_be_bytes());
            bytes.extend(part);
        }
        bytes
    }
}

/// Seals `value` for `place` under the primary key.
///
/// # Errors
///
/// `internal` when the operating system gives no randomness.
pub fn seal(keyring: &Keyring, place: Place<'_>, value: &[u8]) -> Result<Vec<u8>> {
    let bound = place.bound();
    let mut data_key = Zeroizing::new([0; 32]);
    random(&mut *data_key)?;
    let mut envelope = Vec::with_capacity(value.len() + OVERHEAD);
    wrap(keyring.primary(), &bound, &data_key, &mut envelope)?;
    encrypt(&XChaCha20Poly1305::new((&*data_key).into()), &bound, value, &mut envelope)?;
    Ok(envelope)
}

/// Opens what was sealed for `place`.
///
/// # Errors
///
/// `store_unavailable` with [`Trouble::Key`] when the keyring lacks the key, which is named; with
/// [`Trouble::Undecryptable`] when the envelope is damaged or belongs elsewhere.
pub fn open(keyring: &Keyring, place: Place<'_>, envelope: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let bound = place.bound();
    let data_key = unwrap(keyring, &bound, envelope)?;
    decrypt(&XChaCha20Poly1305::new((&*data_key).into()), &bound, &envelope[AT_VALUE..])
}

/// The same value under the primary key, or `None` when it is under it already. Only the data key is
/// wrapped anew.
///
/// # Errors
///
/// As [`open`]; damage to the value itself is not noticed here.
pub fn rewrap(keyring: &Keyring, place: Place<'_>, envelope: &[u8]) -> Result<Option<Vec<u8>>> {
    if key_id(envelope)? == keyring.primary().id() {
        return Ok(None);
    }
    let bound = place.bound();
    let data_key = unwrap(keyring, &bound, envelope)?;
    let mut rewrapped = Vec::with_capacity(envelope.len());
    wrap(keyring.primary(), &bound, &data_key, &mut rewrapped)?;
    rewrapped.extend(&envelope[AT_VALUE..]);
    Ok(Some(rewrapped))
}

/// The key that an envelope was sealed with.
///
/// # Errors
///
/// `store_unavailable` with [`Trouble::Undecryptable`] when this is not an envelope.
pub fn key_id(envelope: &[u8]) -> Result<KeyId> {
    match envelope {
        [VERSION, XCHACHA20_POLY1305, rest @ ..] if envelope.len() >= OVERHEAD => {
            Ok(KeyId::new(*rest.first_chunk().ok_or_else(undecryptable)?))
        }
        _ => Err(undecryptable()),
    }
}

/// Everything of an envelope before the value: the head, a nonce and the wrapped data key.
fn wrap(key: &MasterKey, bound: &[u8], data_key: &[u8; 32], envelope: &mut Vec<u8>) -> Result<()> {
    envelope.extend([VERSION, XCHACHA20_POLY1305]);
    envelope.extend(key.id().as_bytes());
    encrypt(&key.cipher(), bound, data_key, envelope)
}

fn unwrap(keyring: &Keyring, bound: &[u8], envelope: &[u8]) -> Result<Zeroizing<[u8; 32]>> {
    let id = key_id(envelope)?;
    let key = keyring.get(id).ok_or_else(|| {
        Trouble::Key.on(Error::new(
            Kind::Store,
            format!("sealed with key {id}, which is not given: put it back beside the present one"),
        ))
    })?;
    let bytes = decrypt(&key.cipher(), bound, &envelope[AT_WRAP..AT_VALUE])?;
    let mut data_key = Zeroizing::new([0; 32]);
    data_key.copy_from_slice(&bytes);
    Ok(data_key)
}

/// Appends a nonce, the encrypted value and its tag.
fn encrypt(cipher: &XChaCha20Poly1305, bound: &[u8], value: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let mut nonce = [0; NONCE];
    random(&mut nonce)?;
    out.extend(nonce);
    let start = out.len();
    out.extend(value);
    let tag = cipher
        .encrypt_in_place_detached(&nonce.into(), bound, &mut out[start..])
        .map_err(|_| Error::invalid("the value is too large to seal"))?;
    out.extend(tag);
    Ok(())
}

/// The inverse of [`encrypt`] over exactly what it appended.
fn decrypt(cipher: &XChaCha20Poly1305, bound: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
    let (nonce, rest) = sealed.split_first_chunk::<NONCE>().ok_or_else(undecryptable)?;
    let (value, tag) = rest.split_last_chunk::<TAG>().ok_or_else(undecryptable)?;
    let mut value = Zeroizing::new(value.to_vec());
    cipher
        .decrypt_in_place_detached(nonce.into(), bound, &mut value, <&Tag>::from(tag))
        .map_err(|_| undecryptable())?;
    Ok(value)
}

fn undecryptable() -> Error {
    Trouble::Undecryptable.on(Error::new(
        Kind::Store,
        "what is sealed does not open: it is damaged, or was moved or rolled back; enter it anew or restore a backup",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLACE: Place<'_> = Place { table: "integrations", row: "billing", field: "sealed", generation: 7 };

    fn ring() -> Keyring {
        Keyring::new(MasterKey::generate().unwrap(), Vec::new())
    }

    #[test]
    fn what_is_sealed_opens_in_its_place() {
        let ring = ring();
        for value in [&b""[..], b"x", &[7; 10_000]] {
            let envelope = seal(&ring, PLACE, value).unwrap();
            assert_eq!(envelope.len(), value.len() + OVERHEAD);
            assert_eq!(**open(&ring, PLACE, &envelope).unwrap(), *value);
        }
    }

    #[test]
    fn every_flipped_bit_and_every_cut_fails() {
        let ring = ring();
        let envelope = seal(&ring, PLACE, b"hunter2").unwrap();
        for bit in 0..envelope.len() * 8 {
            let mut flipped = envelope.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&ring, PLACE, &flipped).is_err(), "bit {bit}");
        }
        for end in 0..envelope.len() {
            assert!(open(&ring, PLACE, &envelope[..end]).is_err(), "cut at {end}");
        }
        let mut longer = envelope;
        longer.push(0);
        assert!(open(&ring, PLACE, &longer).is_err());
    }

    #[test]
    fn a_value_moved_swapped_or_rolled_back_fails() {
        let ring = ring();
        let envelope = seal(&ring, PLACE, b"hunter2").unwrap();
        for place in [
            Place { table: "tokens", ..PLACE },
            Place { row: "mail", ..PLACE },
            Place { field: "other", ..PLACE },
            Place { generation: 8, ..PLACE },
            Place { table: "integrationsb", row: "illing", ..PLACE },
        ] {
            assert_eq!(
                Trouble::of(&open(&ring, place, &envelope).unwrap_err()),
                Some(Trouble::Undecryptable),
                "{place:?}"
            );
        }
    }

    #[test]
    fn a_moved_value_is_not_rewrapped() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let envelope = seal(&Keyring::parse(&old).unwrap(), PLACE, b"hunter2").unwrap();
        let both = Keyring::parse(&format!("{new} {old}")).unwrap();
        let error = rewrap(&both, Place { row: "mail", ..PLACE }, &envelope).unwrap_err();
        assert_eq!(Trouble::of(&error), Some(Trouble::Undecryptable));
    }

    #[test]
    fn the_layers_of_two_envelopes_of_one_place_cannot_be_mixed() {
        let ring = ring();
        let (one, two) = (seal(&ring, PLACE, b"one").unwrap(), seal(&ring, PLACE, b"two").unwrap());
        assert!(open(&ring, PLACE, &[&one[..AT_VALUE], &two[AT_VALUE..]].concat()).is_err());
    }

    #[test]
    fn the_same_value_never_gives_the_same_bytes() {
        let ring = ring();
        let (one, two) = (seal(&ring, PLACE, b"same").unwrap(), seal(&ring, PLACE, b"same").unwrap());
        assert_ne!(one[AT_WRAP..AT_VALUE], two[AT_WRAP..AT_VALUE]);
        assert_ne!(one[AT_VALUE..], two[AT_VALUE..]);
    }

    #[test]
    fn a_wrong_key_says_which_key_is_wanted() {
        let sealing = ring();
        let envelope = seal(&sealing, PLACE, b"hunter2").unwrap();
        let error = open(&ring(), PLACE, &envelope).unwrap_err();
        assert!(error.message().contains(&sealing.primary().id().to_string()), "{error}");
        assert_eq!(Trouble::of(&error), Some(Trouble::Key));
    }

    #[test]
    fn a_rewrapped_value_opens_without_the_older_key() {
        let (old, new) = ("11".repeat(32), "22".repeat(32));
        let envelope = seal(&Keyring::parse(&old).unwrap(), PLACE, b"hunter2").unwrap();
        let both = Keyring::parse(&format!("{new} {old}")).unwrap();
        assert_eq!(**open(&both, PLACE, &envelope).unwrap(), *b"hunter2");
        let rewrapped = rewrap(&both, PLACE, &envelope).unwrap().unwrap();
        assert!(rewrap(&both, PLACE, &rewrapped).unwrap().is_none());
        let opened = open(&Keyring::parse(&new).unwrap(), PLACE, &rewrapped).unwrap();
        assert_eq!(**opened, *b"hunter2");
    }
}
