//! `Address`: a connection string, taken apart: `postgres://user:password@host:5432/database?sslmode=require`.

use std::{borrow::Cow, path::PathBuf};

use percent_encoding::percent_decode_str;
use trunkline_core::{Error, Result, Secret};

use super::engine::Login;

/// Which database speaks at an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum System {
    Postgres,
    MySql,
    Sqlite,
}

/// The schemes of connection strings. What SQLAlchemy writes after a `+` names a driver of Python's, and is ignored.
const SCHEMES: &[(&str, System)] = &[
    ("postgres", System::Postgres),
    ("postgresql", System::Postgres),
    ("mysql", System::MySql),
    ("mariadb", System::MySql),
    ("sqlite", System::Sqlite),
];

/// A connection string, taken apart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Address {
    pub(crate) system: System,
    pub(crate) place: Place,
    /// Of the user and the password that are in it.
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Password>,
    /// The database, or what SQLite has for one: a path.
    pub(crate) database: Option<String>,
    /// What stands after the `?`.
    pub(crate) params: Vec<(String, String)>,
}

/// A password that is equal to another of the same text, for tests.
#[derive(Debug, Clone)]
pub(crate) struct Password(pub(crate) Secret);

impl PartialEq for Password {
    fn eq(&self, other: &Self) -> bool {
        let text = |password: &Self| password.0.expose().map(|text| text.to_string()).ok();
        text(self) == text(other)
    }
}

/// Where a server listens.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Place {
    /// A host, and a port where it is not the usual one.
    Host(String, Option<u16>),
    /// A Unix socket, or the folder that it is in.
    Socket(PathBuf),
    /// Nowhere: a file.
    File,
}

impl System {
    /// That of a connection string, by its scheme.
    pub(crate) fn of(text: &str) -> Option<Self> {
        let scheme = text.split(':').next().unwrap_or_default();
        let scheme = scheme.split('+').next().unwrap_or_default();
        SCHEMES.iter().find(|(name, _)| name.eq_ignore_ascii_case(scheme)).map(|(_, system)| *system)
    }
}

impl Address {
    /// Takes a connection string apart. User and password may hold any character: those that have a meaning in URLs
    /// are best percent-encoded, but an `@` or a `/` that is not is understood where it can be.
    ///
    /// # Errors
    ///
    /// `invalid_config`, which does not repeat the string.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let Some(system) = System::of(text) else {
            return Err(Error::invalid(
                "is not a connection string such as postgres://user:password@host:5432/database; it begins with \
                 postgres, mysql, mariadb or sqlite",
            ));
        };
        let rest = text.split_once(':').map_or("", |(_, rest)| rest);
        if system == System::Sqlite {
            if rest.is_empty() {
                return Err(Error::invalid(
                    "names no file, as in sqlite:shop.db; sqlite::memory: is for one in memory",
                ));
            }
            return Ok(sqlite(rest));
        }
        let Some(rest) = rest.strip_prefix("//") else {
            return Err(Error::invalid("has no // after the scheme, as in postgres://host/database"));
        };
        let (rest, query) =
            rest.rsplit_once('?').filter(|(_, query)| !query.contains('@')).unwrap_or((rest, ""));
        let (login, rest) = match rest.rsplit_once('@') {
            Some((login, rest)) => (Some(login), rest),
            None => (None, rest),
        };
        let (host, database) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, password) = match login.map(|login| login.split_once(':').unwrap_or((login, ""))) {
            None => (None, None),
            Some((user, "")) => (Some(decoded(user)), None),
            Some((user, password)) => (Some(decoded(user)), Some(Password(Secret::new(decoded(password))))),
        };
        let params: Vec<_> = pairs(query).collect();
        let listed =
            |name: &str| params.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        let socket = listed(if system == System::Postgres { "host" } else { "socket" });
        let place = match (socket.filter(|path| path.starts_with('/')), decoded(host)) {
            // The folder, as libpq has it; then the port is part of the name of the socket.
            (Some(path), host) => match host.split_once(':').filter(|_| system == System::Postgres) {
                Some((_, port)) => {
                    let port: u16 = port.parse().map_err(|_| Error::invalid("has a port that is none"))?;
                    Place::Socket(PathBuf::from(path).join(format!(".s.PGSQL.{port}")))
                }
                None => Place::Socket(path.into()),
            },
            (None, path) if path.starts_with('/') => Place::Socket(path.into()),
            (None, _) => place(host)?,
        };
        let params = params.into_iter().filter(|(name, _)| !matches!(&**name, "host" | "socket")).collect();
        let database = Some(decoded(database)).filter(|name| !name.is_empty());
        Ok(Self { system, place, user, password, database, params })
    }

    /// Who logs in.
    pub(crate) fn login(&self) -> Login {
        Login { user: self.user.clone(), password: self.password.as_ref().map(|password| password.0.clone()) }
    }
}

/// `sqlite:shop.db`, and as SQLAlchemy has it: `sqlite:///shop.db` is relative, `sqlite:////srv/shop.db` is not, and
/// `sqlite://` is in memory.
fn sqlite(rest: &str) -> Address {
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let path = match path.strip_prefix("//") {
        Some(path) => path.strip_prefix('/').unwrap_or(path),
        None => path,
    };
    Address {
        system: System::Sqlite,
        place: Place::File,
        user: None,
        password: None,
        database: Some(decoded(path)).filter(|path| !path.is_empty() && path != ":memory:"),
        params: pairs(query).collect(),
    }
}

fn place(host: &str) -> Result<Place> {
    let bad = || Error::invalid("has no host and port such as db.example.com:5432");
    if host.contains(',') {
        return Err(Error::invalid("names several hosts; name one, or an address that stands for them"));
    }
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port.parse().map_err(|_| bad())?)),
        _ => (host, None),
    };
    let host = decoded(host);
    let odd = |c: char| c.is_control() || c.is_whitespace() || "/\\@?#,%".contains(c);
    if host.contains(odd) || port == Some(0) {
        return Err(bad());
    }
    Ok(Place::Host(if host.is_empty() { "localhost".to_owned() } else { host }, port))
}

fn pairs(query: &str) -> impl Iterator<Item = (String, String)> {
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
}

fn decoded(text: &str) -> String {
    let text: Cow<'_, str> = percent_decode_str(text).decode_utf8_lossy();
    text.into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_may_hold_any_character() {
        for (text, user, password) in [
            ("postgres://u:p%40ss%3A%2F%2540word@h/d", "u", Some("p@ss:/%40word")),
            ("postgres://u:p@ss:/word@h/d", "u", Some("p@ss:/word")),
            ("postgres://u:p?ss#@h/d", "u", Some("p?ss#")),
            ("postgres://a%20b@h/d", "a b", None),
            ("postgres://u:50%@h/d", "u", Some("50%")),
            ("postgres://u:p\u{e4}\u{df}'\"\\@h/d", "u", Some("p\u{e4}\u{df}'\"\\")),
        ] {
            let found = Address::parse(text).unwrap();
            assert_eq!(found.user.as_deref(), Some(user), "{text}");
            assert_eq!(found.password, password.map(|text| Password(Secret::new(text))), "{text}");
            assert_eq!(
                (found.place, found.database.as_deref()),
                (Place::Host("h".into(), None), Some("d")),
                "{text}"
            );
        }
    }

    #[test]
    fn addresses_are_found_in_every_spelling() {
        use System::{MySql, Postgres, Sqlite};
        let host = |host: &str, port| Place::Host(host.to_owned(), port);
        for (text, system, place, database) in [
            ("postgres://h", Postgres, host("h", None), None),
            ("POSTGRESQL+asyncpg://h:6432/a", Postgres, host("h", Some(6432)), Some("a")),
            ("postgres:///a", Postgres, host("localhost", None), Some("a")),
            ("postgres:///a?host=/run/pg", Postgres, Place::Socket("/run/pg".into()), Some("a")),
            (
                "postgres://:5433/a?host=/run/pg",
                Postgres,
                Place::Socket("/run/pg/.s.PGSQL.5433".into()),
                Some("a"),
            ),
            ("postgres://%2Frun%2Fpg/a", Postgres, Place::Socket("/run/pg".into()), Some("a")),
            ("postgres://[::1]:5433/a", Postgres, host("[::1]", Some(5433)), Some("a")),
            ("postgres://[::1]/a", Postgres, host("[::1]", None), Some("a")),
            (
                "mysql+pymysql://h/a?socket=/run/my.sock",
                MySql,
                Place::Socket("/run/my.sock".into()),
                Some("a"),
            ),
            ("mariadb://h:3307", MySql, host("h", Some(3307)), None),
            ("sqlite:shop.db", Sqlite, Place::File, Some("shop.db")),
            ("sqlite:///shop.db", Sqlite, Place::File, Some("shop.db")),
            ("sqlite+aiosqlite:////srv/shop.db?mode=ro", Sqlite, Place::File, Some("/srv/shop.db")),
            ("sqlite://", Sqlite, Place::File, None),
            ("sqlite::memory:", Sqlite, Place::File, None),
        ] {
            let found = Address::parse(text).unwrap();
            assert_eq!(
                (found.system, found.place, found.database.as_deref()),
                (system, place, database),
                "{text}"
            );
        }
    }

    #[test]
    fn what_is_no_connection_string_is_refused_and_not_repeated() {
        for text in [
            "",
            "hunter2",
            "https://hunter2@h/",
            "postgres:hunter2",
            "sqlite:",
            "postgres://u:hunter2@h:port/d",
            "postgres://u:hunter2@h:0/d",
            "postgres://u:hunter2@a,b/d",
            "postgres://u:hunter2@h h/d",
            "postgres://u:hunter2@a%2Cb/d",
            "postgres://u:hunter2@a%00b/d",
            "postgres://u:hunter2@[fe80::1%25eth0]/d",
        ] {
            let error = Address::parse(text).unwrap_err();
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
}
