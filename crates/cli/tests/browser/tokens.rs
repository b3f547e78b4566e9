//! API tokens of programs, made and revoked under Settings.

use super::spec::{begin, passes};

#[tokio::test]
async fn a_token_is_made_seen_once_and_revoked() {
    let server = begin().start().await;
    passes(&server, "tokens", &[]).await;
}
