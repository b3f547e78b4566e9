//! Settings: how it looks, and which version runs.

use super::spec::{begin, passes};

#[tokio::test]
async fn the_theme_stays_and_the_version_is_said() {
    let server = begin().start().await;
    passes(&server, "settings", &[]).await;
}
