//! What the transports of databases share: for now the scanner of statements.

#[cfg_attr(not(test), expect(dead_code, reason = "the transports that scan statements come next"))]
mod scan;
