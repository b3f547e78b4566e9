//! The library: a manager with one integration, with all layers that are on unless configured otherwise.

use std::hint::black_box;

use lapin::{
    Channel,
    options::QueueDeclareOptions,
    types::{AMQPValue, FieldTable},
};
use serde_json::json;
use trunkline::{Call, Egress, IntegrationConfig, Manager, Message, Profile, Publish};

use crate::{BODY, QUEUE, client::answer};

/// Messages that the queue keeps: the oldest give way, for nobody reads them.
const KEPT: i64 = 10_000;

/// Makes the queue.
pub(crate) async fn declare(channel: &Channel) {
    let mut arguments = FieldTable::default();
    arguments.insert("x-max-length".into(), AMQPValue::LongLongInt(KEPT));
    let options = QueueDeclareOptions::default();
    channel.queue_declare(QUEUE.into(), options, arguments).await.unwrap();
}

/// Sends as it is told.
pub(crate) fn serve(url: &str) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let mut config = json!({ "integration_id": "bench", "type": "message_queue", "base_url": url });
    if url.starts_with("amqp") {
        config["declare"] = json!({ QUEUE: { "transient": true, "arguments": { "x-max-length": KEPT } } });
    }
    let (manager, handle) = runtime.block_on(async {
        let manager =
            Manager::builder().egress(Egress::new(Profile::Lab, &[]).unwrap()).build().await.unwrap();
        manager.register(IntegrationConfig::from_json(config).unwrap()).await.unwrap();
        let handle = manager.get("bench").unwrap();
        (manager, handle)
    });
    // As the others send it; only RabbitMQ knows of messages that it need not write down.
    let transient = url.starts_with("amqp");
    let message = Message { transient, ..Message::bytes(QUEUE, vec![b'x'; BODY]) };
    answer(|size| {
        let publish = match size {
            1 => Publish::new(message.clone()),
            _ => Publish::batch(vec![message.clone(); size]),
        };
        let mut call = Call::new(handle.id().clone(), publish);
        let reply = runtime.block_on(async { handle.call(&mut call).await.unwrap().bytes().await.unwrap() });
        black_box(reply);
        1
    });
    drop(manager);
}
