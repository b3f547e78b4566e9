//! Running a job: what is sent together, and what has to be heard before more is sent.
//!
//! | job | what is sent, a line for each time that an answer is waited for |
//! |---|---|
//! | one statement | Bind, Execute, Sync |
//! | one that may only read | BEGIN READ ONLY, Bind, Execute, Sync, ROLLBACK |
//! | a transaction | BEGIN, then Bind, Execute for as many statements as were prepared, Sync <br> COMMIT |
//! | a stream that no time bounds | BEGIN, SET LOCAL, Bind, Execute, COMMIT, Sync |
//! | through a pooler | BEGIN, settings, Parse, Describe, Sync <br> Bind, Execute, COMMIT, Sync |
//!
//! A statement that the session has not prepared costs one round trip more. COMMIT of a transaction is sent only once
//! all of it has succeeded, so that a connection that breaks before has applied nothing.

use std::sync::Arc;

use postgres_protocol::message::frontend::{self, BindError};
use trunkline_core::{Error, Result};

use super::{
    codes::{self, Stale},
    failure::{Failure, Progress},
    rows::{Ended, Wish},
    session::Session,
    statements::{Prepared, Statements},
};
use crate::sql::{
    job::{Job, Step},
    output::Output,
};

/// How many statements are under way at once, and how many bytes of them are collected before they are sent.
const WINDOW: usize = 128;
const WINDOW_BYTES: usize = 64 * 1024;

/// How a job ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// By itself, at the Sync behind it.
    Sync,
    /// By a COMMIT in the same group.
    CommitAtOnce,
    /// By a COMMIT once all has succeeded.
    Commit,
    /// By a ROLLBACK that is sent along.
    RollBack,
}

impl Session {
    /// Runs a job. See `Engine::run`.
    pub(super) async fn run(&mut self, job: &Job<'_>, output: &mut Output) -> Result<()> {
        self.wire.mark();
        let mut again = true;
        loop {
            let commits = job.steps.iter().any(|step| matches!(&*step.plan.facts.first, "CALL" | "DO"));
            let mut progress = Progress { commits, ..Progress::default() };
            let result = self.attempt(job, output, &mut progress).await;
            self.window.clear();
            // A statement may have left a transaction open, or a failed one did.
            if self.in_transaction() || result.is_err() {
                self.roll_back().await;
            }
            let Err(failure) = result else {
                self.wire.settle();
                return Ok(());
            };
            if again && !progress.may_have_committed() && self.is_stale(&failure, job) && output.restart() {
                again = false;
                continue;
            }
            self.wire.settle();
            let error = failure.explain(self.wire.has_left(), job.only_reads(), progress);
            return Err(match progress.place {
                Some(place) if job.steps.len() > 1 => error.at(&format!("statement {}", place + 1)),
                _ => error,
            });
        }
    }

    async fn attempt(
        &mut self,
        job: &Job<'_>,
        output: &mut Output,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let end = match (job.read_only, job.together, self.pooled || job.unhurried) {
            (true, ..) => End::RollBack,
            (false, true, _) => End::Commit,
            (false, false, true) => End::CommitAtOnce,
            (false, false, false) => End::Sync,
        };
        let mut open = end == End::Sync;
        let mut next = 0;
        while next < job.steps.len() {
            // Statements of ours that stand before those of the job, and are answered first.
            let start = self.out().len();
            let mut owed = if open { 0 } else { self.put_begin(job) };
            progress.place = Some(next);
            let prepared = self.prepare(&job.steps[next].plan, &mut owed).await?;
            progress.place = None;
            // What is sent already stays so, whatever the parameters are like.
            let start = if owed > 0 { start } else { self.out().len() };
            let first = next;
            let passing = !self.pooled && !Statements::takes(&job.steps[first].plan);
            let once = passing.then(|| prepared.clone());
            next = match self.fill(job, first, &prepared, output.rows_left()) {
                Ok(next) => next,
                Err(error) => {
                    self.out().truncate(start);
                    return Err(Failure::Ours(error));
                }
            };
            let last = next == job.steps.len();
            progress.exposed = end == End::Sync || (last && end == End::CommitAtOnce);
            if last && end == End::CommitAtOnce {
                self.put_command("COMMIT");
            }
            self.put_sync();
            if last && end == End::RollBack {
                self.put_query("ROLLBACK");
            }
            for _ in 0..owed {
                self.complete("").await?;
            }
            open = true;
            let window = std::mem::take(&mut self.window);
            for (place, prepared) in (first..next).zip(&window) {
                progress.place = Some(place);
                let reads = job.read_only || job.steps[place].plan.facts.reads;
                let wish = Wish { reads, last: place + 1 == job.steps.len() };
                if self.rows(prepared, wish, output, progress).await? == Ended::Stopped {
                    return Ok(());
                }
            }
            progress.place = None;
            self.window = window;
            self.window.clear();
            if let Some(prepared) = once {
                self.put_close(&prepared);
            }
            if last && end == End::CommitAtOnce {
                return self.committed().await;
            }
            self.ready().await?;
            if last && end == End::RollBack {
                self.complete("ROLLBACK").await?;
                self.ready().await?;
            }
        }
        if end == End::Commit && !job.steps.is_empty() {
            self.put_query("COMMIT");
            progress.exposed = true;
            return self.committed().await;
        }
        Ok(())
    }

    /// Hears that a transaction is committed. What comes after that changes nothing any more.
    async fn committed(&mut self) -> Result<(), Failure> {
        self.complete("COMMIT").await?;
        if self.ready().await.is_err() {
            self.wire.give_up();
        }
        Ok(())
    }

    /// Begins a transaction; through a pooler, with the settings of a session in it. Says how many statements that is.
    fn put_begin(&mut self, job: &Job<'_>) -> usize {
        self.put_command(if job.read_only { "BEGIN READ ONLY" } else { "BEGIN" });
        if self.pooled {
            let target = self.target.clone();
            self.put_command(target.local_settings());
        }
        if job.unhurried {
            self.put_command("SET LOCAL statement_timeout = 0");
        }
        1 + usize::from(self.pooled) + usize::from(job.unhurried)
    }

    /// Adds statements from `first` on, as many as are prepared and fit. Says which is the next.
    fn fill(
        &mut self,
        job: &Job<'_>,
        first: usize,
        known: &Arc<Prepared>,
        rows: Option<u64>,
    ) -> Result<usize> {
        self.window.clear();
        let mut next = first;
        while let Some(step) = job.steps.get(next) {
            let same = next == first || Arc::ptr_eq(&step.plan, &job.steps[first].plan);
            let prepared = match same {
                true => Some(known.clone()),
                // Through a pooler there is one prepared statement at a time, the one without a name.
                false if self.pooled => None,
                false => self.statements.get(&step.plan),
            };
            let full = self.window.len() >= WINDOW || self.out().len() >= WINDOW_BYTES;
            let Some(prepared) = prepared.filter(|_| next == first || !full) else { break };
            let rows = if job.read_only || step.plan.facts.reads { bounded(rows) } else { 0 };
            self.put_step(step, &prepared, rows).map_err(|error| match job.steps.len() {
                1 => error,
                _ => error.at(&format!("statement {}", next + 1)),
            })?;
            self.window.push(prepared);
            next += 1;
        }
        Ok(next)
    }

    /// Adds a statement with its parameters.
    fn put_step(&mut self, step: &Step<'_>, prepared: &Prepared, rows: i32) -> Result<()> {
        if step.args.len() != prepared.params.len() {
            let (has, given) = (prepared.params.len(), step.args.len());
            let message = format!(
                "params: the statement has {has} parameters for the database, and {given} values were sent"
            );
            return Err(Error::invalid(message));
        }
        let Self { wire, catalog, .. } = self;
        let (mut place, mut refused) = (0, None);
        let values = step.args.iter().zip(&prepared.params);
        let bound = frontend::bind(
            "",
            &prepared.name,
            [],
            values,
            |(arg, oid), out| {
                place += 1;
                catalog.encode(*oid, arg, out).map_err(|error| {
                    refused = Some(error.at(&step.name(place - 1)));
                    "refused".into()
                })
            },
            [],
            &mut wire.output,
        );
        match bound {
            Ok(()) => {}
            Err(BindError::Conversion(_)) if refused.is_some() => {
                return Err(refused.expect("it was just seen"));
            }
            Err(_) => return Err(Error::invalid("params: are more than a message to the database can hold")),
        }
        frontend::execute("", rows, &mut wire.output).map_err(|error| Error::invalid("query").source(error))
    }

    /// Whether a job failed only because what was prepared is no longer so; then it is forgotten. Nothing was applied:
    /// the server says so before it runs the statement, and a transaction was rolled back.
    fn is_stale(&mut self, failure: &Failure, job: &Job<'_>) -> bool {
        let Failure::Refused(refusal) = failure else { return false };
        if self.pooled || self.wire.is_broken() {
            return false;
        }
        match codes::staleness(refusal.code(), refusal.routine()) {
            None => return false,
            Some(Stale::Changed) => {
                for step in &job.steps {
                    if let Some(prepared) = self.statements.forget(&step.plan) {
                        self.put_close(&prepared);
                    }
                }
            }
            // Nobody who runs statements here has removed it, so it was prepared at another server connection: a
            // pooler stands in between and does not say so.
            Some(Stale::Gone) => {
                self.statements.clear();
                if job.is_clean() {
                    self.pooled = true;
                    self.target.met_pooler();
                }
            }
        }
        true
    }
}

/// How many rows to ask for, where that is to be bounded: one more than wanted, to learn whether there are more.
///
/// A server runs a statement whose rows are counted on one processor only, so a bound that few results reach is left
/// to the end of the job ([`super::rows`]).
fn bounded(rows: Option<u64>) -> i32 {
    const FEW: u64 = 1000;
    rows.filter(|rows| *rows <= FEW).and_then(|rows| i32::try_from(rows + 1).ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_row_more_than_wanted_is_asked_for_where_few_are() {
        assert_eq!(
            (bounded(Some(0)), bounded(Some(100)), bounded(Some(10_000)), bounded(None)),
            (1, 101, 0, 0)
        );
    }
}
