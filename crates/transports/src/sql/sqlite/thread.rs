//! The thread of a session: it has the connection, and does what it is asked, one thing after the other.

use std::{sync::Arc, thread::Builder, time::Duration};

use rusqlite::{Connection, InterruptHandle, config::DbConfig, limits::Limit};
use tokio::sync::{mpsc, oneshot};
use trunkline_core::{Error, Kind, Proof, Result};

use super::{Settings, codes, gone, guard::Guard, watch::Watch};

type Task = Box<dyn FnOnce(&mut Worker) + Send>;

/// How a thread is asked. Dropped, it ends once it is done with what it does.
pub(super) struct Thread {
    tasks: mpsc::UnboundedSender<Task>,
    interrupt: InterruptHandle,
    watch: Arc<Watch>,
    lost: bool,
}

/// What is on the thread.
pub(super) struct Worker {
    pub(super) connection: Connection,
    pub(super) settings: Arc<Settings>,
    pub(super) guard: Arc<Guard>,
    pub(super) watch: Arc<Watch>,
    /// Whether the connection refuses to write until it is told otherwise.
    pub(super) query_only: bool,
}

/// SQLite asks whether it is to go on after so many instructions of its machine, some hundred thousand times a second.
const INSTRUCTIONS: i32 = 1000;

/// No value, and no row, is larger.
const LENGTH: i32 = 64 << 20;

impl Thread {
    /// Starts a thread and opens the database there.
    ///
    /// # Errors
    ///
    /// As [`super::place::Place::open`].
    pub(super) async fn start(settings: Arc<Settings>) -> Result<Self> {
        let (tasks, mut asked) = mpsc::unbounded_channel::<Task>();
        let (opened, ready) = oneshot::channel();
        let watch = Arc::new(Watch::new());
        let watching = watch.clone();
        let thread = Builder::new().name("sqlite".to_owned()).spawn(move || {
            let mut worker = match Worker::open(settings, watching) {
                Ok(worker) => worker,
                Err(error) => return drop(opened.send(Err(error))),
            };
            if opened.send(Ok(worker.connection.get_interrupt_handle())).is_err() {
                return;
            }
            while let Some(task) = asked.blocking_recv() {
                task(&mut worker);
            }
        });
        thread.map_err(|_| Error::new(Kind::Overloaded, "no thread could be started for the database"))?;
        let interrupt = ready.await.map_err(|_| gone())??;
        Ok(Self { tasks, interrupt, watch, lost: false })
    }

    /// Has the thread do something, and waits for what comes of it.
    ///
    /// # Errors
    ///
    /// `internal` if the thread is gone.
    pub(super) async fn ask<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Worker) -> T + Send + 'static,
    ) -> Result<T> {
        let (done, result) = oneshot::channel();
        let task: Task = Box::new(move |worker| drop(done.send(work(worker))));
        let sent = self.tasks.send(task).is_ok();
        let result = if sent { result.await.ok() } else { None };
        self.lost |= result.is_none();
        result.ok_or_else(gone)
    }

    /// Leaves all behind that is of the connection alone: temporary tables, settings.
    ///
    /// # Errors
    ///
    /// As [`Thread::start`].
    pub(super) async fn reset(&mut self) -> Result<()> {
        let opened = self.ask(|worker| worker.reopen().map(|()| worker.connection.get_interrupt_handle()));
        self.interrupt = opened.await??;
        Ok(())
    }

    /// What is open is of no use any more: the file is broken, or cannot be read.
    pub(super) fn lose(&mut self) {
        self.lost = true;
    }

    /// Whether nothing can be asked any more.
    pub(super) fn is_gone(&self) -> bool {
        self.lost || self.tasks.is_closed()
    }

    /// Stops what it does, which is rolled back. Then it ends.
    pub(super) fn stop(self) {
        self.watch.stop();
        self.interrupt.interrupt();
    }
}

impl Worker {
    fn open(settings: Arc<Settings>, watch: Arc<Watch>) -> Result<Self> {
        let guard = Arc::new(Guard::default());
        let connection = connect(&settings, &guard, &watch)?;
        Ok(Self { connection, settings, guard, watch, query_only: false })
    }

    fn reopen(&mut self) -> Result<()> {
        self.connection = connect(&self.settings, &self.guard, &self.watch)?;
        self.query_only = false;
        Ok(())
    }

    /// Runs a statement of ours, which callers may not.
    pub(super) fn own(&self, sql: &str) -> rusqlite::Result<()> {
        self.guard.trusting(|| self.connection.execute_batch(sql))
    }

    /// Asks one thing.
    pub(super) fn text(&self, sql: &str) -> Result<String> {
        let asked = self.guard.trusting(|| self.connection.query_row(sql, [], |row| row.get(0)));
        asked.map_err(|error| codes::error(&error, &self.guard))
    }

    /// Who answers.
    pub(super) fn proof(&self) -> Result<Proof> {
        // That the file is a database is known once something of it was read.
        self.text("select cast(count(*) as text) from sqlite_schema")?;
        let place = if self.settings.place.is_memory() { "memory" } else { "file" };
        Ok(Proof::ANSWERED
            .fact("version", self.text("select sqlite_version()")?)
            .fact("role", "single")
            .fact("place", place)
            .fact("journal_mode", self.text("pragma journal_mode")?))
    }
}

/// Opens a connection and sets it up: whatever statements say, they reach this database and nothing else.
fn connect(settings: &Settings, guard: &Arc<Guard>, watch: &Arc<Watch>) -> Result<Connection> {
    let connection = settings.place.open()?;
    let writes = !settings.place.is_read_only();
    let set_up = || -> rusqlite::Result<()> {
        connection.busy_timeout(settings.lock)?;
        for (config, on) in [
            (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
            (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
            (DbConfig::SQLITE_DBCONFIG_ENABLE_FKEY, true),
        ] {
            connection.set_db_config(config, on)?;
        }
        connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, LENGTH)?;
        connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
        connection.set_limit(Limit::SQLITE_LIMIT_WORKER_THREADS, 0)?;
        if writes && !settings.place.is_memory() {
            // Some file systems have none: then it stays what it was.
            connection.query_row("pragma journal_mode=wal", [], |_| Ok(()))?;
        } else if writes {
            connection.query_row("pragma journal_mode=memory", [], |_| Ok(()))?;
        } else {
            connection.execute_batch("pragma query_only=1")?;
        }
        let guarding = guard.clone();
        connection.authorizer(Some(move |asked: rusqlite::hooks::AuthContext<'_>| guarding.judge(&asked)))?;
        let inserted = guard.clone();
        connection.update_hook(Some(move |action, _: &str, _: &str, _| {
            inserted.saw(action);
        }))?;
        let watch = watch.clone();
        connection.progress_handler(INSTRUCTIONS, Some(move || watch.is_over()))
    };
    set_up().map_err(|error| codes::cannot_open(&error))?;
    Ok(connection)
}

impl Settings {
    /// How long a statement may take.
    pub(super) fn limit(&self) -> Duration {
        self.statement
    }
}
