//! One connection that is logged in and set up, and how what it is in the middle of is stopped at the server.

use std::{panic::AssertUnwindSafe, sync::Arc};

use futures_util::FutureExt;
use mysql_async::{Conn, Opts, Row, from_value_opt, prelude::Queryable};
use tokio::time::timeout;
use trunkline_core::{Error, Result};

use super::{
    ABANDON,
    codes::{self, Stage},
    value::Heads,
};

/// Settings under which a text is cut into tokens in another way than the scanner does, with the modes that stand for
/// several and switch them on again. They are switched off in our sessions (MySQL manual, 5.1.11; MariaDB: `SQL_MODE`).
const OTHER_SYNTAX: &[&str] =
    &["NO_BACKSLASH_ESCAPES", "ANSI_QUOTES", "ANSI", "DB2", "MAXDB", "MSSQL", "ORACLE", "POSTGRESQL"];

/// A connection.
pub(crate) struct Session {
    /// `None` once nothing more can be done with it.
    conn: Option<Conn>,
    /// The columns of statements that were run lately.
    pub(super) heads: Heads,
    me: Me,
    set_up: Arc<str>,
    /// Whether it was set up to refuse writes.
    pub(super) read_only: bool,
}

/// What a session is to its server, so that a second connection can tell that it speaks to the same one: an address can
/// stand for several.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Me {
    id: u64,
    server: String,
}

impl Session {
    /// Connects, logs in and sets up.
    ///
    /// # Errors
    ///
    /// Whatever goes wrong on the way; nothing that a caller sent was sent on.
    pub(super) async fn connect(
        opts: Opts,
        set_up: &str,
        read_only: bool,
    ) -> Result<Self, mysql_async::Error> {
        let begun = guarded(async {
            let mut conn = Conn::new(opts).await?;
            let (me, mode) = Me::ask(&mut conn).await?;
            Ok((conn, me, mode))
        });
        let (conn, me, mode) = begun.await?;
        let kept: Vec<_> = mode.split(',').filter(|mode| !OTHER_SYNTAX.contains(mode)).collect();
        let mut set_up = set_up.to_owned();
        if kept.len() < mode.split(',').count() {
            set_up.push_str(&format!(", sql_mode = '{}'", kept.join(",")));
        }
        let mut session =
            Self { conn: Some(conn), heads: Heads::default(), me, set_up: set_up.into(), read_only };
        session.set_up().await?;
        Ok(session)
    }

    /// The connection, with what is remembered of statements beside it.
    ///
    /// # Errors
    ///
    /// Where there is none any more.
    pub(super) fn parts(&mut self) -> Result<(&mut Conn, &mut Heads), mysql_async::Error> {
        let conn = self.conn.as_mut().ok_or(mysql_async::DriverError::ConnectionClosed)?;
        Ok((conn, &mut self.heads))
    }

    /// Whether nothing more can be done with it. One that is in the middle of something is not broken: what it runs has
    /// to be stopped.
    pub(super) fn is_broken(&self) -> bool {
        self.conn.is_none()
    }

    /// Closes it after an error that is not the server's own: the connection is lost, or nobody knows where in the
    /// protocol it is.
    pub(super) fn settle<T>(&mut self, done: &Result<T, mysql_async::Error>) {
        if done.as_ref().is_err_and(mysql_async::Error::is_fatal) {
            self.close();
        }
    }

    /// Whether the server answers.
    pub(super) async fn ping(&mut self) -> bool {
        let Ok((conn, _)) = self.parts() else { return false };
        let answer = guarded(conn.ping()).await;
        self.settle(&answer);
        answer.is_ok()
    }

    /// Removes what statements left behind: variables, temporary tables, locks, prepared statements, a transaction.
    ///
    /// # Errors
    ///
    /// Where the server is too old to do so (MySQL before 5.7.3, MariaDB before 10.2.4), or does not answer.
    pub(super) async fn reset(&mut self) -> Result<()> {
        let lost = |error| codes::lost(error, Stage::Connecting);
        let (conn, _) = self.parts().map_err(lost)?;
        let done = guarded(conn.reset()).await;
        self.settle(&done);
        if !done.map_err(lost)? {
            self.close();
            return Err(Error::new(trunkline_core::Kind::Unsupported, "the server cannot reset a session"));
        }
        self.set_up().await.map_err(lost)?;
        self.go_home().await.map_err(lost)
    }

    /// Back to the database that was configured, which a reset does not do. There is no way back to none.
    async fn go_home(&mut self) -> Result<(), mysql_async::Error> {
        let (conn, _) = self.parts()?;
        let home = conn.opts().db_name().map(|name| name.replace('`', "``"));
        match home {
            Some(home) => self.ask(&format!("USE `{home}`")).await.map(drop),
            None => {
                let rows = self.ask("SELECT DATABASE() IS NULL").await?;
                let nowhere = rows.into_iter().any(|row| row.get_opt::<u8, _>(0) == Some(Ok(1)));
                if !nowhere {
                    self.close();
                }
                Ok(())
            }
        }
    }

    pub(super) async fn set_up(&mut self) -> Result<(), mysql_async::Error> {
        let (set_up, read_only) = (self.set_up.clone(), self.read_only);
        let (conn, _) = self.parts()?;
        let done = guarded(async {
            conn.query_drop(&*set_up).await?;
            if read_only {
                conn.query_drop("SET SESSION TRANSACTION READ ONLY").await?;
            }
            Ok(())
        });
        let done = done.await;
        self.settle(&done);
        done
    }

    /// Asks something that needs no parameters, and reads all of the answer.
    pub(super) async fn ask(&mut self, question: &str) -> Result<Vec<Row>, mysql_async::Error> {
        let (conn, _) = self.parts()?;
        let answer = guarded(conn.query(question)).await;
        self.settle(&answer);
        answer
    }

    /// How many warnings the last statement has left.
    pub(super) fn warnings(&self) -> u16 {
        self.conn.as_ref().map_or(0, Conn::get_warnings)
    }

    /// Stops what it is in the middle of, in a task of its own, and closes it. Returns at once.
    pub(super) fn abandon<P: Send + 'static>(mut self, place: P) {
        self.give_up_with(place);
    }

    /// The same, for one who has the session still: it is broken afterwards.
    pub(super) fn give_up(&mut self) {
        self.give_up_with(());
    }

    fn give_up_with<P: Send + 'static>(&mut self, place: P) {
        let Some(conn) = self.conn.take() else { return };
        let me = self.me.clone();
        tokio::spawn(async move {
            // The statement goes first: a server that computes does not look whether anybody is still there.
            let _ = timeout(ABANDON, stop(conn.opts().clone(), me)).await;
            close(conn);
            drop(place);
        });
    }

    /// Closes it without waiting for anything.
    pub(super) fn close(&mut self) {
        if let Some(conn) = self.conn.take() {
            close(conn);
        }
    }
}

impl Drop for Session {
    /// Left to itself, `mysql_async` would first read what a statement still yields, however much that is.
    fn drop(&mut self) {
        self.close();
    }
}

/// Says goodbye where that can be done at once. Polled once, it marks the connection as closed, so that dropping it
/// closes the socket and does nothing else.
fn close(conn: Conn) {
    let _ = conn.disconnect().now_or_never();
}

impl Me {
    /// With the SQL mode of the session.
    async fn ask(conn: &mut Conn) -> Result<(Self, String), mysql_async::Error> {
        let question = "SELECT CONNECTION_ID(), CONCAT_WS('/', @@hostname, @@port, @@server_id), @@sql_mode";
        let row: Option<Row> = conn.query_first(question).await?;
        let mut row = row.map(Row::unwrap).unwrap_or_default().into_iter();
        let mut text = || {
            let value = row.next().unwrap_or(mysql_async::Value::NULL);
            from_value_opt::<String>(value).unwrap_or_default()
        };
        let (id, server, mode) = (text(), text(), text());
        Ok((Self { id: id.parse().unwrap_or_default(), server }, mode))
    }
}

/// Stops the session `me` from a second connection, if that is to the same server. The same login may do so.
async fn stop(opts: Opts, me: Me) -> Result<(), mysql_async::Error> {
    let stopped = guarded(async {
        let mut conn = Conn::new(opts).await?;
        if Me::ask(&mut conn).await?.0.server == me.server {
            conn.query_drop(format!("KILL {}", me.id)).await?;
        }
        Ok(conn)
    });
    close(stopped.await?);
    Ok(())
}

/// Runs what reads from a server. `mysql_async` panics at packets that no server should send: an empty one where rows
/// are, a type that it does not know.
pub(super) async fn guarded<T>(
    work: impl Future<Output = Result<T, mysql_async::Error>>,
) -> Result<T, mysql_async::Error> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(mysql_async::Error::Other("the server sent what is not of the protocol".into())),
    }
}
