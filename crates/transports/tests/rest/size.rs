//! What a call costs in memory while it waits.

use trunkline_core::{Call, HttpRequest, IntegrationId, Transport};

use crate::common::Service;

/// Up to this, glibc's malloc answers from a list of its thread; beyond it, it searches.
const QUICK: usize = 1032;

#[test]
fn the_future_of_an_attempt_is_small_enough_for_a_quick_allocation() {
    let service = Service::new("http://localhost", serde_json::json!({}));
    let mut call = Call::new(IntegrationId::new("a").unwrap(), HttpRequest::get("/"));
    let attempt = Transport::call(&service.rest, &service.context, &mut call);
    assert!(size_of_val(&attempt) <= QUICK, "{} bytes", size_of_val(&attempt));
}
