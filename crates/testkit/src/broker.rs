//! `Broker`: what the message brokers of the tests have in common. Each has a port and a folder of its own, can be
//! killed, held up, shut down and started again, and is gone when it is dropped.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{
    Authority, PASSWORD,
    postgres::PASSWORD_IN_URL,
    server::{Account, Daemon, Folder},
};

/// Who is let in, how, and what else is set. The default lets everybody in, in clear text.
#[derive(Debug, Default, Clone, Copy)]
pub struct Options<'a> {
    /// Lets in only `trunk`, whose password is [`PASSWORD`](crate::PASSWORD).
    pub password: bool,
    /// Lets in only these, each a user with a password, beside `trunk` where [`password`](Self::password) is set. They may do
    /// everything.
    pub users: &'a [(&'a str, &'a str)],
    /// Takes only TLS on its port, with a certificate of this authority for the names that it has.
    pub tls: Option<&'a Authority>,
    /// Asks for a client certificate of the same authority, and takes no connection without one.
    pub mutual: bool,
    /// More lines of its configuration, or more arguments where it is started by arguments.
    pub settings: &'a [&'a str],
}

impl<'a> Options<'a> {
    /// All who are let in, where not everybody is.
    pub(crate) fn logins(&self) -> Vec<(&'a str, &'a str)> {
        let trunk = self.password.then_some(("trunk", PASSWORD));
        trunk.into_iter().chain(self.users.iter().copied()).collect()
    }

    /// The URL of such a broker up to its address: the scheme for clear text or for TLS, and the user.
    pub(crate) fn origin(&self, clear: &str, tls: &str) -> String {
        let scheme = if self.tls.is_some() { tls } else { clear };
        if self.password { format!("{scheme}://trunk:{PASSWORD_IN_URL}@") } else { format!("{scheme}://") }
    }
}

/// A broker that runs on `127.0.0.1`. It is killed when the thread that started it ends.
pub struct Broker {
    // Before its folder.
    server: Option<Daemon>,
    command: Command,
    /// What its log says once it takes connections.
    ready: &'static str,
    place: Place,
}

/// Where a broker is.
pub(crate) struct Place {
    pub(crate) port: u16,
    pub(crate) account: Account,
    pub(crate) folder: Folder,
}

impl Place {
    /// The path of a file in the folder, as text.
    pub(crate) fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// Writes a file that the broker alone can read, and says where it is.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        self.account.file(Path::new(&path), text);
        path
    }

    /// Writes a certificate with its key, and the authority's. Says where they are.
    pub(crate) fn certificate(&self, authority: &Authority) -> Certificate {
        let (certificate, key) = authority.server_pem();
        Certificate {
            certificate: self.file("server.pem", &certificate),
            key: self.file("server.key", &key),
            authority: self.file("authority.pem", authority.pem()),
        }
    }
}

/// The paths of a server's certificate, of its key, and of who signed it.
pub(crate) struct Certificate {
    pub(crate) certificate: String,
    pub(crate) key: String,
    pub(crate) authority: String,
}

impl Broker {
    /// Starts one as the first of these accounts that there is. `prepare` puts into its folder what it needs, and
    /// says what to run.
    pub(crate) async fn start(
        name: &str,
        accounts: &[&str],
        ready: &'static str,
        prepare: impl AsyncFn(&Place) -> Command,
    ) -> Self {
        let account = Account::of(accounts);
        let mut said = String::new();
        // Another may take the port before it does.
        for _ in 0..10 {
            let (port, folder) = Folder::new(name, &account);
            let place = Place { port, account: account.clone(), folder };
            let command = prepare(&place).await;
            let mut this = Self { server: None, command, ready, place };
            if this.again().await {
                return this;
            }
            said = this.said();
        }
        panic!("{name} does not start:{said}");
    }

    /// Starts it on the same port once more, with the data that it had. Says whether it did start.
    pub async fn again(&mut self) -> bool {
        self.server = None;
        let mut server = Daemon::spawn(&mut self.command);
        let ready = server.says(self.ready).await;
        self.server = Some(server);
        ready
    }

    /// Its port, on `127.0.0.1`.
    pub fn port(&self) -> u16 {
        self.place.port
    }

    /// Where it listens, such as `127.0.0.1:4222`.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port())
    }

    /// The folder of its data and its configuration.
    pub fn folder(&self) -> PathBuf {
        self.place.folder.path().to_owned()
    }

    /// Kills it, and waits until it is gone.
    pub async fn kill(&mut self) {
        if let Some(server) = self.server.take() {
            server.kill().await;
        }
    }

    /// Shuts it down in order, and waits until it is gone.
    pub async fn stop(&mut self) {
        if let Some(server) = self.server.take() {
            server.signal("-TERM");
            server.gone().await;
        }
    }

    /// Holds it up: connections stand, and nothing is answered.
    pub fn hold(&self) {
        self.running().signal_all("-STOP");
    }

    /// Lets it go on.
    pub fn go_on(&self) {
        self.running().signal_all("-CONT");
    }

    pub(crate) fn running(&self) -> &Daemon {
        self.server.as_ref().expect("it was killed or stopped")
    }

    /// Waits until its log says this; false if it ends before.
    pub(crate) async fn says(&mut self, words: &str) -> bool {
        self.server.as_mut().expect("it was killed or stopped").says(words).await
    }

    fn said(&self) -> String {
        self.server.as_ref().map(Daemon::said).unwrap_or_default()
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("port", &self.port()).finish_non_exhaustive()
    }
}

/// Gives a type what every broker can do.
macro_rules! is_broker {
    ($($name:ident)*) => {$(
        impl std::ops::Deref for $name {
            type Target = $crate::Broker;

            fn deref(&self) -> &Self::Target {
                &self.broker
            }
        }

        impl std::ops::DerefMut for $name {
            fn deref_mut(&mut self) -> &mut Self::Target {
                &mut self.broker
            }
        }
    )*};
}
pub(crate) use is_broker;
