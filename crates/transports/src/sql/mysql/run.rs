//! Runs a job: one statement by itself, or all in a transaction.

use std::{borrow::Cow, sync::Arc};

use mysql_async::{
    Conn, DriverError, Error as Lost, Params, QueryResult, Statement, Value,
    prelude::{Protocol, Queryable},
};
use tokio::time::{Duration, timeout};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{
    args,
    codes::{self, Stage},
    session::{Session, guarded},
    value::{self, Heads},
};
use crate::sql::{
    job::{Job, Step},
    output::{Done, Flow, Header, Output},
};

/// How long a statement that has yielded enough may take to end by itself before it is stopped and its connection
/// closed.
const TAIL: Duration = Duration::from_millis(20);

/// The number of the error that a statement cannot be prepared (`ER_UNSUPPORTED_PS`).
const NOT_PREPARED: u16 = 1295;

/// The number of the error that a text is no date or time (`ER_TRUNCATED_WRONG_VALUE`).
const NO_TIME: u16 = 1292;

/// First words of statements that commit what was before them, or end a transaction in another way (MySQL manual,
/// 13.3.3 "Statements That Cause an Implicit Commit"; MariaDB: "SQL statements That Cause an Implicit Commit").
#[rustfmt::skip]
const COMMITS: &[&str] = &[
    "CREATE", "ALTER", "DROP", "TRUNCATE", "RENAME", "GRANT", "REVOKE", "LOCK", "UNLOCK", "ANALYZE", "CHECK",
    "OPTIMIZE", "REPAIR", "CACHE", "FLUSH", "RESET", "INSTALL", "UNINSTALL", "CHANGE", "PURGE", "STOP", "IMPORT", "EXECUTE",
    "PREPARE", "LOAD",
];

/// First words that a read-only job may have. The session refuses what writes among them; others could end the
/// transaction or switch that off (`SET`, MariaDB's `SET STATEMENT … FOR …` and `EXECUTE IMMEDIATE`).
#[rustfmt::skip]
const READ_ONLY: &[&str] = &[
    "SELECT", "WITH", "VALUES", "TABLE", "SHOW", "EXPLAIN", "DESCRIBE", "DESC", "DO", "CALL", "INSERT", "UPDATE", "DELETE",
    "REPLACE",
];

/// What a statement is stopped by.
enum Fault {
    /// The server or the way to it.
    Lost(Lost, Stage),
    /// The caller is gone, or what they sent cannot be run.
    Ours(Error),
}

/// Where a statement was left.
#[derive(PartialEq)]
enum End {
    /// All of it was read.
    Done,
    /// No more of it is wanted, and it was stopped.
    Stopped,
}

/// Runs a job.
pub(super) async fn run(session: &mut Session, job: &Job<'_>, output: &mut Output) -> Result<()> {
    refuse(job)?;
    // An integration that is read only has all of its sessions so.
    let switch = job.read_only && !session.read_only;
    let done = if switch {
        command(session, "SET SESSION TRANSACTION READ ONLY", Stage::Preparing).await
    } else {
        Ok(())
    };
    let done = match (done, &job.steps[..]) {
        (Err(fault), _) => Err(fault),
        (Ok(()), [step]) if !job.together => alone(session, job, step, output).await,
        (Ok(()), _) => together(session, job, output).await,
    };
    if switch
        && !session.is_broken()
        && command(session, "SET SESSION TRANSACTION READ WRITE", Stage::Running).await.is_err()
    {
        session.close();
    }
    if matches!(&done, Err(Fault::Lost(error, _)) if codes::number(error).is_some_and(codes::moved)) {
        session.close();
    }
    session.settle();
    done.map_err(|fault| match fault {
        Fault::Lost(error, stage) => codes::lost(error, stage),
        Fault::Ours(error) => error,
    })
}

async fn alone(
    session: &mut Session,
    job: &Job<'_>,
    step: &Step<'_>,
    output: &mut Output,
) -> Result<(), Fault> {
    let reads = job.only_reads();
    let stage = match &*step.plan.facts.first {
        _ if reads => Stage::Running,
        "CALL" | "EXECUTE" => Stage::Procedure,
        _ => Stage::Alone,
    };
    statement(session, step, output, stage, reads).await?;
    Ok(())
}

async fn together(session: &mut Session, job: &Job<'_>, output: &mut Output) -> Result<(), Fault> {
    let begin = if job.read_only { "START TRANSACTION READ ONLY" } else { "START TRANSACTION" };
    command(session, begin, Stage::Preparing).await?;
    // What has yielded enough can be stopped only where nothing follows that counts.
    let may_stop = job.only_reads() && job.steps.len() == 1;
    let several = job.steps.len() > 1;
    for (n, step) in job.steps.iter().enumerate() {
        // Nobody sees whether a procedure commits.
        let stage = match &*step.plan.facts.first {
            "CALL" if !job.read_only => Stage::Procedure,
            _ => Stage::Running,
        };
        let found = match statement(session, step, output, stage, may_stop).await {
            Ok(End::Stopped) => return Ok(()),
            Ok(End::Done) if is_open(session) => continue,
            Ok(End::Done) => Fault::Ours(ended(n)),
            Err(fault) => fault,
        };
        // It may fail where the connection is lost; then the server rolls back by itself.
        let _ = command(session, "ROLLBACK", Stage::Running).await;
        return Err(match found {
            Fault::Lost(error, stage) if several && codes::number(&error).is_some() => {
                Fault::Ours(codes::lost(error, stage).at(&format!("statement {}", n + 1)))
            }
            fault => fault,
        });
    }
    match job.read_only {
        true => command(session, "ROLLBACK", Stage::Running).await,
        false => command(session, "COMMIT", Stage::Committing).await,
    }
}

/// Refuses what would undo that a job is all or nothing, or read only.
fn refuse(job: &Job<'_>) -> Result<()> {
    for step in &job.steps {
        let first = &*step.plan.facts.first;
        if job.read_only && !step.plan.facts.reads && !READ_ONLY.contains(&first) {
            let message = format!("{first} does more than read, and this call is read only");
            return Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::NotSent));
        }
        if job.together && COMMITS.contains(&first) {
            let message = format!(
                "{first} commits whatever is before it, so that a transaction with it could not be undone; send it by \
                 itself"
            );
            return Err(Error::new(Kind::Unsupported, message));
        }
    }
    Ok(())
}

fn ended(n: usize) -> Error {
    let message = format!(
        "statement {} ended the transaction, so that what was before it may stay; send it by itself",
        n + 1
    );
    Error::new(Kind::Rejected, message).outcome_is(Outcome::Unknown)
}

/// Whether the server says that a transaction is open.
fn is_open(session: &mut Session) -> bool {
    use mysql_async::consts::StatusFlags;
    let status = session.parts().ok().and_then(|(conn, _)| conn.last_ok_packet().map(|ok| ok.status_flags()));
    status.is_none_or(|status| status.contains(StatusFlags::SERVER_STATUS_IN_TRANS))
}

async fn command(session: &mut Session, text: &str, stage: Stage) -> Result<(), Fault> {
    let lost = |error| Fault::Lost(error, stage);
    let (conn, _) = session.parts().map_err(lost)?;
    guarded(conn.query_drop(text)).await.map_err(lost)
}

/// Runs one statement, and writes its result. With `may_stop` it is stopped once it has yielded enough.
async fn statement(
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
            let ours = match fault {
                Fault::Lost(error, _) => Fault::Lost(error, stage),
                ours @ Fault::Ours(_) => {
                    // The caller is gone, in the middle of rows.
                    session.give_up();
                    ours
                }
            };
            return Err(ours);
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
    let affected = match step.plan.facts.reads {
        true => None,
        // What `RETURNING` yields is not counted by the server.
        false => Some(taken.affected.max(if taken.begun { taken.rows } else { 0 })),
    };
    output.end(Done { affected, last_id: taken.last_id });
    Ok(if taken.stopped { End::Stopped } else { End::Done })
}

/// Prepares a statement; `None` where the server cannot.
async fn prepare(conn: &mut Conn, sql: &str, params: usize) -> Result<Option<Statement>, Fault> {
    let sql = shielded(sql);
    match guarded(conn.prep(sql)).await {
        Ok(statement) if usize::from(statement.num_params()) == params => Ok(Some(statement)),
        Ok(_) | Err(Lost::Driver(DriverError::MixedParams)) => Err(Fault::Ours(Error::new(
            Kind::Unsupported,
            "the statement seems to have other parameters than it has; put a blank between - or / and a quote",
        ))),
        Err(Lost::Server(error)) if error.code == NOT_PREPARED && params == 0 => Ok(None),
        Err(error) => Err(Fault::Lost(error, Stage::Preparing)),
    }
}

/// What opens, for the parser of `mysql_async`, something that only this text ends, and is an empty comment for servers.
const SHIELDS: &[(&str, &str)] =
    &[("*/", "/**/"), ("\n", "/*+#*/"), ("`", "/*+`*/"), ("\"", "/*+\"*/"), ("'", "/*+'*/")];

/// `mysql_async` looks for named parameters by itself, in strings too where it loses its way (`1-':a'`). There are none
/// left, so it is kept from looking: what stands before the text begins a comment or a string for it that the text does
/// not end.
fn shielded(sql: &str) -> Cow<'_, str> {
    let shield = || SHIELDS.iter().find(|(end, _)| !sql.contains(end)).map_or("", |(_, shield)| shield);
    match memchr::memchr(b':', sql.as_bytes()) {
        Some(_) => format!("{}{sql}", shield()).into(),
        None => sql.into(),
    }
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
                Some(_) => {
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
