//! What a connection string and the configuration say of a server, and how a connection to it is made: each address is
//! resolved and admitted first, so that `mysql_async` never looks up a name.

use std::{net::SocketAddr, path::Path, time::Duration};

use mysql_async::{ClientIdentity, Opts, OptsBuilder, SslOpts};
use tokio::{
    sync::OnceCell,
    time::{Instant, timeout},
};
use trunkline_core::{Egress, Error, Kind, Outcome, Profile, Result, Secret, Zone};

use super::{
    codes::{self, Stage},
    session::Session,
};
use crate::{
    dial,
    http::TlsConfig,
    sql::{
        address::{Address, Place},
        config::DatabaseConfig,
        engine::Login,
        ssl_mode::Mode,
    },
};

/// The port that MySQL has at IANA.
const PORT: u16 = 3306;

/// No row that a server sends may be larger: it is in memory as a whole. A little more than [`Output`] ever takes.
///
/// [`Output`]: crate::sql::output::Output
const PACKET: usize = (64 << 20) + (64 << 10);

/// Statements that each connection keeps prepared. A server has 16,382 for all of its connections
/// (`max_prepared_stmt_count`).
const STATEMENTS: usize = 32;

/// How long an address may take where there is another one to try.
const EACH: Duration = Duration::from_secs(2);

/// How long a name may take to be resolved; the pool has a limit of its own for all of connecting.
const RESOLVE: Duration = Duration::from_secs(30);

/// What is known of a server before it is connected to.
pub(super) struct Options {
    place: Place,
    database: Option<String>,
    mode: Mode,
    tls: TlsConfig,
    /// With the TLS settings read, which is costly; made for the first connection.
    base: OnceCell<Opts>,
    pub(super) read_only: bool,
    set_up: String,
}

impl Options {
    pub(super) fn new(config: &DatabaseConfig, address: &Address) -> Result<Self> {
        let mut mode = None;
        for (name, value) in &address.params {
            match &**name {
                "sslmode" | "ssl-mode" => mode = Some(Mode::parse(name, value)?),
                "charset" if value.eq_ignore_ascii_case("utf8mb4") => {}
                "charset" => {
                    return Err(Error::invalid(
                        "base_url: charset: is always utf8mb4; remove it, columns of any charset are converted by \
                         the server",
                    ));
                }
                _ => {
                    return Err(Error::invalid(format!(
                        "base_url: the parameter {name} is not known; there are sslmode, charset and socket"
                    )));
                }
            }
        }
        config.tls.open()?;
        // Who gives an authority or a certificate means to use it.
        let secure = config.tls.ca.is_some() || config.tls.client_cert.is_some();
        let mode = mode.unwrap_or(if secure { Mode::VerifyFull } else { Mode::Prefer });
        if address.place == Place::File {
            return Err(Error::invalid(
                "base_url: has no host, as in mysql://user:password@host:3306/database",
            ));
        }
        Ok(Self {
            place: address.place.clone(),
            database: address.database.clone(),
            mode: if mode == Mode::Require && config.tls.ca.is_some() { Mode::VerifyCa } else { mode },
            tls: config.tls.clone(),
            base: OnceCell::new(),
            read_only: config.read_only,
            set_up: set_up(config),
        })
    }

    /// Connects to one of the addresses of the host, logs in and sets the session up.
    pub(super) async fn connect(&self, egress: &Egress, login: &Login) -> Result<Session> {
        let password = login.password.as_ref().map(Secret::expose).transpose()?;
        let base = self.base.get_or_try_init(async || self.base()).await?;
        let opts = OptsBuilder::from_opts(base.clone()).user(login.user.as_deref()).pass(password.as_deref());
        match &self.place {
            Place::Socket(path) => self.socket(egress, opts, path).await,
            Place::Host(host, port) => self.host(egress, &opts, host, port.unwrap_or(PORT)).await,
            Place::File => Err(Error::new(Kind::Internal, "a file is no address of a server")),
        }
    }

    async fn socket(&self, egress: &Egress, opts: OptsBuilder, path: &Path) -> Result<Session> {
        if egress.profile() == Profile::Strict {
            return Err(Error::new(
                Kind::Blocked,
                "egress to a Unix socket is not allowed in profile strict; use a host and list it in egress.allow",
            ));
        }
        let opts = opts.socket(path.to_str()).ssl_opts(None);
        Session::connect(opts.into(), &self.set_up, self.read_only)
            .await
            .map_err(|error| codes::lost(error, Stage::Connecting))
    }

    async fn host(&self, egress: &Egress, opts: &OptsBuilder, host: &str, port: u16) -> Result<Session> {
        let end = Instant::now() + RESOLVE;
        let addresses = dial::admitted(egress, Zone::Service, host, port, end).await?;
        let name = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        let mut last = None;
        for (n, address) in addresses.iter().enumerate() {
            let attempt = self.address(opts, name, *address);
            let found = if n + 1 < addresses.len() {
                match timeout(EACH, attempt).await {
                    Ok(found) => found,
                    Err(_) => {
                        Err(Error::new(Kind::Timeout, format!("no connection to {host}:{port} in time"))
                            .outcome_is(Outcome::NotSent))
                    }
                }
            } else {
                attempt.await
            };
            match found {
                // What a server says that answers holds for its other addresses too.
                Err(error) if matches!(error.kind(), Kind::Unavailable | Kind::Timeout) => last = Some(error),
                found => return found,
            }
        }
        Err(last.unwrap_or_else(|| {
            Error::new(Kind::Unavailable, format!("the name {host} has no address"))
                .outcome_is(Outcome::NotSent)
        }))
    }

    async fn address(&self, opts: &OptsBuilder, name: &str, address: SocketAddr) -> Result<Session> {
        // The name is what a certificate has to be for; the address is what is dialled.
        let opts =
            opts.clone().ip_or_hostname(name).tcp_port(address.port()).resolved_ips(Some(vec![address.ip()]));
        let found = match Session::connect(opts.clone().into(), &self.set_up, self.read_only).await {
            Err(error) if self.mode == Mode::Prefer && codes::has_no_tls(&error) => {
                Session::connect(opts.ssl_opts(None).into(), &self.set_up, self.read_only).await
            }
            found => found,
        };
        found.map_err(|error| match codes::has_no_tls(&error) {
            true => Error::new(
                Kind::Unsupported,
                format!(
                    "the database at {name} speaks no TLS; switch it on there, or set sslmode to disable"
                ),
            ),
            false => codes::lost(error, Stage::Connecting),
        })
    }

    /// What is the same for all connections.
    fn base(&self) -> Result<Opts> {
        let opts = OptsBuilder::default()
            .db_name(self.database.as_deref())
            // It would dial a path that the server names.
            .prefer_socket(false)
            .max_allowed_packet(Some(PACKET))
            // Otherwise it is asked for, and nothing here uses it.
            .wait_timeout(Some(28_800))
            .stmt_cache_size(Some(STATEMENTS))
            .tcp_keepalive(Some(Duration::from_secs(60)))
            .tcp_nodelay(true);
        Ok(opts.ssl_opts(self.tls()?).into())
    }

    fn tls(&self) -> Result<Option<SslOpts>> {
        if self.mode == Mode::Disable {
            return Ok(None);
        }
        let verify = matches!(self.mode, Mode::VerifyCa | Mode::VerifyFull);
        let pem = |secret: &Secret| secret.expose().map(|text| text.as_bytes().to_vec());
        let mut opts = SslOpts::default();
        if let Some(ca) = &self.tls.ca {
            opts = opts.with_root_certs(vec![pem(ca)?.into()]).with_disable_built_in_roots(true);
        } else if verify {
            let system = rustls_native_certs::load_native_certs().certs;
            let roots = system.iter().map(|root| root.to_vec().into()).collect();
            opts = opts.with_root_certs(roots).with_disable_built_in_roots(true);
        }
        if let (Some(chain), Some(key)) = (&self.tls.client_cert, &self.tls.client_key) {
            opts = opts.with_client_identity(Some(ClientIdentity::new(pem(chain)?.into(), pem(key)?.into())));
        }
        let known = verify || self.mode == Mode::Prefer && self.tls.ca.is_some();
        Ok(Some(
            opts.with_danger_accept_invalid_certs(!known)
                .with_danger_skip_domain_validation(self.mode != Mode::VerifyFull),
        ))
    }
}

/// The statement that makes a session the same for every job. Comments that only one of the two servers executes set
/// what they call by different names.
fn set_up(config: &DatabaseConfig) -> String {
    let lock = config.lock_timeout.map_or(Duration::from_secs(2), trunkline_core::Seconds::get);
    // Whole seconds, and 0 would be not to wait at all.
    let lock = lock.as_millis().div_ceil(1000).clamp(1, 31_536_000);
    let mut text = format!(
        "SET NAMES utf8mb4, time_zone = '+00:00', autocommit = 1, innodb_lock_wait_timeout = {lock}, \
         lock_wait_timeout = {lock}"
    );
    if let Some(limit) = config.statement_timeout.or(config.timeout) {
        let limit = limit.get();
        let (millis, seconds) = (limit.as_millis().clamp(1, 4_294_967_295), limit.as_secs_f64());
        text.push_str(&format!(
            " /*!50708 , max_execution_time = {millis} */ /*M!100101 , max_statement_time = {seconds:.3} */"
        ));
    }
    text
}

impl std::fmt::Debug for Options {
    /// Without what holds secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { place, mode, read_only, .. } = self;
        f.debug_struct("Options")
            .field("place", place)
            .field("mode", mode)
            .field("read_only", read_only)
            .finish_non_exhaustive()
    }
}
