//! The scripts that run inside Redis, each as one step that no other comes between, and what goes in and out of
//! them.

use std::time::Duration;

use redis::{RedisResult, Script, aio::MultiplexedConnection};
use trunkline_core::shared_limits::{Level, Take, Taken};

/// For how long a server that said nothing is believed to be there.
pub(crate) const BELIEVED: Duration = Duration::from_secs(5);

/// The scripts under the names of one installation.
#[derive(Debug)]
pub(crate) struct Scripts {
    prefix: String,
    servers: String,
    take: Script,
    announce: Script,
}

impl Scripts {
    /// Scripts whose keys all begin with `prefix`.
    pub(crate) fn new(prefix: &str) -> Self {
        Self {
            prefix: prefix.to_owned(),
            servers: format!("{prefix}:servers"),
            take: Script::new(include_str!("take.lua")),
            announce: Script::new(include_str!("announce.lua")),
        }
    }

    /// Takes from all limits or from none.
    pub(crate) async fn take(
        &self,
        redis: &mut MultiplexedConnection,
        owner: &str,
        takes: &[Take],
        anyhow: bool,
    ) -> RedisResult<Taken> {
        let mut run = self.take.arg(u8::from(anyhow));
        for take in takes {
            // What stands in braces decides on which node of a cluster a key is: all of one owner on the same.
            run.key(format!("{}:limit:{{{owner}}}:{}", self.prefix, take.limit));
            let per = u64::try_from(take.per.as_micros()).unwrap_or(u64::MAX);
            run.arg(take.requests).arg(per).arg(take.burst).arg(take.weight);
            let unseen = take.unseen.map_or((0, 0), |unseen| (unseen.taken, unseen.up_to));
            run.arg(u8::from(take.unseen.is_some())).arg(unseen.0).arg(unseen.1);
        }
        let reply: Vec<u64> = run.invoke_async(redis).await?;
        let (wait, levels) = reply.split_first().unwrap_or((&0, &[]));
        let levels = levels.chunks_exact(2).map(|level| Level {
            recent: u32::try_from(level[0]).unwrap_or(u32::MAX),
            ahead: Duration::from_micros(level[1]),
        });
        Ok(Taken { wait: Duration::from_micros(*wait), levels: levels.collect() })
    }

    /// Says that a server is there, and hears how many there are.
    pub(crate) async fn announce(&self, redis: &mut MultiplexedConnection, server: &str) -> RedisResult<u32> {
        let believed = BELIEVED.as_millis().to_string();
        self.announce.key(&self.servers).arg(server).arg(believed).invoke_async(redis).await
    }

    /// Says that it is there no more.
    pub(crate) async fn leave(&self, redis: &mut MultiplexedConnection, server: &str) -> RedisResult<()> {
        redis::cmd("ZREM").arg(&self.servers).arg(server).query_async(redis).await
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use redis::AsyncCommands;
    use trunkline_core::shared_limits::Unseen;
    use trunkline_testkit::Redis;

    use super::*;

    /// Scripts whose time is what a test says.
    struct Bench {
        redis: MultiplexedConnection,
        scripts: Scripts,
        now: u64,
        _server: Redis,
    }

    impl Bench {
        async fn start() -> Option<Self> {
            let server = Redis::start().await?;
            let client = redis::Client::open(server.url()).unwrap();
            let redis = client.get_multiplexed_async_connection().await.unwrap();
            let now = 1_800_000_000_000_000;
            Some(Self { redis, scripts: Self::fresh(0), now, _server: server })
        }

        fn fresh(n: u32) -> Scripts {
            let source = include_str!("take.lua");
            let clock = "redis.call('MGET', 'seconds', 'micros')";
            let timed = source.replace("redis.call('TIME')", clock);
            assert_ne!(timed, source);
            Scripts { take: Script::new(&timed), ..Scripts::new(&format!("test{n}")) }
        }

        async fn take(&mut self, takes: &[Take]) -> Taken {
            let (seconds, micros) = (self.now / 1_000_000, self.now % 1_000_000);
            let _: () = self.redis.mset(&[("seconds", seconds), ("micros", micros)]).await.unwrap();
            self.scripts.take(&mut self.redis, "a", takes, false).await.unwrap()
        }
    }

    fn limit(requests: u32, per_ms: u64, burst: u32, weight: u32) -> Take {
        let per = Duration::from_millis(per_ms);
        Take { limit: format!("{per:?}"), requests, per, burst, weight, unseen: None }
    }

    #[tokio::test]
    async fn one_that_is_refused_by_a_limit_takes_nothing_of_the_others() {
        let Some(mut bench) = Bench::start().await else { return };
        let both = [limit(2, 1_000, 2, 1), limit(5, 3_600_000, 5, 1)];
        for _ in 0..2 {
            assert_eq!(bench.take(&both).await.wait, Duration::ZERO);
        }
        let refused = bench.take(&both).await;
        assert!((900..=1100).contains(&refused.wait.as_millis()), "{refused:?}");
        assert_eq!(refused.levels.iter().map(|level| level.recent).collect::<Vec<_>>(), [2, 2]);
        let heavy = bench.take(&[limit(5, 3_600_000, 5, 4)]).await;
        assert!(heavy.wait.as_secs() > 3_000, "{heavy:?}");
        assert_eq!(bench.take(&[limit(5, 3_600_000, 5, 3)]).await.wait, Duration::ZERO);
    }

    #[tokio::test]
    async fn what_was_taken_where_nobody_saw_it_counts_and_grants_no_burst() {
        let Some(mut bench) = Bench::start().await else { return };
        let unseen = |taken, up_to| Take { unseen: Some(Unseen { taken, up_to }), ..limit(10, 1_000, 10, 1) };
        // Nothing is known: at a steady pace from now on.
        assert_eq!(bench.take(&[unseen(3, 6)]).await.levels[0].recent, 7);
        assert_eq!(bench.take(&[limit(10, 1_000, 10, 1)]).await.wait.as_millis(), 100);
        // Another server has taken three more; and that there were eight is known already.
        assert_eq!(bench.take(&[unseen(3, 8)]).await.levels[0].recent, 10);
        bench.now += 900_000;
        assert!(!bench.take(&[limit(10, 1_000, 10, 1)]).await.wait.is_zero());
        bench.now += 200_000;
        assert!(bench.take(&[limit(10, 1_000, 10, 1)]).await.wait.is_zero());
    }

    #[tokio::test]
    async fn nothing_is_left_behind_when_its_time_is_over() {
        let Some(mut bench) = Bench::start().await else { return };
        bench.take(&[limit(10, 1_000, 10, 10)]).await;
        bench.scripts.announce(&mut bench.redis, "one").await.unwrap();
        let keys: Vec<String> = bench.redis.keys("test0:*").await.unwrap();
        assert_eq!(keys.len(), 2);
        for key in keys {
            let left: i64 = bench.redis.pttl(&key).await.unwrap();
            assert!((1..=5_000).contains(&left), "{key}: {left} ms");
        }
        let key: Vec<String> = bench.redis.keys("*:limit:*").await.unwrap();
        assert_eq!(key, ["test0:limit:{a}:1s"]);
    }

    #[tokio::test]
    async fn a_clock_that_is_set_back_neither_grants_a_burst_nor_stops_everything() {
        let Some(mut bench) = Bench::start().await else { return };
        bench.take(&[limit(10, 1_000, 10, 10)]).await;
        bench.now -= 3_600_000_000;
        let refused = bench.take(&[limit(10, 1_000, 10, 1)]).await;
        assert!((900..=1_100).contains(&refused.wait.as_millis()), "{refused:?}");
        bench.now += 1_100_000;
        assert!(bench.take(&[limit(10, 1_000, 10, 10)]).await.wait.is_zero());
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1) })]

        #[test]
        fn never_more_than_the_limit_in_any_window(
            cases in prop::collection::vec((1_u32..30, 10_u64..1500, 1_u32..30, prop::collection::vec((0_u64..100_000, 0_u32..4), 1..150)), 100)
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                // One server for all cases: starting it takes longer than they do.
                let Some(mut bench) = Bench::start().await else { return Ok(()) };
                for (n, (requests, per, burst, asks)) in (0..).zip(cases) {
                    let burst = burst.min(requests);
                    bench.scripts = Bench::fresh(n);
                    let mut sent = Vec::new();
                    for (later, weight) in asks {
                        bench.now += later;
                        let weight = weight.min(burst);
                        let both = [limit(requests, per, burst, weight), limit(requests * 2, per * 5, requests, 1)];
                        let mut tries = 0;
                        // Half of them wait as long as they are told, and are then let through.
                        loop {
                            let taken = bench.take(&both).await;
                            if taken.wait.is_zero() {
                                sent.push((bench.now, weight));
                                break;
                            }
                            if later % 2 == 0 {
                                break;
                            }
                            bench.now += u64::try_from(taken.wait.as_micros()).unwrap();
                            tries += 1;
                            prop_assert!(tries < 4, "told to wait again and again: {taken:?}");
                        }
                    }
                    for (n, (first, _)) in sent.iter().enumerate() {
                        let within = |ms: u64| sent[n..].iter().take_while(move |(at, _)| at - first < ms * 1_000);
                        prop_assert!(within(per).map(|(_, weight)| weight).sum::<u32>() <= requests);
                        prop_assert!(within(per * 5).count() <= requests as usize * 2);
                    }
                }
                Ok(())
            })?;
        }
    }
}
