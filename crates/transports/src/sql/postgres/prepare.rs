//! Preparing: the server reads a statement, and says what its parameters and columns are.

use std::sync::Arc;

use bytes::Buf;
use postgres_protocol::message::{backend, frontend};
use trunkline_core::Error;

use super::{
    failure::Failure,
    session::Session,
    statements::{Prepared, Statements},
    types::{Catalog, Oid},
    wire::Message,
};
use crate::sql::{output::Header, scan::Scanned};

/// What the server says of a statement.
#[derive(Debug, Default)]
struct Description {
    params: Vec<Oid>,
    columns: Vec<Column>,
}

#[derive(Debug)]
struct Column {
    name: String,
    oid: Oid,
    /// The type modifier, such as the length of a `varchar`.
    modifier: i32,
}

impl Session {
    /// The statement as the server knows it: from before, or after one round trip, which takes along what waits.
    /// `owed` statements of ours stand before it.
    pub(super) async fn prepare(
        &mut self,
        plan: &Arc<Scanned>,
        owed: &mut usize,
    ) -> Result<Arc<Prepared>, Failure> {
        if let Some(prepared) = self.statements.get(plan) {
            return Ok(prepared);
        }
        let name = if self.pooled { String::new() } else { self.statements.name() };
        self.put_parse(&name, plan)?;
        let described = frontend::describe(b'S', &name, self.out());
        debug_assert!(described.is_ok(), "names of ours hold no NUL byte");
        self.put_sync();
        for _ in 0..std::mem::take(owed) {
            self.complete("").await?;
        }
        let description = self.description().await?;
        self.ready().await?;
        let looked_up = self.learn(&description).await?;
        if looked_up && self.pooled {
            // A query in between makes the server forget the statement without a name.
            self.put_parse(&name, plan)?;
        }
        let catalog = &self.catalog;
        let columns: Vec<_> =
            description.columns.iter().map(|column| catalog.name(column.oid, column.modifier)).collect();
        let names = description.columns.iter().map(|column| &*column.name);
        let prepared = Arc::new(Prepared {
            name,
            params: description.params,
            header: Arc::new(Header::new(names.zip(columns.iter().map(|name| &**name)))),
            writers: description.columns.iter().map(|column| catalog.writer(column.oid)).collect(),
        });
        if !self.pooled
            && Statements::takes(plan)
            && let Some(oldest) = self.statements.keep(plan, prepared.clone())
        {
            self.put_close(&oldest);
        }
        Ok(prepared)
    }

    fn put_parse(&mut self, name: &str, plan: &Scanned) -> Result<(), Failure> {
        frontend::parse(name, &plan.text, [], self.out()).map_err(|_| {
            // Half of it is written.
            self.wire.give_up();
            Failure::Ours(Error::invalid(
                "query: holds a NUL byte, or is too long for a message to the database",
            ))
        })
    }

    /// Tells the server that a statement is needed no more.
    pub(super) fn put_close(&mut self, prepared: &Prepared) {
        let closed = frontend::close(b'S', &prepared.name, self.out());
        debug_assert!(closed.is_ok(), "names of ours hold no NUL byte");
    }

    async fn description(&mut self) -> Result<Description, Failure> {
        let mut description = Description::default();
        loop {
            let Message { tag, body, .. } = self.wire.next(0).await?;
            let understood = match tag {
                b'1' | b'3' => Some(()),
                backend::PARAMETER_DESCRIPTION_TAG => params(body).map(|params| description.params = params),
                backend::NO_DATA_TAG => return Ok(description),
                backend::ROW_DESCRIPTION_TAG => match columns(body) {
                    Some(columns) => return Ok(Description { columns, ..description }),
                    None => None,
                },
                backend::ERROR_RESPONSE_TAG => return Err(self.refused().await),
                _ => None,
            };
            if understood.is_none() {
                return Err(self.unexpected());
            }
        }
    }

    /// Looks up the types that nobody here has met.
    async fn learn(&mut self, description: &Description) -> Result<bool, Failure> {
        let oids =
            || description.params.iter().copied().chain(description.columns.iter().map(|column| column.oid));
        let missing = self.catalog.missing(oids());
        if missing.is_empty() {
            return Ok(false);
        }
        let rows = self.ask(&Catalog::query(&missing)).await?;
        self.catalog.learn(rows);
        Ok(true)
    }
}

fn params(mut body: &[u8]) -> Option<Vec<Oid>> {
    let count = body.try_get_u16().ok()?;
    (body.len() == usize::from(count) * 4)
        .then(|| body.chunks_exact(4).map(|mut oid| oid.get_u32()).collect())
}

fn columns(mut body: &[u8]) -> Option<Vec<Column>> {
    let count = body.try_get_u16().ok()?;
    let column = |_| {
        let (name, rest) = body.split_at_checked(memchr::memchr(0, body)?)?;
        // The NUL byte, the table (4) and the column in it (2); then the type, its size (2), its modifier, the format.
        let (mut facts, rest) = rest.split_at_checked(1 + 4 + 2 + 4 + 2 + 4 + 2)?;
        facts.advance(1 + 4 + 2);
        let oid = facts.get_u32();
        facts.advance(2);
        let modifier = facts.get_i32();
        body = rest;
        Some(Column { name: String::from_utf8_lossy(name).into_owned(), oid, modifier })
    };
    let columns = (0..count).map(column).collect::<Option<Vec<_>>>()?;
    body.is_empty().then_some(columns)
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: &[u8] = b"\0\x02id\0\0\0\0\x01\0\x01\0\0\0\x17\0\x04\xff\xff\xff\xff\0\0n\0\0\0\0\0\0\0\0\0\x04\x13\xff\xff\0\0\0\x0e\0\0";

    #[test]
    fn a_description_is_read_and_one_that_is_cut_is_refused() {
        let found = columns(COLUMNS).unwrap();
        let found: Vec<_> = found.iter().map(|column| (&*column.name, column.oid, column.modifier)).collect();
        assert_eq!(found, [("id", 23, -1), ("n", 1043, 14)]);
        assert_eq!(params(b"\0\x02\0\0\0\x17\0\0\x04\x13"), Some(vec![23, 1043]));
        for end in 0..COLUMNS.len() {
            assert!(columns(&COLUMNS[..end]).is_none(), "{end}");
        }
        assert!(params(b"\0\x02\0\0\0\x17").is_none());
    }
}
