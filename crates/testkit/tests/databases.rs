//! The database servers of the tests: they start, hold the sample, die, come back, and leave nothing.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]

use std::{
    env, fs,
    future::pending,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use trunkline_testkit::{Authority, MariaDb, PASSWORD, PgBouncer, Postgres, music};

/// A statement that gives the name and the number of rows of every table.
fn counts() -> String {
    let each = |(table, _): &(&str, usize)| format!("select '{table}', count(*) from {table}");
    music::ROWS.iter().map(each).collect::<Vec<_>>().join(" union all ") + " order by 1"
}

fn expected(separator: char) -> String {
    let mut rows: Vec<_> =
        music::ROWS.iter().map(|(table, rows)| format!("{table}{separator}{rows}")).collect();
    rows.sort_by(|a, b| a.split(separator).next().cmp(&b.split(separator).next()));
    rows.join("\n")
}

/// The processes that were started with this folder or work in it, whether it is still there or not.
fn processes(folder: &Path) -> usize {
    let folder = folder.to_str().unwrap();
    let of_folder = |process: &Path| {
        fs::read_to_string(process.join("cmdline")).is_ok_and(|line| line.contains(folder))
            || fs::read_link(process.join("cwd")).is_ok_and(|path| path.to_str().unwrap().starts_with(folder))
    };
    fs::read_dir("/proc").unwrap().flatten().filter(|entry| of_folder(&entry.path())).count()
}

/// Runs a test of this file in a process of its own, kills it once it has started its server, and waits until
/// the processes of the server are gone too. Within that process `ALONE` is set.
async fn killed(test: &str) {
    let mut process = Command::new(env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
    let folder = lines.find_map(|line| Some(PathBuf::from(line.split_once("started in ")?.1)));
    process.kill().unwrap();
    process.wait().unwrap();
    // Where there is no server.
    let Some(folder) = folder else { return };
    while processes(&folder) > 0 {
        tokio::task::yield_now().await;
    }
    fs::remove_dir_all(folder).unwrap();
}

const ALONE: &str = "TESTKIT_ALONE";

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
}

mod postgres {
    use super::*;

    /// `psql` by a URL, as `trunk`.
    fn psql(url: &str, sql: &str) -> Output {
        Command::new("psql").args(["-X", "-A", "-t", url, "-c", sql]).output().unwrap()
    }

    #[tokio::test]
    async fn it_holds_the_sample_and_answers_over_tcp_and_its_socket() {
        let Some(server) = Postgres::start().await else { return };
        assert_eq!(server.psql(&counts()), expected('|'));
        assert_eq!(printed(&psql(&server.url(), &counts())), expected('|'));
        let difference = "select count(*) from invoice i where total <>
            (select sum(unit_price * quantity) from invoice_line l where l.invoice_id = i.invoice_id)";
        assert_eq!(server.psql(difference), "0");
        assert_eq!(server.psql("select city from customer where customer_id = 5"), "東京");
        assert_eq!(
            printed(&psql(&server.url(), "insert into artist (name) values ('x') returning artist_id"))
                .lines()
                .next(),
            Some("276")
        );
        let wrong = server.url().replace("word", "w");
        assert!(!psql(&wrong, "select 1").status.success());
        let socket = format!(
            "postgres:///music?host={}&port={}&user=trunk",
            server.socket_dir().display(),
            server.port()
        );
        let over_socket = Command::new("psql")
            .args(["-X", "-A", "-t", &socket, "-c", "select 1"])
            .env("PGPASSWORD", PASSWORD)
            .output()
            .unwrap();
        assert_eq!(printed(&over_socket), "1");
    }

    #[tokio::test]
    async fn it_dies_and_comes_back_on_the_same_port_with_its_data() {
        let Some(mut server) = Postgres::start_with(&["max_connections=7"]).await else { return };
        let url = server.url();
        assert_eq!(
            server.psql("create table kept (a int); insert into kept values (1); show max_connections"),
            "7"
        );
        server.kill().await;
        assert_eq!(processes(server.socket_dir()), 0);
        assert!(!psql(&url, "select 1").status.success());
        assert!(server.again().await);
        assert_eq!(printed(&psql(&url, "select count(*) from artist")), "275");
        server.stop_fast().await;
        assert_eq!(processes(server.socket_dir()), 0);
        assert!(server.again().await);
        assert_eq!(server.psql("select a from kept"), "1");
    }

    #[tokio::test]
    async fn nothing_is_left_of_it_even_if_it_is_held_up() {
        let Some(server) = Postgres::start().await else { return };
        let folder = server.socket_dir().to_owned();
        server.hold();
        server.go_on();
        assert_eq!(server.psql("select 1"), "1");
        server.hold();
        drop(server);
        assert!(!folder.exists());
        assert_eq!(processes(&folder), 0);
    }

    #[tokio::test]
    async fn it_ends_with_a_test_that_is_killed() {
        if env::var_os(ALONE).is_none() {
            return killed("postgres::it_ends_with_a_test_that_is_killed").await;
        }
        let Some(server) = Postgres::start().await else { return };
        println!("started in {}", server.socket_dir().display());
        pending::<()>().await;
    }

    #[tokio::test]
    async fn with_a_certificate_it_takes_only_tls() {
        let authority = Authority::new();
        let Some(server) = Postgres::start_tls(&authority).await else { return };
        let roots = server.socket_dir().join("roots.pem");
        fs::write(&roots, authority.pem()).unwrap();
        let verified = format!("{}?sslmode=verify-full&sslrootcert={}", server.url(), roots.display());
        assert_eq!(
            printed(&psql(&verified, "select ssl from pg_stat_ssl where pid = pg_backend_pid()")),
            "t"
        );
        assert!(!psql(&format!("{}?sslmode=disable", server.url()), "select 1").status.success());
    }

    mod pgbouncer {
        use super::*;

        #[tokio::test]
        async fn it_hands_out_sessions_for_a_transaction_at_a_time() {
            let Some(server) = Postgres::start().await else { return };
            let Some(mut pooler) = PgBouncer::start(&server).await else { return };
            assert_eq!(printed(&psql(&pooler.url(), &counts())), expected('|'));
            // The session is the same one for the next client.
            let session = printed(&psql(&pooler.url(), "select pg_backend_pid()"));
            assert_eq!(printed(&psql(&pooler.url(), "select pg_backend_pid()")), session);
            pooler.kill().await;
            assert!(!psql(&pooler.url(), "select 1").status.success());
            assert!(pooler.again().await);
            assert_eq!(printed(&psql(&pooler.url(), "select 1")), "1");
        }
    }
}

mod mysql {
    use super::*;

    /// `mariadb` over TCP, as `trunk`.
    fn client(server: &MariaDb, args: &[&str], sql: &str) -> Output {
        Command::new("mariadb")
            .args([
                "--no-defaults",
                "-B",
                "-N",
                "-h",
                "127.0.0.1",
                "-u",
                "trunk",
                "-P",
                &server.port().to_string(),
            ])
            .arg(format!("-p{PASSWORD}"))
            .args(args)
            .args(["music", "-e", sql])
            .output()
            .unwrap()
    }

    #[tokio::test]
    async fn it_holds_the_sample_and_answers_over_tcp_and_its_socket() {
        let Some(server) = MariaDb::start().await else { return };
        assert_eq!(server.sql(&counts()), expected('\t'));
        assert_eq!(printed(&client(&server, &[], &counts())), expected('\t'));
        let difference = "select count(*) from invoice i where total <>
            (select sum(unit_price * quantity) from invoice_line l where l.invoice_id = i.invoice_id)";
        assert_eq!(server.sql(difference), "0");
        assert_eq!(server.sql("select city from customer where customer_id = 5"), "東京");
        assert_ne!(server.sql("select count(*) from track where name like '%🎵%'"), "0");
        let socket = server.socket();
        let over_socket =
            client(&server, &["--protocol=socket", "--socket", socket.to_str().unwrap()], "select 1");
        assert_eq!(printed(&over_socket), "1");
    }

    #[tokio::test]
    async fn it_dies_and_comes_back_on_the_same_port_with_its_data() {
        let Some(mut server) = MariaDb::start_with(&["--max-connections=17"]).await else { return };
        assert_eq!(
            server.sql("create table kept (a int); insert into kept values (1); select @@max_connections"),
            "17"
        );
        server.kill().await;
        assert_eq!(processes(server.socket_dir()), 0);
        assert!(!client(&server, &[], "select 1").status.success());
        assert!(server.again().await);
        assert_eq!(printed(&client(&server, &[], "select count(*) from artist")), "275");
        server.stop_fast().await;
        assert_eq!(processes(server.socket_dir()), 0);
        assert!(server.again().await);
        assert_eq!(server.sql("select a from kept"), "1");
    }

    #[tokio::test]
    async fn nothing_is_left_of_it_even_if_it_is_held_up() {
        let Some(server) = MariaDb::start().await else { return };
        let folder = server.socket_dir().to_owned();
        server.hold();
        server.go_on();
        assert_eq!(server.sql("select 1"), "1");
        server.hold();
        drop(server);
        assert!(!folder.exists());
        assert_eq!(processes(&folder), 0);
    }

    #[tokio::test]
    async fn it_ends_with_a_test_that_is_killed() {
        if env::var_os(ALONE).is_none() {
            return killed("mysql::it_ends_with_a_test_that_is_killed").await;
        }
        let Some(server) = MariaDb::start().await else { return };
        println!("started in {}", server.socket_dir().display());
        pending::<()>().await;
    }

    #[tokio::test]
    async fn with_a_certificate_it_takes_only_tls() {
        let authority = Authority::new();
        let Some(server) = MariaDb::start_tls(&authority).await else { return };
        let roots = server.socket_dir().join("roots.pem");
        fs::write(&roots, authority.pem()).unwrap();
        let ca = format!("--ssl-ca={}", roots.display());
        let cipher =
            printed(&client(&server, &["--ssl-verify-server-cert", &ca], "show status like 'Ssl_cipher'"));
        assert_ne!(cipher, "Ssl_cipher\t");
        assert!(!client(&server, &["--skip-ssl"], "select 1").status.success());
    }
}

mod sqlite {
    use super::*;

    #[test]
    fn the_script_makes_the_same_sample() {
        let script = env::temp_dir().join(format!("trunkline-music-{}.sql", std::process::id()));
        fs::write(&script, music::sqlite()).unwrap();
        // The SQLite that everybody has.
        let program = "import sqlite3, sys
db = sqlite3.connect(':memory:')
db.executescript('pragma foreign_keys = on;' + open(sys.argv[1], encoding='utf-8').read())
for row in db.execute(sys.argv[2]): print(*row, sep='|')";
        let output = Command::new("python3").args(["-c", program]).arg(&script).arg(counts()).output();
        fs::remove_file(&script).unwrap();
        let Ok(output) = output else { return eprintln!("skipped: no python3") };
        assert_eq!(printed(&output), expected('|'));
    }
}
