//! A database that another program writes to, for as long as a test wants: whoever else would write waits.

use sqlx::{ConnectOptions as _, Connection as _, SqliteConnection, sqlite::SqliteConnectOptions};

use super::Server;

/// The database of a server, held.
pub(crate) struct Held(SqliteConnection);

impl Held {
    /// Takes the right to write, which SQLite gives to one at a time.
    pub(crate) async fn of(server: &Server) -> Self {
        let database = SqliteConnectOptions::new().filename(server.data().join("trunkline.db"));
        let mut connection = database.connect().await.unwrap();
        sqlx::query("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
        Self(connection)
    }

    /// Gives it back.
    pub(crate) async fn let_go(self) {
        self.0.close().await.unwrap();
    }
}
