//! The commands, one a file.

pub(crate) mod call;
pub(crate) mod check;
pub(crate) mod health;
pub(crate) mod list;
pub(crate) mod register;
pub(crate) mod serve;

use std::io::Read;

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
