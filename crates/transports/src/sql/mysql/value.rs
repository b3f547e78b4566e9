//! Columns and values of a result as JSON.
//!
//! | type | JSON |
//! |---|---|
//! | `TINYINT` … `BIGINT`, `BIT`, `YEAR` | number; string beyond 2^53 |
//! | `DECIMAL` | number with its digits; string where a double would lose one |
//! | `FLOAT`, `DOUBLE` | number in the shortest digits |
//! | `DATE` | `2024-01-02` |
//! | `DATETIME(n)` | `2024-01-02T03:04:05`, with n digits more |
//! | `TIMESTAMP(n)` | the same with `Z`: sessions are in UTC |
//! | `TIME(n)` | `-838:59:59`, with n digits more: it is a span, not a time of day |
//! | `CHAR`, `TEXT`, `ENUM`, `SET`, `UUID`, `INET6`, … | string |
//! | `BINARY`, `BLOB`, `VECTOR` | base64 |
//! | `GEOMETRY` | base64 of what the server has: four bytes of the SRID, then WKB |
//! | `JSON` of MySQL | as it is |
//!
//! A date whose month or day is 0 is the server's own text, `0000-00-00 00:00:00`.

use std::sync::Arc;

use mysql_async::{
    Column, Value,
    consts::{ColumnFlags, ColumnType},
};
use serde_json::value::RawValue;

use crate::sql::{json, output::Header};

/// The character set of bytes that are no text (`binary`).
const BINARY: u16 = 63;

/// How many results are remembered for a session.
const HEADS: usize = 32;

/// How the values of a column are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Integer,
    Decimal,
    Single,
    Double,
    Date,
    /// With so many digits of a second, and whether it is in UTC.
    Moment(u8, bool),
    /// With so many digits of a second.
    Span(u8),
    Bits,
    Text,
    Bytes,
    Json,
}

/// A result: its columns rendered, and how the values of each are written.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) header: Arc<Header>,
    pub(super) shapes: Arc<[Shape]>,
}

/// The results that a session had lately.
#[derive(Debug, Default)]
pub(super) struct Heads(Vec<(Arc<[Column]>, Head)>);

impl Heads {
    /// That of these columns.
    pub(super) fn of(&mut self, columns: &Arc<[Column]>) -> Head {
        let same = |known: &Arc<[Column]>| Arc::ptr_eq(known, columns) || known == columns;
        if let Some(place) = self.0.iter().position(|(known, _)| same(known)) {
            let found = self.0.remove(place);
            let head = found.1.clone();
            self.0.push(found);
            return head;
        }
        let names: Vec<_> = columns.iter().map(|column| (column.name_str(), name(column))).collect();
        let header = Header::new(names.iter().map(|(name, r#type)| (&**name, &**r#type)));
        let head = Head { header: Arc::new(header), shapes: columns.iter().map(shape).collect() };
        if self.0.len() >= HEADS {
            self.0.remove(0);
        }
        self.0.push((columns.clone(), head.clone()));
        head
    }
}

/// Whether `mysql_async` can read values of the column; it panics at others.
pub(super) fn is_readable(column: &Column) -> bool {
    use ColumnType::{
        MYSQL_TYPE_DATETIME2, MYSQL_TYPE_TIME2, MYSQL_TYPE_TIMESTAMP2, MYSQL_TYPE_TYPED_ARRAY,
        MYSQL_TYPE_UNKNOWN,
    };
    let internal = [
        MYSQL_TYPE_DATETIME2,
        MYSQL_TYPE_TIME2,
        MYSQL_TYPE_TIMESTAMP2,
        MYSQL_TYPE_TYPED_ARRAY,
        MYSQL_TYPE_UNKNOWN,
    ];
    !internal.contains(&column.column_type())
}

fn shape(column: &Column) -> Shape {
    use ColumnType::*;
    match column.column_type() {
        MYSQL_TYPE_TINY | MYSQL_TYPE_SHORT | MYSQL_TYPE_INT24 | MYSQL_TYPE_LONG | MYSQL_TYPE_LONGLONG
        | MYSQL_TYPE_YEAR => Shape::Integer,
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => Shape::Decimal,
        MYSQL_TYPE_FLOAT => Shape::Single,
        MYSQL_TYPE_DOUBLE => Shape::Double,
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => Shape::Date,
        MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => Shape::Moment(column.decimals(), false),
        MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 => Shape::Moment(column.decimals(), true),
        MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => Shape::Span(column.decimals()),
        MYSQL_TYPE_BIT => Shape::Bits,
        MYSQL_TYPE_JSON => Shape::Json,
        MYSQL_TYPE_GEOMETRY | MYSQL_TYPE_VECTOR => Shape::Bytes,
        _ if column.character_set() == BINARY => Shape::Bytes,
        _ => Shape::Text,
    }
}

/// The type as `CREATE TABLE` has it, as far as the protocol tells.
fn name(column: &Column) -> String {
    use ColumnType::*;
    let (flags, length, decimals) = (column.flags(), column.column_length(), column.decimals());
    let unsigned = flags.contains(ColumnFlags::UNSIGNED_FLAG);
    let integer = |name: &str| if unsigned { format!("{name} unsigned") } else { name.to_owned() };
    let digits = |name: &str| match decimals {
        1..=6 => format!("{name}({decimals})"),
        _ => name.to_owned(),
    };
    let binary = column.character_set() == BINARY;
    // Lengths of text are told in bytes of utf8mb4, four for each that its type counts.
    let large = |bytes: &str, text: &str| {
        let (prefix, own) = match length / if binary { 1 } else { 4 } {
            0..=0xff => ("tiny", length),
            0x100..=0xffff => ("", length),
            0x1_0000..=0xff_ffff => ("medium", length),
            _ => ("long", length),
        };
        let prefix = if own == u32::MAX { "long" } else { prefix };
        format!("{prefix}{}", if binary { bytes } else { text })
    };
    match column.column_type() {
        MYSQL_TYPE_TINY if length == 1 && !unsigned => "tinyint(1)".to_owned(),
        MYSQL_TYPE_TINY => integer("tinyint"),
        MYSQL_TYPE_SHORT => integer("smallint"),
        MYSQL_TYPE_INT24 => integer("mediumint"),
        MYSQL_TYPE_LONG => integer("int"),
        MYSQL_TYPE_LONGLONG => integer("bigint"),
        MYSQL_TYPE_YEAR => "year".to_owned(),
        MYSQL_TYPE_DECIMAL | MYSQL_TYPE_NEWDECIMAL => {
            // The length is that of the longest text, with a point and a sign.
            let figures = length.saturating_sub(u32::from(decimals > 0) + u32::from(!unsigned));
            integer(&format!("decimal({figures},{decimals})"))
        }
        MYSQL_TYPE_FLOAT => "float".to_owned(),
        MYSQL_TYPE_DOUBLE => "double".to_owned(),
        MYSQL_TYPE_DATE | MYSQL_TYPE_NEWDATE => "date".to_owned(),
        MYSQL_TYPE_DATETIME | MYSQL_TYPE_DATETIME2 => digits("datetime"),
        MYSQL_TYPE_TIMESTAMP | MYSQL_TYPE_TIMESTAMP2 => digits("timestamp"),
        MYSQL_TYPE_TIME | MYSQL_TYPE_TIME2 => digits("time"),
        MYSQL_TYPE_BIT => format!("bit({length})"),
        MYSQL_TYPE_JSON => "json".to_owned(),
        MYSQL_TYPE_GEOMETRY => "geometry".to_owned(),
        MYSQL_TYPE_VECTOR => "vector".to_owned(),
        MYSQL_TYPE_NULL => "null".to_owned(),
        MYSQL_TYPE_ENUM => "enum".to_owned(),
        MYSQL_TYPE_SET => "set".to_owned(),
        _ if flags.contains(ColumnFlags::ENUM_FLAG) => "enum".to_owned(),
        _ if flags.contains(ColumnFlags::SET_FLAG) => "set".to_owned(),
        MYSQL_TYPE_TINY_BLOB | MYSQL_TYPE_MEDIUM_BLOB | MYSQL_TYPE_LONG_BLOB | MYSQL_TYPE_BLOB => {
            large("blob", "text")
        }
        MYSQL_TYPE_STRING => if binary { "binary" } else { "char" }.to_owned(),
        MYSQL_TYPE_VARCHAR | MYSQL_TYPE_VAR_STRING => if binary { "varbinary" } else { "varchar" }.to_owned(),
        _ => "unknown".to_owned(),
    }
}

/// Writes a value. Statements that cannot be prepared yield the same values as text.
pub(super) fn write(out: &mut Vec<u8>, shape: Shape, value: &Value) {
    match (shape, value) {
        (_, Value::NULL) => out.extend_from_slice(b"null"),
        (_, Value::Int(value)) => json::integer(out, *value),
        (_, Value::UInt(value)) => json::unsigned(out, *value),
        (_, Value::Float(value)) => json::single(out, *value),
        (_, Value::Double(value)) => json::double(out, *value),
        (Shape::Date, Value::Date(year, month, day, ..)) => {
            quoted(out, format_args!("{year:04}-{month:02}-{day:02}"));
        }
        (_, Value::Date(year, month, day, hour, minute, second, micros)) => {
            let (digits, utc) =
                if let Shape::Moment(digits, utc) = shape { (digits, utc) } else { (6, false) };
            let text = format!("{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}");
            moment(out, text + &fraction(*micros, digits), utc);
        }
        (_, Value::Time(negative, days, hours, minutes, seconds, micros)) => {
            let digits = if let Shape::Span(digits) = shape { digits } else { 6 };
            let (sign, hours) = (if *negative { "-" } else { "" }, days * 24 + u32::from(*hours));
            let fraction = fraction(*micros, digits);
            quoted(out, format_args!("{sign}{hours:02}:{minutes:02}:{seconds:02}{fraction}"));
        }
        (_, Value::Bytes(bytes)) => text(out, shape, bytes),
    }
}

/// Writes a value that came as text, or in bytes of its own.
fn text(out: &mut Vec<u8>, shape: Shape, bytes: &[u8]) {
    let read = std::str::from_utf8(bytes).ok();
    match shape {
        // As text, years and numbers with ZEROFILL have zeros in front.
        Shape::Integer => match read.map(|text| (text.parse(), text.parse())) {
            Some((Ok(value), _)) => json::integer(out, value),
            Some((_, Ok(value))) => json::unsigned(out, value),
            _ => json::digits(out, bytes),
        },
        Shape::Decimal => json::digits(out, without_zeros(bytes)),
        Shape::Single => match read.and_then(|text| text.parse().ok()) {
            Some(value) => json::single(out, value),
            None => json::lossy(out, bytes),
        },
        Shape::Double => match read.and_then(|text| text.parse().ok()) {
            Some(value) => json::double(out, value),
            None => json::lossy(out, bytes),
        },
        Shape::Moment(_, utc) => match read {
            Some(text) => moment(out, text.to_owned(), utc),
            None => json::lossy(out, bytes),
        },
        // At most 64, the highest first.
        Shape::Bits => {
            json::unsigned(out, bytes.iter().fold(0_u64, |value, byte| value << 8 | u64::from(*byte)));
        }
        Shape::Bytes => json::bytes(out, bytes),
        Shape::Json => match read.and_then(|text| serde_json::from_str::<&RawValue>(text).ok()) {
            Some(value) => out.extend_from_slice(value.get().as_bytes()),
            None => json::lossy(out, bytes),
        },
        Shape::Text | Shape::Date | Shape::Span(_) => match read {
            Some(text) => json::text(out, text),
            // Of a type that nobody knows, perhaps.
            None => json::bytes(out, bytes),
        },
    }
}

/// `DECIMAL ZEROFILL` has zeros in front.
fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|byte| **byte == b'0').count();
    match digits.get(zeros) {
        Some(b'0'..=b'9') => &digits[zeros..],
        _ => &digits[zeros.saturating_sub(1)..],
    }
}

/// Writes `2024-01-02 03:04:05`, with or without digits after it, by RFC 3339 if it is a date.
fn moment(out: &mut Vec<u8>, mut text: String, utc: bool) {
    let is_date = text.len() >= 19 && text.get(5..7) != Some("00") && text.get(8..10) != Some("00");
    if is_date && text.get(10..11) == Some(" ") {
        text.replace_range(10..11, "T");
        if utc {
            text.push('Z');
        }
    }
    json::text(out, &text);
}

/// The digits of a second with their point. An expression has no fixed number of digits (`decimals` is 31).
fn fraction(micros: u32, digits: u8) -> String {
    match digits {
        0 => String::new(),
        1..=6 => format!(".{micros:06}")[..usize::from(digits) + 1].to_owned(),
        _ if micros == 0 => String::new(),
        _ => format!(".{micros:06}"),
    }
}

fn quoted(out: &mut Vec<u8>, text: std::fmt::Arguments<'_>) {
    json::text(out, &text.to_string());
}
