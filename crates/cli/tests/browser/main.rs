//! The web UI as people use it: the real binary and real services, in Chromium. What is clicked stands in `web/e2e/`.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]

#[allow(dead_code, unused_imports, reason = "the tests of the API need more of it")]
#[path = "../harness/mod.rs"]
mod harness;

/// In one module, so that `scripts/test.sh` can leave all out by name where there is no Chromium.
#[path = "."]
mod browser {
    mod activity;
    mod add;
    mod configure;
    mod connect;
    mod connections;
    mod deep;
    mod driver;
    mod keys;
    mod limits;
    mod list;
    mod open;
    mod overview;
    mod pages;
    mod service;
    mod settings;
    mod spec;
    mod tokens;
    mod try_it;
    mod types;
    mod webhooks;
}
