//! The list: nothing yet, cards, what is turned off and on again, what a search finds, and a server that is away.

use trunkline_testkit::Httpbin;

use super::spec::{begin, passes};

#[tokio::test]
async fn integrations_are_listed_found_and_switched() {
    let service = Httpbin::start();
    let server = begin().allow_at(service.address()).start().await;
    passes(&server, "list", &[("HTTPBIN_URL", &service.url(""))]).await;
}
