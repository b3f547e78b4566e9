//! Runs jobs, on the thread of the session.

use std::sync::Arc;

use rusqlite::{Statement, types::Value};
use trunkline_core::{Error, Outcome, Result};

use super::{
    super::{
        job::Job,
        output::{Done, Flow, Header, Output},
        scan::Scanned,
    },
    codes,
    thread::Worker,
    value,
};

/// A job that has nothing of its caller's, so that it can go to another thread.
pub(super) struct Work {
    steps: Vec<(Arc<Scanned>, Vec<Value>)>,
    together: bool,
    read_only: bool,
    only_reads: bool,
    unhurried: bool,
}

impl Work {
    /// Binds the parameters of a job.
    ///
    /// # Errors
    ///
    /// `invalid_config` for one that SQLite has no value for.
    pub(super) fn of(job: &Job<'_>) -> Result<Self> {
        let mut steps = Vec::with_capacity(job.steps.len());
        for step in &job.steps {
            let values = step.args.iter().enumerate();
            let values = values.map(|(at, arg)| value::bound(arg, || step.name(at)));
            steps.push((step.plan.clone(), values.collect::<Result<_>>()?));
        }
        Ok(Self {
            steps,
            together: job.together,
            read_only: job.read_only,
            only_reads: job.only_reads(),
            unhurried: job.unhurried,
        })
    }

    /// Whether it needs a transaction of its own. One statement that yields rows of what it changes needs one too: it
    /// could fail while they are sent on.
    fn in_transaction(&self) -> bool {
        let yields = |plan: &Scanned| {
            !plan.facts.reads
                && matches!(&*plan.facts.first, "INSERT" | "REPLACE" | "UPDATE" | "DELETE" | "WITH")
        };
        self.together
            || self
                .steps
                .iter()
                .any(|(plan, _)| yields(plan) && plan.text.len() > 9 && has_returning(&plan.text))
    }
}

/// Whether the word stands somewhere in a text. Where it is none of the language, a transaction does no harm.
fn has_returning(text: &str) -> bool {
    text.as_bytes().windows(9).any(|word| word.eq_ignore_ascii_case(b"returning"))
}

impl Worker {
    /// Runs a job: all of it or nothing. What fails is rolled back.
    ///
    /// # Errors
    ///
    /// What SQLite says, by kind.
    pub(super) fn run(&mut self, work: &Work, output: &mut Output) -> Result<()> {
        let read_only = work.read_only && !self.settings.place.is_read_only();
        if self.query_only != read_only {
            let sql = if read_only { "pragma query_only=1" } else { "pragma query_only=0" };
            self.own(sql).map_err(|error| self.error(&error))?;
            self.query_only = read_only;
        }
        let result = if work.in_transaction() {
            self.transaction(work, output)
        } else {
            // A lone write commits by itself: where the disk failed at it, nobody knows what the disk has.
            let ran = work.steps.iter().try_for_each(|(plan, values)| self.step(work, plan, values, output));
            ran.map_err(|error| match work.only_reads || !codes::tells_doubt(&error) {
                true => error,
                false => error.outcome_is(Outcome::Unknown),
            })
        };
        self.watch.end();
        if !self.connection.is_autocommit() {
            // It only fails where SQLite has rolled back by itself.
            let _ = self.own("rollback");
        }
        result
    }

    fn transaction(&self, work: &Work, output: &mut Output) -> Result<()> {
        // Whoever reads first and writes then would fail where somebody else wrote in between.
        let begin = if work.only_reads { "begin deferred" } else { "begin immediate" };
        self.hurry(work);
        self.own(begin).map_err(|error| self.error(&error))?;
        let steps = work.steps.len();
        for (n, (plan, values)) in work.steps.iter().enumerate() {
            let ran = self.step(work, plan, values, output);
            ran.map_err(|error| if steps > 1 { error.at(&format!("statement {}", n + 1)) } else { error })?;
        }
        self.watch.begin(self.settings.limit());
        self.own("commit").map_err(|error| {
            let told = self.error(&error);
            // The disk may or may not have it.
            if codes::is_doubtful(&error) { told.outcome_is(Outcome::Unknown) } else { told }
        })
    }

    /// From now on a statement has its time, if it is bounded.
    fn hurry(&self, work: &Work) {
        match work.unhurried {
            true => self.watch.end(),
            false => self.watch.begin(self.settings.limit()),
        }
    }

    /// Runs a statement.
    fn step(&self, work: &Work, plan: &Scanned, values: &[Value], output: &mut Output) -> Result<()> {
        self.hurry(work);
        self.guard.begin();
        let failed = |error: &rusqlite::Error| self.error(error);
        let mut statement = self.connection.prepare(&plan.text).map_err(|error| failed(&error))?;
        for (at, value) in values.iter().enumerate() {
            statement.raw_bind_parameter(at + 1, value).map_err(|error| failed(&error))?;
        }
        let (header, json) = header(&statement);
        let writes = !statement.readonly();
        output.begin(&header);
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| failed(&error))? {
            let mut size = 0;
            for at in 0..json.len() {
                size += value::size(row.get_ref(at).map_err(|error| failed(&error))?);
            }
            let flow = if output.is_cut() {
                Flow::Enough
            } else if size > output.largest_row() {
                output.too_large(size).map_err(|error| error.outcome_is(Outcome::Rejected))?
            } else if output.row() {
                for (at, is_json) in json.iter().enumerate() {
                    let value = row.get_ref(at).map_err(|error| failed(&error))?;
                    value::write(output.cell(), value, *is_json);
                }
                output.end_row()
            } else {
                Flow::Enough
            };
            match flow {
                Flow::On => {}
                Flow::Flush => output.flush_blocking()?,
                Flow::Enough if writes => {}
                Flow::Enough => break,
            }
        }
        drop(rows);
        output.end(self.done(plan, writes));
        Ok(())
    }

    fn done(&self, plan: &Scanned, writes: bool) -> Done {
        if !writes {
            return Done::default();
        }
        let first = &*plan.facts.first;
        let inserts = matches!(first, "INSERT" | "REPLACE" | "WITH");
        let changes = inserts || matches!(first, "UPDATE" | "DELETE");
        let affected = if changes { self.connection.changes() } else { 0 };
        let id = (inserts && affected > 0 && self.guard.take_inserted())
            .then(|| u64::try_from(self.connection.last_insert_rowid()).ok());
        Done { affected: Some(affected), last_id: id.flatten() }
    }

    /// What SQLite says, for whoever waits.
    fn error(&self, error: &rusqlite::Error) -> Error {
        codes::error(error, &self.guard)
    }
}

/// The columns of a statement, and which of them are declared to hold JSON.
fn header(statement: &Statement<'_>) -> (Arc<Header>, Vec<bool>) {
    let columns = statement.columns();
    let types: Vec<_> = columns.iter().map(|column| column.decl_type().unwrap_or_default()).collect();
    let json = types.iter().map(|name| name.eq_ignore_ascii_case("json")).collect();
    let header = Header::new(columns.iter().zip(&types).map(|(column, name)| (column.name(), *name)));
    (Arc::new(header), json)
}
