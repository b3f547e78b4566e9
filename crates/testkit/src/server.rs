//! What the databases and brokers of the tests have in common: an account that is not root, a folder each, a cached
//! template of their data, and processes that do not outlive the test.

use std::{
    collections::VecDeque,
    ffi::OsStr,
    fs::{self, File},
    hash::{BuildHasher, DefaultHasher, Hash, Hasher, RandomState},
    io::{self, BufRead, BufReader, Write},
    net::TcpListener,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread::JoinHandle,
};

use tokio::{sync::mpsc, task::spawn_blocking};

/// Who a server runs as. Servers refuse root, or should.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Name, user and group id to change to; none to stay who runs the tests.
    other: Option<(String, u32, u32)>,
}

impl Account {
    /// The first of these that the machine has, if this is root; of no names, whoever runs the tests.
    pub(crate) fn of(names: &[&str]) -> Self {
        if names.is_empty() || own_id() != 0 {
            return Self { other: None };
        }
        let accounts = fs::read_to_string("/etc/passwd").unwrap();
        let find = |name: &&str| {
            accounts.lines().find_map(|line| {
                let mut fields = line.split(':');
                (fields.next()? == *name).then_some(())?;
                let (user, group) = (fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
                Some(((*name).to_owned(), user, group))
            })
        };
        Self { other: Some(names.iter().find_map(find).expect("a machine has nobody")) }
    }

    /// A command that runs as the account and is killed when the thread that starts it ends.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        self.runs(program, &["--pdeathsig", "KILL"])
    }

    /// One that nobody kills.
    pub(crate) fn lasting(&self, program: impl AsRef<OsStr>) -> Command {
        self.runs(program, &["--pdeathsig", "clear"])
    }

    fn runs(&self, program: impl AsRef<OsStr>, args: &[&str]) -> Command {
        let mut command = Command::new("setpriv");
        if let Some((_, user, group)) = &self.other {
            command.args([format!("--reuid={user}"), format!("--regid={group}")]).arg("--clear-groups");
        }
        command.args(args).arg("--").arg(program).current_dir("/").stdin(Stdio::null());
        command
    }

    /// A hash of what something depends on besides the account.
    pub(crate) fn hash(&self, key: &impl Hash) -> u64 {
        let mut hasher = DefaultHasher::new();
        (key, self.other.as_ref()).hash(&mut hasher);
        hasher.finish()
    }

    /// Gives it a file or folder that nobody else can read.
    pub(crate) fn give(&self, path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        if let Some((_, user, group)) = self.other {
            chown(path, Some(user), Some(group)).unwrap();
        }
    }

    /// A folder of its own.
    pub(crate) fn folder(&self, path: &Path) -> io::Result<()> {
        fs::create_dir(path)?;
        self.give(path, 0o700);
        Ok(())
    }

    /// A file of its own, such as a key.
    pub(crate) fn file(&self, path: &Path, text: &str) {
        fs::write(path, text).unwrap();
        self.give(path, 0o600);
    }
}

/// A port of the loopback interface that is free now. It is none of those that the system hands out to whoever
/// connects or asks for any port, who could have it while the server is down or is starting.
pub(crate) fn free_port() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
    let first: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
    let own = 10_000..first.max(20_000);
    loop {
        // No two are alike.
        let random = RandomState::new().build_hasher().finish();
        let port = own.start + u16::try_from(random % own.len() as u64).expect("it is a port");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

fn own_id() -> u32 {
    fs::metadata("/proc/self").unwrap().uid()
}

/// The folder of a server; gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    /// A free port of the loopback interface and a folder named for it. The path is short, for a Unix socket
    /// has at most 107 bytes.
    pub(crate) fn new(name: &str, account: &Account) -> (u16, Self) {
        loop {
            let port = free_port();
            let path = std::env::temp_dir().join(format!("trunkline-{name}-{port}"));
            match account.folder(&path) {
                Ok(()) => return (port, Self(path)),
                // A test that was killed left it.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => panic!("{}: {error}", path.display()),
            }
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// What all tests of this user have in common.
pub(crate) fn common_folder() -> PathBuf {
    let own = own_id();
    let root = std::env::temp_dir().join(format!("trunkline-templates-{own}"));
    fs::create_dir_all(&root).unwrap();
    assert_eq!(fs::symlink_metadata(&root).unwrap().uid(), own, "{} is another user's", root.display());
    root
}

/// Copies the template of a kind of server into a folder as `data`. The first to ask has it built, as `data` in
/// the folder that is handed to `build`; the others wait. `key` is all that a template depends on.
pub(crate) async fn copy_template(
    name: &str,
    key: impl Hash,
    account: &Account,
    folder: &Folder,
    build: impl AsyncFnOnce(&Path),
) {
    let template = common_folder().join(format!("{name}-{:016x}", account.hash(&key)));
    if !template.exists() {
        let lock = File::create(template.with_extension("lock")).unwrap();
        // Elsewhere: whoever has it may need this thread.
        let lock = spawn_blocking(move || lock.lock().map(|()| lock)).await.unwrap().unwrap();
        if !template.exists() {
            let unfinished = template.with_extension("new");
            let _ = fs::remove_dir_all(&unfinished);
            account.folder(&unfinished).unwrap();
            build(&unfinished).await;
            fs::rename(&unfinished, &template).unwrap();
        }
        drop(lock);
    }
    run(Command::new("cp").args(["-a", "--reflink=auto"]).arg(template.join("data")).arg(folder.path()), "");
}

/// Runs a command to its end with this as its input, and gives what it printed.
///
/// # Panics
///
/// Where it fails, with what it said.
pub(crate) fn run(command: &mut Command, input: &str) -> String {
    attempt(command, input).unwrap_or_else(|errors| panic!("{:?} failed: {errors}", command.get_program()))
}

/// The same of one that may fail: what it said then.
pub(crate) fn attempt(command: &mut Command, input: &str) -> Result<String, String> {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_owned();
    // It may print before it has read everything; and it may end early, and say why.
    let writer = std::thread::spawn(move || drop(stdin.write_all(input.as_bytes())));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    if !output.status.success() {
        return Err(String::from_utf8_lossy(&output.stderr).into_owned());
    }
    Ok(String::from_utf8(output.stdout).unwrap().trim_end().to_owned())
}

/// The path of a program: of the first of these folders that has it, else of `PATH`.
pub(crate) fn program(name: &str, folders: impl IntoIterator<Item = PathBuf>) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let system = ["/usr/sbin", "/usr/local/sbin"].map(PathBuf::from);
    folders
        .into_iter()
        .chain(std::env::split_paths(&path))
        .chain(system)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Says that a test did not test anything, and why.
#[expect(clippy::print_stderr, reason = "a test that was skipped has to say so")]
pub(crate) fn skipped(what: &str, package: &str) {
    eprintln!("skipped: no {what}; on Debian and Ubuntu: sudo apt-get install {package}");
}

/// A server that runs, with the processes that it started. They are gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Daemon {
    child: Child,
    lines: mpsc::UnboundedReceiver<String>,
    reader: Option<JoinHandle<()>>,
    said: VecDeque<String>,
}

impl Daemon {
    /// Starts it. What it writes to its output and to its errors is its log.
    pub(crate) fn spawn(command: &mut Command) -> Self {
        let (log, writer) = io::pipe().unwrap();
        let child = command.stdout(writer.try_clone().unwrap()).stderr(writer).spawn().unwrap();
        // The command has a hold on the log, which would never end.
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let (sender, lines) = mpsc::unbounded_channel();
        // The log ends when the last process that inherited it has ended.
        let reader = std::thread::spawn(move || {
            for line in BufReader::new(log).split(b'\n').map_while(Result::ok) {
                let _ = sender.send(String::from_utf8_lossy(&line).into_owned());
            }
        });
        Self { child, lines, reader: Some(reader), said: VecDeque::new() }
    }

    /// Waits until its log says this; false if it ends before.
    pub(crate) async fn says(&mut self, words: &str) -> bool {
        while let Some(line) = self.lines.recv().await {
            let found = line.contains(words);
            self.said.push_back(line);
            if self.said.len() > 200 {
                self.said.pop_front();
            }
            if found {
                return true;
            }
        }
        false
    }

    /// What its log said last.
    pub(crate) fn said(&self) -> String {
        self.said.iter().map(|line| format!("\n{line}")).collect()
    }

    /// Waits until all of its processes are gone.
    pub(crate) async fn gone(mut self) {
        while self.lines.recv().await.is_some() {}
    }

    /// Kills all of its processes, and waits until they are gone.
    pub(crate) async fn kill(self) {
        self.signal_all("-KILL");
        self.gone().await;
    }

    /// Sends a signal to the first process.
    pub(crate) fn signal(&self, signal: &str) {
        send(signal, &[self.child.id()]);
    }

    /// Sends a signal to all processes.
    pub(crate) fn signal_all(&self, signal: &str) {
        // So that it starts no other meanwhile.
        self.signal("-STOP");
        let mut all = self.children();
        all.push(self.child.id());
        send(signal, &all);
    }

    /// The processes that it started.
    fn children(&self) -> Vec<u32> {
        let parent = self.child.id().to_string();
        let stat = |id: u32| fs::read_to_string(format!("/proc/{id}/stat")).ok();
        fs::read_dir("/proc")
            .unwrap()
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            // After the name in brackets, which may hold anything: the state and the parent.
            .filter(|id| {
                stat(*id).is_some_and(|stat| {
                    stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)) == Some(&*parent)
                })
            })
            .collect()
    }
}

/// One that has ended already is no failure.
fn send(signal: &str, processes: &[u32]) {
    let processes = processes.iter().map(u32::to_string);
    Command::new("kill").arg(signal).args(processes).stderr(Stdio::null()).status().unwrap();
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // Its id is another's once it has been waited for.
        if let Ok(None) = self.child.try_wait() {
            self.signal_all("-KILL");
        }
        let _ = self.child.wait();
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
    }
}
