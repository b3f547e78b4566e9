//! The stages of the pipeline around every call, one per file. Their order is not decided here but in
//! one place of the `trunkline` crate.

mod activity;
mod authenticate;
mod cache;
mod deadline;
mod metrics;
mod observe;
mod timeout;

pub use activity::{Record, Recorder};
pub use authenticate::Authenticate;
pub use cache::{Cache, CacheConfig, CacheScope, CacheStore};
pub use deadline::Deadline;
pub use metrics::{CallMetrics, Metrics};
pub use observe::Observe;
pub use timeout::Timeout;
