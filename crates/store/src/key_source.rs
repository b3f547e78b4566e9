//! Where the master key comes from: given, in a file, or generated into the data directory.

use std::{
    fmt, fs,
    io::{ErrorKind, Read as _},
    path::{Path, PathBuf},
};

use trunkline_core::{Error, Result};
use zeroize::Zeroizing;

use crate::{
    KeyId, Keyring, MasterKey, files,
    trouble::{self, Trouble},
};

/// The name of the key file in a data directory.
const FILE: &str = "trunkline.key";

/// More than any ring of keys needs; a larger file is not a key file.
const MAX_FILE: u64 = 16 * 1024;

/// Where the master key comes from.
pub enum KeySource {
    /// The keys themselves, as `TRUNKLINE_KEY` holds them.
    Value(Zeroizing<String>),
    /// A file, which must exist.
    File(PathBuf),
    /// `trunkline.key` in the data directory, generated on the first start.
    DataDir,
}

impl KeySource {
    /// The source to use when some are given: a value, else a file, else the data directory.
    pub fn choose(value: Option<String>, file: Option<PathBuf>) -> Self {
        match (value, file) {
            (Some(value), _) => Self::Value(Zeroizing::new(value)),
            (None, Some(file)) => Self::File(file),
            (None, None) => Self::DataDir,
        }
    }

    /// Reads the keys. `wanted` is the key that an existing database is sealed with; only where there is
    /// none may a key be generated.
    ///
    /// # Errors
    ///
    /// `invalid_config` with [`Trouble::Key`] when there is no key, the text is not a key, or others can
    /// read the file; `store_unavailable` when the file cannot be read or written.
    pub fn load(&self, data_dir: &Path, wanted: Option<KeyId>) -> Result<Keyring> {
        match self {
            Self::Value(text) => Keyring::parse(text).map_err(|error| error.at("the given key")),
            Self::File(path) => read(path)?.ok_or_else(|| missing(path, wanted)),
            Self::DataDir => {
                let path = data_dir.join(FILE);
                match (read(&path)?, wanted) {
                    (Some(keyring), _) => Ok(keyring),
                    (None, Some(_)) => Err(missing(&path, wanted)),
                    (None, None) => create(&path),
                }
            }
        }
    }

    /// The file that the keys are in, if they are in one.
    pub(crate) fn file(&self, data_dir: &Path) -> Option<PathBuf> {
        match self {
            Self::Value(_) => None,
            Self::File(path) => Some(path.clone()),
            Self::DataDir => Some(data_dir.join(FILE)),
        }
    }
}

/// Replaces what is in a key file, durably: a crash leaves the one or the other. What a link leads to is replaced,
/// not the link.
pub(crate) fn replace(path: &Path, keyring: &Keyring) -> Result<()> {
    let path = fs::canonicalize(path).map_err(|error| trouble::io("find the key file", path, error))?;
    files::write_private(&path, &keyring.to_lines())
}

/// Makes what somebody else wrote to a key file durable, where that is possible.
pub(crate) fn sync(path: &Path) {
    // What cannot be written has been written for good.
    let _ = fs::File::open(path).and_then(|file| file.sync_all());
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(_) => f.write_str("Value(********)"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::DataDir => f.write_str("DataDir"),
        }
    }
}

fn missing(path: &Path, wanted: Option<KeyId>) -> Error {
    let path = path.display();
    Trouble::Key.on(Error::invalid(match wanted {
        Some(id) => format!(
            "no master key: the database is sealed with key {id}, and {path} is missing; put that key back there \
             or give it in TRUNKLINE_KEY"
        ),
        None => format!(
            "the key file {path} is missing; create it with: (umask 077; openssl rand -hex 32 > {path})"
        ),
    }))
}

/// Reads a key file; `None` when it is missing.
fn read(path: &Path) -> Result<Option<Keyring>> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(trouble::io("read the key file", path, error)),
    };
    #[cfg(unix)]
    {
        let metadata = file.metadata().map_err(|error| trouble::io("read the key file", path, error))?;
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
        if mode & 0o077 != 0 {
            let path = path.display();
            return Err(Trouble::Key.on(Error::invalid(format!(
                "the key file {path} is open to others (mode {:04o}): run chmod 600 {path}",
                mode & 0o7777
            ))));
        }
    }
    // Room for the whole file at once: a growing string would leave copies of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(MAX_FILE as usize + 1));
    file.take(MAX_FILE)
        .read_to_end(&mut text)
        .map_err(|error| trouble::io("read the key file", path, error))?;
    let text = std::str::from_utf8(&text).unwrap_or_default();
    Keyring::parse(text).map(Some).map_err(|error| error.at(&format!("the key file {}", path.display())))
}

/// Generates a key into `path`, durably.
fn create(path: &Path) -> Result<Keyring> {
    let key = MasterKey::generate()?;
    let keyring = Keyring::new(key, Vec::new());
    files::write_private(path, &keyring.to_lines())?;
    tracing::warn!(
        path = %path.display(), key_id = %keyring.primary().id(),
        "generated the master key; keep a copy apart from the backups of the database: without it nothing stored can be read",
    );
    Ok(keyring)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_debug_output_holds_a_given_key() {
        assert_eq!(format!("{:?}", KeySource::choose(Some("hunter2".into()), None)), "Value(********)");
    }

    #[test]
    fn a_value_goes_before_a_file_and_a_file_before_the_data_directory() {
        let file = || Some(PathBuf::from("/k"));
        assert!(matches!(KeySource::choose(Some("value".into()), file()), KeySource::Value(_)));
        assert!(matches!(KeySource::choose(None, file()), KeySource::File(_)));
        assert!(matches!(KeySource::choose(None, None), KeySource::DataDir));
    }

    #[test]
    fn a_generated_key_is_private_and_read_back() {
        let dir = tempfile::tempdir().unwrap();
        let made = KeySource::DataDir.load(dir.path(), None).unwrap();
        let read = KeySource::DataDir.load(dir.path(), Some(made.primary().id())).unwrap();
        assert_eq!(read.primary().id(), made.primary().id());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(dir.path().join(FILE)).unwrap().permissions().mode();
            assert_eq!(mode & 0o7777, 0o600);
        }
    }

    #[test]
    fn an_explicit_key_file_is_never_generated() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("elsewhere.key");
        let error = KeySource::File(path.clone()).load(dir.path(), None).unwrap_err();
        assert_eq!(Trouble::of(&error), Some(Trouble::Key));
        assert!(!path.exists());
    }
}
