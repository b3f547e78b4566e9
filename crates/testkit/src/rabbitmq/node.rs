//! How a RabbitMQ node is made, started and steered from within.

use std::{
    fs,
    hash::Hash,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    PASSWORD,
    server::{Account, Daemon, Folder, attempt, copy_template, free_port, program},
};

// The data is that of a name. Nodes need no names of their own where no name server knows them.
const NODE: &str = "trunk@localhost";
const COOKIE: &str = "TRUNKLINE";
pub(super) const READY: &str = "Server startup complete";
pub(super) const ACCOUNTS: &[&str] = &["rabbitmq", "nobody"];

/// What is run.
pub(super) struct Programs {
    pub(super) server: PathBuf,
    /// Evaluates an expression in a node, within milliseconds; `rabbitmqctl` takes a second.
    pub(super) erl_call: PathBuf,
}

impl Programs {
    pub(super) fn find() -> Option<Self> {
        // What Debian has in PATH is for root alone.
        let server = program("rabbitmq-server", [PathBuf::from("/usr/lib/rabbitmq/bin")])?;
        let erl = program("erl", [])?.canonicalize().ok()?;
        let versions =
            fs::read_dir(erl.parent()?.parent()?).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
        let erl_call = versions.map(|path| path.join("bin/erl_call")).find(|path| path.is_file())?;
        Some(Self { server, erl_call })
    }

    /// All that the data of a node depends on.
    pub(super) fn key(&self) -> impl Hash {
        // This file says how it is made.
        (self.server.clone(), fs::metadata(&self.server).unwrap().len(), include_str!("node.rs"))
    }
}

/// Steers a node over the port that other nodes would use.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) erl_call: PathBuf,
    pub(super) control: u16,
}

impl Node {
    /// Makes a virtual host in which `trunk` and `guest` may do everything.
    pub(super) fn add_vhost(&self, name: &str) {
        self.eval(&format!(
            "rabbit_vhost:add(<<\"{name}\">>, <<\"guest\">>),
             [rabbit_auth_backend_internal:set_permissions(
                  User, <<\"{name}\">>, <<\".*\">>, <<\".*\">>, <<\".*\">>, <<\"guest\">>)
              || User <- [<<\"trunk\">>, <<\"guest\">>]]"
        ));
    }

    /// Makes a user who may do everything in these virtual hosts.
    pub(super) fn add_user(&self, name: &str, password: &str, vhosts: &[&str]) {
        let (name, password) = (binary(name), binary(password));
        self.eval(&format!("rabbit_auth_backend_internal:add_user({name}, {password}, <<\"guest\">>)"));
        for vhost in vhosts {
            let all = "<<\".*\">>";
            let vhost = binary(vhost);
            self.eval(&format!(
                "rabbit_auth_backend_internal:set_permissions({name}, {vhost}, {all}, {all}, {all}, <<\"guest\">>)"
            ));
        }
    }

    pub(super) fn eval(&self, erlang: &str) -> String {
        self.call(erlang, &[]).unwrap_or_else(|said| panic!("{erlang} fails: {said}"))
    }

    pub(super) fn call(&self, erlang: &str, args: &[&str]) -> Result<String, String> {
        // Of two that knock at the same moment one may not be let in; nothing was done then.
        let refused =
            |said: &Result<String, String>| matches!(said, Err(said) if said.contains("failed to connect"));
        let mut said = self.call_once(erlang, args);
        for _ in 0..20 {
            if !refused(&said) {
                break;
            }
            said = self.call_once(erlang, args);
        }
        said
    }

    fn call_once(&self, erlang: &str, args: &[&str]) -> Result<String, String> {
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

/// A text of any characters, as Erlang has it.
fn binary(text: &str) -> String {
    let bytes: Vec<_> = text.bytes().map(|byte| byte.to_string()).collect();
    format!("<<{}>>", bytes.join(","))
}

/// Puts `data` into a folder.
pub(super) async fn data(account: &Account, programs: &Programs, folder: &Folder) {
    copy_template("rabbitmq", programs.key(), account, folder, async |path| {
        build(account, programs, path).await;
    })
    .await;
}

/// Makes of a command that starts a server one that runs a node with the data of a folder.
pub(super) fn command(
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
        // It is not to be known to the machine's name server, which knows a name once, nor to start one, which would
        // stay. With its name from the beginning it does not look whether another has it.
        .env("ERL_EPMD_PORT", "1")
        .env("ERL_FLAGS", "-start_epmd false")
        .args(["-noinput", "-sname", NODE, "-erl_epmd_port", &control.to_string()])
        .args(["-kernel", "inet_dist_use_interface", "{127,0,0,1}"])
        // Threads that are bound to a core stand in each other's way where several nodes run.
        .args(["+S", "2:2", "+SDio", "1", "+stbt", "u"]);
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
    for vhost in ["/", super::RabbitMq::VHOST] {
        node.add_vhost(vhost);
    }
    server.signal("-TERM");
    server.gone().await;
}
