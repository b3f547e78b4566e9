//! Trying integrations by hand: REST, SQL, GraphQL and queues, streams, and commands that are copied and run.

use std::path::Path;

use trunkline_testkit::{Httpbin, Yoga};

use super::spec::{begin, passes};

#[tokio::test]
async fn requests_of_every_type_are_written_sent_and_copied() {
    let (service, graphql) = (Httpbin::start(), Yoga::start());
    let server = begin().allow_at(service.address()).allow_at(graphql.address()).start().await;
    let command = Path::new(env!("CARGO_BIN_EXE_trunkline"));
    let folder = command.parent().unwrap().display().to_string();
    let env = [
        ("HTTPBIN_URL", &*service.url("")),
        ("GRAPHQL_URL", &*graphql.url("/graphql")),
        ("TRUNKLINE_FOLDER", &*folder),
    ];
    passes(&server, "try-requests", &env).await;
}
