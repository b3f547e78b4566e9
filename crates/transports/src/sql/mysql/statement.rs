//! Runs one statement: prepared with its parameters, or as text where the server cannot prepare it; and reads what it
//! yields row by row.

use std::{borrow::Cow, sync::Arc};

use mysql_async::{
    Conn, Error as Lost, Params, QueryResult, Statement, Value,
    prelude::{Protocol, Queryable},
};
use tokio::time::{Duration, timeout};
use trunkline_core::{Error, Kind, Result};

use super::{
    args,
    codes::{self, Stage},
    session::{Session, guarded},
    value::{self, Heads},
};
use crate::sql::{
    job::Step,
    output::{Done, Flow, Header, Output},
};

/// How long a statement that has yielded enough may take to end by itself before it is stopped and its connection
/// closed.
const TAIL: Duration = Duration::from_millis(20);

/// The number of the error that a statement cannot be prepared (`ER_UNSUPPORTED_PS`).
const NOT_PREPARED: u16 = 1295;

/// The number of the error that a text is no date or time (`ER_TRUNCATED_WRONG_VALUE`).
const NO_TIME: u16 = 1292;

/// What a statement is stopped by.
pub(super) enum Fault {
    /// The server or the way to it.
    Lost(Lost, Stage),
    /// The caller is gone, or what they sent cannot be run.
    Ours(Error),
}

/// Where a statement was left.
#[derive(PartialEq)]
pub(super) enum End {
    /// All of it was read.
    Done,
    /// No more of it is wanted, and it was stopped.
    Stopped,
}

/// Runs one statement, and writes its result. With `may_stop` it is stopped once it has yielded enough.
pub(super) async fn statement(
    session: &mut Session,
    step: &Step<'_>,
    output: &mut Output,
    stage: Stage,
    may_stop: bool,
) -> Result<End, Fault> {
    let mut values = args::values(step).map_err(Fault::Ours)?;
    let (conn, heads) = session.parts().map_err(|error| Fault::Lost(error, Stage::Preparing))?;
    let sql = step.plan.pieces.first().map_or("", |piece| &step.plan.text[piece.clone()]);
    let taken = match prepare(conn, sql, values.len()).await? {
        None => {
            let sent = guarded(conn.query_iter(sql)).await;
            match sent {
                Ok(mut result) => Taken::of(&mut result, heads, output, may_stop).await,
                Err(error) => Err(Fault::Lost(error, stage)),
            }
        }
        Some(statement) => loop {
            let sent = guarded(conn.exec_iter(&statement, params(values.clone()))).await;
            match sent {
                Ok(mut result) => break Taken::of(&mut result, heads, output, may_stop).await,
                Err(Lost::Server(error))
                    if error.code == NO_TIME
                        && stage != Stage::Procedure
                        && args::without_zones(&mut values, &error.message) => {}
                Err(error) => break Err(Fault::Lost(error, stage)),
            }
        },
    };
    finish(session, step, output, (stage, may_stop), taken)
}

/// After the last of what was read.
fn finish(
    session: &mut Session,
    step: &Step<'_>,
    output: &mut Output,
    (stage, may_stop): (Stage, bool),
    taken: Result<Taken, Fault>,
) -> Result<End, Fault> {
    let mut taken = match taken {
        Ok(taken) => taken,
        Err(Fault::Lost(error, _)) if codes::is_too_large(&error) && may_stop => {
            session.give_up();
            let flow = output.too_large(output.largest_row() + 1).map_err(Fault::Ours)?;
            debug_assert_eq!(flow, Flow::Enough, "a cap was the reason");
            Taken { begun: true, stopped: true, ..Taken::default() }
        }
        Err(fault) => {
            let fault = match fault {
                Fault::Lost(error, _) => Fault::Lost(error, stage),
                ours @ Fault::Ours(_) => {
                    // The caller is gone, in the middle of rows.
                    session.give_up();
                    ours
                }
            };
            return Err(fault);
        }
    };
    if taken.stopped {
        session.give_up();
    } else if let Ok((conn, _)) = session.parts() {
        taken.affected = conn.affected_rows();
        taken.last_id = conn.last_insert_id().filter(|id| *id != 0);
    }
    if !taken.begun {
        output.begin(&Arc::new(Header::none()));
    }
    let affected = match &*step.plan.facts.first {
        _ if step.plan.facts.reads => None,
        // What `RETURNING` yields is not counted by the server.
        "INSERT" | "REPLACE" | "UPDATE" | "DELETE" if taken.begun => Some(taken.rows),
        _ => Some(taken.affected),
    };
    output.end(Done { affected, last_id: taken.last_id });
    Ok(if taken.stopped { End::Stopped } else { End::Done })
}

/// Prepares a statement; `None` where that cannot be, and it has no parameters.
async fn prepare(conn: &mut Conn, sql: &str, params: usize) -> Result<Option<Statement>, Fault> {
    let sql = match shielded(sql) {
        Some(sql) => sql,
        None if params == 0 => return Ok(None),
        None => return Err(Fault::Ours(astray())),
    };
    match guarded(conn.prep(sql)).await {
        Ok(statement) if usize::from(statement.num_params()) == params => Ok(Some(statement)),
        Ok(_) => Err(Fault::Ours(astray())),
        Err(Lost::Server(error)) if error.code == NOT_PREPARED && params == 0 => Ok(None),
        Err(error) => Err(Fault::Lost(error, Stage::Preparing)),
    }
}

fn astray() -> Error {
    let message =
        "the statement is too odd to find its parameters; write it without comments, or without backticks";
    Error::new(Kind::Unsupported, message)
}

/// What opens, for the parser of `mysql_async`, something that only this text ends, and is an empty comment for servers.
const SHIELDS: &[(&str, &str)] =
    &[("*/", "/**/"), ("\n", "/*+#*/"), ("`", "/*+`*/"), ("\"", "/*+\"*/"), ("'", "/*+'*/")];

/// `mysql_async` looks for named parameters by itself, in strings too where it loses its way (`1-':a'`), and changes the
/// text there. There are none left, so it is kept from looking: what stands before the text begins a comment or a string
/// for it that the text does not end. `None` where the text ends all of them.
fn shielded(sql: &str) -> Option<Cow<'_, str>> {
    if memchr::memchr(b':', sql.as_bytes()).is_none() {
        return Some(sql.into());
    }
    let (_, shield) = SHIELDS.iter().find(|(end, _)| !sql.contains(end))?;
    Some(format!("{shield}{sql}").into())
}

fn params(values: Vec<Value>) -> Params {
    if values.is_empty() { Params::Empty } else { Params::Positional(values) }
}

/// What was read of a statement.
#[derive(Debug, Default)]
struct Taken {
    /// Whether a result with rows was begun.
    begun: bool,
    rows: u64,
    affected: u64,
    last_id: Option<u64>,
    /// Whether there may be more that nobody wants.
    stopped: bool,
}

impl Taken {
    /// Reads results to their end, and writes the first that has rows.
    async fn of<P: Protocol>(
        result: &mut QueryResult<'_, 'static, P>,
        heads: &mut Heads,
        output: &mut Output,
        may_stop: bool,
    ) -> Result<Self, Fault> {
        let mut taken = Self::default();
        loop {
            let columns = match result.columns() {
                Some(columns) if !columns.is_empty() && !taken.begun => columns,
                // A result without rows, one that is left out, or an error in the place of one.
                Some(columns) => {
                    if taken.begun && !columns.is_empty() {
                        output.leave_out();
                    }
                    while next(result).await?.is_some() {}
                    continue;
                }
                None => {
                    next(result).await?;
                    return Ok(taken);
                }
            };
            if !columns.iter().all(value::is_readable) {
                let message = "the database sent a type that is its own; cast the column to another";
                return Err(Fault::Ours(Error::new(Kind::Unsupported, message)));
            }
            taken.begun = true;
            let head = heads.of(&columns);
            output.begin(&head.header);
            let mut enough = false;
            while let Some(row) = next(result).await? {
                taken.rows += 1;
                if enough {
                    continue;
                }
                let flow = if output.row() {
                    for (n, shape) in head.shapes.iter().enumerate() {
                        value::write(output.cell(), *shape, row.as_ref(n).unwrap_or(&Value::NULL));
                    }
                    output.end_row()
                } else {
                    Flow::Enough
                };
                match flow {
                    Flow::On => {}
                    Flow::Flush => output.flush().await.map_err(Fault::Ours)?,
                    Flow::Enough if may_stop => {
                        taken.stopped = !matches!(timeout(TAIL, drain(result)).await, Ok(Ok(())));
                        return Ok(taken);
                    }
                    Flow::Enough => enough = true,
                }
            }
        }
    }
}

async fn drain<P: Protocol>(result: &mut QueryResult<'_, 'static, P>) -> Result<(), Fault> {
    loop {
        while next(result).await?.is_some() {}
        if result.columns().is_none() {
            return Ok(());
        }
    }
}

async fn next<P: Protocol>(
    result: &mut QueryResult<'_, 'static, P>,
) -> Result<Option<mysql_async::Row>, Fault> {
    guarded(result.next()).await.map_err(|error| Fault::Lost(error, Stage::Running))
}
