//! Adding: a vendor whose key is wrong and right, any service by its protocol, and all of it by keyboard.

use trunkline_testkit::{Httpbin, Localstripe};

use super::spec::{begin, passes};

/// The manifest of Stripe, for a Stripe that runs here.
fn stripe_at(url: &str) -> String {
    let manifest = include_str!("../../../connectors/catalog/stripe.yaml");
    assert!(manifest.contains("https://api.stripe.com"));
    manifest.replace("https://api.stripe.com", url)
}

#[tokio::test]
async fn integrations_are_added_by_vendor_by_protocol_and_by_keyboard() {
    let (stripe, service) = (Localstripe::start(), Httpbin::start());
    let mut begin = begin()
        .allow_at(service.address())
        .allow_at(stripe.url().trim_start_matches("http://").parse().unwrap());
    let folder = begin.home().join("connectors");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("stripe.yaml"), stripe_at(&stripe.url())).unwrap();
    let config = begin.file("trunkline.yaml", &format!("server: {{connectors: '{}'}}\n", folder.display()));
    begin = begin.arg("--config").arg(config.display().to_string());
    let server = begin.start().await;
    passes(&server, "add", &[("HTTPBIN_URL", &service.url(""))]).await;
}
