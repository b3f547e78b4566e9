//! Configuring: what is saved, and two people who change one integration at the same time.

use trunkline_testkit::Httpbin;

use super::spec::{begin, passes};

#[tokio::test]
async fn a_configuration_is_changed_and_nobody_is_overwritten_unasked() {
    let service = Httpbin::start();
    let server = begin().allow_at(service.address()).start().await;
    passes(&server, "configure", &[("HTTPBIN_URL", &service.url(""))]).await;
}
