//! The attempt is timed however it ends, and the service hears of its span.

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use trunkline_core::{HttpRequest, Kind, Outcome, Query};
use trunkline_testkit::Step;

use super::*;
use crate::{Metrics, Observe, Recorder, Sampler, Timeout, Traffic, testing::Bench};

const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const CALLER: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct Traces {
    bench: Bench,
    spans: Arc<Spans>,
    metrics: Arc<Metrics>,
}

impl Traces {
    /// Calls that share a part of their traces; attempts end after two seconds.
    fn new(share: f64, steps: impl IntoIterator<Item = Step>) -> Self {
        let spans = Arc::new(Spans::new(Sampler { share, ..Sampler::default() }, 16));
        let metrics = Arc::new(Metrics::new());
        let handles = metrics.of(&"a".into());
        let limit = Duration::from_secs(2);
        let service = Service { system: "script", address: Some(("a.example".into(), 443)) };
        let attempt = Attempt::new(&handles, service, Some(limit), Some(spans.clone()));
        let (recorder, traffic) = (Arc::new(Recorder::new(8)), Arc::new(Traffic::new()));
        let observe = Observe::new(handles, recorder, traffic, Some(spans.clone()));
        let layers: [Arc<dyn Layer>; 3] =
            [Arc::new(observe), Arc::new(Timeout::new(limit)), Arc::new(attempt)];
        Self { bench: Bench::new(layers, steps), spans, metrics }
    }

    /// What the service was told of each attempt.
    fn told(&self) -> Vec<String> {
        let text =
            |headers: &HeaderMap| headers.get(PARENT).map_or("", |told| told.to_str().unwrap()).to_owned();
        self.bench.script.headers().iter().map(text).collect()
    }

    fn counts(&self, labels: &str) -> bool {
        let start = "http_client_request_duration_seconds_count{integration=\"a\",";
        let text = self.metrics.render();
        text.lines().any(|line| line.starts_with(&format!("{start}{labels}")) && line.ends_with(" 1"))
    }
}

fn called(caller: Option<&str>) -> Call {
    let mut call = crate::testing::call(HttpRequest::get("/"));
    call.trace = caller.map(|caller| TraceParent::parse(caller.as_bytes()).unwrap());
    call
}

#[tokio::test]
async fn the_service_hears_of_the_span_of_its_attempt_which_is_below_the_call() {
    let traces = Traces::new(0.0, [Step::Answers(StatusCode::SERVICE_UNAVAILABLE, Kind::Unavailable)]);
    let mut call = called(Some(CALLER));
    let span_id = call.request_id.span_id();
    traces.bench.run(&mut call).await.unwrap_err();
    let spans: Vec<_> = traces.spans.drain(9).collect();
    let [attempt, call] = &*spans else { panic!("two spans: {spans:?}") };
    assert_eq!(call.trace.to_string(), CALLER, "the call is below the caller");
    assert_eq!(attempt.trace, call.trace.below(span_id), "and the attempt below the call");
    assert_eq!((call.id, traces.told()), (span_id, vec![attempt.trace.below(attempt.id).to_string()]));
    assert_eq!((attempt.outcome, attempt.status), ("unavailable", Some(503)));
    assert!(attempt.took <= call.took && attempt.ended <= call.ended);
    assert!(matches!(attempt.of, SpanOf::Attempt { number: 1, .. }));
}

#[tokio::test]
async fn each_attempt_of_a_call_has_a_span_of_its_own() {
    let traces = Traces::new(1.0, []);
    let mut call = called(None);
    for attempt in 1..=3 {
        call.attempt = attempt;
        traces.bench.run(&mut call).await.unwrap();
    }
    let attempts: Vec<_> =
        traces.spans.drain(9).filter(|span| matches!(span.of, SpanOf::Attempt { .. })).collect();
    let own: Vec<_> = attempts.iter().map(|span| span.trace.below(span.id).to_string()).collect();
    assert_eq!(traces.told(), own);
    assert!(own[0] != own[1] && own[1] != own[2] && own[0] != own[2], "{own:?}");
}

#[tokio::test]
async fn what_is_not_recorded_leaves_nothing_and_the_service_hears_that_it_is_not() {
    let not_sampled = CALLER.replace("-01", "-00");
    for (share, caller) in [(0.0, None), (1.0, Some(&*not_sampled))] {
        let traces = Traces::new(share, []);
        let mut call = called(caller);
        let digits = call.request_id.to_string().replace('-', "");
        traces.bench.run(&mut call).await.unwrap();
        let trace = if caller.is_some() { TRACE } else { &*digits };
        assert_eq!(traces.told(), [format!("00-{trace}-{}-00", &digits[16..])]);
        assert!(traces.spans.drain(9).next().is_none());
    }
}

#[tokio::test]
async fn another_trace_that_the_operation_names_itself_stays() {
    let other = format!("00-{}-00f067aa0ba902b7-01", TRACE.replace('4', "5"));
    for own in ["own", &other] {
        let traces = Traces::new(1.0, []);
        let request = HttpRequest::get("/").header(PARENT, HeaderValue::from_str(own).unwrap());
        traces.bench.call(request).await.unwrap();
        assert_eq!(traces.told(), [own]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_is_given_up_is_a_timeout_if_its_time_was_up_and_otherwise_cancelled() {
    let traces = Traces::new(1.0, [Step::Hangs, Step::Hangs, Step::Fails(Kind::Protocol, Outcome::Unknown)]);
    traces.bench.get().await.unwrap_err();
    assert!(traces.bench.get().now_or_never().is_none());
    traces.bench.get().await.unwrap_err();
    let errors = traces.spans.drain(9).filter(|span| matches!(span.of, SpanOf::Attempt { .. }));
    assert_eq!(errors.map(|span| span.outcome).collect::<Vec<_>>(), ["timeout", "cancelled", "protocol"]);
    for error in ["timeout", "cancelled", "protocol"] {
        assert!(traces.counts(&format!("http_request_method=\"GET\",error_type=\"{error}\"")));
    }
}

#[tokio::test]
async fn a_method_that_is_not_known_is_other_and_a_query_has_no_status() {
    let traces = Traces::new(1.0, []);
    traces.bench.call(HttpRequest::new(Method::from_bytes(b"PURGE-7f3a").unwrap(), "/")).await.unwrap();
    let at = "server_address=\"a.example\",server_port=\"443\",http_response_status_code=\"200\"";
    assert!(traces.counts(&format!("http_request_method=\"_OTHER\",{at}")));
    let query = Query::new("select 1").read_only();
    let mut call = Call::new(IntegrationId::new("a").unwrap(), query);
    traces.bench.run(&mut call).await.unwrap();
    let text = traces.metrics.render();
    assert!(text.contains("db_client_operation_duration_seconds_count{"), "{text}");
    let statuses: Vec<_> = traces.spans.drain(9).map(|span| span.status).collect();
    // Attempt and call, twice.
    assert_eq!(statuses, [Some(200), Some(200), None, Some(200)]);
}
