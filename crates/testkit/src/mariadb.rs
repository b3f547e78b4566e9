//! `MariaDb`: a real MariaDB server on a port and a Unix socket of its own, which can be killed, held up and
//! started again.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Authority, PASSWORD, music,
    postgres::PASSWORD_IN_URL,
    server::{Account, Daemon, Folder, copy_template, program, run, skipped},
};

// What was committed survives its process, for tests kill it; it need not survive the machine.
const SETTINGS: &[&str] = &[
    "--innodb-buffer-pool-size=16M",
    "--innodb-log-file-size=4M",
    "--innodb-data-file-path=ibdata1:5M:autoextend",
    "--innodb-autoextend-increment=1",
    "--innodb-temp-data-file-path=ibtmp1:2M:autoextend",
    "--innodb-flush-log-at-trx-commit=2",
    "--innodb-flush-method=nosync",
    "--innodb-buffer-pool-dump-at-shutdown=OFF",
    "--innodb-buffer-pool-load-at-startup=OFF",
    "--aria-pagecache-buffer-size=1M",
    "--key-buffer-size=1M",
    "--max-connections=50",
    "--character-set-server=utf8mb4",
    "--collation-server=utf8mb4_general_ci",
];

/// A server with the database [`music`], which belongs to the user `trunk` whose password is [`PASSWORD`]. It is
/// gone when it is dropped, and killed when the thread that started it ends.
#[derive(Debug)]
pub struct MariaDb {
    // Before its folder.
    server: Option<Daemon>,
    folder: Folder,
    port: u16,
    account: Account,
    programs: Programs,
    args: Vec<String>,
}

#[derive(Debug, Clone)]
struct Programs {
    server: PathBuf,
    install: PathBuf,
    client: PathBuf,
}

impl MariaDb {
    /// Starts one; none, and a line that says so, where MariaDB is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// The same with more arguments, such as `--max-connections=3`.
    pub async fn start_with(args: &[&str]) -> Option<Self> {
        Self::start_as(args, None).await
    }

    /// Starts one that takes only TLS on its port, with a certificate for `localhost` and `127.0.0.1`.
    pub async fn start_tls(authority: &Authority) -> Option<Self> {
        Self::start_as(&[], Some(authority)).await
    }

    async fn start_as(args: &[&str], authority: Option<&Authority>) -> Option<Self> {
        let found = |name| program(name, []);
        let (Some(server), Some(install), Some(client)) =
            (found("mariadbd"), found("mariadb-install-db"), found("mariadb"))
        else {
            skipped("MariaDB server", "mariadb-server");
            return None;
        };
        let programs = Programs { server, install, client };
        let account = Account::of(&["mysql", "nobody"]);
        let mut said = String::new();
        // Another may take the port before it does.
        for _ in 0..10 {
            let (port, folder) = Folder::new("my", &account);
            let length = std::fs::metadata(&programs.server).unwrap().len();
            // This file says how it is built.
            let key = (length, include_str!("mariadb.rs"), music::mysql());
            copy_template("mariadb", key, &account, &folder, async |path| {
                build(&account, &programs, path).await;
            })
            .await;
            let mut args: Vec<_> = args.iter().map(|&arg| arg.to_owned()).collect();
            if let Some(authority) = authority {
                let (certificate, key) = authority.server_pem();
                args.push("--require-secure-transport=ON".to_owned());
                for (name, text) in [("cert", &certificate), ("key", &key)] {
                    let file = folder.path().join(name);
                    account.file(&file, text);
                    args.push(format!("--ssl-{name}={}", file.display()));
                }
            }
            let (account, programs) = (account.clone(), programs.clone());
            let mut this = Self { server: None, folder, port, account, programs, args };
            if this.again().await {
                return Some(this);
            }
            said = this.server.as_ref().map(Daemon::said).unwrap_or_default();
        }
        panic!("mariadbd does not start:{said}");
    }

    /// Starts it on the same port once more, with the data that it had. Says whether it did start.
    pub async fn again(&mut self) -> bool {
        self.server = None;
        let mut server =
            spawn(&self.account, &self.programs, self.folder.path(), Some(self.port), &self.args);
        let ready = server.says("ready for connections").await;
        self.server = Some(server);
        ready
    }

    /// Where the sample is for `trunk`, such as `mysql://trunk:p%40ss@127.0.0.1:3307/music`.
    pub fn url(&self) -> String {
        format!("mysql://trunk:{PASSWORD_IN_URL}@127.0.0.1:{}/music", self.port)
    }

    /// Its port, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its Unix socket. Over it `root` needs no password.
    pub fn socket(&self) -> PathBuf {
        socket(self.folder.path())
    }

    /// The folder of its Unix socket.
    pub fn socket_dir(&self) -> &Path {
        self.folder.path()
    }

    /// Kills it, and waits until it is gone.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Shuts it down in order, ending all sessions, and waits until it is gone.
    pub async fn stop_fast(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("-TERM");
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

    /// What `root` gets from `music` for these statements: a line for each row, tabs between columns.
    ///
    /// # Panics
    ///
    /// Where one of them fails.
    pub fn sql(&self, sql: &str) -> String {
        client(&self.programs, self.folder.path(), "music", sql)
    }
}

fn socket(folder: &Path) -> PathBuf {
    folder.join("socket")
}

/// Without a port it listens on its Unix socket alone.
fn spawn(
    account: &Account,
    programs: &Programs,
    folder: &Path,
    port: Option<u16>,
    args: &[String],
) -> Daemon {
    let mut command = account.command(&programs.server);
    command.args(["--no-defaults", "--skip-name-resolve", "--bind-address=127.0.0.1"]).args(SETTINGS);
    let option = |name: &str, path: &Path| format!("--{name}={}", path.display());
    command.args([option("datadir", &folder.join("data")), option("socket", &socket(folder))]);
    command.args([option("pid-file", &folder.join("pid")), option("tmpdir", folder)]);
    match port {
        Some(port) => command.arg(format!("--port={port}")),
        None => command.arg("--skip-networking"),
    };
    command.args(args);
    Daemon::spawn(&mut command)
}

fn client(programs: &Programs, folder: &Path, database: &str, sql: &str) -> String {
    let mut command = Command::new(&programs.client);
    command.args([
        "--no-defaults",
        "--batch",
        "--skip-column-names",
        "--default-character-set=utf8mb4",
        "-u",
        "root",
    ]);
    command.arg("--socket").arg(socket(folder)).arg(database);
    run(&mut command, sql)
}

/// Makes `data` in a folder, with the user and the sample.
async fn build(account: &Account, programs: &Programs, folder: &Path) {
    let mut install = account.command(&programs.install);
    install
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db"])
        .args(SETTINGS);
    install.arg(format!("--datadir={}", folder.join("data").display()));
    install.arg(format!("--tmpdir={}", folder.display()));
    run(&mut install, "");
    let mut server = spawn(account, programs, folder, None, &[]);
    assert!(server.says("ready for connections").await, "mariadbd does not start:{}", server.said());
    // The users without a name would come before `trunk` on this machine.
    let password = PASSWORD.replace('\'', "''");
    let users = format!(
        "delete from mysql.global_priv where User = '' or Host <> 'localhost';\nflush privileges;\n\
         create user trunk identified by '{password}';\ncreate database music;\ngrant all on music.* to trunk;\n"
    );
    client(programs, folder, "mysql", &users);
    client(programs, folder, "music", &music::mysql());
    server.signal("-TERM");
    server.gone().await;
}
