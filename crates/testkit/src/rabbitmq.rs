//! `RabbitMq`: a real RabbitMQ node of its own, which can be killed, steered from within and started again.

use std::{
    fs,
    hash::Hash,
    path::{Path, PathBuf},
    process::Command,
    sync::atomic::{AtomicU16, Ordering},
};

pub use shared::SharedRabbitMq;

use crate::{
    Options, PASSWORD,
    broker::{Broker, is_broker},
    postgres::PASSWORD_IN_URL,
    server::{Account, Daemon, Folder, attempt, copy_template, free_port, program, skipped},
};

mod shared;

// A node without a name server needs no name of its own, and the data is that of a name.
const NODE: &str = "trunk@localhost";
const COOKIE: &str = "TRUNKLINE";
const READY: &str = "Server startup complete";
const ACCOUNTS: &[&str] = &["rabbitmq", "nobody"];

/// A RabbitMQ node without plugins. The user `trunk`, whose password is [`PASSWORD`], may do everything in the virtual
/// hosts `/` and [`RabbitMq::VHOST`]; so may `guest`. It starts in two seconds, most of which it computes.
///
/// It does what every [`Broker`] does, and keeps what it has confirmed of durable queues over a kill.
#[derive(Debug)]
pub struct RabbitMq {
    broker: Broker,
    node: Node,
    scheme: &'static str,
}

is_broker!(RabbitMq);

impl RabbitMq {
    /// A virtual host whose name has to be escaped in a URL.
    pub const VHOST: &str = "orders/50% ü";

    /// Starts one; none, and a line that says so, where RabbitMQ is not installed.
    pub async fn start() -> Option<Self> {
        Self::start_with(Options::default()).await
    }

    /// A virtual host of a node that all tests share, for those that neither kill it nor set it up: it is there at
    /// once.
    pub async fn shared() -> Option<SharedRabbitMq> {
        SharedRabbitMq::start().await
    }

    /// The same with options. It never lets in anybody without a password.
    pub async fn start_with(options: Options<'_>) -> Option<Self> {
        let Some(programs) = Programs::find() else {
            skipped("RabbitMQ server", "rabbitmq-server");
            return None;
        };
        let account = Account::of(ACCOUNTS);
        let control = AtomicU16::new(0);
        let broker = Broker::start("rabbit", ACCOUNTS, READY, async |place| {
            data(&account, &programs, &place.folder).await;
            let mut lines = match options.tls {
                None => vec![format!("listeners.tcp.1 = 127.0.0.1:{}", place.port)],
                Some(authority) => {
                    let files = place.certificate(authority);
                    vec![
                        "listeners.tcp = none".to_owned(),
                        format!("listeners.ssl.1 = 127.0.0.1:{}", place.port),
                        format!("ssl_options.cacertfile = {}", files.authority),
                        format!("ssl_options.certfile = {}", files.certificate),
                        format!("ssl_options.keyfile = {}", files.key),
                        format!(
                            "ssl_options.verify = verify_{}",
                            if options.mutual { "peer" } else { "none" }
                        ),
                        format!("ssl_options.fail_if_no_peer_cert = {}", options.mutual),
                    ]
                }
            };
            lines.extend(options.settings.iter().map(|&line| line.to_owned()));
            control.store(free_port(), Ordering::Relaxed);
            let start = account.command(&programs.server);
            command(start, &account, place.folder.path(), control.load(Ordering::Relaxed), &lines)
        })
        .await;
        let control = control.into_inner();
        let scheme = if options.tls.is_some() { "amqps" } else { "amqp" };
        Some(Self { node: Node { erl_call: programs.erl_call, control }, broker, scheme })
    }

    /// The URL of the virtual host `/` for `trunk`, such as `amqp://trunk:p%40ss@127.0.0.1:5673`.
    pub fn url(&self) -> String {
        format!("{}://trunk:{PASSWORD_IN_URL}@{}", self.scheme, self.address())
    }

    /// The same of [`RabbitMq::VHOST`].
    pub fn vhost_url(&self) -> String {
        format!("{}/orders%2F50%25%20%C3%BC", self.url())
    }

    /// What an expression of Erlang gives within the node, such as `rabbit_vhost:list_names()`
    ///
    /// # Panics
    ///
    /// Where it fails.
    pub fn eval(&self, erlang: &str) -> String {
        self.node.eval(erlang)
    }

    /// Kills it, once what has been declared is on disk: left to itself RabbitMQ has it in memory alone for seconds,
    /// though it has confirmed it. What it has confirmed of messages is on disk anyway.
    pub async fn kill(&mut self) {
        // One that is held up does not answer.
        let _ = self.node.call("mnesia:sync_log()", &["-timeout", "2"]);
        self.broker.kill().await;
    }

    /// Ends all connections as an operator does: with a close for which a client is not to blame, 320.
    pub fn close_connections(&self) {
        self.eval("rabbit_networking:close_connections(rabbit_networking:connections(), <<\"for a test\">>)");
    }

    /// Has it run out of memory, or not any more: it blocks connections that publish, and says so to those who want
    /// to know.
    pub fn set_alarm(&self, on: bool) {
        self.eval(if on {
            "rabbit_alarm:set_alarm({{resource_limit, memory, node()}, []})"
        } else {
            "rabbit_alarm:clear_alarm({resource_limit, memory, node()})"
        });
    }
}

/// What is run.
struct Programs {
    server: PathBuf,
    /// Evaluates an expression in a node, within milliseconds; `rabbitmqctl` takes a second.
    erl_call: PathBuf,
}

impl Programs {
    fn find() -> Option<Self> {
        // What Debian has in PATH is for root alone.
        let server = program("rabbitmq-server", [PathBuf::from("/usr/lib/rabbitmq/bin")])?;
        let erl = program("erl", [])?.canonicalize().ok()?;
        let versions =
            fs::read_dir(erl.parent()?.parent()?).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let erl_call = versions.map(|path| path.join("bin/erl_call")).find(|path| path.is_file())?;
        Some(Self { server, erl_call })
    }

    /// All that the data of a node depends on.
    fn key(&self) -> impl Hash {
        // This file says how it is made.
        (self.server.clone(), fs::metadata(&self.server).unwrap().len(), include_str!("rabbitmq.rs"))
    }
}

/// Steers a node over the port that other nodes would use.
#[derive(Debug)]
struct Node {
    erl_call: PathBuf,
    control: u16,
}

impl Node {
    /// Makes a virtual host in which `trunk` and `guest` may do everything.
    fn add_vhost(&self, name: &str) {
        self.eval(&format!(
            "rabbit_vhost:add(<<\"{name}\">>, <<\"guest\">>),
             [rabbit_auth_backend_internal:set_permissions(
                  User, <<\"{name}\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"guest\">>)
              || User <- [<<\"trunk\">>, <<\"guest\">>]]"
        ));
    }

    fn eval(&self, erlang: &str) -> String {
        self.call(erlang, &[]).unwrap_or_else(|said| panic!("{erlang} fails: {said}"))
    }

    fn call(&self, erlang: &str, args: &[&str]) -> Result<String, String> {
        let mut command = Command::new(&self.erl_call);
        // With a name that no other has at the same time.
        command
            .args(["-address", &format!("127.0.0.1:{}", self.control), "-c", COOKIE, "-r", "-e"])
            .args(args);
        let output = attempt(&mut command, &format!("{erlang}.\n"))?;
        let value = output.strip_prefix("{ok, ").and_then(|rest| rest.strip_suffix('}'));
        value.map(str::to_owned).ok_or(output)
    }
}

/// Puts `data` into a folder.
async fn data(account: &Account, programs: &Programs, folder: &Folder) {
    copy_template("rabbitmq", programs.key(), account, folder, async |path| {
        build(account, programs, path).await;
    })
    .await;
}

/// Makes of a command that starts a server one that runs a node with the data of a folder.
fn command(
    mut command: Command,
    account: &Account,
    folder: &Path,
    control: u16,
    settings: &[String],
) -> Command {
    let path = |name: &str| folder.join(name);
    account.file(&path(".erlang.cookie"), COOKIE);
    account.file(&path("settings.conf"), &settings.join("\n"));
    account.file(&path("plugins"), "[].");
    // It is told much by the environment, and should hear nothing of the machine's own node.
    command
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("LC_ALL", "C.UTF-8")
        .env("HOME", folder)
        .env("RABBITMQ_NODENAME", NODE)
        .env("RABBITMQ_DIST_PORT", control.to_string())
        .env("RABBITMQ_MNESIA_BASE", folder)
        .env("RABBITMQ_MNESIA_DIR", path("data/mnesia"))
        .env("RABBITMQ_FEATURE_FLAGS_FILE", path("data/feature_flags"))
        .env("RABBITMQ_LOG_BASE", path("log"))
        .env("RABBITMQ_LOGS", "-")
        .env("RABBITMQ_CONFIG_FILE", path("settings.conf"))
        .env("RABBITMQ_CONFIG_FILES", path("none"))
        .env("RABBITMQ_ADVANCED_CONFIG_FILE", path("none.config"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", path("plugins"))
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        // With input, for the script would stay between.
        .env("RABBITMQ_ALLOW_INPUT", "true")
        // Threads that are bound to a core stand in each other's way where several nodes run.
        .args([
            "-noinput",
            "+S",
            "2:2",
            "+SDio",
            "1",
            "+stbt",
            "u",
            "-start_epmd",
            "false",
            "-erl_epmd_port",
            &control.to_string(),
        ])
        .args(["-kernel", "inet_dist_use_interface", "{127,0,0,1}"]);
    command
}

/// Makes `data` in a folder, with the user and the virtual host: it takes longer to make than to read.
async fn build(account: &Account, programs: &Programs, folder: &Path) {
    account.folder(&folder.join("data")).unwrap();
    let control = free_port();
    let settings = ["listeners.tcp = none".to_owned()];
    let start = account.command(&programs.server);
    let mut server = Daemon::spawn(&mut command(start, account, folder, control, &settings));
    assert!(server.says(READY).await, "rabbitmq does not start:{}", server.said());
    let node = Node { erl_call: programs.erl_call.clone(), control };
    let password = PASSWORD.replace('"', "\\\"");
    let add = "rabbit_auth_backend_internal:add_user";
    node.eval(&format!("{add}(<<\"trunk\">>, <<\"{password}\">>, <<\"guest\">>)"));
    for vhost in ["/", RabbitMq::VHOST] {
        node.add_vhost(vhost);
    }
    server.signal("-TERM");
    server.gone().await;
}
