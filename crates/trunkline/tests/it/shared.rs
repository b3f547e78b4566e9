//! Limits that managers share through a real Redis, as servers do; and what they do when it is gone.
//!
//! What the service sees is judged by when it came there. Between the moment at which Redis lets an attempt through and
//! that at which it comes a busy machine may take its time, so windows are judged a fifth shorter than the limit's.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::StatusCode;
use serde_json::{Value, json};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, timeout},
};
use trunkline::{
    ConnectionConfig, HttpRequest, Kind, Manager, RedisLimits, RedisOptions, Reply, Result, Secret,
    WithoutRedis,
};
use trunkline_testkit::{Peer, Redis};

use crate::{answer, config, kind, lab};

/// Nothing takes longer unless it is broken.
const PATIENCE: Duration = Duration::from_secs(20);

/// When something came to a service, and from which server.
type Came = (Instant, usize);

/// Servers that share a Redis, each with an integration `a` of the same service.
struct Servers {
    managers: Vec<Manager>,
    came: Arc<Mutex<Vec<Came>>>,
    _peer: Peer,
}

/// 20 in half a second, in which nobody is refused.
fn twenty() -> Value {
    json!({ "requests": 20, "per": "500ms", "max_wait": 60, "max_queue": 1000 })
}

impl Servers {
    async fn start(count: usize, url: &str, without: WithoutRedis, limits: &Value) -> Self {
        let came = Arc::<Mutex<Vec<Came>>>::default();
        let notes = came.clone();
        let peer = Peer::http(move |received| {
            notes.lock().unwrap().push((Instant::now(), received.header("server").parse().unwrap()));
            answer(StatusCode::OK, "")
        })
        .await;
        let mut managers = Vec::new();
        for n in 0..count {
            let options = RedisOptions { without, ..RedisOptions::new(Secret::literal(url)) };
            let counter = Arc::new(RedisLimits::connect(options).await.unwrap());
            let manager = lab().shared_limits(counter).build().await.unwrap();
            let json = json!({
                "integration_id": "a", "type": "rest", "base_url": peer.url(), "rate_limit": limits,
                "headers": { "server": n.to_string() }, "timeout": 60, "concurrency": { "enabled": false },
            });
            manager.register(config(json)).await.unwrap();
            managers.push(manager);
        }
        let servers = Self { managers, came, _peer: peer };
        if servers.counted(0) == "shared" {
            let known = || (0..count).all(|n| servers.state(n)["servers"].as_u64() >= Some(count as u64));
            until("all to know how many they are", known).await;
        }
        servers
    }

    fn state(&self, server: usize) -> Value {
        let state = self.managers[server].get("a").unwrap().state().unwrap();
        serde_json::to_value(state).unwrap()["rate_limit"].clone()
    }

    fn counted(&self, server: usize) -> String {
        self.state(server)["counted"].as_str().unwrap().to_owned()
    }

    async fn all_are(&self, counted: &str) {
        let all = || (0..self.managers.len()).all(|n| self.counted(n) == counted);
        until(counted, all).await;
    }

    async fn call(&self, server: usize, request: HttpRequest) -> Result<Reply> {
        self.managers[server].call("a", request).await
    }

    /// Callers of a server that make one call after another until they are dropped.
    fn callers(&self, server: usize, count: usize) -> JoinSet<()> {
        let mut callers = JoinSet::new();
        for _ in 0..count {
            let manager = self.managers[server].clone();
            callers.spawn(async move {
                loop {
                    manager.call("a", HttpRequest::get("/")).await.unwrap();
                }
            });
        }
        callers
    }

    fn came(&self) -> Vec<Came> {
        let mut came = self.came.lock().unwrap().clone();
        came.sort_unstable();
        came
    }

    /// How many came at most in any stretch of that length.
    fn most(&self, length: Duration) -> usize {
        most(&self.came(), length)
    }
}

fn most(came: &[Came], length: Duration) -> usize {
    let within = |n: usize| came[n..].iter().take_while(|(at, _)| *at - came[n].0 < length).count();
    (0..came.len()).map(within).max().unwrap_or_default()
}

async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let waits = async {
        while !is_so() {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, waits).await.unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

const WINDOW: Duration = Duration::from_millis(400);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn together_they_send_what_the_limit_allows_and_never_more() {
    let Some(redis) = Redis::start().await else { return };
    let servers = Servers::start(2, &redis.url(), WithoutRedis::LocalShare, &twenty()).await;
    let began = Instant::now();
    let mut calls = JoinSet::new();
    for n in 0..160 {
        // Three of four at the first: a share is nobody's own.
        let manager = servers.managers[usize::from(n % 4 == 0)].clone();
        calls.spawn(async move { manager.call("a", HttpRequest::get("/")).await.unwrap() });
    }
    calls.join_all().await;
    // Eight bursts of twenty, with half a second and a slot from each to the next.
    assert!(began.elapsed() < Duration::from_millis(5_500), "{:?}", began.elapsed());
    assert_eq!((servers.came().len(), servers.most(WINDOW)), (160, 20));
    assert_eq!((servers.counted(0), servers.counted(1)), ("shared".into(), "shared".into()));
}

#[tokio::test]
async fn what_one_has_taken_is_gone_for_the_other_and_weighs_what_it_weighs() {
    let Some(redis) = Redis::start().await else { return };
    let limits = json!([
        { "requests": 10, "per": "1h", "weights": { "POST": 5, "HEAD": 0 }, "max_queue": 0 },
        { "requests": 1, "per": "1h", "actions": ["DELETE"] },
    ]);
    let mut servers = Servers::start(2, &redis.url(), WithoutRedis::LocalShare, &limits).await;
    servers.call(0, HttpRequest::post("/")).await.unwrap();
    servers.call(1, HttpRequest::get("/")).await.unwrap();
    assert_eq!(kind(servers.call(0, HttpRequest::post("/")).await.map(drop)), Kind::Throttled);
    servers.call(0, HttpRequest::new(http::Method::HEAD, "/")).await.unwrap();
    servers.call(1, HttpRequest::new(http::Method::DELETE, "/")).await.unwrap();
    let refused = servers.call(0, HttpRequest::new(http::Method::DELETE, "/")).await.unwrap_err();
    assert!(refused.wait().unwrap().as_secs() > 3_000, "{refused}");
    // One that was refused by a limit has taken nothing of the other.
    for _ in 0..3 {
        servers.call(0, HttpRequest::get("/")).await.unwrap();
    }
    assert_eq!(kind(servers.call(1, HttpRequest::get("/")).await.map(drop)), Kind::Throttled);
    assert_eq!(servers.state(1)["limits"][0]["available"], 0);
    // One that starts later finds what was taken.
    let late = Servers::start(1, &redis.url(), WithoutRedis::LocalShare, &limits).await;
    assert_eq!(kind(late.call(0, HttpRequest::get("/")).await.map(drop)), Kind::Throttled);
    // One that stops is counted no more.
    servers.managers.pop().unwrap().close().await;
    until("it to be forgotten", || servers.state(0)["servers"] == 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_counter_each_goes_on_at_its_share_within_a_second_and_comes_back() {
    let Some(mut redis) = Redis::start().await else { return };
    let servers = Servers::start(2, &redis.url(), WithoutRedis::LocalShare, &twenty()).await;
    let mut callers = [servers.callers(0, 30), servers.callers(1, 30)];
    until("a few bursts", || servers.came().len() > 50).await;

    redis.kill().await;
    let killed = Instant::now();
    let after = |server: usize| {
        servers.came().iter().filter(|(at, by)| *by == server && *at > killed).copied().collect::<Vec<_>>()
    };
    until("both to go on", || after(0).len() > 30 && after(1).len() > 30).await;
    assert!(killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
    for server in 0..2 {
        let went_on = after(server)[0].0 - killed;
        // A second to go on by itself, and a window until what was sent before counts no more.
        let latest = Duration::from_secs(1) + Duration::from_millis(500);
        assert!(went_on < latest, "{server} went on after {went_on:?}");
        let most = most(&after(server), WINDOW);
        assert!((7..=10).contains(&most), "{most} is not the share of {server}");
        assert_eq!(
            (servers.counted(server), servers.state(server)["servers"].clone()),
            ("local_share".into(), json!(2))
        );
        let metrics = servers.managers[server].metrics().render();
        assert!(metrics.contains("trunkline_shared_limits_up 0"), "{metrics}");
    }
    assert_eq!(servers.most(WINDOW), 20, "while it was there, while it was not, and in between");

    assert!(redis.again().await);
    servers.all_are("shared").await;
    let back = servers.came().len();
    // What the other does not need is the first one's.
    callers[1].shutdown().await;
    until("two bursts of one server", || {
        let came = servers.came();
        came.len() > back + 100 && most(&came[came.len() - 50..], WINDOW) == 20
    })
    .await;
    assert_eq!(servers.most(WINDOW), 20, "and on the way back");
    assert!(servers.managers[0].metrics().render().contains("trunkline_shared_limits_up 1"));
    callers[0].shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_counter_that_says_nothing_is_waited_for_once() {
    let Some(redis) = Redis::start().await else { return };
    let limits = json!({ "requests": 1000, "per": 60, "max_wait": 10 });
    let servers = Servers::start(1, &redis.url(), WithoutRedis::LocalShare, &limits).await;
    servers.call(0, HttpRequest::get("/")).await.unwrap();
    redis.hold();
    let began = Instant::now();
    servers.call(0, HttpRequest::get("/")).await.unwrap();
    // A quarter of a second for the counter, and the pace of one that begins anew.
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    servers.all_are("local_share").await;
    redis.go_on();
    servers.all_are("shared").await;
}

#[tokio::test]
async fn open_lets_all_of_the_limit_pass_at_each_and_closed_lets_nothing_pass() {
    let Some(mut redis) = Redis::start().await else { return };
    let limits = json!({ "requests": 4, "per": "200ms", "max_wait": 5 });
    let open = Servers::start(2, &redis.url(), WithoutRedis::Open, &limits).await;
    let closed = Servers::start(1, &redis.url(), WithoutRedis::Closed, &limits).await;
    closed.call(0, HttpRequest::get("/")).await.unwrap();
    redis.kill().await;
    open.all_are("open").await;
    closed.all_are("closed").await;
    let mut calls = JoinSet::new();
    for n in 0..24 {
        let manager = open.managers[n % 2].clone();
        calls.spawn(async move { manager.call("a", HttpRequest::get("/")).await.unwrap() });
    }
    calls.join_all().await;
    assert_eq!(open.most(Duration::from_millis(160)), 8);
    let refused = closed.call(0, HttpRequest::get("/")).await.unwrap_err();
    assert_eq!((refused.kind(), refused.wait()), (Kind::Throttled, Some(Duration::from_secs(1))));
    assert!(refused.message().contains("server.without_redis"), "{refused}");
    assert!(redis.again().await);
    closed.all_are("shared").await;
    closed.call(0, HttpRequest::get("/")).await.unwrap();
}

#[tokio::test]
async fn a_server_whose_redis_is_down_starts_all_the_same_and_shares_when_it_is_up() {
    let Some(mut redis) = Redis::start().await else { return };
    redis.kill().await;
    let servers = Servers::start(2, &redis.url(), WithoutRedis::LocalShare, &twenty()).await;
    servers.call(0, HttpRequest::get("/")).await.unwrap();
    assert_eq!(servers.counted(0), "local_share");
    assert!(redis.again().await);
    servers.all_are("shared").await;
    servers.call(1, HttpRequest::get("/")).await.unwrap();
    let bad =
        RedisLimits::connect(RedisOptions::new(Secret::literal("http://:hunter2@h"))).await.unwrap_err();
    assert!(bad.message().contains("redis://") && !format!("{bad:?}").contains("hunter2"), "{bad:?}");
}

#[tokio::test]
async fn each_connection_shares_a_limit_of_its_own() {
    let Some(redis) = Redis::start().await else { return };
    let limits = json!({ "requests": 3, "per": 3600, "max_wait": "1ms" });
    let servers = Servers::start(2, &redis.url(), WithoutRedis::Closed, &limits).await;
    for manager in &servers.managers {
        for name in ["acme", "globex"] {
            let connection = ConnectionConfig::from_json(json!({ "connection": name })).unwrap();
            manager.add_connection("a", connection).await.unwrap();
        }
    }
    let take = |server: usize, name: &'static str| {
        let manager = &servers.managers[server];
        async move { manager.call_for("a", name, HttpRequest::post("/")).await.map(drop) }
    };
    for server in [0, 1, 0] {
        take(server, "acme").await.unwrap();
    }
    for server in [0, 1] {
        assert_eq!(kind(take(server, "acme").await), Kind::Throttled);
        take(server, "globex").await.unwrap();
        take(server, "default").await.unwrap();
    }
}
