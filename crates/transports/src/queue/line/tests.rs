//! How long calls wait for a broker that ends each connection at once.

use std::{convert::Infallible, time::Duration};

use serde_json::Value;
use trunkline_core::{Egress, Message, Profile, Proof};

use super::*;
use crate::queue::broker::{Consumer, Delivered, Delivery, Fate, Receipt, Subscription};

/// A broker that lets everybody in and hangs up.
#[derive(Debug)]
struct Fickle;

impl Broker for Fickle {
    type Link = ();
    type Consumer = Infallible;

    const SYSTEM: &'static str = "fickle";

    async fn connect(&self, _: &Context, _: &Login) -> Result<()> {
        Ok(())
    }

    fn is_alive(&self, (): &()) -> bool {
        false
    }

    fn check(&self, _: &Message) -> Result<()> {
        Ok(())
    }

    async fn publish(&self, (): &(), _: &[Message], _: Instant) -> Vec<Result<Receipt>> {
        Vec::new()
    }

    async fn ask(&self, (): &(), message: &Message, _: Delivered<'_>) -> Result<Message> {
        Ok(message.clone())
    }

    async fn consume(&self, _: &Arc<()>, _: &Subscription) -> Result<Infallible> {
        Err(Error::invalid("nobody reads"))
    }

    async fn proof(&self, (): &()) -> Result<Proof> {
        Ok(Proof::ANSWERED)
    }

    async fn schema(&self, (): &()) -> Result<Value> {
        Ok(Value::Null)
    }
}

impl Consumer for Infallible {
    type Mark = ();

    async fn fetch(&self, _: u32, _: Instant) -> Result<Vec<Delivery<()>>> {
        match *self {}
    }

    async fn settle(&self, (): &(), _: Fate) -> Result<()> {
        match *self {}
    }
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_a_broker_that_hangs_up_after_each_login() {
    let context = Context::new(Arc::new(Egress::new(Profile::Lab, &[]).unwrap()));
    let line = Line::new(Arc::new(Fickle), Login::default(), Duration::from_secs(10));
    let (began, mut refused) = (Instant::now(), 0_u32);
    while began.elapsed() < Duration::from_secs(600) {
        let asked = Instant::now();
        if let Err(error) = line.link(&context, None).await {
            assert_eq!((error.kind(), error.outcome()), (Kind::Unavailable, Outcome::NotSent), "{error}");
            assert!(error.wait().is_some_and(|wait| wait > PATIENCE), "{error:?}");
            assert!(error.message().contains("ended a connection"), "{error}");
            refused += 1;
        }
        assert!(asked.elapsed() <= PATIENCE, "it took {:?}", asked.elapsed());
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    let (_, opened) = line.read();
    // Pauses grow to half a minute.
    assert!(refused > 100 && (10..200).contains(&opened), "{refused} were refused, {opened} opened");
}
