//! What becomes of sessions, with an engine that does as it is told.

use tokio::sync::Notify;
use trunkline_core::{Egress, Form, Proof, Secret};

use super::{
    super::{
        job::{Job, Step},
        output::Output,
        scan::{Dialect, scan},
    },
    *,
};

/// An engine whose sessions are numbers.
#[derive(Debug, Default, Clone)]
struct Scripted(Arc<Script>);

#[derive(Debug, Default)]
struct Script {
    connected: AtomicU32,
    dropped: Mutex<Vec<u32>>,
    abandoned: Mutex<Vec<u32>>,
    reset: Mutex<Vec<u32>>,
    /// Connecting hangs.
    hangs: AtomicBool,
    /// Statements hang until told otherwise.
    blocks: AtomicBool,
    go: Notify,
    /// What is asked of the next session is answered so.
    refuses_reset: AtomicBool,
    stale: AtomicBool,
    breaks: AtomicBool,
}

struct Session {
    number: u32,
    broken: bool,
    script: Arc<Script>,
}

impl Drop for Session {
    fn drop(&mut self) {
        self.script.dropped.lock().unwrap().push(self.number);
    }
}

impl Engine for Scripted {
    type Session = Session;
    const SYSTEM: &'static str = "scripted";
    const DIALECT: Dialect = Dialect::Postgres;

    async fn connect(&self, _: &Context, _: &Login) -> Result<Session> {
        if self.0.hangs.load(Relaxed) {
            std::future::pending::<()>().await;
        }
        let number = self.0.connected.fetch_add(1, Relaxed) + 1;
        Ok(Session { number, broken: false, script: self.0.clone() })
    }

    async fn revive(&self, _: &mut Session, _: Duration) -> bool {
        !self.0.stale.swap(false, Relaxed)
    }

    async fn run(&self, session: &mut Session, _: &Job<'_>, _: &mut Output) -> Result<()> {
        if self.0.blocks.load(Relaxed) {
            self.0.go.notified().await;
        }
        session.broken = self.0.breaks.swap(false, Relaxed);
        if session.broken { Err(Error::new(Kind::Unavailable, "lost")) } else { Ok(()) }
    }

    async fn reset(&self, session: &mut Session) -> Result<()> {
        self.0.reset.lock().unwrap().push(session.number);
        match self.0.refuses_reset.load(Relaxed) {
            true => Err(Error::new(Kind::Failed, "no")),
            false => Ok(()),
        }
    }

    fn is_broken(&self, session: &Session) -> bool {
        session.broken
    }

    fn abandon<P: Send + 'static>(&self, _: &Context, session: Session, _: P) {
        self.0.abandoned.lock().unwrap().push(session.number);
    }

    async fn proof(&self, _: &mut Session) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }

    async fn schema(&self, _: &mut Session) -> Result<Vec<u8>> {
        Ok(Vec::new())
    }
}

struct Bench {
    pool: Arc<Pool<Scripted>>,
    script: Arc<Script>,
    context: Context,
    deadline: Option<Instant>,
}

impl Bench {
    fn new(config: &PoolConfig) -> Self {
        let engine = Scripted::default();
        let script = engine.0.clone();
        let pool = config.open(engine).unwrap();
        Self { pool, script, context: Context::new(Arc::new(Egress::default())), deadline: None }
    }

    async fn lease(&self) -> Result<Lease<Scripted>> {
        self.lease_as(None).await
    }

    async fn lease_as(&self, credential: Option<&Arc<Credential>>) -> Result<Lease<Scripted>> {
        self.pool.lease(&self.context, credential, self.deadline, || Ok(Login::default())).await
    }

    fn dropped(&self) -> Vec<u32> {
        self.script.dropped.lock().unwrap().clone()
    }
}

/// As many connections as that, and other limits as they are unless configured.
fn at_most(max: u32) -> PoolConfig {
    PoolConfig { max: Some(max), ..PoolConfig::default() }
}

async fn run(lease: &mut Lease<Scripted>, sql: &str) -> Result<()> {
    let plan = Arc::new(scan(sql, Dialect::Postgres).unwrap());
    let job = Job {
        steps: vec![Step::new(plan, None).unwrap()],
        together: false,
        read_only: false,
        unhurried: false,
    };
    lease.run(&job, &mut Output::document(trunkline_core::Wanted::default(), false)).await
}

/// Which session a lease has.
fn number(lease: &Lease<Scripted>) -> u32 {
    lease.session().number
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_ahead_of_the_call_and_says_that_nothing_was_sent() {
    let mut bench = Bench::new(&PoolConfig { max: Some(1), ..PoolConfig::default() });
    let _held = bench.lease().await.unwrap();
    let deadline = Instant::now() + Duration::from_secs(1);
    bench.deadline = Some(deadline);
    let error = bench.lease().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Throttled, Outcome::NotSent));
    assert!(Instant::now() < deadline);
}

#[tokio::test(start_paused = true)]
async fn no_more_connections_than_configured_and_a_bounded_wait_for_one() {
    let bench = Bench::new(&PoolConfig { wait: Some(Seconds::new(2)), ..at_most(2) });
    let (a, _b) = (bench.lease().await.unwrap(), bench.lease().await.unwrap());
    let begun = Instant::now();
    let error = bench.lease().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Throttled, Outcome::NotSent));
    assert_eq!(begun.elapsed(), Duration::from_secs(2));
    let waiting = bench.lease();
    tokio::pin!(waiting);
    assert!(futures_util::poll!(&mut waiting).is_pending());
    let seen = bench.pool.occupancy();
    assert_eq!((seen.used, seen.idle, seen.waiting, seen.timeouts, seen.max), (2, 0, 1, 1, 2));
    drop(a);
    assert_eq!(number(&waiting.await.unwrap()), 1);
    assert_eq!(bench.script.connected.load(Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn one_who_stops_waiting_is_counted_no_longer() {
    let bench = Bench::new(&at_most(1));
    let _held = bench.lease().await.unwrap();
    {
        let waiting = bench.lease();
        tokio::pin!(waiting);
        assert!(futures_util::poll!(&mut waiting).is_pending());
    }
    assert_eq!(bench.pool.occupancy().waiting, 0);
}

#[tokio::test(start_paused = true)]
async fn the_session_that_was_used_last_is_used_next_and_the_others_are_closed() {
    let bench = Bench::new(&PoolConfig { idle_timeout: Some(Seconds::new(60)), ..at_most(3) });
    let leases = [bench.lease().await.unwrap(), bench.lease().await.unwrap(), bench.lease().await.unwrap()];
    drop(leases);
    for _ in 0..70 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(number(&bench.lease().await.unwrap()), 3);
    }
    assert_eq!((bench.dropped(), bench.pool.occupancy().idle), (vec![1, 2], 1));
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!((bench.dropped(), bench.pool.occupancy().idle), (vec![1, 2, 3], 0));
    assert_eq!(number(&bench.lease().await.unwrap()), 4);
    tokio::time::sleep(Duration::from_secs(61)).await;
    assert_eq!(bench.dropped(), [1, 2, 3, 4], "whoever looks after them comes back");
}

#[tokio::test(start_paused = true)]
async fn a_session_is_replaced_when_its_time_is_up() {
    let bench = Bench::new(&PoolConfig { max_lifetime: Some(Seconds::new(100)), ..at_most(1) });
    let mut used = 0;
    while number(&bench.lease().await.unwrap()) == 1 {
        tokio::time::sleep(Duration::from_secs(1)).await;
        used += 1;
    }
    assert!((90..=111).contains(&used), "{used}");
    assert_eq!(bench.dropped(), [1]);
}

#[tokio::test]
async fn what_is_dropped_in_the_middle_of_a_statement_is_abandoned() {
    let bench = Bench::new(&at_most(1));
    bench.script.blocks.store(true, Relaxed);
    {
        let mut lease = bench.lease().await.unwrap();
        let running = run(&mut lease, "select 1");
        tokio::pin!(running);
        assert!(futures_util::poll!(running).is_pending());
    }
    assert_eq!(*bench.script.abandoned.lock().unwrap(), [1]);
    assert_eq!(number(&bench.lease().await.unwrap()), 2);
}

#[tokio::test]
async fn what_statements_left_behind_is_removed_before_anybody_else_gets_the_session() {
    let bench = Bench::new(&at_most(1));
    let mut lease = bench.lease().await.unwrap();
    run(&mut lease, "select 1").await.unwrap();
    drop(lease);
    assert!(
        bench.script.reset.lock().unwrap().is_empty(),
        "a statement that leaves nothing behind costs nothing"
    );
    let mut lease = bench.lease().await.unwrap();
    run(&mut lease, "set search_path = a").await.unwrap();
    drop(lease);
    let lease = bench.lease().await.unwrap();
    assert_eq!((number(&lease), &**bench.script.reset.lock().unwrap()), (1, &[1][..]));
    drop(lease);
    bench.script.refuses_reset.store(true, Relaxed);
    let mut lease = bench.lease().await.unwrap();
    run(&mut lease, "set search_path = b").await.unwrap();
    drop(lease);
    assert_eq!(number(&bench.lease().await.unwrap()), 2, "one that cannot be reset is closed");
}

#[tokio::test]
async fn a_session_that_is_lost_or_stale_is_not_used_again() {
    let bench = Bench::new(&at_most(1));
    let mut lease = bench.lease().await.unwrap();
    bench.script.breaks.store(true, Relaxed);
    run(&mut lease, "select 1").await.unwrap_err();
    drop(lease);
    assert_eq!((bench.dropped(), number(&bench.lease().await.unwrap())), (vec![1], 2));
    bench.script.stale.store(true, Relaxed);
    assert_eq!((number(&bench.lease().await.unwrap()), bench.dropped()), (3, vec![1, 2]));
}

#[tokio::test]
async fn a_session_of_another_login_is_not_used() {
    let bench = Bench::new(&at_most(2));
    let one = |password: &str| {
        let form = Form::Basic { user: "u".into(), password: Secret::new(password) };
        Arc::new(Credential::new(form))
    };
    let (old, new) = (one("a"), one("b"));
    drop(bench.lease_as(Some(&old)).await.unwrap());
    assert_eq!(number(&bench.lease_as(Some(&old)).await.unwrap()), 1);
    assert_eq!(number(&bench.lease_as(Some(&new)).await.unwrap()), 2);
    assert_eq!(bench.dropped(), [1]);
    assert_eq!(number(&bench.lease_as(Some(&new)).await.unwrap()), 2);
    assert_eq!(number(&bench.lease().await.unwrap()), 3);
}

#[tokio::test(start_paused = true)]
async fn connecting_is_bounded_and_nothing_was_sent() {
    let bench = Bench::new(&PoolConfig { connect: Some(Seconds::new(3)), ..at_most(1) });
    bench.script.hangs.store(true, Relaxed);
    let begun = Instant::now();
    let error = bench.lease().await.unwrap_err();
    assert_eq!((error.kind(), error.outcome()), (Kind::Timeout, Outcome::NotSent));
    assert_eq!(begun.elapsed(), Duration::from_secs(3));
    bench.script.hangs.store(false, Relaxed);
    bench.lease().await.unwrap();
}

#[tokio::test]
async fn a_pool_that_is_closed_keeps_nothing() {
    let bench = Bench::new(&at_most(2));
    let (used, idle) = (bench.lease().await.unwrap(), bench.lease().await.unwrap());
    drop(idle);
    bench.pool.close();
    assert_eq!(bench.dropped(), [2]);
    drop(used);
    assert_eq!((bench.dropped(), bench.pool.occupancy().idle), (vec![2, 1], 0));
}

#[test]
fn a_lease_may_outlive_its_runtime() {
    let bench = Bench::new(&at_most(1));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let lease = runtime.block_on(async {
        let mut lease = bench.lease().await.unwrap();
        run(&mut lease, "set a = b").await.unwrap();
        lease
    });
    drop(runtime);
    drop(lease);
    assert_eq!(bench.dropped(), [1]);
}

#[test]
fn a_pool_has_from_1_to_1000_connections() {
    for max in [0, 1001] {
        assert!(at_most(max).open(Scripted::default()).unwrap_err().to_string().contains("pool.max"));
    }
}
