//! `Output`: prints for a person on a terminal, and JSON for everything else that asks for it.

use std::{
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use serde::Serialize;
use serde_json::json;

use crate::exit::Exit;

/// Where results go.
#[derive(Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether JSON was asked for.
    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints a line. That nobody reads it any more is no error: `| head` does that.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        let _ = writeln!(io::stdout(), "{}", text.as_ref());
    }

    /// Says something on standard error that is no failure.
    pub(crate) fn note(&self, text: impl AsRef<str>) {
        let _ = writeln!(io::stderr(), "{}", text.as_ref());
    }

    /// Prints bytes as they are, and says whether anybody still reads them.
    pub(crate) fn bytes(&self, bytes: &[u8]) -> bool {
        let mut stdout = io::stdout();
        stdout.write_all(bytes).and_then(|()| stdout.flush()).is_ok()
    }

    /// Prints what is kept in a file as often as it is read, all of it. That nobody reads it any more is no error.
    pub(crate) fn document(&self, text: &str) -> Result<(), Exit> {
        let mut stdout = io::stdout();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                Err(Exit::failed(format!("standard output cannot be written: {error}")))
            }
            _ => Ok(()),
        }
    }

    /// Ends what was printed as bytes: on a terminal the prompt stands on a line of its own.
    pub(crate) fn end(&self) {
        if io::stdout().is_terminal() {
            self.line("");
        }
    }

    /// Prints a value as JSON.
    pub(crate) fn value(&self, value: &impl Serialize) {
        self.line(serde_json::to_string_pretty(value).unwrap_or_default());
    }

    /// Prints rows under titles, in columns.
    pub(crate) fn table<const N: usize>(&self, titles: [&str; N], rows: &[[String; N]]) {
        let width = |at: usize| {
            rows.iter().map(|row| row[at].chars().count()).chain([titles[at].len()]).max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        let line = |cells: [&str; N]| {
            let cells = cells
                .iter()
                .zip(widths)
                .map(|(cell, width)| format!("{}{}", cell, " ".repeat(width - cell.chars().count())));
            cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        };
        self.line(line(titles));
        for row in rows {
            self.line(line(std::array::from_fn(|at| row[at].as_str())));
        }
    }

    /// Says on standard error what went wrong.
    pub(crate) fn fail(&self, exit: &Exit) -> ExitCode {
        let mut stderr = io::stderr();
        let _ = if self.json {
            writeln!(stderr, "{}", json!({ "error": exit.message, "code": exit.code }))
        } else {
            let shown = exit.message.split('\n').map(plain).collect::<Vec<_>>().join("\n");
            writeln!(stderr, "trunkline: {shown}")
        };
        ExitCode::from(exit.code)
    }
}

/// Text from elsewhere, without what could move the cursor of a terminal or turn the words around.
pub(crate) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_unprintable(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether a terminal does something else with it than to show it: control characters, line separators,
/// and marks that change the direction of writing (Unicode Standard Annex 9, section 2).
pub(crate) fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
