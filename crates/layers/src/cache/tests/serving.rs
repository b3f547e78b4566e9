//! What is answered from the cache, and what the service is asked.

use trunkline_core::{Error, Kind, Outcome, Query};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_reply_is_served_until_it_is_stale_and_then_asked_about() {
    let bench = Bench::new(
        "{}",
        [fresh("max-age=60", "one"), says(304, &[("cache-control", "max-age=30"), ("x-new", "1")], "")],
    );
    assert_eq!(bench.get().await, (200, "one".into(), "fwd=uri-miss; stored; ttl=60".into()));
    later(59).await;
    assert_eq!(bench.get().await, (200, "one".into(), "hit; ttl=1".into()));
    later(1).await;
    assert_eq!(bench.get().await, (200, "one".into(), "fwd=stale; fwd-status=304; stored; ttl=30".into()));
    assert_eq!(bench.last()["if-none-match"], "\"1\"");
    later(10).await;
    let (reply, call) = bench.run(get(&[]), None).await;
    let reply = reply.unwrap();
    // RFC 9111 sections 3.2 and 4.3.4: the age is that since the validation.
    assert_eq!(
        (&reply.headers["age"], &reply.headers["x-new"]),
        (&"10".parse().unwrap(), &"1".parse().unwrap())
    );
    assert_eq!((call.attempt, bench.script.attempts()), (0, 2));
}

#[tokio::test(start_paused = true)]
async fn requests_say_what_they_take() {
    // RFC 9111 section 5.2.1: after ten seconds of sixty, and after seventy.
    for (control, young, old) in [
        ("max-age=10", "hit; ttl=50", "fwd=request"),
        ("max-age=9", "fwd=request", "fwd=request"),
        ("min-fresh=50", "hit; ttl=50", "fwd=request"),
        ("min-fresh=51", "fwd=request", "fwd=request"),
        ("no-cache", "fwd=request", "fwd=request"),
        ("no-store", "fwd=bypass", "fwd=bypass"),
        ("max-stale", "hit; ttl=50", "hit; ttl=-10"),
        ("max-stale=10", "hit; ttl=50", "hit; ttl=-10"),
        ("max-stale=9", "hit; ttl=50", "fwd=stale"),
        ("only-if-cached", "hit; ttl=50", "fwd=stale"),
    ] {
        for (wait, expected) in [(10, young), (70, old)] {
            let bench = Bench::new("{}", [fresh("max-age=60", "one")]);
            bench.get().await;
            later(wait).await;
            let ended = bench.ask(get(&[("cache-control", control)])).await;
            assert!(ended.2.starts_with(expected), "{control} after {wait}: {ended:?}");
            let kind = if control == "only-if-cached" && wait > 60 { "not_cached" } else { &ended.1 };
            assert_eq!(ended.1, kind);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn stale_is_served_only_where_that_is_allowed() {
    // RFC 5861 section 4, RFC 9111 section 4.2.4: the service fails ten seconds after the reply went stale.
    let failures: [fn() -> Step; 3] = [
        || Step::Fails(Kind::Timeout, Outcome::Unknown),
        || Step::Fails(Kind::CircuitOpen, Outcome::NotSent),
        || says(503, &[], "down"),
    ];
    for (config, control, served) in [
        ("{}", "max-age=60", false),
        ("{}", "max-age=60, stale-if-error=11", true),
        ("{}", "max-age=60, stale-if-error=10", false),
        ("{}", "max-age=60, stale-if-error=99, must-revalidate", false),
        ("{}", "max-age=60, stale-if-error=99, proxy-revalidate", false),
        ("{}", "max-age=60, stale-if-error=99, no-cache", false),
        (r#"{"stale_if_error": 60}"#, "max-age=60", true),
        (r#"{"stale_if_error": 60}"#, "s-maxage=60", false),
        (r#"{"stale_if_error": 60}"#, "max-age=60, stale-if-error=0", false),
    ] {
        for failure in failures {
            let bench = Bench::new(config, [fresh(control, "one"), failure()]);
            bench.get().await;
            later(70).await;
            let ended = bench.get().await;
            assert_eq!(ended.1 == "one", served, "{config} {control}: {ended:?}");
            assert!(!served || ended.2.ends_with("ttl=-10"), "{ended:?}");
        }
    }
    // A refusal is no failure.
    let bench = Bench::new("{}", [fresh("max-age=60, stale-if-error=99", "one"), says(404, &[], "gone")]);
    bench.get().await;
    later(70).await;
    assert_eq!(bench.get().await.0, 404);
    assert_eq!(bench.store.entries(), 0, "what is gone is not served when the service fails the next time");
}

#[tokio::test(start_paused = true)]
async fn stale_while_revalidate_makes_nobody_wait_and_asks_once() {
    let bench = Bench::new(
        "{}",
        [
            fresh("max-age=60, stale-while-revalidate=30", "one"),
            Step::Takes(Duration::from_secs(5)),
            fresh("max-age=60", "two"),
        ],
    );
    bench.get().await;
    later(70).await;
    for _ in 0..3 {
        assert_eq!(bench.get().await, (200, "one".into(), "hit; ttl=-10".into()));
        settle().await;
    }
    later(5).await;
    settle().await;
    assert_eq!(bench.get().await.1, "two");
    assert_eq!(bench.script.attempts(), 2);
    assert_eq!(bench.store.flights.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn errors_are_kept_where_the_service_says_so() {
    let bench = Bench::new("{}", [says(404, &[("cache-control", "max-age=60")], "no")]);
    bench.get().await;
    let (result, call) = bench.run(get(&[]), None).await;
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.reply().unwrap().status), (Kind::Rejected, StatusCode::NOT_FOUND));
    assert_eq!((call.cache.unwrap().word(), bench.script.attempts()), ("hit", 1));
}

#[tokio::test(start_paused = true)]
async fn tenants_never_share() {
    let store = Arc::new(CacheStore::new(8 << 20));
    let (a, b) = (["a", "a-x", "a-relay"], ["b"]);
    let one = Bench::in_store(&store, "{}", a.map(|body| fresh("max-age=60", body)));
    let two = Bench::in_store(&store, "{}", b.map(|body| fresh("max-age=60", body)));
    for _ in 0..2 {
        for (bench, connection, relay, body) in [
            (&one, None, false, "a"),
            (&one, Some("x"), false, "a-x"),
            (&one, None, true, "a-relay"),
            (&two, None, false, "b"),
        ] {
            let (reply, _) = bench.run(HttpRequest { relay, ..get(&[]) }, connection).await;
            assert_eq!(reply.unwrap().text().await.unwrap(), body);
        }
    }
    assert_eq!((one.script.attempts(), two.script.attempts()), (3, 1));
    // What replaces an integration starts with nothing, and what it had is gone.
    one.scope.clear();
    assert_eq!(store.entries(), 1);
    assert_eq!(one.get().await.1, "ok");
}

#[tokio::test(start_paused = true)]
async fn the_request_headers_that_a_reply_names_select_it() {
    let vary = &[("cache-control", "max-age=60"), ("vary", "accept-language")];
    let bench = Bench::new("{}", [says(200, vary, "en"), says(200, vary, "de")]);
    for (language, body, status) in [
        ("en", "en", "fwd=uri-miss"),
        ("de", "de", "fwd=vary-miss"),
        ("en", "en", "hit"),
        ("de", "de", "hit"),
    ] {
        let ended = bench.ask(get(&[("accept-language", language)])).await;
        assert!(ended.1 == body && ended.2.starts_with(status), "{ended:?}");
    }
    // A change forgets both.
    bench.ask(HttpRequest::post("/x")).await;
    assert_eq!(bench.store.entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn conditions_ranges_and_heads_are_answered_from_what_is_kept() {
    let bench = Bench::new("{}", [fresh("max-age=60", "0123456789")]);
    bench.get().await;
    for (request, status, body) in [
        (get(&[("if-none-match", "\"1\"")]), 304, ""),
        (get(&[("if-none-match", "\"2\"")]), 200, "0123456789"),
        (get(&[("range", "bytes=2-3")]), 206, "23"),
        (get(&[("range", "bytes=2-3"), ("if-range", "\"2\"")]), 200, "0123456789"),
        (get(&[("range", "bytes=10-")]), 416, ""),
        (with(HttpRequest::new(Method::HEAD, "/x"), &[]), 200, ""),
    ] {
        let line = format!("{request:?}");
        let ended = bench.ask(request).await;
        assert_eq!((ended.0, ended.1.as_str(), ended.2.as_str()), (status, body, "hit; ttl=60"), "{line}");
    }
    let (reply, _) = bench.run(HttpRequest::new(Method::HEAD, "/x"), None).await;
    assert_eq!(reply.unwrap().headers["content-length"], "10");
    assert_eq!(bench.script.attempts(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_clients_condition_is_judged_after_ours() {
    let bench =
        Bench::new("{}", [fresh("max-age=1", "one"), says(304, &[("cache-control", "max-age=60")], "")]);
    bench.get().await;
    later(9).await;
    assert_eq!(bench.ask(get(&[("if-none-match", "\"1\", \"0\"")])).await.0, 304);
    assert_eq!(bench.last()["if-none-match"], "\"1\"");
    assert_eq!(bench.get().await.1, "one");
    // A part of what has changed would not fit what the client has: all of it is asked for.
    let bench = Bench::new("{}", [fresh("max-age=1", "one"), says(200, &[("etag", "\"2\"")], "two")]);
    bench.get().await;
    later(9).await;
    let part = get(&[("range", "bytes=1-"), ("if-range", "\"1\"")]);
    assert_eq!((bench.ask(part).await.1.as_str(), bench.last().contains_key("range")), ("two", false));
    // Where nothing is kept, the client's goes on, and its 304 is nobody else's.
    let bench = Bench::new("{}", [says(304, &[("cache-control", "max-age=60")], "")]);
    assert_eq!(bench.ask(get(&[("if-none-match", "\"9\"")])).await.0, 304);
    assert_eq!(bench.last()["if-none-match"], "\"9\"");
    assert_eq!(bench.get().await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn parts_are_not_kept_and_a_head_tells_about_what_is() {
    let part = says(206, &[("cache-control", "max-age=60"), ("content-range", "bytes 0-1/10")], "01");
    let bench = Bench::new("{}", [part]);
    bench.ask(get(&[("range", "bytes=0-1")])).await;
    assert_eq!(bench.store.entries(), 0);

    // RFC 9111 section 4.3.5.
    for (head, kept) in [
        (&[("cache-control", "max-age=60"), ("etag", "\"1\"")], "hit"),
        (&[("cache-control", "max-age=60"), ("etag", "\"2\"")], "fwd=uri-miss"),
    ] {
        let bench = Bench::new("{}", [fresh("max-age=1", "one"), says(200, head, "")]);
        bench.get().await;
        later(5).await;
        bench.ask(HttpRequest::new(Method::HEAD, "/x")).await;
        assert!(bench.get().await.2.starts_with(kept), "{kept}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_have_changed_is_forgotten() {
    // RFC 9111 section 4.4; the base is http://h/v1?k=1.
    for (name, step, forgotten) in [
        ("POST", says(201, &[], ""), true),
        ("PUT", says(204, &[], ""), true),
        ("DELETE", says(200, &[], ""), true),
        ("M-SEARCH", says(200, &[], ""), true),
        ("PATCH", says(303, &[], ""), true),
        ("POST", says(500, &[], ""), false),
        ("POST", says(404, &[], ""), false),
        ("POST", Step::Fails(Kind::Timeout, Outcome::Unknown), true),
        ("POST", Step::Fails(Kind::Unavailable, Outcome::NotSent), false),
        ("OPTIONS", says(200, &[], ""), false),
    ] {
        let bench = Bench::new("{}", [fresh("max-age=60", "one"), step]);
        bench.get().await;
        bench.ask(HttpRequest::new(method(name), "x")).await;
        assert_eq!(bench.store.entries() == 0, forgotten, "{name}");
    }
    for (header, value, forgotten) in [
        ("location", "/v1/x?k=1", true),
        ("location", "http://h/v1/x?k=1", true),
        ("location", "../x?k=1", true),
        ("content-location", "/v1/x?k=1", true),
        ("location", "http://evil/v1/x?k=1", false),
        ("location", "https://h/v1/x?k=1", false),
        ("location", "/v2/x", false),
        ("location", "/v10/x", false),
    ] {
        let name: &'static str = header;
        let bench = Bench::new("{}", [fresh("max-age=60", "one"), says(201, &[(name, value)], "")]);
        bench.get().await;
        bench.ask(HttpRequest::post("/y/z")).await;
        assert_eq!(bench.store.entries() == 0, forgotten, "{header}: {value}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_on_its_way_when_it_was_changed_is_not_kept() {
    let bench = Bench::new(
        "{}",
        [Step::Takes(Duration::from_secs(5)), says(204, &[], ""), fresh("max-age=60", "old")],
    );
    let slow = tokio::spawn({
        let bench = bench.clone();
        async move { bench.get().await }
    });
    settle().await;
    // The second step is played by whoever comes next.
    assert_eq!(bench.ask(HttpRequest::post("/x")).await.0, 204);
    later(10).await;
    assert_eq!(slow.await.unwrap().1, "old");
    assert_eq!(bench.store.entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_kept_only_if_all_of_it_came_and_fits() {
    let stream = |body| says(200, &[("cache-control", "max-age=60")], body);
    let cut = || Err(Error::new(Kind::Protocol, "cut"));
    for (body, reads, kept) in [
        (pieces(vec![Ok("ab"), Ok("cde")]), true, 1),
        (pieces(vec![Ok("ab"), Ok("cde"), Ok("f")]), true, 0),
        (pieces(vec![Ok("ab"), cut()]), true, 0),
        (pieces(vec![Ok("ab"), Ok("cde")]), false, 0),
        (Body::from("abcdef"), true, 0),
        (Body::from("abcde"), true, 1),
        (Body::Empty, true, 1),
    ] {
        let line = format!("{body:?} {reads}");
        let bench = Bench::new(r#"{"max_body": 5}"#, [stream(body)]);
        let (reply, _) = bench.run(get(&[]), None).await;
        match reads {
            true => drop(reply.unwrap().bytes().await),
            false => drop(reply),
        }
        assert_eq!((bench.store.entries(), bench.store.flights.len()), (kept, 0), "{line}");
    }
    // RFC 9111 section 3.3: less than it says it is.
    let short =
        says(200, &[("cache-control", "max-age=60"), ("content-length", "9")], pieces(vec![Ok("ab")]));
    let bench = Bench::new("{}", [short]);
    bench.get().await;
    assert_eq!(bench.store.entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn the_store_is_bounded_by_bytes() {
    let store = Arc::new(CacheStore::new(100_000));
    let body = "x".repeat(1000).leak();
    let bench = Bench::in_store(&store, "{}", (0..500).map(|_| fresh("max-age=60", body)));
    for n in 0..500 {
        bench.ask(HttpRequest::get(format!("/{n}"))).await;
    }
    assert!(store.bytes() <= 100_000 && store.entries() > 20, "{store:?}");
    assert_eq!(store.entries() + store.evictions(), 500);
    // What made room is not counted any more.
    let state = bench.scope.state();
    assert_eq!((state.entries, state.bytes), (store.entries(), store.bytes()));
    assert!((99_000..=100_000).contains(&state.max_bytes), "{state:?}");
    drop(bench);
    assert_eq!((store.entries(), store.bytes()), (0, 0), "what an integration had goes with it");
}

#[tokio::test(start_paused = true)]
async fn queries_are_kept_only_for_a_configured_time() {
    let query = |text: &str, read_only| Operation::Query(Query { read_only, ..Query::new(text) });
    for (config, attempts) in [("{}", 6), (r#"{"ttl": 60}"#, 4)] {
        let bench = Bench::new(config, []);
        for (text, read_only) in
            [("a", true), ("a", true), ("b", true), ("b", true), ("c", false), ("c", false)]
        {
            bench.run(query(text, read_only), None).await.0.unwrap();
        }
        assert_eq!(bench.script.attempts(), attempts, "{config}");
        later(60).await;
        bench.run(query("a", true), None).await.0.unwrap();
        assert_eq!(bench.script.attempts(), attempts + 1, "{config}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_only_the_service_can_answer_is_neither_answered_nor_kept() {
    let reads: [fn() -> Operation; 2] =
        [|| HttpRequest::get("/x").into(), || Query::new("a").read_only().into()];
    for read in reads {
        let bench = Bench::new(r#"{"ttl": 60}"#, []);
        let run = async |uncached: bool| {
            let mut call = Call::new(IntegrationId::new("a").unwrap(), read());
            call.uncached = uncached;
            bench.pipeline.run(&mut call).await.unwrap();
            call.cache.unwrap().to_string()
        };
        assert_eq!((&*run(true).await, bench.store.entries()), ("fwd=bypass", 0));
        assert_eq!(&*run(false).await, "fwd=uri-miss; stored; ttl=60");
        assert_eq!(&*run(true).await, "fwd=bypass");
        assert_eq!((&*run(false).await, bench.script.attempts()), ("hit; ttl=60", 3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_change_that_only_the_service_can_answer_forgets_what_it_changes() {
    let bench = Bench::new(r#"{"ttl": 60}"#, []);
    bench.get().await;
    let mut call = Call::new(IntegrationId::new("a").unwrap(), HttpRequest::post("/x"));
    call.uncached = true;
    bench.pipeline.run(&mut call).await.unwrap();
    assert_eq!(bench.store.entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_a_redirect_led_to_is_not_kept_under_the_first_uri() {
    let Step::Gives(reply) = fresh("max-age=60", "elsewhere") else { unreachable!() };
    let bench = Bench::new("{}", [Step::Gives(Reply { redirected: true, ..reply })]);
    bench.get().await;
    assert_eq!(bench.store.entries(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_integration_knows_what_is_kept_of_it_and_what_of_all() {
    let store = Arc::new(CacheStore::new(8 << 20));
    let bench = || Bench::in_store(&store, "{}", (0..4).map(|_| fresh("max-age=60", "one")));
    let (one, other) = (bench(), bench());
    assert_eq!((one.scope.state().entries, one.scope.state().bytes), (0, 0));
    for path in ["/x", "/y"] {
        one.ask(HttpRequest::get(path)).await;
    }
    other.get().await;
    let (mine, theirs) = (one.scope.state(), other.scope.state());
    assert_eq!((mine.entries, theirs.entries), (2, 1));
    assert!(mine.bytes > theirs.bytes, "{mine:?} {theirs:?}");
    assert_eq!((mine.all_bytes, mine.max_bytes), (mine.bytes + theirs.bytes, theirs.max_bytes));
    // What takes the place of another is counted once.
    later(61).await;
    one.get().await;
    assert_eq!((one.scope.state().entries, store.entries()), (2, 3));
    one.ask(HttpRequest::post("/y")).await;
    assert_eq!(one.scope.state().entries, 1);
    one.scope.clear();
    assert_eq!(
        (one.scope.state().bytes, other.scope.state()),
        (0, crate::CacheState { all_bytes: theirs.bytes, ..theirs })
    );
}
