//! Stand-in for the types of values.
use bytes::{BufMut, BytesMut};
use postgres_protocol::IsNull;
use trunkline_core::{Error, Result};

use crate::sql::{arg::Arg, json};

pub(super) type Oid = u32;
pub(super) type Writer = fn(&mut Vec<u8>, &[u8]);
#[derive(Debug, Default)]
pub(super) struct Catalog;
impl Catalog {
    pub(super) fn missing(&self, _: impl Iterator<Item = Oid>) -> Vec<Oid> {
        Vec::new()
    }
    pub(super) fn query(_: &[Oid]) -> String {
        String::new()
    }
    pub(super) fn learn(&mut self, _: Vec<Vec<Option<String>>>) {}
    pub(super) fn name(&self, oid: Oid, _: i32) -> String {
        oid.to_string()
    }
    pub(super) fn writer(&self, oid: Oid, _: i32) -> Writer {
        match oid {
            20 | 21 | 23 | 1700 => json::digits,
            16 => |out, value| out.extend_from_slice(if value == b"t" { b"true" } else { b"false" }),
            _ => json::lossy,
        }
    }
    pub(super) fn encode(&self, _: Oid, arg: &Arg<'_>, out: &mut BytesMut) -> Result<IsNull> {
        match arg {
            Arg::Null => return Ok(IsNull::Yes),
            Arg::Bool(true) => out.put_slice(b"t"),
            Arg::Bool(false) => out.put_slice(b"f"),
            Arg::Number(text) | Arg::Json(text) => out.put_slice(text.as_bytes()),
            Arg::Text(text) if text.contains('\0') => return Err(Error::invalid("holds a NUL")),
            Arg::Text(text) => out.put_slice(text.as_bytes()),
        }
        Ok(IsNull::No)
    }
}
