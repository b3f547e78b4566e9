//! The commands, one a file.

pub(crate) mod backup;
pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod connect;
pub(crate) mod connections;
pub(crate) mod connector;
pub(crate) mod disconnect;
pub(crate) mod events;
pub(crate) mod health;
pub(crate) mod keys;
pub(crate) mod list;
pub(crate) mod query;
pub(crate) mod register;
pub(crate) mod restore;
pub(crate) mod schema;
pub(crate) mod serve;
pub(crate) mod stream;
pub(crate) mod token;
pub(crate) mod r#try;

use std::{io::Read, path::PathBuf};

use trunkline::KeySource;

use crate::{exit::Exit, output::plain};

/// The text of a file, or of standard input for `-`.
pub(crate) fn read(path: &str) -> Result<String, Exit> {
    let text = if path == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(path)
    };
    text.map_err(|error| Exit::input(format!("{}: cannot be read: {error}", plain(path))))
}

/// A variable of the environment that says something.
pub(crate) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Where the master key is, as the environment says.
pub(crate) fn key_source() -> KeySource {
    KeySource::choose(variable("TRUNKLINE_KEY"), variable("TRUNKLINE_KEY_FILE").map(PathBuf::from))
}
