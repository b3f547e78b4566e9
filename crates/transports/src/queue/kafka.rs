//! Apache Kafka, spoken over connections of our own: a client library dials wherever a broker sends it, past the egress
//! guard, and its futures cannot be given up half way.

mod cluster;
mod codec;
mod codes;
mod compression;
mod fetch;
mod messages;
mod offsets;
mod producer;
mod records;
mod scram;
mod target;
#[cfg(test)]
mod tests;
mod wire;
