//! Tokens in paused time, from an issuer that is told what to say.

use std::{
    collections::VecDeque,
    sync::atomic::{AtomicU32, Ordering},
};

use tokio::{
    task::JoinSet,
    time::{advance, sleep},
};
use trunkline_core::{Egress, Form, Profile, Secret};

use super::*;

/// What the issuer says next, and after which time.
type Said = (Duration, Result<Option<u64>, Kind>);

#[derive(Debug, Default)]
struct Issuer {
    says: Mutex<VecDeque<Said>>,
    asked: AtomicU32,
}

impl Issue for Arc<Issuer> {
    async fn issue(&self, _: &Context, _: Option<Arc<Credential>>) -> Result<Token> {
        let n = self.asked.fetch_add(1, Ordering::Relaxed) + 1;
        let said = self.says.lock().unwrap().pop_front();
        let (after, says) = said.unwrap_or((Duration::ZERO, Ok(Some(3600))));
        sleep(after).await;
        let lives = says.map_err(|kind| Error::new(kind, "no"))?;
        let credential = Credential::new(Form::Bearer(Secret::literal(n.to_string())));
        Ok(Token { credential, lives: lives.map(Duration::from_secs) })
    }
}

struct Bench {
    issuer: Arc<Issuer>,
    tokens: Arc<Tokens<Arc<Issuer>>>,
    context: Context,
}

fn bench(says: impl IntoIterator<Item = Said>) -> Bench {
    let issuer = Arc::new(Issuer { says: Mutex::new(says.into_iter().collect()), ..Issuer::default() });
    let context = Context::new(Arc::new(Egress::new(Profile::Guarded, &[]).unwrap()));
    Bench { tokens: Arc::new(Tokens::new(issuer.clone())), issuer, context }
}

fn at_once(says: Result<Option<u64>, Kind>) -> Said {
    (Duration::ZERO, says)
}

impl Bench {
    /// The number of the token that a call gets, as the authenticate layer asks for it.
    async fn number(&self) -> Result<u32, Kind> {
        let credential = match self.tokens.ready() {
            Some(credential) => credential,
            None => self.tokens.get(&self.context).await.map_err(|error| {
                assert_eq!(error.outcome(), Outcome::NotSent);
                error.kind()
            })?,
        };
        let Form::Bearer(token) = credential.form() else { panic!("it is a bearer token") };
        Ok(token.expose().unwrap().parse().unwrap())
    }

    fn asked(&self) -> u32 {
        self.issuer.asked.load(Ordering::Relaxed)
    }
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_thousand_who_want_a_token_ask_for_one() {
    let bench = Arc::new(bench([(SECOND, Ok(Some(3600)))]));
    let mut all = JoinSet::new();
    for _ in 0..1000 {
        let bench = bench.clone();
        all.spawn(async move { bench.number().await });
    }
    assert!(all.join_all().await.into_iter().all(|number| number == Ok(1)));
    assert_eq!(bench.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn whoever_began_the_exchange_may_go_away() {
    let bench = bench([(SECOND, Ok(Some(3600)))]);
    let gone = tokio::time::timeout(SECOND / 2, bench.number()).await;
    assert!(gone.is_err());
    assert_eq!((bench.number().await, bench.asked()), (Ok(1), 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_at_hand_is_good_until_its_end_and_asks_nobody() {
    let bench = bench([at_once(Ok(Some(3600)))]);
    assert!(bench.tokens.at_hand().is_none());
    assert_eq!((bench.asked(), bench.number().await), (0, Ok(1)));
    advance(SECOND * 3500).await;
    assert!(bench.tokens.ready().is_none(), "a new one is due");
    assert!(bench.tokens.at_hand().is_some());
    advance(SECOND * 70).await;
    assert!(bench.tokens.at_hand().is_none());
    assert_eq!(bench.asked(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_replaced_ahead_of_its_end_and_nobody_waits_for_that() {
    let bench = bench([at_once(Ok(Some(3600))), (SECOND * 5, Ok(Some(3600)))]);
    assert_eq!(bench.number().await, Ok(1));
    advance(SECOND * 3299).await;
    assert_eq!((bench.number().await, bench.asked()), (Ok(1), 1));
    advance(SECOND).await;
    let began = Instant::now();
    assert_eq!(bench.number().await, Ok(1), "five minutes before its end another is asked for");
    assert_eq!(bench.number().await, Ok(1));
    assert_eq!(began.elapsed(), Duration::ZERO);
    sleep(SECOND * 6).await;
    assert_eq!((bench.number().await, bench.asked()), (Ok(2), 2));
}

#[test]
fn the_margins_are_never_longer_than_a_life() {
    let now = Instant::now();
    for (lives, renew, end) in [
        (0, 0, 0),
        (4, 2, 3),
        (60, 30, 45),
        (119, 59, 89),
        (120, 60, 90),
        (600, 540, 570),
        (3600, 3300, 3570),
        (86_400, 86_100, 86_370),
        (u64::MAX, 31_535_700, 31_535_970),
    ] {
        let (from, until) = times(Duration::from_secs(lives), now);
        assert_eq!(((from - now).as_secs(), (until - now).as_secs()), (renew, end), "{lives}");
        assert!(from <= until);
    }
}

#[tokio::test(start_paused = true)]
async fn one_of_unknown_life_is_used_until_it_is_refused() {
    let bench = bench([at_once(Ok(None)), at_once(Ok(None))]);
    assert_eq!(bench.number().await, Ok(1));
    advance(SECOND * 1_000_000).await;
    assert_eq!(bench.number().await, Ok(1));
    let refused = bench.tokens.ready().unwrap();
    bench.tokens.rejected(&refused);
    assert_eq!(bench.number().await, Ok(2));
    bench.tokens.rejected(&refused);
    assert_eq!((bench.number().await, bench.asked()), (Ok(2), 2), "an old one says nothing of the new one");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_refuses_whatever_it_gets_costs_a_token_each_half_minute() {
    let bench = bench([]);
    for _ in 0..100 {
        bench.number().await.unwrap();
        bench.tokens.rejected(&bench.tokens.ready().unwrap());
        bench.number().await.unwrap();
        advance(SECOND).await;
    }
    assert_eq!(bench.asked(), 5, "one to begin with, and one for each 30 of 100 seconds");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_good_is_served_while_no_other_is_to_be_had() {
    let failing = (0..4).map(|_| at_once(Err(Kind::Unavailable)));
    let bench = bench([at_once(Ok(Some(3600)))].into_iter().chain(failing));
    bench.number().await.unwrap();
    advance(SECOND * 3300).await;
    for _ in 0..270 {
        assert_eq!(bench.number().await, Ok(1));
        sleep(SECOND).await;
    }
    assert_eq!(bench.asked(), 5, "at once, and after 30, 60 and 120 seconds");
    assert_eq!(bench.number().await, Err(Kind::Unavailable), "at its end it is of no use");
    sleep(SECOND * 180).await;
    assert_eq!(bench.number().await, Ok(6));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_nobody_asks_for_a_while_and_all_hear_why() {
    let bench = bench((0..2).map(|_| at_once(Err(Kind::Unavailable))));
    for _ in 0..100 {
        assert_eq!(bench.number().await, Err(Kind::Unavailable));
    }
    assert_eq!(bench.asked(), 1);
    let wait = bench.tokens.get(&bench.context).await.unwrap_err().wait().unwrap();
    assert_eq!(wait, PAUSE);
    advance(PAUSE).await;
    assert_eq!((bench.number().await, bench.asked()), (Err(Kind::Unavailable), 2));
    advance(PAUSE).await;
    assert_eq!((bench.number().await, bench.asked()), (Err(Kind::Unavailable), 2));
    advance(PAUSE).await;
    assert_eq!((bench.number().await, bench.asked()), (Ok(3), 3));
}

#[tokio::test(start_paused = true)]
async fn that_a_person_is_needed_is_told_at_once_and_heard_of_again_after_a_while() {
    let bench = bench([at_once(Err(Kind::NeedsReauth))]);
    for _ in 0..1000 {
        assert_eq!(bench.number().await, Err(Kind::NeedsReauth));
    }
    assert_eq!(bench.asked(), 1);
    advance(REAUTH).await;
    assert_eq!((bench.number().await, bench.asked()), (Ok(2), 2));
}

#[tokio::test(start_paused = true)]
async fn what_changed_is_asked_for_at_once_and_an_exchange_from_before_brings_nothing() {
    let bench = Arc::new(bench([
        at_once(Err(Kind::Unavailable)),
        (SECOND, Ok(Some(3600))),
        (SECOND, Ok(Some(3600))),
    ]));
    assert_eq!(bench.number().await, Err(Kind::Unavailable));
    bench.tokens.reset();
    let waits = tokio::spawn({
        let bench = bench.clone();
        async move { bench.number().await }
    });
    sleep(SECOND / 2).await;
    bench.tokens.reset();
    assert_eq!((waits.await.unwrap(), bench.asked()), (Ok(3), 3));
}

#[tokio::test(start_paused = true)]
async fn a_caller_waits_ten_seconds_and_the_exchange_goes_on() {
    let bench = bench([(SECOND * 40, Ok(Some(3600)))]);
    let began = Instant::now();
    assert_eq!(bench.number().await, Err(Kind::Timeout));
    assert_eq!(began.elapsed(), WAIT);
    sleep(SECOND * 31).await;
    assert_eq!((bench.number().await, bench.asked()), (Ok(1), 1));
}
