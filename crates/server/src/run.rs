//! `start`: opens the store, listens, and serves until told to stop. One thread and one runtime per
//! worker: a request stays on the core that took it.

use std::{
    net::{SocketAddr, TcpListener as StdListener},
    num::NonZeroU32,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use hyper::service::service_fn;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{net::TcpListener, runtime, time::timeout};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use trunkline::{
    Egress, Error, Kind, Manager, Profile, RedisLimits, RedisOptions, Result, Seconds, Source, SqliteOptions,
    SqliteStore,
};

use crate::{
    app::App,
    demo, edge,
    gate::Gate,
    hooks::Proxies,
    places::Places,
    public::Public,
    settings::{File, LISTEN, Settings},
    stream::Seat,
    telemetry::{Exporting, Telemetry},
    timer::KeptTimer,
    watch,
};

/// Time for a request's head, and for a connection that is kept open without one.
const HEAD: Duration = Duration::from_secs(30);
/// The same where connections are scarce.
const RESERVED_HEAD: Duration = Duration::from_secs(5);
/// Bytes of a request's head (and of what is read ahead of its body).
const HEAD_BYTES: usize = 32 << 10;
/// Streams of one HTTP/2 connection.
const STREAMS: u32 = 100;
/// Segments of activity that the store keeps; each holds at most 1,024 records.
const SEGMENTS: u32 = 500;

/// A server that runs.
#[derive(Debug)]
pub struct Running {
    address: SocketAddr,
    demo: Option<SocketAddr>,
    data: PathBuf,
    app: Arc<App>,
    drain_delay: Duration,
    workers: Vec<thread::JoinHandle<()>>,
    /// Workers whose requests are not done.
    working: TaskTracker,
    /// Nobody needs what was made by a worker any more.
    closed: CancellationToken,
    exporting: Option<Exporting>,
}

impl Running {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the example API listens, if there is one.
    pub fn demo(&self) -> Option<SocketAddr> {
        self.demo
    }

    /// The folder of its database.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// The registry that it serves.
    pub fn manager(&self) -> &Manager {
        &self.app.manager
    }

    /// Stops: no longer ready, then no longer listening, then the requests under way are done or their
    /// time is up; last, the store is closed and what is left of traces exported.
    pub async fn stop(self) {
        self.app.drain();
        tokio::time::sleep(self.drain_delay).await;
        self.app.stop.cancel();
        self.working.close();
        self.working.wait().await;
        // Before the workers end: connections that were made there say goodbye by their runtimes.
        self.app.manager.close().await;
        self.closed.cancel();
        let workers = self.workers;
        let joined =
            tokio::task::spawn_blocking(move || workers.into_iter().for_each(|worker| drop(worker.join())));
        // A worker that panicked has nothing left to wait for.
        let _ = joined.await;
        if let Some(exporting) = self.exporting {
            exporting.stop().await;
        }
    }
}

/// Starts a server.
///
/// # Errors
///
/// `invalid_config` for settings or a file that are not valid, an address that is taken, or a server
/// that others could reach without a token; `store_unavailable` as [`SqliteStore::open`] says.
pub async fn start(settings: Settings) -> Result<Running> {
    harden();
    let text = settings.config.as_deref().and_then(|path| std::fs::read_to_string(path).ok());
    let file = settings.config.as_deref().map(File::read).transpose()?.unwrap_or_default();
    let (listener, address) = listen(&settings, &file)?;
    let public = settings.public_url.as_deref().or(file.server.public_url.as_deref());
    let public = Public::new(public, address)?;
    let mut hosts = file.server.hosts.clone();
    hosts.extend(public.as_ref().map(|public| public.host().to_owned()));
    let gate = Gate::new(settings.token, hosts, address)?;
    let egress = guard(settings.profile.or(file.egress.profile).unwrap_or_default(), address)?;

    let data = settings.data.or_else(|| file.server.data.clone()).unwrap_or_else(|| PathBuf::from("data"));
    let options = SqliteOptions { key: settings.key, activity_segments: SEGMENTS };
    let store = Arc::new(SqliteStore::open(&data, options).await?);
    let telemetry = Telemetry::open(&file.server.telemetry, settings.variable).await?;
    let mut builder = Manager::builder()
        .egress(egress)
        .store(store.clone())
        .databases_in(databases(&file, &data)?)
        .activity(file.server.activity.unwrap_or(50_000))
        .in_flight(file.server.calls.map_or(1024, NonZeroU32::get))
        .cache(file.server.cache.unwrap_or(64 << 20))
        .begin_later();
    if let Some(folder) = &file.server.connectors {
        builder = builder.connectors_in(folder);
    }
    if let Some(url) = settings.redis.or_else(|| file.server.redis.clone()) {
        let without = file.server.without_redis.unwrap_or_default();
        let counter = RedisLimits::connect(RedisOptions { without, ..RedisOptions::new(url) });
        builder = builder.shared_limits(Arc::new(counter.await.map_err(|error| error.at("server.redis"))?));
    }
    if let Some(telemetry) = &telemetry {
        builder = builder.spans(telemetry.spans());
    }
    let manager = builder.build().await?;

    let mut rules = settings.allow;
    let mut demo = None;
    if settings.demo {
        let example = demo::serve().await?;
        rules.push(example.to_string());
        manager.set_source(Source::Demo, &demo::samples(example)?).await?;
        demo = Some(example);
    }
    watch::apply(&manager, &file, &rules).await?;
    // Not before it is known what the file has, and what may be reached.
    manager.begin();

    let (body, webhook) = (file.server.body.unwrap_or(4 << 20), file.server.webhook.unwrap_or(1 << 20));
    let proxies = Proxies::new(&file.server.proxies)?;
    let app = App::new(manager.clone(), store, gate, public, proxies, body, webhook)?;
    app.tokens.load().await?;
    let stop = app.stop.clone();
    if let Some(path) = settings.config {
        let watching = watch::watch(manager, path, text, file.clone(), rules);
        let stopped = stop.clone();
        tokio::spawn(async move { stopped.run_until_cancelled(watching).await });
    }
    let (working, closed) = (TaskTracker::new(), CancellationToken::new());
    let workers = workers(&app, &listener, &file, &stop, (&working, &closed))?;
    // Nobody balances load over a server that only its own machine can reach.
    let lag = if address.ip().is_loopback() { Duration::ZERO } else { Duration::from_secs(2) };
    Ok(Running {
        address,
        demo,
        data,
        app,
        drain_delay: file.server.drain_delay.map_or(lag, Seconds::get),
        workers,
        working,
        closed,
        exporting: telemetry.map(Telemetry::start),
    })
}

/// The folder of databases that are files. What is in it can be read and written through integrations.
fn databases(file: &File, data: &Path) -> Result<PathBuf> {
    let Some(folder) = &file.server.databases else { return Ok(data.join("databases")) };
    // The folder of the data is there already; this one is made when it is needed.
    let real = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_default();
    match real(data).starts_with(real(folder)) {
        true => Err(Error::invalid(
            "server.databases: holds the server's own data; use another folder, such as one in the data folder",
        )),
        false => Ok(folder.clone()),
    }
}

/// What the process owes its secrets and its sockets: no core dumps, and as many files as it may have.
fn harden() {
    let _ = rlimit::setrlimit(rlimit::Resource::CORE, 0, 0);
    let _ = rlimit::increase_nofile_limit(u64::MAX);
}

fn listen(settings: &Settings, file: &File) -> Result<(StdListener, SocketAddr)> {
    let text = match settings.listen {
        Some(address) => address.to_string(),
        None => file.server.listen.clone().unwrap_or_else(|| LISTEN.to_owned()),
    };
    let wanted: SocketAddr = text
        .parse()
        .map_err(|_| Error::invalid("server.listen: is not an address and port such as 127.0.0.1:8700"))?;
    let taken = |error: std::io::Error| {
        Error::invalid(format!("cannot listen on {wanted}; choose another with --listen ADDR")).source(error)
    };
    let listener = StdListener::bind(wanted).map_err(taken)?;
    listener.set_nonblocking(true).map_err(taken)?;
    let address = listener.local_addr().map_err(taken)?;
    Ok((listener, address))
}

fn guard(profile: Profile, address: SocketAddr) -> Result<Egress> {
    if profile == Profile::Lab && !address.ip().is_loopback() {
        return Err(Error::invalid(
            "egress.profile lab opens the private network to whoever reaches the API; listen on 127.0.0.1, or use guarded with egress.allow",
        ));
    }
    let egress = Egress::new(profile, &[])?;
    egress.forbid(address);
    Ok(egress)
}

fn workers(
    app: &Arc<App>,
    listener: &StdListener,
    file: &File,
    stop: &CancellationToken,
    (working, closed): (&TaskTracker, &CancellationToken),
) -> Result<Vec<thread::JoinHandle<()>>> {
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let drain = file.server.drain.map_or(Duration::from_secs(30), Seconds::get);
    let places = Places::new(file.server.connections.unwrap_or(4_096));
    let failed = |error: std::io::Error| Error::new(Kind::Internal, "cannot start a worker").source(error);
    let mut workers = Vec::new();
    for n in 0..file.server.workers.unwrap_or(cores).clamp(1, 256) {
        let listener = listener.try_clone().map_err(failed)?;
        let runtime = runtime::Builder::new_current_thread().enable_all().build().map_err(failed)?;
        let (app, stop, places) = (app.clone(), stop.clone(), places.clone());
        let (works, closed) = (working.token(), closed.clone());
        let work = move || {
            runtime.block_on(async {
                serve(app, listener, stop, drain, places).await;
                drop(works);
                closed.cancelled().await;
            });
        };
        workers.push(thread::Builder::new().name(format!("worker-{n}")).spawn(work).map_err(failed)?);
    }
    Ok(workers)
}

/// Accepts until stopped, then lets what is under way end, for as long as `drain` at most.
async fn serve(
    app: Arc<App>,
    listener: StdListener,
    stop: CancellationToken,
    drain: Duration,
    places: Places,
) {
    let listener = match TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(error) => return tracing::error!(%error, "a worker cannot listen"),
    };
    tokio::spawn(beat());
    let graceful = GracefulShutdown::new();
    loop {
        let accept = async {
            let leave = places.leave().await;
            (leave, listener.accept().await)
        };
        let Some((leave, accepted)) = stop.run_until_cancelled(accept).await else { break };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of files, most likely: others must end before there is room again.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (app, seat) = (app.clone(), Arc::new(Seat::new(places.take(leave), peer.ip())));
        let (reserved, its) = (seat.place.is_reserved(), seat.clone());
        let service = service_fn(move |request| {
            let (app, seat) = (app.clone(), its.clone());
            async move { Ok::<_, std::convert::Infallible>(edge::handle(app, request, seat).await) }
        });
        let protocol = protocol(reserved);
        let connection = protocol.serve_connection_with_upgrades(TokioIo::new(stream), service).into_owned();
        let connection = graceful.watch(connection);
        let held = seat.clone();
        let task = tokio::spawn(async move {
            // A client that breaks off is nothing to report.
            let _ = connection.await;
            drop(held);
        });
        seat.served_by(task.abort_handle());
    }
    drop(listener);
    let ended = async {
        graceful.shutdown().await;
        app.sockets.close();
        app.sockets.wait().await;
        app.once.ended().await;
        app.consents.ended().await;
        app.manager.settle().await;
    };
    if timeout(drain, ended).await.is_err() {
        tracing::warn!("the time to drain is up; requests under way were cut");
    }
}

/// What a connection may do, in either version of HTTP. One of the reserve serves one request, so that its
/// place is soon free again: HTTP/2 would keep it.
fn protocol(reserved: bool) -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // hyper's own limit of 100 headers stays: setting one makes it allocate for every request.
    builder
        .http1()
        .timer(KeptTimer::default())
        .header_read_timeout(if reserved { RESERVED_HEAD } else { HEAD })
        .max_buf_size(HEAD_BYTES)
        .keep_alive(!reserved);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(32 << 10)
        .keep_alive_interval(Duration::from_secs(20));
    if reserved { builder.http1_only() } else { builder }
}

/// A timer that is always the next to fire. Where a request's own time limit is the nearest one, arming it
/// makes tokio wake its driver: a system call for every request.
async fn beat() {
    let mut beat = tokio::time::interval(Duration::from_secs(1));
    loop {
        beat.tick().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn databases_are_in_the_data_folder_unless_configured_and_never_around_it() {
        let folder = |text: &str| databases(&File::parse(text).unwrap(), Path::new("place/data"));
        assert_eq!(folder("").unwrap(), Path::new("place/data/databases"));
        assert_eq!(folder("server: {databases: elsewhere}").unwrap(), Path::new("elsewhere"));
        for text in ["place/data", "place", "."] {
            let error = folder(&format!("server: {{databases: {text}}}")).unwrap_err();
            assert!(error.message().starts_with("server.databases"), "{error}");
        }
    }
}
