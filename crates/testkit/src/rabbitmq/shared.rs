//! `SharedRabbitMq`: one node for the tests of all processes, with a virtual host for each, because a node of its own
//! costs a test two seconds of computing.

use std::{
    fs::{self, File},
    hash::{BuildHasher, Hasher, RandomState},
    io,
    os::unix::{net::UnixDatagram, process::CommandExt},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use tokio::task::spawn_blocking;

use super::node::{ACCOUNTS, Node, Programs, command, data};
use crate::{
    postgres::PASSWORD_IN_URL,
    server::{Account, Folder, common_folder, free_port, skipped},
};

/// A virtual host of a test's own on a node that others use too. The user `trunk`, whose password is
/// [`PASSWORD`](crate::PASSWORD), may do everything in it.
///
/// The first test to ask starts the node. It ends by itself, and leaves nothing, once nobody has used it for ten
/// seconds.
#[derive(Debug)]
pub struct SharedRabbitMq {
    node: Node,
    port: u16,
    vhost: String,
    // Locked: the node has a user.
    _user: File,
}

impl SharedRabbitMq {
    /// A new virtual host; none, and a line that says so, where RabbitMQ is not installed.
    pub(super) async fn start() -> Option<Self> {
        let Some(programs) = Programs::find() else {
            skipped("RabbitMQ server", "rabbitmq-server");
            return None;
        };
        let (node, port, user, start) = running(&programs).await;
        let vhost = format!("test-{:016x}", RandomState::new().build_hasher().finish());
        // One after the other: a node lets in nobody while many knock at the same moment.
        node.add_vhost(&vhost);
        drop(start);
        Some(Self { node, port, vhost, _user: user })
    }

    /// The URL of the virtual host for `trunk`, such as `amqp://trunk:p%40ss@127.0.0.1:5673/test-0123`.
    pub fn url(&self) -> String {
        format!("amqp://trunk:{PASSWORD_IN_URL}@{}/{}", self.address(), self.vhost)
    }

    /// Where the node listens.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// The name of the virtual host.
    pub fn vhost(&self) -> &str {
        &self.vhost
    }

    /// Makes another virtual host, in which `trunk` may do everything. It stays for as long as the node.
    pub fn add_vhost(&self, name: &str) {
        self.node.add_vhost(name);
    }

    /// Makes a user who may do nothing. It stays for as long as the node.
    pub fn add_user(&self, name: &str, password: &str) {
        self.node.add_user(name, password, &[]);
    }

    /// What an expression of Erlang gives within the node: see [`RabbitMq::eval`](super::RabbitMq::eval).
    ///
    /// # Panics
    ///
    /// Where it fails.
    pub fn eval(&self, erlang: &str) -> String {
        self.node.eval(erlang)
    }

    /// Ends all connections to the virtual host as an operator does: with a close for which a client is not to blame,
    /// 320.
    pub fn close_connections(&self) {
        let vhost = &self.vhost;
        self.eval(&format!(
            "[rabbit_networking:close_connection(Pid, <<\"for a test\">>)
              || [{{pid, Pid}}, {{vhost, <<\"{vhost}\">>}}] <- rabbit_networking:connection_info_all([pid, vhost])]"
        ));
    }
}

/// The node that runs, or a new one, and its port. It stays for as long as the first file is open; nobody else asks for it
/// while the second is.
async fn running(programs: &Programs) -> (Node, u16, File, File) {
    let account = Account::of(ACCOUNTS);
    // Nodes that differ are not shared.
    let folder = common_folder().join(format!("rabbitmq-node-{:016x}", account.hash(&programs.key())));
    let start = locked(folder.with_extension("start"), File::lock).await;
    if !folder.exists() {
        account.folder(&folder).unwrap();
        account.file(&folder.join("users"), "");
    }
    // From now on the node does not end.
    let user = locked(folder.join("users"), File::lock_shared).await;
    let known = fs::read_to_string(folder.join("node")).ok();
    let known = known.and_then(|ports| {
        let (port, control) = ports.split_once(' ')?;
        let node = Node { erl_call: programs.erl_call.clone(), control: control.parse().ok()? };
        // One that was killed has left its file.
        node.call("node()", &["-timeout", "20"]).ok()?;
        Some((node, port.parse().ok()?))
    });
    let (node, port) = match known {
        Some(known) => known,
        None => launch(&account, programs, &folder).await,
    };
    (node, port, user, start)
}

async fn locked(path: PathBuf, lock: fn(&File) -> io::Result<()>) -> File {
    let open = move || {
        let file = File::options().create(true).append(true).open(path)?;
        lock(&file).map(|()| file)
    };
    // Elsewhere: whoever has it may need this thread.
    spawn_blocking(open).await.unwrap().unwrap()
}

/// Starts a node that ends by itself, and writes its ports into a file of the common folder.
async fn launch(account: &Account, programs: &Programs, common: &Path) -> (Node, u16) {
    let mut said = String::new();
    // Another may take the port before it does.
    for _ in 0..10 {
        let (port, folder) = Folder::new("rabbits", account);
        data(account, programs, &folder).await;
        let control = free_port();
        let settings = [format!("listeners.tcp.1 = 127.0.0.1:{port}")];
        let path = folder.path();
        let log = File::create(path.join("printed")).unwrap();
        // It says there when it is ready, as it does to a service manager: nobody is left to read what it prints.
        let ready = UnixDatagram::bind(path.join("ready")).unwrap();
        account.give(&path.join("ready"), 0o600);
        let mut child = command(account.lasting(&programs.server), account, path, control, &settings)
            .env("NOTIFY_SOCKET", path.join("ready"))
            .args(["-eval", &watch(common, path)])
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .unwrap();
        ready.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let is_ready = move || {
            let mut said = [0; 1024];
            loop {
                match ready.recv(&mut said) {
                    Ok(length) if String::from_utf8_lossy(&said[..length]).contains("READY=1") => {
                        return true;
                    }
                    Err(_) if child.try_wait().unwrap().is_some() => return false,
                    _ => {}
                }
            }
        };
        if spawn_blocking(is_ready).await.unwrap() {
            account.file(&common.join("node"), &format!("{port} {control}"));
            // The node removes it.
            std::mem::forget(folder);
            return (Node { erl_call: programs.erl_call.clone(), control }, port);
        }
        said = fs::read_to_string(path.join("printed")).unwrap();
    }
    panic!("rabbitmq does not start:\n{said}");
}

/// What a node does beside its work: once nobody has had the lock of users for ten seconds it takes it, so that nobody
/// comes meanwhile, has itself forgotten, and ends.
fn watch(common: &Path, folder: &Path) -> String {
    let (common, folder) = (common.display(), folder.display());
    let lock = format!("flock --nonblock '{common}/users'");
    format!(
        "spawn(fun() -> (fun Watch(Idle) ->
            timer:sleep(1000),
            Free = fun(Command) -> os:cmd(\"{lock} \" ++ Command ++ \" && echo free\") =:= \"free\\n\" end,
            case Free(\"true\") of
                true when Idle < 10 -> Watch(Idle + 1);
                true -> Free(\"rm -f '{common}/node'\") andalso
                    begin os:cmd(\"rm -rf '{folder}'\"), halt(0, [{{flush, false}}]) end, Watch(0);
                false -> Watch(0)
            end
        end)(0) end)."
    )
}
