//! Where a database of SQLite is: in memory, or in a file that must not be elsewhere than files may be.

use std::{
    hash::{BuildHasher, RandomState},
    io,
    path::{Component, Path, PathBuf},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rusqlite::{Connection, OpenFlags};
use trunkline_core::{Error, Kind, Result};

use super::{super::address::Address, codes};

/// Where a database is, and whether it may be written.
#[derive(Debug)]
pub(super) struct Place {
    whence: Whence,
    /// The only folder it may be in.
    folder: Option<PathBuf>,
    mode: Mode,
}

#[derive(Debug)]
enum Whence {
    File(PathBuf),
    Memory {
        /// Known to this process alone, by a name that nobody can guess.
        name: String,
        /// The database is there as long as somebody has it open.
        keeper: Mutex<Option<Connection>>,
    },
}

/// How a file is opened; SQLite's names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// `ro`
    Read,
    /// `rw`: it must be there.
    Write,
    /// `rwc`: it is made if it is not there.
    Create,
}

/// How files end that SQLite keeps beside a database (sqlite.org/tempfiles.html).
const SIDE_FILES: [&str; 3] = ["-wal", "-shm", "-journal"];

impl Place {
    /// The place that an address says, and the `busy_timeout` that stands in it. Nothing is looked at yet.
    ///
    /// # Errors
    ///
    /// `invalid_config` for a path out of `folder`, a URI, and a parameter that is not known.
    pub(super) fn of(
        address: &Address,
        read_only: bool,
        folder: Option<&Path>,
    ) -> Result<(Self, Option<Duration>)> {
        let (mut mode, mut memory, mut busy) = (Mode::Create, address.database.is_none(), None);
        for (name, value) in &address.params {
            match (&**name, &**value) {
                ("mode", "ro") => mode = Mode::Read,
                ("mode", "rw") => mode = Mode::Write,
                ("mode", "rwc") => mode = Mode::Create,
                ("mode", "memory") => memory = true,
                ("mode", _) => return Err(Error::invalid("base_url: mode must be ro, rw, rwc or memory")),
                ("busy_timeout", value) => {
                    // Milliseconds, as in SQLite's pragma.
                    let millis = value.parse().map_err(|_| {
                        Error::invalid("base_url: busy_timeout must be a number of milliseconds")
                    })?;
                    busy = Some(Duration::from_millis(millis));
                }
                (name, _) => {
                    let name: String = name.chars().filter(|c| !c.is_control()).take(32).collect();
                    return Err(Error::invalid(format!(
                        "base_url: parameter {name} is not taken; only mode and busy_timeout are"
                    )));
                }
            }
        }
        if read_only {
            mode = Mode::Read;
        }
        let whence = match (&address.database, memory) {
            (_, true) if mode == Mode::Read => {
                return Err(Error::invalid("base_url: a database in memory that is read only stays empty"));
            }
            (None, _) | (_, true) => Whence::memory(),
            (Some(path), false) if SIDE_FILES.iter().any(|end| path.ends_with(end)) => {
                return Err(Error::invalid(
                    "base_url: names a file that SQLite keeps beside a database; name the database",
                ));
            }
            (Some(path), false) => Whence::File(lexical(path, folder)?),
        };
        Ok((Self { whence, folder: folder.map(Path::to_owned), mode }, busy))
    }

    /// Whether it is in memory.
    pub(super) fn is_memory(&self) -> bool {
        matches!(self.whence, Whence::Memory { .. })
    }

    /// Whether nothing can be written.
    pub(super) fn is_read_only(&self) -> bool {
        self.mode == Mode::Read
    }

    /// Opens a connection. It blocks.
    ///
    /// # Errors
    ///
    /// `invalid_config` where the path leads elsewhere than it may, `unavailable` where the file cannot be opened.
    pub(super) fn open(&self) -> Result<Connection> {
        // Each connection is used by one thread at a time.
        let flags = OpenFlags::SQLITE_OPEN_NO_MUTEX;
        match &self.whence {
            Whence::Memory { name, keeper } => {
                let uri = format!("file:/{name}?vfs=memdb");
                let flags = flags
                    | OpenFlags::SQLITE_OPEN_URI
                    | OpenFlags::SQLITE_OPEN_READ_WRITE
                    | OpenFlags::SQLITE_OPEN_CREATE;
                let open =
                    || Connection::open_with_flags(&uri, flags).map_err(|error| codes::cannot_open(&error));
                let mut keeper = keeper.lock().unwrap_or_else(PoisonError::into_inner);
                if keeper.is_none() {
                    *keeper = Some(open()?);
                }
                drop(keeper);
                open()
            }
            Whence::File(path) => {
                let flags = flags
                    | OpenFlags::SQLITE_OPEN_NOFOLLOW
                    | match self.mode {
                        Mode::Read => OpenFlags::SQLITE_OPEN_READ_ONLY,
                        Mode::Write => OpenFlags::SQLITE_OPEN_READ_WRITE,
                        Mode::Create => OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE,
                    };
                let path = self.real(path)?;
                Connection::open_with_flags(path, flags).map_err(|error| codes::cannot_open(&error))
            }
        }
    }

    /// The path without links, so that it is seen where it leads; none is followed afterwards.
    fn real(&self, path: &Path) -> Result<PathBuf> {
        let folder = match &self.folder {
            None => None,
            Some(folder) => {
                if self.mode == Mode::Create {
                    std::fs::create_dir_all(folder).map_err(|error| unreadable(&error))?;
                }
                Some(folder.canonicalize().map_err(|error| unreadable(&error))?)
            }
        };
        let path = folder.as_deref().map_or_else(|| path.to_owned(), |folder| folder.join(path));
        let real = match path.canonicalize() {
            Ok(real) => real,
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.mode == Mode::Create => {
                let name = path.file_name().ok_or_else(|| Error::invalid("base_url: names no file"))?;
                // A link that leads nowhere is no file that could be made.
                if path.is_symlink() {
                    return Err(unreadable(&error));
                }
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
                let parent = parent.unwrap_or(Path::new("."));
                parent.canonicalize().map_err(|error| unreadable(&error))?.join(name)
            }
            Err(error) => return Err(unreadable(&error)),
        };
        match folder {
            Some(folder) if !real.starts_with(&folder) => Err(elsewhere()),
            _ => Ok(real),
        }
    }
}

impl Whence {
    fn memory() -> Self {
        let chance = || RandomState::new().hash_one(());
        Self::Memory { name: format!("{:016x}{:016x}", chance(), chance()), keeper: Mutex::default() }
    }
}

/// What can be told of a path without looking: that it is no URI, and does not climb out of the folder.
fn lexical(path: &str, folder: Option<&Path>) -> Result<PathBuf> {
    if path.contains('\0') {
        return Err(Error::invalid("base_url: holds a NUL byte"));
    }
    if path.get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("file:")) {
        return Err(Error::invalid("base_url: URIs of SQLite are not taken; write sqlite: and the path"));
    }
    let path = PathBuf::from(path);
    let climbs = path.components().any(|part| part == Component::ParentDir);
    if folder.is_some() && climbs {
        return Err(elsewhere());
    }
    if path.file_name().is_none() {
        return Err(Error::invalid("base_url: names no file"));
    }
    Ok(path)
}

fn elsewhere() -> Error {
    Error::invalid(
        "base_url: leads out of the folder that databases may be in (databases in the data folder, unless \
         server.databases says otherwise)",
    )
}

fn unreadable(error: &io::Error) -> Error {
    let message = format!("the file of the database cannot be opened: {}", error.kind());
    Error::new(Kind::Unavailable, message)
}
