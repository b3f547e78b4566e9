//! What calls and integrations take of memory, counted by the allocator.
//!
//! `cargo bench -p trunkline --bench footprint`. Apart from `pipeline`, because counting takes time. How
//! many boxes the layers take is pinned by `tests/allocations.rs`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints and may fail")]

mod common;

use allocation_counter::measure;
use trunkline::{Manager, Source};

use common::{Bare, library, peer, runtime, usual};

/// Calls that are counted; the one that opens the connection is not.
const CALLS: u64 = 1_000;

fn calls() {
    let (address, runtime) = (peer(), runtime());
    let (bare, manager) = (Bare::new(address), library(&runtime, address));
    let mut counted = Vec::new();
    let bare = || runtime.block_on(bare.get());
    let whole = || runtime.block_on(common::get(&manager));
    for call in [&bare as &dyn Fn(), &whole] {
        call();
        counted.push(measure(|| (0..CALLS).for_each(|_| call())).count_total / CALLS);
    }
    println!("a GET over loopback: bare client {} allocations, library {}", counted[0], counted[1]);
}

fn integrations() {
    println!("an integration with a key, a header and a timeout (target: at most 4096 bytes)");
    for count in [10, 1_000, 10_000] {
        // Its own, so that nothing of the round before is given back within this one.
        let runtime = runtime();
        let configs: Vec<_> = (0..count).map(usual).collect();
        let manager = runtime.block_on(Manager::builder().build()).unwrap();
        let taken = measure(|| runtime.block_on(manager.set_source(Source::File, &configs)).unwrap());
        println!("  {} bytes each of {count}", taken.bytes_current / i64::try_from(count).unwrap());
    }
}

fn main() {
    calls();
    integrations();
}
