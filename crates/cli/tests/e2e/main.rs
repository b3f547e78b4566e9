//! The real binary on real sockets: what people who run Trunkline and those who attack it meet.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should fail at once")]
#![allow(clippy::needless_pass_by_value, reason = "the answer of a peer is a function of what it received")]

mod activity;
mod backup;
mod cache;
mod call;
mod commands;
mod connect;
mod connections;
mod connector;
mod connectors;
mod crash;
mod custom;
mod database;
mod driver;
mod echo;
mod egress;
mod file;
mod files;
mod flow;
mod gate;
#[path = "../harness/mod.rs"]
mod harness;
mod hooks;
mod http2;
mod httpbin;
mod idempotency;
mod json;
mod keys;
mod limits;
mod log;
mod moto;
mod mtls;
mod oidc;
mod operations;
#[cfg(target_os = "linux")]
mod overload;
mod pages;
mod precedence;
mod proxy;
mod queue;
mod reserve;
mod resource;
mod scripted;
mod secrets;
mod seed;
mod shared;
mod shutdown;
mod sign;
mod start;
#[cfg(target_os = "linux")]
mod storage;
mod stream;
mod telemetry;
mod tokens;
mod trace;
mod trial;
mod ui;
mod yoga;
