//! The stages of the pipeline around every call, one per file. Their order is not decided here but in
//! one place of the `trunkline` crate.

mod activity;
mod answer;
mod attempt;
mod authenticate;
mod breaker;
mod cache;
mod concurrency;
mod deadline;
mod errors;
mod metrics;
mod observe;
mod rate_limit;
mod retry;
mod spans;
#[cfg(test)]
mod testing;
mod timeout;
mod traffic;
mod window;

pub use activity::{Record, Recorder};
pub use attempt::Attempt;
pub use authenticate::{Authenticate, Expired, ExpiredWhen};
pub use breaker::{Breaker, BreakerConfig, BreakerState, Circuit, Thresholds};
pub use cache::{Cache, CacheConfig, CacheScope, CacheState, CacheStore};
pub use concurrency::{Bound, Capacity, Concurrency, ConcurrencyConfig, ConcurrencyState};
pub use deadline::Deadline;
pub use errors::{Errors, ErrorsConfig, Judge};
pub use metrics::{CallMetrics, Metrics};
pub use observe::Observe;
pub use rate_limit::{
    HeaderNames, LimitConfig, LimitState, Limiter, RateLimit, RateLimitConfig, RateLimitState, Rules,
};
pub use retry::{Budget, Policy, Retry, RetryConfig};
pub use spans::{Sampler, Service, Span, SpanOf, Spans};
pub use timeout::Timeout;
pub use traffic::{Traffic, TrafficState};
