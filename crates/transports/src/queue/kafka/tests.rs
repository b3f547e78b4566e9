//! Against real brokers.

mod real;
