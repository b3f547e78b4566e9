//! The real binary on real sockets: what people who run Trunkline and those who attack it meet.

mod activity;
mod call;
mod commands;
mod crash;
mod egress;
mod file;
mod gate;
mod harness;
mod json;
mod limits;
mod log;
mod operations;
mod proxy;
mod resource;
mod secrets;
mod seed;
mod shutdown;
mod start;
