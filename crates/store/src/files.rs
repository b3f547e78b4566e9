//! The files of a data directory: private to their owner, durable once written, used by one process.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{ErrorKind, Read as _, Seek as _, Write as _},
    path::{Path, PathBuf},
};

use trunkline_core::{Error, Kind, RequestId, Result};

use crate::trouble::{self, Trouble};

/// Creates `dir` and its missing parents, open to the owner alone. An existing directory is left as it is.
pub(crate) fn create_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    let missing: Vec<_> = dir.ancestors().take_while(|dir| !dir.exists()).collect();
    builder.create(dir).map_err(|error| trouble::io("create the directory", dir, error))?;
    missing.into_iter().filter_map(Path::parent).try_for_each(sync_dir)
}

/// Makes what was created, moved or removed in `dir` durable.
fn sync_dir(dir: &Path) -> Result<()> {
    // Windows has no handle to synchronise a directory with.
    #[cfg(unix)]
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(|error| trouble::io("synchronise", dir, error))?;
    Ok(())
}

/// Options that create a file which only its owner can read.
fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Creates an empty private file. SQLite gives its `-wal` and `-shm` files the mode of the database.
pub(crate) fn create_private(file: &Path) -> Result<()> {
    private().create_new(true).open(file).map_err(|error| trouble::io("create", file, error))?;
    Ok(())
}

/// Writes a private file so that after a crash it is there whole or not at all.
pub(crate) fn write_private(file: &Path, content: &[u8]) -> Result<()> {
    let new = beside(file, ".new");
    remove(&new)?;
    let write = || {
        let mut handle = private().create_new(true).open(&new)?;
        handle.write_all(content)?;
        handle.sync_all()
    };
    write().map_err(|error| trouble::io("write", &new, error))?;
    rename(&new, file)
}

/// Makes the content of a file durable.
pub(crate) fn sync(file: &Path) -> Result<()> {
    File::open(file).and_then(|file| file.sync_all()).map_err(|error| trouble::io("synchronise", file, error))
}

/// Moves a file and makes the move durable.
pub(crate) fn rename(from: &Path, to: &Path) -> Result<()> {
    fs::rename(from, to).map_err(|error| trouble::io("move into place", to, error))?;
    // A bare name is in the working directory.
    let dir = to.parent().filter(|dir| !dir.as_os_str().is_empty());
    sync_dir(dir.unwrap_or(Path::new(".")))
}

/// Removes a file that may be missing.
pub(crate) fn remove(file: &Path) -> Result<()> {
    match fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(trouble::io("remove", file, error)),
        _ => Ok(()),
    }
}

/// The length of a file; `None` when it is missing.
pub(crate) fn len(file: &Path) -> Result<Option<u64>> {
    match fs::metadata(file) {
        Ok(metadata) => Ok(Some(metadata.len())),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(trouble::io("read", file, error)),
    }
}

/// The path with `suffix` appended to its name.
pub(crate) fn beside(file: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(file);
    name.push(suffix);
    name.into()
}

/// The length of what is written into the lock: of a UUID. Anything else was not written to its end.
const NAME: usize = 36;

/// The advisory lock on a data directory, held until it is dropped. The kernel drops it with the process.
#[derive(Debug)]
pub(crate) struct Lock {
    /// Held open: closing it gives the lock up.
    file: File,
}

impl Lock {
    /// Takes the lock, or says that another process has it.
    pub(crate) fn take(dir: &Path) -> Result<Self> {
        let path = dir.join("trunkline.lock");
        let file = private().read(true).create(true).open(&path);
        let file = file.map_err(|error| trouble::io("open", &path, error))?;
        match file.try_lock() {
            Ok(()) => Ok(Self { file }),
            Err(TryLockError::WouldBlock) => Err(Trouble::Locked.on(Error::new(
                Kind::Store,
                format!(
                    "the data directory {} is in use by another trunkline process: stop it, or choose another \
                     directory",
                    dir.display()
                ),
            ))),
            Err(TryLockError::Error(error)) => Err(trouble::io("lock", &path, error)),
        }
    }

    /// What tells the directory from all others: written into the file that nobody copies, since nobody else may hold it. A
    /// directory that is made of a copy has another one.
    pub(crate) fn name(&self) -> std::io::Result<String> {
        let mut text = String::new();
        let mut file = &self.file;
        file.rewind()?;
        let read = file.read_to_string(&mut text);
        if read.is_ok() && text.len() == NAME {
            return Ok(text);
        }
        let name = RequestId::new().to_string();
        file.set_len(0)?;
        file.rewind()?;
        file.write_all(name.as_bytes())?;
        file.sync_all()?;
        Ok(name)
    }
}
