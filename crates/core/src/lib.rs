//! The vocabulary of Trunkline: small closed types that everyone speaks, and the traits that open
//! sets (transports, schemes, layers) plug into.
//!
//! | closed | open |
//! |---|---|
//! | [`Operation`], [`Reply`], [`Body`], [`Credential`], [`Kind`], [`Error`] | [`Transport`], [`Scheme`], [`Layer`], [`SharedLimits`], [`Web`], [`Vault`], [`Consent`] |
//!
//! Nothing in this crate performs I/O.

mod body;
mod cache_status;
mod call;
mod clock;
mod consent;
mod context;
mod credential;
pub mod egress;
mod error;
mod event;
pub mod exact;
mod fingerprint;
mod hops;
mod http_request;
mod id;
mod idle;
mod kind;
mod layer;
mod occupancy;
mod operation;
pub mod parse;
pub mod part;
mod partial;
mod proof;
mod publish;
mod query;
mod receive;
mod reply;
mod request_id;
pub mod retry_after;
mod scheme;
mod scrub;
mod seconds;
mod secret;
pub mod shared_limits;
mod trace;
mod transport;
mod tries;
mod unique;
mod vault;
mod web;
mod witness;

pub use body::{Body, BodyStream};
pub use cache_status::{CacheStatus, Forward};
pub use call::Call;
pub use clock::now_ms;
pub use consent::{Begun, Consent, ConsentState, DeviceCode, Standing};
pub use context::Context;
pub use credential::{Credential, Form, Sign, WireRequest};
pub use egress::{Egress, Profile, Zone};
pub use error::{Error, Outcome, Result};
pub use event::{Event, Events};
pub use fingerprint::Fingerprint;
pub use hops::Hops;
pub use http_request::HttpRequest;
pub use id::IntegrationId;
pub use idle::Idle;
pub use kind::{Blame, BreakerEffect, Kind, Retry, Row};
pub use layer::{Layer, Next, Pipeline, Rest};
pub use occupancy::{Lag, Messages, Occupancy, Streams};
pub use operation::{Idempotency, Operation};
pub use proof::Proof;
pub use publish::{Message, Publish};
pub use query::{File, Query, Statement, Wanted};
pub use receive::{Ack, Receive, Settled, Settlement, Start, Verdict};
pub use reply::Reply;
pub use request_id::RequestId;
pub use scheme::{Journal, Scheme, SchemeDyn, Site};
pub use scrub::Scrub;
pub use seconds::Seconds;
pub use secret::{Exposed, MASK, Secret, is_sensitive_name};
pub use shared_limits::{Counted, SharedLimits};
pub use trace::TraceParent;
pub use transport::{Transport, TransportDyn};
pub use tries::{Trail, Tries, Try};
pub use vault::{Kept, Vault};
pub use web::Web;
pub use witness::{Passage, Stage, Witness};

/// The boxed future that the object-safe sides of the traits return.
pub use futures_util::future::BoxFuture;
