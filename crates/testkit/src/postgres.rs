//! `Postgres`: a real PostgreSQL server on a port and a Unix socket of its own, which can be killed, held up
//! and started again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Authority, music,
    server::{Account, Daemon, Folder, copy_template, program, run, skipped},
};

/// A user's password that has to be escaped wherever it is written.
pub const PASSWORD: &str = "p@ss:/%40word'\"";
/// The same in a URL.
pub(crate) const PASSWORD_IN_URL: &str = "p%40ss%3A%2F%2540word%27%22";

// What was committed survives its processes, for tests kill them; it need not survive the machine.
const SETTINGS: &[&str] = &[
    "fsync=off",
    "shared_buffers=16MB",
    "max_connections=50",
    "max_wal_senders=0",
    "min_wal_size=2MB",
    "wal_level=minimal",
    "autovacuum=off",
    "dynamic_shared_memory_type=mmap",
    "password_encryption=scram-sha-256",
];

/// A server with the database [`music`], owned by the user `trunk` whose password is [`PASSWORD`], and no
/// database besides it but `template1`. It is gone when it is dropped, and killed when the thread that started
/// it ends. With `TMPDIR` on a file system in memory it starts several times as fast.
#[derive(Debug)]
pub struct Postgres {
    // Before its folder.
    server: Option<Daemon>,
    folder: Folder,
    port: u16,
    account: Account,
    bin: PathBuf,
    settings: Vec<String>,
}

impl Postgres {
    /// Starts one; none, and a line that says so, where PostgreSQL is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more settings, such as `max_connections=3`.
    pub async fn start_with(settings: &[&str]) -> Option<Self> {
        Self::start_as(settings, None).await
    }

    /// Starts one that takes only TLS on its port, with a certificate for `localhost` and `127.0.0.1`.
    pub async fn start_tls(authority: &Authority) -> Option<Self> {
        Self::start_as(&[], Some(authority)).await
    }

    async fn start_as(settings: &[&str], authority: Option<&Authority>) -> Option<Self> {
        let Some(bin) = bin() else {
            skipped("PostgreSQL server", "postgresql");
            return None;
        };
        let account = Account::of(&["postgres", "nobody"]);
        let mut said = String::new();
        // Another may take the port before it does.
        for _ in 0..10 {
            let (port, folder) = Folder::new("pg", &account);
            let length = fs::metadata(bin.join("postgres")).unwrap().len();
            // This file says how it is built.
            let key = (&bin, length, include_str!("postgres.rs"), music::postgres());
            copy_template("postgres", key, &account, &folder, async |path| {
                build(&account, &bin, path).await;
            })
            .await;
            let mut settings: Vec<_> = settings.iter().map(|&setting| setting.to_owned()).collect();
            let mut host = "host";
            if let Some(authority) = authority {
                let (certificate, key) = authority.server_pem();
                account.file(&folder.path().join("server.pem"), &certificate);
                account.file(&folder.path().join("server.key"), &key);
                for (name, value) in
                    [("ssl", "on"), ("ssl_cert_file", "../server.pem"), ("ssl_key_file", "../server.key")]
                {
                    settings.push(format!("{name}={value}"));
                }
                host = "hostssl";
            }
            let access = format!(
                "local all postgres trust\nlocal all all scram-sha-256\n{host} all all 127.0.0.1/32 scram-sha-256\n"
            );
            account.file(&folder.path().join("data/pg_hba.conf"), &access);
            let account = account.clone();
            let mut this = Self { server: None, folder, port, account, bin: bin.clone(), settings };
            if this.again().await {
                return Some(this);
            }
            said = this.server.as_ref().map(Daemon::said).unwrap_or_default();
        }
        panic!("postgres does not start:{said}");
    }

    /// Starts it on the same port once more, with the data that it had. Says whether it did start.
    pub async fn again(&mut self) -> bool {
        self.server = None;
        let mut server = spawn(&self.account, &self.bin, self.folder.path(), Some(self.port), &self.settings);
        let ready = server.says("ready to accept connections").await;
        self.server = Some(server);
        ready
    }

    /// Where the sample is for `trunk`, such as `postgres://trunk:p%40ss@127.0.0.1:5433/music`.
    pub fn url(&self) -> String {
        format!("postgres://trunk:{PASSWORD_IN_URL}@127.0.0.1:{}/music", self.port)
    }

    /// Its port, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The folder of its Unix socket. Over the socket the superuser `postgres` needs no password.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Kills all of its processes at once, and waits until they are gone.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Shuts it down in order, ending all sessions, and waits until it is gone.
    pub async fn stop_fast(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("-INT");
            server.gone().await;
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

    /// What the superuser gets from `music` for these statements: a line for each row, `|` between columns.
    ///
    /// # Panics
    ///
    /// Where one of them fails.
    pub fn psql(&self, sql: &str) -> String {
        psql(&self.bin, self.folder.path(), self.port, "music", sql)
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }
}

/// The folder of the newest version that is installed.
fn bin() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut versions: Vec<_> = versions.filter_map(|entry| Some(entry.ok()?.path())).collect();
    versions.sort_by_key(|path| path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()));
    let folders = versions.into_iter().rev().map(|path| path.join("bin"));
    let file = program("postgres", folders)?;
    let folder = file.canonicalize().ok()?.parent()?.to_owned();
    ["initdb", "psql"].iter().all(|name| folder.join(name).is_file()).then_some(folder)
}

/// Without a port it listens on its Unix socket alone.
fn spawn(account: &Account, bin: &Path, folder: &Path, port: Option<u16>, settings: &[String]) -> Daemon {
    let mut command = account.command(bin.join("postgres"));
    command.env("LC_ALL", "C.UTF-8").arg("-D").arg(folder.join("data")).arg("-k").arg(folder);
    match port {
        Some(port) => command.args(["-h", "127.0.0.1", "-p", &port.to_string()]),
        None => command.args(["-h", ""]),
    };
    for setting in SETTINGS.iter().copied().chain(settings.iter().map(String::as_str)) {
        command.args(["-c", setting]);
    }
    Daemon::spawn(&mut command)
}

fn psql(bin: &Path, folder: &Path, port: u16, database: &str, sql: &str) -> String {
    let mut command = Command::new(bin.join("psql"));
    let port = port.to_string();
    command
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-U",
            "postgres",
            "-p",
            &port,
            "-d",
            database,
        ])
        .arg("-h")
        .arg(folder)
        .env("PGCLIENTENCODING", "UTF8");
    run(&mut command, sql)
}

/// Makes `data` in a folder, with the user and the sample.
async fn build(account: &Account, bin: &Path, folder: &Path) {
    let mut initdb = account.command(bin.join("initdb"));
    initdb.args([
        "-U",
        "postgres",
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--locale=C.UTF-8",
        "--no-sync",
        "--no-instructions",
    ]);
    // Megabytes; it is copied for each server.
    initdb.args(["--wal-segsize", "1", "-D"]).arg(folder.join("data"));
    run(&mut initdb, "");
    let mut server = spawn(account, bin, folder, None, &[]);
    assert!(server.says("ready to accept connections").await, "postgres does not start:{}", server.said());
    let password = PASSWORD.replace('\'', "''");
    let users = format!("create user trunk password '{password}';\ncreate database music owner trunk;");
    psql(bin, folder, 5432, "template1", &users);
    psql(
        bin,
        folder,
        5432,
        "music",
        &format!("set role trunk;\n{}\nreset role; vacuum analyze;", music::postgres()),
    );
    // A database has three hundred files, and to copy them takes most of the time of a start.
    let others = "drop database postgres;\n\
                  update pg_database set datistemplate = false where datname = 'template0';\n\
                  drop database template0;\ncheckpoint;";
    psql(bin, folder, 5432, "music", others);
    server.signal("-INT");
    server.gone().await;
}
