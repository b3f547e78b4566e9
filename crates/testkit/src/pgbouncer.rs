//! `PgBouncer`: a real PgBouncer in front of a [`Postgres`], which hands out sessions for a transaction at a
//! time.

use crate::{
    PASSWORD, Postgres,
    postgres::PASSWORD_IN_URL,
    server::{Account, Daemon, Folder, program, skipped},
};

/// A pooler of transactions with two sessions. It is gone when it is dropped, and killed when the thread that
/// started it ends.
#[derive(Debug)]
pub struct PgBouncer {
    // Before its folder.
    server: Option<Daemon>,
    folder: Folder,
    port: u16,
    account: Account,
}

impl PgBouncer {
    /// Starts one; none, and a line that says so, where it is not installed.
    pub async fn start(behind: &Postgres) -> Option<Self> {
        Self::start_with(behind, &[]).await
    }

    /// The same with more settings, such as `default_pool_size = 1`.
    pub async fn start_with(behind: &Postgres, settings: &[&str]) -> Option<Self> {
        if program("pgbouncer", []).is_none() {
            skipped("pgbouncer", "pgbouncer");
            return None;
        }
        let account = behind.account().clone();
        let mut said = String::new();
        // Another may take the port before it does.
        for _ in 0..10 {
            let (port, folder) = Folder::new("pb", &account);
            let path = folder.path().display();
            // Of a setting that is there twice the last counts.
            let text = format!(
                "[databases]\n* = host=127.0.0.1 port={}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
                 listen_port = {port}\nunix_socket_dir = {path}\nauth_type = scram-sha-256\n\
                 auth_file = {path}/users\npool_mode = transaction\ndefault_pool_size = 2\n{}\n",
                behind.port(),
                settings.join("\n")
            );
            account.file(&folder.path().join("settings"), &text);
            let password = PASSWORD.replace('"', "\"\"");
            account.file(&folder.path().join("users"), &format!("\"trunk\" \"{password}\"\n"));
            let mut this = Self { server: None, folder, port, account: account.clone() };
            if this.again().await {
                return Some(this);
            }
            said = this.server.as_ref().map(Daemon::said).unwrap_or_default();
        }
        panic!("pgbouncer does not start:{said}");
    }

    /// Starts it on the same port once more. Says whether it did start.
    pub async fn again(&mut self) -> bool {
        self.server = None;
        let mut command = self.account.command(program("pgbouncer", []).expect("it was there"));
        command.arg(self.folder.path().join("settings"));
        let mut server = Daemon::spawn(&mut command);
        let ready = server.says("process up").await;
        self.server = Some(server);
        ready
    }

    /// Where the sample is for `trunk`, such as `postgres://trunk:p%40ss@127.0.0.1:6433/music`.
    pub fn url(&self) -> String {
        format!("postgres://trunk:{PASSWORD_IN_URL}@127.0.0.1:{}/music", self.port)
    }

    /// Its port, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Kills it, and waits until it is gone.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Holds it up: connections stand, and nothing is answered.
    pub fn hold(&self) {
        self.server.as_ref().unwrap().signal_all("-STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.server.as_ref().unwrap().signal_all("-CONT");
    }
}
