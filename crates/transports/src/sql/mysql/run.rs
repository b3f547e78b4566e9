//! Runs a job: one statement by itself, or all in a transaction.

use mysql_async::{consts::StatusFlags, prelude::Queryable};
use trunkline_core::{Error, Kind, Outcome, Result};

use super::{
    codes::{self, Stage},
    session::{Session, guarded},
    statement::{End, Fault, statement},
};
use crate::sql::{
    job::{Job, Step},
    output::Output,
};

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

/// Takes the limit of time away from a session; that it is set up anew brings it back.
const UNHURRIED: &str =
    "SET autocommit = 1 /*!50708 , max_execution_time = 0 */ /*M!100101 , max_statement_time = 0 */";

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
    let done = match done {
        Ok(()) if job.unhurried => command(session, UNHURRIED, Stage::Preparing).await,
        done => done,
    };
    let done = match (done, &job.steps[..]) {
        (Err(fault), _) => Err(fault),
        (Ok(()), [step]) if !job.together => alone(session, job, step, output).await,
        (Ok(()), _) => together(session, job, output).await,
    };
    if let Err(fault) = &done {
        close_after(session, fault);
    }
    if switch
        && !session.is_broken()
        && command(session, "SET SESSION TRANSACTION READ WRITE", Stage::Running).await.is_err()
    {
        session.close();
    }
    if job.unhurried && !session.is_broken() && session.set_up().await.is_err() {
        session.close();
    }
    done.map_err(told)
}

/// What a fault is for the caller.
fn told(fault: Fault) -> Error {
    match fault {
        Fault::Lost(error, stage) => codes::lost(error, stage),
        Fault::Ours(error) => error,
    }
}

/// Closes a session that is of no use after `fault`.
fn close_after(session: &mut Session, fault: &Fault) {
    if let Fault::Lost(error, _) = fault
        && codes::number(error).is_none_or(codes::moved)
    {
        session.close();
    }
}

async fn alone(
    session: &mut Session,
    job: &Job<'_>,
    step: &Step<'_>,
    output: &mut Output,
) -> Result<(), Fault> {
    let reads = job.only_reads();
    let stage = match (reads, may_call(step)) {
        (true, _) => Stage::Running,
        (false, true) => Stage::Procedure,
        (false, false) => Stage::Alone,
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
        let stage = if !job.read_only && may_call(step) { Stage::Procedure } else { Stage::Running };
        let found = match statement(session, step, output, stage, may_stop).await {
            Ok(End::Stopped) => return Ok(()),
            Ok(End::Done) if is_open(session) => continue,
            Ok(End::Done) => Fault::Ours(ended(n)),
            Err(fault) => fault,
        };
        // Where the connection is lost the server rolls back by itself.
        close_after(session, &found);
        let rolled_back = command(session, "ROLLBACK", Stage::Running).await.is_ok();
        // The server warns where a table has no transactions, and kept what was done (1196).
        let kept = rolled_back && session.warnings() > 0;
        let fault = match found {
            Fault::Lost(error, stage) if several && codes::number(&error).is_some() => {
                Fault::Ours(codes::lost(error, stage).at(&format!("statement {}", n + 1)))
            }
            fault => fault,
        };
        return Err(if kept { Fault::Ours(told(fault).outcome_is(Outcome::Unknown)) } else { fault });
    }
    match job.read_only {
        true => command(session, "ROLLBACK", Stage::Running).await,
        false => command(session, "COMMIT", Stage::Committing).await,
    }
}

/// Refuses what would undo that a job is all or nothing, or read only, and what nobody here does.
fn refuse(job: &Job<'_>) -> Result<()> {
    for step in job.steps.iter().filter(|step| !step.plan.facts.reads) {
        let first = &*step.plan.facts.first;
        let text = step.plan.text.to_ascii_lowercase();
        // No transaction keeps the server from writing a file.
        let file = text.contains("outfile") || text.contains("dumpfile");
        if job.read_only && is_doubtful(&text) {
            let message = "an executable comment hides from some servers what others run, and this call is read only; \
                           take it out";
            return Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::NotSent));
        }
        if job.read_only && (file || !READ_ONLY.contains(&first)) {
            let what = if file { "INTO OUTFILE" } else { first };
            let message = format!("{what} does more than read, and this call is read only");
            return Err(Error::new(Kind::Rejected, message).outcome_is(Outcome::NotSent));
        }
        if first == "LOAD" && text.split_ascii_whitespace().any(|word| word == "local") {
            let message =
                "LOAD DATA LOCAL would read a file of this machine, which is never sent; insert its rows";
            return Err(Error::new(Kind::Unsupported, message));
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

/// Whether a text in lower case may hold an executable comment: a server that skips it begins with another word than
/// one that runs it.
fn is_doubtful(text: &str) -> bool {
    text.contains("/*!") || text.contains("/*m!")
}

/// Whether a statement may call a procedure, also as MariaDB's `SET STATEMENT … FOR CALL …`.
fn may_call(step: &Step<'_>) -> bool {
    let text = || step.plan.text.to_ascii_lowercase();
    match &*step.plan.facts.first {
        "CALL" | "EXECUTE" => true,
        "SET" => text().contains("call") || text().contains("execute"),
        _ => !step.plan.facts.reads && is_doubtful(&text()),
    }
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
    let status = session.parts().ok().and_then(|(conn, _)| conn.last_ok_packet().map(|ok| ok.status_flags()));
    status.is_none_or(|status| status.contains(StatusFlags::SERVER_STATUS_IN_TRANS))
}

async fn command(session: &mut Session, text: &str, stage: Stage) -> Result<(), Fault> {
    let lost = |error| Fault::Lost(error, stage);
    let (conn, _) = session.parts().map_err(lost)?;
    guarded(conn.query_drop(text)).await.map_err(lost)
}
