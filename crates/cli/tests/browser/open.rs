//! A server that asks for no token, as one that is tried on a desk.

use super::spec::passes;
use crate::harness::Server;

#[tokio::test]
async fn a_server_that_asks_for_no_token_opens_at_once_and_says_so() {
    let server = Server::begin().start().await;
    passes(&server, "open", &[]).await;
}
