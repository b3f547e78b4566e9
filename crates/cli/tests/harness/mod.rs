//! What every module stands on: a server process, a client that hides nothing, and the command line.

mod browser;
mod client;
mod command;
mod driver;
mod held;
mod server;

pub(crate) use browser::Browser;
pub(crate) use client::{Answer, connect, exchange};
pub(crate) use command::Ran;
pub(crate) use driver::Driver;
pub(crate) use held::Held;
pub(crate) use server::{Begin, Server};

use std::{future::Future, time::Duration};

/// Nothing in these tests takes longer unless it is broken.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks again and again until the answer is there.
pub(crate) async fn until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let asked = async {
        loop {
            if let Some(found) = ask().await {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}

/// A wait that has an end.
pub(crate) async fn within<F: Future>(what: &str, future: F) -> F::Output {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited in vain for {what}"))
}
