//! The log of the server: one line an event, whatever stands in it, and no secret in any.

use std::{fmt, io::IsTerminal};

use clap::ValueEnum;
use tracing::field::{Field, Visit};
use tracing_subscriber::{
    EnvFilter,
    field::RecordFields,
    fmt::{FormatFields, format::Writer},
};

/// How a log line looks.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object a line.
    Json,
}

/// Libraries that carry credentials. What they write when asked for detail is not ours to vouch for, so
/// they get to say what goes wrong, whatever `RUST_LOG` asks for.
const CARRIERS: [&str; 9] =
    ["axum", "h2", "hyper", "hyper_util", "mio", "rustls", "sqlx", "tokio_rustls", "tower"];

/// Begins to log to standard error.
pub(crate) fn start(format: LogFormat) {
    let builder = tracing_subscriber::fmt().with_env_filter(filter()).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => {
            builder.with_ansi(std::io::stderr().is_terminal()).fmt_fields(OneLine).init();
        }
        LogFormat::Json => builder.json().init(),
    }
}

/// What `RUST_LOG` says, with a lid on the carriers.
fn filter() -> EnvFilter {
    let asked = std::env::var("RUST_LOG").unwrap_or_default();
    let own = asked.split(',').filter(|directive| !is_of_carrier(directive)).collect::<Vec<_>>().join(",");
    let own = if own.trim().is_empty() { "info" } else { &own };
    let filter = EnvFilter::try_new(own).unwrap_or_else(|_| EnvFilter::new("info"));
    CARRIERS.iter().fold(filter, |filter, carrier| {
        filter.add_directive(format!("{carrier}=warn").parse().expect("a name and a level are a directive"))
    })
}

/// Whether a directive is for a module of a carrier, which would outrank the lid.
fn is_of_carrier(directive: &str) -> bool {
    let target = directive.trim().split(['=', '[', ':']).next().unwrap_or_default();
    CARRIERS.contains(&target) || directive.contains('[')
}

/// Fields on one line: what came from elsewhere may hold line breaks, or move a terminal's cursor.
#[derive(Debug)]
struct OneLine;

impl<'w> FormatFields<'w> for OneLine {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut line = Line { writer, begun: false, result: Ok(()) };
        fields.record(&mut line);
        line.result
    }
}

struct Line<'w> {
    writer: Writer<'w>,
    begun: bool,
    result: fmt::Result,
}

impl Visit for Line<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let gap = if std::mem::replace(&mut self.begun, true) { " " } else { "" };
        let text = escaped(&format!("{value:?}"));
        let written = match field.name() {
            "message" => write!(self.writer, "{gap}{text}"),
            // What the `log` facade adds is on the line already.
            name if name.starts_with("log.") => return,
            name => write!(self.writer, "{gap}{name}={text}"),
        };
        self.result = self.result.and(written);
    }
}

/// The text with control characters, and those that turn the direction of writing, as escapes.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if crate::output::is_unprintable(c) { out.extend(c.escape_default()) } else { out.push(c) }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_break_a_line_or_move_a_cursor_is_escaped() {
        assert_eq!(escaped("a\r\nb\x1b[31m\0\u{9b}\u{202e}é"), r"a\r\nb\u{1b}[31m\u{0}\u{9b}\u{202e}é");
    }

    #[test]
    fn no_directive_lifts_the_lid() {
        for directive in [
            "hyper=trace",
            " h2=debug",
            "rustls",
            "hyper_util::client=trace",
            "[span]=trace",
            "sqlx[q]=debug",
        ] {
            assert!(is_of_carrier(directive), "{directive}");
        }
        for directive in ["trace", "trunkline=debug", "trunkline_server::watch=info", "hyperx=trace"] {
            assert!(!is_of_carrier(directive), "{directive}");
        }
    }
}
